"""Sessions, retained messages and QoS 2 exchanges outlive `kill -9`, with and without a database."""

import pytest

from lib.mqtt import PUBACK, PUBCOMP, PUBREC, PUBREL, Will
from lib.wait import until

LASTING = {"clean": False, "props": {"session_expiry_interval": 600}}
PLUGINS = pytest.mark.parametrize("plugin", [False, None], ids=["no_database", "sqlite"])


def reborn(broker):
    broker.kill()
    return broker.start(same_ports=True)


def on_disk(broker):
    """What readers acknowledged is on disk, too: nobody waits for that."""
    until(lambda: broker.metric("keepmq_sessions_backlog") == 0, "the changes to be on disk")


@PLUGINS
@pytest.mark.parametrize("qos", [1, 2])
def test_who_was_away_gets_its_messages_in_order_and_once(start, connect, plugin, qos):
    broker = start(plugin)
    reader = connect(broker, "reader", **LASTING)
    reader.subscribe("t/#", qos=2)
    reader.disconnect()
    publisher = connect(broker, "p")
    for number in range(50):
        assert publisher.publish(f"t/{number % 3}", str(number), qos=qos) == 0
    reborn(broker)
    reader = connect(broker, "reader", **LASTING)
    assert reader.connack.session_present
    got = reader.messages(50)
    assert [int(each.payload) for each in got] == list(range(50))
    assert not any(each.dup for each in got)
    assert reader.pending() == []
    # And the session goes on: no SUBSCRIBE is needed.
    connect(broker, "p").publish("t/new", b"live", qos=1)
    assert reader.message().payload == b"live"
    reader.disconnect()
    on_disk(broker)
    # What was acknowledged does not come again, also after another kill.
    reborn(broker)
    assert connect(broker, "reader", **LASTING).pending() == []


def test_what_was_in_flight_comes_again_with_its_identifier(start, connect):
    broker = start(False)
    reader = connect(broker, "reader", auto_ack=False, **LASTING)
    reader.subscribe("t", qos=1)
    publisher = connect(broker, "p")
    for number in range(5):
        publisher.publish("t", str(number), qos=1)
    first = reader.messages(5)
    reader.ack(PUBACK, first[1].packet_id)
    reader.ping()
    publisher.publish("t", b"last", qos=1)  # its PUBACK says that what was before it is on disk, too
    reader.message()
    reborn(broker)
    again = connect(broker, "reader", auto_ack=False, **LASTING).messages(5)
    assert [(each.packet_id, each.payload, each.dup) for each in again[:4]] == [
        (each.packet_id, each.payload, True) for each in first if each.payload != b"1"]
    assert again[4].payload == b"last"


@PLUGINS
def test_a_published_qos2_message_is_taken_once(start, connect, plugin):
    """PUBLISH, PUBREC, kill, PUBREL; and PUBLISH again after a kill gives no second message."""
    broker = start(plugin)
    reader = connect(broker, "reader", **LASTING)
    reader.subscribe("t", qos=2)
    reader.disconnect()
    publisher = connect(broker, "p", auto_ack=False, **LASTING)
    for packet_id in (7, 8):
        publisher.send_publish("t", f"m{packet_id}", 2, packet_id)
        assert publisher.expect(PUBREC).packet_id == packet_id
    reborn(broker)
    publisher = connect(broker, "p", auto_ack=False, **LASTING)
    assert publisher.connack.session_present
    publisher.ack(PUBREL, 7)
    done = publisher.expect(PUBCOMP)
    assert (done.packet_id, done.reason) == (7, 0)
    publisher.send_publish("t", b"m8", 2, 8, dup=True)
    assert publisher.expect(PUBREC).packet_id == 8
    publisher.ack(PUBREL, 8)
    assert publisher.expect(PUBCOMP).reason == 0
    # The identifier is free now, also for a broker that is killed: this is a new message.
    reborn(broker)
    publisher = connect(broker, "p", auto_ack=False, **LASTING)
    publisher.send_publish("t", b"m8 again", 2, 8)
    assert publisher.expect(PUBREC).packet_id == 8
    reader = connect(broker, "reader", **LASTING)
    assert [each.payload for each in reader.messages(3)] == [b"m7", b"m8", b"m8 again"]
    assert reader.pending() == []
    if plugin is None:
        broker.settle()
        assert broker.rows("select payload from mqtt_msg order by id") == [(b"m7",), (b"m8",), (b"m8 again",)]


