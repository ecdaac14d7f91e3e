"""SUBSCRIBE and UNSUBSCRIBE: filters, options, identifiers, shared subscriptions."""

import pytest

from lib import mqtt
from lib.mqtt import SUBACK

VERSIONS = [3, 4, 5]

MATCHES = [
    ("#", "a/b/c", True),
    ("a/#", "a", True),
    ("a/#", "a/b/c", True),
    ("a/#", "ab", False),
    ("+", "a", True),
    ("+", "/a", False),
    ("+/+", "/a", True),
    ("/+", "/a", True),
    ("a/+/c", "a/b/c", True),
    ("a/+/c", "a//c", True),
    ("a/+/c", "a/b/d/c", False),
    ("a/+", "a/b/c", False),
    ("a/+/#", "a/b", True),
    ("A/b", "a/b", False),
    ("a/b", "a/b/", False),
    ("#", "$private/x", False),
    ("+/x", "$private/x", False),
    ("$private/#", "$private/x", True),
    ("$private/+", "$private/x", True),
]


@pytest.mark.parametrize("topic_filter, topic, matches", MATCHES)
def test_filters(shared, connect, topic_filter, topic, matches):
    """[MQTT-4.7.1-1] [MQTT-4.7.1-2] [MQTT-4.7.2-1] [MQTT-4.7.3-4] [MQTT-3.3.2-3]"""
    client = connect(shared)
    assert client.subscribe(topic_filter) == [0]
    client.publish(topic, b"x")
    assert [each.topic for each in client.pending()] == [topic] * matches


@pytest.mark.parametrize("version", VERSIONS)
def test_several_filters_in_one_packet(shared, connect, name, version):
    """[MQTT-3.8.4-1] [MQTT-3.8.4-2] [MQTT-3.8.4-5] [MQTT-3.8.4-6] [MQTT-3.8.4-7] [MQTT-3.9.3-1]"""
    client = connect(shared, name, version)
    entries = [(f"{name}/0", 0), (f"{name}/2", 2), (f"{name}/1", 1)]
    client.send(mqtt.subscribe(version, 77, entries))
    found = client.expect(SUBACK)
    assert (found.packet_id, found.reasons) == (77, [0, 2, 1])
    gone = client.unsubscribe(f"{name}/2", f"{name}/none")
    assert gone == ([0x00, 0x11] if version == 5 else [])  # [MQTT-3.11.3-1] [MQTT-3.10.4-5] [MQTT-3.10.4-6]


@pytest.mark.parametrize("version", VERSIONS)
def test_unsubscribe_ends_delivery(shared, connect, name, version):
    """[MQTT-3.10.4-2] [MQTT-3.10.4-4] [MQTT-3.10.4-1]"""
    client = connect(shared, name, version)
    client.subscribe(name, f"{name}/+")
    client.unsubscribe(name)
    client.publish(name, b"no")
    client.publish(f"{name}/x", b"yes")
    assert [each.payload for each in client.pending()] == [b"yes"]


def test_unsubscribe_completes_what_was_begun(shared, connect, name):
    """[MQTT-3.10.4-3]"""
    client = connect(shared, name, auto_ack=False)
    client.subscribe(name, qos=2)
    connect(shared, f"{name}_p").publish(name, b"x", qos=2)
    message = client.message()
    client.unsubscribe(name)
    client.ack(mqtt.PUBREC, message.packet_id)
    assert client.expect(mqtt.PUBREL).packet_id == message.packet_id


def test_a_second_subscribe_replaces_the_first(shared, connect, name):
    """[MQTT-3.8.4-3]"""
    client = connect(shared, name)
    client.subscribe(name, qos=2)
    client.subscribe(name, qos=0)
    client.publish(name, b"x", qos=1)
    found = client.pending()
    assert [each.qos for each in found] == [0]


