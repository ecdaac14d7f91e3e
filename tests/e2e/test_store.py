"""What is stored, when it is acknowledged, and what happens when the database does not play along."""

import pytest

from lib import conf
from lib.mqtt import PUBACK, PUBREC
from lib.wait import until, until_equal

COUNT = "select count(*) from mqtt_msg where topic = ?"
IMPLEMENTATION_ERROR = 0x83


def with_rules(start, rules, settings=None, pool=None, **options):
    return start(conf.plugin(conf.EMQX | rules, {"pool1": pool or {}}), settings, **options)


# --- acknowledged means stored


@pytest.mark.parametrize("qos", [1, 2])
@pytest.mark.parametrize("version", [3, 4, 5])
def test_the_row_is_there_when_the_acknowledgement_is(broker, connect, version, qos):
    """Read by another process the moment PUBACK or PUBREC arrives."""
    client = connect(broker, "c", version)
    for number in range(50):
        packet_id = client.send_publish("t", str(number), qos)
        assert client.expect(PUBACK if qos == 1 else PUBREC).packet_id == packet_id
        assert broker.value(COUNT, "t") == number + 1
    assert broker.rows("select distinct qos, sender from mqtt_msg") == [(qos, "c")]


def test_no_acknowledgement_before_the_commit(broker, connect):
    """While the database cannot be written there is none, but live delivery does not wait for it."""
    subscriber = connect(broker, "s")
    subscriber.subscribe("t", qos=1)
    subscriber.pending()
    publisher = connect(broker, "p", auto_ack=False)
    with broker.locked():
        first = publisher.send_publish("t", b"1", 1)
        second = publisher.send_publish("t", b"2", 2)
        third = publisher.send_publish("$not/stored", b"3", 1)
        publisher.ping()  # raises if an acknowledgement came before
        assert [each.text for each in subscriber.messages(2)] == ["1", "2"]
        assert broker.value(COUNT, "t") == 0
    found = [publisher.receive() for _ in range(3)]
    assert [(each.kind, each.packet_id) for each in found] == [(PUBACK, first), (PUBREC, second), (PUBACK, third)]
    assert broker.value(COUNT, "t") == 2


def test_acknowledgements_keep_their_order_across_topics(broker, connect):
    client = connect(broker, "c")
    sent = [client.send_publish(f"t/{number % 7}", str(number), 1) for number in range(500)]
    assert [client.expect(PUBACK).packet_id for _ in sent] == sent
    rows = broker.rows("select payload from mqtt_msg order by id")
    assert broker.comparable((int(row[0]) for row in rows), 7) == broker.comparable(range(500), 7)


@pytest.mark.parametrize("durability", ["enqueue", "none"])
def test_rules_that_do_not_hold_the_acknowledgement(start, connect, durability):
    broker = with_rules(start, {
        "message.publish.1": conf.function("on_message_publish", "#", durability=durability),
        "message.publish.2": None, "message.publish.3": None})
    client = connect(broker, "c")
    with broker.locked():
        assert client.publish("t", b"x", qos=1) == 0
        assert broker.value(COUNT, "t") == 0
    until_equal(lambda: broker.value(COUNT, "t"), 1)


def test_delivery_after_the_commit(start, connect):
    broker = with_rules(start, {
        "message.publish.1": conf.function("on_message_publish", "#", deliver="after_commit")})
    subscriber = connect(broker, "s")
    subscriber.subscribe("t", qos=1)
    subscriber.pending()
    publisher = connect(broker, "p")
    with broker.locked():
        publisher.send_publish("t", b"x", 1)
        publisher.ping()
        subscriber.ping()
        assert not subscriber.inbox
    assert subscriber.message().text == "x"
    publisher.expect(PUBACK)
    assert subscriber.pending() == []


def test_suback_waits_for_the_position(broker, connect):
    """"Subscribed" means that nothing later can be missed."""
    client = connect(broker, "c")
    with broker.locked():
        client.send(b"\x82\x07\x00\x63\x00\x00\x01t\x01")
        client.ping()
    assert client.receive().reasons == [1]
    assert broker.rows("select clientid, topic, mid from mqtt_acked") == [("c", "t", 0)]


# --- contents


def test_messages_keep_every_byte(broker, connect):
    client = connect(broker, "c")
    payload = bytes(range(256)) * 4
    client.publish("t/ä", payload, qos=1)
    client.publish("t/empty", b"", qos=2)
    assert broker.rows("select topic, payload, qos, retain from mqtt_msg order by id") == \
        [("t/ä", payload, 1, 0), ("t/empty", b"", 2, 0)]


