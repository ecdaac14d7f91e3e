"""Stored messages on their way back: in order, once, and no gap to what is live."""

import threading

import pytest

from lib import conf
from lib.mqtt import PUBACK
from lib.wait import until, until_equal

POSITIONS = "select topic, mid from mqtt_acked where clientid = ? order by topic"


class Publisher(threading.Thread):
    """Sends numbered messages, acknowledged one window at a time, until it is told to stop."""

    def __init__(self, client, topics, first, window=20):
        super().__init__()
        self.client, self.topics, self.number, self.window = client, topics, first, window
        self.stopping = threading.Event()
        self.problem = None

    def run(self):
        try:
            while not self.stopping.is_set():
                for _ in range(self.window):
                    self.client.send_publish(self.topics[self.number % len(self.topics)], str(self.number), 1)
                    self.number += 1
                for _ in range(self.window):
                    self.client.expect(PUBACK)
        except Exception as problem:  # shown by stop()
            self.problem = problem

    def stop(self):
        """Returns the number after the last one."""
        self.stopping.set()
        self.join()
        if self.problem:
            raise self.problem
        return self.number


def numbers(client, until_number):
    """Payloads up to and including `until_number`."""
    found = [int(client.message(60).payload)]
    while found[-1] != until_number:
        found.append(int(client.message(60).payload))
    return found


def collect(client, count):
    return [int(each.payload) for each in client.messages(count, timeout=60)]


# --- no gap, no duplicate, in order


@pytest.mark.parametrize("topic_filter", ["t/0", "t/+", "#"])
def test_subscribing_while_a_publisher_goes_on(start, connect, topic_filter):
    """A first subscriber with earliest: the whole history, then what is live. (A wildcard starts at its
    first subscription, so that one has been there before.)"""
    broker = start(conf.plugin(conf.EMQX), {"replay.page_size": 50})
    if topic_filter != "t/0":
        before = connect(broker, "reader")
        before.subscribe(topic_filter, qos=1)
        before.disconnect()
    publisher = Publisher(connect(broker, "p"), ["t/0"], 200)
    publisher.client.publish_all("t/0", map(str, range(200)))
    publisher.start()
    reader = connect(broker, "reader")
    reader.subscribe(topic_filter, qos=1)
    found = collect(reader, 600)
    end = publisher.stop()
    found += numbers(reader, end - 1) if found[-1] != end - 1 else []
    assert found == list(range(end))
    assert reader.pending() == []
    until_equal(lambda: broker.rows("select max(mid) from mqtt_acked where clientid = 'reader'"),
                broker.rows("select max(id) from mqtt_msg"))


@pytest.mark.parametrize("clean", [True, False])
@pytest.mark.parametrize("topic_filter", ["t/0", "t/#"])
def test_coming_back_again_and_again(start, connect, topic_filter, clean):
    """The shipped rules: nothing before the first subscription, everything after it, whatever the
    session flags and however often the reader goes away without a word."""
    broker = start(settings={"replay.page_size": 20})
    lasting = {"clean": clean, "props": {"session_expiry_interval": 0 if clean else 60}}
    writer = connect(broker, "p")
    writer.publish("t/0", b"never seen", qos=1)
    reader = connect(broker, "reader", **lasting)
    reader.subscribe(topic_filter, qos=1)
    publisher = Publisher(writer, ["t/0"], 0)
    publisher.start()
    found = []
    for round_number in range(15):
        found += collect(reader, 40)
        reader.ping()  # the acknowledgements have been read
        found += [int(each.payload) for each in reader.inbox]
        reader.inbox.clear()
        reader.disconnect()
        reader = connect(broker, "reader", **lasting)
        reader.subscribe(topic_filter, qos=1)
    end = publisher.stop()
    if found[-1] != end - 1:
        found += numbers(reader, end - 1)
    # At least once across connections: what was on its way may come again, but never out of order.
    firsts = list(dict.fromkeys(found))
    assert firsts == list(range(end))
    assert len(found) - len(firsts) <= 15 * 60
    broker.settle()
    assert reader.pending() == []


def test_exactly_once_for_a_reader_that_acknowledges(broker, connect):
    """200 stored while it was away, more live when it is back: each once."""
    reader = connect(broker, "reader")
    reader.subscribe("t", qos=1)
    reader.disconnect()
    writer = connect(broker, "p")
    writer.publish_all("t", map(str, range(200)))
    publisher = Publisher(writer, ["t"], 200)
    publisher.start()
    reader = connect(broker, "reader")
    reader.subscribe("t", qos=1)
    found = collect(reader, 800)
    end = publisher.stop()
    found += numbers(reader, end - 1) if found[-1] != end - 1 else []
    assert found == list(range(end))
    assert reader.pending() == []


