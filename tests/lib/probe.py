"""Measures live delivery while something else is going on."""

import itertools
import statistics
import threading
import time
from collections import deque

from lib.raw import RawClient

TOPIC = "probe/live"


class Probe:
    """Publishes to a topic that is stored, twenty times a second, and takes the time until a subscriber
    has it. A phase is what lies between two calls of phase()."""

    def __init__(self, broker, name="probe"):
        self.subscriber = RawClient(broker.address)
        self.subscriber.connect(f"{name}-s")
        self.subscriber.subscribe(TOPIC, qos=1)
        self.publisher = RawClient(broker.address)
        self.publisher.connect(f"{name}-p")
        self.latencies = deque()
        self.problem = None
        self.ended = threading.Event()
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.thread.start()

    def _run(self):
        try:
            for number in itertools.count(1):
                begin = time.monotonic()
                self.publisher.send_publish(TOPIC, str(number), 1, number % 60_000 + 1)
                while self.subscriber.message().text != str(number):
                    pass
                self.latencies.append(time.monotonic() - begin)
                self._take_acknowledgements()
                if self.ended.wait(0.05):
                    return
        except Exception as problem:  # noqa: BLE001 - raised where it is asked for
            self.problem = problem

    def _take_acknowledgements(self):
        """Those that are there; they wait for the database, delivery does not."""
        self.publisher.socket.setblocking(False)
        try:
            while self.publisher.socket.recv(4096):
                pass
        except BlockingIOError:
            pass

    def phase(self):
        """Median and 95th percentile in milliseconds since the last call."""
        if self.problem:
            raise self.problem
        found = sorted(1000 * each for each in self.latencies)
        self.latencies.clear()
        assert len(found) >= 20, f"only {len(found)} messages were delivered"
        return statistics.median(found), found[len(found) * 95 // 100]

    def close(self):
        self.ended.set()
        self.thread.join()
        self.subscriber.close()
        self.publisher.close()