def test_topics_of_any_length(broker, connect):
    client = connect(broker, "c")
    topic = "x" * 65535
    client.subscribe(topic, qos=1)
    client.publish(topic, b"x", qos=1)
    assert client.message().topic == topic
    assert broker.value("select length(topic) from mqtt_msg") == 65535


def test_message_ids_ascend(broker, connect):
    client = connect(broker, "c")
    client.publish_all("t", map(str, range(500)))
    broker.restart()
    client = connect(broker, "c")
    client.publish_all("t", map(str, range(500)))
    ids = [row[0] for row in broker.rows("select msgid from mqtt_msg order by id")]
    assert len(set(ids)) == 1000 and ids == sorted(ids)


def test_variables_of_statements(start, connect):
    """Everything is bound, whatever it contains; what is absent is NULL or the default."""
    variables = ["clientid", "username", "node", "topic", "qos", "retain", "msgid", "payload", "payload.text",
                 "payload.hex", "payload.json.a.1", "payload.json.no:-none", "ts", "ts_ms", "ts_iso", "peerhost"]
    broker = with_rules(start, {"message.publish.4": conf.sql(
        f"insert into seen values({', '.join('${' + each + '}' for each in variables)})", topic="s/#")})
    columns = [f"c{number}" for number in range(len(variables))]
    broker.execute(f"create table seen({', '.join(columns)});")
    broker.ctl("plugins", "reload", "emqx_backend_sqlite")
    client = connect(broker, "it's", username='"u"')
    payload = b'{"a": [1, "two; drop table seen"]}'
    assert client.publish("s/1", payload, qos=1) == 0
    client.publish("other", payload, qos=1)
    row = broker.rows("select * from seen")[0]
    message_id = broker.value("select msgid from mqtt_msg where topic = 's/1'")
    assert row[:12] == ("it's", '"u"', "keepmq@127.0.0.1", "s/1", 1, 0, message_id, payload, payload.decode(),
                        payload.hex(), "two; drop table seen", "none")
    assert row[12] * 1000 <= row[13] < (row[12] + 2) * 1000
    assert row[14][:10] == broker.value("select date('now')") and row[15] == "127.0.0.1"
    assert broker.value("select count(*) from seen") == 1


def test_statements_of_every_hook(start, connect):
    hooks = {
        "client.connected": "${clientid}", "client.disconnected": "${reason}", "session.created": "${clientid}",
        "session.terminated": "${reason}", "session.subscribed": "${topic}", "session.unsubscribed": "${topic}",
        "message.publish": "${topic}", "message.delivered": "${clientid}", "message.deliver": "${topic}",
        "message.acked": "${clientid}",
    }
    rules = {f"{hook}.9": conf.sql("insert into seen(hook, what) values('%s', %s)" % (hook, what))
             for hook, what in hooks.items()}
    broker = with_rules(start, rules)
    broker.execute("create table seen(hook text, what text);")
    client = connect(broker, "c")
    client.subscribe("t", qos=1)
    connect(broker, "p").publish("t", b"x", qos=1)
    client.message()
    client.unsubscribe("t")
    client.disconnect()
    wanted = {("client.connected", "c"), ("client.disconnected", "normal"), ("session.created", "c"),
              ("session.terminated", "expired"), ("session.subscribed", "t"), ("session.unsubscribed", "t"),
              ("message.publish", "t"), ("message.delivered", "c"), ("message.deliver", "t"), ("message.acked", "c")}
    until(lambda: wanted <= set(broker.rows("select hook, what from seen")), "all hooks")


# --- failures


def test_a_poison_row_goes_to_the_dead_letters(start, connect):
    """It is acknowledged, kept, counted and listed; what is beside it is stored."""
    broker = with_rules(start, {"message.publish.4": conf.sql(
        "insert into picky(value) values(${payload.text})", topic="picky/#")})
    broker.execute("create table picky(value text check(value <> 'poison'));")
    client = connect(broker, "c")
    sent = [client.send_publish(f"picky/{number % 3}", "poison" if number in (3, 7) else str(number), 1)
            for number in range(12)]
    found = [client.expect(PUBACK) for _ in sent]
    assert [each.packet_id for each in found] == sent
    assert {each.reason for each in found} == {0}
    assert sorted(int(row[0]) for row in broker.rows("select value from picky")) == \
        [0, 1, 2, 4, 5, 6, 8, 9, 10, 11]
    assert broker.value("select count(*) from mqtt_msg") == 12
    letters = broker.ctl_json("dead-letters", "list")
    assert [each["rule"] for each in letters] == ["sqlite message.publish.4"] * 2
    assert all("CHECK" in each["error"] for each in letters)
    assert all("poison" in broker.ctl("dead-letters", "show", str(each["id"])) for each in letters)
    assert broker.metric("keepmq_dead_letters") == 2
    assert broker.metric("keepmq_rule_dead_lettered_total", rule="sqlite message.publish.4") == 2
    assert broker.metric("keepmq_pool_dead_lettered_total") == 2