def test_a_qos2_message_is_delivered_once(start, connect):
    """PUBREC, kill: PUBREL comes, and PUBLISH does not. PUBLISH, kill: the same identifier comes again."""
    broker = start(False)
    reader = connect(broker, "reader", auto_ack=False, **LASTING)
    reader.subscribe("t", qos=2)
    publisher = connect(broker, "p")
    publisher.publish("t", b"one", qos=2)
    publisher.publish("t", b"two", qos=2)
    one, two = reader.messages(2)
    reader.ack(PUBREC, one.packet_id)
    assert reader.expect(PUBREL).packet_id == one.packet_id
    reborn(broker)
    reader = connect(broker, "reader", auto_ack=False, **LASTING)
    assert reader.expect(PUBREL).packet_id == one.packet_id
    again = reader.message()
    assert (again.payload, again.packet_id, again.dup) == (b"two", two.packet_id, True)
    reader.ack(PUBCOMP, one.packet_id)
    reader.ack(PUBREC, two.packet_id)
    reader.expect(PUBREL)
    reader.ack(PUBCOMP, two.packet_id)
    assert reader.pending() == []


@pytest.mark.parametrize("qos", [0, 1, 2])
def test_retained_messages_survive(start, connect, qos):
    broker = start(False)
    publisher = connect(broker, "p")
    publisher.publish("kept/a", b"old", qos=qos, retain=True)
    publisher.publish("kept/a", b"new", qos=qos, retain=True,
                      props={"content_type": "text/plain", "user_property": [("k", "v")]})
    publisher.publish("kept/gone", b"x", qos=qos, retain=True)
    publisher.publish("kept/gone", b"", qos=qos, retain=True)
    publisher.publish("kept/last", b"z", qos=1, retain=True)
    reborn(broker)
    reader = connect(broker, "r")
    reader.subscribe("kept/#", qos=2)
    found = {each.topic: each for each in reader.messages(2)}
    assert {topic: each.payload for topic, each in found.items()} == {"kept/a": b"new", "kept/last": b"z"}
    assert found["kept/a"].retain and found["kept/a"].qos == qos
    assert found["kept/a"].props["content_type"] == "text/plain"
    assert reader.pending() == []


def test_subscriptions_are_as_they_were(start, connect):
    broker = start(False)
    reader = connect(broker, "reader", **LASTING)
    reader.subscribe("a", qos=1)
    reader.subscribe("b", qos=1, props={"subscription_identifier": 77})
    reader.subscribe("c", qos=2)
    reader.subscribe("own", qos=1, no_local=True)
    reader.unsubscribe("c")
    reborn(broker)
    reader = connect(broker, "reader", **LASTING)
    assert reader.connack.session_present
    assert reader.publish("own", b"", qos=1) in (0, 0x10)
    publisher = connect(broker, "p")
    for topic in "abc":
        publisher.publish(topic, topic, qos=2)
    got = reader.messages(2)
    assert [(each.topic, each.qos) for each in got] == [("a", 1), ("b", 1)]
    assert got[1].props["subscription_identifier"] in (77, [77])
    assert reader.pending() == []


def test_sessions_that_do_not_last_end(start, connect):
    broker = start(False)
    connect(broker, "clean").subscribe("t", qos=1)
    connect(broker, "three", version=4).subscribe("t", qos=1)
    lasting = connect(broker, "lasting", version=4, clean=False)
    lasting.subscribe("t", qos=1)
    discarded = connect(broker, "discarded", **LASTING)
    discarded.subscribe("t", qos=1)
    discarded.disconnect()
    connect(broker, "discarded", clean=True).ping()
    reborn(broker)
    assert [each["clientid"] for each in broker.api("/sessions")] == ["lasting"]
    assert not connect(broker, "discarded", **LASTING).connack.session_present


def test_a_session_expires_while_the_broker_is_away(start, connect):
    broker = start(False)
    short = connect(broker, "short", clean=False, props={"session_expiry_interval": 1})
    short.subscribe("t", qos=1)
    short.disconnect()
    connect(broker, "long", **LASTING).disconnect()
    on_disk(broker)
    broker.kill()
    # No moment can be awaited while nothing runs: the clock of the file is put back instead.
    broker.execute("update sessions set disconnected_at = disconnected_at - 2000000",
                   database=broker.data / "sessions.db")
    broker.start(same_ports=True)
    until(lambda: [each["clientid"] for each in broker.api("/sessions")] == ["long"], "the session to expire")
    assert not connect(broker, "short", **LASTING).connack.session_present


