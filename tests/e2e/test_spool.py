"""A database that is away: publishers are acknowledged from the spool, and everything comes to the database in order."""

import re
import sqlite3
import threading
import time
from contextlib import closing

import pytest

from lib import conf, redis_conf
from lib.broker import ROOT
from lib.mqtt import PUBACK
from lib.mysql_tables import OURS, create
from lib.raw import RawClient
from lib.servers import Database, MariaDb, Pgsql, Redis
from lib.wait import until, until_equal

TOPIC = "t"
SOON = {"spool.after": "200ms"}


class OnMariaDb:
    server_kind = MariaDb

    def __init__(self, server):
        self.database = Database(server, "mqtt")
        create(server, OURS)

    def plugins(self):
        return {"mysql": conf.plugin(conf.EMQX, {"pool1": self.database.pool}, kind="mysql")}

    def numbers(self):
        return [int(row[0]) for row in self.database.sql("select payload from mqtt_msg order by id")]


class OnPgsql:
    server_kind = Pgsql

    def __init__(self, server):
        self.database = Database(server, "mqtt")
        server.script((ROOT / "src" / "backends" / "pgsql" / "schema" / "001_init.sql").read_text())

    def plugins(self):
        return {"pgsql": conf.plugin(conf.EMQX, {"pool1": self.database.pool}, kind="pgsql")}

    def numbers(self):
        return [int(row[0]) for row in
                self.database.sql("select convert_from(payload, 'UTF8') from mqtt_msg order by id")]


class OnRedis:
    server_kind = Redis

    def __init__(self, server):
        self.server = server

    def plugins(self):
        return {"redis": redis_conf.plugin(redis_conf.PUBSUB, server=self.server.address)}

    def numbers(self):
        with self.server.client() as client:
            ids = client.zrange(f"mqtt:msg:{TOPIC}", 0, -1)
            return [int(client.hget(b"mqtt:msg:" + each, "payload")) for each in ids]


@pytest.fixture(params=[OnMariaDb, OnPgsql, OnRedis], ids=["mariadb", "pgsql", "redis"])
def store(request, tmp_path):
    """A server of this test alone. Asked for before `start`, it outlives the broker."""
    server = request.param.server_kind(tmp_path / "server").start()
    try:
        found = request.param(server)
        found.server = server
        yield found
    finally:
        server.remove()


class Producer(threading.Thread):
    """Publishes numbers, one after the other, until it is stopped."""

    def __init__(self, broker, qos=1):
        super().__init__()
        self.client = RawClient(broker.address, 5)
        assert self.client.connect("producer").reason == 0
        self.qos = qos
        self.acknowledged = []
        self.slowest = 0.0
        self.refused = []
        self.ended = threading.Event()

    def run(self):
        number = 0
        while not self.ended.is_set():
            begin = time.monotonic()
            reason = self.client.publish(TOPIC, str(number), qos=self.qos)
            self.slowest = max(self.slowest, time.monotonic() - begin)
            (self.acknowledged if reason < 0x80 else self.refused).append(number)
            number += 1

    def goes_on(self, count=50):
        goal = len(self.acknowledged) + count
        until(lambda: len(self.acknowledged) >= goal, "acknowledgements")

    def stop(self):
        self.ended.set()
        self.join(30)
        self.client.close()
        assert not self.refused


@pytest.fixture
def produce():
    made = []

    def begin(broker, **options):
        made.append(Producer(broker, **options))
        made[-1].start()
        return made[-1]

    yield begin
    for each in made:
        each.ended.set()
        each.join(30)


def spool_of(broker):
    [pool] = broker.ctl_json("spool")
    return pool


def drained(broker):
    return lambda: spool_of(broker)["spool"] == "direct" and spool_of(broker)["spooled"] == 0


