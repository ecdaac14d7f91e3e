"""The acceptance examples M1 to M14 on MariaDB and MySQL, with our tables and with those of EMQ X."""

import pytest

from lib import conf
from lib.mysql_tables import EMQX_4_4, EMQX_ENGLISH, OURS, create
from lib.wait import until_equal

CLIENT = "select clientid, state, node, online_at, offline_at, created from mqtt_client"
POSITIONS = "select topic, mid from mqtt_acked where clientid = %s order by topic"
COMMAND = b'{ "cmd": "reboot" }'


@pytest.fixture(params=["mariadb", "mysql"])
def empty(request):
    """An empty database."""
    return request.getfixturevalue(f"{request.param}_database")


@pytest.fixture(params=[OURS, EMQX_4_4, EMQX_ENGLISH])
def db(empty, request):
    """A database with the tables."""
    create(empty, request.param)
    return empty


@pytest.fixture
def with_rules(start, db):
    """A broker with the rules of EMQ X and more; a name has __ for each dot."""

    def make(**rules):
        named = {name.replace("__", "."): rule for name, rule in rules.items()}
        return start(plugins={"mysql": conf.plugin(conf.EMQX | named, {"pool1": db.pool}, kind="mysql")})

    return make


@pytest.fixture
def emqx(with_rules):
    return with_rules()


def test_m1_presence_of_a_client(emqx, db, paho):
    paho(emqx, "test")
    until_equal(lambda: len(db.sql(CLIENT)), 1)
    clientid, state, node, online_at, offline_at, created = db.sql(CLIENT)[0]
    assert (clientid, state, node, offline_at) == ("test", "1", "keepmq@127.0.0.1", None)
    assert online_at and created
    assert abs((db.sql("select utc_timestamp()")[0][0] - online_at).total_seconds()) < 60


def test_m2_the_row_of_a_client_is_kept(emqx, db, paho):
    def row():
        return db.sql("select id, state, online_at, offline_at, created from mqtt_client")

    def state():
        return [each[1] for each in row()]

    client = paho(emqx, "test")
    until_equal(state, ["1"])
    first = row()[0]
    client.disconnect()
    until_equal(state, ["0"])
    # The tables of EMQ X have whole seconds.
    db.sql("update mqtt_client set created = created - interval 1 second")
    client = paho(emqx, "test")
    until_equal(state, ["1"])
    client.disconnect()
    until_equal(state, ["0"])
    assert len(row()) == 1
    number, _, online_at, offline_at, created = row()[0]
    assert (number, (first[4] - created).total_seconds()) == (first[0], 1)
    assert created < online_at <= offline_at


def test_m3_subscriptions_of_the_table(emqx, db, paho):
    db.sql("insert into mqtt_sub(clientid, topic, qos) values('test', 'test_topic1', 1), ('test', 'test_topic2', 2)")
    paho(emqx, "test")
    until_equal(lambda: sorted((each["topic"], each["qos"]) for each in emqx.api("/subscriptions/test")),
                [("test_topic1", 1), ("test_topic2", 2)])


def test_m4_provisioned_subscriptions_deliver_and_have_positions(emqx, db, paho):
    db.sql("insert into mqtt_sub(clientid, topic, qos) "
           "values('sub_client', 'sub_client/upstream', 1), ('sub_client', 'sub_client/downlink', 1)")
    client = paho(emqx, "sub_client")
    until_equal(lambda: db.sql(POSITIONS, "sub_client"), [("sub_client/downlink", 0), ("sub_client/upstream", 0)])
    paho(emqx, "server").publish("sub_client/downlink", COMMAND, 1)
    message = client.message()
    assert (message.topic, message.payload, message.qos) == ("sub_client/downlink", COMMAND, 1)
    stored = db.sql("select id from mqtt_msg")[0][0]
    until_equal(lambda: db.sql(POSITIONS, "sub_client"),
                [("sub_client/downlink", stored), ("sub_client/upstream", 0)])


def store_three(broker, paho):
    client = paho(broker, "sub_client")
    for _ in range(3):
        client.publish("upstream_topic", COMMAND, 1)
    return client


def test_m5_messages_are_stored(emqx, db, paho):
    store_three(emqx, paho)
    rows = db.sql("select id, msgid, topic, sender, node, qos, retain, payload, arrived from mqtt_msg order by id")
    assert [row[2:8] for row in rows] == [("upstream_topic", "sub_client", None, 1, 0, COMMAND)] * 3
    assert rows[0][0] < rows[1][0] < rows[2][0]
    assert rows[0][1] < rows[1][1] < rows[2][1]
    assert [len(row[1]) for row in rows] == [20, 20, 20]
    now = db.sql("select utc_timestamp()")[0][0]
    assert all(abs((now - row[8]).total_seconds()) < 60 for row in rows)


@pytest.mark.parametrize("function, stored", [("on_message_publish", 0), ("on_message_store", 1)])
def test_m6_qos_0(with_rules, db, paho, function, stored):
    broker = with_rules(message__publish__1=conf.function(function, "#"))
    client = paho(broker, "c")
    client.publish("t", b"x", 0)
    client.publish("u", b"x", 1)
    broker.settle()
    assert db.sql("select topic, qos from mqtt_msg where topic = 't'") == [("t", 0)] * stored


def test_m7_position_of_a_reader(emqx, db, paho):
    client = store_three(emqx, paho)
    client.subscribe("upstream_topic", 1)
    assert [each.payload for each in client.messages(3)] == [COMMAND] * 3
    third = db.sql("select max(id) from mqtt_msg")[0][0]
    until_equal(lambda: db.sql(POSITIONS, "sub_client"), [("upstream_topic", third)])


