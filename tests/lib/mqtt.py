"""MQTT control packets as bytes: builds what a client sends, reads what a server sends.

Independent of the broker's own codec. Knows MQTT 3.1, 3.1.1 and 5.0 (versions 3, 4 and 5) and does
not mind building packets that are wrong.
"""

import struct
from dataclasses import dataclass, field

CONNECT, CONNACK, PUBLISH, PUBACK, PUBREC, PUBREL, PUBCOMP = 1, 2, 3, 4, 5, 6, 7
SUBSCRIBE, SUBACK, UNSUBSCRIBE, UNSUBACK, PINGREQ, PINGRESP, DISCONNECT, AUTH = range(8, 16)
NAMES = ("RESERVED CONNECT CONNACK PUBLISH PUBACK PUBREC PUBREL PUBCOMP SUBSCRIBE SUBACK UNSUBSCRIBE "
         "UNSUBACK PINGREQ PINGRESP DISCONNECT AUTH").split()

# identifier: (name, type)
PROPERTIES = {
    1: ("payload_format_indicator", "u8"),
    2: ("message_expiry_interval", "u32"),
    3: ("content_type", "text"),
    8: ("response_topic", "text"),
    9: ("correlation_data", "bytes"),
    11: ("subscription_identifier", "varint"),
    17: ("session_expiry_interval", "u32"),
    18: ("assigned_client_identifier", "text"),
    19: ("server_keep_alive", "u16"),
    21: ("authentication_method", "text"),
    22: ("authentication_data", "bytes"),
    23: ("request_problem_information", "u8"),
    24: ("will_delay_interval", "u32"),
    25: ("request_response_information", "u8"),
    26: ("response_information", "text"),
    28: ("server_reference", "text"),
    31: ("reason_string", "text"),
    33: ("receive_maximum", "u16"),
    34: ("topic_alias_maximum", "u16"),
    35: ("topic_alias", "u16"),
    36: ("maximum_qos", "u8"),
    37: ("retain_available", "u8"),
    38: ("user_property", "pair"),
    39: ("maximum_packet_size", "u32"),
    40: ("wildcard_subscription_available", "u8"),
    41: ("subscription_identifier_available", "u8"),
    42: ("shared_subscription_available", "u8"),
}
IDENTIFIERS = {name: (number, kind) for number, (name, kind) in PROPERTIES.items()}


def u16(value):
    return struct.pack("!H", value)


def varint(value):
    out = bytearray()
    while True:
        value, digit = divmod(value, 128)
        out.append(digit | (0x80 if value else 0))
        if not value:
            return bytes(out)


def blob(value):
    """Two bytes of length and the bytes; text as UTF-8."""
    if isinstance(value, str):
        value = value.encode()
    return u16(len(value)) + value


def one_property(name, value):
    number, kind = IDENTIFIERS[name]
    encode = {
        "u8": lambda: bytes([value]),
        "u16": lambda: u16(value),
        "u32": lambda: struct.pack("!I", value),
        "varint": lambda: varint(value),
        "text": lambda: blob(value),
        "bytes": lambda: blob(value),
        "pair": lambda: blob(value[0]) + blob(value[1]),
    }[kind]
    return bytes([number]) + encode()


def properties(version, values):
    """Property length and properties; nothing at all before MQTT 5. A list repeats the property."""
    if version < 5:
        return b""
    body = b""
    for name, value in (values or {}).items():
        for each in value if isinstance(value, list) else [value]:
            body += one_property(name, each)
    return varint(len(body)) + body


def packet(kind, flags, body):
    return bytes([kind << 4 | flags]) + varint(len(body)) + body


@dataclass
class Will:
    topic: str
    payload: bytes = b""
    qos: int = 0
    retain: bool = False
    properties: dict = None


def connect(version=5, client_id="", clean=True, keep_alive=60, props=None, will=None, username=None,
            password=None, flags=None, name=None):
    """`flags` and `name` replace the byte of connect flags and the protocol name by something wrong."""
    bits = 2 if clean else 0
    payload = blob(client_id)
    if will is not None:
        bits |= 4 | will.qos << 3 | (32 if will.retain else 0)
        payload += properties(version, will.properties) + blob(will.topic) + blob(will.payload)
    if username is not None:
        bits |= 128
        payload += blob(username)
    if password is not None:
        bits |= 64
        payload += blob(password)
    if name is None:
        name = "MQIsdp" if version == 3 else "MQTT"
    body = blob(name) + bytes([version, bits if flags is None else flags]) + u16(keep_alive)
    return packet(CONNECT, 0, body + properties(version, props) + payload)


def publish(version, topic, payload=b"", qos=0, packet_id=None, retain=False, dup=False, props=None):
    if isinstance(payload, str):
        payload = payload.encode()
    body = blob(topic)
    if qos:
        body += u16(packet_id)
    flags = (8 if dup else 0) | qos << 1 | (1 if retain else 0)
    return packet(PUBLISH, flags, body + properties(version, props) + payload)


def ack(version, kind, packet_id, reason=0, props=None):
    """PUBACK, PUBREC, PUBREL or PUBCOMP."""
    body = u16(packet_id)
    if version == 5 and (reason or props):
        body += bytes([reason])
        if props:
            body += properties(version, props)
    return packet(kind, 2 if kind == PUBREL else 0, body)


def options(qos=0, no_local=False, retain_as_published=False, retain_handling=0):
    """The byte of subscription options."""
    return qos | (4 if no_local else 0) | (8 if retain_as_published else 0) | retain_handling << 4


