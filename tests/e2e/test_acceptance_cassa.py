"""The acceptance examples C1 to C11 of the Cassandra backend, with the rules of EMQ X's Chinese documents: on
our tables, on the tables of its documents, and on those of releases up to 4.2, whose column is `client_id`.
Results are read with the Python driver."""

from datetime import datetime, timedelta, timezone

import pytest

from lib import conf
from lib.broker import ROOT
from lib.wait import until, until_equal

COMMAND = b'{ "cmd": "reboot" }'
CASSA = ROOT / "src" / "backends" / "cassa"
OLD = (CASSA / "tests" / "ddl" / "emqx.cql").read_text()
TABLES = {
    "ours": (CASSA / "schema" / "001_init.cql").read_text(),
    "emqx": OLD.replace("client_id", "clientid"),
    "client_id": OLD,
}
DOCUMENTED = {line: ROOT / "fuzz" / "corpora" / "conf" / f"cassa_{line}" for line in ("zh", "en")}


def without_comments(script):
    return "\n".join(line for line in script.splitlines() if not line.startswith("--"))


@pytest.fixture(params=TABLES)
def tables(request):
    return request.param


@pytest.fixture
def column(tables):
    return "client_id" if tables == "client_id" else "clientid"


@pytest.fixture
def database(cassandra_database, tables):
    cassandra_database.script(without_comments(TABLES[tables]))
    return cassandra_database


def rules_for(column):
    delete = f"delete from acked where {column} = ${{clientid}} and topic = ${{topic}}"
    return conf.EMQX_CASSANDRA | {"session.unsubscribed.1": conf.cql(delete, topic="#")}


@pytest.fixture
def start_with(start, database, column):
    """start_with(client__connected__3=rule, ...): a broker with more rules; a name has __ for each dot."""

    def make(settings=None, **rules):
        named = {name.replace("__", "."): rule for name, rule in rules.items()}
        text = conf.plugin(rules_for(column) | named, {"pool1": database.pool}, settings, kind="cassa")
        return start(plugins={"cassa": text})

    return make


@pytest.fixture
def broker(start_with):
    return start_with()


def now():
    return datetime.now(timezone.utc).replace(tzinfo=None)


def as_bytes(value):
    return value.encode() if isinstance(value, str) else value


def time_of(msgid):
    digits = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
    number = 0
    for digit in msgid:
        number = number * 62 + digits.index(digit)
    return datetime(1970, 1, 1) + timedelta(microseconds=number >> 64)


@pytest.fixture
def positions(database, column):
    return lambda client: sorted(database.cql(f"select topic, msgid from acked where {column} = %s", client))


def test_c1_presence(broker, database, paho, column):
    def row():
        return database.cql(f"select state, connected, disconnected from client where {column} = 'test'")

    before = now()
    client = paho(broker, "test")
    [(_, connected, _)] = until(lambda: [each for each in row() if each[0] == 1 and each[2] is None], "the row")
    assert before - timedelta(seconds=1) <= connected <= now() + timedelta(seconds=1)
    client.disconnect()
    [(_, unchanged, disconnected)] = until(lambda: [each for each in row() if each[0] == 0], "the change")
    assert unchanged == connected <= disconnected


def test_c2_subscriptions_of_the_table(broker, database, paho, column):
    for topic, qos in (("test_topic1", 1), ("test_topic2", 2)):
        database.cql(f"insert into sub({column}, topic, qos) values('test', %s, %s)", topic, qos)
    paho(broker, "test")
    until_equal(lambda: sorted((each["topic"], each["qos"]) for each in broker.api("/subscriptions/test")),
                [("test_topic1", 1), ("test_topic2", 2)])


def test_c3_provisioned_subscriptions_have_positions(broker, database, paho, column, positions):
    for topic in ("sub_client/upstream", "sub_client/downlink"):
        database.cql(f"insert into sub({column}, topic, qos) values('sub_client', %s, 1)", topic)
    client = paho(broker, "sub_client")
    until_equal(lambda: positions("sub_client"), [("sub_client/downlink", ""), ("sub_client/upstream", "")])
    paho(broker, "server").publish("sub_client/downlink", COMMAND, 1)
    assert client.message().payload == COMMAND


def test_c4_messages_are_stored(broker, database, paho):
    paho(broker, "sub_client").publish("upstream_topic", COMMAND, 1)
    [(topic, msgid, sender, qos, retain, payload, arrived)] = database.cql(
        "select topic, msgid, sender, qos, retain, payload, arrived from msg")
    assert (topic, sender, qos, retain, as_bytes(payload)) == ("upstream_topic", "sub_client", 1, 0, COMMAND)
    assert abs(time_of(msgid) - arrived) <= timedelta(seconds=1)
    assert abs(now() - arrived) < timedelta(seconds=30)


def test_c5_qos_0_is_not_stored(broker, database, paho):
    client = paho(broker, "c")
    client.publish("t", b"x", 0)
    client.publish("u", b"x", 1)
    broker.settle()
    assert database.cql("select topic from msg") == [("u",)]


def test_c5_qos_0_is_stored_by_on_message_store(start_with, database, paho):
    broker = start_with(message__publish__1=conf.function("on_message_store", "#"))
    paho(broker, "c").publish("t", b"x", 0)
    until_equal(lambda: database.cql("select topic, qos from msg"), [("t", 0)])


def test_c6_only_what_is_new(broker, database, paho, positions):
    paho(broker, "writer").publish("upstream_topic", COMMAND, 1)
    [(msgid,)] = database.cql("select msgid from msg")
    reader = paho(broker, "reader")
    reader.subscribe("upstream_topic", 1)
    assert reader.message().payload == COMMAND
    until_equal(lambda: positions("reader"), [("upstream_topic", msgid)])
    reader.disconnect()
    reader = paho(broker, "reader")
    reader.subscribe("upstream_topic", 1)
    broker.settle()
    assert reader.pending() == []


