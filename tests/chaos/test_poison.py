"""Rows that the database never takes, among good ones."""

import pytest

# A payload is run/producer/number/time/...: the numbers that end with 7 are refused.


def poison_sqlite(broker, target):
    broker.execute("create trigger poison before insert on mqtt_msg when cast(new.payload as text) glob 'poison/*/*7/*/*' "
                   "begin select raise(abort, 'poison'); end")


def poison_mariadb(broker, target):
    target.database.sql("alter table mqtt_msg add constraint poison check (payload not regexp '^[^/]+/[0-9]+/[0-9]*7/')")


def poison_pgsql(broker, target):
    target.database.sql("alter table mqtt_msg add constraint poison "
                        "check (encode(payload, 'escape') !~ '^[^/]+/[0-9]+/[0-9]*7/')")


def poison_redis(broker, target):
    """What is at the key of topic 7 has another type than the broker needs."""
    with target.server.client() as client:
        client.set("mqtt:msg:audit/poison/7", "no sorted set")


def cure_redis(target):
    with target.server.client() as client:
        client.delete("mqtt:msg:audit/poison/7")


# FerretDB and Cassandra have no constraints; what is too long for them does not fit into a PUBLISH.
POISONS = {"sqlite": poison_sqlite, "mariadb": poison_mariadb, "pgsql": poison_pgsql, "redis": poison_redis}


@pytest.mark.parametrize("target", POISONS, indirect=True)
def test_7_poison_rows_among_good_ones(target, start_on, audit, judge, pick):
    broker = start_on(target)
    POISONS[target.name](broker, target)
    # Dead letters are flushed one by one: with a pace, so that there are not too many.
    running = audit(broker, target, "--run", "poison", "--rate", pick(500, 2000), "--settle", 60)
    running.await_acknowledged(pick(2000, 500_000), timeout=600)
    running.stop()
    broker.settle()
    if target.name == "redis":
        cure_redis(target)
    found = judge(running)
    assert found["refused"] == 0
    assert 0.05 < found["dead_lettered"] / found["acked"] < 0.2
    assert broker.metric("keepmq_dead_letters") == found["dead_lettered"]