@pytest.mark.parametrize("clean", [True, False])
def test_m8_only_what_is_new(emqx, db, paho, clean):
    def newest():
        return [("t", db.sql("select max(id) from mqtt_msg")[0][0])]

    reader = paho(emqx, "reader", clean=clean)
    reader.subscribe("t", 1)
    writer = paho(emqx, "writer")
    for number in range(3):
        writer.publish("t", str(number), 1)
    reader.messages(3)
    until_equal(lambda: db.sql(POSITIONS, "reader"), newest())
    reader.disconnect()
    for number in range(3, 8):
        writer.publish("t", str(number), 1)
    reader = paho(emqx, "reader", clean=clean)
    reader.subscribe("t", 1)
    assert [int(each.payload) for each in reader.messages(5)] == [3, 4, 5, 6, 7]
    until_equal(lambda: db.sql(POSITIONS, "reader"), newest())
    emqx.settle()
    assert reader.pending() == []


def test_m9_unsubscribe_forgets_the_position(emqx, db, paho):
    client = paho(emqx, "c")
    client.subscribe("t", 1)
    client.subscribe("other", 1)
    assert db.sql(POSITIONS, "c") == [("other", 0), ("t", 0)]  # there when SUBACK is
    client.unsubscribe("t")
    until_equal(lambda: db.sql(POSITIONS, "c"), [("other", 0)])


def test_m10_retained_messages(emqx, db, paho):
    publisher = paho(emqx, "p")
    publisher.publish("retain", b"first", 1, retain=True)
    publisher.publish("retain", b"second", 1, retain=True)
    assert db.sql("select topic, payload, qos, sender from mqtt_retain") == [("retain", b"second", 1, "p")]
    subscriber = paho(emqx, "s")
    subscriber.subscribe("retain", 1)
    found = subscriber.message()
    assert (found.payload, found.retain) == (b"second", True)
    publisher.publish("retain", b"", 1, retain=True)
    until_equal(lambda: db.sql("select * from mqtt_retain"), [])
    emqx.settle()
    assert [each.payload for each in subscriber.pending() if each.retain] == []


def test_m10_retained_message_of_an_earlier_installation(emqx, db, paho):
    db.sql("insert into mqtt_retain(topic, msgid, sender, node, qos, payload, arrived) "
           "values('retain', '5AC1A78431C3EF44200000C740001', 'p', 'emqx@127.0.0.1', 1, 'old', utc_timestamp())")
    subscriber = paho(emqx, "s")
    subscriber.subscribe("retain", 1)
    found = subscriber.message()
    assert (found.payload, found.retain, found.qos) == (b"old", True, 1)
    paho(emqx, "p").publish("retain", b"new", 1, retain=True)
    assert db.sql("select payload, node from mqtt_retain") == [(b"new", None)]


def test_m11_statements_of_the_user(with_rules, db, paho):
    logs = "insert into connect_logs(clientid, state) values(${clientid}, %d)"
    broker = with_rules(client__connected__3=conf.sql(logs % 1), client__disconnected__3=conf.sql(logs % 0))
    db.sql("create table connect_logs(id int auto_increment primary key, clientid varchar(64), "
           "created_at timestamp default current_timestamp, state int)")
    paho(broker, "test").disconnect()
    until_equal(lambda: db.sql("select clientid, state from connect_logs order by id"), [("test", 1), ("test", 0)])
    assert db.sql("select count(*) from connect_logs where created_at is not null") == [(2,)]


def test_m12_time_range(with_rules, db, paho):
    broker = with_rules(session__subscribed__1=conf.function(
        "on_message_fetch", "#", offline_opts={"time_range": "5s"}))
    writer = paho(broker, "w")
    writer.publish("t", b"old", 1)
    db.sql("update mqtt_msg set arrived = utc_timestamp() - interval 7 second")
    writer.publish("t", b"new", 1)
    reader = paho(broker, "r")
    reader.subscribe("t", 1)
    assert reader.message().payload == b"new"
    broker.settle()
    assert reader.pending() == []


def test_m12_max_returned_count(with_rules, connect):
    broker = with_rules(session__subscribed__1=conf.function(
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
def test_m13_names_are_data(emqx, db, paho, word):
    client = paho(emqx, word)
    client.subscribe(f"t/{word}", 1)
    client.publish(f"t/{word}", word.encode(), 1)
    assert client.message().payload == word.encode()
    topic = f"t/{word}"
    emqx.settle()
    assert db.sql("select clientid from mqtt_client") == [(word,)]
    assert db.sql("select topic, sender, payload from mqtt_msg") == [(topic, word, word.encode())]
    until_equal(lambda: db.sql(POSITIONS, word), [(topic, db.sql("select id from mqtt_msg")[0][0])])
    client.unsubscribe(topic)
    until_equal(lambda: db.sql(POSITIONS, word), [])


@pytest.mark.parametrize("version", [4, 5])
def test_m14_two_hundred_messages(emqx, paho, version):
    writer = paho(emqx, "w", version)
    for number in range(1, 201):
        writer.publish("t", str(number), 1)
    reader = paho(emqx, "r", version)
    reader.subscribe("t", 1)
    assert [int(each.payload) for each in reader.messages(200)] == list(range(1, 201))
    emqx.settle()
    assert reader.pending() == []
