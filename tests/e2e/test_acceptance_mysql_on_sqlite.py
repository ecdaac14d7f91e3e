"""The acceptance examples M1 to M14 of the MySQL backend, on SQLite with the same tables and rules."""

import pytest

from lib import conf
from lib.wait import until_equal

CLIENT = "select clientid, state, node, online_at, offline_at, created from mqtt_client"
POSITIONS = "select topic, mid from mqtt_acked where clientid = ? order by topic"
COMMAND = b'{ "cmd": "reboot" }'


def with_rules(start, **rules):
    """The rules of EMQ X and more; a name has __ for each dot."""
    named = {name.replace("__", "."): rule for name, rule in rules.items()}
    return start(conf.plugin(conf.EMQX | named))


def test_m1_presence_of_a_client(emqx, paho):
    paho(emqx, "test")
    until_equal(lambda: len(emqx.rows(CLIENT)), 1)
    clientid, state, node, online_at, offline_at, created = emqx.rows(CLIENT)[0]
    assert (clientid, state, node, offline_at) == ("test", "1", "keepmq@127.0.0.1", None)
    assert online_at and created


def test_m2_the_row_of_a_client_is_kept(emqx, paho):
    def row():
        return emqx.rows("select id, state, online_at, offline_at, created from mqtt_client")

    def state():
        return [each[1] for each in row()]

    client = paho(emqx, "test")
    until_equal(state, ["1"])
    first = row()[0]
    client.disconnect()
    until_equal(state, ["0"])
    client = paho(emqx, "test")
    until_equal(state, ["1"])
    client.disconnect()
    until_equal(state, ["0"])
    assert len(row()) == 1
    number, _, online_at, offline_at, created = row()[0]
    assert (number, created) == (first[0], first[4])
    assert created < online_at <= offline_at


def test_m3_subscriptions_of_the_table(emqx, paho):
    emqx.execute("""insert into mqtt_sub(clientid, topic, qos) values('test', 'test_topic1', 1);
                    insert into mqtt_sub(clientid, topic, qos) values('test', 'test_topic2', 2);""")
    paho(emqx, "test")
    until_equal(lambda: sorted((each["topic"], each["qos"]) for each in emqx.api("/subscriptions/test")),
                [("test_topic1", 1), ("test_topic2", 2)])


def test_m4_provisioned_subscriptions_deliver_and_have_positions(emqx, paho):
    emqx.execute("""insert into mqtt_sub(clientid, topic, qos) values('sub_client', 'sub_client/upstream', 1);
                    insert into mqtt_sub(clientid, topic, qos) values('sub_client', 'sub_client/downlink', 1);""")
    client = paho(emqx, "sub_client")
    until_equal(lambda: emqx.rows(POSITIONS, "sub_client"), [("sub_client/downlink", 0), ("sub_client/upstream", 0)])
    paho(emqx, "server").publish("sub_client/downlink", COMMAND, 1)
    message = client.message()
    assert (message.topic, message.payload, message.qos) == ("sub_client/downlink", COMMAND, 1)
    stored = emqx.value("select id from mqtt_msg")
    until_equal(lambda: emqx.rows(POSITIONS, "sub_client"),
                [("sub_client/downlink", stored), ("sub_client/upstream", 0)])


def store_three(broker, paho):
    client = paho(broker, "sub_client")
    for _ in range(3):
        client.publish("upstream_topic", COMMAND, 1)
    return client


def test_m5_messages_are_stored(emqx, paho):
    store_three(emqx, paho)
    rows = emqx.rows("select id, msgid, topic, sender, node, qos, retain, payload, arrived from mqtt_msg order by id")
    assert [row[2:8] for row in rows] == [("upstream_topic", "sub_client", None, 1, 0, COMMAND)] * 3
    assert rows[0][0] < rows[1][0] < rows[2][0]
    assert rows[0][1] < rows[1][1] < rows[2][1]
    assert [len(row[1]) for row in rows] == [20, 20, 20]
    now = emqx.value("select strftime('%Y-%m-%d %H:%M', 'now')")
    before = emqx.value("select strftime('%Y-%m-%d %H:%M', 'now', '-1 minute')")
    assert all(row[8][:16] in (now, before) for row in rows)


@pytest.mark.parametrize("function, stored", [("on_message_publish", 0), ("on_message_store", 1)])
def test_m6_qos_0(start, paho, function, stored):
    broker = with_rules(start, message__publish__1=conf.function(function, "#"))
    client = paho(broker, "c")
    client.publish("t", b"x", 0)
    client.publish("u", b"x", 1)  # stored behind it
    broker.settle()
    assert broker.rows("select topic, qos from mqtt_msg where topic = 't'") == [("t", 0)] * stored


def test_m7_position_of_a_reader(emqx, paho):
    client = store_three(emqx, paho)
    client.subscribe("upstream_topic", 1)
    assert [each.payload for each in client.messages(3)] == [COMMAND] * 3
    third = emqx.value("select max(id) from mqtt_msg")
    until_equal(lambda: emqx.rows(POSITIONS, "sub_client"), [("upstream_topic", third)])


