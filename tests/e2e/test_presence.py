"""Who is online: mqtt_client, and the subscriptions that a table gives to a client."""

import pytest

from lib import conf
from lib.mqtt import CONNACK, connect as connect_packet
from lib.wait import until_equal


def states(broker):
    return dict(broker.rows("select clientid, state from mqtt_client"))


@pytest.mark.parametrize("end", ["disconnect", "drop", "keep-alive", "kick", "protocol error"])
def test_offline_whatever_the_reason(broker, connect, end):
    client = connect(broker, "c", keep_alive=1 if end == "keep-alive" else 60)
    until_equal(lambda: states(broker), {"c": "1"})
    if end == "disconnect":
        client.disconnect()
    elif end == "drop":
        client.drop()
    elif end == "kick":
        broker.ctl("clients", "kick", "c")
    elif end == "protocol error":
        client.send(b"\x00\x00")
    until_equal(lambda: states(broker), {"c": "0"})
    online_at, offline_at = broker.rows("select online_at, offline_at from mqtt_client")[0]
    assert online_at <= offline_at


def test_take_over_stays_online(broker, connect):
    """The late disconnect of the older connection never overwrites the newer connect."""
    clients = [connect(broker, "c") for _ in range(30)]
    broker.settle()
    assert states(broker) == {"c": "1"}
    assert broker.rows("select offline_at from mqtt_client") == [(None,)]
    clients[-1].disconnect()
    until_equal(lambda: states(broker), {"c": "0"})


def test_many_clients(broker, connect):
    clients = [connect(broker, f"c{number}") for number in range(200)]
    until_equal(lambda: states(broker), {f"c{number}": "1" for number in range(200)})
    for client in clients[:100]:
        client.drop()
    until_equal(lambda: states(broker), {f"c{number}": "0" if number < 100 else "1" for number in range(200)})


def test_shutdown_writes_everybody_offline(broker, connect):
    for number in range(20):
        connect(broker, f"c{number}")
    assert broker.stop() == 0
    assert set(states(broker).values()) == {"0"}


def test_refused_clients_leave_no_row(start, connect, opened):
    broker = start(settings={"mqtt.max_sessions": 1})
    connect(broker, "first")
    client = opened(broker)
    client.send(connect_packet(5, "second"))
    assert [each.kind for each in client.expect_closed()] == [CONNACK]
    broker.settle()
    assert states(broker) == {"first": "1"}


def test_an_existing_row_is_used(broker, connect):
    broker.execute("insert into mqtt_client(clientid, state, created) values('c', '0', '2020-01-01 00:00:00');")
    connect(broker, "c")
    until_equal(lambda: broker.rows("select clientid, state, created from mqtt_client"),
                [("c", "1", "2020-01-01 00:00:00")])


# --- provisioned subscriptions


def test_subscriptions_are_made_at_every_connect(broker, connect):
    """Also when a session is resumed; empty topics are skipped, a wrong QoS fails that entry alone."""
    broker.execute("""insert into mqtt_sub(clientid, topic, qos) values
        ('c', 'a/+', 1), ('c', 'b', 2), ('c', '', 1), ('c', 'wrong', 7), ('c', 'bad/#/filter', 1), ('other', 'x', 1);""")

    def subscribed():
        return sorted((each["topic"], each["qos"]) for each in broker.api("/subscriptions/c"))

    lasting = {"clean": False, "props": {"session_expiry_interval": 60}}
    first = connect(broker, "c", **lasting)
    until_equal(subscribed, [("a/+", 1), ("b", 2)])
    connect(broker, "p").publish("a/1", b"x", qos=2)
    assert first.message().qos == 1
    first.disconnect()
    broker.execute("insert into mqtt_sub(clientid, topic, qos) values('c', 'later', 0);")
    second = connect(broker, "c", **lasting)
    assert second.connack.session_present
    until_equal(subscribed, [("a/+", 1), ("b", 2), ("later", 0)])


def test_subscriptions_may_be_left_to_new_sessions(start, connect):
    """As the name session.created says."""
    broker = start(settings={"hooks.lookup_on_every_connect": "off"})
    broker.execute("insert into mqtt_sub(clientid, topic, qos) values('c', 'first', 1);")
    lasting = {"clean": False, "props": {"session_expiry_interval": 60}}

    def subscribed():
        return [each["topic"] for each in broker.api("/subscriptions/c")]

    client = connect(broker, "c", **lasting)
    until_equal(subscribed, ["first"])
    client.disconnect()
    broker.execute("insert into mqtt_sub(clientid, topic, qos) values('c', 'later', 1);")
    client = connect(broker, "c", **lasting)
    assert client.connack.session_present
    broker.settle()
    client.ping()
    assert subscribed() == ["first"]


def test_provisioned_subscription_brings_retained_and_stored_messages(emqx, connect):
    publisher = connect(emqx, "p")
    publisher.publish("r", b"kept", qos=0, retain=True)
    publisher.publish("t", b"stored", qos=1)
    emqx.execute("insert into mqtt_sub(clientid, topic, qos) values('c', 'r', 1), ('c', 't', 1);")
    client = connect(emqx, "c")
    found = {each.topic: (each.payload, each.retain) for each in client.messages(2)}
    assert found == {"r": (b"kept", True), "t": (b"stored", False)}


def test_lookup_may_be_bound_to_client_connected(start, connect):
    """The place where EMQ X 3.0 has it."""
    rules = conf.EMQX | {"session.created.1": None, "client.connected.2": conf.function("on_subscribe_lookup")}
    broker = start(conf.plugin(rules))
    broker.execute("insert into mqtt_sub(clientid, topic, qos) values('c', 't', 1);")
    connect(broker, "c")
    until_equal(lambda: [each["topic"] for each in broker.api("/subscriptions/c")], ["t"])
