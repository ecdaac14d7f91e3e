"""Several things at once: full disks, locked databases, take-overs and reloads in the middle of work."""

import random
import threading
import time

import pytest

from lib import conf, mqtt
from lib.mqtt import PUBACK, PUBCOMP, PUBREC, PUBREL, SUBACK, Will
from lib.raw import RawClient, Unexpected
from lib.wait import until, until_equal

COUNT = "select count(*) from mqtt_msg"
LASTING = {"clean": False, "props": {"session_expiry_interval": 60}}
MEGABYTE = 1 << 20


def impatient(start, **settings):
    """A broker that waits half a second for its database, and has no spool."""
    named = {"store.give_up_after": "500ms"} | {key.replace("__", "."): value for key, value in settings.items()}
    broker = start(conf.plugin(conf.EMQX, {"pool1": {"busy_timeout": "100ms"}}), named, started=False)
    broker.break_spool()
    return broker.start()


def test_a_full_disk_refuses_and_loses_nothing(start, connect):
    """No file may grow beyond two megabytes: neither the database nor the spool take a message then."""
    broker = start(conf.plugin(conf.EMQX), {"store.give_up_after": "500ms"}, started=False)
    broker.largest_file = 2 * MEGABYTE
    broker.start()
    client = connect(broker, "c")
    stored = []
    for number in range(100):
        payload = number.to_bytes(4, "big") + b"x" * 100_000
        reason = client.publish("t", payload, qos=1)
        if reason >= 0x80:
            break
        stored.append(payload)
    assert 5 < len(stored) < 60
    assert reason == 0x83
    old = connect(broker, "old", 4)
    old.send_publish("t", b"x" * 300_000, 1)
    assert old.expect_closed() == []
    assert broker.metric("keepmq_pool_refused_total") >= 2
    letters = {each["payload_bytes"] for each in broker.api("/dead_letters")}
    broker.kill()
    broker.largest_file = -1
    broker.start()
    broker.settle()
    rows = [row[0] for row in broker.rows("select payload from mqtt_msg order by id")]
    assert rows[:len(stored)] == stored, letters
    assert broker.value("pragma integrity_check") == "ok"
    assert connect(broker, "c").publish("t", b"goes on", qos=1) == 0


def test_subscribing_while_the_database_is_locked_fails(start, connect):
    """No position, no subscription: SUBACK says so, and the next attempt works."""
    broker = impatient(start)
    new, old = connect(broker, "new"), connect(broker, "old", 4)
    broker.settle()
    with broker.locked():
        assert new.subscribe("t", qos=1)[0] >= 0x80
        assert old.subscribe("t", qos=1) == [0x80]
        assert new.subscribe("t", qos=0) == [0]
    assert broker.api("/subscriptions/old") == []
    assert old.subscribe("t", qos=1) == [1]
    connect(broker, "p").publish("t", b"x", qos=1)
    assert old.message().payload == b"x"


def test_connecting_does_not_wait_for_the_database(broker, connect):
    with broker.locked():
        client = connect(broker, "c")
        client.ping()
        client.publish("t", b"x", qos=0)
        client.disconnect()
    until_equal(lambda: broker.rows("select state from mqtt_client"), [("0",)])


def test_qos2_is_taken_over_while_it_is_being_stored(broker, connect):
    """[MQTT-4.3.3-10] One row and one PUBREC, on the newer connection."""
    subscriber = connect(broker, "s")
    subscriber.subscribe("t", qos=2)
    subscriber.pending()
    first = connect(broker, "c", **LASTING)
    with broker.locked():
        first.send_publish("t", b"once", 2, packet_id=7)
        first.ping()
        second = connect(broker, "c", **LASTING)
        second.send_publish("t", b"once", 2, packet_id=7, dup=True)
        second.send_publish("t", b"once", 2, packet_id=7, dup=True)
        second.ping()
    assert second.expect(PUBREC).packet_id == 7
    second.ack(PUBREL, 7)
    assert second.expect(PUBCOMP).reason == 0
    second.ping()
    assert [each.payload for each in subscriber.pending()] == [b"once"]
    assert broker.value(COUNT) == 1


def test_publisher_leaves_before_its_message_is_stored(broker, connect):
    """It is stored all the same; nobody else's acknowledgement is disturbed."""
    first, second = connect(broker, "first"), connect(broker, "second")
    with broker.locked():
        first.send_publish("t", b"1", 1)
        first.ping()
        second_id = second.send_publish("t", b"2", 1)
        first.drop()
        second.ping()
    assert second.expect(PUBACK).packet_id == second_id
    assert [row[0] for row in broker.rows("select payload from mqtt_msg order by id")] == [b"1", b"2"]


