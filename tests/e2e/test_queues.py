"""One-to-one, one-to-many and keep-latest, side by side on different topics; limits of one fetch."""

import pytest

from lib import conf
from lib.mqtt import PUBACK
from lib.wait import until_equal

PAYLOADS = "select payload from mqtt_msg where topic = ? order by id"


@pytest.fixture
def queues(start):
    return start(conf.plugin(conf.QUEUES))


def stored(broker, topic):
    return [row[0].decode() for row in broker.rows(PAYLOADS, topic)]


def publish(broker, connect, topic, *payloads):
    connect(broker, "publisher").publish_all(topic, payloads)


# --- one-to-one


def test_queue_is_emptied_by_acknowledgements(queues, connect):
    publish(queues, connect, "queue/a", *"01234")
    reader = connect(queues, "reader", auto_ack=False)
    reader.subscribe("queue/a", qos=1)
    found = reader.messages(5)
    assert [each.text for each in found] == list("01234")
    assert stored(queues, "queue/a") == list("01234")
    for each in (found[0], found[3]):
        reader.ack(PUBACK, each.packet_id)
    until_equal(lambda: stored(queues, "queue/a"), list("124"))
    assert queues.rows("select * from mqtt_acked") == []


def test_queue_gives_each_message_to_one_reader(queues, connect):
    """What one reader has in hand is leased to it: a second one gets none of that."""
    publish(queues, connect, "queue/a", *map(str, range(40)))
    first = connect(queues, "first", auto_ack=False, props={"receive_maximum": 10})
    first.subscribe("queue/a", qos=1)
    held = first.messages(10)
    second = connect(queues, "second")
    second.subscribe("queue/a", qos=1)
    got = [each.text for each in second.pending()]
    first.auto_ack = True
    for each in held:
        first.ack(PUBACK, each.packet_id)
    rest = [each.text for each in first.messages(30 - len(got))]
    assert sorted([each.text for each in held] + got + rest, key=int) == [str(number) for number in range(40)]
    until_equal(lambda: stored(queues, "queue/a"), [])
    assert first.pending() + second.pending() == []


def test_queue_message_of_a_lost_reader_goes_to_the_next(queues, connect):
    publish(queues, connect, "queue/a", "x")
    lost = connect(queues, "lost", auto_ack=False)
    lost.subscribe("queue/a", qos=1)
    assert lost.message().text == "x"
    lost.drop()
    until_equal(lambda: queues.client("lost"), None)
    reader = connect(queues, "reader")
    reader.subscribe("queue/a", qos=1)
    assert reader.message().text == "x"
    until_equal(lambda: stored(queues, "queue/a"), [])


@pytest.mark.parametrize("qos", [1, 2])
def test_queue_live_message_is_removed_when_acknowledged(queues, connect, qos):
    reader = connect(queues, "reader")
    reader.subscribe("queue/a", qos=qos)
    connect(queues, "publisher").publish("queue/a", b"x", qos=qos)
    assert reader.message().text == "x"
    until_equal(lambda: stored(queues, "queue/a"), [])


def test_queue_survives_a_kill(queues, connect):
    publish(queues, connect, "queue/a", *"0123")
    first = connect(queues, "reader", auto_ack=False)
    first.subscribe("queue/a", qos=1)
    found = first.messages(4)
    first.ack(PUBACK, found[0].packet_id)
    until_equal(lambda: stored(queues, "queue/a"), list("123"))
    queues.kill()
    queues.start()
    second = connect(queues, "reader")
    second.subscribe("queue/a", qos=1)
    assert [each.text for each in second.messages(3)] == list("123")
    until_equal(lambda: stored(queues, "queue/a"), [])


def test_queue_through_a_wildcard(queues, connect):
    publish(queues, connect, "queue/a", *"01")
    publish(queues, connect, "queue/b", *"23")
    reader = connect(queues, "reader")
    reader.subscribe("queue/+", qos=1)
    assert sorted(each.text for each in reader.messages(4)) == list("0123")
    until_equal(lambda: stored(queues, "queue/a") + stored(queues, "queue/b"), [])


# --- one-to-many


def test_pubsub_gives_each_message_to_every_reader(queues, connect):
    publish(queues, connect, "pubsub/a", *"012")
    for client_id in ("first", "second"):
        reader = connect(queues, client_id)
        reader.subscribe("pubsub/a", qos=1)
        assert [each.text for each in reader.messages(3)] == list("012")
    newest = queues.value("select max(id) from mqtt_msg")
    until_equal(lambda: sorted(queues.rows("select clientid, mid from mqtt_acked")),
                [("first", newest), ("second", newest)])
    assert stored(queues, "pubsub/a") == list("012")


