"""Brokers under measurement, and the load that `keepmq bench` puts on them."""

import json
import os
import pathlib
import resource
import shutil
import signal
import socket
import statistics
import subprocess
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
PEERS = ROOT / "bench/peers"
BINARY = ROOT / "build/release/bin/keepmq"
TICKS = os.sysconf("SC_CLK_TCK")
WARM_UP = 0.3
UNLIMITED = ["zone.external.max_mqueue_len=100000000", "zone.external.max_mqueue_bytes=1000GB"]


class Failed(SystemExit):
    """A broker or a measurement, and why; ends the program if nobody goes on without it."""


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def cpu_seconds(pid, reaped=False):
    """What a process has used; `reaped`: also its children that have ended."""
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return sum(map(int, fields[11:15 if reaped else 13])) / TICKS


def allow_many_connections():
    """For the programs that are started from here. The number that is possible."""
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    return most if most != resource.RLIM_INFINITY else 1 << 30


class Broker:
    """A broker process on one port, stopped by its own pid."""

    def __init__(self, name, command, port, log):
        self.name, self.port = name, port
        begin = os.fstat(log.fileno()).st_size
        self.process = subprocess.Popen(list(map(str, command)), stdout=log, stderr=log, stdin=subprocess.DEVNULL)
        deadline = time.monotonic() + 10
        while True:
            try:
                socket.create_connection(("127.0.0.1", port), 0.2).close()
                return
            except OSError:
                if self.process.poll() is not None or time.monotonic() > deadline:
                    self.stop()
                    said = pathlib.Path(log.name).read_bytes()[begin:].decode(errors="replace").strip()[-2000:]
                    raise Failed(f"{name} did not start: {said or self.process.returncode}") from None
                time.sleep(0.02)

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


def start_keepmq(binary, folder, name, extra, log, plugins=None):
    """`extra`: settings; `plugins`: kind of backend -> text of its file."""
    etc = folder / name / "etc"
    shutil.copytree(ROOT / "etc", etc)
    for kind, text in (plugins or {}).items():
        (etc / "plugins" / f"emqx_backend_{kind}.conf").write_text(text)
    port = free_port()
    command = [binary, "start", "-c", etc / "keepmq.conf", "--set", f"listener.tcp.external=127.0.0.1:{port}",
               "--set", "dashboard.listener.http=127.0.0.1:0", "--set", "log.level=warning"]
    for each in extra:
        command += ["--set", each]
    return Broker(name, command, port, log)


def start_mosquitto(folder, log):
    program = shutil.which("mosquitto") or "/usr/sbin/mosquitto"
    if not os.path.exists(program):
        raise Failed("mosquitto is not installed: tools/install.sh test")
    port = free_port()
    conf = folder / "mosquitto.conf"
    conf.write_text((PEERS / "mosquitto.conf").read_text() + f"listener {port} 127.0.0.1\n")
    return Broker("mosquitto", [program, "-c", conf], port, log)


def start_program(name, program, log):
    """One that takes its port as its only argument."""
    port = free_port()
    return Broker(name, [program, port], port, log)


def bench(binary, broker, command, arguments, timeout):
    """The report of a command of `keepmq bench`, also when it missed something; what the broker used is in it."""
    words = [binary, "bench", command, "--port", broker.port, "--pid", broker.process.pid, "--json", "-", *arguments]
    try:
        done = subprocess.run(list(map(str, words)), capture_output=True, text=True, timeout=timeout, check=False)
        return json.loads(done.stdout)
    except subprocess.TimeoutExpired:
        raise Failed(f"{broker.name}: no end of `keepmq bench {command}` within {timeout:g} s") from None
    except ValueError:
        raise Failed(f"{broker.name}: {done.stderr.strip() or f'exit code {done.returncode}'}") from None


def run_load(binary, broker, arguments, seconds, warm_up=WARM_UP):
    """The report of `keepmq bench pub`, and the CPU seconds of the broker in the time that was measured."""
    report = bench(binary, broker, "pub", ["--seconds", seconds, "--warm-up", warm_up, *arguments], 60 + 10 * seconds)
    return report, report["broker"]["cpu_seconds"]


def median(rounds, key):
    return statistics.median(each[key] for each in rounds)
