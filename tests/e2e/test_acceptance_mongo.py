"""The acceptance examples G1 to G11 on servers that speak the protocol of MongoDB; read with its own driver."""

import itertools
import json
import random
import threading
import time

import pytest
from bson import ObjectId

from lib import conf
from lib.broker import ROOT
from lib.servers import FerretDb
from lib.wait import until, until_equal

COMMAND = b'{ "cmd": "reboot" }'
LINES = {"chinese": conf.EMQX_MONGO, "english": conf.EMQX_MONGO_ENGLISH}


@pytest.fixture(params=["ferretdb", "mongojava"])
def db(request):
    return request.getfixturevalue(f"{request.param}_database")


@pytest.fixture
def with_rules(start, db):
    """A broker with the rules of EMQ X and more; a name has __ for each dot."""

    def make(base=conf.EMQX_MONGO, **rules):
        named = {name.replace("__", "."): rule for name, rule in rules.items()}
        return start(plugins={"mongo": conf.plugin(base | named, {"pool1": db.pool}, kind="mongo")})

    return make


@pytest.fixture
def emqx(with_rules):
    return with_rules()


def positions(db, client):
    return db.all("mqtt_acked", "topic", "mongo_id", sort="topic", clientid=client)


def is_recent(seconds):
    return isinstance(seconds, int) and abs(time.time() - seconds) < 60


def test_g1_presence_of_a_client(emqx, db, paho):
    def rows():
        return db.all("mqtt_client", "_id", "state", "node", "online_at", "offline_at", clientid="test")

    client = paho(emqx, "test")
    until_equal(lambda: [row[1] for row in rows()], [1])
    [(number, _, node, online_at, offline_at)] = rows()
    assert (node, offline_at) == ("keepmq@127.0.0.1", None)
    assert is_recent(online_at)
    client.disconnect()
    until_equal(lambda: [row[1] for row in rows()], [0])
    [(again, _, _, same, offline_at)] = rows()
    assert (again, same) == (number, online_at)
    assert is_recent(offline_at)
    paho(emqx, "test")
    until_equal(lambda: [(row[0], row[1], row[4]) for row in rows()], [(number, 1, None)])


def test_g2_subscriptions_of_the_collection(emqx, db, paho):
    db.mqtt_sub.insert_many([{"clientid": "test", "topic": "test_topic1", "qos": 1},
                             {"clientid": "test", "topic": "test_topic2", "qos": 2.0}])
    paho(emqx, "test")
    until_equal(lambda: sorted((each["topic"], each["qos"]) for each in emqx.api("/subscriptions/test")),
                [("test_topic1", 1), ("test_topic2", 2)])


@pytest.mark.parametrize("line", LINES)
def test_g3_provisioned_subscriptions_have_positions(with_rules, db, paho, line):
    broker = with_rules(LINES[line])
    db.mqtt_sub.insert_many([{"clientid": "sub_client", "topic": f"sub_client/{each}", "qos": 1}
                             for each in ("upstream", "downlink")])
    paho(broker, "sub_client")
    until_equal(lambda: positions(db, "sub_client"), [("sub_client/downlink", 0), ("sub_client/upstream", 0)])


def test_g4_a_message_is_a_document(emqx, db, paho):
    paho(emqx, "sub_client").publish("upstream_topic", COMMAND, 1)
    [stored] = db.mqtt_msg.find()
    assert len(stored["msgid"]) == 20
    assert is_recent(stored["arrived"])
    wanted = {"_id": 1, "topic": "upstream_topic", "sender": "sub_client", "qos": 1, "retain": 0,
              "payload": {"cmd": "reboot"}, "msgid": stored["msgid"], "arrived": stored["arrived"]}
    assert {key: stored[key] for key in wanted} == wanted
    # A document has no blanks: what was sent is kept beside it.
    assert stored["payload_raw"].encode() == COMMAND
    reader = paho(emqx, "reader")
    reader.subscribe("upstream_topic", 1)
    assert reader.message().payload == COMMAND


def test_g5_position_of_a_reader(emqx, db, paho):
    client = paho(emqx, "sub_client")
    client.publish("upstream_topic", COMMAND, 1)
    client.publish("upstream_topic", COMMAND, 1)
    client.subscribe("upstream_topic", 1)
    assert [each.payload for each in client.messages(2)] == [COMMAND] * 2
    until_equal(lambda: positions(db, "sub_client"), [("upstream_topic", 2)])


PAYLOADS = [b"Hello world!", b"", b"\x00\xff", b'{"a":1}', b'{"b":[1,{"c":null}],"d":"\xc3\xa4"}', b' [1, 2.50]',
            b'{"a":1,"a":2}', b'{"$set":1}', b'{"a.b":1}', b'{"":1}', b"17", b'"text"', b"[[1,[2]]]",
            b'{"large":18446744073709551615}', b"[" * 200 + b"]" * 200, b'{"t":21.5}', b'{"e":1e400}']


