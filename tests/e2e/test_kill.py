"""kill -9: what was acknowledged is there, once for each time that it was sent.

Every payload names its producer and its number. Judged by these alone: a number that was
acknowledged has a row, and none has more rows than it was sent. KEEPMQ_KILL_ROUNDS sets the rounds
of the long test, KEEPMQ_KILL_SEED its seed.
"""

import os
import random
import threading
import time
from collections import Counter, deque

import pytest

from lib.mqtt import PUBACK, PUBCOMP, PUBREC, PUBREL
from lib.raw import RawClient, Unexpected


@pytest.mark.parametrize("round_number", range(5))
@pytest.mark.parametrize("clean", [True, False])
def test_subscribed_once_and_left(start, connect, clean, round_number):
    """Subscribe and leave; publish with nobody listening; kill the broker right after PUBACK; the subscriber
    gets the message once."""
    broker = start()
    lasting = {"clean": clean, "props": {"session_expiry_interval": 0 if clean else 600}}
    first = connect(broker, "s1", **lasting)
    first.subscribe("t", qos=1)
    first.disconnect()
    assert connect(broker, "p").publish("t", b"kept", qos=1) == 0
    broker.kill()
    broker.start()
    again = connect(broker, "s1", **lasting)
    again.subscribe("t", qos=1)
    assert again.message().payload == b"kept"
    assert again.pending() == []
    again.disconnect()
    # It was acknowledged, so it does not come a second time, also not after another kill.
    broker.kill()
    broker.start()
    third = connect(broker, "s1", **lasting)
    third.subscribe("t", qos=1)
    assert third.pending() == []


class Producer:
    """Publishes numbers, several in flight. What was not acknowledged when the broker died is sent again
    on the next connection, as a client with a lasting session does."""

    def __init__(self, name, qos, window, topics):
        self.name, self.qos, self.window, self.topics = name, qos, window, topics
        self.next_number = 0
        self.packet_id = 0
        self.in_flight = deque()  # (number, packet identifier), oldest first
        self.released = deque()  # packet identifiers that wait for PUBCOMP
        self.sends = Counter()
        self.acknowledged = set()
        self.problem = None

    def run(self, address, until_dead):
        """Until the connection ends, which it does when the broker is killed."""
        client = None
        try:
            client = RawClient(address, 4, auto_ack=False)
            client.connect(self.name, clean=False)
            for packet_id in self.released:
                client.ack(PUBREL, packet_id)
            for number, packet_id in self.in_flight:
                self._send(client, number, packet_id, dup=True)
            while not until_dead.is_set():
                while len(self.in_flight) + len(self.released) < self.window:
                    self._send_next(client)
                self._take(client)
        except (OSError, Unexpected) as end:
            if not until_dead.is_set():
                self.problem = end
        except Exception as problem:
            self.problem = problem
        finally:
            if client:
                client.close()

    def finish(self, address):
        """The broker lives: everything that is still open is acknowledged now."""
        client = RawClient(address, 4, auto_ack=False)
        client.connect(self.name, clean=False)
        for packet_id in self.released:
            client.ack(PUBREL, packet_id)
        for number, packet_id in self.in_flight:
            self._send(client, number, packet_id, dup=True)
        while self.in_flight or self.released:
            self._take(client)
        client.disconnect()

    def _send_next(self, client):
        self.packet_id = self.packet_id % 60_000 + 1
        self.in_flight.append((self.next_number, self.packet_id))
        self._send(client, self.next_number, self.packet_id)
        self.next_number += 1

    def _send(self, client, number, packet_id, dup=False):
        # Counted before: the bytes may have left when sending fails.
        self.sends[number] += 1
        topic = self.topics[number % len(self.topics)]
        client.send_publish(topic, f"{self.name}:{number}", self.qos, packet_id, dup=dup)

    def _take(self, client):
        found = client.receive()
        if found is None:
            raise Unexpected("closed")
        if found.kind == PUBCOMP:
            assert self.released.popleft() == found.packet_id
            return
        number, packet_id = self.in_flight.popleft()
        wanted = PUBACK if self.qos == 1 else PUBREC
        assert (found.kind, found.packet_id) == (wanted, packet_id), (found, number, packet_id)
        self.acknowledged.add(number)
        if self.qos == 2:
            self.released.append(packet_id)
            client.ack(PUBREL, packet_id)


