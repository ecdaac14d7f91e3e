"""Databases that are slow or away for long: acknowledgements and live delivery go on."""

import time

import pytest

from chaos.targets import SERVERS, some
from lib.probe import Probe
from lib.wait import until


@pytest.mark.parametrize("target", SERVERS, indirect=True)
def test_3_the_database_is_stopped(target, start_on, audit, judge, pick):
    """Slow, not dead: its connections stay."""
    broker = start_on(target)
    running = audit(broker, target, "--subscribe", 1, "--rate", 300, "--settle", 60)
    running.await_acknowledged(200)
    target.server.pause()
    begin = time.monotonic()
    time.sleep(3)  # what was acknowledged before is in the figures by then
    while time.monotonic() < begin + pick(5, 30):
        running.await_acknowledged(200, timeout=15)
    target.server.resume()
    running.await_acknowledged(200)
    found = judge(running)
    assert (found["connections_lost"], found["refused"]) == (0, 0), "no client notices"


@pytest.mark.parametrize("target", some("pgsql", "redis")[1:], indirect=True)
def test_8_the_database_is_gone_for_long(target, start_on, audit, judge, pick, note):
    rate = 50 if target.name == "ferretdb" else pick(2000, 5000)
    broker = start_on(target, {"spool.max_size": "16GB"})
    probe = Probe(broker)
    running = audit(broker, target, "--rate", rate, "--settle", pick(120, 1800))
    running.await_acknowledged(rate)
    probe.phase()
    time.sleep(pick(3, 30))
    before = probe.phase()
    target.kill()
    gone = time.monotonic()
    time.sleep(3)
    while time.monotonic() < gone + pick(20, 300):
        running.await_acknowledged(rate // 2, timeout=15)
    during = probe.phase()
    target.start()
    back = time.monotonic()
    running.stop()
    until(lambda: broker.is_idle() and not broker.metric("keepmq_pool_spooled"), "the spool to be empty",
          pick(120, 1800), every=0.1)
    drained = time.monotonic() - back
    probe.close()
    found = judge(running, timeout=pick(240, 3600))
    note(f"{target.name}: live delivery median {before[0]:.1f} ms, 95 % {before[1]:.1f} ms; while the database was "
         f"away {during[0]:.1f} and {during[1]:.1f} ms; all drained {drained:.1f} s after it was back")
    assert (found["connections_lost"], found["refused"]) == (0, 0), "no client notices"
    # Both are noisy on a machine that runs everything; a delivery that waits for a database takes seconds.
    assert during[0] < max(3 * before[0], 20), (before, during)
    assert during[1] < max(3 * before[1], 200), (before, during)
