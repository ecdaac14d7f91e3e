"""What a broker says and does while something is wrong with a database."""


def complaints(broker):
    """What the broker says for a person to correct."""
    return [line for line in broker.log().splitlines() if "until this is corrected" in line]


def state(broker):
    return broker.api("/pools")[0]["state"]


def serves(broker, connect):
    """On a topic that no rule covers: `#` does not."""
    subscriber = connect(broker, "s")
    subscriber.subscribe("$live/t", qos=0)
    connect(broker, "p").publish("$live/t", b"x", qos=0)
    return subscriber.message().payload == b"x"