@pytest.mark.parametrize("payload_format", [None, "mongo_json", "plain_text"])
def test_g6_payloads_come_back_as_they_were_sent(with_rules, db, connect, payload_format):
    option = {} if payload_format is None else {"payload_format": payload_format}
    broker = with_rules(message__publish__1=conf.function("on_message_publish", "#", **option))
    connect(broker, "w").publish_all("/World", PAYLOADS)
    stored = [row[0] for row in db.all("mqtt_msg", "payload")]
    assert stored[0] == "Hello world!"
    assert stored[3] == ('{"a":1}' if payload_format == "plain_text" else {"a": 1})
    assert len(stored) == len(PAYLOADS)
    reader = connect(broker, "r")
    reader.subscribe("/World", qos=1)
    assert [each.payload for each in reader.messages(len(PAYLOADS))] == PAYLOADS
    assert broker.metric("keepmq_dead_letters") == 0


def test_g6_what_emqx_embedded_is_compact_json(emqx, db, paho):
    db.mqtt_msg.insert_one({"_id": 7, "topic": "t", "msgid": "AAVHZbxDQ", "sender": "c", "qos": 1, "retain": False,
                            "payload": {"cmd": "reboot", "list": [1, 2.5, True, None, "x"]}, "arrived": time.time()})
    reader = paho(emqx, "r")
    reader.subscribe("t", 1)
    assert reader.message().payload == b'{"cmd":"reboot","list":[1,2.5,true,null,"x"]}'
    until_equal(lambda: positions(db, "r"), [("t", 7)])
    # The next message goes behind those that were there.
    paho(emqx, "w").publish("t", b"new", 1)
    assert db.all("mqtt_msg", "_id", "payload")[1:] == [(8, "new")]


def test_g7_retained_messages(emqx, db, paho):
    publisher = paho(emqx, "c1")
    publisher.publish("t/retain", b"first", 1, retain=True)
    publisher.publish("t/retain", COMMAND, 1, retain=True)
    [(number, payload, qos, sender)] = db.all("mqtt_retain", "_id", "payload", "qos", "sender", topic="t/retain")
    assert isinstance(number, ObjectId)
    assert (payload, qos, sender) == (COMMAND.decode(), 1, "c1")
    subscriber = paho(emqx, "s")
    subscriber.subscribe("t/retain", 1)
    found = subscriber.message()
    assert (found.payload, found.retain) == (COMMAND, True)
    publisher.publish("t/retain", b"", 1, retain=True)
    until_equal(lambda: db.all("mqtt_retain", "topic"), [])


def test_g7_retained_message_of_an_earlier_installation(emqx, db, paho):
    db.mqtt_retain.insert_one({"topic": "retain", "msgid": "5AC1A78431C3EF44200000C740001", "sender": "p", "qos": 1,
                               "payload": {"a": 1}, "arrived": int(time.time())})
    subscriber = paho(emqx, "s")
    subscriber.subscribe("retain", 1)
    found = subscriber.message()
    assert (found.payload, found.retain, found.qos) == (b'{"a":1}', True, 1)


def test_g8_unsubscribe_forgets_the_position(emqx, db, paho):
    client = paho(emqx, "c")
    client.subscribe("t", 1)
    client.subscribe("other", 1)
    assert positions(db, "c") == [("other", 0), ("t", 0)]  # there when SUBACK is
    client.unsubscribe("t")
    until_equal(lambda: positions(db, "c"), [("other", 0)])


def test_g9_max_returned_count(emqx, db, connect):
    connect(emqx, "w").publish_all("t", map(str, range(600)))
    reader = connect(emqx, "r")
    reader.subscribe("t", qos=1)
    assert [int(each.payload) for each in reader.messages(500)] == list(range(500))
    until_equal(lambda: positions(db, "r"), [("t", 500)])
    emqx.settle()
    assert reader.pending() == []
    reader.subscribe("t", qos=1)
    assert [int(each.payload) for each in reader.messages(100)] == list(range(500, 600))


def test_g9_time_range(emqx, db, paho):
    writer = paho(emqx, "w")
    writer.publish("t", b"old", 1)
    db.mqtt_msg.update_one({"_id": 1}, {"$set": {"arrived": int(time.time()) - 7260}})
    writer.publish("t", b"new", 1)
    reader = paho(emqx, "r")
    reader.subscribe("t", 1)
    assert reader.message().payload == b"new"
    emqx.settle()
    assert reader.pending() == []


@pytest.mark.parametrize("function, stored", [("on_message_publish", 0), ("on_message_store", 1)])
def test_g10_qos_0(with_rules, db, paho, function, stored):
    broker = with_rules(message__publish__1=conf.function(function, "#"))
    client = paho(broker, "c")
    client.publish("t", b"x", 0)
    client.publish("u", b"x", 1)
    broker.settle()
    assert db.all("mqtt_msg", "topic", "qos", topic="t") == [("t", 0)] * stored


