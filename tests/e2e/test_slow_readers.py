"""Clients that do not read: they neither delay others nor make the broker's memory grow."""

import os
import time

import pytest

from lib import mqtt
from lib.mqtt import Will
from lib.wait import until, until_equal

MEGABYTE = 1 << 20
SMALL_BUFFER = 8192


@pytest.fixture(autouse=True)
def freed_memory_is_free(monkeypatch):
    """AddressSanitizer keeps hundreds of megabytes of freed memory aside, unless told otherwise."""
    monkeypatch.setenv("ASAN_OPTIONS", os.environ.get("ASAN_OPTIONS", "") + ":quarantine_size_mb=1")


def stuck_reader(broker, connect, client_id, topic, qos, **options):
    client = connect(broker, client_id, receive_buffer=SMALL_BUFFER, keep_alive=0, **options)
    client.subscribe(topic, qos=qos)
    client.pending()
    return client


def test_qos0_is_dropped_and_counted(start, connect):
    broker = start(settings={"mqtt.max_outgoing_buffer": "256KB"})
    slow = stuck_reader(broker, connect, "slow", "t", 0)
    fast = connect(broker, "fast")
    fast.subscribe("t")
    fast.pending()
    publisher = connect(broker, "p")
    before = broker.rss()
    slowest = 0.0
    for number in range(3000):  # 60 MB
        publisher.send_publish("t", number.to_bytes(4, "big") + b"x" * 20_000)
        if number % 10 == 9:
            begin = time.monotonic()
            got = fast.messages(10)
            slowest = max(slowest, time.monotonic() - begin)
            assert [int.from_bytes(each.payload[:4], "big") for each in got] == list(range(number - 9, number + 1))
    dropped = broker.metric("keepmq_messages_dropped_total", reason="slow_reader")
    assert dropped > 2000
    assert broker.rss() - before < 30 * MEGABYTE
    assert slowest < 5
    # What was kept is in order, and the rest of the stream is whole.
    numbers = [int.from_bytes(each.payload[:4], "big") for each in slow.pending()]
    assert numbers == sorted(numbers)
    assert len(numbers) + dropped == 3000


def test_qos1_is_kept_up_to_the_limit_of_the_session(start, connect):
    """Nothing stores these messages, so what does not fit into the queue is lost, and counted."""
    broker = start(False, {"zone.external.max_mqueue_len": 500, "zone.external.max_inflight": 20})
    slow = stuck_reader(broker, connect, "slow", "t", 1, auto_ack=False)
    publisher = connect(broker, "p")
    before = broker.rss()
    publisher.publish_all("t", (b"%05d" % number + b"x" * 10_000 for number in range(3000)))
    assert broker.client("slow")["mqueue_len"] == 500
    assert broker.metric("keepmq_messages_dropped_total", reason="queue_full") == 3000 - 520
    assert broker.rss() - before < 40 * MEGABYTE
    slow.auto_ack = True
    first = slow.messages(20)
    for each in first:
        slow.ack(mqtt.PUBACK, each.packet_id)
    rest = slow.messages(500)
    assert [int(each.payload[:5]) for each in first + rest] == list(range(520))


def test_stored_messages_wait_in_the_database(start, connect):
    """A reader that starts late gets all of them: the queue's limit is no loss there."""
    broker = start(settings={"zone.external.max_mqueue_len": 200, "zone.external.max_inflight": 20,
                             "mqtt.max_outgoing_buffer": "64KB"})
    slow = stuck_reader(broker, connect, "slow", "t", 1, auto_ack=False)
    publisher = connect(broker, "p")
    publisher.publish_all("t", (b"%05d" % number + b"x" * 4000 for number in range(2000)))
    slow.drop()
    again = connect(broker, "slow")
    again.subscribe("t", qos=1)
    assert [int(each.payload[:5]) for each in again.messages(2000, timeout=60)] == list(range(2000))
    assert again.pending() == []


@pytest.mark.parametrize("how", ["keep-alive", "operator", "take-over"])
def test_stuck_reader_can_be_disconnected(start, connect, how):
    """Its socket takes nothing, not even DISCONNECT; the connection must go all the same."""
    broker = start(False)
    watcher = connect(broker, "watcher")
    watcher.subscribe("will")
    options = {"keep_alive": 1} if how == "keep-alive" else {"keep_alive": 0}
    slow = connect(broker, "slow", receive_buffer=SMALL_BUFFER, will=Will("will", b"gone"), **options)
    slow.subscribe("t")
    publisher = connect(broker, "p")
    for _ in range(1000):
        publisher.send_publish("t", b"x" * 20_000)
    publisher.ping()
    if how == "operator":
        broker.ctl("clients", "kick", "slow")
    elif how == "take-over":
        connect(broker, "slow").disconnect()
    assert watcher.message().payload == b"gone"
    until_equal(lambda: broker.api("/listeners")[0]["listeners"][0]["current_conns"], 2)
    assert broker.client("slow") is None


@pytest.mark.memory
def test_many_stuck_readers(start, connect):
    """The memory of each is bounded by its outgoing buffer."""
    broker = start(False, {"mqtt.max_outgoing_buffer": "128KB"})
    readers = [stuck_reader(broker, connect, f"slow{number}", "t", 0) for number in range(50)]
    publisher = connect(broker, "p")
    before = broker.rss()
    for _ in range(500):  # 10 MB, 500 MB for all readers
        publisher.send_publish("t", b"x" * 20_000)
    publisher.ping()
    until(lambda: broker.metric("keepmq_messages_dropped_total", reason="slow_reader") > 0, "drops")
    assert broker.rss() - before < 50 * 2 * 128 * 1024 + 20 * MEGABYTE
    assert len(readers) == 50


def test_slow_publisher_of_a_large_packet(start, connect, opened):
    """Half a packet takes no more memory than was sent of it."""
    broker = start(False, {"mqtt.max_packet_size": "200MB"})
    before = broker.rss()
    clients = []
    for number in range(5):
        clients.append(connect(broker, f"c{number}"))
        clients[-1].send(b"\x30" + mqtt.varint(190_000_000) + b"\0\1t\0" + b"x" * 1000)
    broker.metrics()
    connect(broker, "other").ping()
    assert broker.rss() - before < 40 * MEGABYTE
