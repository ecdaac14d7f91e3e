"""The acceptance examples P1 to P14 of the PostgreSQL backend: on our tables with the rules of EMQ X's
Chinese documents, and on the tables of both lines of its documents, each with the rules of its line."""

import re
from datetime import datetime, timedelta, timezone

import pytest

from lib import conf
from lib.broker import ROOT
from lib.wait import until, until_equal

POSITIONS = "select topic, mid from mqtt_acked where clientid = %s order by topic"
COMMAND = b'{ "cmd": "reboot" }'
PGSQL = ROOT / "src" / "backends" / "pgsql"
TABLES = {
    "ours": PGSQL / "schema" / "001_init.sql",
    "chinese": PGSQL / "tests" / "ddl" / "zh.sql",
    "english": PGSQL / "tests" / "ddl" / "en.sql",
}
DOCUMENTED = {line: ROOT / "fuzz" / "corpora" / "conf" / f"pgsql_{line}" for line in ("en", "zh", "tutorial")}
RULES = {"ours": conf.EMQX, "chinese": conf.EMQX, "english": conf.EMQX_ENGLISH}


@pytest.fixture(params=TABLES)
def tables(request):
    return request.param


@pytest.fixture
def database(pgsql_database, tables):
    pgsql_database.script(TABLES[tables].read_text())
    return pgsql_database


@pytest.fixture
def start_with(start, database, tables):
    """start_with(client__connected__3=rule, ...): a broker with more rules; a name has __ for each dot."""

    def make(settings=None, **rules):
        named = {name.replace("__", "."): rule for name, rule in rules.items()}
        text = conf.plugin(RULES[tables] | named, {"pool1": database.pool}, settings, kind="pgsql")
        return start(plugins={"pgsql": text})

    return make


@pytest.fixture
def broker(start_with):
    return start_with()


def now():
    return datetime.now(timezone.utc).replace(tzinfo=None)


def payload_of(database, text="select payload from mqtt_msg"):
    """Text or bytes, as the column is."""
    found = database.sql(text)[0][0]
    return found.encode() if isinstance(found, str) else found


def test_p1_presence_keeps_one_row(broker, database, paho):
    before = now()
    paho(broker, "sub_client").disconnect()
    read = "select state, node, created, online_at, offline_at from mqtt_client where clientid = 'sub_client'"
    until_equal(lambda: [row[0] for row in database.sql(read)], [0])
    [(_, node, created, online_at, offline_at)] = database.sql(read)
    assert node == "keepmq@127.0.0.1"
    assert created == online_at  # to the microsecond
    assert before - timedelta(seconds=1) <= online_at <= offline_at <= now() + timedelta(seconds=1)


def test_p2_online_and_offline(broker, database, paho):
    def row():
        return database.sql("select id, state, offline_at is null from mqtt_client where clientid = 'test'")

    client = paho(broker, "test")
    until(lambda: row() and row()[0][1:] == (1, True))
    number = row()[0][0]
    client.disconnect()
    until_equal(row, [(number, 0, False)])
    client = paho(broker, "test")
    until_equal(row, [(number, 1, True)])


def test_p3_subscriptions_of_the_table(broker, database, paho):
    database.sql("""insert into mqtt_sub(clientid, topic, qos)
                    values('test', 'test_topic1', 1), ('test', 'test_topic2', 2)""")
    paho(broker, "test")
    until_equal(lambda: sorted((each["topic"], each["qos"]) for each in broker.api("/subscriptions/test")),
                [("test_topic1", 1), ("test_topic2", 2)])


def test_p4_provisioned_subscriptions_have_positions(broker, database, paho):
    database.sql("""insert into mqtt_sub(clientid, topic, qos)
                    values('sub_client', 'sub_client/upstream', 1), ('sub_client', 'sub_client/downlink', 1)""")
    client = paho(broker, "sub_client")
    until_equal(lambda: database.sql(POSITIONS, "sub_client"),
                [("sub_client/downlink", 0), ("sub_client/upstream", 0)])
    assert sorted(database.sql("select id from mqtt_acked")) == [(1,), (2,)]
    paho(broker, "server").publish("sub_client/downlink", COMMAND, 1)
    assert client.message().payload == COMMAND


