"""Connections that are cut while something is under way."""

import pytest

from chaos.targets import SERVERS
from lib.proxy import FaultyProxy


@pytest.mark.parametrize("target", SERVERS, indirect=True)
def test_4_connections_to_the_database_are_cut(target, start_on, audit, judge, seed, pick):
    """Mid-batch: whether a batch was committed is not known to the broker."""
    with FaultyProxy((target.server.host, target.server.port), seed) as proxy:
        proxy.calm = True
        broker = start_on(target, port=proxy.port)
        running = audit(broker, target, "--subscribe", 1, "--window", 10, "--settle", pick(60, 600))
        running.await_acknowledged()
        proxy.calm = False
        wanted = pick(15, 100 if target.name == "ferretdb" else 1000)
        while sum(proxy.met.values()) < wanted:
            running.await_acknowledged(timeout=120)
        proxy.calm = True
        running.await_acknowledged(timeout=120)
        found = judge(running, timeout=pick(240, 1200))
        print(f"faults: {dict(proxy.met)}")
    assert found["connections_lost"] == 0, "no client notices"


@pytest.mark.parametrize("target", ["sqlite"], indirect=True)
def test_4_connections_of_clients_are_cut(target, start_on, audit, judge, seed, pick):
    """Whether a message was stored is not known to its publisher."""
    # A queue that is full drops messages; those come only when their reader subscribes again.
    broker = start_on(target, {"zone.external.max_mqueue_len": "1000000", "zone.external.max_mqueue_bytes": "1GB"})
    with FaultyProxy(broker.address, seed) as proxy:
        running = audit(broker, target, "--subscribe", 2, "--window", 10, port=proxy.port)
        wanted = pick(300, 20_000)
        while sum(proxy.met.values()) < wanted:
            running.await_acknowledged(timeout=120)
        proxy.calm = True
        found = judge(running)
        print(f"faults: {dict(proxy.met)}")
    assert found["connections_lost"] > 100