def test_unacknowledged_messages_come_again(broker, connect):
    """The position does not pass what was not acknowledged; what was is left out."""
    first = connect(broker, "reader", auto_ack=False)
    first.subscribe("t", qos=1)
    connect(broker, "p").publish_all("t", map(str, range(10)))
    sent = first.messages(10)
    for each in sent[:3] + sent[5:7]:
        first.ack(PUBACK, each.packet_id)
    first.ping()
    first.disconnect()
    third = broker.value("select id from mqtt_msg where payload = ?", b"2")
    until_equal(lambda: broker.rows(POSITIONS, "reader"), [("t", third)])
    second = connect(broker, "reader")
    second.subscribe("t", qos=1)
    found = collect(second, 5)
    assert found[:2] == [3, 4]
    assert found + [int(each.payload) for each in second.pending()] in ([3, 4, 7, 8, 9], [3, 4, 5, 6, 7, 8, 9])


def test_resumed_session_does_not_get_twice_what_it_queues(broker, connect):
    """The session has the messages, and so has the database."""
    lasting = {"clean": False, "props": {"session_expiry_interval": 60}}
    reader = connect(broker, "reader", **lasting)
    reader.subscribe("t", qos=1)
    broker.settle()
    reader.disconnect()
    connect(broker, "p").publish_all("t", map(str, range(50)))
    reader = connect(broker, "reader", **lasting)
    reader.subscribe("t", qos=1)
    assert collect(reader, 50) == list(range(50))
    assert reader.pending() == []


# --- after a restart


@pytest.mark.parametrize("how", ["stop", "kill"])
@pytest.mark.parametrize("topic_filter", ["t", "+", "#"])
def test_subscriber_that_is_back_after_a_restart(broker, connect, topic_filter, how):
    reader = connect(broker, "reader")
    reader.subscribe(topic_filter, qos=1)
    connect(broker, "p").publish_all("t", map(str, range(20)))
    assert collect(reader, 20) == list(range(20))
    broker.settle()
    reader.disconnect()
    connect(broker, "p").publish_all("t", map(str, range(20, 40)))
    assert broker.stop() == 0 if how == "stop" else broker.kill() is None
    broker.start()
    connect(broker, "p").publish_all("t", map(str, range(40, 60)))
    reader = connect(broker, "reader")
    reader.subscribe(topic_filter, qos=1)
    assert collect(reader, 40) == list(range(20, 60))
    assert reader.pending() == []


def test_retained_messages_come_from_the_database_after_a_restart(broker, connect):
    """on_retain_lookup, also for what an operator put there; wildcards included."""
    publisher = connect(broker, "p")
    publisher.publish("r/a", b"old", qos=1, retain=True)
    publisher.publish("r/a", b"kept", qos=1, retain=True, props={"content_type": "text/plain"})
    publisher.publish("r/gone", b"x", qos=1, retain=True)
    publisher.publish("r/gone", b"", qos=1, retain=True)
    broker.kill()
    broker.execute("insert into mqtt_retain(topic, qos, payload) values('r/b', 0, 'by hand');")
    broker.start()
    exact = connect(broker, "exact")
    exact.subscribe("r/a", qos=1)
    found = exact.message()
    assert (found.payload, found.retain, found.qos, found.props) == (b"kept", True, 1, {"content_type": "text/plain"})
    wild = connect(broker, "wild")
    wild.subscribe("r/#", qos=1)
    assert sorted((each.topic, each.payload, each.retain) for each in wild.pending()) == \
        [("r/a", b"kept", True), ("r/b", b"by hand", True)]
    # The newer one wins, and only once.
    connect(broker, "p2").publish("r/a", b"newest", qos=1, retain=True)
    late = connect(broker, "late")
    late.subscribe("r/a", qos=1)
    assert [each.payload for each in late.pending()] == [b"newest"]


# --- wildcards


def test_wildcards_read_every_topic_from_its_own_position(broker, connect):
    reader = connect(broker, "reader")
    reader.subscribe("a/+/c", "x/#", qos=1)
    reader.disconnect()
    writer = connect(broker, "p")
    for number in range(60):
        writer.publish(["a/1/c", "a/2/c", "a/2/d", "x", "x/y/z", "y"][number % 6], str(number), qos=1)
    reader = connect(broker, "reader")
    reader.subscribe("a/+/c", qos=1)
    reader.subscribe("x/#", qos=1)
    wanted = [number for number in range(60) if number % 6 in (0, 1, 3, 4)]
    assert sorted(collect(reader, 40)) == wanted
    assert reader.pending() == []
    topics = {topic for topic, mid in broker.rows(POSITIONS, "reader") if mid > 0}
    assert {"a/1/c", "a/2/c", "x", "x/y/z"} <= topics


