"""All subscribers come back at the same moment."""

import time

import pytest

from chaos.targets import some


@pytest.mark.parametrize("target", some("sqlite", "redis", "pgsql"), indirect=True)
def test_10_subscribers_reconnect_at_once_and_replay(target, start_on, audit, judge, pick, note):
    # FerretDB looks through all positions for each one that is made.
    subscribers = pick(1000, 1000 if target.name == "ferretdb" else 10_000)
    broker = start_on(target)
    running = audit(broker, target, "--subscribe", subscribers, "--rate", pick(20, 2), "--settle", pick(120, 1200))
    running.await_acknowledged(pick(40, 4), timeout=120)
    for _ in range(pick(1, 3)):
        broker.kill()
        broker.start(same_ports=True)
        begin = time.monotonic()
        running.await_connected(subscribers + 50, timeout=pick(60, 300))
        connected = time.monotonic() - begin
        running.await_acknowledged(pick(20, 2), timeout=120)
    found = judge(running, timeout=pick(240, 3600))
    note(f"{target.name}: {subscribers} subscribers were back after {connected:.1f} s")
    assert found["delivery"]["received"] >= subscribers * found["stored"]
