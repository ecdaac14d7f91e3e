"""Input that is no MQTT: only the connection it came on ends, with the right reason."""

import random

import pytest

from lib import mqtt
from lib.mqtt import CONNACK, DISCONNECT, packet
from lib.raw import RawClient
from lib.wait import until_equal

MALFORMED, PROTOCOL = 0x81, 0x82


def text(value):
    return mqtt.blob(value)


def property_(number, raw):
    return bytes([number]) + raw


def publish_with(props, topic=b"\x00\x01t"):
    """PUBLISH of QoS 0 with raw property bytes."""
    return packet(3, 0, topic + mqtt.varint(len(props)) + props + b"payload")


def subscribe_with(payload, props=b"\x00"):
    return packet(8, 2, b"\x00\x05" + props + payload)


# name: (bytes on a connected MQTT 5 client, reasons of DISCONNECT that are right)
CONNECTED_5 = {
    "reserved packet type": (b"\x00\x00", {MALFORMED, PROTOCOL}),
    "CONNACK of a client": (b"\x20\x03\x00\x00\x00", {MALFORMED, PROTOCOL}),
    "SUBACK of a client": (b"\x90\x04\x00\x01\x00\x00", {MALFORMED, PROTOCOL}),
    "UNSUBACK of a client": (b"\xb0\x04\x00\x01\x00\x00", {MALFORMED, PROTOCOL}),
    "PINGRESP of a client": (b"\xd0\x00", {MALFORMED, PROTOCOL}),
    "length of five bytes [MQTT-1.5.5-1]": (b"\x30\xff\xff\xff\xff\x01", {MALFORMED}),
    "length longer than needed [MQTT-1.5.5-1]": (b"\xc0\x80\x00", {MALFORMED}),
    "flags of PINGREQ [MQTT-2.1.3-1]": (b"\xc1\x00", {MALFORMED}),
    "PINGREQ with a body": (b"\xc0\x01\x00", {MALFORMED}),
    "flags of PUBREL [MQTT-3.6.1-1]": (packet(6, 0, b"\x00\x01"), {MALFORMED}),
    "flags of SUBSCRIBE [MQTT-3.8.1-1]": (packet(8, 0, b"\x00\x05\x00" + text("a") + b"\x00"), {MALFORMED}),
    "flags of UNSUBSCRIBE [MQTT-3.10.1-1]": (packet(10, 0, b"\x00\x05\x00" + text("a")), {MALFORMED}),
    "flags of DISCONNECT [MQTT-3.14.1-1]": (b"\xe1\x00", {MALFORMED}),
    "flags of AUTH [MQTT-3.15.1-1]": (b"\xf1\x00", {MALFORMED}),
    "QoS 3 [MQTT-3.3.1-4]": (packet(3, 6, text("t") + b"\x00\x01\x00x"), {MALFORMED}),
    "DUP with QoS 0 [MQTT-3.3.1-2]": (packet(3, 8, text("t") + b"\x00x"), {MALFORMED, PROTOCOL}),
    "packet identifier 0 [MQTT-2.2.1-3]": (packet(3, 2, text("t") + b"\x00\x00\x00x"), {MALFORMED, PROTOCOL}),
    "no packet identifier": (packet(3, 2, text("t")), {MALFORMED}),
    "empty PUBLISH": (packet(3, 0, b""), {MALFORMED}),
    "topic longer than the packet": (packet(3, 0, b"\x00\xfft"), {MALFORMED}),
    "wildcard + in a topic [MQTT-3.3.2-2]": (mqtt.publish(5, "a/+", b"x"), {MALFORMED, PROTOCOL, 0x90}),
    "wildcard # in a topic [MQTT-3.3.2-2]": (mqtt.publish(5, "#", b"x"), {MALFORMED, PROTOCOL, 0x90}),
    "NUL in a topic [MQTT-1.5.4-2] [MQTT-4.7.3-2]": (mqtt.publish(5, "a\0b", b"x"), {MALFORMED, PROTOCOL, 0x90}),
    "topic is not UTF-8 [MQTT-1.5.4-1] [MQTT-3.3.2-1]": (packet(3, 0, b"\x00\x02\xc3\x28\x00x"), {MALFORMED, 0x90}),
    "surrogate in a topic [MQTT-1.5.4-1]": (packet(3, 0, b"\x00\x03\xed\xa0\x80\x00x"), {MALFORMED, 0x90}),
    "overlong UTF-8 [MQTT-1.5.4-1]": (packet(3, 0, b"\x00\x02\xc0\xaf\x00x"), {MALFORMED, 0x90}),
    "no topic and no alias": (mqtt.publish(5, "", b"x"), {PROTOCOL}),
    "unknown property": (publish_with(b"\x7f\x00"), {MALFORMED, PROTOCOL}),
    "property of another packet": (publish_with(property_(17, b"\0\0\0\1")), {MALFORMED, PROTOCOL}),
    "property twice": (publish_with(property_(1, b"\1") * 2), {MALFORMED, PROTOCOL}),
    "properties beyond the packet": (packet(3, 0, text("t") + b"\x70x"), {MALFORMED}),
    "property cut off": (publish_with(property_(2, b"\0\0")), {MALFORMED}),
    "payload format 2": (publish_with(property_(1, b"\2")), {MALFORMED, PROTOCOL}),
    "content type is not UTF-8 [MQTT-3.3.2-19]": (publish_with(property_(3, b"\0\1\xff")), {MALFORMED}),
    "response topic with wildcard [MQTT-3.3.2-14]": (publish_with(property_(8, text("a/#"))), {MALFORMED, PROTOCOL, 0x90}),
    "response topic is not UTF-8 [MQTT-3.3.2-13]": (publish_with(property_(8, b"\0\1\xff")), {MALFORMED, 0x90}),
    "user property is not UTF-8 [MQTT-1.5.7-1]": (publish_with(property_(38, b"\0\1\xff\0\1a")), {MALFORMED}),
    "subscription identifier from a client [MQTT-3.3.4-6]": (publish_with(property_(11, b"\1")), {PROTOCOL, MALFORMED}),
    "SUBSCRIBE of nothing [MQTT-3.8.3-2]": (subscribe_with(b""), {PROTOCOL, MALFORMED}),
    "SUBSCRIBE without options": (subscribe_with(text("a")), {MALFORMED}),
    "SUBSCRIBE with QoS 3": (subscribe_with(text("a") + b"\x03"), {MALFORMED, PROTOCOL}),
    "reserved subscription options [MQTT-3.8.3-5]": (subscribe_with(text("a") + b"\x40"), {MALFORMED, PROTOCOL}),
    "retain handling 3": (subscribe_with(text("a") + b"\x30"), {MALFORMED, PROTOCOL}),
    "filter is not UTF-8 [MQTT-3.8.3-1]": (subscribe_with(b"\0\1\xff\0"), {MALFORMED, 0x8F}),
    "no local on a shared subscription [MQTT-3.8.3-4]": (subscribe_with(text("$share/g/a") + b"\x04"), {PROTOCOL}),
    "subscription identifier 0": (subscribe_with(text("a") + b"\x00", b"\x02\x0b\x00"), {PROTOCOL, MALFORMED}),
    "SUBSCRIBE with identifier 0": (packet(8, 2, b"\0\0\0" + text("a") + b"\0"), {MALFORMED, PROTOCOL}),
    "UNSUBSCRIBE of nothing [MQTT-3.10.3-2]": (packet(10, 2, b"\0\5\0"), {PROTOCOL, MALFORMED}),
    "UNSUBSCRIBE is not UTF-8 [MQTT-3.10.3-1]": (packet(10, 2, b"\0\5\0\0\1\xff"), {MALFORMED, 0x8F}),
    "PUBACK of one byte": (packet(4, 0, b"\0"), {MALFORMED}),
    "PUBACK with a wrong reason [MQTT-3.4.2-1]": (packet(4, 0, b"\0\1\x01"), {MALFORMED, PROTOCOL}),
    "PUBACK of identifier 0": (packet(4, 0, b"\0\0"), {MALFORMED, PROTOCOL}),
    "AUTH that nobody asked for": (mqtt.auth(0x18), {PROTOCOL}),
}

