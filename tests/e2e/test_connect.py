"""CONNECT, CONNACK, DISCONNECT, keep-alive: how connections begin and end."""

import time

import pytest

from lib import mqtt
from lib.mqtt import CONNACK, DISCONNECT, PUBLISH, Will
from lib.wait import until_equal

VERSIONS = [3, 4, 5]
MQTT5 = 5
# CONNACK as 3.1.1 and as 5.0 know it: which of them a stranger understands is anybody's guess.
UNSUPPORTED = (b"\x20\x02\x00\x01", b"\x20\x03\x00\x84\x00")


@pytest.mark.parametrize("version", VERSIONS)
def test_connack_says_success_and_no_session(shared, connect, name, version):
    """[MQTT-3.1.4-5] [MQTT-3.2.2-2] [MQTT-3.1.2-6]"""
    client = connect(shared, name, version)
    assert (client.connack.reason, client.connack.session_present) == (0, False)
    client.ping()  # [MQTT-3.12.4-1]


def test_connack_announces_what_the_server_allows(shared, connect, name):
    """Receive Maximum, Maximum Packet Size and Topic Alias Maximum of the shipped configuration; what
    has its usual value is left out [MQTT-3.2.2-9] [MQTT-3.2.2-22]"""
    props = connect(shared, name).connack.props
    assert props == {"receive_maximum": 1000, "maximum_packet_size": 1048576, "topic_alias_maximum": 65535}


@pytest.mark.parametrize("version", [4, 5])
def test_empty_client_id_is_assigned(shared, connect, version):
    """[MQTT-3.1.3-6] [MQTT-3.1.3-7] [MQTT-3.2.2-16]"""
    first, second = connect(shared, "", version), connect(shared, "", version)
    first.ping()
    second.ping()
    if version == MQTT5:
        assigned = [each.connack.props["assigned_client_identifier"] for each in (first, second)]
        assert assigned[0] and assigned[1] and assigned[0] != assigned[1]


@pytest.mark.parametrize("version, clean", [(4, False), (3, True), (3, False)])
def test_empty_client_id_is_refused_where_it_cannot_be(shared, opened, version, clean):
    """[MQTT-3.1.3-8]"""
    client = opened(shared, version)
    client.send(mqtt.connect(version, "", clean=clean))
    assert [(each.kind, each.reason) for each in client.expect_closed()] == [(CONNACK, 2)]


@pytest.mark.parametrize("client_id", ["0123456789abcdefghijklm", "A", "späße/中文 with blanks", "x" * 300])
def test_client_ids(shared, connect, client_id):
    """[MQTT-3.1.3-5] and longer ones [MQTT-3.1.3-4]"""
    connect(shared, client_id).ping()


@pytest.mark.parametrize("level", [0, 1, 2, 6, 127, 255])
def test_unknown_protocol_level(shared, opened, level):
    """[MQTT-3.1.2-2]"""
    client = opened(shared)
    body = mqtt.blob("MQTT") + bytes([level, 2]) + mqtt.u16(60) + b"\0" + mqtt.blob("x")
    client.send(mqtt.packet(mqtt.CONNECT, 0, body))
    assert client.rest_of_stream() in UNSUPPORTED


@pytest.mark.parametrize("version", VERSIONS)
def test_wrong_protocol_name(shared, opened, version):
    """[MQTT-3.1.2-1]"""
    client = opened(shared, version)
    client.send(mqtt.connect(version, "x", name="MQTS"))
    assert client.rest_of_stream() in UNSUPPORTED


@pytest.mark.parametrize("version", VERSIONS)
def test_second_connect_ends_the_connection(shared, connect, name, version):
    """[MQTT-3.1.0-2] [MQTT-3.2.0-2]"""
    client = connect(shared, name, version)
    client.send(mqtt.connect(version, name))
    client.expect_end(0x82)


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("kind", [mqtt.PUBLISH, mqtt.SUBSCRIBE, mqtt.PINGREQ, mqtt.DISCONNECT])
def test_first_packet_must_be_connect(shared, opened, version, kind):
    """[MQTT-3.1.0-1] Nothing is answered [MQTT-3.14.0-1]."""
    client = opened(shared, version)
    client.send({
        mqtt.PUBLISH: mqtt.publish(version, "a", b"x"),
        mqtt.SUBSCRIBE: mqtt.subscribe(version, 1, [("a", 0)]),
        mqtt.PINGREQ: mqtt.pingreq(),
        mqtt.DISCONNECT: mqtt.disconnect(version),
    }[kind])
    assert client.expect_closed() == []


