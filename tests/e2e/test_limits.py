"""Each limit is a setting; here is what a client sees when it is reached."""

import pytest

from lib import mqtt
from lib.mqtt import CONNACK, PUBACK, PUBREC, Will
from lib.wait import until

VERSIONS = [3, 4, 5]


def refused(broker, opened, client_id, version=5, **options):
    """Return code of a CONNECT that is not accepted; the connection is closed [MQTT-3.2.2-7]."""
    client = opened(broker, version)
    client.send(mqtt.connect(version, client_id, **options))
    found = client.expect_closed()
    assert [each.kind for each in found] == [CONNACK], found
    assert not found[0].session_present  # [MQTT-3.2.2-6]
    return found[0].reason


@pytest.mark.parametrize("version", VERSIONS)
def test_packet_size(start, connect, version):
    """[MQTT-3.2.2-15] A packet of exactly the limit passes."""
    broker = start(False, {"mqtt.max_packet_size": 1024})
    client = connect(broker, "c", version)
    if version == 5:
        assert client.connack.props["maximum_packet_size"] == 1024
    whole = mqtt.publish(version, "t", b"", 0)
    room = 1024 - len(whole) - 1  # one more byte of length
    client.subscribe("t")
    client.send_publish("t", b"x" * room)
    assert len(client.message().payload) == room
    # The length says enough: the rest need not be sent.
    client.send(mqtt.publish(version, "t", b"x" * (room + 1))[:20])
    client.expect_end(0x95)


def test_connections(start, connect, opened):
    broker = start(False, {"mqtt.max_connections": 2})
    first = connect(broker, "one")
    connect(broker, "two")
    assert refused(broker, opened, "three") == 0x97
    assert refused(broker, opened, "three", 4) == 3
    assert refused(broker, opened, "three", 3) == 3
    first.disconnect()
    connect(broker, "three").ping()
    assert broker.metric("keepmq_connects_refused_total") == 3


def test_connections_of_a_listener(start, connect, opened):
    broker = start(False, {"listener.tcp.external.max_connections": 2})
    first = connect(broker, "one")
    connect(broker, "two")
    assert opened(broker).expect_closed() == []
    first.disconnect()
    connect(broker, "three").ping()


def test_sessions(start, connect, opened):
    broker = start(False, {"mqtt.max_sessions": 2})
    lasting = {"clean": False, "props": {"session_expiry_interval": 60}}
    connect(broker, "one", **lasting).disconnect()
    connect(broker, "two", **lasting).disconnect()
    assert refused(broker, opened, "three") == 0x97
    assert refused(broker, opened, "three", 4) == 3
    assert connect(broker, "two", **lasting).connack.session_present
    connect(broker, "one", clean=True).disconnect()
    connect(broker, "three").ping()


@pytest.mark.parametrize("version", VERSIONS)
def test_queue_length(start, connect, version):
    """An absent session keeps the oldest messages, up to the limit; the rest is counted."""
    broker = start(False, {"zone.external.max_mqueue_len": 5})
    lasting = {"clean": False} | ({"props": {"session_expiry_interval": 60}} if version == 5 else {})
    absent = connect(broker, "absent", version, **lasting)
    absent.subscribe("t", qos=1)
    absent.disconnect()
    publisher = connect(broker, "p", version)
    for number in range(8):
        publisher.publish("t", str(number), qos=1)
    assert broker.client("absent")["mqueue_len"] == 5
    assert broker.metric("keepmq_messages_dropped_total", reason="queue_full") == 3
    again = connect(broker, "absent", version, **lasting)
    assert [each.text for each in again.messages(5)] == list("01234")
    assert again.pending() == []


def test_queue_bytes(start, connect):
    broker = start(False, {"zone.external.max_mqueue_bytes": "100KB"})
    lasting = {"clean": False, "props": {"session_expiry_interval": 60}}
    absent = connect(broker, "absent", **lasting)
    absent.subscribe("t", qos=1)
    absent.disconnect()
    publisher = connect(broker, "p")
    for _ in range(8):
        publisher.publish("t", b"x" * 30_000, qos=1)
    assert broker.client("absent")["mqueue_len"] == 3
    assert len(connect(broker, "absent", **lasting).messages(3)) == 3


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("kept", [True, False])
def test_qos_0_for_an_absent_session(start, connect, version, kept):
    """Whatever is set, what was queued keeps its order."""
    broker = start(False, {"zone.external.mqueue_store_qos0": "on"} if kept else {})
    lasting = {"clean": False} | ({"props": {"session_expiry_interval": 60}} if version == 5 else {})
    absent = connect(broker, "absent", version, **lasting)
    absent.subscribe("t", qos=1)
    absent.disconnect()
    publisher = connect(broker, "p", version)
    for number in range(4):
        publisher.publish("t", str(number), qos=number % 2)
    publisher.ping()
    again = connect(broker, "absent", version, **lasting)
    assert [each.text for each in again.pending()] == (list("0123") if kept else list("13"))