def test_pubsub_forgets_at_unsubscribe(queues, connect):
    """on_acked_delete"""
    reader = connect(queues, "reader")
    reader.subscribe("pubsub/a", qos=1)
    assert queues.rows("select clientid, topic, mid from mqtt_acked") == [("reader", "pubsub/a", 0)]
    reader.unsubscribe("pubsub/a")
    until_equal(lambda: queues.rows("select * from mqtt_acked"), [])


# --- keep latest


def test_only_the_latest_is_kept(queues, connect):
    publish(queues, connect, "latest/a", *"012345")
    publish(queues, connect, "latest/b", "b")
    assert stored(queues, "latest/a") == ["5"]
    reader = connect(queues, "reader")
    reader.subscribe("latest/a", qos=1)
    assert [each.text for each in reader.pending()] == ["5"]


def test_only_the_latest_through_a_wildcard(queues, connect):
    connect(queues, "reader").subscribe("latest/#", qos=1)
    queues.settle()
    connect(queues, "reader").disconnect()
    publish(queues, connect, "latest/a", *"012345")
    publish(queues, connect, "latest/b", "b")
    reader = connect(queues, "reader")
    reader.subscribe("latest/#", qos=1)
    assert sorted(each.text for each in reader.pending()) == ["5", "b"]


def test_a_topic_without_a_rule_is_not_stored(queues, connect):
    publish(queues, connect, "other/a", "x")
    assert stored(queues, "other/a") == []


# --- limits of one fetch


def test_limits_for_the_whole_plugin(start, connect):
    """backend.sqlite.max_returned_count; a rule's own offline_opts win."""
    rules = conf.EMQX | {
        "session.subscribed.1": conf.function("on_message_fetch", "a/#"),
        "session.subscribed.3": conf.function("on_message_fetch", "b/#", offline_opts={"max_returned_count": 3}),
        "session.subscribed.4": conf.function("on_message_fetch", "c/#",
                                              offline_opts={"max_returned_count": "infinity"}),
    }
    broker = start(conf.plugin(rules, settings={"max_returned_count": 5, "time_range": "1h"}))
    for topic in ("a/x", "b/x", "c/x"):
        publish(broker, connect, topic, *map(str, range(8)))
    reader = connect(broker, "reader")
    reader.subscribe("a/x", "b/x", "c/x", qos=1)
    counts = {}
    for each in reader.pending():
        counts[each.topic] = counts.get(each.topic, 0) + 1
    assert counts == {"a/x": 5, "b/x": 3, "c/x": 8}


def test_live_messages_beyond_the_limit_do_not_hide_the_rest(start, connect):
    """What is beyond max_returned_count is a hole: the position stays before it until a fetch brings it."""
    broker = start(conf.plugin(conf.EMQX | {"session.subscribed.1": conf.function(
        "on_message_fetch", "#", offline_opts={"max_returned_count": 4})}))
    publish(broker, connect, "t", *map(str, range(10)))
    reader = connect(broker, "reader")
    reader.subscribe("t", qos=1)
    assert [each.text for each in reader.pending()] == list("0123")
    publish(broker, connect, "t", "live")
    assert reader.message().text == "live"
    fourth = broker.value("select id from mqtt_msg where payload = ?", b"3")
    broker.settle()
    assert broker.rows("select mid from mqtt_acked") == [(fourth,)]
    found = []
    for _ in range(3):
        reader.subscribe("t", qos=1)
        found += [each.text for each in reader.pending()]
    assert found == list("456789")
    until_equal(lambda: broker.rows("select mid from mqtt_acked"), broker.rows("select max(id) from mqtt_msg"))


def test_time_range_passes_over_old_messages(start, connect):
    broker = start(conf.plugin(conf.EMQX | {"session.subscribed.1": conf.function(
        "on_message_fetch", "#", offline_opts={"time_range": "1h"})}))
    publish(broker, connect, "t", "old", "new")
    broker.execute("update mqtt_msg set arrived = strftime('%Y-%m-%d %H:%M:%f', 'now', '-2 hours') "
                   "where payload = cast('old' as blob)")
    reader = connect(broker, "reader")
    reader.subscribe("t", qos=1)
    assert [each.text for each in reader.pending()] == ["new"]
    until_equal(lambda: broker.rows("select mid from mqtt_acked"), broker.rows("select max(id) from mqtt_msg"))
