"""Will messages: when they are published, when not, and what they carry."""

import time

import pytest

from lib import mqtt
from lib.mqtt import Will

VERSIONS = [3, 4, 5]


@pytest.fixture
def watcher(shared, connect, name):
    client = connect(shared, f"{name}_watcher")
    client.subscribe(f"{name}/#", qos=2)
    return client


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("qos", [0, 1, 2])
def test_will_after_a_lost_connection(shared, connect, watcher, name, version, qos):
    """[MQTT-3.1.2-7] [MQTT-3.1.2-8] [MQTT-3.1.2-9] [MQTT-3.1.2-14]"""
    connect(shared, name, version, will=Will(f"{name}/will", b"\x00gone", qos)).drop()
    found = watcher.message()
    assert (found.payload, found.qos, found.retain) == (b"\x00gone", qos, False)


@pytest.mark.parametrize("version", VERSIONS)
def test_no_will_after_disconnect(shared, connect, watcher, name, version):
    """[MQTT-3.14.4-3] [MQTT-3.1.2-10]"""
    connect(shared, name, version, will=Will(f"{name}/will", b"gone", 1)).disconnect()
    assert watcher.pending() == []


def test_disconnect_can_ask_for_the_will(shared, connect, watcher, name):
    """DISCONNECT 0x04"""
    connect(shared, name, will=Will(f"{name}/will", b"gone", 1)).disconnect(reason=4)
    assert watcher.message().payload == b"gone"


@pytest.mark.parametrize("version", VERSIONS)
def test_will_after_a_protocol_error(shared, connect, watcher, name, version):
    """[MQTT-3.1.2-8]"""
    client = connect(shared, name, version, will=Will(f"{name}/will", b"gone"))
    client.send(b"\x00\x00")
    client.expect_closed()
    assert watcher.message().payload == b"gone"


def test_retained_will(shared, connect, watcher, name):
    """[MQTT-3.1.2-15]"""
    connect(shared, name, will=Will(f"{name}/will", b"gone", 1, retain=True)).drop()
    watcher.message()
    late = connect(shared, f"{name}_late")
    late.subscribe(f"{name}/will", qos=1)
    found = late.message()
    assert (found.payload, found.retain) == (b"gone", True)
    late.publish(f"{name}/will", b"", qos=1, retain=True)


def test_will_properties_are_passed_on(shared, connect, watcher, name):
    """[MQTT-3.1.3-10]"""
    props = {
        "payload_format_indicator": 1,
        "message_expiry_interval": 60,
        "content_type": "text/plain",
        "response_topic": "answers",
        "correlation_data": b"\x01",
        "user_property": [("b", "1"), ("a", "2")],
    }
    connect(shared, name, will=Will(f"{name}/will", b"gone", 1, properties=props)).drop()
    found = watcher.message().props
    assert found.pop("message_expiry_interval") in (59, 60)
    del props["message_expiry_interval"]
    assert found == props


def test_will_is_stored_like_any_message(shared, connect, watcher, name):
    connect(shared, name, will=Will(f"{name}/will", b"gone", 1)).drop()
    watcher.message()
    shared.settle()
    assert shared.rows("select sender, qos, payload from mqtt_msg where topic = ?", f"{name}/will") == \
        [(name, 1, b"gone")]


@pytest.mark.parametrize("version", VERSIONS)
def test_take_over_publishes_the_will(shared, connect, watcher, name, version):
    """[MQTT-3.1.2-8] [MQTT-3.1.4-3]"""
    connect(shared, name, version, will=Will(f"{name}/will", b"replaced"))
    connect(shared, name, version)
    assert watcher.message().payload == b"replaced"


# --- will delay


def test_will_waits_for_its_delay(shared, connect, watcher, name):
    will = Will(f"{name}/will", b"gone", 1, properties={"will_delay_interval": 1})
    connect(shared, name, will=will, props={"session_expiry_interval": 60}).drop()
    begin = time.monotonic()
    assert watcher.message().payload == b"gone"
    assert time.monotonic() - begin > 0.9


def test_client_that_is_back_in_time_has_no_will(shared, connect, watcher, name):
    """[MQTT-3.1.3-9]"""
    will = Will(f"{name}/will", b"gone", 1, properties={"will_delay_interval": 1})
    lasting = {"clean": False, "props": {"session_expiry_interval": 60}}
    connect(shared, name, will=will, **lasting).drop()
    assert connect(shared, name, **lasting).connack.session_present
    # Another will with the same delay, begun later, comes alone.
    other = Will(f"{name}/other", b"later", 1, properties={"will_delay_interval": 1})
    connect(shared, f"{name}_2", will=other, **lasting).drop()
    assert watcher.message().topic == f"{name}/other"
    assert watcher.pending() == []


def test_delay_ends_with_the_session(shared, connect, watcher, name):
    """The session ends with the connection, so the delay has no meaning."""
    will = Will(f"{name}/will", b"gone", 1, properties={"will_delay_interval": 600})
    begin = time.monotonic()
    connect(shared, name, will=will).drop()
    assert watcher.message().payload == b"gone"
    assert time.monotonic() - begin < 10


def test_clean_start_ends_the_delay(shared, connect, watcher, name):
    """A session that is discarded is over: its will is due."""
    will = Will(f"{name}/will", b"gone", 1, properties={"will_delay_interval": 600})
    connect(shared, name, will=will, props={"session_expiry_interval": 600}).drop()
    connect(shared, name, clean=True)
    assert watcher.message().payload == b"gone"


def test_will_of_a_killed_publisher_reaches_mqtt_3(shared, connect, name):
    old = connect(shared, f"{name}_old", 3)
    old.subscribe(f"{name}/#", qos=1)
    connect(shared, name, 5, will=Will(f"{name}/will", b"gone", 1)).drop()
    assert old.message().payload == b"gone"


@pytest.mark.parametrize("flags, why", [
    (0x02 | 0x08, "will QoS without a will"),
    (0x02 | 0x20, "will retain without a will"),
    (0x02 | 0x04 | 0x18, "will QoS 3"),
    (0x02 | 0x01, "reserved bit"),
])
@pytest.mark.parametrize("version", [4, 5])
def test_wrong_flags_of_connect(shared, opened, name, version, flags, why):
    """[MQTT-3.1.2-3] [MQTT-3.1.2-11] [MQTT-3.1.2-12] [MQTT-3.1.2-13] [MQTT-3.1.4-1]"""
    client = opened(shared, version)
    will = Will("a", b"x") if flags & 4 else None
    client.send(mqtt.connect(version, name, will=will, flags=flags))
    found = client.expect_closed()
    assert all((each.kind, each.reason) == (mqtt.CONNACK, 0x81) for each in found), (why, found)