def test_dead_letters_outlive_the_broker(start, connect):
    broker = with_rules(start, {"message.publish.4": conf.sql("insert into missing values(${payload})")})
    assert connect(broker, "c").publish("t", b"kept", qos=1) == 0
    broker.kill()
    broker.start()
    assert len(broker.ctl_json("dead-letters", "list")) == 1
    assert b"kept".hex() in broker.ctl("dead-letters", "show", "1")


def test_a_database_that_stays_locked_refuses(start, connect):
    """When nothing can take the message: a reason code on MQTT 5, the end of the connection before."""
    broker = with_rules(start, {}, {"store.give_up_after": "500ms"}, {"busy_timeout": "100ms"}, started=False)
    broker.break_spool()
    broker.start()
    new, old = connect(broker, "new"), connect(broker, "old", 4)
    broker.settle()
    with broker.locked():
        assert new.publish("t", b"lost", qos=1) == IMPLEMENTATION_ERROR
        assert new.publish("t", b"lost", qos=2) == IMPLEMENTATION_ERROR
        old.send_publish("t", b"lost", 1)
        assert old.expect_closed() == []
    # The pauses between attempts have grown longer than a write is waited for.
    until(lambda: new.publish("t", b"1", qos=1) == 0, "the pool to go on")
    assert connect(broker, "old", 4).publish("t", b"2", qos=2) == 0
    assert broker.rows("select payload from mqtt_msg order by id") == [(b"1",), (b"2",)]
    assert broker.metric("keepmq_pool_refused_total") >= 3
    accounts(broker)


def test_a_short_lock_is_waited_for(start, connect):
    broker = with_rules(start, {}, None, {"busy_timeout": "100ms"})
    client = connect(broker, "c")
    with broker.locked():
        sent = [client.send_publish("t", str(number), 1) for number in range(20)]
        until(lambda: broker.metric("keepmq_pool_retries_total") > 0, "a retry")
    found = [client.expect(PUBACK) for _ in sent]
    assert [(each.packet_id, each.reason) for each in found] == [(packet_id, 0) for packet_id in sent]
    assert [row[0] for row in broker.rows("select payload from mqtt_msg order by id")] == \
        [str(number).encode() for number in range(20)]


def test_publishers_are_paused_when_the_pool_is_full(start, connect):
    """Nothing is dropped: the broker stops reading, and goes on when there is room."""
    broker = with_rules(start, {}, {"store.queue_limit": 10, "store.max_batch": 5})
    client = connect(broker, "c")
    with broker.locked():
        for number in range(200):
            client.send_publish("t", str(number), 1)
        until_equal(lambda: broker.metric("keepmq_paused_connections"), 1)
        connect(broker, "other").ping()
    for _ in range(200):
        assert client.expect(PUBACK).reason == 0
    assert broker.value(COUNT, "t") == 200
    until_equal(lambda: broker.metric("keepmq_paused_connections"), 0)


def accounts(broker):
    """Conservation: what was accepted is committed, dead-lettered or refused, per pool and per rule."""
    broker.settle()
    samples = broker.metrics()
    for what in ("pool", "rule"):
        accepted = {labels: value for (name, labels), value in samples.items() if name == f"keepmq_{what}_accepted_total"}
        assert accepted
        for labels, value in accepted.items():
            parts = [samples[(f"keepmq_{what}_{fate}_total", labels)] for fate in ("committed", "dead_lettered", "refused")]
            parts.append(samples[(f"keepmq_{what}_spooled", labels)])
            assert value == sum(parts), (labels, value, parts)


def test_conservation(start, connect):
    broker = with_rules(start, {"message.publish.4": conf.sql(
        "insert into picky(value) values(${payload.text})", topic="t/#")})
    broker.execute("create table picky(value text check(value <> '5'));")
    subscriber = connect(broker, "s")
    subscriber.subscribe("t/#", qos=1)
    client = connect(broker, "c")
    for number in range(100):
        client.publish(f"t/{number % 3}", str(number % 10), qos=number % 3, retain=number % 4 == 0)
    subscriber.messages(100)
    accounts(broker)
    assert broker.metric("keepmq_rule_committed_total", rule="sqlite message.publish.1") == \
        broker.value("select count(*) from mqtt_msg")
    assert broker.metric("keepmq_pool_dead_lettered_total") == 10
