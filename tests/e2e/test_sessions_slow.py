"""The disk of the session store is slow: publishers and operators wait for it, and little memory is used."""

import subprocess
import threading

import pytest

from lib.mqtt import PUBACK, PUBREC
from lib.wait import until_equal

LASTING = {"clean": False, "props": {"session_expiry_interval": 600}}
PUBLISHERS = 10
EACH = 1000  # as many as may be without an answer
SIZE = 4000


def flood(client, number):
    for each in range(EACH):
        client.send_publish("t", b"%d %d " % (number, each) + b"x" * SIZE, 1)


@pytest.mark.memory
def test_its_backlog_pauses_publishers(start, connect):
    """They could send 10,000 messages before the first answer. The broker reads few of them, is there for others,
    and goes on when the disk does; what it acknowledges is in the session."""
    broker = start(False, {"store.queue_limit": 200})
    reader = connect(broker, "reader", **LASTING)
    reader.subscribe("t", qos=1)
    reader.disconnect()
    publishers = [connect(broker, f"p{number}") for number in range(PUBLISHERS)]
    other = connect(broker, "other")
    other.subscribe("live")
    until_equal(lambda: broker.metric("keepmq_sessions_backlog"), 0)
    memory = broker.rss()
    received = broker.metric("keepmq_messages_received_total")
    threads = [threading.Thread(target=flood, args=(client, number)) for number, client in enumerate(publishers)]
    with broker.locked(broker.data / "sessions.db"):
        for each in threads:
            each.start()
        until_equal(lambda: broker.metric("keepmq_paused_connections"), PUBLISHERS)
        other.publish("live", b"x")
        assert other.message().payload == b"x"
        assert broker.metric("keepmq_messages_received_total") - received < PUBLISHERS * EACH / 4
        assert broker.rss() - memory < PUBLISHERS * EACH * SIZE / 2
    kept = set()
    for number, client in enumerate(publishers):
        # A lock of some seconds is an error to SQLite: then what waited is refused.
        reasons = [client.expect(PUBACK).reason for _ in range(EACH)]
        assert set(reasons) <= {0, 0x97}
        kept |= {(number, each) for each, reason in enumerate(reasons) if reason == 0}
    for each in threads:
        each.join()
    assert kept
    until_equal(lambda: broker.metric("keepmq_paused_connections"), 0)
    waiting = broker.client("reader")["mqueue_len"]
    assert waiting >= len(kept)
    found = connect(broker, "reader", **LASTING).messages(waiting)
    assert kept <= {tuple(map(int, each.payload.split()[:2])) for each in found}


@pytest.mark.parametrize("how", ["stopped", "reloaded"])
def test_what_waits_for_it_does_not_go_to_the_database_early(start, connect, how):
    """A QoS 2 message may not be stored before the broker would know it again after a crash, also not because
    the broker is to stop: else its repetition has a second row."""
    broker = start()
    connect(broker, "p", auto_ack=False, **LASTING)
    until_equal(lambda: broker.metric("keepmq_sessions_backlog"), 0)
    publisher = connect(broker, "p", auto_ack=False, **LASTING)
    until_equal(lambda: broker.metric("keepmq_sessions_backlog"), 0)
    with broker.locked(broker.data / "sessions.db"):
        publisher.send_publish("t", b"x", 2, 7)
        until_equal(lambda: broker.metric("keepmq_messages_received_total"), 1)
        if how == "stopped":
            work = broker.process
            work.terminate()
        else:
            work = subprocess.Popen(broker.command(
                "ctl", "plugins", "reload", "emqx_backend_sqlite",
                **{"dashboard.listener.http": f"127.0.0.1:{broker.admin_port}"}), cwd=broker.folder)
        with pytest.raises(subprocess.TimeoutExpired):
            work.wait(0.5)
        broker.kill()
        work.wait()
    assert broker.value("select count(*) from mqtt_msg") == 0
    broker.start(same_ports=True)
    publisher = connect(broker, "p", auto_ack=False, **LASTING)
    publisher.send_publish("t", b"x", 2, 7, dup=True)
    assert publisher.expect(PUBREC).packet_id == 7
    assert broker.value("select count(*) from mqtt_msg") == 1


@pytest.mark.parametrize("shards", [1, 4])
def test_when_it_takes_nothing_others_are_served(start, connect, shards):
    """Only who needs it is refused: a message that may not be stored before its identity is kept. Others have their
    database, and go to it in the meantime."""
    broker = start(settings={"node.shards": shards})
    lasting = connect(broker, "lasting", auto_ack=False, **LASTING)
    others = [connect(broker, f"other{number}") for number in range(4)]
    until_equal(lambda: broker.metric("keepmq_sessions_backlog"), 0)
    with broker.locked(broker.data / "sessions.db"):
        for packet_id in range(1, 9):
            lasting.send_publish(f"t/{packet_id}", b"lasting", 2, packet_id)
        until_equal(lambda: broker.metric("keepmq_messages_received_total"), 8)
        for number, client in enumerate(others):
            client.send_publish("t/1", f"other {number}", 1)
        assert [client.expect(PUBACK, timeout=30).reason for client in others] == [0] * 4
        assert {lasting.expect(PUBREC, timeout=30).reason for _ in range(8)} == {0x97}
    assert sorted(bytes(row[0]) for row in broker.rows("select payload from mqtt_msg")) == \
        [b"other %d" % number for number in range(4)]
    until_equal(lambda: broker.metric("keepmq_sessions_backlog"), 0)
    lasting.send_publish("t/1", b"once more", 2, 1)
    assert lasting.expect(PUBREC, timeout=30).reason == 0


@pytest.mark.parametrize("shards", [1, 4])
def test_when_it_takes_nothing_a_message_that_is_sent_again_comes_once(start, connect, shards):
    """Before MQTT 5 a refusal is the end of the connection, and the message comes again with the next one."""
    broker = start(settings={"node.shards": shards})
    reader = connect(broker, "reader")
    reader.subscribe("t", qos=2)
    again = {"version": 4, "clean": False, "auto_ack": False}
    publisher = connect(broker, "p", **again)
    until_equal(lambda: broker.metric("keepmq_sessions_backlog"), 0)
    with broker.locked(broker.data / "sessions.db"):
        publisher.send_publish("t", b"x", 2, 7)
        publisher.expect_closed(timeout=30)
        for _ in range(2):
            publisher = connect(broker, "p", **again)
            publisher.send_publish("t", b"x", 2, 7, dup=True)
            publisher.expect_closed(timeout=30)
    until_equal(lambda: broker.metric("keepmq_sessions_backlog"), 0)
    publisher = connect(broker, "p", **again)
    publisher.send_publish("t", b"x", 2, 7, dup=True)
    assert publisher.expect(PUBREC).packet_id == 7
    assert broker.value("select count(*) from mqtt_msg") == 1
    assert [each.payload for each in reader.pending()] == [b"x"]
