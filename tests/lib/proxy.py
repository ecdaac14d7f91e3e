"""A TCP proxy that spoils connections: in front of a database, or between clients and a broker."""

import random
import select
import socket
import struct
import threading
import time
from collections import Counter
from contextlib import closing, suppress
from dataclasses import dataclass

KINDS = ("reset", "truncate", "half-close", "delay", "stall")
TURN = 0.02  # seconds; how soon a connection notices that the proxy ends or is calm


@dataclass
class Fault:
    kind: str
    to_server: bool  # the direction whose bytes meet it
    due: float  # of time.monotonic()
    seconds: float  # of a delay or a stall
    share: float  # of the bytes that a truncated write lets through


class FaultyProxy:
    """Each connection meets a fault soon after it was opened, on bytes of one direction:

    reset       the bytes are lost and both ends get a reset
    truncate    some of them arrive before it
    half-close  that direction ends in order, the other one goes on for a while
    delay       they arrive late; the connection meets another fault later
    stall       nothing arrives any more, and nobody says so, before the reset

    What a connection meets is drawn from `seed`. While the proxy is calm nothing happens."""

    def __init__(self, server, seed, soon=(0.05, 1.0), kinds=KINDS):
        self.server = server
        self.soon, self.kinds = soon, kinds
        self.random = random.Random(seed)
        self.calm = False
        self.met = Counter()
        self.lock = threading.Lock()
        self.ended = threading.Event()
        self.threads = []
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=1024)
        self.port = self.listener.getsockname()[1]
        self._start(self._accept)

    @property
    def address(self):
        return f"127.0.0.1:{self.port}"

    def close(self):
        self.ended.set()
        for thread in self.threads:
            thread.join()
        self.listener.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def _start(self, target, *arguments):
        thread = threading.Thread(target=target, args=arguments, daemon=True)
        self.threads = [each for each in self.threads if each.is_alive()] + [thread]
        thread.start()

    def _accept(self):
        while not self.ended.is_set():
            if select.select([self.listener], [], [], TURN)[0]:
                self._start(self._serve, self.listener.accept()[0])

    def _draw(self):
        with self.lock:
            return Fault(kind=self.random.choice(self.kinds), to_server=self.random.random() < 0.5,
                         due=time.monotonic() + self.random.uniform(*self.soon),
                         seconds=self.random.uniform(0.05, 1.0), share=self.random.random())

    def _serve(self, client):
        with closing(client):
            try:
                server = socket.create_connection(self.server, 5)
            except OSError:
                return reset(client)
            with closing(server), suppress(OSError):
                for each in (client, server):
                    each.settimeout(5)
                    each.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                self._pump(client, server)
            reset(client)
            reset(server)

    def _pump(self, client, server):
        """Until the connection is to be reset."""
        other = {client: server, server: client}
        reading = [client, server]
        fault = self._draw()
        deadline = None
        while reading and not self.ended.is_set() and (deadline is None or time.monotonic() < deadline):
            for source in select.select(reading, [], [], TURN)[0]:
                data = source.recv(65536)
                if not data:
                    other[source].shutdown(socket.SHUT_WR)
                    reading.remove(source)
                    continue
                is_due = (not self.calm and deadline is None and time.monotonic() > fault.due
                          and fault.to_server == (source is client))
                if not is_due:
                    other[source].sendall(data)
                    continue
                self.met[fault.kind] += 1
                if fault.kind == "delay":
                    self.ended.wait(fault.seconds)
                    other[source].sendall(data)
                    fault = self._draw()
                elif fault.kind == "half-close":
                    other[source].shutdown(socket.SHUT_WR)
                    reading.remove(source)
                    deadline = time.monotonic() + fault.seconds
                else:
                    if fault.kind == "truncate":
                        other[source].sendall(data[:int(len(data) * fault.share)])
                    elif fault.kind == "stall":
                        self.ended.wait(fault.seconds)
                    return


class LateProxy(FaultyProxy):
    """What follows a request that has `word` in it comes so many seconds late; everything else at once."""

    def __init__(self, server, word, seconds):
        self.word, self.seconds = word, seconds
        super().__init__(server, seed=0)

    def _pump(self, client, server):
        late = False
        while not self.ended.is_set():
            for source in select.select([client, server], [], [], TURN)[0]:
                data = source.recv(65536)
                if not data:
                    return
                if source is client:
                    late = late or self.word in data
                    server.sendall(data)
                    continue
                if late:
                    self.ended.wait(self.seconds)
                    late = False
                client.sendall(data)


def reset(connection):
    """The peer gets RST when it is closed, not FIN."""
    with suppress(OSError):
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
