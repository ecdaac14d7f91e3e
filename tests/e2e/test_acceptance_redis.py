"""The acceptance examples R1 to R16 of the Redis backend, with the shipped file."""

import json
import time

import pytest

from lib.broker import ROOT
from lib.conf import commands, function
from lib.redis_conf import KEEP_LATEST, PRESENCE, PUBSUB, plugin, shipped, start_with, texts
from lib.wait import until, until_equal

COMMAND = b'{ "cmd": "reboot" }'
NODE = "mqtt:node:keepmq@127.0.0.1"


@pytest.fixture
def server(redis_database):
    return redis_database


@pytest.fixture
def db(server):
    with server.client() as client:
        yield client


@pytest.fixture
def emqx(start, server):
    """A broker with the shipped file."""
    return start_with(start, shipped(server=server.address))


def state_of(db, client):
    return texts(db.hgetall(f"mqtt:client:{client}")).get("state")


def ids(db, topic):
    return texts(db.zrange(f"mqtt:msg:{topic}", 0, -1))


def stored(db, topic):
    """The messages of a topic in order, as hashes."""
    return [db.hgetall(f"mqtt:msg:{each}") for each in ids(db, topic)]


def payloads(messages):
    return [each.payload for each in messages]


def nothing_more(broker, *clients):
    """Nothing is under way any more, and nobody has got anything."""
    broker.settle()
    for client in clients:
        assert client.pending() == []


def test_r1_a_client_that_connects(emqx, paho, db):
    before = int(time.time())
    paho(emqx, "test")
    until_equal(lambda: state_of(db, "test"), "1")
    found = texts(db.hgetall("mqtt:client:test"))
    assert set(found) == {"state", "online_at", "offline_at"}
    assert found["offline_at"] == "undefined"
    assert before <= int(found["online_at"]) <= time.time()
    until_equal(lambda: texts(db.hgetall(NODE)), {"test": found["online_at"]})


def test_r2_a_client_that_disconnects(emqx, paho, db):
    client = paho(emqx, "test")
    until_equal(lambda: state_of(db, "test"), "1")
    online_at = db.hget("mqtt:client:test", "online_at")
    client.disconnect()
    until_equal(lambda: state_of(db, "test"), "0")
    found = texts(db.hgetall("mqtt:client:test"))
    assert found["online_at"] == online_at.decode()
    assert int(found["offline_at"]) >= int(online_at)
    until_equal(lambda: db.exists(NODE), 0)


def test_r3_nothing_but_presence(start, server, db, paho):
    broker = start_with(start, plugin(PRESENCE, server=server.address))
    paho(broker, "sub_client")
    until_equal(lambda: sorted(texts(db.keys())), ["mqtt:client:sub_client", NODE])


def test_r4_provisioned_subscriptions_deliver(emqx, paho, db):
    db.hset("mqtt:sub:sub_client", mapping={"sub_client/upstream": 1, "sub_client/downlink": 1})
    client = paho(emqx, "sub_client")
    until_equal(lambda: sorted((each["topic"], each["qos"]) for each in emqx.api("/subscriptions/sub_client")),
                [("sub_client/downlink", 1), ("sub_client/upstream", 1)])
    paho(emqx, "server").publish("sub_client/downlink", COMMAND, 1)
    message = client.message()
    assert (message.topic, message.payload, message.qos) == ("sub_client/downlink", COMMAND, 1)


def test_r5_the_subscriptions_stay_as_they_are(emqx, paho, db):
    wanted = {"topic1": "1", "topic2": "2"}
    db.hset("mqtt:sub:test", mapping=wanted)
    paho(emqx, "test")
    until_equal(lambda: sorted((each["topic"], each["qos"]) for each in emqx.api("/subscriptions/test")),
                [("topic1", 1), ("topic2", 2)])
    assert texts(db.hgetall("mqtt:sub:test")) == wanted


