"""The brokers that compare.py can start, by name. Peers of other makes are built when they are first asked
for, from their registries by name and version: `bench/peers/`. What was built stays in `build/peers`."""

import os
import shutil
import subprocess

from brokers import PEERS, ROOT, UNLIMITED, Failed, start_keepmq, start_mosquitto, start_program

BUILT = ROOT / "build/peers"


def _run(name, words, folder, **environment):
    BUILT.mkdir(parents=True, exist_ok=True)
    if shutil.which(words[0]) is None:
        raise Failed(f"{name} was not built: there is no {words[0]}")
    done = subprocess.run(["nice", *map(str, words)], cwd=folder, env=os.environ | environment, capture_output=True,
                          text=True, check=False)
    if done.returncode != 0:
        raise Failed(f"{name} was not built: {' '.join(map(str, words[:2]))} said\n{done.stderr.strip()[-1500:]}")


def build_mochi():
    program = BUILT / "mochi"
    _run("mochi", ["go", "build", "-trimpath", "-buildvcs=false", "-o", program, "."], PEERS / "mochi")
    return program


def build_rumqttd():
    _run("rumqttd", ["cargo", "build", "--release", "--locked", "--quiet"], PEERS / "rumqttd",
         CARGO_TARGET_DIR=str(BUILT / "cargo"))
    return BUILT / "cargo/release/keepmq-bench-rumqttd"


class Peer:
    """How a broker is started, always anew: no measurement sees the memory of another one. `prepare` may build;
    it raises Failed when the broker cannot be had."""

    def __init__(self, title, start, prepare=None):
        self.title, self._start, self._prepare, self._program = title, start, prepare, None

    def prepare(self):
        if self._prepare is not None and self._program is None:
            self._program = self._prepare()

    def start(self, options, folder, log):
        return self._start(options, folder, log, self._program)


def _keepmq(plugins):
    def start(options, folder, log, _):
        return start_keepmq(options.binary, folder, "keepmq", [f"plugins.loaded={plugins}", *UNLIMITED], log)

    return start


def _floor(options, _, log, __):
    program = options.binary.parent / "floor_relay"
    if not os.access(program, os.X_OK):
        raise Failed(f"no {program}: tools/ci/build.sh release floor_relay")
    return start_program("floor", program, log)


PEERS_BY_NAME = {
    "mosquitto": Peer("mosquitto", lambda options, folder, log, _: start_mosquitto(folder, log)),
    "mochi": Peer("mochi-mqtt", lambda options, folder, log, program: start_program("mochi", program, log),
                  build_mochi),
    "rumqttd": Peer("rumqttd", lambda options, folder, log, program: start_program("rumqttd", program, log),
                    build_rumqttd),
    "keepmq": Peer("KeepMQ", _keepmq("")),
    "keepmq-sqlite": Peer("KeepMQ, all stored in SQLite", _keepmq("emqx_backend_sqlite")),
    "floor": Peer("floor", _floor),
}