def test_overlapping_filters_give_one_message_with_the_highest_qos(shared, connect, name):
    """[MQTT-3.3.4-2] [MQTT-3.3.4-3] [MQTT-3.3.4-4]; one copy alone, so [MQTT-3.3.4-5] has no case."""
    client = connect(shared, name)
    client.subscribe(f"{name}/#", qos=0, props={"subscription_identifier": 3})
    client.subscribe(f"{name}/+", qos=2, props={"subscription_identifier": 268435455})
    client.subscribe(f"{name}/x", qos=1)
    publisher = connect(shared, f"{name}_p")
    publisher.publish(f"{name}/x", b"x", qos=2)
    found = client.message()
    assert found.qos == 2
    assert sorted(found.props["subscription_identifier"]) == [3, 268435455]
    assert client.pending() == []


def test_subscription_identifier_can_be_taken_away(shared, connect, name):
    client = connect(shared, name)
    client.subscribe(name, props={"subscription_identifier": 3})
    client.subscribe(name)
    client.publish(name, b"x")
    assert client.message().props == {}


def test_subscription_identifiers_survive_a_reconnect(shared, connect, name):
    lasting = {"clean": False, "props": {"session_expiry_interval": 60}}
    first = connect(shared, name, **lasting)
    first.subscribe(name, qos=1, props={"subscription_identifier": 9})
    first.disconnect()
    connect(shared, f"{name}_p").publish(name, b"x", qos=1)
    assert connect(shared, name, **lasting).message().props == {"subscription_identifier": [9]}


def test_no_local(shared, connect, name):
    """[MQTT-3.8.3-3]"""
    client = connect(shared, name)
    client.subscribe(name, no_local=True)
    client.publish(name, b"mine")
    connect(shared, f"{name}_p").publish(name, b"theirs", qos=1)
    assert [each.payload for each in client.pending()] == [b"theirs"]


def test_retain_as_published(shared, connect, name):
    """[MQTT-3.3.1-12] [MQTT-3.3.1-13]"""
    plain, exact = connect(shared, f"{name}_0"), connect(shared, f"{name}_1")
    plain.subscribe(name)
    exact.subscribe(name, retain_as_published=True)
    publisher = connect(shared, f"{name}_p")
    for retain in (True, False):
        publisher.publish(name, b"x", retain=retain)
    assert [each.retain for each in plain.messages(2)] == [False, False]
    assert [each.retain for each in exact.messages(2)] == [True, False]
    publisher.publish(name, b"", retain=True)


def test_retain_handling(shared, connect, name):
    """[MQTT-3.3.1-9] [MQTT-3.3.1-10] [MQTT-3.3.1-11] [MQTT-3.8.4-4]"""
    publisher = connect(shared, f"{name}_p")
    publisher.publish(name, b"kept", qos=1, retain=True)
    client = connect(shared, name)

    for handling, new, wanted in [(2, True, []), (0, False, [b"kept"]), (1, False, []), (1, True, [b"kept"])]:
        if new:
            client.unsubscribe(name)
        client.subscribe(name, retain_handling=handling)
        assert [each.payload for each in client.pending()] == wanted, (handling, new)
    publisher.publish(name, b"", retain=True)


@pytest.mark.parametrize("version", VERSIONS)
def test_retained_messages(shared, connect, name, version):
    """[MQTT-3.3.1-5] [MQTT-3.3.1-6] [MQTT-3.3.1-7] [MQTT-3.3.1-8]"""
    publisher = connect(shared, f"{name}_p", version)
    for number in range(3):
        publisher.publish(f"{name}/a", str(number), qos=1, retain=True)
    publisher.publish(f"{name}/a", b"not kept", qos=1)
    publisher.publish(f"{name}/b", b"other", retain=True)
    publisher.publish(f"{name}/gone", b"x", retain=True)
    publisher.publish(f"{name}/gone", b"", qos=1, retain=True)
    client = connect(shared, name, version)
    client.subscribe(f"{name}/+", qos=1)
    found = sorted(client.messages(2), key=lambda each: each.topic)
    assert [(each.text, each.retain, each.qos) for each in found] == [("2", True, 1), ("other", True, 0)]
    assert client.pending() == []
    for topic in ("a", "b"):
        publisher.publish(f"{name}/{topic}", b"", qos=1, retain=True)


