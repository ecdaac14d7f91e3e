"""MariaDB and MySQL: files of EMQ X, ways to log in, mistakes, servers that die."""

import re
import threading
import time
from pathlib import Path

import pytest

from lib import conf
from lib.mqtt import PUBACK
from lib.mysql_tables import EMQX_4_4, EMQX_ENGLISH, OURS, create
from lib.raw import RawClient
from lib.servers import MariaDb, MySql
from lib.trouble import serves
from lib.wait import until, until_equal

CONF = Path(__file__).parent / "conf"
LINES = {"english": EMQX_ENGLISH, "chinese": EMQX_4_4}
PATIENT = {"spool.after": "1h"}
NO_LOOKUP = {"session.subscribed.2": None}  # nothing that a subscription waits for
PAYLOADS = "select payload from mqtt_msg order by id"
CONNECTIONS = "select count(*) from information_schema.processlist where db = database() and id <> connection_id()"


@pytest.fixture(params=["mariadb", "mysql"])
def empty(request):
    """An empty database."""
    return request.getfixturevalue(f"{request.param}_database")


@pytest.fixture
def db(empty):
    create(empty, OURS)
    return empty


def plugin(pool, rules=None):
    return {"mysql": conf.plugin(conf.EMQX | (rules or {}), {"pool1": pool}, kind="mysql")}


def errors_of(broker):
    return [line for line in broker.log().splitlines() if line.split(" ")[1] == "error"]


# --- files of EMQ X


@pytest.mark.parametrize("line", LINES)
def test_a_file_of_emqx_is_good_as_it_is(start, line):
    broker = start(plugins={"mysql": (CONF / f"emqx_backend_mysql_{line}.conf").read_text()}, started=False)
    done = broker.run("check")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "warning" not in done.stderr


@pytest.mark.parametrize("line", LINES)
def test_an_installation_of_emqx_goes_on(start, empty, paho, line):
    """Its tables with its rows, and its file, in which only the server is another."""
    create(empty, LINES[line])
    empty.sql("insert into mqtt_sub(clientid, topic, qos) values('reader', 'fleet/1', 1)")
    empty.sql("insert into mqtt_msg(msgid, topic, sender, node, qos, retain, payload, arrived) values"
              "('2VFt0kuNrOktefX6m4nP', 'fleet/1', 'w', null, 1, 0, 'read', utc_timestamp()),"
              "('5AC1A78431C3EF44200000C740001', 'fleet/1', 'w', null, 1, 0, 'unread', utc_timestamp())")
    empty.sql("insert into mqtt_acked(clientid, topic, mid, created) select 'reader', 'fleet/1', min(id), null from mqtt_msg")
    text = (CONF / f"emqx_backend_mysql_{line}.conf").read_text()
    for key, value in empty.pool.items():
        text, count = re.subn(rf"^(backend\.mysql\.pool1\.{key} = ).*$", rf"\g<1>{value}", text, flags=re.M)
        assert count == 1, key
    broker = start(plugins={"mysql": text})
    reader = paho(broker, "reader")
    assert reader.message().payload == b"unread"
    paho(broker, "w").publish("fleet/1", b"new", 1)
    assert reader.message().payload == b"new"
    newest = empty.sql("select max(id) from mqtt_msg")[0][0]
    until_equal(lambda: empty.sql("select mid from mqtt_acked"), [(newest,)])


def test_topics_of_emqx_tables_tell_letter_case_apart(start, empty, paho):
    create(empty, EMQX_4_4)
    broker = start(plugins=plugin(empty.pool))
    writer = paho(broker, "w")
    for topic in ("Lamp", "lamp", "LAMP"):
        writer.publish(topic, topic.encode(), 1)
    for topic in ("lamp", "Lamp"):
        reader = paho(broker, f"reader of {topic}")
        reader.subscribe(topic, 1)
        assert reader.message().payload == topic.encode()
        broker.settle()
        assert reader.pending() == []
    assert "do not tell letter case apart" in broker.log()