def test_wildcard_and_exact_filter_give_one_copy(broker, connect):
    reader = connect(broker, "reader")
    reader.subscribe("t/+", "t/a", qos=1)
    reader.disconnect()
    connect(broker, "p").publish_all("t/a", map(str, range(30)))
    reader = connect(broker, "reader")
    reader.subscribe("t/+", "t/a", qos=1)
    assert collect(reader, 30) == list(range(30))
    assert reader.pending() == []


def test_a_new_wildcard_subscriber_gets_no_history(emqx, connect):
    """Also where fetch_from is earliest."""
    connect(emqx, "p").publish("t/a", b"old", qos=1)
    reader = connect(emqx, "reader")
    reader.subscribe("#", qos=1)
    connect(emqx, "p").publish("t/a", b"new", qos=1)
    assert reader.message().payload == b"new"
    assert reader.pending() == []


def test_qos_0_subscription_is_not_replayed(emqx, connect):
    connect(emqx, "p").publish("t", b"old", qos=1)
    reader = connect(emqx, "reader")
    reader.subscribe("t", qos=0)
    assert reader.pending() == []
    assert emqx.rows(POSITIONS, "reader") == []


def test_unsubscribe_forgets_the_position(broker, connect):
    """With latest a forgotten reader starts at now, with earliest at the beginning."""
    reader = connect(broker, "reader")
    reader.subscribe("t", qos=1)
    reader.unsubscribe("t")
    connect(broker, "p").publish("t", b"missed", qos=1)
    reader.subscribe("t", qos=1)
    assert reader.pending() == []


def test_unsubscribing_with_earliest_starts_over(emqx, connect):
    connect(emqx, "p").publish_all("t", map(str, range(5)))
    reader = connect(emqx, "reader")
    for _ in range(2):
        reader.subscribe("t", qos=1)
        assert collect(reader, 5) == list(range(5))
        reader.unsubscribe("t")
    emqx.settle()
    assert emqx.rows(POSITIONS, "reader") == []


# --- MQTT 5


def test_properties_survive_the_database(broker, connect):
    reader = connect(broker, "reader")
    reader.subscribe("t", qos=2)
    reader.disconnect()
    props = {
        "payload_format_indicator": 1, "content_type": "text/plain", "response_topic": "answer/ü",
        "correlation_data": b"\x00\xff", "user_property": [("b", "1"), ("a", "2"), ("b", "")],
    }
    expiring = {"message_expiry_interval": 100}
    connect(broker, "p").publish("t", b"x", qos=2, props=props | expiring)
    connect(broker, "p").publish("t", b"expired", qos=1, props={"message_expiry_interval": 1})
    broker.kill()
    connect(broker.start(), "clock", keep_alive=1).expect_end(0x8D)  # longer than a second
    reader = connect(broker, "reader")
    reader.subscribe("t", qos=1, props={"subscription_identifier": 7})
    found = reader.message()
    assert 80 < found.props.pop("message_expiry_interval") < 100
    assert found.props == props | {"subscription_identifier": [7]}
    assert (found.qos, found.retain, found.dup) == (1, False, False)
    assert reader.pending() == []


def test_no_local_holds_for_stored_messages(emqx, connect):
    client = connect(emqx, "c")
    client.publish("t", b"mine", qos=1)
    connect(emqx, "other").publish("t", b"theirs", qos=1)
    client.subscribe("t", qos=1, no_local=True)
    assert [each.payload for each in client.pending()] == [b"theirs"]


def test_a_stored_message_that_is_too_large_is_passed_over(emqx, connect):
    """[MQTT-3.1.2-25] for messages of the database."""
    writer = connect(emqx, "p")
    for payload in (b"1", b"x" * 500, b"2"):
        writer.publish("t", payload, qos=1)
    reader = connect(emqx, "reader", props={"maximum_packet_size": 100})
    reader.subscribe("t", qos=1)
    assert [each.payload for each in reader.pending()] == [b"1", b"2"]
    newest = emqx.value("select max(id) from mqtt_msg")
    until_equal(lambda: emqx.rows(POSITIONS, "reader"), [("t", newest)])


def test_the_window_of_the_reader_paces_the_replay(emqx, connect):
    """[MQTT-3.3.4-9] A reader that takes three at a time gets three at a time."""
    connect(emqx, "p").publish_all("t", map(str, range(100)))
    reader = connect(emqx, "reader", auto_ack=False, props={"receive_maximum": 3})
    reader.subscribe("t", qos=1)
    found = []
    while len(found) < 100:
        window = until(lambda: [reader.message()] + list(reader.inbox), "messages")
        reader.inbox.clear()
        assert len(window) <= 3
        for each in window:
            reader.ack(PUBACK, each.packet_id)
        found += [int(each.payload) for each in window]
    assert found == list(range(100))