def test_g11_two_brokers_write_at_once(with_rules, db, connect):
    brokers = [with_rules(), with_rules()]
    clients = [connect(broker, f"c{number}{each}") for number, broker in enumerate(brokers) for each in range(3)]
    generator = random.Random(11)
    sent = {number: [] for number in range(len(clients))}

    def work(number):
        for batch in range(10):
            topic = f"t/{generator.randrange(4)}"
            payloads = [f"{number} {batch} {each}" for each in range(40)]
            sent[number] += [(topic, each) for each in payloads]
            clients[number].publish_all(topic, payloads)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(len(clients))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    # A server that was slow for a second has not got what the spool took meanwhile.
    until_equal(lambda: db.mqtt_msg.count_documents({}), len(clients) * 400)
    rows = db.all("mqtt_msg", "_id", "topic", "payload", "msgid", "sender")
    assert len(rows) == len(clients) * 400
    assert len({row[0] for row in rows}) == len({row[3] for row in rows}) == len(rows)
    assert sorted((row[1], row[2]) for row in rows) == sorted(itertools.chain(*sent.values()))
    if isinstance(db.server, FerretDb):
        return  # its counter may go back and its ordered inserts go on: a clash disturbs the order of a batch
    for number, mine in sent.items():  # in the order of one client on one topic
        for topic in {each[0] for each in mine}:
            stored = [row[2] for row in rows if row[4] == f"c{number // 3}{number % 3}" and row[1] == topic]
            assert stored == [each[1] for each in mine if each[0] == topic]
    # Nor is a number given again to what comes later, when messages have gone.
    newest = rows[-1][0]
    db.mqtt_msg.delete_many({})
    connect(brokers[1].restart(), "again").publish("t/0", b"x", qos=1)
    assert db.all("mqtt_msg", "_id")[0][0] > newest


def test_documents_of_the_user(with_rules, db, paho):
    broker = with_rules(
        client__connected__3=conf.document("connections", {"_id": "${clientid}", "at": {"ms": "${ts_ms}"}, "up": True}),
        message__publish__5=conf.document("readings", {
            "device": "${clientid}", "topic": "${topic}", "value": "${payload.json.t}", "raw": "${payload}",
            "list": ["${qos}", "fixed", None, 1.5], "none": "${payload.json.no}"}))
    client = paho(broker, "d'1")
    hostile = '{"t": "\'; db.dropDatabase(); {\\"$gt\\": 1}"}'
    client.publish("a/b", b'{"t":21.5}', 1)
    client.publish("a/b", hostile.encode(), 1)
    until_equal(lambda: db.all("connections", "_id", "up"), [("d'1", True)])
    assert isinstance(db.connections.find_one()["at"]["ms"], int)
    found = sorted(db.all("readings", "device", "topic", "value", "raw", "list", "none"), key=lambda row: len(row[3]))
    assert found == [("d'1", "a/b", 21.5, '{"t":21.5}', [1, "fixed", None, 1.5], None),
                     ("d'1", "a/b", json.loads(hostile)["t"], hostile, [1, "fixed", None, 1.5], None)]


@pytest.mark.parametrize("line", LINES)
def test_files_of_emqx_work_as_they_are(start, db, paho, line):
    text = (ROOT / "tests/e2e/conf" / f"emqx_backend_mongo_{line}.conf").read_text()
    text = text.replace("127.0.0.1:27017", db.server.address).replace("database = mqtt", f"database = {db.name}")
    broker = start(plugins={"mongo": text})
    assert "warning config" not in broker.log()
    paho(broker, "w").publish("t", COMMAND, 1)
    reader = paho(broker, "r")
    reader.subscribe("t", 1)
    assert reader.message().payload == COMMAND
    until_equal(lambda: positions(db, "r"), [("t", 1)])
    assert db.all("mqtt_msg", "payload") == [({"cmd": "reboot"},)]


@pytest.mark.parametrize("filter_, found", [("a/#", ["1", "2", "3"]), ("+/b", ["2", "4"]), ("#", ["1", "2", "3", "4"])])
def test_filters_with_wildcards(with_rules, db, paho, filter_, found):
    broker = with_rules()
    reader = paho(broker, "r", clean=False)
    reader.subscribe(filter_, 1)
    reader.disconnect()
    writer = paho(broker, "w")
    for topic, payload in [("a", "1"), ("a/b", "2"), ("a/c/d", "3"), ("x/b", "4")]:
        writer.publish(topic, payload, 1)
    reader = paho(broker, "r")  # clean: what the session had is gone, what is stored is not
    reader.subscribe(filter_, 1)
    assert [each.payload.decode() for each in reader.messages(len(found))] == found
    until(lambda: len(positions(db, "r")) == len(found) + 1, "the positions")
    reader.subscribe(filter_, 1)
    broker.settle()
    assert reader.pending() == []