def test_a_name_that_a_table_cannot_hold_goes_to_the_dead_letters(start, empty, paho):
    """3-byte UTF-8 has no such letters: neither looking up nor storing may hold up anything."""
    create(empty, EMQX_ENGLISH)
    broker = start(plugins=plugin(empty.pool))
    paho(broker, "🙂").publish("t/b", b"x", 1)
    writer = paho(broker, "w")
    writer.publish("t/🙂", b"x", 1)
    writer.publish("t/a", b"y", 1)
    reader = paho(broker, "reader")
    reader.subscribe("t/🙂", 1)
    reader.subscribe("t/a", 1)
    assert reader.message().payload == b"y"
    assert empty.sql("select topic from mqtt_msg") == [("t/a",)]
    until(lambda: {each["op"] for each in broker.api("/dead_letters")} >= {"client_online", "store_message"},
          "the dead letters")
    assert "does not work" not in broker.log()


# --- tables


def test_tables_are_made_when_asked(start, empty, paho):
    broker = start(plugins=plugin(empty.pool | {"auto_create_schema": "on"}))
    paho(broker, "w").publish("t", b"x", 1)
    assert empty.sql(PAYLOADS) == [(b"x",)]


def test_schema_command(start, empty):
    broker = start(plugins=plugin(empty.pool), started=False)
    done = broker.run("schema", "check", "mysql", "pool1")
    assert done.returncode != 0 and "mqtt_acked" in done.stdout + done.stderr
    assert broker.run("schema", "create", "mysql", "pool1").returncode == 0
    done = broker.run("schema", "check", "mysql", "pool1")
    assert done.returncode == 0, done.stdout + done.stderr
    empty.script(broker.run("schema", "show", "mysql", "pool1").stdout)  # it may be loaded by hand, and twice


