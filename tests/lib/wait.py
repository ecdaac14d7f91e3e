"""Waiting for what cannot be awaited otherwise: rows of a database, counters, files."""

import time

PATIENCE = 20.0
LONGEST_PAUSE = 1.0


def pauses(timeout, every=0.01):
    """Until the time is over: how long to wait before asking again. Longer each time, so that what is slow is not asked
    without end."""
    begin = time.monotonic()
    while (waited := time.monotonic() - begin) < timeout:
        yield min(max(every, waited / 20), LONGEST_PAUSE)


def until(condition, what="the condition", timeout=PATIENCE, every=0.01):
    """Calls `condition` until it returns something true, and returns that."""
    for pause in pauses(timeout, every):
        if found := condition():
            return found
        time.sleep(pause)
    if found := condition():
        return found
    raise AssertionError(f"waited {timeout} s for {what}; last: {found!r}")


def until_equal(read, wanted, timeout=PATIENCE, every=0.01):
    """Calls `read` until it returns `wanted`."""
    for pause in pauses(timeout, every):
        if read() == wanted:
            return
        time.sleep(pause)
    assert read() == wanted, f"after {timeout} s"