def test_c7_unsubscribe_forgets_the_position(broker, paho, positions):
    client = paho(broker, "c")
    client.subscribe("t", 1)
    client.subscribe("other", 1)
    assert positions("c") == [("other", ""), ("t", "")]  # there when SUBACK is
    client.unsubscribe("t")
    broker.settle()
    until_equal(lambda: positions("c"), [("other", "")])


def test_c8_retained_messages(broker, database, paho):
    publisher = paho(broker, "p")
    publisher.publish("t/retain", b"first", 1, retain=True)
    publisher.publish("t/retain", b"second", 1, retain=True)
    newest = max(database.cql("select msgid from msg"))
    assert database.cql("select topic, msgid from retain") == [("t/retain", *newest)]
    subscriber = paho(broker, "s")
    subscriber.subscribe("t/retain", 0)
    found = subscriber.message()
    assert (found.payload, found.retain) == (b"second", True)
    publisher.publish("t/retain", b"", 1, retain=True)
    until_equal(lambda: database.cql("select * from retain"), [])


def test_c8_retained_messages_of_another_broker(broker, start_with, database, paho):
    """Also of QoS 0, whose body no other rule stores; a superseded one leaves nothing."""
    for text in (b"first", b"second"):
        paho(broker, f"p{text}").publish("t/retain", text, 0, retain=True)
        broker.settle()
    assert len(database.cql("select * from msg")) <= 1
    other = start_with()
    subscriber = paho(other, "s")
    subscriber.subscribe("t/retain", 1)
    found = subscriber.message()
    assert (found.payload, found.retain) == (b"second", True)
    other.settle()
    assert subscriber.pending() == []


def test_c9_one_copy(broker, paho):
    paho(broker, "p").publish("t", b"once", 1, retain=True)
    subscriber = paho(broker, "s")
    subscriber.subscribe("t", 1)
    assert subscriber.message().payload == b"once"
    broker.settle()
    assert subscriber.pending() == []


@pytest.mark.parametrize("line", DOCUMENTED)
def test_c10_documented_files(line, start, cassandra_database, paho):
    """Word for word; only the pool is another one."""
    cassandra_database.script(TABLES["emqx"])
    own = "".join(f"backend.ecql.pool1.{key} = {value}\n" for key, value in cassandra_database.pool.items())
    broker = start(plugins={"cassa": DOCUMENTED[line].read_text() + "\n" + own})
    client = paho(broker, "c")
    client.subscribe("t", 1)
    paho(broker, "p").publish("t", b"x", 1)
    assert client.message().payload == b"x"
    [(msgid,)] = cassandra_database.cql("select msgid from msg")
    until_equal(lambda: cassandra_database.cql("select clientid, topic, msgid from acked"), [("c", "t", msgid)])


def test_c11_bytes(broker, database, connect, tables):
    payload = bytes([0, 255])
    publisher = connect(broker, "p")
    assert publisher.publish("t", payload, qos=1) < 0x80
    broker.settle()
    if tables == "ours":
        assert database.cql("select payload from msg") == [(payload,)]
        late = connect(broker, "late")
        late.subscribe("t", qos=1)
        assert late.message().payload == payload
        return
    assert database.cql("select payload from msg") == []
    [letter] = broker.api("/dead_letters")
    assert "UTF-8" in letter["error"]


def test_c11_order_of_200_messages(broker, connect):
    connect(broker, "w").publish_all("t", map(str, range(1, 201)))
    reader = connect(broker, "r")
    reader.subscribe("t", qos=1)
    assert [int(each.payload) for each in reader.messages(200)] == list(range(1, 201))


def test_statements_of_the_user(start_with, database, paho):
    """Values take the types of the columns; two statements are one unit."""
    database.script("""create table reading (device text, at timestamp, celsius double, qos int, raw blob,
                       primary key (device, at)); create table last (device text primary key, celsius float)""")
    broker = start_with(message__publish__4=conf.cql(
        "insert into reading(device, at, celsius, qos, raw) values(${clientid}, ${ts_ms}, ${payload.json.value}, "
        "${qos}, ${payload})",
        "insert into last(device, celsius) values(${clientid}, ${payload.json.value})", topic="#"))
    paho(broker, "d").publish("t", b'{"value": 21.5}', 1)
    [(device, at, celsius, qos, raw)] = database.cql("select device, at, celsius, qos, raw from reading")
    assert (device, celsius, qos, raw) == ("d", 21.5, 1, b'{"value": 21.5}')
    assert abs(now() - at) < timedelta(seconds=30)
    assert database.cql("select device, celsius from last") == [("d", 21.5)]


def test_the_release_before(start, cassandra4_database, paho):
    """Cassandra 4.1: presence, storing and reading back."""
    cassandra4_database.script(without_comments(TABLES["ours"]))
    text = conf.plugin(rules_for("clientid"), {"pool1": cassandra4_database.pool}, kind="cassa")
    broker = start(plugins={"cassa": text})
    paho(broker, "p").publish("t", COMMAND, 1)
    reader = paho(broker, "r")
    reader.subscribe("t", 1)
    assert reader.message().payload == COMMAND
    [(msgid,)] = cassandra4_database.cql("select msgid from msg")
    until_equal(lambda: cassandra4_database.cql("select clientid, topic, msgid from acked"), [("r", "t", msgid)])
    until_equal(lambda: cassandra4_database.cql("select state from client where clientid = 'r'"), [(1,)])