# The same for MQTT 3.1.1: the connection ends without a word.
CONNECTED_4 = {
    "AUTH": b"\xf0\x00",
    "reserved packet type": b"\x00\x00",
    "DISCONNECT with a body": b"\xe0\x01\x00",
    "flags of SUBSCRIBE": packet(8, 0, b"\x00\x05" + text("a") + b"\x00"),
    "QoS byte 3": packet(8, 2, b"\x00\x05" + text("a") + b"\x03"),
    "options of MQTT 5": packet(8, 2, b"\x00\x05" + text("a") + b"\x04"),
    "QoS 3": packet(3, 6, text("t") + b"\x00\x01x"),
    "empty topic": packet(3, 0, text("") + b"x"),
    "wildcard in a topic": mqtt.publish(4, "a/#", b"x"),
    "topic is not UTF-8": packet(3, 0, b"\x00\x02\xc3\x28x"),
    "SUBSCRIBE of nothing": packet(8, 2, b"\x00\x05"),
    "PUBACK that is too long": packet(4, 0, b"\x00\x01\x00"),
    "length of five bytes": b"\x30\xff\xff\xff\xff\x01",
}

# Filters that are well-formed text but no topic filters: refused with a reason code.
WRONG_FILTERS = ["", "a#", "#/a", "a/#/b", "a+", "+a/b", "$share/", "$share/g", "$share//a", "$share/g/",
                 "$share/g+/a", "$share/#/a"]

