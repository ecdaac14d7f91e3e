"""The broker as a sender of QoS 1 and 2: identifiers, repetitions, what happens to whom."""

import pytest

from lib import mqtt
from lib.mqtt import PUBACK, PUBCOMP, PUBLISH, PUBREC, PUBREL

LASTING = {"clean": False, "props": {"session_expiry_interval": 60}}


def test_packet_identifiers_are_unique_while_in_use(shared, connect, name):
    """[MQTT-2.2.1-4] [MQTT-4.3.2-1] [MQTT-4.3.3-1] [MQTT-4.3.2-2] [MQTT-4.3.3-2]"""
    client = connect(shared, name, auto_ack=False)
    client.subscribe(name, qos=2)
    publisher = connect(shared, f"{name}_p")
    in_use = set()
    for number in range(300):
        publisher.publish(name, str(number), qos=1 + number % 2)
        message = client.message()
        assert message.packet_id and message.packet_id not in in_use and not message.dup
        in_use.add(message.packet_id)
        if number % 3 == 0 and message.qos == 1:
            client.ack(PUBACK, message.packet_id)
            in_use.remove(message.packet_id)
    assert shared.client(name)["inflight"] == len(in_use)  # [MQTT-4.3.2-3] [MQTT-4.3.3-3]


def test_qos2_exchange_survives_connections(shared, connect, name):
    """[MQTT-4.3.3-3] [MQTT-4.3.3-4] [MQTT-4.3.3-5] [MQTT-4.3.3-6]: PUBLISH until PUBREC, then PUBREL until
    PUBCOMP, and never PUBLISH again."""
    client = connect(shared, name, auto_ack=False, **LASTING)
    client.subscribe(name, qos=2)
    connect(shared, f"{name}_p").publish(name, b"x", qos=2)
    packet_id = client.message().packet_id
    client.drop()
    client = connect(shared, name, auto_ack=False, **LASTING)
    again = client.message()
    assert (again.packet_id, again.dup) == (packet_id, True)
    client.ack(PUBREC, packet_id)
    assert client.expect(PUBREL).packet_id == packet_id
    for _ in range(2):
        client.drop()
        client = connect(shared, name, auto_ack=False, **LASTING)
        assert client.receive().kind == PUBREL
    client.ack(PUBCOMP, packet_id)
    client.ping()
    client.drop()
    client = connect(shared, name, auto_ack=False, **LASTING)
    assert client.pending() == []


@pytest.mark.parametrize("qos", [1, 2])
def test_no_expiry_once_it_was_sent(shared, connect, name, qos):
    """[MQTT-4.3.3-7] [MQTT-4.3.3-13]"""
    client = connect(shared, name, auto_ack=False, **LASTING)
    client.subscribe(name, qos=2)
    publisher = connect(shared, f"{name}_p")
    publisher.publish(name, b"x", qos=qos, props={"message_expiry_interval": 1})
    first = client.message()
    connect(shared, f"{name}_clock", keep_alive=1).expect_end(0x8D)
    client.drop()
    client = connect(shared, name, auto_ack=False, **LASTING)
    second = client.message()
    assert (second.packet_id, second.dup) == (first.packet_id, True)
    client.ack(PUBACK if qos == 1 else PUBREC, second.packet_id)
    if qos == 2:
        assert client.expect(PUBREL).packet_id == first.packet_id


def test_refused_qos2_message_is_not_released(shared, connect, name):
    """[MQTT-4.3.3-4] PUBREC with an error ends the exchange."""
    client = connect(shared, name, auto_ack=False, **LASTING)
    client.subscribe(name, qos=2)
    connect(shared, f"{name}_p").publish(name, b"x", qos=2)
    client.ack(PUBREC, client.message().packet_id, 0x97)
    client.ping()
    client.drop()
    assert connect(shared, name, auto_ack=False, **LASTING).pending() == []


def group_of_two(broker, connect, name, **options):
    """The member that has the message in hand, the other one, and the message."""
    members = {}
    for number in range(2):
        member = connect(broker, f"{name}_{number}", auto_ack=False, **options)
        member.subscribe(f"$share/group/{name}", qos=2)
        members[f"{name}_{number}"] = member
    connect(broker, f"{name}_p").publish(name, b"x", qos=2)
    broker.settle()
    for client_id, member in members.items():
        got = member.pending()
        if got:
            other = next(each for key, each in members.items() if key != client_id)
            return client_id, member, other, got[0]
    raise AssertionError("nobody got the message")


def test_shared_qos2_message_waits_for_its_member(shared, connect, name):
    """[MQTT-4.8.2-4]"""
    client_id, member, other, message = group_of_two(shared, connect, name, **LASTING)
    member.drop()
    assert other.pending() == []
    again = connect(shared, client_id, auto_ack=False, **LASTING)
    found = again.message()
    assert (found.packet_id, found.dup) == (message.packet_id, True)
    assert other.pending() == []


def test_shared_qos2_message_of_an_ended_session_goes_to_nobody_else(shared, connect, name):
    """[MQTT-4.8.2-5]"""
    _, member, other, _ = group_of_two(shared, connect, name)
    member.drop()
    connect(shared, f"{name}_p2").publish(f"{name}/other", b"x", qos=1)
    assert other.pending() == []


@pytest.mark.parametrize("reason", [0x80, 0x97])
def test_shared_message_that_a_member_refuses_is_discarded(shared, connect, name, reason):
    """[MQTT-4.8.2-6]"""
    _, member, other, message = group_of_two(shared, connect, name)
    member.ack(PUBREC, message.packet_id, reason)
    assert member.pending() == []
    assert other.pending() == []


def test_answers_fit_a_small_client(shared, connect, name):
    """Neither reason strings nor user properties, asked for or not: [MQTT-3.1.2-29] [MQTT-3.2.2-19]
    [MQTT-3.2.2-20] [MQTT-3.4.2-2] [MQTT-3.4.2-3] [MQTT-3.5.2-2] [MQTT-3.5.2-3] [MQTT-3.6.2-2] [MQTT-3.6.2-3]
    [MQTT-3.7.2-2] [MQTT-3.7.2-3] [MQTT-3.9.2-1] [MQTT-3.9.2-2] [MQTT-3.11.2-1] [MQTT-3.11.2-2]
    [MQTT-3.14.2-3] [MQTT-3.14.2-4]"""
    client = connect(shared, name, auto_ack=False, props={
        "maximum_packet_size": 40, "request_problem_information": 0, "receive_maximum": 5})
    answers = [client.connack]

    def ask(data, kind):
        client.send(data)
        answers.append(client.expect(kind))

    ask(mqtt.publish(5, "t", b"x", 1, 1), PUBACK)
    ask(mqtt.publish(5, "a/" * 200 + "x", b"x", 1, 1), PUBACK)  # too many levels
    ask(mqtt.publish(5, "t", b"x", 2, 2), PUBREC)
    ask(mqtt.ack(5, PUBREL, 2), PUBCOMP)
    ask(mqtt.ack(5, PUBREL, 99), PUBCOMP)  # not found
    ask(mqtt.ack(5, PUBREC, 99), PUBREL)  # not found
    ask(mqtt.subscribe(5, 3, [(name, 2), ("a/" * 200, 0)]), mqtt.SUBACK)
    ask(mqtt.unsubscribe(5, 4, ["no", name]), mqtt.UNSUBACK)
    client.send(b"\x00\x00")
    answers += client.expect_closed()
    assert answers[-1].kind == mqtt.DISCONNECT
    assert PUBLISH not in [each.kind for each in answers]
    for each in answers:
        assert not {"reason_string", "user_property"} & each.props.keys(), each