MISTAKES = {
    "missing table": ("drop table mqtt_acked", ["table mqtt_acked", "keepmq schema create mysql pool1"]),
    "wrong column": ("alter table mqtt_msg rename column payload to body", ["column mqtt_msg.payload"]),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_tables_that_do_not_fit(start, db, connect, mistake):
    script, words = MISTAKES[mistake]
    db.script(script)
    broker = start(plugins=plugin(db.pool))
    errors = [line for line in errors_of(broker) if "missing in the database" in line]
    assert len(errors) == 1, broker.log()
    assert all(word in errors[0] for word in words)
    assert serves(broker, connect)


# --- logging in


LOGINS = {
    "wrong password": ({"password": "s3cret"}, "Access denied for user 'mqtt'"),
    "wrong database": ({"database": "no_such_database"}, "no_such_database"),
}


@pytest.mark.parametrize("mistake", LOGINS)
def test_a_login_that_is_refused_is_said_once(start, db, connect, mistake):
    change, words = LOGINS[mistake]
    broker = start(plugins=plugin(db.pool | change, NO_LOOKUP))
    until(lambda: any(words in line for line in errors_of(broker)), "the message")
    assert serves(broker, connect)
    said = [line for line in errors_of(broker) if words in line]
    assert len(said) == 1, said
    assert "s3cret" not in broker.log()
    broker.kill()  # it cannot store who left


def test_a_server_that_is_away_is_a_warning(start, db, connect):
    broker = start(plugins=plugin(db.pool | {"server": "127.0.0.1:1"}, NO_LOOKUP))
    until(lambda: "trying again" in broker.log(), "the message")
    assert serves(broker, connect)
    assert errors_of(broker) == []
    broker.kill()  # it cannot store who left


def test_caching_sha2_password(start, mysql_database, paho):
    """The method of MySQL 8, without TLS: the password goes out encrypted with the server's public key."""
    create(mysql_database, OURS)
    mysql_database.sql("flush privileges")  # forget logins, so that all of the exchange is done
    broker = start(plugins=plugin(mysql_database.pool | {"user": "mqtt_sha2"}))
    paho(broker, "w").publish("t", b"x", 1)
    assert mysql_database.sql(PAYLOADS) == [(b"x",)]
    users = mysql_database.sql("select distinct user from information_schema.processlist where user like 'mqtt_sha2'")
    assert users == [("mqtt_sha2",)]


@pytest.mark.parametrize("kind", [MariaDb, MySql])
def test_tls(start, tmp_path, connect, paho, kind):
    server = kind(tmp_path / "server", tls=True)
    try:
        server.start()
        create(server, OURS)
        pool = {"server": server.address, "user": "mqtt", "password": "mqtt", "database": "mqtt"}
        broker = start(plugins=plugin(pool | {"ssl": "on", "cacertfile": server.certificates.ca}))
        paho(broker, "w").publish("t", b"x", 1)
        assert server.sql(PAYLOADS) == [(b"x",)]
        assert broker.stop() == 0
        # A certificate of somebody else is refused, and said.
        strange = start(plugins=plugin(pool | {"ssl": "on", "cacertfile": server.certificates.server}))
        until(lambda: any("certificate" in line for line in errors_of(strange)), "the message")
        strange.kill()
        # Without TLS this server lets nobody in.
        plain = start(plugins=plugin(pool))
        until(lambda: errors_of(plain) or "insecure transport" in plain.log(), "the message")
        plain.kill()
    finally:
        server.remove()


# --- statements


def test_a_statement_that_cannot_run_holds_up_nothing(start, db, paho):
    broker = start(plugins=plugin(db.pool, {"message.publish.4": conf.sql("insert into nowhere values(${topic})", topic="#")}))
    client = paho(broker, "w")
    for number in range(5):
        client.publish("t", str(number), 1)
    assert [int(row[0]) for row in db.sql(PAYLOADS)] == list(range(5))
    until_equal(lambda: len(broker.api("/dead_letters")), 5)
    assert "nowhere" in broker.api("/dead_letters")[0]["error"]
    done = broker.run("check")
    assert done.returncode != 0 and "nowhere" in done.stderr


# --- servers that die


class Producer(threading.Thread):
    """Publishes numbers, one after the other, and remembers which were acknowledged."""

    def __init__(self, broker):
        super().__init__()
        self.client = RawClient(broker.address, 5)
        assert self.client.connect("producer").reason == 0
        self.acknowledged = []
        self.times = []
        self.ended = threading.Event()

    def run(self):
        number = 0
        while not self.ended.is_set():
            if self.client.publish("t", str(number), qos=1) < 0x80:
                self.acknowledged.append(number)
                self.times.append(time.monotonic())
            number += 1


@pytest.mark.parametrize("tables", [OURS, EMQX_4_4])
def test_a_killed_server_keeps_what_was_acknowledged(start, empty, tables):
    create(empty, tables)
    broker = start(plugins=plugin(empty.pool), settings=PATIENT)
    producer = Producer(broker)
    producer.start()
    try:
        for _ in range(3):
            before = len(producer.acknowledged)
            until(lambda: len(producer.acknowledged) >= before + 20, "acknowledgements")
            empty.server.kill()
            empty.server.start()
            answers = time.monotonic()
            after = until(lambda: [each for each in list(producer.times) if each > answers], "the next one")
            assert after[0] - answers < 1.5
    finally:
        producer.ended.set()
        producer.join(30)
        producer.client.close()
    stored = [int(row[0]) for row in empty.sql(PAYLOADS)]
    assert set(stored) >= set(producer.acknowledged)
    assert len(stored) == len(set(stored))
    assert stored == sorted(stored)


def test_a_server_that_hangs_is_left_behind(start, db, connect):
    broker = start(plugins=plugin(db.pool | {"read_timeout": "1s", "connect_timeout": "1s"}), settings=PATIENT)
    client = connect(broker, "w")
    assert client.publish("t", b"1", qos=1) == 0
    # One that is not there yet could not be lost, and the log says only what happens first.
    until_equal(lambda: db.sql(CONNECTIONS)[0][0], 10)
    db.server.pause()
    try:
        waiting = client.send_publish("t", b"2", 1)
        client.ping()
        until(lambda: "connection lost" in broker.log(), "the message")
    finally:
        db.server.resume()
    assert client.expect(PUBACK).packet_id == waiting
    assert [row[0] for row in db.sql(PAYLOADS)] == [b"1", b"2"]


def test_the_broker_stops_while_the_server_hangs(start, db, connect):
    broker = start(plugins=plugin(db.pool), settings={"node.shutdown_deadline": "1s"})
    client = connect(broker, "w")
    assert client.publish("t", b"1", qos=1) == 0
    db.server.pause()
    try:
        client.send_publish("t", b"2", 1)
        client.ping()
        begin = time.monotonic()
        broker.stop()
        assert time.monotonic() - begin < 8
    finally:
        db.server.resume()
