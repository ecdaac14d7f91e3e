"""PUBLISH in both directions: QoS, packet identifiers, order, properties, topic aliases, receive maximum."""

import pytest

from lib import mqtt
from lib.mqtt import PUBACK, PUBCOMP, PUBLISH, PUBREC, PUBREL
from lib.wait import until

VERSIONS = [3, 4, 5]


@pytest.mark.parametrize("granted", [0, 1, 2])
@pytest.mark.parametrize("sent", [0, 1, 2])
def test_qos_is_the_lesser_of_the_two(shared, connect, name, sent, granted):
    """[MQTT-3.8.4-8] [MQTT-3.3.4-1]"""
    subscriber = connect(shared, f"{name}_s")
    assert subscriber.subscribe(name, qos=granted) == [granted]
    connect(shared, f"{name}_p").publish(name, b"x", qos=sent)
    assert subscriber.message().qos == min(sent, granted)


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("qos", [0, 1, 2])
def test_messages_of_one_publisher_stay_in_order(shared, connect, name, version, qos):
    """[MQTT-4.6.0-5]"""
    subscriber = connect(shared, f"{name}_s", version)
    subscriber.subscribe(name, qos=qos)
    publisher = connect(shared, f"{name}_p", version)
    for number in range(300):
        publisher.send_publish(name, str(number), qos)
    assert [int(each.payload) for each in subscriber.messages(300)] == list(range(300))


