"""What all servers have in common: a folder, a port, a process."""

import json
import os
import pwd
import random
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from pathlib import Path

from lib.servers.certificates import Certificates
from lib.servers.process import Process, die_with_parent

HOST = "127.0.0.1"
LONGEST_HOME = 80  # characters; the path of a unix socket may have 107
INSTALL = "run tools/install.sh test"


class Missing(RuntimeError):
    """A program that is needed is not installed."""


def program(name, package, folders=()):
    """Path of a program."""
    path = shutil.which(name, path=os.pathsep.join([*map(str, folders), os.environ.get("PATH", ""), "/usr/sbin"]))
    if path is None:
        raise Missing(f"{name} is missing: {INSTALL}, or install the package {package}")
    return path


def free_port(apart=0):
    """A port that is free now, and so is the one `apart` from it. Not one that the system gives to clients: while a
    server is down, somebody's connection would take it."""
    first_of_clients = int(Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split()[0])
    end = first_of_clients if first_of_clients >= 30_000 else 65_536  # where clients get nearly all
    while True:
        port = random.randrange(10_000, end - apart)
        with socket.socket() as first, socket.socket() as second:
            try:
                first.bind((HOST, port))
                if apart:
                    second.bind((HOST, port + apart))
            except OSError:
                continue
            return port


def is_reachable(folder):
    return all(each.stat().st_mode & 0o001 for each in (folder, *folder.parents))


class Server:
    """One server process on 127.0.0.1. `folder` keeps its log, and its data where that is possible.
    `state_file`: the server outlives this program; attach() finds it again by this file."""

    user = None  # runs as this one when we are root
    stop_signal = signal.SIGTERM
    patience = 60.0
    host = HOST

    def __init__(self, folder, port=0, tls=False, state_file=None):
        self.folder = Path(folder).resolve()
        self.folder.mkdir(parents=True, exist_ok=True)
        self.log_file = self.folder / "server.log"
        self.port = port
        self.tls = tls
        self.state_file = state_file
        self.home = None  # of data, sockets and certificates
        self.certificates = None
        self.process = None

    # --- what a kind of server says about itself

    def prepare(self):
        """Makes the data folder in self.home."""

    def command(self):
        """Program and arguments."""
        raise NotImplementedError

    def probe(self):
        """Raises an exception as long as the server does not answer."""
        raise NotImplementedError

    def set_up(self):
        """Runs after the first start."""

    # --- process

    @property
    def run_as(self):
        return self.user if os.geteuid() == 0 else None

    @property
    def address(self):
        return f"{self.host}:{self.port}"

    def is_running(self):
        return self.process is not None and self.process.is_alive()

    def start(self):
        """Until it answers. One that runs is only resumed."""
        if self.is_running():
            self.resume()
            return self
        first = self.home is None
        if first:
            self._settle()
            self.prepare()
        chosen = self.port == 0
        for attempts_left in (2, 1, 0):
            if chosen:
                self.port = self.choose_port()
            self.process = Process.launch(self.command(), self.log_file, self.run_as,
                                          outlive=self.state_file is not None)
            self._save()
            if self._is_ready():
                break
            # Another program may have taken the port meanwhile.
            if not (chosen and attempts_left):
                raise AssertionError(f"{type(self).__name__} did not start:\n{self.log()[-4000:]}")
        if first:
            self.set_up()
        self._save(ready=True)
        return self

    def choose_port(self):
        return free_port()

    def stop(self):
        if self.process is not None:
            self.process.stop(self.stop_signal, 30)

    def kill(self):
        if self.process is not None:
            self.process.kill()

    def restart(self):
        """Starts again with the same data on the same port."""
        self.stop()
        return self.start()

    def pause(self):
        """The server stays connected and does not answer."""
        self.process.pause()

    def resume(self):
        self.process.resume()

    def remove(self):
        """Ends the server and removes what it wrote."""
        self.kill()
        if self.home is not None:
            shutil.rmtree(self.home, ignore_errors=True)
        shutil.rmtree(self.folder, ignore_errors=True)
        if self.state_file is not None:
            Path(self.state_file).unlink(missing_ok=True)

    def log(self):
        return self.log_file.read_text(errors="replace") if self.log_file.exists() else ""

    def run(self, *words):
        """Runs a tool of the server as its user."""
        as_user = {"user": self.run_as, "group": self.run_as, "extra_groups": []} if self.run_as else {}
        done = subprocess.run(list(map(str, words)), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                              cwd="/", check=False, timeout=self.patience, preexec_fn=die_with_parent, **as_user)
        assert done.returncode == 0, f"{words[0]} ended with {done.returncode}:\n{done.stdout}"
        return done.stdout

    def own(self, path):
        """Gives a file or folder to the user of the server."""
        if self.run_as:
            shutil.chown(path, self.run_as, self.run_as)
        return path

    # --- for a program that finds the server again

    def attach(self):
        """Finds what the state file says; returns whether it was started to the end."""
        state = json.loads(Path(self.state_file).read_text())
        self.home = Path(state["home"])
        self.port = state["port"]
        if state["pid"] is not None:
            self.process = Process(state["pid"], state["started"])
        return state["ready"]

    def _save(self, ready=False):
        if self.state_file is None:
            return
        state = {"home": str(self.home), "port": self.port, "pid": self.process and self.process.pid,
                 "started": self.process and self.process.started, "ready": ready}
        draft = Path(f"{self.state_file}.new")
        draft.write_text(json.dumps(state) + "\n")
        draft.replace(self.state_file)

    # --- inside

    def _settle(self):
        """Chooses a home that the server's user can reach and where sockets can have a path."""
        if self.run_as:
            try:
                pwd.getpwnam(self.run_as)
            except KeyError:
                raise Missing(f"there is no user {self.run_as}: {INSTALL}") from None
        self.home = self.folder / "home"
        if len(str(self.home)) > LONGEST_HOME or (self.run_as and not is_reachable(self.folder)):
            self.home = Path(tempfile.mkdtemp(prefix="keepmq-server-", dir="/tmp"))
        else:
            shutil.rmtree(self.home, ignore_errors=True)
            self.home.mkdir()
        self._save()
        self.home.chmod(0o755)
        self.own(self.home)
        if self.tls:
            self.certificates = Certificates(self.home / "tls")
            for path in self.certificates.files():
                self.own(path)

    def _is_ready(self):
        deadline = time.monotonic() + self.patience
        while self.process.is_alive():
            try:
                self.probe()
                return True
            except Exception as problem:  # noqa: BLE001 - each driver has its own
                if time.monotonic() > deadline:
                    self.kill()
                    raise AssertionError(f"{type(self).__name__} does not answer: {problem}\n"
                                         f"{self.log()[-4000:]}") from problem
            time.sleep(0.02)
        return False