def subscribe(version, packet_id, entries, props=None):
    """`entries`: (filter, byte of options) pairs."""
    body = u16(packet_id) + properties(version, props)
    for topic_filter, byte in entries:
        body += blob(topic_filter) + bytes([byte])
    return packet(SUBSCRIBE, 2, body)


def unsubscribe(version, packet_id, filters, props=None):
    body = u16(packet_id) + properties(version, props) + b"".join(blob(each) for each in filters)
    return packet(UNSUBSCRIBE, 2, body)


def pingreq():
    return packet(PINGREQ, 0, b"")


def disconnect(version, reason=0, props=None):
    if version < 5 or (reason == 0 and not props):
        return packet(DISCONNECT, 0, b"")
    return packet(DISCONNECT, 0, bytes([reason]) + (properties(version, props) if props else b""))


def auth(reason=0x18, props=None):
    return packet(AUTH, 0, bytes([reason]) + properties(5, props))


class Malformed(Exception):
    """The server sent something that is not MQTT."""


@dataclass
class Packet:
    """One packet of the server. Members that the kind does not have keep their default."""

    kind: int
    flags: int = 0
    packet_id: int = 0
    reason: int = 0
    reasons: list = field(default_factory=list)
    props: dict = field(default_factory=dict)
    session_present: bool = False
    topic: str = ""
    payload: bytes = b""
    qos: int = 0
    retain: bool = False
    dup: bool = False

    @property
    def text(self):
        return self.payload.decode()

    def __repr__(self):
        parts = [NAMES[self.kind]]
        if self.kind == PUBLISH:
            parts += [self.topic, f"{self.payload[:60]!r}", f"qos={self.qos}"]
            parts += [name for name in ("retain", "dup") if getattr(self, name)]
        if self.packet_id:
            parts.append(f"id={self.packet_id}")
        if self.reason:
            parts.append(f"reason=0x{self.reason:02x}")
        if self.reasons:
            parts.append(f"reasons={[hex(each) for each in self.reasons]}")
        if self.props:
            parts.append(f"{self.props}")
        return f"<{' '.join(parts)}>"


class Reader:
    def __init__(self, data):
        self.data, self.at = data, 0

    def take(self, count):
        if self.at + count > len(self.data):
            raise Malformed(f"{count} bytes wanted at {self.at} of {self.data!r}")
        self.at += count
        return self.data[self.at - count:self.at]

    def rest(self):
        return self.take(len(self.data) - self.at)

    def more(self):
        return self.at < len(self.data)

    def number(self, size):
        return int.from_bytes(self.take(size), "big")

    def varint(self):
        value = 0
        for shift in range(0, 28, 7):
            digit = self.number(1)
            value |= (digit & 0x7F) << shift
            if digit < 0x80:
                return value
        raise Malformed("variable byte integer of five bytes")

    def bytes(self):
        return self.take(self.number(2))

    def text(self):
        return self.bytes().decode()

    def properties(self):
        """User properties and subscription identifiers are lists, others may come once."""
        inner = Reader(self.take(self.varint()))
        found = {}
        while inner.more():
            name, kind = PROPERTIES[inner.varint()]
            value = {
                "u8": lambda: inner.number(1),
                "u16": lambda: inner.number(2),
                "u32": lambda: inner.number(4),
                "varint": inner.varint,
                "text": inner.text,
                "bytes": inner.bytes,
                "pair": lambda: (inner.text(), inner.text()),
            }[kind]()
            if name in ("user_property", "subscription_identifier"):
                found.setdefault(name, []).append(value)
            elif name in found:
                raise Malformed(f"property {name} twice")
            else:
                found[name] = value
        return found


def parse(version, kind, flags, body):
    """Reads one packet of a server. Anything that a server may not send raises."""
    read = Reader(body)
    out = Packet(kind, flags)
    if kind != PUBLISH and flags != (2 if kind == PUBREL else 0):
        raise Malformed(f"flags {flags} of {NAMES[kind]}")
    if kind == PUBLISH:
        out.retain, out.qos, out.dup = bool(flags & 1), flags >> 1 & 3, bool(flags & 8)
        if out.qos == 3:
            raise Malformed("QoS 3")
        out.topic = read.text()
        out.packet_id = read.number(2) if out.qos else 0
        out.props = read.properties() if version == 5 else {}
        out.payload = read.rest()
    elif kind == CONNACK:
        acknowledge = read.number(1)
        if acknowledge > 1:
            raise Malformed("reserved bits of CONNACK")  # [MQTT-3.2.2-1]
        out.session_present, out.reason = bool(acknowledge), read.number(1)
        out.props = read.properties() if version == 5 else {}
    elif kind in (PUBACK, PUBREC, PUBREL, PUBCOMP):
        out.packet_id = read.number(2)
        out.reason = read.number(1) if read.more() else 0
        out.props = read.properties() if read.more() else {}
    elif kind in (SUBACK, UNSUBACK):
        out.packet_id = read.number(2)
        out.props = read.properties() if version == 5 else {}
        out.reasons = list(read.rest())
    elif kind in (DISCONNECT, AUTH):
        if version < 5:
            raise Malformed(f"{NAMES[kind]} of a server before MQTT 5")
        out.reason = read.number(1) if read.more() else 0
        out.props = read.properties() if read.more() else {}
    elif kind != PINGRESP:
        raise Malformed(f"{NAMES[kind]} of a server")
    if read.more():
        raise Malformed(f"{NAMES[kind]} is too long: {body!r}")
    return out