@pytest.mark.parametrize("qos", [1, 2])
@pytest.mark.parametrize("away", ["kill", "pause"])
def test_publishers_do_not_notice(store, start, produce, connect, away, qos):
    broker = start(plugins=store.plugins(), settings=SOON)
    producer = produce(broker, qos=qos)
    producer.goes_on()
    getattr(store.server, away)()
    producer.goes_on(200)
    shown = spool_of(broker)
    assert shown["spool"] == "spooling" and shown["spooled"] > 0 and shown["spool_bytes"] > 0
    assert "spooling" in broker.ctl("spool")
    assert broker.metric("keepmq_spool_active") == 1
    store.server.start()  # or resumes it
    until(drained(broker), "the spool to be empty, while it goes on")
    producer.goes_on()
    producer.stop()
    assert producer.slowest < 3
    broker.settle()
    assert store.numbers() == producer.acknowledged == list(range(len(producer.acknowledged)))
    samples = {name: broker.metric(f"keepmq_pool_{name}") for name in
               ("accepted_total", "committed_total", "dead_lettered_total", "refused_total", "spooled", "queued")}
    assert samples["accepted_total"] == samples["committed_total"], samples


def test_the_broker_is_killed_meanwhile(store, start, produce, connect):
    """Rows of two processes, and then a reader that was away: all of it, in order."""
    broker = start(plugins=store.plugins(), settings=SOON)
    reader = connect(broker, "reader")
    assert reader.subscribe(TOPIC, qos=1) == [1]
    reader.disconnect()
    producer = produce(broker)
    producer.goes_on()
    store.server.kill()
    producer.goes_on(200)
    producer.stop()
    acknowledged = len(producer.acknowledged)
    broker.kill()
    broker.start()
    client = connect(broker, "later")
    for number in range(acknowledged, acknowledged + 20):
        assert client.publish(TOPIC, str(number), qos=1) < 0x80
    assert spool_of(broker)["spooled"] >= 20
    store.server.start()
    until(drained(broker), "the spool to be empty")
    assert store.numbers() == list(range(acknowledged + 20))
    reader = connect(broker, "reader")
    reader.subscribe(TOPIC, qos=1)
    assert [int(each.payload) for each in reader.messages(acknowledged + 20)] == list(range(acknowledged + 20))


def test_the_broker_stops_and_starts_without_its_database(store, start, connect):
    broker = start(plugins=store.plugins(), settings={"spool.after": "1h"})
    client = connect(broker, "c")
    assert client.publish(TOPIC, b"0", qos=1) < 0x80
    store.server.kill()
    client.send_publish(TOPIC, b"1", 1)
    client.ping()
    assert broker.stop() == 0, "what waits is in the spool"
    broker.settings |= SOON
    broker.start()
    assert connect(broker, "c").publish(TOPIC, b"2", qos=1) < 0x80
    store.server.start()
    until(drained(broker), "the spool to be empty")
    assert store.numbers() == [0, 1, 2]


def test_a_plugin_is_reloaded_without_its_database(store, start, connect):
    broker = start(plugins=store.plugins(), settings=SOON)
    client = connect(broker, "c")
    assert client.publish(TOPIC, b"0", qos=1) < 0x80
    store.server.kill()
    assert client.publish(TOPIC, b"1", qos=1) < 0x80
    [plugin] = store.plugins()
    broker.ctl("plugins", "reload", f"emqx_backend_{plugin}")
    assert client.publish(TOPIC, b"2", qos=1) < 0x80
    said = broker.ctl("plugins", "unload", f"emqx_backend_{plugin}")
    assert re.search(r"\b[1-9]\d* writes stay in the spool", said), said
    broker.ctl("plugins", "load", f"emqx_backend_{plugin}")
    store.server.start()
    until(lambda: broker.metric("keepmq_pool_committed_total") >= 2, "the writes")
    until(drained(broker), "the spool to be empty")
    assert store.numbers() == [0, 1, 2]


# --- without a server


def test_a_locked_sqlite_file(start, connect, produce):
    broker = start(conf.plugin(conf.EMQX, {"pool1": {"busy_timeout": "100ms"}}), SOON)
    producer = produce(broker)
    producer.goes_on()
    with broker.locked():
        producer.goes_on(100)
        assert spool_of(broker)["spooled"] > 0
    until(drained(broker), "the spool to be empty")
    producer.stop()
    broker.settle()
    rows = [int(row[0]) for row in broker.rows("select payload from mqtt_msg order by id")]
    assert rows == producer.acknowledged


