"""Several shards are one broker: clients do not see which of them they are on."""

import threading
from collections import Counter

import pytest

from lib import conf, mqtt
from lib.mqtt import DISCONNECT, PINGRESP, PUBACK, PUBREC, Will
from lib.raw import PATIENCE
from lib.redis_conf import plugin as redis_plugin
from lib.redis_conf import PUBSUB, start_with
from lib.wait import until, until_equal

SHARDS = 4
LASTING = {"clean": False, "props": {"session_expiry_interval": 600}}
MANY = 12  # so many clients or topics are on all shards


@pytest.fixture
def sharded(start):
    """sharded(plugin, ...): a broker with four shards; without a database if nothing is said."""

    def make(plugin=False, settings=None, **options):
        return start(plugin, {"node.shards": SHARDS} | (settings or {}), **options)

    return make


def payloads(messages):
    return [each.payload.decode() for each in messages]


class Publishers:
    """One thread for each client: numbered messages to one topic after the other, a window at a time."""

    def __init__(self, clients, topics, count, qos=1, window=20):
        self.problems = []
        self.threads = [threading.Thread(target=self.run, args=(number, client, topics, count, qos, window))
                        for number, client in enumerate(clients)]
        for thread in self.threads:
            thread.start()

    def run(self, number, client, topics, count, qos, window):
        try:
            for first in range(0, count, window):
                numbers = range(first, min(first + window, count))
                for each in numbers:
                    client.send_publish(topics[each % len(topics)], f"{number}:{each}", qos)
                for _ in numbers if qos else ():
                    client.expect(PUBACK)
        except Exception as problem:  # shown by join()
            self.problems.append(problem)

    def join(self):
        for thread in self.threads:
            thread.join()
        assert not self.problems, self.problems


def assert_in_order(found, publishers, topics, count):
    """Every message once, those of one publisher on one topic in order."""
    assert Counter(each.payload for each in found) == Counter(
        f"{number}:{each}".encode() for number in range(publishers) for each in range(count))
    seen = {}
    for each in found:
        number, position = map(int, each.payload.decode().split(":"))
        assert seen.get((number, each.topic), -1) < position, each
        seen[number, each.topic] = position


# --- connections and sessions


def test_status_says_how_many(sharded):
    broker = sharded()
    assert f"clients are served by {SHARDS} shards\n" in broker.ctl("status")


def test_each_client_has_one_session_wherever_it_connects(sharded, connect, opened):
    broker = sharded()
    for number in range(MANY):
        first = connect(broker, f"c{number}", **LASTING)
        first.subscribe(f"t/{number}", qos=1)
        second = connect(broker, f"c{number}", **LASTING)
        assert second.connack.session_present
        assert first.expect(DISCONNECT).reason == 0x8E  # taken over
        connect(broker, "p").publish(f"t/{number}", b"x", qos=1)
        assert second.message().payload == b"x"
    clients = [row["clientid"] for row in broker.api("/clients?_limit=100")]
    assert clients == sorted(clients)
    assert {f"c{number}" for number in range(MANY)} <= set(clients)


def test_identifiers_are_assigned_on_any_shard(sharded, connect):
    broker = sharded()
    clients = [connect(broker) for _ in range(MANY)]
    names = {each.connack.props["assigned_client_identifier"] for each in clients}
    assert len(names) == MANY
    # They are at home where they are: the operator finds them.
    for name in names:
        broker.ctl("clients", "kick", name)
    for client in clients:
        client.expect(DISCONNECT)


def test_what_follows_connect_at_once_is_not_lost(sharded, opened):
    broker = sharded()
    from lib import mqtt
    for number in range(MANY):
        client = opened(broker)
        client.send(mqtt.connect(5, f"c{number}") + mqtt.pingreq())
        client.expect(mqtt.CONNACK)
        client.expect(mqtt.PINGRESP)


def test_who_says_nothing_is_closed(sharded, opened):
    broker = sharded(settings={"zone.external.idle_timeout": "1s"})
    silent = opened(broker)
    half = opened(broker)
    half.send(b"\x10\x20\x00\x04MQ")
    silent.expect_closed()
    half.expect_closed()