@pytest.mark.parametrize("clean", [True, False])
def test_m8_only_what_is_new(emqx, paho, clean):
    reader = paho(emqx, "reader", clean=clean)
    reader.subscribe("t", 1)
    writer = paho(emqx, "writer")
    for number in range(3):
        writer.publish("t", str(number), 1)
    reader.messages(3)
    newest = "select max(id) from mqtt_msg"
    until_equal(lambda: emqx.rows(POSITIONS, "reader"), [("t", emqx.value(newest))])
    reader.disconnect()
    for number in range(3, 8):
        writer.publish("t", str(number), 1)
    reader = paho(emqx, "reader", clean=clean)
    reader.subscribe("t", 1)
    assert [int(each.payload) for each in reader.messages(5)] == [3, 4, 5, 6, 7]
    until_equal(lambda: emqx.rows(POSITIONS, "reader"), [("t", emqx.value(newest))])
    emqx.settle()
    assert reader.pending() == []


def test_m9_unsubscribe_forgets_the_position(emqx, paho):
    client = paho(emqx, "c")
    client.subscribe("t", 1)
    client.subscribe("other", 1)
    assert emqx.rows(POSITIONS, "c") == [("other", 0), ("t", 0)]  # there when SUBACK is
    client.unsubscribe("t")
    until_equal(lambda: emqx.rows(POSITIONS, "c"), [("other", 0)])


def test_m10_retained_messages(emqx, paho):
    publisher = paho(emqx, "p")
    publisher.publish("retain", b"first", 1, retain=True)
    publisher.publish("retain", b"second", 1, retain=True)
    assert emqx.rows("select topic, payload, qos, sender from mqtt_retain") == [("retain", b"second", 1, "p")]
    subscriber = paho(emqx, "s")
    subscriber.subscribe("retain", 1)
    # The retained one, and the history: EMQ X stores retained messages as messages, too.
    found = subscriber.message()
    assert (found.payload, found.retain) == (b"second", True)
    publisher.publish("retain", b"", 1, retain=True)
    until_equal(lambda: emqx.rows("select * from mqtt_retain"), [])
    emqx.settle()
    assert [each.payload for each in subscriber.pending() if each.retain] == []


def test_m11_statements_of_the_user(start, paho):
    logs = "insert into connect_logs(clientid, state) values(${clientid}, %d)"
    broker = with_rules(start, client__connected__3=conf.sql(logs % 1), client__disconnected__3=conf.sql(logs % 0))
    broker.execute("""create table connect_logs(id integer primary key autoincrement, clientid text,
                                                created_at text default current_timestamp, state int);""")
    paho(broker, "test").disconnect()
    until_equal(lambda: broker.rows("select clientid, state from connect_logs order by id"), [("test", 1), ("test", 0)])
    assert broker.rows("select count(*) from connect_logs where created_at is not null") == [(2,)]


def test_m12_time_range(start, paho):
    broker = with_rules(start, session__subscribed__1=conf.function(
        "on_message_fetch", "#", offline_opts={"time_range": "5s"}))
    writer = paho(broker, "w")
    writer.publish("t", b"old", 1)
    broker.execute("update mqtt_msg set arrived = strftime('%Y-%m-%d %H:%M:%f', 'now', '-6 seconds')")
    writer.publish("t", b"new", 1)
    reader = paho(broker, "r")
    reader.subscribe("t", 1)
    assert reader.message().payload == b"new"
    broker.settle()
    assert reader.pending() == []


def test_m12_max_returned_count(start, connect):
    broker = with_rules(start, session__subscribed__1=conf.function(
        "on_message_fetch", "#", offline_opts={"max_returned_count": 500}))
    connect(broker, "w").publish_all("t", map(str, range(600)))
    reader = connect(broker, "r")
    reader.subscribe("t", qos=1)
    assert [int(each.payload) for each in reader.messages(500)] == list(range(500))
    assert reader.pending() == []
    # The rest is there for the next fetch.
    reader.subscribe("t", qos=1)
    assert [int(each.payload) for each in reader.messages(100)] == list(range(500, 600))


@pytest.mark.parametrize("word", ["a' or '1'='1", "'; drop table mqtt_msg; --", 'x"y', "x\\", "${topic}", "?1", "日本"])
def test_m13_names_are_data(emqx, paho, word):
    client = paho(emqx, word)
    client.subscribe(f"t/{word}", 1)
    client.publish(f"t/{word}", word.encode(), 1)
    assert client.message().payload == word.encode()
    topic = f"t/{word}"
    emqx.settle()
    assert emqx.rows("select clientid from mqtt_client") == [(word,)]
    assert emqx.rows("select topic, sender, payload from mqtt_msg") == [(topic, word, word.encode())]
    until_equal(lambda: emqx.rows(POSITIONS, word), [(topic, emqx.value("select id from mqtt_msg"))])
    client.unsubscribe(topic)
    until_equal(lambda: emqx.rows(POSITIONS, word), [])


@pytest.mark.parametrize("version", [3, 4, 5])
def test_m14_two_hundred_messages(emqx, paho, version):
    writer = paho(emqx, "w", version)
    for number in range(1, 201):
        writer.publish("t", str(number), 1)
    reader = paho(emqx, "r", version)
    reader.subscribe("t", 1)
    assert [int(each.payload) for each in reader.messages(200)] == list(range(1, 201))
    emqx.settle()
    assert reader.pending() == []