def test_r6_messages_are_stored(emqx, paho, db):
    client = paho(emqx, "sub_client")
    bodies = [COMMAND, b"\x00\xff two", b"three"]
    for body in bodies:
        client.publish("upstream_topic", body, 1)
    found = stored(db, "upstream_topic")
    assert [each[b"payload"] for each in found] == bodies
    for member, each in zip(ids(db, "upstream_topic"), found):
        assert set(each) == {b"id", b"from", b"qos", b"topic", b"payload", b"ts", b"retain"}
        assert each[b"id"].decode() == member
        assert (each[b"from"], each[b"qos"], each[b"topic"]) == (b"sub_client", b"1", b"upstream_topic")
        assert each[b"retain"] == b"false"
        assert abs(int(each[b"ts"]) - time.time()) < 60
    assert db.zrange("mqtt:msg:upstream_topic", 0, -1, withscores=True)[0][1] == 1


def test_r6_properties_of_mqtt_5_are_one_more_field(emqx, paho, db):
    client = paho(emqx, "five", 5)
    client.publish("pubsub/p", b"x", 1, ContentType="text/plain", UserProperty=[("k", "v")])
    client.publish("pubsub/p", b"y", 1)
    with_properties, plain = stored(db, "pubsub/p")
    assert json.loads(with_properties[b"properties"]) == {"content_type": "text/plain", "user_properties": [["k", "v"]]}
    assert b"properties" not in plain
    reader = paho(emqx, "reader", 5)
    reader.subscribe("pubsub/p", 1)
    assert reader.message().properties.ContentType == "text/plain"


def test_r7_qos_0_is_not_stored(emqx, paho, db):
    client = paho(emqx, "c")
    client.publish("t", b"x", 0)
    client.publish("u", b"x", 1)  # stored behind it
    emqx.settle()
    assert (ids(db, "t"), len(ids(db, "u"))) == ([], 1)


def test_r8_time_to_live_of_the_rule(emqx, paho, db):
    client = paho(emqx, "c")
    client.publish("t", b"x", 1)
    client.publish("t", b"x", 1, retain=True)
    for key in [*(f"mqtt:msg:{each}" for each in ids(db, "t")), "mqtt:msg:t", "mqtt:retain:t"]:
        assert 0 < db.ttl(key) <= 3600, key


@pytest.mark.parametrize("settings, options, shortest, longest", [
    ({"msg.expired_after": "120"}, {}, 1, 120),
    ({"msg.expired_after": "120"}, {"expired_time": 60}, 1, 60),
    ({"msg.expired_after": "0"}, {}, 121, 3600),
    ({}, {}, 121, 3600),
    ({"msg.expired_after": "120"}, {"expired_time": "infinity"}, -1, -1),
])
def test_r8_time_to_live_elsewhere(start, server, db, paho, settings, options, shortest, longest):
    rules = {"message.publish.1": function("on_message_publish", "#", **options)}
    broker = start_with(start, plugin(rules, settings, server=server.address))
    paho(broker, "c").publish("t", b"x", 1)
    for key in (f"mqtt:msg:{ids(db, 't')[0]}", "mqtt:msg:t"):
        assert shortest <= db.ttl(key) <= longest, key


def test_r8_an_expired_message_leaves_the_index(emqx, paho, db):
    writer = paho(emqx, "w")
    for number in range(3):
        writer.publish("pubsub/e", str(number), 1)
    gone = ids(db, "pubsub/e")[1]
    db.delete(f"mqtt:msg:{gone}")
    reader = paho(emqx, "r")
    reader.subscribe("pubsub/e", 1)
    assert payloads(reader.messages(2)) == [b"0", b"2"]
    assert gone not in ids(db, "pubsub/e")


def test_r9_one_to_one(emqx, paho, db):
    paho(emqx, "w").publish("queue/a", b"job", 1)
    first = paho(emqx, "c1")
    first.subscribe("queue/a", 1)
    assert first.message().payload == b"job"
    until_equal(lambda: texts(db.keys("mqtt:msg:*")), [])
    first.disconnect()
    second = paho(emqx, "c2")
    second.subscribe("queue/a", 1)
    nothing_more(emqx, second)