def test_connections_are_counted_over_all_shards(sharded, opened, connect):
    broker = sharded(settings={"mqtt.max_connections": MANY})
    clients = [connect(broker, f"c{number}") for number in range(MANY)]
    one_more = opened(broker)
    assert one_more.connect("one more").reason == 0x97
    clients[0].disconnect()
    connect(broker, "fits")


# --- messages


@pytest.mark.parametrize("plugin", [False, None], ids=["no_database", "stored"])
@pytest.mark.parametrize("qos", [0, 1])
def test_order_of_each_publisher_and_topic(sharded, connect, plugin, qos):
    broker = sharded(plugin)
    readers = [connect(broker, f"r{number}") for number in range(4)]
    topics = [f"t/{number}" for number in range(5)]
    for reader in readers:
        reader.subscribe("t/#", qos=1)
    publishers = Publishers([connect(broker, f"p{number}") for number in range(4)], topics, 300, qos)
    publishers.join()
    for reader in readers:
        assert_in_order(reader.messages(4 * 300, timeout=60), 4, topics, 300)
        assert reader.pending() == []


def test_retained_and_other_messages_keep_their_order(sharded, connect):
    broker = sharded()
    readers = [connect(broker, f"r{number}") for number in range(MANY)]
    for reader in readers:
        reader.subscribe("t", qos=0)
    publisher = connect(broker, "p")
    for number in range(300):
        publisher.send_publish("t", str(number), 0, retain=number % 3 == 0)
    for reader in readers:
        assert payloads(reader.messages(300)) == list(map(str, range(300)))


def test_wills(sharded, connect):
    broker = sharded()
    reader = connect(broker, "r")
    reader.subscribe("will/#", qos=1)
    for number in range(MANY):
        connect(broker, f"c{number}", will=Will(f"will/{number}", b"gone", qos=1, retain=True)).drop()
    assert {each.topic for each in reader.messages(MANY)} == {f"will/{number}" for number in range(MANY)}
    late = connect(broker, "late")
    late.subscribe("will/#", qos=1)
    assert {each.topic for each in late.messages(MANY)} == {f"will/{number}" for number in range(MANY)}


def test_exactly_once(sharded, connect):
    """Also when the publisher sends again on another connection, and for readers that are away."""
    broker = sharded(None)
    reader = connect(broker, "r", **LASTING)
    reader.subscribe("t/#", qos=2)
    reader.disconnect()
    publisher = connect(broker, "p", auto_ack=False, **LASTING)
    for number in range(MANY):
        publisher.send_publish(f"t/{number}", str(number), 2, packet_id=number + 1)
    publisher.drop()
    publisher = connect(broker, "p", **LASTING)
    for number in range(MANY):
        publisher.send_publish(f"t/{number}", str(number), 2, packet_id=number + 1, dup=True)
        assert publisher.expect(PUBREC).packet_id == number + 1
    assert broker.value("select count(*) from mqtt_msg") == MANY
    reader = connect(broker, "r", **LASTING)
    assert sorted(map(int, payloads(reader.messages(MANY)))) == list(range(MANY))
    assert reader.pending() == []


# --- retained messages


def test_retained_messages_are_found_from_any_shard(sharded, connect):
    broker = sharded()
    publisher = connect(broker, "p")
    for number in range(MANY):
        publisher.publish(f"t/{number}", str(number), qos=1, retain=True)
    for number in range(MANY):
        reader = connect(broker, f"r{number}")
        reader.subscribe(f"t/{number}", qos=1)
        found = reader.message()
        assert (found.payload, found.retain) == (str(number).encode(), True)
        reader.subscribe("t/#", qos=1)
        assert sorted(map(int, payloads(reader.messages(MANY)))) == list(range(MANY))
    topics = [row["topic"] for row in broker.api("/retained?_limit=5&_page=2")]
    assert topics == sorted(f"t/{number}" for number in range(MANY))[5:10]
    publisher.publish("t/3", b"", qos=1, retain=True)
    reader = connect(broker, "last")
    reader.subscribe("t/#", qos=1)
    assert len(reader.messages(MANY - 1)) == MANY - 1
    assert reader.pending() == []


