"""Hostile texts and bytes through every kind of statement of every database: they come back as they
were sent, or are in the dead letters with the reason, and nothing else changes. 2,000 values for each
database: 800 through the functions, 200 through those for queues, 600 through statements of the user, 400
into columns that cannot hold all of them, where there are columns. Then 400 into each kind of tables of EMQ X.
KEEPMQ_HOSTILE_VALUES=10000 makes that many of 2,000, in the same parts, and adds FerretDB, which is slow.
mongo-java-server and FerretDB look through a whole collection for each message, so they get others in each of
several parts, each into a new database: ten times as many at once would be a hundred times the work."""

import base64
import json
import os
import re

import pytest

from lib import conf
from lib.broker import ROOT
from lib.conf import function
from lib.hostile import Generator
from lib.mqtt import PUBACK
from lib.stores import (
    CassandraStore, MariaDbStore, MongoStore, MySqlStore, PgsqlStore, RedisStore, SqliteStore, Stored)
from lib.wait import until_equal

READER = "reader ';\r\n*1\r\n$1\r\n${topic} \\"
WATCHER = "watcher \" ? $1 %s 😀"
LOG_LINE = re.compile(r"\d{4}-\d\d-\d\dT[\d:.]+ \w+ \w+: [\x20-\x7e]*")
SUBSCRIBE_BYTES = 50_000  # of one packet, for as many positions as a database writes in the time
VALUES = int(os.environ.get("KEEPMQ_HOSTILE_VALUES", "2000"))  # of each database
PARTS = {"mongojava": 2000, "ferretdb": 250}  # values at a time
LONG = 20.0 * max(1, VALUES // 100)  # seconds for a slow database that has been spooling meanwhile

# Without topics: also for those that start with $.
FUNCTIONS = {
    "client.connected.1": function("on_client_connected"),
    "session.created.1": function("on_subscribe_lookup"),
    "client.disconnected.1": function("on_client_disconnected"),
    "session.subscribed.1": function("on_message_fetch"),
    "session.subscribed.2": function("on_retain_lookup"),
    "session.unsubscribed.1": function("on_acked_delete"),
    "message.publish.1": function("on_message_publish"),
    "message.publish.2": function("on_message_retain"),
    "message.publish.3": function("on_retain_delete"),
    "message.acked.1": function("on_message_acked"),
}
RETAINED_ONLY = {"session.subscribed.1": function("on_retain_lookup")}


KINDS = {"redis": RedisStore, "mariadb": MariaDbStore, "mysql": MySqlStore, "pgsql": PgsqlStore,
         "mongojava": MongoStore, "ferretdb": MongoStore, "cassandra": CassandraStore}


def share(count, values=VALUES):
    """So many of 2,000 values."""
    return count * values // 2000


def names_for(store, generator, count):
    """So many, or fewer where there are few values."""
    return generator.names(max(4, min(count, share(count, store.values))))


def make_store(name, request, tmp_path):
    if name == "sqlite":
        return SqliteStore(tmp_path)
    made = KINDS[name](request.getfixturevalue(f"{name}_database"))
    if name == "ferretdb":
        made.pool |= {"c_pool_size": 1}  # as docs/backends/mongodb.md advises
    return made


def runs():
    """Names of databases, and how many values they get at a time."""
    quick = [pytest.param((name, VALUES), id=name)
             for name in ("sqlite", "redis", "mariadb", "mysql", "pgsql", "cassandra")]
    if VALUES <= 2000:
        return [*quick, pytest.param(("mongojava", VALUES), id="mongojava")]
    return quick + [pytest.param((name, values), id=f"{name}-{part}")
                    for name, values in PARTS.items() for part in range(1, VALUES // values + 1)]


@pytest.fixture(params=runs())
def store(request, tmp_path):
    name, values = request.param
    made = make_store(name, request, tmp_path)
    made.values = values
    return made


@pytest.fixture(params=["sqlite", "redis", "mariadb", "mysql", "pgsql", "cassandra"])
def narrow_store(request, tmp_path):
    """Not MongoDB: a document holds whatever comes."""
    return make_store(request.param, request, tmp_path)


@pytest.fixture
def generator(request):
    """The name of the test is the seed; KEEPMQ_SEED makes others."""
    return Generator(request.node.name + os.environ.get("KEEPMQ_SEED", ""))


@pytest.fixture
def start_on(start):
    """start_on(store, rules): a broker whose tables were made by the program."""

    def make(store, rules, first=True):
        plugin = conf.plugin(rules, {"pool1": store.pool}, kind=store.kind)
        broker = start(plugins={store.kind: plugin}, started=False)
        if first:
            store.prepare(broker)
        return broker.start()

    return make


@pytest.fixture
def crowd(opened):
    """crowd(broker, names): one client for each, of MQTT 3.1.1 and 5 in turn, with the name as user name. They may
    be silent for long, while others wait for a slow database."""

    def make(broker, names):
        clients = []
        for number, name in enumerate(names):
            client = opened(broker, (4, 5)[number % 2])
            assert client.connect(name, username=name, keep_alive=0).reason == 0
            client.name = name
            clients.append(client)
        return clients

    return make


def publish(clients, values, retain=lambda value: False):
    """Each value by one of the clients, many under way at a time. Returns (client, value) pairs; all are
    acknowledged."""
    sent = [(clients[number % len(clients)], value) for number, value in enumerate(values)]
    ids = [client.send_publish(value.topic, value.payload, 1, retain=retain(value), props=value.properties)
           for client, value in sent]
    for (client, _), packet_id in zip(sent, ids):
        answer = client.expect(PUBACK)
        assert (answer.packet_id, answer.reason) == (packet_id, 0)
    return sent


def subscribe(client, topics, **options):
    """To each of them by its name."""
    part, size = [], 0
    for topic in [*topics, None]:
        size += len((topic or "").encode()) + 3
        if part and (topic is None or size > SUBSCRIBE_BYTES):
            assert client.subscribe(*part, qos=1, **options) == [1] * len(part)
            part, size = [], len((topic or "").encode())
        part.append(topic)


def unsubscribe(client, topics):
    for number in range(0, len(topics), 10):
        client.unsubscribe(*topics[number:number + 10])


def as_json(properties):
    return {"content_type": properties["content_type"],
            "correlation_data": base64.b64encode(properties["correlation_data"]).decode(),
            "user_properties": [list(each) for each in properties["user_property"]]}


def assert_stored(found, sent):
    """Byte for byte, and with the properties if the publisher could send some."""
    wanted = {value.topic.encode(): (client, value) for client, value in sent}
    assert found.keys() == wanted.keys()
    for topic, (client, value) in wanted.items():
        stored = found[topic]
        assert stored == Stored(client.name.encode(), value.payload, 1, stored.properties), topic[:200]
        if client.version == 5:
            assert json.loads(stored.properties) == as_json(value.properties), topic[:200]
        else:
            assert stored.properties is None, topic[:200]


def assert_received(found, sent):
    """Each once."""
    assert len(found) == len(sent)
    received = {each.topic: each for each in found}
    for client, value in sent:
        message = received[value.topic]
        assert (message.payload, message.qos) == (value.payload, 1), value.topic[:200]
        assert message.props == (value.properties if client.version == 5 else {}), value.topic[:200]


def settle(broker):
    broker.settle(LONG)


def assert_clean(broker, dead_letters=0):
    """Nothing is in the dead letters, and nobody forges a line of the log."""
    settle(broker)
    assert broker.metric("keepmq_dead_letters") == dead_letters, broker.ctl("dead-letters", "list")
    assert broker.metric("keepmq_pool_refused_total") == 0
    for line in broker.log().rstrip("\n").split("\n"):
        assert LOG_LINE.fullmatch(line), line


def subscriptions(broker):
    return {(each["clientid"], each["topic"], each["qos"]) for each in broker.ctl_json("subscriptions", "list")}


def read_everything(store, broker, connect, sent):
    """By a reader that names each topic: each message once, and not again after that."""
    topics = [value.topic for _, value in sent]
    reader = connect(broker, READER)
    subscribe(reader, topics)
    assert_received(reader.pending(LONG), sent)
    settle(broker)
    encoded = {each.encode() for each in topics}
    assert store.read_by(READER.encode(), encoded) == encoded
    reader.disconnect()
    reader = connect(broker, READER)
    subscribe(reader, topics, retain_handling=2)
    assert reader.pending(LONG) == []
    unsubscribe(reader, topics)
    reader.disconnect()


def test_functions(store, start_on, generator, crowd, connect):
    values = generator.values(share(800, store.values))
    names = [each for each in names_for(store, generator, 120) if each not in (READER, WATCHER)] + ["n" * 65535]
    provisioned = dict(zip(names, (each.topic for each in values[::3])))
    broker = start_on(store, FUNCTIONS)
    store.subscribe(provisioned.items())
    watcher = connect(broker, WATCHER)
    assert watcher.subscribe("#", qos=1) == [1]
    watcher.disconnect()
    clients = crowd(broker, names)
    until_equal(lambda: subscriptions(broker), {(client, topic, 1) for client, topic in provisioned.items()}, LONG)
    assert store.presence() == dict.fromkeys([each.encode() for each in names], True) | {WATCHER.encode(): False}

    kept = {value.topic for value in values[1::4] if value.payload}
    sent = publish(clients, values, lambda value: value.topic in kept)
    settle(broker)
    assert_stored(store.messages(), sent)
    assert_stored(store.retained(), [(client, value) for client, value in sent if value.topic in kept])
    payloads = {value.topic: value.payload for value in values}
    for client in clients:
        message = client.message()
        assert (message.topic, message.payload) == (provisioned[client.name], payloads[message.topic])
        assert client.pending(LONG) == []
        client.disconnect()
    assert all(store.read_by(each.name.encode(), [provisioned[each.name].encode()]) for each in clients[::10])

    read_everything(store, broker, connect, sent)
    watcher = connect(broker, WATCHER)
    watcher.subscribe("#", qos=1, retain_handling=2)
    assert_received(watcher.pending(LONG), [each for each in sent if not each[1].topic.startswith("$")])
    watcher.unsubscribe("#")
    watcher.disconnect()
    settle(broker)
    topics = {value.topic.encode() for value in values}
    everybody = [each.encode() for each in (*names, READER, WATCHER)]
    positions = [(client.encode(), topic.encode()) for client, topic in provisioned.items()]
    # A subscription with wildcards also leaves the positions of the topics that it met.
    positions += [(WATCHER.encode(), topic) for topic in store.read_by(WATCHER.encode(), topics)]
    assert store.presence() == dict.fromkeys(everybody, False)
    holds = (topics, {each.encode() for each in kept}, everybody, provisioned.items(), positions)
    store.assert_holds(*holds)
    assert_clean(broker)

    # Another broker that has nothing of its own.
    assert broker.stop() == 0
    other = start_on(store, RETAINED_ONLY, first=False)
    reader = connect(other, READER)
    subscribe(reader, list(kept))
    found = reader.pending(LONG)
    assert_received(found, [each for each in sent if each[1].topic in kept])
    assert all(each.retain for each in found)
    store.assert_holds(*holds)
    assert_clean(other)


def test_queues_and_newest_messages(store, start_on, generator, crowd, connect):
    """One-to-one: rows go with the acknowledgement. Keep latest: the second replaces the first."""
    values = generator.values(share(200, store.values), long_topics=False)
    queued = [value.under("queue/") for value in values[::2]]
    latest = [value.under("latest/") for value in values[1::2]]
    topics = {value.topic.encode() for value in latest}
    broker = start_on(store, conf.QUEUES)
    clients = crowd(broker, names_for(store, generator, 20))
    publish(clients, latest)
    sent = publish(clients, [value.again(generator) for value in latest])
    sent_to_queues = publish(clients, queued)
    settle(broker)
    assert_stored(store.messages(), sent + sent_to_queues)

    worker = connect(broker, READER)
    worker.subscribe("queue/#", qos=1)
    assert_received(worker.pending(LONG), sent_to_queues)
    settle(broker)
    assert_stored(store.messages(), sent)
    subscribe(worker, [value.topic for value in latest])
    assert_received(worker.pending(LONG), sent)
    settle(broker)
    assert store.read_by(READER.encode(), topics) == topics
    for each in [*clients, worker]:
        each.disconnect()
    settle(broker)
    everybody = [READER.encode(), *(each.name.encode() for each in clients)]
    store.assert_holds(topics, clients=everybody, positions=[(READER.encode(), topic) for topic in topics])
    assert_clean(broker)


def members(client, value):
    """What the wide table keeps of a message."""
    payload = value.payload
    return (value.topic.encode(), payload, client.name.encode(), client.name.encode(), payload.hex().encode(),
            base64.b64encode(payload))


def test_statements_of_the_user(store, start_on, generator, crowd, connect):
    values = generator.values(share(600, store.values))
    broker = start_on(store, store.wide_rules | store.client_rules)
    clients = crowd(broker, names_for(store, generator, 60))
    watcher = connect(broker, WATCHER, username=WATCHER)
    topics = [value.topic for value in values]
    subscribe(watcher, topics)
    sent = publish(clients, values)
    received = watcher.messages(len(values))
    assert {(each.topic, each.payload) for each in received} == {(each.topic, each.payload) for each in values}
    unsubscribe(watcher, topics)
    for each in [*clients, watcher]:
        each.disconnect()
    settle(broker)

    wide = store.wide()
    assert sorted(wide) == sorted(members(client, value) for client, value in sent)
    everybody = [each.name for each in clients] + [WATCHER]
    wanted = [(hook, name, name) for hook in ("client.connected", "client.disconnected") for name in everybody]
    wanted += [(hook, WATCHER, topic) for hook in ("session.subscribed", "session.unsubscribed", "message.delivered",
                                                   "message.acked") for topic in topics]
    assert sorted(store.seen()) == sorted(tuple(part.encode() for part in each) for each in wanted)
    store.assert_holds(wide=wide, seen=len(wanted))
    assert_clean(broker)


def is_cut(value, limit=40):
    """Standard SQL cuts blanks at the end off when a varchar is too short, without an error; MySQL also
    other white space."""
    return len(value.topic.rstrip(" \t\n\v\f\r")) <= limit < len(value.topic)


def letters_of(broker):
    return broker.data / "dead_letters.db"


def values_of(detail):
    """The values of a dead letter's statement."""
    return [bytes.fromhex(each["hex"]) if isinstance(each, dict) else None if each is None else each.encode()
            for each in detail["values"]]


def test_columns_that_cannot_hold_everything(narrow_store, start_on, generator, crowd):
    """Acknowledged = stored + dead-lettered, and each letter has every byte and the reason."""
    store = narrow_store
    count = share(400)
    values = [value for value in generator.values(share(450)) if not is_cut(value)][:count]
    assert len(values) == count
    for number in range(0, count, 2):
        values[number] = values[number].with_payload(str(generator.random.randint(-10**17, 10**17)).encode())
    broker = start_on(store, store.wide_rules | store.narrow_rules)
    clients = crowd(broker, generator.names(40))
    sent = publish(clients, values)
    settle(broker)

    wide, narrow = store.wide(), store.narrow()
    assert sorted(wide) == sorted(members(client, value) for client, value in sent)
    fitting = {value.topic.encode(): value.payload for value in values if not store.refuses(value)}
    assert narrow == fitting and count / 4 <= len(fitting) <= count * 7 / 8
    refused = {value.topic.encode(): value for value in values if store.refuses(value)}
    letters = broker.rows("select id, rule, error, detail from dead_letters", database=letters_of(broker))
    assert len(letters) == len(refused) == len(values) - len(narrow)
    for _, rule, error, detail in letters:
        bound = values_of(json.loads(detail))
        value = refused.pop(bound[0])
        assert rule == f"{store.kind} message.publish.2"
        assert re.search("|".join(store.refuses(value)), error), (error, value.topic[:200], value.payload[:200])
        assert bound == store.bound(value), value.topic[:200]
    listed = broker.ctl_json("dead-letters", "list")
    assert [(each["id"], each["error"]) for each in listed] == [(number, error) for number, _, error, _ in letters]
    store.assert_holds(wide=wide, narrow=narrow)
    assert_clean(broker, dead_letters=len(letters))


MYSQL = ROOT / "src" / "backends" / "mysql" / "tests" / "tables"
PGSQL = ROOT / "src" / "backends" / "pgsql" / "tests" / "ddl"
EMQX_TABLES = [("mariadb", MYSQL / "emqx_4_4.sql"), ("mariadb", MYSQL / "emqx_en.sql"),
               ("mysql", MYSQL / "emqx_4_4.sql"), ("mysql", MYSQL / "emqx_en.sql"),
               ("pgsql", PGSQL / "zh.sql"), ("pgsql", PGSQL / "en.sql")]
EMQX_LIMITS = (64, 180, 200, 255, 1024)  # characters of columns
EMQX_REASONS = ("Duplicate entry", "Incorrect string value", "Cannot convert '.*' character .* to '.*'",
                "Conversion from .* into .* impossible")


@pytest.mark.parametrize("database, tables", EMQX_TABLES, ids=lambda each: getattr(each, "stem", each))
def test_narrow_tables_of_emqx(request, start, generator, crowd, database, tables):
    """What they cannot keep is in the dead letters, once for each rule. Some of them do not tell upper from
    lower case, so a retained message may break their key; some have text for payloads."""
    kind = {"mariadb": MariaDbStore, "mysql": MySqlStore, "pgsql": PgsqlStore}[database]
    store = kind(request.getfixturevalue(f"{database}_database"))
    store.database.script(tables.read_text())
    values = [each for each in generator.values(share(400)) if not any(is_cut(each, limit) for limit in EMQX_LIMITS)]
    rules = {key: FUNCTIONS[key] for key in ("message.publish.1", "message.publish.2")}
    broker = start(plugins={store.kind: conf.plugin(rules, {"pool1": store.pool}, kind=store.kind)})
    clients = crowd(broker, [each for each in generator.names(40) if len(each) <= 64])
    sent = publish(clients, values, retain=lambda value: value.payload)
    settle(broker)

    letters = broker.rows("select rule, topic, payload, error from dead_letters", database=letters_of(broker))
    for rule, table in (("message.publish.1", "mqtt_msg"), ("message.publish.2", "mqtt_retain")):
        payload = "[payload]" if store.kind == "pgsql" else "payload"
        stored = store.select(table, "[topic]", "[sender]", payload)
        refused = [(topic.encode(), payload) for each, topic, payload, _ in letters if each == f"{store.kind} {rule}"]
        wanted = [(value.topic.encode(), client.name.encode(), value.payload) for client, value in sent
                  if value.payload or table == "mqtt_msg"]
        assert set(stored) <= set(wanted)
        assert sorted([row[::2] for row in stored] + refused) == sorted(row[::2] for row in wanted)
        assert len(stored) > 100
    reasons = "|".join([store.too_long, store.not_text, *EMQX_REASONS])
    assert [error for _, _, _, error in letters if not re.search(reasons, error)] == []
    assert_clean(broker, len(letters))
