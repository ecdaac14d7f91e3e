"""A client on a plain socket: one thread, every packet in the hands of the test."""

import itertools
import select
import socket
import time
from collections import deque

from lib import mqtt
from lib.mqtt import (CONNACK, DISCONNECT, PINGRESP, PUBACK, PUBCOMP, PUBLISH, PUBREC, PUBREL, SUBACK,
                      UNSUBACK)
from lib.wait import PATIENCE, pauses


class Unexpected(AssertionError):
    """Something else came, or nothing."""


class RawClient:
    """Messages that come while an answer is awaited are kept in `inbox`. With `auto_ack` they are
    acknowledged as they are read from the socket. `is_idle` tells whether the broker has work for its
    databases; see pending()."""

    def __init__(self, address, version=5, auto_ack=True, receive_buffer=None, is_idle=None):
        self.version = version
        self.is_idle = is_idle
        self.auto_ack = auto_ack
        self.inbox = deque()
        self.connack = None
        self.socket = socket.socket()
        if receive_buffer:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.socket.settimeout(PATIENCE)
        self.socket.connect(address)
        self._bytes = bytearray()
        self._ids = itertools.count(1)

    # --- bytes

    def send(self, data):
        self.socket.settimeout(PATIENCE)
        self.socket.sendall(data)

    def _fill(self, deadline):
        """False at the end of the stream."""
        self.socket.settimeout(max(0.001, deadline - time.monotonic()))
        try:
            data = self.socket.recv(65536)
        except socket.timeout:
            raise Unexpected("the broker says nothing") from None
        except ConnectionError:
            return False
        self._bytes += data
        return bool(data)

    def receive(self, timeout=PATIENCE):
        """The next packet; None when the broker closed the connection."""
        deadline = time.monotonic() + timeout
        while True:
            whole = self._cut()
            if whole:
                return whole
            if not self._fill(deadline):
                if self._bytes:
                    raise Unexpected(f"half a packet before the end: {bytes(self._bytes)!r}")
                return None

    def _cut(self):
        data = self._bytes
        length, used = 0, 1
        while True:
            if len(data) <= used:
                return None
            digit = data[used]
            length |= (digit & 0x7F) << 7 * (used - 1)
            used += 1
            if digit < 0x80:
                break
        if len(data) < used + length:
            return None
        found = mqtt.parse(self.version, data[0] >> 4, data[0] & 15, bytes(data[used:used + length]))
        del data[:used + length]
        self._acknowledge(found)
        return found

    def _acknowledge(self, found):
        if not self.auto_ack:
            return
        if found.kind == PUBLISH and found.qos:
            self.ack(PUBACK if found.qos == 1 else PUBREC, found.packet_id)
        elif found.kind == PUBREL:
            self.ack(PUBCOMP, found.packet_id)

    def rest_of_stream(self):
        """All bytes until the broker closes the connection, unparsed."""
        while self._fill(time.monotonic() + PATIENCE):
            pass
        return bytes(self._bytes)

    # --- packets

    def ack(self, kind, packet_id, reason=0):
        self.send(mqtt.ack(self.version, kind, packet_id, reason))

    def next_id(self):
        return next(self._ids)

    def expect(self, kind, timeout=PATIENCE):
        """The next packet of this kind. Messages go to the inbox meanwhile."""
        deadline = time.monotonic() + timeout
        if kind == PUBLISH and self.inbox:
            return self.inbox.popleft()
        while True:
            found = self.receive(max(0.001, deadline - time.monotonic()))
            if found is None:
                raise Unexpected(f"closed instead of {mqtt.NAMES[kind]}")
            if found.kind == kind:
                return found
            if found.kind == PUBLISH:
                self.inbox.append(found)
            elif not (self.auto_ack and found.kind == PUBREL):
                raise Unexpected(f"{found} instead of {mqtt.NAMES[kind]}")

    def expect_closed(self, timeout=PATIENCE):
        """Everything until the broker closes the connection."""
        deadline = time.monotonic() + timeout
        found = []
        while True:
            each = self.receive(max(0.001, deadline - time.monotonic()))
            if each is None:
                return found
            found.append(each)

    def expect_end(self, reason, timeout=PATIENCE):
        """The broker ends the connection: DISCONNECT with the reason on MQTT 5, silently before."""
        found = self.expect_closed(timeout)
        if self.version < 5:
            assert found == [], found
        else:
            assert [each.kind for each in found] == [DISCONNECT], found
            assert found[0].reason == reason, found
            assert "session_expiry_interval" not in found[0].props, found  # [MQTT-3.14.2-2]

    # --- conversations

    def connect(self, client_id="", **options):
        self.send(mqtt.connect(self.version, client_id, **options))
        self.connack = self.expect(CONNACK)
        return self.connack

    def subscribe(self, *filters, qos=0, props=None, **options):
        """Returns the reason codes of SUBACK."""
        packet_id = self.next_id()
        byte = mqtt.options(qos, **options)
        self.send(mqtt.subscribe(self.version, packet_id, [(each, byte) for each in filters], props))
        found = self.expect(SUBACK)
        assert found.packet_id == packet_id  # [MQTT-2.2.1-6]
        return found.reasons

    def unsubscribe(self, *filters):
        packet_id = self.next_id()
        self.send(mqtt.unsubscribe(self.version, packet_id, filters))
        found = self.expect(UNSUBACK)
        assert found.packet_id == packet_id
        return found.reasons

    def send_publish(self, topic, payload=b"", qos=0, packet_id=None, **options):
        """Without waiting for the answer; returns the packet identifier."""
        if qos and packet_id is None:
            packet_id = self.next_id()
        self.send(mqtt.publish(self.version, topic, payload, qos, packet_id, **options))
        return packet_id

    def publish(self, topic, payload=b"", qos=0, **options):
        """The whole exchange; returns the reason code of PUBACK or PUBREC."""
        packet_id = self.send_publish(topic, payload, qos, **options)
        if qos == 0:
            return 0
        found = self.expect(PUBACK if qos == 1 else PUBREC)
        assert found.packet_id == packet_id  # [MQTT-2.2.1-5]
        if qos == 2 and found.reason < 0x80:
            self.ack(PUBREL, packet_id)
            done = self.expect(PUBCOMP)
            assert (done.packet_id, done.reason) == (packet_id, 0)
        return found.reason

    def publish_all(self, topic, payloads, qos=1, window=200):
        """Many in flight at a time; returns when all are acknowledged, in order (QoS 1 only)."""
        waiting = deque()
        for payload in payloads:
            if len(waiting) >= window:
                assert self.expect(PUBACK).packet_id == waiting.popleft()
            waiting.append(self.send_publish(topic, payload, qos))
        while waiting:
            assert self.expect(PUBACK).packet_id == waiting.popleft()

    def message(self, timeout=PATIENCE):
        return self.expect(PUBLISH, timeout)

    def messages(self, count, timeout=PATIENCE):
        return [self.message(timeout) for _ in range(count)]

    def ping(self):
        self.send(mqtt.pingreq())
        self.expect(PINGRESP)

    def pending(self, timeout=PATIENCE):
        """All messages that the broker has for this client now: reads until nothing waits for a
        database any more, and a PINGRESP overtakes nothing."""
        for pause in pauses(timeout):
            if not self.is_idle or self.is_idle():
                break
            self.ping()
            select.select([self.socket], [], [], pause)
        else:
            raise Unexpected(f"the broker does not come to rest; so far {len(self.inbox)} messages")
        # What was acknowledged meanwhile makes room for more: a PINGRESP without news ends it.
        known = -1
        while known != len(self.inbox):
            known = len(self.inbox)
            self.ping()
        found = list(self.inbox)
        self.inbox.clear()
        return found

    def disconnect(self, reason=0, props=None):
        """Says goodbye and waits until the broker has closed its side."""
        self.send(mqtt.disconnect(self.version, reason, props))
        rest = self.expect_closed()
        self.close()
        return rest

    def drop(self):
        """The network ends without DISCONNECT."""
        self.close()

    def close(self):
        self.socket.close()
