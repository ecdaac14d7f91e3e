"""What operators do to a broker under load."""

import pytest

from chaos.targets import KINDS


@pytest.mark.parametrize("target", KINDS, indirect=True)
def test_9_reload_and_sigterm(target, start_on, audit, judge, pick):
    broker = start_on(target)
    running = audit(broker, target, "--subscribe", 1, "--window", 10, "--settle", pick(30, 600))
    for _ in range(pick(2, 50)):
        running.await_acknowledged()
        broker.ctl("plugins", "reload", f"emqx_backend_{target.kind}")
        running.await_acknowledged()
        assert broker.stop() == 0, broker.log()
        broker.start(same_ports=True)
    running.await_acknowledged()
    found = judge(running, timeout=pick(240, 1200))
    assert found["refused"] == 0
