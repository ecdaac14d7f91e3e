"""Dead letters are run again or dropped."""

import re
import sqlite3
from contextlib import closing

import pytest

from lib.wait import until_equal

REFUSE = ("create trigger refuse before insert on mqtt_msg when new.topic like 'bad/%' "
          "begin select raise(abort, '{}'); end;")
CURE = "drop trigger refuse;"


@pytest.fixture
def refused(broker, connect):
    """A broker whose database refused two messages of three."""
    broker.execute(REFUSE.format("we want no bad topics"))
    client = connect(broker, "p")
    for topic in ("bad/1", "good", "bad/2"):
        assert client.publish(topic, topic + " payload", qos=1) == 0
    assert letters(broker) == [(1, "bad/1", "we want no bad topics"), (2, "bad/2", "we want no bad topics")]
    return broker


def letters(broker):
    """Id, topic and reason of each; SQLite's errors are "file: reason (code)"."""
    return [(each["id"], each["topic"], re.search(r": (.*) \(", each["error"]).group(1))
            for each in broker.ctl_json("dead-letters", "list")]


def stored(broker):
    return broker.rows("select topic, payload, sender, qos from mqtt_msg order by topic")


def row(topic):
    return topic, f"{topic} payload".encode(), "p", 1


def test_what_was_corrected_can_be_run_again(refused):
    broker = refused
    msgid = broker.ctl_json("dead-letters", "show", "1")[0]["msgid"]
    broker.execute(CURE)
    assert broker.ctl("dead-letters", "retry", "1") == "ok\n"
    assert stored(broker) == [row("bad/1"), row("good")]
    assert broker.value("select msgid from mqtt_msg where topic = 'bad/1'") == msgid
    assert letters(broker) == [(2, "bad/2", "we want no bad topics")]
    assert broker.ctl("dead-letters", "retry", "all") == "1 of 1 dead letters are gone\n"
    assert stored(broker) == [row("bad/1"), row("bad/2"), row("good")]
    assert broker.metric("keepmq_dead_letters") == 0


def test_what_is_refused_again_stays_with_the_new_error(refused):
    broker = refused
    broker.execute(CURE + REFUSE.format("still not"))
    done = broker.try_ctl("dead-letters", "retry", "1")
    assert (done.returncode, done.stdout) == (1, "")
    assert "Dead letter 1: The database refused it again: " in done.stderr and "still not" in done.stderr
    assert letters(broker) == [(1, "bad/1", "still not"), (2, "bad/2", "we want no bad topics")]
    done = broker.try_ctl("dead-letters", "retry", "all")
    assert (done.returncode, done.stdout) == (1, "0 of 2 dead letters are gone\n")
    assert letters(broker) == [(1, "bad/1", "still not"), (2, "bad/2", "still not")]
    assert stored(broker) == [row("good")]


def test_a_letter_can_be_dropped(refused):
    broker = refused
    assert broker.ctl("dead-letters", "drop", "1") == "ok\n"
    assert [each[0] for each in letters(broker)] == [2]
    done = broker.try_ctl("dead-letters", "drop", "1")
    assert (done.returncode, done.stderr) == (1, "Dead letter 1: no such dead letter\n")


def test_the_spool_takes_a_letter_while_the_database_is_away(refused):
    broker = refused
    broker.execute(CURE)
    with broker.locked():
        assert broker.ctl("dead-letters", "retry", "1") == "ok\n"  # it is in the spool
        assert [each[0] for each in letters(broker)] == [2]
    until_equal(lambda: stored(broker), [row("bad/1"), row("good")])


def test_a_letter_of_an_earlier_version_can_only_be_read(refused):
    broker = refused
    with closing(sqlite3.connect(broker.data / "dead_letters.db", timeout=20)) as connection, connection:
        connection.execute("update dead_letters set encoded = null where id = 1")
    broker.execute(CURE)
    done = broker.try_ctl("dead-letters", "retry", "1")
    assert done.returncode == 1
    assert "written by an earlier version" in done.stderr
    assert "bad/1 payload" in broker.ctl("dead-letters", "show", "1")
    assert len(letters(broker)) == 2


def test_a_letter_of_a_pool_that_is_not_loaded_stays(refused):
    broker = refused
    broker.ctl("plugins", "unload", "emqx_backend_sqlite")
    done = broker.try_ctl("dead-letters", "retry", "1")
    assert done.returncode == 1
    assert "Its pool, sqlite pool1, is not loaded." in done.stderr
    assert len(letters(broker)) == 2


def test_a_letter_outlives_the_broker(refused):
    broker = refused
    broker.kill()
    broker.start()
    broker.execute(CURE)
    assert broker.ctl("dead-letters", "retry", "all") == "2 of 2 dead letters are gone\n"
    assert stored(broker) == [row("bad/1"), row("bad/2"), row("good")]