def test_retained_messages_outlive_the_broker(sharded, connect):
    broker = sharded()
    publisher = connect(broker, "p")
    for number in range(MANY):
        assert publisher.publish(f"t/{number}", str(number), qos=1, retain=True) == 0
    broker.kill()
    broker.settings["node.shards"] = 3  # a topic may have another owner then
    broker.start(same_ports=True)
    reader = connect(broker, "r")
    reader.subscribe("t/+", qos=1)
    assert sorted(map(int, payloads(reader.messages(MANY)))) == list(range(MANY))


# --- shared subscriptions


@pytest.mark.parametrize("strategy", ["round_robin", "random", "sticky", "hash"])
@pytest.mark.parametrize("plugin", [False, None], ids=["no_database", "stored"])
def test_one_member_gets_each_message(sharded, connect, strategy, plugin):
    broker = sharded(plugin, {"broker.shared_subscription_strategy": strategy})
    members = [connect(broker, f"m{number}") for number in range(MANY)]
    for member in members:
        member.subscribe("$share/g/t/#", qos=1)
    publishers = [connect(broker, f"p{number}") for number in range(3)]
    for number in range(240):
        publishers[number % 3].publish(f"t/{number % 7}", str(number), qos=1)
    counts = []
    found = []
    for member in members:
        got = payloads(member.pending())
        counts.append(len(got))
        found += got
    assert sorted(map(int, found)) == list(range(240))
    if strategy == "round_robin":
        assert set(counts) == {240 // MANY}
    elif strategy == "random":
        assert min(counts) > 0
    elif strategy == "sticky":
        assert max(counts) == 240
    else:  # hash of the publisher
        assert sum(count > 0 for count in counts) <= 3


def test_members_that_are_away_get_nothing_while_others_are_there(sharded, connect):
    broker = sharded()
    for number in range(MANY):
        away = connect(broker, f"away{number}", **LASTING)
        away.subscribe("$share/g/t", qos=1)
        away.disconnect()
    there = connect(broker, "there")
    there.subscribe("$share/g/t", qos=1)
    publisher = connect(broker, "p")
    for number in range(20):
        publisher.publish("t", str(number), qos=1)
    assert payloads(there.messages(20)) == list(map(str, range(20)))


def test_what_a_member_did_not_acknowledge_goes_to_another_shard(sharded, connect):
    broker = sharded()
    others = [connect(broker, f"m{number}") for number in range(3)]
    leaving = connect(broker, "leaving", auto_ack=False)
    leaving.subscribe("$share/g/t", qos=1)
    publisher = connect(broker, "p")
    for number in range(20):
        publisher.publish("t", str(number), qos=1)
    leaving.messages(20)
    for other in others:
        other.subscribe("$share/g/t", qos=1)
    leaving.drop()
    found = []

    def all_came():
        for other in others:
            found.extend(payloads(other.pending()))
        return len(found) >= 20

    until(all_came, "the messages at the other members")
    assert sorted(map(int, found)) == list(range(20))


# --- what survives


@pytest.mark.parametrize("plugin", [False, None], ids=["no_database", "stored"])
@pytest.mark.parametrize("qos", [1, 2])
def test_acknowledged_messages_for_sessions_of_other_shards_survive_a_kill(sharded, connect, plugin, qos):
    broker = sharded(plugin)
    for number in range(MANY):
        reader = connect(broker, f"r{number}", **LASTING)
        reader.subscribe(f"t/{number}", "all", qos=2)
        reader.disconnect()
    publisher = connect(broker, "p", **LASTING)
    for number in range(MANY):
        assert publisher.publish(f"t/{number}", str(number), qos=qos) == 0
    assert publisher.publish("all", b"all", qos=qos) == 0
    broker.kill()
    broker.start(same_ports=True)
    for number in range(MANY):
        reader = connect(broker, f"r{number}", **LASTING)
        assert reader.connack.session_present
        assert sorted(payloads(reader.messages(2))) == [str(number), "all"]
        assert reader.pending() == []


def test_sessions_move_when_the_number_of_shards_changes(sharded, connect):
    broker = sharded(None)
    for number in range(MANY):
        reader = connect(broker, f"r{number}", **LASTING)
        reader.subscribe(f"t/{number}", qos=1)
        reader.disconnect()
    for round_number, shards in enumerate([2, 1, 3, SHARDS]):
        publisher = connect(broker, "p")
        for number in range(MANY):
            publisher.publish(f"t/{number}", f"{round_number}", qos=1)
        broker.kill()
        broker.settings["node.shards"] = shards
        broker.start(same_ports=True)
    for number in range(MANY):
        reader = connect(broker, f"r{number}", **LASTING)
        assert payloads(reader.messages(4)) == ["0", "1", "2", "3"]
        assert reader.pending() == []


# --- stored messages


def replayed(broker, connect, topic_filter):
    """Readers come in the middle of what four publishers send; each gets all, once and in order."""
    topics = ["t/0"] if topic_filter == "t/0" else [f"t/{number}" for number in range(5)]
    for number in range(3):
        before = connect(broker, f"r{number}")
        before.subscribe(topic_filter, qos=1)
        before.disconnect()
    publishers = Publishers([connect(broker, f"p{number}") for number in range(4)], topics, 400)
    readers = []
    for number in range(3):
        readers.append(connect(broker, f"r{number}"))
        readers[-1].subscribe(topic_filter, qos=1)
    found = {reader: reader.messages(4 * 400, timeout=90) for reader in readers}
    publishers.join()
    for reader in readers:
        assert_in_order(found[reader], 4, topics, 400)
        assert reader.pending() == []
        reader.disconnect()
    broker.settle()
    # Positions are at the end: nothing comes again.
    for number in range(3):
        again = connect(broker, f"r{number}")
        again.subscribe(topic_filter, qos=1)
        assert again.pending() == []


@pytest.mark.parametrize("topic_filter", ["t/0", "t/#"])
def test_replay_without_gap_or_duplicate_sqlite(sharded, connect, topic_filter):
    replayed(sharded(conf.plugin(conf.EMQX), {"replay.page_size": 50}), connect, topic_filter)


@pytest.mark.parametrize("topic_filter", ["t/0", "t/#"])
def test_replay_without_gap_or_duplicate_redis(start, connect, redis_database, topic_filter):
    broker = start_with(start, redis_plugin(PUBSUB, server=redis_database.address),
                        settings={"node.shards": SHARDS, "replay.page_size": 50})
    replayed(broker, connect, topic_filter)


def test_one_session_has_a_queued_row_in_hands(sharded, connect):
    broker = sharded(conf.plugin(conf.QUEUES))
    publisher = connect(broker, "p")
    for number in range(60):
        publisher.publish("queue/t", str(number), qos=1)
    readers = [connect(broker, f"r{number}", auto_ack=False) for number in range(MANY)]
    for reader in readers:
        reader.subscribe("queue/t", qos=1)
    broker.settle()
    found = []
    for reader in readers:
        messages = reader.pending()
        found += payloads(messages)
        for each in messages:
            reader.ack(PUBACK, each.packet_id)
    assert sorted(map(int, found)) == list(range(60))
    until_equal(lambda: broker.value("select count(*) from mqtt_msg"), 0)


def test_reload_while_publishers_go_on(sharded, connect):
    broker = sharded(conf.plugin(conf.EMQX))
    readers = [connect(broker, f"r{number}") for number in range(3)]
    for reader in readers:
        reader.subscribe("t/#", qos=1)
    topics = [f"t/{number}" for number in range(5)]
    publishers = Publishers([connect(broker, f"p{number}") for number in range(4)], topics, 600)
    for _ in range(4):
        broker.ctl("plugins", "reload", "emqx_backend_sqlite")
    publishers.join()
    for reader in readers:
        assert_in_order(reader.messages(4 * 600, timeout=60), 4, topics, 600)
        assert reader.pending() == []
        reader.disconnect()
    assert broker.value("select count(*) from mqtt_msg") == 4 * 600
    broker.settle()
    for number in range(3):
        again = connect(broker, f"r{number}")
        again.subscribe("t/#", qos=1)
        assert again.pending() == []


def test_publishers_wait_for_a_database_that_takes_nothing(sharded, connect):
    broker = sharded(conf.plugin(conf.EMQX), {"store.queue_limit": 50, "backpressure.limit": "60s",
                                              "store.give_up_after": "60s"}, started=False)
    broker.break_spool()
    broker.start()
    topics = [f"t/{number}" for number in range(5)]
    clients = [connect(broker, f"p{number}") for number in range(4)]
    with broker.locked():
        publishers = Publishers(clients, topics, 400, window=400)
        until(lambda: broker.metric("keepmq_paused_connections") == 4, "the publishers to be paused")
    publishers.join()
    assert broker.value("select count(*) from mqtt_msg") == 4 * 400


def test_all_that_was_accepted_is_stored_at_the_end(sharded, connect):
    broker = sharded()
    broker.stop()
    broker = sharded(None)
    for number in range(MANY):
        client = connect(broker, f"p{number}", will=Will(f"will/{number}", b"gone", qos=1))
        for each in range(50):
            client.send_publish(f"t/{each}", f"{number}:{each}", 1)
        client.send(mqtt.pingreq())
        while client.receive(PATIENCE).kind != PINGRESP:  # some are acknowledged by then, or none
            pass
    assert broker.stop() == 0
    assert broker.value("select count(*) from mqtt_msg where topic like 't/%'") == MANY * 50
    assert broker.value("select count(*) from mqtt_msg where topic like 'will/%'") == MANY


def test_a_reader_is_not_through_before_the_publisher_is(sharded, connect):
    """A crash would bring the QoS 2 message again, and who is through with it could not be told from who never got it."""
    broker = sharded()
    publisher = connect(broker, "p", **LASTING)
    readers = {f"r{number}": connect(broker, f"r{number}", auto_ack=False, **LASTING) for number in range(MANY)}
    for each in readers.values():
        each.subscribe("t", qos=1)
    until_equal(lambda: broker.metric("keepmq_sessions_backlog"), 0)
    with broker.locked(broker.data / "sessions.db"):
        publisher.send_publish("t", b"x", 2, 1)
        for each in readers.values():
            each.ack(PUBACK, each.message().packet_id)
            each.ping()
        assert [broker.client(name)["inflight"] for name in readers] == [1] * MANY
    assert publisher.expect(PUBREC, timeout=PATIENCE).reason == 0
    until_equal(lambda: [broker.client(name)["inflight"] for name in readers], [0] * MANY)


@pytest.mark.parametrize("shards", [1, SHARDS])
@pytest.mark.parametrize("first", ["readers", "publisher"])
def test_an_interrupted_message_comes_once(sharded, connect, first, shards):
    """The broker dies when some sessions have a QoS 2 message on disk, and the publisher's does not say yet that it is
    with them. Whoever comes back first, each reader gets it once, also after another crash."""
    broker = sharded()
    publisher = connect(broker, "p", auto_ack=False, **LASTING)
    early = [f"early{number}" for number in range(MANY)]
    late = [f"late{number}" for number in range(MANY)]
    for name in early:
        away = connect(broker, name, **LASTING)
        away.subscribe("t", qos=2)
        away.disconnect()
    member = connect(broker, "member", **LASTING)
    member.subscribe("$share/g/t", qos=2)
    member.disconnect()
    publisher.send_publish("t", b"x", 2, 7)
    publisher.expect(PUBREC)
    for name in late:
        away = connect(broker, name, **LASTING)
        away.subscribe("t", qos=2)
        away.disconnect()
    until_equal(lambda: broker.metric("keepmq_sessions_backlog"), 0)
    broker.kill()
    # As it is before the last of the three commits; that would follow within milliseconds.
    broker.execute("update incoming set stage=0", broker.data / "sessions.db")
    broker.settings["node.shards"] = shards
    broker.start(same_ports=True)

    def repeat():
        publisher = connect(broker, "p", auto_ack=False, **LASTING)
        publisher.send_publish("t", b"x", 2, 7, dup=True)
        assert publisher.expect(PUBREC).packet_id == 7
        publisher.disconnect()

    def read(names):
        found = {}
        for name in names:
            reader = connect(broker, name, **LASTING)
            found[name] = payloads(reader.pending())
            reader.disconnect()
        return found

    if first == "publisher":
        repeat()
    once = {name: ["x"] for name in [*early, "member"]}
    found = read([*early, "member"])
    assert found == once
    if first == "readers":
        until_equal(lambda: broker.metric("keepmq_sessions_backlog"), 0)
        broker.kill()
        broker.start(same_ports=True)
        repeat()
        assert read([*early, "member"]) == {name: [] for name in once}
    assert read(late) == {name: ["x"] for name in late}