def test_r10_one_to_many(emqx, paho, db):
    writer = paho(emqx, "w")
    writer.publish("pubsub/a", b"1", 1)
    first_id, = ids(db, "pubsub/a")
    clients = [paho(emqx, "c1"), paho(emqx, "c2")]
    for client in clients:
        client.subscribe("pubsub/a", 1)
        assert client.message().payload == b"1"
    for name in ("c1", "c2"):
        until_equal(lambda name=name: db.get(f"mqtt:acked:{name}:pubsub/a"), first_id.encode())
    clients[0].disconnect()
    again = paho(emqx, "c1")
    again.subscribe("pubsub/a", 1)
    nothing_more(emqx, again)
    writer.publish("pubsub/a", b"2", 1)
    assert again.message().payload == b"2"
    until_equal(lambda: db.get("mqtt:acked:c1:pubsub/a"), ids(db, "pubsub/a")[1].encode())
    again.unsubscribe("pubsub/a")
    until_equal(lambda: db.exists("mqtt:acked:c1:pubsub/a"), 0)
    assert db.exists("mqtt:acked:c2:pubsub/a") == 1


def test_r11_retained_messages(emqx, paho, db):
    client = paho(emqx, "test")
    client.publish("topic", b"Hello world!", 1, retain=True)
    found = texts(db.hgetall("mqtt:retain:topic"))
    assert set(found) == {"id", "from", "qos", "topic", "payload", "ts", "retain"}
    assert (found["from"], found["qos"], found["topic"]) == ("test", "1", "topic")
    assert (found["retain"], found["payload"]) == ("true", "Hello world!")
    reader = paho(emqx, "reader")
    reader.subscribe("topic", 1)
    message = reader.message()
    assert (message.payload, message.retain) == (b"Hello world!", True)
    client.publish("topic", b"second", 1, retain=True)
    second = texts(db.hgetall("mqtt:retain:topic"))
    assert second["payload"] == "second" and second["id"] > found["id"]


@pytest.mark.parametrize("subscribed", ["r/topic", "r/+", "#"])
def test_r11_a_retained_message_that_another_broker_stored(start, emqx, server, paho, subscribed):
    paho(emqx, "test").publish("r/topic", b"kept", 1, retain=True)
    other = start_with(start, shipped(server=server.address))
    reader = paho(other, "reader")
    reader.subscribe(subscribed, 1)
    message = reader.message()
    assert (message.topic, message.payload, message.retain) == ("r/topic", b"kept", True)


def test_r11_a_retained_message_of_emqx(emqx, paho, db):
    db.hset("mqtt:retain:old", mapping={"id": "2VFt0kuNrOktefX6m4nP", "from": "c", "qos": 1, "topic": "old",
                                        "retain": 1, "payload": "from before", "ts": 1594606150714})
    reader = paho(emqx, "reader")
    reader.subscribe("old", 1)
    message = reader.message()
    assert (message.payload, message.retain, message.qos) == (b"from before", True, 1)


def test_r12_an_empty_retained_message_deletes(emqx, paho, db):
    client = paho(emqx, "test")
    client.publish("topic", b"Hello world!", 1, retain=True)
    assert db.exists("mqtt:retain:topic") == 1
    client.publish("topic", b"", 1, retain=True)
    until_equal(lambda: db.exists("mqtt:retain:topic"), 0)


def test_r13_commands_of_the_user(start, server, db, paho):
    rules = {"client.connected.3": commands("SET conn:${clientid} ${clientid}")}
    broker = start_with(start, shipped(rules, server=server.address))
    paho(broker, "c9")
    until_equal(lambda: db.get("conn:c9"), b"c9")