@pytest.mark.parametrize("killed", [False, True])
def test_queue_of_a_stored_topic_is_no_loss(start, connect, killed):
    """What did not fit into the queue is still in the database and comes with the next connection, also when
    the broker died meanwhile. No SUBSCRIBE is needed."""
    broker = start(settings={"zone.external.max_mqueue_len": 5})
    lasting = {"clean": False, "props": {"session_expiry_interval": 60}}
    absent = connect(broker, "absent", **lasting)
    absent.subscribe("t", qos=1)
    broker.settle()
    absent.disconnect()
    publisher = connect(broker, "p")
    for number in range(20):
        publisher.publish("t", str(number), qos=1)
    if killed:
        broker.kill()
        broker.start(same_ports=True)
    again = connect(broker, "absent", **lasting)
    assert [each.text for each in again.messages(20)] == [str(number) for number in range(20)]
    connect(broker, "q").publish("t", b"live", qos=1)
    assert again.message().text == "live"
    assert again.pending() == []
    broker.settle()
    again.disconnect()
    assert connect(broker, "absent", **lasting).pending() == []


def test_what_came_after_a_message_that_was_too_large_waits_for_it(start, connect):
    """The queue had no room for the second one, but for the third; they come in the order of the database."""
    broker = start(settings={"zone.external.max_mqueue_bytes": "10KB"})
    lasting = {"clean": False, "props": {"session_expiry_interval": 60}}
    absent = connect(broker, "absent", **lasting)
    absent.subscribe("t", qos=1)
    broker.settle()
    absent.disconnect()
    payloads = [b"1", b"2" * 20_000, b"3"]
    publisher = connect(broker, "p")
    for payload in payloads:
        publisher.publish("t", payload, qos=1)
    assert broker.client("absent")["mqueue_len"] == 2
    again = connect(broker, "absent", **lasting)
    assert [each.payload for each in again.messages(3)] == payloads
    assert again.pending() == []


@pytest.mark.parametrize("version", VERSIONS)
def test_topic_levels(start, connect, version):
    broker = start(False, {"mqtt.max_topic_levels": 3})
    client = connect(broker, "c", version)
    no = 0x8F if version == 5 else 0x80
    assert client.subscribe("a/b/c", "a/b/c/d", "$share/g/a/b/c", "$share/g/a/b/c/#", qos=1) == [1, no, 1, no]
    client.publish("a/b/c", b"x", qos=1)
    if version == 5:
        assert client.publish("a/b/c/d", b"x", qos=1) == 0x90
        assert client.publish("a/b/c/d", b"x", qos=2) == 0x90
        client.ping()
    client.send_publish("a/b/c/d", b"x", qos=0)
    client.inbox.clear()
    assert [each.reason for each in client.expect_closed() if each.kind != mqtt.PUBLISH] == [0x90] * (version == 5)


@pytest.mark.parametrize("version", VERSIONS)
def test_subscriptions(start, connect, version):
    """[MQTT-3.9.3-2] One that exists may be made again."""
    broker = start(False, {"zone.external.max_subscriptions": 2})
    client = connect(broker, "c", version)
    assert client.subscribe("a", "b", "c", "a") == [0, 0, 0x97 if version == 5 else 0x80, 0]
    client.unsubscribe("a")
    assert client.subscribe("c") == [0]


@pytest.mark.parametrize("version", VERSIONS)
def test_client_id_length(start, connect, opened, version):
    """[MQTT-3.1.3-8]"""
    broker = start(False, {"mqtt.max_clientid_len": 30})
    connect(broker, "x" * 30, version)
    assert refused(broker, opened, "x" * 31, version) == (0x85 if version == 5 else 2)


