"""Waiting for what cannot be awaited otherwise: rows of a database, counters, files."""

import time

PATIENCE = 20.0


def until(condition, what="the condition", timeout=PATIENCE, every=0.01):
    """Calls `condition` until it returns something true, and returns that."""
    deadline = time.monotonic() + timeout
    while True:
        found = condition()
        if found:
            return found
        if time.monotonic() > deadline:
            raise AssertionError(f"waited {timeout} s for {what}; last: {found!r}")
        time.sleep(every)


def until_equal(read, wanted, timeout=PATIENCE, every=0.01):
    """Calls `read` until it returns `wanted`."""
    deadline = time.monotonic() + timeout
    while True:
        found = read()
        if found == wanted:
            return
        if time.monotonic() > deadline:
            assert found == wanted, f"after {timeout} s"
        time.sleep(every)