def test_r13_commands_of_each_hook(start, server, db, paho):
    rules = {
        "client.disconnected.1": commands("SET disconn:${clientid} ${clientid}"),
        "session.subscribed.1": commands("HSET sub:${clientid} ${topic} ${qos}", topic="#"),
        "session.unsubscribed.1": commands("SET unsub:${clientid} ${topic}", topic="#"),
        "message.publish.1": commands("RPUSH pub:${topic} ${msgid} ${payload}", "INCR count:${topic}", topic="#"),
        "message.acked.1": commands("HSET ack:${clientid} ${topic} ${msgid}", topic="#"),
        "message.deliver.1": commands("HSET deliver:${clientid} ${topic} ${msgid}", topic="#"),
    }
    broker = start_with(start, plugin(rules, server=server.address))
    client = paho(broker, "c 1")
    client.subscribe("a b", 1)
    body = b"two  spaces\r\n*1\r\n\x00$0"
    client.publish("a b", body, 1)
    client.message()
    message_id, stored_body = db.lrange("pub:a b", 0, -1)
    assert stored_body == body and len(message_id) == 20
    assert db.get("count:a b") == b"1"
    until_equal(lambda: db.hgetall("ack:c 1"), {b"a b": message_id})
    until_equal(lambda: db.hgetall("deliver:c 1"), {b"a b": message_id})
    assert db.hgetall("sub:c 1") == {b"a b": b"1"}
    client.unsubscribe("a b")
    until_equal(lambda: db.get("unsub:c 1"), b"a b")
    client.disconnect()
    until_equal(lambda: db.get("disconn:c 1"), b"c 1")


def test_r13_a_bad_command_takes_nobody_along(start, server, db, paho):
    rules = {
        "message.publish.1": commands("LPUSH text ${payload}", topic="bad"),
        "message.publish.2": commands("RPUSH good ${payload}", topic="good"),
    }
    broker = start_with(start, plugin(rules, server=server.address, pool_size=1))
    db.set("text", "not a list")
    client = paho(broker, "c")
    for number in range(20):
        client.publish("good", str(number), 1)
        client.publish("bad", str(number), 1)
    assert texts(db.lrange("good", 0, -1)) == [str(number) for number in range(20)]
    assert broker.metric("keepmq_pool_dead_lettered_total") == 20
    assert "WRONGTYPE" in broker.ctl("dead-letters", "list")


def test_r14_commands_of_the_channel(emqx, paho, db):
    client = paho(emqx, "test")
    until(lambda: db.publish("mqtt_channel", json.dumps({"type": "noise"})), "the broker to listen")
    db.publish("mqtt_channel", json.dumps({"type": "subscribe", "topic": "topic0", "clientid": "test", "qos": "0"}))
    until_equal(lambda: [(each["topic"], each["qos"]) for each in emqx.api("/subscriptions/test")], [("topic0", 0)])
    paho(emqx, "server").publish("topic0", b"hello", 1)
    assert client.message().payload == b"hello"
    db.publish("mqtt_channel", json.dumps({"type": "unsubscribe", "topic": "topic0", "clientid": "test"}))
    until_equal(lambda: emqx.api("/subscriptions/test"), [])
    paho(emqx, "server2").publish("topic0", b"again", 1)
    nothing_more(emqx, client)


def test_r15_all_in_order(emqx, paho):
    writer = paho(emqx, "writer")
    for number in range(1, 201):
        writer.publish("pubsub/count", str(number), 1)
    reader = paho(emqx, "reader", clean=False)
    reader.subscribe("pubsub/count", 1)
    assert payloads(reader.messages(200)) == [str(number).encode() for number in range(1, 201)]
    nothing_more(emqx, reader)


def test_r16_a_filter_with_wildcards_starts_now(emqx, paho):
    writer = paho(emqx, "writer")
    writer.publish("pubsub/a", b"before", 1)
    reader = paho(emqx, "reader")
    reader.subscribe("pubsub/+", 1)
    nothing_more(emqx, reader)
    writer.publish("pubsub/a", b"live", 1)
    assert reader.message().payload == b"live"


def test_r16_but_one_to_one_gives_what_nobody_has_taken(emqx, paho, db):
    """Unlike EMQ X, where such a message waits for somebody who names the topic."""
    writer = paho(emqx, "writer")
    writer.publish("queue/a", b"waiting", 1)
    reader = paho(emqx, "reader")
    reader.subscribe("queue/+", 1)
    assert reader.message().payload == b"waiting"
    until_equal(lambda: ids(db, "queue/a"), [])