def test_maximum_qos(start, connect, opened):
    """[MQTT-3.2.2-9] [MQTT-3.2.2-10] [MQTT-3.2.2-11] [MQTT-3.2.2-12]"""
    broker = start(False, {"mqtt.max_qos_allowed": 1})
    client = connect(broker, "c")
    assert client.connack.props["maximum_qos"] == 1
    assert client.subscribe("t", qos=2)[0] <= 2
    client.publish("t", b"x", qos=1)
    client.send_publish("t", b"x", qos=2)
    client.inbox.clear()
    assert [each.reason for each in client.expect_closed() if each.kind == mqtt.DISCONNECT] == [0x9B]
    assert refused(broker, opened, "w", will=Will("t", b"x", 2)) == 0x9B
    old = connect(broker, "old", 4)
    old.send_publish("t", b"x", qos=2)
    assert old.expect_closed() == []


def test_retain_unavailable(start, connect, opened):
    """[MQTT-3.2.2-13] [MQTT-3.2.2-14]"""
    broker = start(False, {"mqtt.retain_available": "off"})
    client = connect(broker, "c")
    assert client.connack.props["retain_available"] == 0
    client.send_publish("t", b"x", retain=True)
    client.expect_end(0x9A)
    assert refused(broker, opened, "w", will=Will("t", b"x", retain=True)) == 0x9A


def test_features_that_are_off(start, connect):
    broker = start(False, {"mqtt.wildcard_subscription": "off", "mqtt.shared_subscription": "off"})
    client = connect(broker, "c")
    assert client.connack.props["wildcard_subscription_available"] == 0
    assert client.connack.props["shared_subscription_available"] == 0
    assert client.subscribe("a/#", "$share/g/a", "a") == [0xA2, 0x9E, 0]


def test_messages_waiting_for_pubrel(start, connect):
    """MQTT 5 is told; 3.1.1 has no word for it and is disconnected."""
    broker = start(False, {"zone.external.max_awaiting_rel": 2})
    for version in (4, 5):
        client = connect(broker, f"c{version}", version)
        for packet_id in (1, 2):
            client.send_publish("t", b"x", 2, packet_id)
            assert client.expect(PUBREC).reason == 0
        client.send_publish("t", b"x", 2, 3)
        if version == 5:
            assert client.expect(PUBREC).reason == 0x97
            client.ack(mqtt.PUBREL, 1)
            client.expect(mqtt.PUBCOMP)
            assert client.publish("t", b"x", qos=2, packet_id=3) == 0
        else:
            assert client.expect_closed() == []


def test_inflight_window_of_the_server(start, connect):
    broker = start(False, {"zone.external.max_inflight": 2})
    client = connect(broker, "c", auto_ack=False)
    client.subscribe("t", qos=1)
    publisher = connect(broker, "p")
    for number in range(5):
        publisher.publish("t", str(number), qos=1)
    found = client.pending()
    assert [each.text for each in found] == ["0", "1"]
    client.ack(PUBACK, found[0].packet_id)
    assert client.message().text == "2"


def test_retained_messages(start, connect):
    broker = start(False, {"retainer.max_retained_messages": 2})
    publisher = connect(broker, "p")
    for topic in ("a", "b", "c"):
        publisher.publish(topic, b"1", qos=1, retain=True)
    publisher.publish("a", b"2", qos=1, retain=True)
    assert broker.metric("keepmq_retained_messages") == 2
    client = connect(broker, "c")
    client.subscribe("+")
    assert sorted((each.topic, each.text) for each in client.pending()) == [("a", "2"), ("b", "1")]


@pytest.mark.parametrize("version", [3, 4])
def test_sessions_of_mqtt_3_end_in_the_end(start, connect, version):
    broker = start(False, {"zone.external.session_expiry_interval": "1s"})
    client = connect(broker, "c", version, clean=False)
    client.subscribe("t", qos=1)
    client.disconnect()
    assert broker.client("c")["expiry_interval"] == 1
    until(lambda: broker.client("c") is None, "the session to expire")
    assert not connect(broker, "c", version, clean=False).connack.session_present


def test_session_expiry_has_an_upper_bound(start, connect):
    broker = start(False, {"zone.external.max_session_expiry_interval": "1m"})
    client = connect(broker, "c", props={"session_expiry_interval": 3600})
    assert client.connack.props["session_expiry_interval"] == 60
    assert "session_expiry_interval" not in connect(broker, "d", props={"session_expiry_interval": 30}).connack.props
