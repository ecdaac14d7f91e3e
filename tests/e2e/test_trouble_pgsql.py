"""PostgreSQL that refuses, dies, hangs or is not what the broker expects; and TLS to it."""

import time

import pytest

from lib import conf
from lib.broker import ROOT
from lib.mqtt import PUBACK
from lib.servers import Database, Pgsql
from lib.trouble import complaints, serves, state
from lib.wait import until, until_equal

SCHEMA = (ROOT / "src" / "backends" / "pgsql" / "schema" / "001_init.sql").read_text()
PAYLOADS = "select convert_from(payload, 'UTF8') from mqtt_msg order by id"


@pytest.fixture
def database(pgsql_database):
    pgsql_database.script(SCHEMA)
    return pgsql_database


@pytest.fixture
def bare_server(tmp_path):
    """One that the test may do anything to. Asked for before `start`, it outlives the broker."""
    server = Pgsql(tmp_path / "pgsql").start()
    yield server
    server.remove()


@pytest.fixture
def server(bare_server):
    """The same with our tables."""
    bare_server.script(SCHEMA)
    return bare_server


def plugin(pool, rules=conf.EMQX, **properties):
    return {"pgsql": conf.plugin(rules, {"pool1": pool | properties}, kind="pgsql")}


def on(server, name="mqtt"):
    return Database(server, name)


