"""kill -9 of the broker, of the database, of both."""

import time

import pytest

from chaos.targets import KINDS, SERVERS

LOAD = ("--subscribe", 1, "--window", 10)


@pytest.fixture
def load_without_database(target, pick):
    """Cassandra takes half a minute to start. What is spooled in 30 of these has to be stored, and read, in the end."""
    slow = target.name == "cassandra"
    return (*LOAD, "--settle", pick(60, 600), *(pick((), ("--rate", 300)) if slow else ()))


@pytest.mark.parametrize("target", KINDS, indirect=True)
def test_1_the_broker_is_killed(target, start_on, audit, judge, chance, pick):
    broker = start_on(target)
    running = audit(broker, target, *LOAD, "--settle", pick(30, 600))
    for _ in range(pick(3, 100)):
        running.await_acknowledged()
        time.sleep(chance.uniform(0, 0.5))
        broker.kill()
        broker.start(same_ports=True)
    running.await_acknowledged()
    found = judge(running, timeout=pick(240, 1200))
    assert found["connections_lost"] > 50


@pytest.mark.parametrize("target", SERVERS, indirect=True)
def test_2_the_database_is_killed(target, start_on, audit, judge, chance, pick, load_without_database):
    broker = start_on(target)
    running = audit(broker, target, *load_without_database)
    for _ in range(pick(1 if target.name == "cassandra" else 2, 30)):
        running.await_acknowledged()
        time.sleep(chance.uniform(0, 0.5))
        target.kill()
        time.sleep(chance.uniform(0, 2))
        target.start()
    running.await_acknowledged(timeout=120)
    found = judge(running, timeout=pick(240, 1200))
    assert found["connections_lost"] == 0, "no client notices"


@pytest.mark.parametrize("target", SERVERS, indirect=True)
def test_5_broker_and_database_are_killed_together(target, start_on, audit, judge, chance, pick,
                                                   load_without_database):
    broker = start_on(target)
    running = audit(broker, target, *load_without_database)
    for _ in range(pick(1 if target.name == "cassandra" else 2, 30)):
        running.await_acknowledged()
        time.sleep(chance.uniform(0, 0.5))
        kills = [broker.kill, target.kill]
        chance.shuffle(kills)
        for kill in kills:
            kill()
        if chance.random() < 0.5:  # the broker first: it starts without its database
            broker.start(same_ports=True)
            target.start()
        else:
            target.start()
            broker.start(same_ports=True)
    running.await_acknowledged(timeout=120)
    judge(running, timeout=pick(240, 1200))