@pytest.mark.parametrize("verb", ["reload", "unload"])
def test_reloading_while_publishers_are_paused(start, connect, verb):
    """The pool is full and the database locked; nothing is lost on the way."""
    broker = start(settings={"store.queue_limit": 10, "store.max_batch": 5})
    publisher = connect(broker, "p")
    with broker.locked():
        for number in range(100):
            publisher.send_publish("t", str(number), 1)
        until_equal(lambda: broker.metric("keepmq_paused_connections"), 1)
        thread = threading.Thread(target=lambda: broker.ctl("plugins", verb, "emqx_backend_sqlite"))
        thread.start()
        time.sleep(0.3)  # the old pool is being drained: nothing can be waited for
        connect(broker, "other").ping()
    thread.join()
    for _ in range(100):
        assert publisher.expect(PUBACK).reason == 0
    if verb == "reload":
        broker.settle()
        assert [int(row[0]) for row in broker.rows("select payload from mqtt_msg order by id")] == list(range(100))


@pytest.mark.parametrize("verbs", [["reload"], ["unload", "load"]])
@pytest.mark.parametrize("topic_filter", ["t", "t/#"])
def test_reloading_in_the_middle_of_a_replay(start, connect, topic_filter, verbs):
    """A slow reader of many pages gets the rest, at the latest when it subscribes again; nothing is passed over."""
    broker = start(settings={"replay.page_size": 20})
    connect(broker, "reader").subscribe(topic_filter, qos=1)
    connect(broker, "p").publish_all("t", map(str, range(300)))
    reader = connect(broker, "reader", auto_ack=False, props={"receive_maximum": 5})
    reader.subscribe(topic_filter, qos=1)
    found = []

    def read(count):
        for _ in range(count):
            message = reader.message()
            found.append(int(message.payload))
            reader.ack(PUBACK, message.packet_id)

    read(30)
    for verb in verbs:
        broker.ctl("plugins", verb, "emqx_backend_sqlite")
    connect(broker, "p").publish_all("t", map(str, range(300, 320)))
    reader.auto_ack = True
    for message in list(reader.inbox):
        reader.ack(PUBACK, message.packet_id)
    found += [int(each.payload) for each in reader.pending()]
    reader.subscribe(topic_filter, qos=1)
    found += [int(each.payload) for each in reader.pending()]
    assert sorted(found) == list(range(320))
    if verbs == ["reload"]:
        assert found == list(range(320))


def test_stopping_while_publishers_are_paused(start, connect):
    broker = start(settings={"store.queue_limit": 10, "store.max_batch": 5})
    publisher = connect(broker, "p")
    broker.settle()  # the presence of the publisher takes no room in the queue any more
    with broker.locked():
        for number in range(100):
            publisher.send_publish("t", str(number), 1)
        until_equal(lambda: broker.metric("keepmq_paused_connections"), 1)
        broker.signal(15)
        publisher.expect_closed()
    assert broker.wait() == 0
    broker.start()  # what took too long is in the spool
    broker.settle()
    assert 10 <= broker.value(COUNT) <= 100


def test_a_paused_publisher_is_disconnected_in_the_end(start, connect):
    """After backpressure.limit, with 0x97; its keep-alive time is not counted meanwhile."""
    broker = start(settings={"store.queue_limit": 10, "store.max_batch": 5, "backpressure.limit": "3s"}, started=False)
    broker.break_spool()
    broker.start()
    publisher = connect(broker, "p", keep_alive=1)
    with broker.locked():
        begin = time.monotonic()
        for number in range(100):
            publisher.send_publish("t", str(number), 1)
        found = [each for each in publisher.expect_closed() if each.kind == mqtt.DISCONNECT]
        assert [each.reason for each in found] == [0x97]
        assert time.monotonic() - begin > 2.5
    assert connect(broker, "p").publish("t", b"x", qos=1) == 0


def test_killed_while_a_reader_reads(start, connect):
    """Over ten kills a reader gets everything that was acknowledged; again perhaps, but first in order."""
    broker = start()
    connect(broker, "reader").subscribe("t", qos=1)
    first_seen = []
    acknowledged = 0
    for _ in range(10):
        publisher = connect(broker, "p")
        publisher.publish_all("t", map(str, range(acknowledged, acknowledged + 50)))
        acknowledged += 50
        reader = connect(broker, "reader")
        reader.subscribe("t", qos=1)
        for _ in range(random.randrange(1, 50)):
            number = int(reader.message().payload)
            if number not in first_seen:
                first_seen.append(number)
        broker.kill()
        broker.start()
    reader = connect(broker, "reader")
    reader.subscribe("t", qos=1)
    first_seen += [number for number in (int(each.payload) for each in reader.pending()) if number not in first_seen]
    assert first_seen == list(range(acknowledged))