def test_authentication_method_is_refused(shared, opened, name):
    """[MQTT-4.12.0-1]"""
    client = opened(shared)
    client.send(mqtt.connect(5, name, props={"authentication_method": "SCRAM-SHA-1", "authentication_data": b"x"}))
    assert [(each.kind, each.reason) for each in client.expect_closed()] == [(CONNACK, 0x8C)]


def test_auth_without_a_method_is_a_protocol_error(shared, connect, name):
    client = connect(shared, name)
    client.send(mqtt.auth(0x19, {"authentication_method": "x"}))
    client.expect_end(0x82)


@pytest.mark.parametrize("version", [4, 5])
def test_user_name_and_password_are_accepted(shared, connect, name, version):
    client = connect(shared, name, version, username="someone", password=b"\x00\xff")
    client.ping()
    assert shared.client(name)["username"] == "someone"


def test_packets_sent_before_connack_are_handled(shared, opened, name):
    """A client need not wait for CONNACK [MQTT-3.2.0-1]."""
    client = opened(shared)
    client.send(mqtt.connect(5, name) + mqtt.subscribe(5, 1, [(name, 0)]) + mqtt.publish(5, name, b"early"))
    assert client.expect(CONNACK).reason == 0
    client.expect(mqtt.SUBACK)
    assert client.message().payload == b"early"


def test_packets_arrive_byte_by_byte(shared, opened, name):
    """[MQTT-4.2.0-1]"""
    client = opened(shared)
    for byte in mqtt.connect(5, name) + mqtt.subscribe(5, 1, [(name, 0)]) + mqtt.publish(5, name, b"slowly"):
        client.send(bytes([byte]))
    client.expect(CONNACK)
    client.expect(mqtt.SUBACK)
    assert client.message().payload == b"slowly"


# --- take-over and sessions


@pytest.mark.parametrize("version", VERSIONS)
def test_newer_connection_takes_over(shared, connect, name, version):
    """[MQTT-3.1.4-3] [MQTT-3.1.3-2]"""
    older = connect(shared, name, version)
    newer = connect(shared, name, version)
    older.expect_end(0x8E)
    newer.ping()


def test_take_over_keeps_the_session(shared, connect, name):
    """[MQTT-3.1.2-5] [MQTT-3.2.2-3] [MQTT-4.1.0-1]"""
    older = connect(shared, name, props={"session_expiry_interval": 60})
    older.subscribe(name, qos=1)
    newer = connect(shared, name, clean=False, props={"session_expiry_interval": 60})
    assert newer.connack.session_present
    newer.publish(name, b"still subscribed", qos=1)
    assert newer.message().payload == b"still subscribed"
    older.expect_end(0x8E)


def test_clean_start_discards_the_session(shared, connect, name):
    """[MQTT-3.1.2-4] [MQTT-3.2.2-2]"""
    connect(shared, name, props={"session_expiry_interval": 60}).subscribe(name)
    again = connect(shared, name, clean=True, props={"session_expiry_interval": 60})
    assert not again.connack.session_present
    again.publish(name, b"nobody")
    assert again.pending() == []


@pytest.mark.parametrize("version", [3, 4])
def test_clean_session_of_mqtt_3(shared, connect, name, version):
    connect(shared, name, version, clean=False).subscribe(name, qos=1)
    connect(shared, name, version, clean=True).disconnect()
    third = connect(shared, name, version, clean=False)
    assert not third.connack.session_present


def test_session_ends_with_the_connection_unless_asked_for(shared, connect, name):
    """Session Expiry Interval absent is 0 [MQTT-3.1.2-23]"""
    connect(shared, name).disconnect()
    until_equal(lambda: shared.client(name), None)
    assert not connect(shared, name, clean=False).connack.session_present


def test_session_expires(shared, connect, name):
    """[MQTT-4.1.0-2] [MQTT-3.1.2-23]"""
    connect(shared, name, props={"session_expiry_interval": 1}).disconnect()
    assert shared.client(name)["connected"] is False
    until_equal(lambda: shared.client(name), None)
    assert not connect(shared, name, clean=False).connack.session_present