def test_p5_messages_are_stored(broker, database, paho):
    before = now()
    paho(broker, "sub_client").publish("upstream_topic", COMMAND, 2)
    [(topic, sender, qos, retain, arrived)] = database.sql("select topic, sender, qos, retain, arrived from mqtt_msg")
    assert (topic, sender, qos, retain) == ("upstream_topic", "sub_client", 2, 0)
    assert before - timedelta(seconds=1) <= arrived <= now() + timedelta(seconds=1)
    assert payload_of(database) == COMMAND


def test_p6_qos_0_is_not_stored(broker, database, paho):
    client = paho(broker, "c")
    client.publish("t", b"x", 0)
    client.publish("u", b"x", 1)
    broker.settle()
    assert database.sql("select topic from mqtt_msg") == [("u",)]


def test_p7_retained_messages(broker, database, paho):
    publisher = paho(broker, "p")
    publisher.publish("upstream_topic", b"first", 1, retain=True)
    publisher.publish("upstream_topic", b"second", 1, retain=True)
    assert database.sql("select topic, qos, sender from mqtt_retain") == [("upstream_topic", 1, "p")]
    assert payload_of(database, "select payload from mqtt_retain") == b"second"
    subscriber = paho(broker, "s")
    subscriber.subscribe("upstream_topic", 1)
    found = subscriber.message()
    assert (found.payload, found.retain) == (b"second", True)
    publisher.publish("upstream_topic", b"", 1, retain=True)
    until_equal(lambda: database.sql("select * from mqtt_retain"), [])


def test_p8_only_what_is_new(broker, database, paho):
    writer = paho(broker, "writer")
    for number in range(4):
        writer.publish("upstream_topic", str(number), 1)
    reader = paho(broker, "reader")
    reader.subscribe("upstream_topic", 1)
    assert [each.payload for each in reader.messages(4)] == [b"0", b"1", b"2", b"3"]
    until_equal(lambda: database.sql(POSITIONS, "reader"), [("upstream_topic", 4)])
    reader.disconnect()
    writer.publish("upstream_topic", b"new", 1)
    reader = paho(broker, "reader")
    reader.subscribe("upstream_topic", 1)
    assert reader.message().payload == b"new"
    broker.settle()
    assert reader.pending() == []
    until_equal(lambda: database.sql(POSITIONS, "reader"), [("upstream_topic", 5)])


def test_p9_unsubscribe_forgets_the_position(broker, database, paho, tables):
    client = paho(broker, "c")
    client.subscribe("t", 1)
    client.subscribe("other", 1)
    assert database.sql(POSITIONS, "c") == [("other", 0), ("t", 0)]  # there when SUBACK is
    client.unsubscribe("t")
    # The English line has no rule for it.
    rest = [("other", 0), ("t", 0)] if tables == "english" else [("other", 0)]
    broker.settle()
    until_equal(lambda: database.sql(POSITIONS, "c"), rest)


def test_p10_state_in_a_table_of_the_user(start_with, database, paho):
    database.script("""create table clients("client_id" character varying(64), "state" boolean default false);
                       insert into clients values('mqtt_10c61f1a1f47')""")
    update = "update clients set state = %s where client_id = ${clientid}"
    broker = start_with(client__connected__3=conf.sql(update % "true"),
                        client__disconnected__3=conf.sql(update % "false"))
    client = paho(broker, "mqtt_10c61f1a1f47")
    until_equal(lambda: database.sql("select state from clients"), [(True,)])
    client.disconnect()
    until_equal(lambda: database.sql("select state from clients"), [(False,)])


def test_p11_time_of_the_last_acknowledgement(broker, database, paho):
    reader = paho(broker, "reader")
    reader.subscribe("t", 1)
    for text in (b"1", b"2"):
        before = now()
        paho(broker, f"writer{text}").publish("t", text, 1)
        assert reader.message().payload == text
        until(lambda: database.sql("select created from mqtt_acked where mid = (select max(id) from mqtt_msg)"))
        [(created,)] = database.sql("select created from mqtt_acked")
        assert before - timedelta(milliseconds=1) <= created <= now() + timedelta(seconds=1)


def test_p12_time_range(start_with, database, paho):
    broker = start_with({"time_range": "5s", "max_returned_count": 500})
    writer = paho(broker, "w")
    writer.publish("t", b"old", 1)
    database.sql("update mqtt_msg set arrived = arrived - interval '6 seconds'")
    writer.publish("t", b"new", 1)
    reader = paho(broker, "r")
    reader.subscribe("t", 1)
    assert reader.message().payload == b"new"
    broker.settle()
    assert reader.pending() == []