# Instead of a good CONNECT.
FIRST = {
    "HTTP": b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n",
    "TLS": bytes.fromhex("16030100c8010000c40303") + b"\x55" * 40,
    "zeros": b"\x00" * 100,
    "ones": b"\xff" * 100,
    "flags of CONNECT": b"\x11" + mqtt.connect(5, "x")[1:],
    "too long for CONNECT": b"\x10\xff\xff\xff\x7f",
    "cut off inside": packet(1, 0, mqtt.connect(5, "x", will=mqtt.Will("t", b"x"))[2:-3]),
    "bytes behind the payload": packet(1, 0, mqtt.connect(5, "x")[2:] + b"more"),
    "client identifier is not UTF-8 [MQTT-3.1.3-4]": packet(1, 0, mqtt.connect(5, "")[2:-2] + b"\0\1\xff"),
    "NUL in the client identifier": mqtt.connect(5, "a\0b"),
    "user name is not UTF-8 [MQTT-3.1.3-12]": mqtt.connect(5, "x", username=b"\xff"),
    "will topic with wildcard": mqtt.connect(5, "x", will=mqtt.Will("a/#", b"x")),
    "will topic is not UTF-8 [MQTT-3.1.3-11]": mqtt.connect(5, "x", will=mqtt.Will(b"\xff", b"x")),
    "user name flag without user name": mqtt.connect(5, "x", flags=0x82),
    "password without user name in 3.1.1": mqtt.connect(4, "x", password=b"p"),
    "receive maximum 0": mqtt.connect(5, "x", props={"receive_maximum": 0}),
    "maximum packet size 0": mqtt.connect(5, "x", props={"maximum_packet_size": 0}),
    "property twice": mqtt.connect(5, "x", props={"receive_maximum": [1, 2]}),
    "property of PUBLISH": mqtt.connect(5, "x", props={"topic_alias": 1}),
    "authentication data without method": mqtt.connect(5, "x", props={"authentication_data": b"x"}),
    "request problem information 2": mqtt.connect(5, "x", props={"request_problem_information": 2}),
}


@pytest.fixture(scope="module")
def witness(shared):
    """A client that must not notice any of this."""
    client = RawClient(shared.address, is_idle=shared.is_idle)
    client.connect("witness", keep_alive=0)
    client.subscribe("witness/#", qos=1)
    client.pending()
    yield client
    client.disconnect()


def still_there(witness):
    witness.publish("witness/x", b"here", qos=1)
    assert witness.message().payload == b"here"


