"""The Paho client, driven by a test: calls that wait for their answer, messages in a queue."""

import queue
import threading

import paho.mqtt.client as paho
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.subscribeoptions import SubscribeOptions

from lib.wait import PATIENCE


def _properties(kind, values):
    made = Properties(kind)
    for name, value in values.items():
        setattr(made, name, value)
    return made


class PahoClient:
    """Properties are given by Paho's names (`MessageExpiryInterval=5`) and only for version 5."""

    def __init__(self, address, client_id="", version=4, clean=True, properties=None, keep_alive=60,
                 patience=PATIENCE):
        self.address = address
        self.version = version
        self.clean = clean
        self.keep_alive = keep_alive
        self.patience = patience  # seconds to wait for an answer
        self.properties = _properties(PacketTypes.CONNECT, properties) if properties else None
        self.inbox = queue.Queue()
        self.session_present = None
        self.closed = threading.Event()
        self.close_reason = None
        self._answers = {}
        self._wake = threading.Condition()
        clean_session = None if version == 5 else clean
        self.client = paho.Client(client_id, clean_session, protocol=version, reconnect_on_failure=False)
        self.client.on_connect = self._on_connect
        self.client.on_disconnect = self._on_disconnect
        self.client.on_message = lambda client, data, message: self.inbox.put(message)
        self.client.on_subscribe = lambda client, data, mid, granted, *rest: self._answer(("sub", mid), granted)
        self.client.on_unsubscribe = lambda client, data, mid, *rest: self._answer(("unsub", mid), True)
        self.client.on_publish = lambda client, data, mid: self._answer(("pub", mid), True)

    def _on_connect(self, client, data, flags, reason, *properties):
        self.session_present = bool(flags["session present"])
        self._answer("connect", int(getattr(reason, "value", reason)))

    def _on_disconnect(self, client, data, reason, *properties):
        self.close_reason = int(getattr(reason, "value", reason))
        self.closed.set()

    def _answer(self, key, value):
        with self._wake:
            self._answers[key] = value
            self._wake.notify_all()

    def _await(self, key):
        with self._wake:
            assert self._wake.wait_for(lambda: key in self._answers, self.patience), f"no answer to {key}"
            return self._answers.pop(key)

    def will(self, topic, payload, qos=0, retain=False):
        self.client.will_set(topic, payload, qos, retain)
        return self

    def connect(self):
        options = {"clean_start": self.clean, "properties": self.properties} if self.version == 5 else {}
        self.client.connect(*self.address, keepalive=self.keep_alive, **options)
        self.client.loop_start()
        reason = self._await("connect")
        assert reason == 0, f"refused: {reason}"
        return self

    def subscribe(self, topic_filter, qos=0, **options):
        """Returns the granted QoS or the reason code."""
        if self.version == 5:
            entry = {"options": SubscribeOptions(qos, **options)}
        else:
            entry = {"qos": qos}
        mid = self.client.subscribe(topic_filter, **entry)[1]
        granted = self._await(("sub", mid))[0]
        return int(getattr(granted, "value", granted))

    def unsubscribe(self, topic_filter):
        self._await(("unsub", self.client.unsubscribe(topic_filter)[1]))

    def publish(self, topic, payload=b"", qos=0, retain=False, **properties):
        """Returns when QoS 1 and 2 are acknowledged."""
        props = _properties(PacketTypes.PUBLISH, properties) if properties else None
        self._await(("pub", self.client.publish(topic, payload, qos, retain, props).mid))

    def message(self, timeout=PATIENCE):
        return self.inbox.get(timeout=timeout)

    def messages(self, count):
        return [self.message() for _ in range(count)]

    def pending(self):
        """All that came so far: an UNSUBACK cannot overtake messages."""
        self.unsubscribe("a/filter/that/nobody/uses")
        found = []
        while not self.inbox.empty():
            found.append(self.inbox.get())
        return found

    def disconnect(self):
        self.client.disconnect()
        assert self.closed.wait(PATIENCE), "the connection stays open"
        self.client.loop_stop()

    def stop(self):
        if self.client.is_connected():
            self.client.disconnect()
        self.client.loop_stop()