def test_a_filter_with_wildcards_misses_nothing_after_its_first_subscription(start, server, db, paho):
    broker = start_with(start, plugin(PUBSUB, server=server.address))
    reader = paho(broker, "reader", clean=True)
    reader.subscribe("w/#", 1)
    reader.disconnect()
    writer = paho(broker, "writer")
    for number in range(30):
        writer.publish(f"w/{number % 7}", str(number), 1)
    reader = paho(broker, "reader", clean=True)
    reader.subscribe("w/#", 1)
    assert payloads(reader.messages(30)) == [str(number).encode() for number in range(30)]
    nothing_more(broker, reader)


def test_keep_latest(start, server, db, paho):
    broker = start_with(start, plugin(KEEP_LATEST, server=server.address))
    writer = paho(broker, "writer")
    for text in ("1", "2", "3"):
        writer.publish("k", text, 1)
    assert [each[b"payload"] for each in stored(db, "k")] == [b"3"]
    assert len(db.keys("mqtt:msg:*")) == 2
    for name in ("c1", "c2"):
        reader = paho(broker, name)
        reader.subscribe("k", 1)
        assert reader.message().payload == b"3"
        until_equal(lambda name=name: db.get(f"mqtt:acked:{name}:k"), ids(db, "k")[0].encode())
    again = paho(broker, "c1")
    again.subscribe("k", 1)
    nothing_more(broker, again)


def test_the_catalogue_forgets_topics_without_messages(start, server, db, paho):
    broker = start_with(start, shipped(server=server.address, pool_size=1))
    writer, reader = paho(broker, "w"), paho(broker, "r")
    writer.publish("queue/short", b"x", 1)
    assert db.zscore("keepmq:topics", "queue/short") == 0
    reader.subscribe("queue/short", 1)
    reader.message()
    until_equal(lambda: texts(db.keys("mqtt:msg:*")), [])

    def forgotten():
        writer.publish("pubsub/alive", b"x", 1)
        return texts(db.zrange("keepmq:topics", 0, -1)) == ["pubsub/alive"]

    until(forgotten, "the topic to be forgotten", every=0.1)


# --- files and commands before the start


def checked(start, text):
    """What `keepmq check` says of this file."""
    return start_with(start, text, started=False).run("check")


@pytest.mark.parametrize("line", ["redis_zh", "redis_en"])
def test_both_lines_of_documented_files_load(start, server, paho, line):
    text = (ROOT / "fuzz" / "corpora" / "conf" / line).read_text()
    text = text.replace("backend.redis.pool1.server = 127.0.0.1:6379", f"backend.redis.pool1.server = {server.address}")
    done = checked(start, text)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "warning" not in done.stdout + done.stderr
    broker = start_with(start, text)
    paho(broker, "c").publish("pubsub/t", b"x", 1)
    database = 0 if line == "redis_zh" else 1
    with server.client(database) as client:
        assert client.zcard("mqtt:msg:pubsub/t") == 1


def test_check_explains_commands(start, server):
    done = checked(start, shipped(server=server.address))
    assert done.returncode == 0, done.stdout + done.stderr
    assert "DEL mqtt:acked:<1>:<2> [<1> = ${clientid}, <2> = ${topic}]" in done.stdout


def test_the_samples_of_the_shipped_file_are_good(start, server):
    text = shipped(server=server.address).replace("## backend.redis.hook", "backend.redis.hook")
    done = checked(start, text)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "on_message_store_keep_latest" in done.stdout
    assert "LTRIM readings:<1> -1000 -1" in done.stdout


@pytest.mark.parametrize("text, said", [
    ("SETT conn:${clientid} x", 'unknown command "SETT"'),
    ("SET conn:${clientid}", 'wrong number of arguments for "SET"'),
    ("SET conn:${client} x", "client"),
    ("${clientid} x", "the name of the command contains a variable"),
])
def test_check_finds_bad_commands(start, server, text, said):
    done = checked(start, shipped({"client.connected.3": commands(text)}, server=server.address))
    assert said in done.stdout + done.stderr
    assert done.returncode != 0


def test_sentinel_keys_without_a_pool(start):
    text = plugin(PRESENCE, {"server": "127.0.0.1:26378", "sentinel": "mymaster"})
    text = text.replace("backend.redis.server", "backend.redis.pool1.pool_size = 1\nbackend.redis.server")
    done = checked(start, text)
    assert done.returncode == 0, done.stdout + done.stderr
