"""Brokers under measurement, and the load that `keepmq bench` puts on them."""

import json
import os
import pathlib
import shutil
import signal
import socket
import statistics
import subprocess
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
BINARY = ROOT / "build/release/bin/keepmq"
TICKS = os.sysconf("SC_CLK_TCK")
WARM_UP = 0.3


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def cpu_seconds(pid, reaped=False):
    """What a process has used; `reaped`: also its children that have ended."""
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return sum(map(int, fields[11:15 if reaped else 13])) / TICKS


class Broker:
    """A broker process on one port, stopped by its own pid."""

    def __init__(self, name, command, port, log):
        self.name, self.port = name, port
        self.process = subprocess.Popen(command, stdout=log, stderr=log, stdin=subprocess.DEVNULL)
        deadline = time.monotonic() + 10
        while True:
            try:
                socket.create_connection(("127.0.0.1", port), 0.2).close()
                return
            except OSError:
                if self.process.poll() is not None or time.monotonic() > deadline:
                    self.stop()
                    raise SystemExit(f"{name} did not start:\n{pathlib.Path(log.name).read_text()[-2000:]}")
                time.sleep(0.02)

    def cpu(self):
        return cpu_seconds(self.process.pid)

    def rss_megabytes(self):
        for line in pathlib.Path(f"/proc/{self.process.pid}/status").read_text().splitlines():
            if line.startswith("VmRSS"):
                return int(line.split()[1]) / 1024
        return 0.0

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
    command = [binary, "start", "-c", str(etc / "keepmq.conf"), "--set", f"listener.tcp.external=127.0.0.1:{port}",
               "--set", "dashboard.listener.http=127.0.0.1:0", "--set", "log.level=warning"]
    for each in extra:
        command += ["--set", each]
    return Broker(name, command, port, log)


def start_mosquitto(folder, log):
    program = shutil.which("mosquitto") or "/usr/sbin/mosquitto"
    if not os.path.exists(program):
        raise SystemExit("mosquitto is not installed: tools/install.sh test")
    port = free_port()
    conf = folder / "mosquitto.conf"
    conf.write_text(f"listener {port} 127.0.0.1\nallow_anonymous true\nmax_queued_messages 0\nmax_inflight_messages 1000\n")
    return Broker("mosquitto", [program, "-c", str(conf)], port, log)


def run_load(binary, broker, arguments, seconds, warm_up=WARM_UP):
    """The report of `keepmq bench pub`, and the CPU seconds of the broker, warm-up included."""
    before = broker.cpu()
    out = subprocess.run(
        [binary, "bench", "pub", "--port", str(broker.port), "--seconds", str(seconds), "--warm-up", str(warm_up),
         "--json", *arguments], check=True, capture_output=True, text=True, timeout=60 + 10 * seconds).stdout
    return json.loads(out), broker.cpu() - before


def median(rounds, key):
    return statistics.median(each[key] for each in rounds)