@pytest.mark.parametrize("connected", [True, False])
def test_a_delayed_will_is_published(start, connect, connected):
    broker = start(False)
    watcher = connect(broker, "watcher", **LASTING)
    watcher.subscribe("will", qos=1)
    watcher.disconnect()
    will = Will("will", b"gone", qos=1, properties={"will_delay_interval": 2})
    client = connect(broker, "mortal", will=will, **LASTING)
    if not connected:
        client.drop()
        until(lambda: not broker.client("mortal")["connected"], "the client to be away")
    on_disk(broker)
    reborn(broker)
    watcher = connect(broker, "watcher", **LASTING)
    assert watcher.message().payload == b"gone"
    watcher.disconnect()
    on_disk(broker)
    reborn(broker)
    assert connect(broker, "watcher", **LASTING).pending() == []


def test_off_means_that_everything_ends_with_the_broker(start, connect):
    broker = start(False, settings={"node.persistence": "off"})
    reader = connect(broker, "reader", **LASTING)
    reader.subscribe("t", qos=1)
    connect(broker, "p").publish("t", b"x", qos=1, retain=True)
    reborn(broker)
    assert not connect(broker, "reader", **LASTING).connack.session_present
    assert broker.api("/sessions")[0]["clientid"] == "reader"
    assert "end with the broker" in broker.ctl("status")
    assert not (broker.data / "sessions.db").exists()


def test_a_damaged_file_is_set_aside(start, connect):
    broker = start(False)
    connect(broker, "p").publish("kept", b"x", qos=1, retain=True)
    broker.stop()
    path = broker.data / "sessions.db"
    content = bytearray(path.read_bytes())
    content[4096:] = b"\xa5" * (len(content) - 4096)
    path.write_bytes(content)
    broker.start(same_ports=True)
    assert broker.metric("keepmq_sessions_set_aside") == 1
    assert "set aside" in broker.ctl("status")
    aside = [each for each in broker.data.iterdir() if each.name.startswith("sessions.db.damaged-")]
    assert len(aside) == 1 and aside[0].read_bytes()[4096:] == content[4096:]
    assert aside[0].name in broker.log() and "are lost" in broker.log()
    # It works from here on.
    connect(broker, "p").publish("kept", b"y", qos=1, retain=True)
    reborn(broker)
    reader = connect(broker, "r")
    reader.subscribe("kept")
    assert reader.message().payload == b"y"


def test_a_full_disk_refuses_and_recovers(start, connect):
    broker = start(False, settings={"log.level": "info"})
    reader = connect(broker, "reader", **LASTING)
    reader.subscribe("t", qos=1)
    reader.disconnect()
    publisher = connect(broker, "p")
    assert publisher.publish("t", b"before", qos=1) == 0
    broker.limit_files((broker.data / "sessions.db-wal").stat().st_size)
    assert publisher.publish("t", b"refused", qos=1) == 0x97
    old = connect(broker, "old", version=4)
    old.send_publish("t", b"refused too", 1)
    old.expect_closed()
    assert "CANNOT BE WRITTEN" in broker.ctl("status")
    assert broker.metric("keepmq_sessions_failures_total") > 0
    assert publisher.publish("nobody", b"lives", qos=1) in (0, 0x10)  # who needs no disk is served
    broker.limit_files(None)
    until(lambda: broker.metric("keepmq_sessions_backlog") == 0, "the file to be written again")
    assert publisher.publish("t", b"after", qos=1) == 0
    assert broker.log().count("sessions cannot be kept") == 1
    reborn(broker)
    payloads = [each.payload for each in connect(broker, "reader", **LASTING).messages(2)]
    assert payloads[0] == b"before"


def test_suback_means_that_the_subscription_is_on_disk(start, connect):
    broker = start(False)
    for number in range(10):
        client = connect(broker, f"c{number}", **LASTING)
        client.subscribe("t", qos=1)
        reborn(broker)
        again = connect(broker, f"c{number}", **LASTING)
        assert again.connack.session_present
        assert connect(broker, "p").publish("t", str(number), qos=1) == 0
        assert again.message().payload == str(number).encode()
        again.disconnect()