@pytest.mark.parametrize("case", CONNECTED_5)
def test_mqtt5_gets_the_reason(shared, connect, witness, case):
    """[MQTT-4.13.1-1] [MQTT-4.13.2-1]"""
    data, reasons = CONNECTED_5[case]
    client = connect(shared)
    client.send(data)
    found = client.expect_closed()
    assert [each.kind for each in found] == [DISCONNECT], found
    assert found[0].reason in reasons, found
    still_there(witness)


@pytest.mark.parametrize("case", CONNECTED_4)
def test_mqtt3_is_closed(shared, connect, witness, case):
    """[MQTT-4.13.1-1]"""
    client = connect(shared, "", 4)
    client.send(CONNECTED_4[case])
    assert client.expect_closed() == []
    still_there(witness)


@pytest.mark.parametrize("version", [3, 4, 5])
def test_wrong_filters(shared, connect, witness, version):
    """[MQTT-4.7.1-1] [MQTT-4.7.1-2] [MQTT-4.7.3-1] [MQTT-4.8.2-1] [MQTT-4.8.2-2]: refused one by one, or
    the connection ends; never subscribed."""
    for wrong in WRONG_FILTERS:
        client = connect(shared, f"filters{version}", version)
        client.send(mqtt.subscribe(version, 1, [("good", 0), (wrong, 0)]))
        found = client.receive()
        if found is None:
            continue
        if found.kind == DISCONNECT:
            assert found.reason in (MALFORMED, PROTOCOL, 0x8F), (wrong, found)
        else:
            assert found.reasons == [0, 0x8F if version == 5 else 0x80], (wrong, found)
            client.ping()
    still_there(witness)


@pytest.mark.parametrize("case", FIRST)
def test_wrong_beginnings(shared, opened, witness, case):
    """[MQTT-3.1.4-1] [MQTT-3.1.4-2] [MQTT-3.1.4-6]"""
    client = opened(shared)
    # What follows a refused CONNECT is not looked at.
    client.send(FIRST[case] + mqtt.publish(5, "witness/x", b"smuggled"))
    answer = client.rest_of_stream()
    assert answer == b"" or answer[0] == CONNACK << 4, answer
    if answer:
        assert answer[3] in (1, 2, 4, 5, 0x80, 0x81, 0x82, 0x84, 0x85, 0x8C, 0x90, 0x95), answer
    still_there(witness)


def test_random_bytes(shared, opened, connect, witness):
    """Before and after CONNECT; the seed is in the name of the failure."""
    seed = random.randrange(2**32)
    generator = random.Random(seed)
    good = [mqtt.connect(5, "random"), mqtt.subscribe(5, 9, [("a/#", 1)]), mqtt.publish(5, "a/b", b"x", 2, 3),
            mqtt.publish(5, "a", b"x", props={"user_property": [("a", "b")]}), mqtt.unsubscribe(5, 9, ["a/#"])]
    for number in range(300):
        data = bytearray(generator.choice(good) + generator.choice(good))
        for _ in range(generator.randrange(1, 5)):
            data[generator.randrange(len(data))] = generator.randrange(256)
        client = opened(shared) if number % 2 else connect(shared, auto_ack=False)
        try:
            client.send(bytes(data))
        except ConnectionError:
            pass
        client.close()
    try:
        still_there(witness)
    except AssertionError as problem:
        raise AssertionError(f"seed {seed}") from problem


def test_connection_is_dropped_in_the_middle_of_a_packet(shared, connect, witness):
    for cut in (1, 2, 5, 9):
        client = connect(shared)
        client.send(mqtt.publish(5, "some/topic", b"payload", 1, 1)[:cut])
        client.drop()
    still_there(witness)


def test_nothing_was_left_behind(shared, witness):
    """The last test of this file: of all these connections only the witness remains."""
    until_equal(lambda: [each["clientid"] for each in shared.api("/clients")], ["witness"])
    until_equal(lambda: shared.metric("keepmq_connections"), 1)
    assert shared.rows("select count(*) from mqtt_msg where payload = 'smuggled'") == [(0,)]
