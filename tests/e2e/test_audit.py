"""`keepmq audit`: it says that all is well only when all is well."""

import json
import re

import pytest

from lib.audit import Audit, assert_clean

LOAD = ("--publishers", "6", "--topics", "3", "--window", "5")


def audit(broker, *options):
    return broker.run("audit", "sqlite", "pool1", "--port", str(broker.port), "--quiet", *options)


def check(broker, log):
    """Judges a log again: exit code and what was found."""
    done = audit(broker, "--check", str(log), "--json", "--settle", "0")
    assert done.returncode in (0, 1), done.stderr
    return done.returncode, json.loads(done.stdout)


@pytest.mark.parametrize("version", ["4", "5"])
def test_all_is_kept(broker, version):
    done = audit(broker, *LOAD, "--count", "50", "--version", version)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith(
        "acked 300, stored 300, dead-lettered 0, missing 0, duplicate 0, out of order 0, damaged 0\n")
    assert broker.value("select count(*) from mqtt_msg") == 300
    # Three producers of each QoS; no session is left behind by MQTT 5.
    assert broker.rows("select qos, count(*) from mqtt_msg group by qos order by qos") == [(1, 150), (2, 150)]
    if version == "5":
        assert broker.api("/sessions") == []


@pytest.fixture
def audited(broker):
    """A broker with 60 audited messages, and the log of the audit."""
    log = broker.folder / "audit.log"
    done = audit(broker, *LOAD, "--count", "10", "--log", str(log))
    assert done.returncode == 0, done.stdout + done.stderr
    assert check(broker, log)[0] == 0
    return broker, log


def test_a_missing_row_is_found(audited):
    broker, log = audited
    payload = broker.value("select payload from mqtt_msg order by id limit 1").decode()
    broker.execute("delete from mqtt_msg where id = (select min(id) from mqtt_msg)")
    code, found = check(broker, log)
    assert (code, found["acked"], found["stored"], found["missing"]) == (1, 60, 59, 1)
    producer, number = payload.split("/")[1:3]
    assert found["findings"][0].startswith(f"missing: producer {producer} number {number} (QoS ")


def test_a_second_row_is_found(audited):
    broker, log = audited
    columns = ", ".join(name for _, name, *_ in broker.rows("pragma table_info(mqtt_msg)")
                        if name not in ("id", "msgid"))
    broker.execute(f"insert into mqtt_msg (msgid, {columns}) "
                   f"select 'zzzzzzzzzzzzzzzzzzz1', {columns} from mqtt_msg order by id limit 1")
    code, found = check(broker, log)
    assert (code, found["missing"], found["duplicate"]) == (1, 0, 1)
    assert re.match("duplicate: producer .* has 2 rows and 0 dead letters, was sent 1 times",
                    found["findings"][0])


def test_another_order_is_found(audited):
    broker, log = audited
    # The first message of a producer in its topic becomes the last of the table.
    first = broker.value("select min(id) from mqtt_msg")
    broker.execute(f"update mqtt_msg set id = (select max(id) + 1 from mqtt_msg) where id = {first}")
    code, found = check(broker, log)
    assert (code, found["missing"], found["out_of_order"]) == (1, 0, 1)
    assert found["findings"][0].startswith("out of order: producer ")


def test_a_damaged_payload_is_found(audited):
    broker, log = audited
    broker.execute("update mqtt_msg set payload = 'x' where id = (select min(id) from mqtt_msg)")
    code, found = check(broker, log)
    assert (code, found["missing"], found["damaged"]) == (1, 1, 1)


def test_dead_letters_count_as_kept(start):
    broker = start()
    broker.execute("create trigger poison before insert on mqtt_msg when cast(new.payload as text) like '%/7/%' "
                   "begin select raise(abort, 'poison'); end")
    done = audit(broker, *LOAD, "--count", "10", "--json", "--run", "letters")
    found = json.loads(done.stdout)
    assert done.returncode == 0, found
    letters = broker.ctl_json("dead-letters", "list")
    assert len(letters) == found["dead_lettered"] >= 6
    assert found["stored"] + found["dead_lettered"] == found["acked"] == 60


@pytest.mark.parametrize("version", ["4", "5"])
def test_the_broker_is_killed(start, version):
    broker = start()
    running = Audit(broker, "sqlite", *LOAD, "--subscribe", "2", "--version", version)
    for _ in range(2):
        running.await_acknowledged(200)
        broker.kill()
        broker.start(same_ports=True)
    running.await_acknowledged(200)
    found = running.end()
    assert_clean(found)
    assert found["connections_lost"] >= 8
    assert found["unsettled"] == 0
    assert found["delivery"]["received"] >= 2 * found["stored"]


def test_the_audit_is_killed(broker):
    log = broker.folder / "audit.log"
    running = Audit(broker, "sqlite", *LOAD, "--log", str(log))
    running.await_acknowledged(200)
    running.kill()
    broker.settle()
    code, found = check(broker, log)
    assert (code, found["missing"]) == (0, 0), found
    assert found["acked"] >= 200


@pytest.mark.parametrize("words, code, said", [
    (["sqlite"], 2, "KIND and POOL"),
    (["sqlite", "pool1", "--qos", "0"], 2, "--qos"),
    (["sqlite", "nopool", "--count", "1"], 3, "there is no pool nopool"),
    (["nosuch", "pool1", "--count", "1"], 3, "no backend nosuch"),
    (["sqlite", "pool1", "--check", "nothing.log"], 3, "nothing.log cannot be read"),
    (["sqlite", "pool1", "--conf", "nothing.conf", "--count", "1"], 3, "nothing.conf"),
])
def test_says_what_is_wrong(shared, words, code, said):
    done = shared.run("audit", *words)
    assert done.returncode == code
    assert said in done.stderr