def test_disconnect_changes_the_session_expiry(shared, connect, name):
    connect(shared, name, props={"session_expiry_interval": 300}).disconnect(props={"session_expiry_interval": 0})
    until_equal(lambda: shared.client(name), None)
    connect(shared, name, props={"session_expiry_interval": 1}).disconnect(props={"session_expiry_interval": 300})
    assert shared.client(name)["expiry_interval"] == 300


def test_disconnect_cannot_wish_for_a_session(shared, connect, name):
    """An expiry of 0 in CONNECT stays 0."""
    client = connect(shared, name)
    client.send(mqtt.disconnect(5, 0, {"session_expiry_interval": 10}))
    client.expect_end(0x82)


@pytest.mark.parametrize("version", VERSIONS)
def test_nothing_is_handled_after_disconnect(shared, connect, name, version):
    """[MQTT-3.14.4-1] [MQTT-3.14.4-2]"""
    watcher = connect(shared, f"{name}_w")
    watcher.subscribe(name)
    client = connect(shared, name, version)
    client.send(mqtt.disconnect(version) + mqtt.publish(version, name, b"too late"))
    assert client.expect_closed() == []
    assert watcher.pending() == []


# --- time


@pytest.mark.parametrize("version", VERSIONS)
def test_silent_client_is_disconnected(shared, connect, name, version):
    """[MQTT-3.1.2-22] One and a half times the keep-alive time."""
    begin = time.monotonic()
    client = connect(shared, name, version, keep_alive=1)
    client.expect_end(0x8D)
    assert 1.4 < time.monotonic() - begin < 5


def test_pinging_client_stays(shared, connect, name):
    """[MQTT-3.1.2-22] PINGREQ counts as a sign of life."""
    client = connect(shared, name, keep_alive=1)
    begin = time.monotonic()
    while time.monotonic() - begin < 2.5:
        client.ping()
        time.sleep(0.2)
    client.ping()


def test_keep_alive_of_zero_is_none(shared, connect, name):
    connect(shared, name, keep_alive=0)
    assert shared.client(name)["keepalive"] == 0


def test_server_keep_alive(start, connect, name):
    """[MQTT-3.1.2-21] [MQTT-3.2.2-21]"""
    broker = start(False, {"zone.external.server_keepalive": 1})
    client = connect(broker, name, keep_alive=600)
    assert client.connack.props["server_keep_alive"] == 1
    begin = time.monotonic()
    client.expect_end(0x8D)
    assert 1.4 < time.monotonic() - begin < 5


def test_keep_alive_backoff(start, connect):
    """Its double, times the keep-alive time."""
    broker = start(False, {"zone.external.keepalive_backoff": 0.5})
    begin = time.monotonic()
    connect(broker, "c", keep_alive=1).expect_end(0x8D)
    assert 0.9 < time.monotonic() - begin < 1.45


@pytest.mark.parametrize("begun", [b"", mqtt.connect(5, "half")[:9]])
def test_connect_must_come_in_time(start, opened, begun):
    """Neither silence nor half a CONNECT holds a connection open."""
    broker = start(False, {"zone.external.idle_timeout": "300ms"})
    client = opened(broker)
    begin = time.monotonic()
    client.send(begun)
    assert client.expect_closed() == []
    assert 0.25 < time.monotonic() - begin < 5


def test_connect_timeout_ends_with_connect(start, connect, name):
    broker = start(False, {"zone.external.idle_timeout": "300ms"})
    client = connect(broker, name, keep_alive=0)
    other = connect(broker, f"{name}_2", keep_alive=1)
    other.expect_end(0x8D)  # long after 300 ms
    client.ping()


def test_will_comes_with_keep_alive_timeout(shared, connect, name):
    watcher = connect(shared, f"{name}_w")
    watcher.subscribe(name)
    connect(shared, name, keep_alive=1, will=Will(name, b"silent"))
    assert watcher.expect(PUBLISH).payload == b"silent"


def test_operator_ends_a_connection(shared, connect, name):
    client = connect(shared, name)
    shared.ctl("clients", "kick", name)
    found = client.expect_closed()
    assert [(each.kind, each.reason) for each in found] == [(DISCONNECT, 0x98)]