def one_round(broker, producers, pause):
    dead = threading.Event()
    threads = [threading.Thread(target=each.run, args=(broker.address, dead)) for each in producers]
    for thread in threads:
        thread.start()
    time.sleep(pause)
    dead.set()
    broker.kill()
    for thread in threads:
        thread.join()
    for each in producers:
        if each.problem:
            raise each.problem


def judge(broker, producers):
    rows = Counter(row[0].decode() for row in broker.rows("select payload from mqtt_msg"))
    for each in producers:
        stored = {number: rows[f"{each.name}:{number}"] for number in each.sends}
        missing = [number for number in each.acknowledged if not stored[number]]
        assert not missing, f"{each.name}: acknowledged and not stored: {missing[:20]}"
        # QoS 2: once, whatever happened to the broker between its commits.
        most = {number: 1 if each.qos == 2 else sends for number, sends in each.sends.items()}
        too_many = {number: (count, most[number]) for number, count in stored.items() if count > most[number]}
        assert not too_many, f"{each.name}: stored more often than allowed (number: rows, most): {too_many}"
    known = sum(len(each.sends) for each in producers)
    assert len(rows) <= known
    return rows


def kill_rounds(start, connect, rounds, seed):
    print(f"\nseed {seed}, {rounds} rounds")
    generator = random.Random(seed)
    broker = start()
    wild = connect(broker, "wild")
    wild.subscribe("kill/#", qos=1)
    wild.disconnect()
    exact = connect(broker, "exact")
    exact.subscribe("kill/1", qos=1)
    exact.disconnect()
    topics = [f"kill/{number}" for number in range(5)]
    producers = [
        Producer("one", 1, 1, topics),
        Producer("many", 1, 50, topics),
        Producer("single-topic", 1, 20, topics[1:2]),
        Producer("exactly", 2, 10, topics),
    ]
    try:
        for number in range(rounds):
            if number:
                broker.start()
            one_round(broker, producers, generator.choice((0, 0.005, 0.02, 0.1)) + generator.random() * 0.1)
            if number % 20 == 19:
                judge(broker, producers)
        broker.start()
        for each in producers:
            each.finish(broker.address)
            assert each.acknowledged == set(range(each.next_number))
        judge(broker, producers)
        assert broker.value("pragma integrity_check") == "ok"
        ids = [row[0] for row in broker.rows("select msgid from mqtt_msg order by id")]
        assert len(set(ids)) == len(ids)
        # Who subscribed once before all of this gets all of it, once, in order.
        for client_id, topic_filter in (("exact", "kill/1"), ("wild", "kill/#")):
            like = "kill/%" if client_id == "wild" else topic_filter
            wanted = broker.rows("select topic, payload from mqtt_msg where topic like ? order by id", like)
            reader = connect(broker, client_id)
            reader.subscribe(topic_filter, qos=1)
            found = [(each.topic, each.payload) for each in reader.messages(len(wanted), timeout=60)]
            assert found == wanted
            assert reader.pending() == []
    except BaseException:
        print(f"to see it again: KEEPMQ_KILL_SEED={seed}")
        raise


def seed():
    return int(os.environ.get("KEEPMQ_KILL_SEED", random.randrange(2**32)))


def test_ten_kills_at_random_moments(start, connect):
    kill_rounds(start, connect, 10, seed())


@pytest.mark.slow
def test_many_kills_at_random_moments(start, connect):
    kill_rounds(start, connect, int(os.environ.get("KEEPMQ_KILL_ROUNDS", "200")), seed())