def test_p12_max_returned_count(start_with, connect):
    broker = start_with({"time_range": "1h", "max_returned_count": 500})
    connect(broker, "w").publish_all("t", map(str, range(600)))
    reader = connect(broker, "r")
    reader.subscribe("t", qos=1)
    assert [int(each.payload) for each in reader.messages(500)] == list(range(500))
    assert reader.pending() == []


def test_p13_payload_that_is_no_text(broker, database, connect, tables):
    live = connect(broker, "live")
    live.subscribe("t", qos=1)
    payload = bytes([0, 255])
    publisher = connect(broker, "p")
    assert publisher.publish("t", payload, qos=1) < 0x80
    assert live.message().payload == payload
    broker.settle()
    if tables == "ours":
        assert payload_of(database) == payload
        late = connect(broker, "late")
        late.subscribe("t", qos=1)
        assert late.message().payload == payload
        return
    assert database.sql("select * from mqtt_msg") == []
    [letter] = broker.api("/dead_letters")
    assert "encoding" in letter["error"]
    assert broker.metric("keepmq_pool_dead_lettered_total") == 1
    # It stands in nobody's way.
    publisher.publish("t", b"text", qos=1)
    assert payload_of(database) == b"text"


def test_p14_statements_run_in_order(start_with, database, paho):
    database.script("create table log(id serial, word text)")
    broker = start_with(message__publish__9=conf.sql(
        "insert into log(word) values('first ' || ${topic})",
        "update log set word = word || ' then second'", topic="t"))
    paho(broker, "c").publish("t", b"x", 1)
    assert database.sql("select word from log") == [("first t then second",)]


@pytest.mark.parametrize("word", ["a' or '1'='1", "'; drop table mqtt_msg; --", 'x"y', "x\\", "${topic}", "$1", "日本"])
def test_names_are_data(broker, database, paho, word):
    client = paho(broker, word)
    topic = f"t/{word}"
    client.subscribe(topic, 1)
    client.publish(topic, word.encode(), 1)
    assert client.message().payload == word.encode()
    broker.settle()
    assert database.sql("select clientid from mqtt_client") == [(word,)]
    assert database.sql("select topic, sender from mqtt_msg") == [(topic, word)]
    until_equal(lambda: database.sql(POSITIONS, word), [(topic, database.sql("select id from mqtt_msg")[0][0])])


def test_wildcards_are_replayed(broker, connect):
    reader = connect(broker, "r")
    reader.subscribe("s/+/t", qos=1)
    reader.disconnect()
    writer = connect(broker, "w")
    for number in range(50):
        writer.publish(f"s/{number % 7}/t", str(number), qos=1)
        writer.publish(f"s/{number % 7}/u", b"other", qos=1)
    reader = connect(broker, "r")
    reader.subscribe("s/+/t", qos=1)
    assert [int(each.payload) for each in reader.messages(50)] == list(range(50))
    assert reader.pending() == []


@pytest.mark.parametrize("line", DOCUMENTED)
def test_documented_files_load_as_they_stand(start, line):
    """No server listens where they say, or one that does not know us: the broker serves all the same."""
    broker = start(plugins={"pgsql": DOCUMENTED[line].read_text()})
    broker.plugin_conf.unlink()  # of SQLite: it stores the same topics
    checked = broker.run("check")
    assert checked.returncode == 0, checked.stdout + checked.stderr
    assert "emqx_backend_pgsql" in broker.ctl("plugins", "list")


@pytest.mark.parametrize("line", ["en", "zh"])
def test_documented_files_on_the_documented_tables(start, pgsql_database, paho, line):
    pgsql_database.script((PGSQL / "tests" / "ddl" / f"{line}.sql").read_text())
    pool = "".join(f"backend.pgsql.pool1.{key} = {value}\n" for key, value in pgsql_database.pool.items())
    place = r"(?m)^backend\.pgsql\.pool1\.(server|username|password|database) .*\n"
    rest = re.sub(place, "", DOCUMENTED[line].read_text())
    broker = start(plugins={"pgsql": pool + rest})
    reader = paho(broker, "r")
    reader.subscribe("t", 1)
    paho(broker, "w").publish("t", COMMAND, 1)
    assert reader.message().payload == COMMAND
    until_equal(lambda: pgsql_database.sql(POSITIONS, "r"), [("t", 1)])