@pytest.mark.parametrize("wrong, words", [
    ({"password": "not-the-secret"}, 'password authentication failed for user "mqtt"'),
    ({"username": "nobody"}, 'password authentication failed for user "nobody"'),
    ({"database": "none"}, 'database "none" does not exist'),
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
    broker = start(plugins=plugin(database.pool, server="127.0.0.1:1"))
    until(lambda: "127.0.0.1" in broker.log() and "trying again" in broker.log())
    assert complaints(broker) == []
    assert serves(broker, connect)
    broker.kill()


@pytest.mark.parametrize("change, missing", [
    ("drop table mqtt_acked", "table mqtt_acked"),
    ("alter table mqtt_msg rename column sender to from_whom", "column mqtt_msg.sender"),
])
def test_what_tables_lack_is_named(database, start, change, missing):
    broker = start(plugins=plugin(database.pool))
    until_equal(lambda: state(broker), "running")
    broker.stop()
    database.script(change)
    broker.start()
    assert missing in broker.log()
    assert "keepmq schema create pgsql pool1" in broker.log()


def test_a_table_that_disappears_is_said_and_its_return_noticed(database, start, connect):
    broker = start(plugins=plugin(database.pool))
    client = connect(broker, "c")
    assert client.publish("t", b"1", qos=1) < 0x80
    database.script("alter table mqtt_msg rename to elsewhere")
    waiting = client.send_publish("t", b"2", 1)
    until(lambda: complaints(broker), "the message")
    database.script("alter table elsewhere rename to mqtt_msg")
    assert client.expect(PUBACK).packet_id == waiting
    assert database.sql(PAYLOADS) == [("1",), ("2",)]
    # By the statement and by the check of a new connection, however often both were tried.
    said = complaints(broker)
    assert len(said) <= 2
    assert all("mqtt_msg" in line for line in said)


def test_schema_is_made_and_checked(start, pgsql_database):
    broker = start(plugins=plugin(pgsql_database.pool), started=False)
    assert broker.run("schema", "check", "pgsql", "pool1").returncode != 0
    made = broker.run("schema", "create", "pgsql", "pool1")
    assert made.returncode == 0, made.stderr
    checked = broker.run("schema", "check", "pgsql", "pool1")
    assert checked.returncode == 0, checked.stdout + checked.stderr
    assert "create table if not exists mqtt_msg" in broker.run("schema", "show", "pgsql", "pool1").stdout


def test_schema_is_made_at_the_start_if_so_set(pgsql_database, start, connect):
    broker = start(plugins=plugin(pgsql_database.pool, auto_create_schema="on"))
    assert connect(broker, "c").publish("t", b"x", qos=1) < 0x80
    assert pgsql_database.sql(PAYLOADS) == [("x",)]


def test_check_names_a_statement_that_the_server_refuses(start, database):
    rules = {"message.publish.1": conf.sql("insert into no_such_table values(${topic})", topic="#")}
    broker = start(plugins=plugin(database.pool, rules), started=False)
    broker.plugin_conf.unlink()
    checked = broker.run("check")
    assert checked.returncode != 0
    assert 'relation "no_such_table" does not exist' in checked.stderr
    assert "emqx_backend_pgsql.conf:" in checked.stderr


@pytest.mark.parametrize("ddl", ["001_init.sql", "zh.sql"])
def test_a_server_that_is_killed_loses_nothing_that_was_acknowledged(bare_server, start, connect, ddl):
    bare_server.script(next((ROOT / "src" / "backends" / "pgsql").rglob(ddl)).read_text())
    broker = start(plugins=plugin(on(bare_server).pool), settings={"spool.after": "1h"})
    clients = [connect(broker, f"c{number}") for number in range(4)]
    for number in range(200):
        for client in clients:
            client.send_publish(f"t/{client.next_id() % 7}", f"{number}", 1)
    clients[0].expect(PUBACK)
    bare_server.kill()
    bare_server.start()
    answered = time.monotonic()
    for client in clients:
        acknowledged = 200 - (client is clients[0])
        for _ in range(acknowledged):
            assert client.expect(PUBACK).reason < 0x80
        if client is clients[0]:
            assert time.monotonic() - answered < 5
    # Each exactly once, also where the table has no key that would see to it.
    assert bare_server.sql("select count(*), count(distinct msgid) from mqtt_msg") == [(800, 800)]


def test_the_first_write_comes_soon_after_the_server(server, start, connect):
    broker = start(plugins=plugin(on(server).pool), settings={"spool.after": "1h"})
    client = connect(broker, "c")
    assert client.publish("t", b"1", qos=1) < 0x80
    server.kill()
    waiting = client.send_publish("t", b"2", 1)
    until_equal(lambda: state(broker), "degraded")
    time.sleep(3)  # the pauses between attempts have grown
    server.start()
    answered = time.monotonic()
    assert client.expect(PUBACK).packet_id == waiting
    assert time.monotonic() - answered < 1.5
    assert server.sql(PAYLOADS) == [("1",), ("2",)]


def test_a_connection_that_the_server_ends_is_made_again(database, start, connect):
    broker = start(plugins=plugin(database.pool))
    client = connect(broker, "c")
    for number in range(5):
        assert client.publish("t", str(number), qos=1) < 0x80
        database.server.sql("select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'keepmq'")
    assert client.publish("t", b"5", qos=1) < 0x80
    assert database.sql(PAYLOADS) == [(str(number),) for number in range(6)]


def test_a_server_that_hangs_neither_stops_clients_nor_the_end(server, start, connect):
    broker = start(plugins=plugin(on(server).pool, read_timeout="1s", connect_timeout="1s"),
                   settings={"spool.after": "1h", "node.shutdown_deadline": "1s"})
    client = connect(broker, "c")
    assert client.publish("t", b"1", qos=1) < 0x80
    server.pause()
    waiting = client.send_publish("t", b"2", 1)
    assert serves(broker, connect)
    until_equal(lambda: state(broker), "degraded")
    server.resume()
    assert client.expect(PUBACK).packet_id == waiting
    assert server.sql(PAYLOADS) == [("1",), ("2",)]
    server.pause()
    client.send_publish("t", b"3", 1)
    client.ping()
    begin = time.monotonic()
    assert broker.stop() == 0  # it is in the spool
    assert time.monotonic() - begin < 5
    server.resume()


def test_a_list_of_servers_is_tried_in_order(server, start, connect):
    broker = start(plugins=plugin(on(server).pool, server=f"127.0.0.1:1,{server.address}"))
    assert connect(broker, "c").publish("t", b"x", qos=1) < 0x80
    assert server.sql(PAYLOADS) == [("x",)]


def test_a_server_that_takes_no_writes_is_passed_over(server, database, start, connect):
    server.create_database(database.name)
    server.script(f'alter database "{database.name}" set default_transaction_read_only = on')
    broker = start(plugins=plugin(database.pool, server=f"{server.address},{database.server.address}"))
    assert connect(broker, "c").publish("t", b"x", qos=1) < 0x80
    assert database.sql(PAYLOADS) == [("x",)]


@pytest.fixture
def tls_server(tmp_path):
    server = Pgsql(tmp_path / "pgsql", tls=True).start()
    server.script(SCHEMA)
    yield server
    server.remove()


def test_tls(tls_server, start, connect):
    pool = on(tls_server).pool
    verified = start(plugins=plugin(pool, ssl="true", cacertfile=tls_server.certificates.ca))
    assert connect(verified, "c").publish("t", b"verified", qos=1) < 0x80
    unverified = start(plugins=plugin(pool, ssl="true"))
    assert connect(unverified, "c").publish("t", b"unverified", qos=1) < 0x80
    assert tls_server.sql(PAYLOADS) == [("verified",), ("unverified",)]


def test_tls_with_another_authority_or_none_is_refused(tls_server, tmp_path, start, connect):
    other = Pgsql(tmp_path / "other", tls=True)
    try:
        other.start()
        broker = start(plugins=plugin(on(tls_server).pool, ssl="true", cacertfile=other.certificates.ca))
        until(lambda: "certificate verify failed" in broker.log(), "the reason")
        assert serves(broker, connect)
        broker.kill()
    finally:
        other.remove()
    plain = start(plugins=plugin(on(tls_server).pool, ssl="false"))
    until(lambda: complaints(plain), "the reason")
    assert "no encryption" in complaints(plain)[0]
