"""Cassandra that refuses, dies, hangs or is not what the broker expects; and TLS to it."""

import time

import pytest

from lib import conf
from lib.broker import ROOT
from lib.mqtt import PUBACK
from lib.servers import Cassandra, Keyspace
from lib.trouble import complaints, serves, state
from lib.wait import until, until_equal

SCHEMA = "\n".join(line for line in (ROOT / "src" / "backends" / "cassa" / "schema" / "001_init.cql").read_text()
                   .splitlines() if not line.startswith("--"))


@pytest.fixture
def database(cassandra_database):
    cassandra_database.script(SCHEMA)
    return cassandra_database


def plugin(pool, rules=None, **properties):
    return {"cassa": conf.plugin(rules or conf.EMQX_CASSANDRA, {"pool1": pool | properties}, kind="cassa")}


@pytest.mark.parametrize("wrong, words", [
    ({"password": "not-the-secret"}, "Provided username cassandra and/or password are incorrect"),
    ({"keyspace": "nowhere"}, "nowhere"),
])
def test_a_server_that_refuses_is_said_once(database, wrong, words, start, connect):
    broker = start(plugins=plugin(database.pool | wrong), settings={"store.give_up_after": "1s"})
    until(lambda: complaints(broker), "the message")
    assert serves(broker, connect)
    until_equal(lambda: state(broker), "degraded")
    time.sleep(1.5)  # it tries again meanwhile
    [line] = complaints(broker)
    assert words in line
    assert "not-the-secret" not in broker.log()
    broker.kill()  # it could not write who left


def test_a_server_that_cannot_be_reached_is_tried_quietly(database, start, connect):
    broker = start(plugins=plugin(database.pool, nodes="127.0.0.1:1"))
    until(lambda: "trying again" in broker.log())
    assert complaints(broker) == []
    assert serves(broker, connect)
    broker.kill()


@pytest.mark.parametrize("change, missing", [
    ("drop table acked", "table acked"),
    ("alter table msg drop sender", "column msg.sender"),
])
def test_what_tables_lack_is_named(database, start, change, missing):
    database.script(change)
    broker = start(plugins=plugin(database.pool), started=False)
    broker.start()
    assert missing in broker.log()
    assert "keepmq schema create cassa pool1" in broker.log()


def test_schema_is_made_and_checked(start, cassandra_database):
    broker = start(plugins=plugin(cassandra_database.pool), started=False)
    assert broker.run("schema", "check", "cassa", "pool1").returncode != 0
    made = broker.run("schema", "create", "cassa", "pool1")
    assert made.returncode == 0, made.stderr
    checked = broker.run("schema", "check", "cassa", "pool1")
    assert checked.returncode == 0, checked.stdout + checked.stderr


def test_wrong_settings_are_named_together(start):
    broker = start(plugins=plugin({"nodes": "a:b", "size": "0", "consistency": "SOME", "keyspace": "a-b"}),
                   started=False)
    done = broker.run("check")
    assert done.returncode != 0
    for key in ("nodes", "size", "consistency", "keyspace"):
        assert f"backend.ecql.pool1.{key}" in done.stdout + done.stderr


def test_a_server_that_was_killed_is_found_again(database, start, connect):
    broker = start(plugins=plugin(database.pool), settings={"spool.after": "1h"})
    client = connect(broker, "c")
    assert client.publish("t", b"1", qos=1) < 0x80
    database.close()
    database.session = database.cluster = None
    database.server.kill()
    waiting = client.send_publish("t", b"2", 1)
    until(lambda: "trying again" in broker.log())
    assert serves(broker, connect)
    database.server.start()
    puback = client.expect(PUBACK, timeout=30)
    assert (puback.packet_id, puback.reason) == (waiting, 0)
    assert sorted(database.cql("select payload from msg")) == [(b"1",), (b"2",)]


def test_tls_with_verification(tmp_path, start, connect):
    server = Cassandra(tmp_path / "cassandra", tls=True).start()
    try:
        server.create_database("mqtt")
        keyspace = Keyspace(server, "mqtt")
        keyspace.script(SCHEMA)
        broker = start(plugins=plugin(keyspace.pool, ssl="true", cacertfile=str(server.certificates.ca)))
        assert connect(broker, "c").publish("t", b"1", qos=1) < 0x80
        assert keyspace.cql("select payload from msg") == [(b"1",)]
        keyspace.close()
        broker.stop()
        plain = start(plugins=plugin(keyspace.pool, connect_timeout="1s"))
        until(lambda: "trying again" in plain.log() or complaints(plain))
        plain.kill()
    finally:
        server.remove()