def test_a_full_spool_pauses_publishers(start, connect):
    """Nothing that was acknowledged is dropped; the publishers go on when there is room."""
    broker = start(conf.plugin(conf.EMQX, {"pool1": {"busy_timeout": "100ms"}}), SOON | {"spool.max_size": "1MB"})
    client = connect(broker, "c")
    with broker.locked():
        for number in range(30):
            client.send_publish(TOPIC, str(number).encode().ljust(50_000), 1)
            if number == 0:  # what is under way in the lane goes into the spool whatever its limit
                until(lambda: "spooling" in broker.ctl("spool"), "the spool to take over")
        until(lambda: "spool.max_size" in broker.ctl("spool"), "the spool to be full")
        for number in range(30, 60):
            client.send_publish(TOPIC, str(number).encode().ljust(50_000), 1)
        until_equal(lambda: broker.metric("keepmq_paused_connections"), 1)
        assert broker.metric("keepmq_spool_bytes") <= 1 << 20
        assert broker.log().count("spool.max_size") == 1, "it is said once"
        connect(broker, "other").ping()
    for _ in range(60):
        assert client.expect(PUBACK).reason == 0
    broker.settle()
    rows = broker.rows("select payload from mqtt_msg order by id")
    assert [int(row[0]) for row in rows] == list(range(60))
    until_equal(lambda: broker.metric("keepmq_paused_connections"), 0)


def test_a_damaged_spool_is_set_aside(start, connect):
    broker = start(conf.plugin(conf.EMQX), SOON, started=False)
    folder = broker.data / "spool"
    folder.mkdir(parents=True)
    (folder / "sqlite-pool1.db").write_bytes(b"x" * 8192)
    broker.start()
    assert connect(broker, "c").publish(TOPIC, b"x", qos=1) == 0
    [kept] = folder.glob("sqlite-pool1.db.damaged-*")
    assert kept.read_bytes() == b"x" * 8192
    assert broker.metric("keepmq_spool_set_aside_total") == 1
    assert "is damaged and was set aside" in broker.log()


def test_a_spool_that_is_damaged_meanwhile_is_set_aside(start, connect):
    """What can be read of it goes to the database, in order; the rest is counted, and in the old file."""
    broker = start(conf.plugin(conf.EMQX, {"pool1": {"busy_timeout": "100ms"}}), SOON | {"store.max_batch": 10})
    file = broker.data / "spool" / "sqlite-pool1.db"
    client = connect(broker, "c")
    with broker.locked():
        client.publish_all(TOPIC, (str(number).encode().ljust(3000) for number in range(2000)))
        with file.open("r+b") as damaged:
            damaged.seek(500 * 4096)
            damaged.write(b"x" * 8192)
    until_equal(lambda: broker.metric("keepmq_spool_set_aside_total"), 1)
    until(drained(broker), "the spool to be empty")
    stored = [int(row[0]) for row in broker.rows("select payload from mqtt_msg order by id")]
    assert stored == sorted(set(stored))
    missing = set(range(2000)) - set(stored)
    assert 0 < len(missing) < 10
    assert broker.metric("keepmq_pool_dead_lettered_total") == len(missing)
    assert "is damaged and was set aside" in broker.log()
    [kept] = file.parent.glob("sqlite-pool1.db.damaged-*")
    assert kept.stat().st_size > 2000 * 3000
    assert client.publish(TOPIC, b"2000", qos=1) == 0


def test_a_spool_can_be_read_when_the_broker_is_stopped(start, connect):
    broker = start(conf.plugin(conf.EMQX, {"pool1": {"busy_timeout": "100ms"}}), SOON)
    client = connect(broker, "c")
    with broker.locked():
        assert client.publish(TOPIC, b"x", qos=1) == 0
        broker.kill()
    with closing(sqlite3.connect(broker.data / "spool" / "sqlite-pool1.db")) as spool:
        assert ("sqlite message.publish.1",) in spool.execute("select rule from spool").fetchall()