@pytest.mark.parametrize("size", [0, 1, 126, 127, 128, 16383, 16384, 300_000, 1_000_000])
def test_payload_of_any_size(shared, connect, name, size):
    client = connect(shared, name)
    client.subscribe(name)
    payload = bytes(range(256)) * (size // 256) + b"z" * (size % 256)
    client.send_publish(name, payload)
    assert client.message().payload == payload


def test_acknowledgements_leave_in_order_of_arrival(shared, connect, name):
    """Also those of messages that nothing stores ($... topics)."""
    client = connect(shared, name)
    wanted = []
    for number in range(60):
        qos, topic = [(1, f"{name}/{number}"), (2, f"{name}/x"), (1, f"$private/{name}")][number % 3]
        wanted.append((PUBACK if qos == 1 else PUBREC, client.send_publish(topic, b"x", qos)))
    found = [client.receive() for _ in wanted]
    assert [(each.kind, each.packet_id) for each in found] == wanted


@pytest.mark.parametrize("version", VERSIONS)
def test_qos2_repeated_is_delivered_once(shared, connect, name, version):
    """[MQTT-4.3.3-10] [MQTT-4.3.3-12]: until PUBREL the same identifier is the same message."""
    subscriber = connect(shared, f"{name}_s", version)
    subscriber.subscribe(name, qos=2)
    publisher = connect(shared, f"{name}_p", version)
    for dup in (False, True, True):
        publisher.send_publish(name, b"once", 2, packet_id=7, dup=dup)
        assert publisher.expect(PUBREC).packet_id == 7
    publisher.ack(PUBREL, 7)
    assert publisher.expect(PUBCOMP).packet_id == 7
    publisher.publish(name, b"twice", qos=2, packet_id=7)
    assert [each.payload for each in subscriber.messages(2)] == [b"once", b"twice"]
    assert subscriber.pending() == []
    assert shared.value("select count(*) from mqtt_msg where topic = ?", name) == 2


@pytest.mark.parametrize("version", VERSIONS)
def test_qos2_repeated_over_connections_is_delivered_once(shared, connect, name, version):
    """[MQTT-4.3.3-10]"""
    lasting = {"clean": False} | ({"props": {"session_expiry_interval": 60}} if version == 5 else {})
    subscriber = connect(shared, f"{name}_s", version)
    subscriber.subscribe(name, qos=2)
    first = connect(shared, f"{name}_p", version, **lasting)
    first.send_publish(name, b"once", 2, packet_id=7)
    first.expect(PUBREC)
    first.drop()
    second = connect(shared, f"{name}_p", version, **lasting)
    second.send_publish(name, b"once", 2, packet_id=7, dup=True)
    assert second.expect(PUBREC).packet_id == 7
    second.ack(PUBREL, 7)
    second.expect(PUBCOMP)
    assert [each.payload for each in subscriber.messages(1)] == [b"once"]
    assert subscriber.pending() == []
    assert shared.value("select count(*) from mqtt_msg where topic = ?", name) == 1


@pytest.mark.parametrize("version", VERSIONS)
def test_unknown_packet_identifiers(shared, connect, name, version):
    """[MQTT-4.3.3-11] PUBREL is always answered; stray acknowledgements disturb nothing."""
    client = connect(shared, name, version)
    client.ack(PUBREL, 99)
    found = client.expect(PUBCOMP)
    assert (found.packet_id, found.reason) == (99, 0x92 if version == 5 else 0)
    client.ack(PUBACK, 99)
    client.ack(PUBCOMP, 99)
    client.ping()


def test_dup_is_not_passed_on(shared, connect, name):
    """[MQTT-3.3.1-3] [MQTT-3.3.1-2]"""
    client = connect(shared, name)
    client.subscribe(name, qos=1)
    client.publish(name, b"x", qos=1, dup=True)
    assert not client.message().dup


@pytest.mark.parametrize("version", VERSIONS)
def test_unacknowledged_messages_are_sent_again_in_order(shared, connect, name, version):
    """[MQTT-4.4.0-1] [MQTT-3.3.1-1] [MQTT-4.6.0-6] Same identifiers, DUP set, and only at reconnect."""
    lasting = {"clean": False} | ({"props": {"session_expiry_interval": 60}} if version == 5 else {})
    subscriber = connect(shared, f"{name}_s", version, auto_ack=False, **lasting)
    subscriber.subscribe(name, qos=2)
    publisher = connect(shared, f"{name}_p", version)
    for number in range(6):
        publisher.publish(name, str(number), qos=1 + number % 2)
    before = subscriber.messages(6)
    assert not any(each.dup for each in before)
    subscriber.ack(PUBACK, before[0].packet_id)  # done
    subscriber.ack(PUBREC, before[1].packet_id)  # half
    assert subscriber.expect(PUBREL).packet_id == before[1].packet_id
    subscriber.drop()
    again = connect(shared, f"{name}_s", version, auto_ack=False, **lasting)
    assert again.expect(PUBREL).packet_id == before[1].packet_id
    after = again.messages(4)
    assert [(each.packet_id, each.payload, each.qos) for each in after] == \
        [(each.packet_id, each.payload, each.qos) for each in before[2:]]
    assert all(each.dup for each in after)


def test_receive_maximum_of_the_client(shared, connect, name):
    """[MQTT-3.3.4-9] [MQTT-4.9.0-2] [MQTT-3.3.4-10] [MQTT-4.9.0-3]: QoS 0 and PINGRESP go on."""
    client = connect(shared, name, auto_ack=False, props={"receive_maximum": 3})
    client.subscribe(f"{name}/#", qos=2)
    publisher = connect(shared, f"{name}_p")
    for number in range(8):
        publisher.publish(f"{name}/{number}", b"x", qos=1 + number % 2)
    window = client.pending()
    assert len(window) == 3
    publisher.publish(f"{name}/zero", b"x", qos=0)
    client.ack(PUBACK, window[0].packet_id)
    assert client.message().topic in (f"{name}/3", f"{name}/zero")
    # PUBREC frees nothing, PUBCOMP does [MQTT-4.9.0-1].
    client.inbox.clear()
    client.ack(PUBREC, window[1].packet_id)
    client.expect(PUBREL)
    before = [each.topic for each in client.pending()]
    assert f"{name}/4" not in before
    client.ack(PUBCOMP, window[1].packet_id)
    until(lambda: f"{name}/4" in [each.topic for each in client.pending()], "the next message")


def test_receive_maximum_of_the_server(start, connect, name):
    """[MQTT-3.3.4-7]"""
    broker = start(False, {"zone.external.receive_maximum": 2})
    client = connect(broker, name)
    assert client.connack.props["receive_maximum"] == 2
    for packet_id in (1, 2):
        client.send_publish(name, b"x", 2, packet_id)
        client.expect(PUBREC)
    client.send_publish(name, b"x", 2, 3)
    client.expect_end(0x93)


def test_properties_are_passed_on_unaltered(shared, connect, name):
    """[MQTT-3.3.2-4] [MQTT-3.3.2-15] [MQTT-3.3.2-16] [MQTT-3.3.2-17] [MQTT-3.3.2-18] [MQTT-3.3.2-20]"""
    client = connect(shared, name)
    client.subscribe(name)
    props = {
        "payload_format_indicator": 1,
        "content_type": "text/plain; charset=utf-8",
        "response_topic": f"{name}/answers",
        "correlation_data": b"\x00\xff raw",
        "user_property": [("b", "2"), ("a", "1"), ("b", "3"), ("", "")],
    }
    client.send_publish(name, "grüße", props=props)
    assert client.message().props == props


def test_properties_do_not_reach_older_clients(shared, connect, name):
    old = connect(shared, f"{name}_s", 4)
    old.subscribe(name)
    connect(shared, f"{name}_p").publish(name, b"x", props={"user_property": [("a", "1")], "content_type": "t"})
    assert old.message().payload == b"x"


def test_message_expiry_counts_down(shared, connect, name):
    """[MQTT-3.3.2-5] [MQTT-3.3.2-6]"""
    lasting = {"clean": False, "props": {"session_expiry_interval": 60}}
    subscriber = connect(shared, f"{name}_s", **lasting)
    subscriber.subscribe(f"{name}/#", qos=1)
    subscriber.disconnect()
    publisher = connect(shared, f"{name}_p")
    publisher.publish(f"{name}/short", b"x", qos=1, props={"message_expiry_interval": 1})
    publisher.publish(f"{name}/long", b"x", qos=1, props={"message_expiry_interval": 100})
    connect(shared, f"{name}_clock", keep_alive=1).expect_end(0x8D)  # one and a half seconds pass
    again = connect(shared, f"{name}_s", **lasting)
    found = again.message()
    assert found.topic == f"{name}/long"
    assert 90 <= found.props["message_expiry_interval"] < 100
    assert again.pending() == []


def test_topic_aliases_of_the_client(shared, connect, name):
    """[MQTT-3.3.2-12]; a name given again changes the alias; they end with the connection [MQTT-3.3.2-7]."""
    client = connect(shared, name)
    client.subscribe(f"{name}/#")
    meant = ["one", "one", "two", "two", "one", "three", "three"]
    given = [("one", 1), ("", 1), ("two", 65535), ("", 65535), ("", 1), ("three", 1), ("", 1)]
    for (topic, alias), payload in zip(given, meant):
        client.send_publish(topic and f"{name}/{topic}", payload, props={"topic_alias": alias})
    found = client.messages(7)
    assert sorted(each.payload.decode() for each in found) == sorted(meant)
    assert [each.topic for each in found] == [f"{name}/{each.payload.decode()}" for each in found]
    again = connect(shared, name, clean=False)
    again.send_publish("", b"x", props={"topic_alias": 1})
    again.expect_end(0x82)


@pytest.mark.parametrize("alias, reason", [(0, 0x94), (6, 0x94), (5, 0x82)])
def test_wrong_topic_alias(start, connect, name, alias, reason):
    """[MQTT-3.3.2-8] [MQTT-3.3.2-9]; an alias that was never set is a protocol error."""
    broker = start(False, {"mqtt.max_topic_alias": 5})
    client = connect(broker, name)
    assert client.connack.props["topic_alias_maximum"] == 5
    client.send_publish("" if alias == 5 else name, b"x", props={"topic_alias": alias})
    client.expect_end(reason)


def test_topic_aliases_of_the_server(shared, connect, name):
    """[MQTT-3.1.2-26] [MQTT-3.1.2-27] [MQTT-3.3.2-11]: only what the client allows; names are always
    known to it when they are left out."""
    plain, clever = connect(shared, f"{name}_0"), connect(shared, f"{name}_2", props={"topic_alias_maximum": 2})
    for client in (plain, clever):
        client.subscribe(f"{name}/#")
    publisher = connect(shared, f"{name}_p")
    sent = [f"{name}/{number % 4}" for number in range(40)]
    for topic in sent:
        publisher.publish(topic, topic)
    got = plain.messages(40)
    assert sorted(each.topic for each in got) == sorted(sent)
    assert all(each.topic == each.payload.decode() and each.props == {} for each in got)
    names, received = {}, []
    for each in clever.messages(40):
        alias = each.props.get("topic_alias")
        assert alias in (None, 1, 2)
        if each.topic and alias:
            names[alias] = each.topic
        received.append(each.topic or names[alias])
        assert received[-1] == each.payload.decode()
    assert sorted(received) == sorted(sent)


def test_maximum_packet_size_of_the_client(shared, connect, name):
    """[MQTT-3.1.2-24] [MQTT-3.1.2-25]: what is too large is dropped as if it had been delivered."""
    client = connect(shared, name, props={"maximum_packet_size": 200})
    client.subscribe(name, qos=1)
    publisher = connect(shared, f"{name}_p")
    dropped = shared.metric("keepmq_messages_dropped_total", reason="too_large")
    for size in (10, 500, 20, 180 - len(name), 400):
        publisher.publish(name, b"x" * size, qos=1)
    assert [len(each.payload) for each in client.pending()] == [10, 20, 180 - len(name)]
    assert shared.metric("keepmq_messages_dropped_total", reason="too_large") == dropped + 2


def test_no_matching_subscriber_is_success(shared, connect, name):
    """PUBACK 0x00 or 0x10."""
    assert connect(shared, name).publish(name, b"x", qos=1) in (0x00, 0x10)


def test_negative_acknowledgement_of_the_receiver(shared, connect, name):
    """[MQTT-4.4.0-2]: the message is done; its identifier may be used again."""
    client = connect(shared, name, auto_ack=False, props={"receive_maximum": 1})
    client.subscribe(name, qos=2)
    publisher = connect(shared, f"{name}_p")
    for qos in (1, 2, 1):
        publisher.publish(name, str(qos), qos=qos)
    first = client.message()
    client.ack(PUBACK, first.packet_id, 0x83)
    second = client.message()
    client.ack(PUBREC, second.packet_id, 0x83)
    third = client.expect(PUBLISH)
    assert [each.qos for each in (first, second, third)] == [1, 2, 1]


@pytest.mark.parametrize("topic", [
    "/", "//", " ", "a//b", "späße/中文/😀", "\ufeffbom", pytest.param("a" * 65535, id="longest"), "a/" * 100])
def test_unusual_topics(shared, connect, name, topic):
    """[MQTT-4.7.3-1] [MQTT-4.7.3-3] [MQTT-4.7.3-4] [MQTT-1.5.4-3]"""
    client = connect(shared, name)
    assert client.subscribe(topic, qos=1) == [1]
    client.publish(topic, name, qos=1)
    assert client.message().topic == topic
    client.unsubscribe(topic)
