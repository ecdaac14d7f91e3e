"""A process and its descendants, also when another program started it."""

import ctypes
import os
import signal
import subprocess
import time
from contextlib import suppress
from pathlib import Path

PR_SET_PDEATHSIG = 1
LIBC = ctypes.CDLL(None)


def stat_of(pid):
    """State, parent and start (in ticks since boot) of a process; None when there is none."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return None
    fields = text.rpartition(")")[2].split()
    return fields[0], int(fields[1]), int(fields[19])


def threads_of(pid):
    try:
        return len(list(Path(f"/proc/{pid}/task").iterdir()))
    except (FileNotFoundError, ProcessLookupError):
        return 0


def die_with_parent():
    LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


class Process:
    """Known by number and start, so that it is not mistaken for another that got its number."""

    def __init__(self, pid, started, child=None):
        self.pid = pid
        self.started = started
        self.child = child

    @classmethod
    def launch(cls, words, log, user=None, outlive=False):
        """`user`: run as this one; `outlive`: do not end with this program."""
        as_user = {"user": user, "group": user, "extra_groups": []} if user else {}
        with open(log, "ab") as output:
            child = subprocess.Popen(list(map(str, words)), stdin=subprocess.DEVNULL, stdout=output, stderr=output,
                                     cwd="/", start_new_session=True,
                                     preexec_fn=None if outlive else die_with_parent, **as_user)
        return cls(child.pid, stat_of(child.pid)[2], child)

    def is_alive(self):
        if self.child is not None:
            return self.child.poll() is None
        stat = stat_of(self.pid)
        # The first thread of a process may be gone while others still hold its files.
        return stat is not None and stat[2] == self.started and (stat[0] != "Z" or threads_of(self.pid) > 1)

    def signal(self, number):
        if self.is_alive():
            with suppress(ProcessLookupError):
                os.kill(self.pid, number)

    def wait(self, timeout):
        """Whether it ended in time."""
        deadline = time.monotonic() + timeout
        while self.is_alive():
            if time.monotonic() > deadline:
                return False
            time.sleep(0.005)
        return True

    def descendants(self):
        children = {}
        for entry in Path("/proc").iterdir():
            stat = stat_of(entry.name) if entry.name.isdigit() else None
            if stat is not None:
                children.setdefault(stat[1], []).append(Process(int(entry.name), stat[2]))
        found, unseen = [], [self]
        while unseen:
            mine = children.get(unseen.pop().pid, [])
            found += mine
            unseen += mine
        return found

    def pause(self):
        self.signal(signal.SIGSTOP)  # first: it starts no further ones then
        for each in self.descendants():
            each.signal(signal.SIGSTOP)

    def resume(self):
        for each in [*self.descendants(), self]:
            each.signal(signal.SIGCONT)

    def kill(self):
        self.signal(signal.SIGSTOP)
        family = [self, *self.descendants()] if self.is_alive() else []
        for each in family:
            each.signal(signal.SIGKILL)
        for each in family:
            each.wait(30)

    def stop(self, number, timeout):
        """Asks it to end; kills it when it does not."""
        self.resume()
        self.signal(number)
        if not self.wait(timeout):
            self.kill()
