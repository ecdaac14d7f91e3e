"""One broker: its folder, its process, its database, its admin interface."""

import json
import os
import re
import resource
import shutil
import signal
import sqlite3
import subprocess
import urllib.error
import urllib.request
from contextlib import closing, contextmanager
from pathlib import Path

from lib.wait import PATIENCE, until

ROOT = Path(__file__).resolve().parents[2]
SANITIZER = re.compile(r"Sanitizer|runtime error:|terminate called|Assertion")


def binary():
    given = os.environ.get("KEEPMQ_BIN")
    found = [given] if given else [ROOT / "build" / preset / "bin" / "keepmq" for preset in ("release", "dev")]
    for path in map(Path, found):
        if os.access(path, os.X_OK):
            return path.resolve()
    raise RuntimeError(f"no broker at {', '.join(map(str, found))}: build it or set KEEPMQ_BIN")


def clean_environment():
    """Without settings of the caller: KEEPMQ_<SECTION>__<KEY>."""
    return {name: value for name, value in os.environ.items()
            if not (name.startswith("KEEPMQ_") and "__" in name)}


class Broker:
    """`plugin`: text of emqx_backend_sqlite.conf, None for the shipped one, False for no plugin.
    `plugins`: kind of backend -> text of its file; these are loaded instead."""

    running = []  # all that were started, for the logs of a failed test

    def __init__(self, folder, plugin=None, settings=None, environment=None, plugins=None):
        self.folder = Path(folder)
        self.etc = self.folder / "etc"
        self.data = self.folder / "data"
        self.database = self.data / "keepmq.db"
        self.conf = self.etc / "keepmq.conf"
        self.plugin_conf = self.plugin_conf_of("sqlite")
        self.log_file = self.folder / "broker.log"
        self.environment = environment or {}
        self.largest_file = resource.RLIM_INFINITY  # bytes; stands in for a full disk
        self.process = None
        self.port = self.admin_port = 0
        self.ports = {}
        self.folder.mkdir(parents=True, exist_ok=True)
        shutil.copytree(ROOT / "etc", self.etc)
        self.settings = {"log.level": "debug", "broker.sys_interval": "0"}
        if os.environ.get("KEEPMQ_SHARDS"):
            self.settings["node.shards"] = os.environ["KEEPMQ_SHARDS"]
        if plugins is not None:
            for kind, text in plugins.items():
                self.write_plugin(text, kind)
            self.settings["plugins.loaded"] = ",".join(f"emqx_backend_{kind}" for kind in plugins)
        elif plugin is False:
            self.settings["plugins.loaded"] = ""
        elif plugin is not None:
            self.write_plugin(plugin)
        self.settings |= settings or {}

    def break_spool(self):
        """Nothing can be spooled: a file is where the folder should be. Before the start."""
        self.data.mkdir(parents=True, exist_ok=True)
        (self.data / "spool").write_text("in the way")

    # --- process

    def plugin_conf_of(self, kind):
        return self.etc / "plugins" / f"emqx_backend_{kind}.conf"

    def write_plugin(self, text, kind="sqlite"):
        path = self.plugin_conf_of(kind)
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)

    def command(self, verb, *arguments, **settings):
        words = [str(binary()), verb, *arguments, "-c", str(self.conf)]
        for key, value in (self.settings | settings).items():
            words += ["--set", f"{key}={value}"]
        return words

    def launch(self, same_ports=False):
        """Starts the process without waiting until it is ready."""
        ports_file = self.folder / "ports.json"
        ports_file.unlink(missing_ok=True)
        addresses = {
            "listener.tcp.external": f"127.0.0.1:{self.port if same_ports else 0}",
            "dashboard.listener.http": f"127.0.0.1:{self.admin_port if same_ports else 0}",
            "node.ports_file": ports_file,
        }
        self.settings = addresses | self.settings
        if same_ports:
            self.settings |= addresses
        with self.log_file.open("ab") as log:
            # Signals are not restored: SIGXFSZ stays ignored, so a file that is full is an error of write().
            self.process = subprocess.Popen(self.command("start"), stdout=log, stderr=log, cwd=self.folder,
                                            env=clean_environment() | self.environment, restore_signals=False)
        limits = (self.largest_file, resource.RLIM_INFINITY)
        resource.prlimit(self.process.pid, resource.RLIMIT_FSIZE, limits)
        if self not in Broker.running:
            Broker.running.append(self)
        return ports_file

    def limit_files(self, size):
        """From now on no file can grow beyond the size: a full disk. None: as large as they like."""
        limit = resource.RLIM_INFINITY if size is None else size
        resource.prlimit(self.process.pid, resource.RLIMIT_FSIZE, (limit, resource.RLIM_INFINITY))

    def start(self, same_ports=False):
        ports_file = self.launch(same_ports)
        until(lambda: ports_file.exists() or self.process.poll() is not None, "the broker to start", every=0.005)
        if not ports_file.exists():
            raise AssertionError(f"the broker ended with {self.process.returncode}:\n{self.log()}")
        found = json.loads(ports_file.read_text())
        self.ports = found["listeners"]
        self.port = next(iter(self.ports.values()), 0)
        self.admin_port = found["admin"]
        return self

    @property
    def address(self):
        return ("127.0.0.1", self.port)

    def signal(self, number):
        self.process.send_signal(number)

    def wait(self, timeout=PATIENCE):
        return self.process.wait(timeout)

    def stop(self):
        """Asks the broker to end; returns its exit code."""
        if self.process.poll() is None:
            self.signal(signal.SIGTERM)
        return self.wait(60)

    def kill(self):
        self.process.kill()
        self.process.wait()
        # What libmongoc leaves behind then: with thousands of them it complains when a number is used again.
        Path(f"/dev/shm/mongoc-{self.process.pid}").unlink(missing_ok=True)

    def restart(self, same_ports=False):
        """Starts again on the same data; a broker that still runs is stopped."""
        if self.process.poll() is None:
            assert self.stop() == 0, self.log()
        return self.start(same_ports)

    def close(self):
        """At the end of a test: nothing may be left running, nor said by a sanitizer."""
        if self.process is None:
            return
        died = self.process.poll()
        try:
            code = self.stop() if died is None else died
        except subprocess.TimeoutExpired:
            self.kill()
            raise AssertionError(f"the broker did not stop:\n{self.log()}") from None
        finally:
            Broker.running = [each for each in Broker.running if each is not self]
        complaint = SANITIZER.search(self.log())
        assert not complaint, f"{complaint.group()} in the log:\n{self.log()}"
        assert code in (0, -signal.SIGKILL) or died is not None, f"exit code {code}:\n{self.log()}"
        assert code >= 0 or code == -signal.SIGKILL, f"died of signal {-code}:\n{self.log()}"

    def log(self):
        return self.log_file.read_text(errors="replace") if self.log_file.exists() else ""

    def rss(self):
        """Resident memory in bytes."""
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        return int(re.search(r"VmRSS:\s+(\d+) kB", status).group(1)) * 1024

    def comparable(self, numbers, topics):
        """Numbers that one client sent to so many topics in turn. One shard keeps their order; several keep that
        of each topic, and only it is left here."""
        if self.settings.get("node.shards", 1) in (1, "1"):
            return list(numbers)
        return sorted(numbers, key=lambda number: int(number) % topics)

    # --- database

    def rows(self, statement, *values, database=None):
        uri = f"file:{database or self.database}?mode=ro"
        with closing(sqlite3.connect(uri, uri=True, timeout=PATIENCE)) as connection:
            return connection.execute(statement, values).fetchall()

    def value(self, statement, *values):
        return self.rows(statement, *values)[0][0]

    def execute(self, script, database=None):
        with closing(sqlite3.connect(database or self.database, timeout=PATIENCE)) as connection:
            connection.executescript(script)

    @contextmanager
    def locked(self, database=None):
        """Nobody else can write to the database meanwhile."""
        with closing(sqlite3.connect(database or self.database, timeout=PATIENCE, isolation_level=None)) as connection:
            connection.execute("begin immediate")
            yield
            connection.execute("rollback")

    # --- administration

    def run(self, verb, *arguments, **settings):
        """Another process of the program with the same configuration."""
        return subprocess.run(self.command(verb, *arguments, **settings), cwd=self.folder, timeout=60,
                              env=clean_environment(), capture_output=True, text=True, check=False)

    def ctl(self, *arguments):
        """Output of `keepmq ctl`; it must succeed."""
        done = self.try_ctl(*arguments)
        assert done.returncode == 0, (arguments, done.stdout, done.stderr)
        return done.stdout

    def try_ctl(self, *arguments):
        return self.run("ctl", *arguments, **{"dashboard.listener.http": f"127.0.0.1:{self.admin_port}"})

    def ctl_json(self, *arguments):
        return json.loads(self.ctl(*arguments, "--json"))

    def http(self, path, method="GET", body=None):
        """Status and text of an answer."""
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(f"http://127.0.0.1:{self.admin_port}{path}", data, method=method)
        try:
            with urllib.request.urlopen(request, timeout=PATIENCE) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode()

    def api(self, path, method="GET", body=None):
        """`data` of a good answer."""
        status, text = self.http("/api/v4" + path, method, body)
        assert status == 200, (path, status, text)
        return json.loads(text)["data"]

    def client(self, client_id):
        """The session of a client as the broker sees it; None if there is none."""
        status, text = self.http(f"/api/v4/sessions/{client_id}")
        return json.loads(text)["data"][0] if status == 200 else None

    def metrics(self):
        """Samples of /metrics: (name, labels) -> number."""
        samples = {}
        for line in self.http("/metrics")[1].splitlines():
            found = re.fullmatch(r"(\w+)(?:\{(.*)\})? (\S+)", line)
            if found and not line.startswith("#"):
                labels = re.findall(r'(\w+)="((?:[^"\\]|\\.)*)"', found.group(2) or "")
                samples[(found.group(1), tuple(labels))] = float(found.group(3))
        return samples

    def metric(self, name, **labels):
        """Sum of the samples that have these labels."""
        wanted = set(labels.items())
        return sum(value for (each, given), value in self.metrics().items()
                   if each == name and wanted <= set(given))

    def is_idle(self):
        """No write and no replay is under way. (The replay of a client that does not read is; and after the start
        nothing is known of a spool before it was looked at.)"""
        samples = self.metrics()
        return not any(value for (name, _), value in samples.items()
                       if name in ("keepmq_pool_queued", "keepmq_pool_spooled", "keepmq_spool_active",
                                    "keepmq_replays_open", "keepmq_shard_letters"))

    def settle(self, timeout=PATIENCE):
        until(self.is_idle, "the pools to be empty", timeout)