def test_retained_message_expires(shared, connect, name):
    publisher = connect(shared, f"{name}_p")
    publisher.publish(name, b"x", retain=True, props={"message_expiry_interval": 1})
    connect(shared, f"{name}_clock", keep_alive=1).expect_end(0x8D)
    client = connect(shared, name)
    client.subscribe(name)
    assert client.pending() == []


# --- shared subscriptions


def test_shared_subscription_splits_the_messages(shared, connect, name):
    """[MQTT-4.8.2-1] [MQTT-4.8.2-3]: each message to one member, each member some."""
    members = [connect(shared, f"{name}_{number}") for number in range(3)]
    for qos, member in enumerate(members):
        assert member.subscribe(f"$share/group/{name}/#", qos=qos) == [qos]
    other = connect(shared, f"{name}_o")
    other.subscribe(f"$share/other/{name}/+", qos=1)
    publisher = connect(shared, f"{name}_p")
    for number in range(60):
        publisher.publish(f"{name}/x", str(number), qos=2)
    shares = [member.pending() for member in members]
    assert sorted(int(each.payload) for share in shares for each in share) == list(range(60))
    assert all(len(share) >= 5 for share in shares)
    assert [{each.qos for each in share} for share in shares] == [{0}, {1}, {2}]
    assert len(other.messages(60)) == 60


def test_members_that_leave_get_nothing(shared, connect, name):
    first, second = connect(shared, f"{name}_1"), connect(shared, f"{name}_2")
    for member in (first, second):
        member.subscribe(f"$share/group/{name}", qos=1)
    first.unsubscribe(f"$share/group/{name}")
    publisher = connect(shared, f"{name}_p")
    for number in range(6):
        publisher.publish(name, str(number), qos=1)
    assert len(second.messages(6)) == 6
    assert first.pending() == []


def test_unacknowledged_message_of_a_lost_member_goes_to_another(shared, connect, name):
    """QoS 1: the session ends, so somebody else gets the message."""
    lost = connect(shared, f"{name}_1", auto_ack=False)
    lost.subscribe(f"$share/group/{name}", qos=1)
    connect(shared, f"{name}_p").publish(name, b"x", qos=1)
    assert lost.message().payload == b"x"
    other = connect(shared, f"{name}_2")
    other.subscribe(f"$share/group/{name}", qos=1)
    lost.drop()
    assert other.message().payload == b"x"


def test_no_retained_messages_for_shared_subscriptions(shared, connect, name):
    publisher = connect(shared, f"{name}_p")
    publisher.publish(name, b"kept", qos=1, retain=True)
    client = connect(shared, name)
    client.subscribe(f"$share/group/{name}", qos=1)
    assert client.pending() == []
    publisher.publish(name, b"", qos=1, retain=True)


# --- $SYS


def test_sys_topics(start, connect, name):
    """Names of EMQ X and of mosquitto; a filter that begins with a wildcard leaves them out [MQTT-4.7.2-1]."""
    broker = start(settings={"broker.sys_interval": "1s"})
    everything = connect(broker, f"{name}_2")
    everything.subscribe("#", "+/broker/#", qos=1)
    client = connect(broker, name)
    client.subscribe("$SYS/#")
    wanted = {"$SYS/broker/version", "$SYS/broker/clients/connected", "$SYS/brokers",
              "$SYS/brokers/keepmq@127.0.0.1/version"}
    topics = {}
    while not wanted <= topics.keys() or topics["$SYS/broker/clients/connected"] != "2":
        message = client.message()
        topics[message.topic] = message.text
    assert "KeepMQ" in topics["$SYS/broker/version"]
    assert everything.pending() == []