# --- everything at once


def storm(address, generator, until_over, problems):
    """One thread that behaves as badly as MQTT allows."""
    topics = [f"storm/{number}" for number in range(6)]
    filters = [*topics, "storm/+", "#", "$share/g/storm/#", "$share/h/storm/1"]
    while not until_over.is_set():
        version = generator.choice((3, 4, 5))
        client = RawClient(address, version, auto_ack=generator.random() < 0.7)
        try:
            will = Will(generator.choice(topics), b"will", generator.randrange(3), generator.random() < 0.3)
            props = {"session_expiry_interval": generator.choice((0, 1, 60)), "receive_maximum": generator.choice((1, 5, 100))}
            client.send(mqtt.connect(version, f"c{generator.randrange(8)}", clean=generator.random() < 0.5, will=will,
                                     props=props))
            for _ in range(generator.randrange(40)):
                choice = generator.random()
                if choice < 0.5:
                    client.send_publish(generator.choice(topics), b"x" * generator.randrange(2000), generator.randrange(3),
                                        retain=generator.random() < 0.2)
                elif choice < 0.65:
                    client.send(mqtt.subscribe(version, 1, [(generator.choice(filters), generator.randrange(3))]))
                elif choice < 0.75:
                    client.send(mqtt.unsubscribe(version, 1, [generator.choice(filters)]))
                elif choice < 0.8:
                    client.send(mqtt.pingreq())
                elif choice < 0.85:
                    client.ack(generator.choice((PUBACK, PUBREC, PUBREL, PUBCOMP)), generator.randrange(1, 20))
                else:
                    try:
                        client.receive(0.01)
                    except Unexpected:
                        pass  # nothing there
            if generator.random() < 0.5:
                client.send(mqtt.disconnect(version))
        except (OSError, Unexpected):
            pass  # taken over by another one
        except Exception as problem:
            problems.append(problem)
        finally:
            client.close()


@pytest.mark.parametrize("rules", ["shipped", "queues"])
def test_storm(start, connect, rules):
    """Eight clients of the worst kind share eight names, while the plugin is reloaded."""
    seed = random.randrange(2**32)
    print(f"seed {seed}")
    queue_rules = {key: rule | {"topic": "#"} if "topic" in rule else rule for key, rule in conf.QUEUES.items()
                   if key in ("client.connected.1", "client.disconnected.1", "session.subscribed.1", "message.publish.1",
                              "message.acked.1")}
    broker = start(None if rules == "shipped" else conf.plugin(queue_rules))
    over, problems = threading.Event(), []
    threads = [threading.Thread(target=storm, args=(broker.address, random.Random(seed + number), over, problems))
               for number in range(8)]
    for thread in threads:
        thread.start()
    for _ in range(5):
        time.sleep(0.5)
        broker.ctl("plugins", "reload", "emqx_backend_sqlite")
    over.set()
    for thread in threads:
        thread.join()
    assert not problems
    until_equal(lambda: broker.metric("keepmq_connections"), 0)
    for number in range(8):
        connect(broker, f"c{number}", clean=True).disconnect()
    until_equal(lambda: broker.metric("keepmq_sessions"), 0)
    broker.settle()
    samples = broker.metrics()
    for gauge in ("subscriptions", "messages_queued", "messages_inflight", "replays_open", "paused_connections"):
        assert samples[(f"keepmq_{gauge}", ())] == 0, gauge
    until_equal(lambda: set(broker.rows("select state from mqtt_client")), {("0",)})
    assert broker.value("pragma integrity_check") == "ok"
    connect(broker, "after").ping()


def test_subscribing_and_leaving_at_once(broker, connect):
    """Answers of the database come back to clients that are gone, or that have come again."""
    for number in range(60):
        client = connect(broker, f"c{number % 3}", **(LASTING if number % 2 else {}))
        client.send(mqtt.subscribe(5, 1, [("t/#", 1), ("t/1", 2)]))
        if number % 5 == 0:
            client.send(mqtt.unsubscribe(5, 2, ["t/#"]))
        client.send_publish("t/1", b"x", 1)
        client.drop()
    client = connect(broker, "last")
    client.send(mqtt.subscribe(5, 1, [("t/1", 1)]))
    assert client.expect(SUBACK).reasons == [1]
    client.publish("t/1", b"the end", qos=1)
    until(lambda: client.message().payload == b"the end", "the last message")
