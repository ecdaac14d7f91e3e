"""Starting, stopping, reloading: what an operator does to a broker that has clients."""

import os
import re
import select
import signal
import socket
import subprocess
import threading

import pytest

from lib import conf, mqtt
from lib.broker import binary, clean_environment
from lib.mqtt import CONNACK, DISCONNECT, PUBACK
from lib.raw import RawClient
from lib.wait import until, until_equal

COUNT = "select count(*) from mqtt_msg"


def starts_not(broker, settings=None, environment=None):
    """Standard error of a broker that refuses to start."""
    done = subprocess.run(broker.command("start", **(settings or {})), cwd=broker.folder, timeout=30,
                          env=clean_environment() | (environment or {}), capture_output=True, text=True, check=False)
    assert done.returncode == 1, (done.returncode, done.stderr)
    return done.stderr


# --- start


def test_start_up_says_what_it_promises(broker):
    log = broker.log()
    assert "listening on mqtt:tcp:external 127.0.0.1:" in log
    assert "listening on http:admin 127.0.0.1:" in log
    assert "sqlite pool1: WAL, synchronous=full" in log and "acknowledged" in log


def test_an_open_listener_is_mentioned(start):
    assert "reachable from other machines" in start(False, {"listener.tcp.external": "0.0.0.0:0"}).log()


def test_second_broker_on_the_same_data_refuses(broker, connect):
    error = starts_not(broker, {"listener.tcp.external": "127.0.0.1:0", "dashboard.listener.http": "off",
                                "node.ports_file": ""})
    assert "another broker is running on this folder" in error and str(broker.data) in error
    connect(broker, "c").publish("t", b"the first one goes on", qos=1)


def test_a_port_that_is_taken(broker, start):
    other = start(False, started=False)
    error = starts_not(other, {"listener.tcp.external": f"127.0.0.1:{broker.port}", "dashboard.listener.http": "off"})
    assert "listener.tcp.external" in error and "in use" in error


def test_an_admin_port_that_is_taken(broker, start):
    other = start(False, started=False)
    error = starts_not(other, {"listener.tcp.external": "127.0.0.1:0",
                               "dashboard.listener.http": f"127.0.0.1:{broker.admin_port}"})
    assert "admin" in error and "in use" in error


def test_the_lock_does_not_outlive_a_kill(broker, connect):
    broker.kill()
    broker.start()
    connect(broker, "c").ping()


def test_what_is_kept_can_be_read_by_its_user_and_group_only(start, connect):
    """Payloads are in all of them."""
    broker = start(settings={"spool.after": "100ms"})
    connect(broker, "s", clean=False, props={"session_expiry_interval": 600}).subscribe("t", qos=1)
    with broker.locked():
        assert connect(broker, "p").publish("t", b"x", qos=1, retain=True) == 0
    broker.settle()
    found = {each.relative_to(broker.data).as_posix(): each.stat().st_mode & 0o777
             for each in (broker.data, *broker.data.rglob("*"))}
    assert {".", "keepmq.db", "sessions.db", "dead_letters.db", "spool", "spool/sqlite-pool1.db"} <= found.keys()
    assert {name: oct(mode) for name, mode in found.items() if mode & 0o027} == {}


def test_nobody_is_served_before_the_rules_are_there(start):
    """A message that came while the plugin was still being loaded would be acknowledged but not stored."""
    broker = start(started=False)
    text = broker.plugin_conf.read_text()
    broker.plugin_conf.unlink()
    os.mkfifo(broker.plugin_conf)  # the broker waits there until somebody writes
    ready = broker.launch()
    found = until(lambda: re.search(r"listening on mqtt:tcp:external 127\.0\.0\.1:(\d+)", broker.log()), "the port")
    client = RawClient(("127.0.0.1", int(found.group(1))))
    client.send(mqtt.connect(5, "early"))
    client.send_publish("t", b"early", 1)
    answered, _, _ = select.select([client.socket], [], [], 0.3)
    broker.plugin_conf.write_text(text)
    until(ready.exists, "the broker to start")
    assert client.expect(CONNACK).reason == 0
    assert client.expect(PUBACK).reason == 0
    client.close()
    assert broker.rows("select payload from mqtt_msg") == [(b"early",)]
    assert not answered


def test_several_listeners(start):
    broker = start(False, {"listener.tcp.external": "localhost:0", "listener.tcp.internal": "127.0.0.1:0"})
    names = {each.split("@")[0] for each in broker.ports}
    assert names == {"tcp:external", "tcp:internal"}
    assert len(set(broker.ports.values())) == 2
    for port in broker.ports.values():
        socket.create_connection(("127.0.0.1", port)).close()
    try:
        socket.create_connection(("::1", broker.port)).close()
    except OSError:
        assert not any("[::1]" in each for each in broker.ports)


@pytest.mark.parametrize("settings, key", [
    ({"dashboard.listener.http": "0.0.0.0:0"}, "dashboard.listener.http"),
    ({"dashboard.listener.http": "[::]:0"}, "dashboard.listener.http"),
    ({"dashboard.listener.http": "0"}, "dashboard.listener.http"),
    ({"dashboard.default_user.login": "admin"}, "dashboard.default_user.password"),
])
def test_admin_for_everybody_needs_a_password(start, settings, key):
    error = starts_not(start(False, started=False), {"listener.tcp.external": "127.0.0.1:0"} | settings)
    assert key in error and "error" in error


def test_admin_with_a_password(start):
    login = {"dashboard.default_user.login": "admin", "dashboard.default_user.password": "secret"}
    broker = start(False, login | {"dashboard.listener.http": "0.0.0.0:0"})
    assert broker.http("/api/v4/brokers")[0] == 401
    assert broker.http("/metrics")[0] == 401
    assert broker.http("/status") == (200, "keepmq is running\n")
    assert "is running" in broker.ctl("status")
    broker.settings["dashboard.default_user.password"] = "wrong"
    assert broker.try_ctl("status").returncode == 1
    assert "secret" not in broker.log()
    broker.settings["dashboard.default_user.password"] = "secret"


def test_environment_and_command_line(start):
    """The command line wins over the environment, the environment over the file."""
    broker = start(False, started=False, environment={
        "KEEPMQ_NODE__NAME": "from-environment", "KEEPMQ_MQTT__MAX_TOPIC_LEVELS": "7",
        "KEEPMQ_PORT_1883_TCP": "tcp://10.0.0.1:1883"})
    with broker.conf.open("a") as file:
        file.write("node.name = from-file\nmqtt.max_topic_levels = 5\n")
    broker.settings["node.name"] = "from-command-line"
    broker.start()
    assert broker.api("/brokers")[0]["node"] == "from-command-line"
    del broker.settings["node.name"]
    broker.restart()
    assert broker.api("/brokers")[0]["node"] == "from-environment"
    broker.environment = {}
    broker.restart()
    assert broker.api("/brokers")[0]["node"] == "from-file"


def test_wrong_environment_is_an_error(start):
    broker = start(False, started=False)
    assert "KEEPMQ_MQTT__NO_SUCH_KEY" in starts_not(broker, None, {"KEEPMQ_MQTT__NO_SUCH_KEY": "1"})


def test_relative_paths_belong_to_the_configuration(start, tmp_path):
    """Not to the folder of the caller."""
    broker = start(started=False)
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    broker.settings |= {"node.ports_file": "ports.json", "listener.tcp.external": "127.0.0.1:0",
                        "dashboard.listener.http": "127.0.0.1:0"}
    with (tmp_path / "log").open("w") as log:
        process = subprocess.Popen(broker.command("start"), cwd=elsewhere, env=clean_environment(), stderr=log)
    try:
        until(lambda: (broker.folder / "ports.json").exists(), "the ports")
        assert broker.database.exists()
    finally:
        process.terminate()
        assert process.wait(20) == 0
    assert list(elsewhere.iterdir()) == []


@pytest.mark.parametrize("arguments, code", [
    ([], 2), (["--help"], 0), (["help"], 0), (["--version"], 0), (["nonsense"], 2), (["start", "nonsense"], 2),
    (["start", "--help"], 0), (["check", "--help"], 0), (["schema", "--help"], 0), (["ctl", "--help"], 0),
    (["bench", "--help"], 0), (["check", "nonsense"], 2), (["start", "-c"], 2), (["start", "--set", "novalue"], 2),
    (["start", "-c", "/no/such/file"], 1), (["check", "-c", "/no/such/file"], 1), (["ctl"], 2), (["ctl", "nonsense"], 2),
])
def test_command_line(arguments, code):
    done = subprocess.run([str(binary()), *arguments], capture_output=True, text=True, timeout=20, check=False,
                          env=clean_environment())
    assert done.returncode == code, done
    assert done.stdout or done.stderr


# --- stop


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_stop_says_goodbye_and_drains(broker, connect, number):
    """DISCONNECT 0x8B on MQTT 5; what was acknowledged is stored; exit code 0."""
    old, new = connect(broker, "old", 4), connect(broker, "new")
    publisher = connect(broker, "p")
    for each in range(500):
        publisher.send_publish("t", str(each), 1)
    broker.signal(number)
    assert [each.reason for each in new.expect_closed() if each.kind == DISCONNECT] == [0x8B]
    assert old.expect_closed() == []
    acknowledged = [each for each in publisher.expect_closed() if each.kind == PUBACK]
    assert broker.wait() == 0
    assert broker.value(COUNT) >= len(acknowledged)
    assert "stopped" in broker.log()


def test_stop_commits_what_waits_for_the_database(broker, connect):
    publisher = connect(broker, "p", auto_ack=False)
    with broker.locked():
        for each in range(20):
            publisher.send_publish("t", str(each), 1)
        publisher.ping()
        broker.signal(signal.SIGTERM)
        publisher.expect_closed()
    assert broker.wait() == 0
    broker.start()  # what took too long is in the spool
    broker.settle()
    assert broker.value(COUNT) == 20


def test_stop_ends_in_time_when_the_database_does_not(start, connect):
    broker = start(settings={"node.shutdown_deadline": "1s"}, started=False)
    broker.write_plugin(conf.plugin(conf.EMQX, {"pool1": {"busy_timeout": "100ms"}}))
    broker.start()
    publisher = connect(broker, "p")
    with broker.locked():
        publisher.send_publish("t", b"x", 1)
        publisher.ping()
        broker.signal(signal.SIGTERM)
        assert broker.wait(20) == 0
    broker.start()
    broker.settle()
    assert broker.value(COUNT) == 1, "it was in the spool"


def test_stop_says_what_it_could_not_keep(start, connect):
    broker = start(settings={"node.shutdown_deadline": "1s"}, started=False)
    broker.write_plugin(conf.plugin(conf.EMQX, {"pool1": {"busy_timeout": "100ms"}}))
    broker.break_spool()
    broker.start()
    publisher = connect(broker, "p")
    with broker.locked():
        publisher.send_publish("t", b"x", 1)
        publisher.ping()
        broker.signal(signal.SIGTERM)
        assert broker.wait(20) == 1
    assert PUBACK not in [each.kind for each in publisher.expect_closed()]
    assert "stopped before all writes were kept" in broker.log()


def test_a_second_signal_ends_at_once(broker, connect):
    publisher = connect(broker, "p")
    with broker.locked():
        publisher.send_publish("t", b"x", 1)
        publisher.ping()
        broker.signal(signal.SIGTERM)
        until(lambda: "SIGTERM" in broker.log(), "the first signal")
        broker.signal(signal.SIGTERM)
        assert broker.wait(5) == 1


# --- reload


def test_sighup_reads_the_limits_again(start, connect):
    broker = start()
    client = connect(broker, "c")
    with broker.conf.open("a") as file:
        file.write("mqtt.max_topic_levels = 2\n")
    broker.signal(signal.SIGHUP)
    until(lambda: "reloaded successfully" in broker.log(), "the reload")
    assert client.publish("a/b/c", b"x", qos=1) == 0x90
    assert client.publish("a/b", b"x", qos=1) == 0


def test_sighup_says_what_waits_for_the_next_start(broker):
    with broker.conf.open("a") as file:
        file.write("listener.tcp.second = 127.0.0.1:0\nnode.name = other\n")
    broker.signal(signal.SIGHUP)
    until(lambda: "reloaded successfully" in broker.log(), "the reload")
    for key in ("listener.tcp.second", "node.name"):
        assert f"{key} has changed: it is read at the start only" in broker.log()
    assert broker.api("/brokers")[0]["node"] == "keepmq@127.0.0.1"


def test_sighup_loads_a_plugin_whose_mistake_was_corrected(start, connect):
    broker = start(started=False)
    good = broker.plugin_conf.read_text()
    broker.write_plugin(good.replace("on_message_publish", "on_message_publsh"))
    broker.start()
    assert "plugin emqx_backend_sqlite stays out" in broker.log()
    broker.write_plugin(good)
    broker.signal(signal.SIGHUP)
    until(lambda: "reloaded successfully" in broker.log(), "the reload")
    connect(broker, "c").publish("t", b"x", qos=1)
    assert broker.value(COUNT) == 1


def test_sighup_with_a_mistake_changes_nothing(broker, connect):
    client = connect(broker, "c")
    with broker.conf.open("a") as file:
        file.write("mqtt.max_topic_levels = many\n")
    broker.signal(signal.SIGHUP)
    until(lambda: 'cannot be "many"' in broker.log(), "the complaint")
    assert client.publish("a/b/c", b"x", qos=1) == 0


def test_reload_with_a_mistake_keeps_the_old_rules(broker, connect):
    client = connect(broker, "c")
    broker.write_plugin("backend.sqlite.pool1.file = keepmq.db\n"
                        'backend.sqlite.hook.message.publish.1 = {"action": {"function": "on_message_publsh"}, "pool": "pool1"}\n')
    done = broker.try_ctl("plugins", "reload", "emqx_backend_sqlite")
    assert done.returncode == 1
    assert "emqx_backend_sqlite.conf:2" in done.stderr and "on_message_publish" in done.stderr
    assert client.publish("t", b"x", qos=1) == 0
    assert broker.value(COUNT) == 1


def test_loaded_plugins_are_remembered(broker, connect):
    broker.ctl("plugins", "unload", "emqx_backend_sqlite")
    broker.restart()
    assert broker.api("/plugins")[0]["plugins"][0]["active"] is False
    connect(broker, "c").publish("t", b"x", qos=1)
    assert broker.value(COUNT) == 0
    broker.ctl("plugins", "load", "emqx_backend_sqlite")
    broker.restart()
    connect(broker, "c").publish("t", b"x", qos=1)
    assert broker.value(COUNT) == 1


@pytest.mark.parametrize("verb", ["reload", "sighup"])
def test_reloading_under_load_loses_nothing(start, connect, verb):
    """Nobody is dropped; every message is stored once, delivered once and acknowledged in order."""
    broker = start(settings={"zone.external.max_mqueue_len": 1_000_000})  # read at the end
    subscriber = connect(broker, "s")
    subscriber.subscribe("t/#", qos=1)
    subscriber.pending()
    publisher = connect(broker, "p")
    stop = threading.Event()
    sent = []

    def load():
        waiting = []
        while not stop.is_set() or waiting:
            while len(waiting) < 50 and not stop.is_set():
                waiting.append(publisher.send_publish(f"t/{len(sent) % 3}", str(len(sent)), 1))
                sent.append(waiting[-1])
            found = publisher.expect(PUBACK)
            assert (found.packet_id, found.reason) == (waiting.pop(0), 0)

    failures = []
    thread = threading.Thread(target=lambda: run(load, failures))
    thread.start()
    try:
        for number in range(1, 9):
            if verb == "sighup":
                broker.signal(signal.SIGHUP)
                until(lambda: broker.log().count("reloaded successfully") == number, "the reload")
            else:
                broker.ctl("plugins", "reload", "emqx_backend_sqlite")
            before = len(sent)
            until(lambda: len(sent) > before + 200 or failures, "messages to go on")
    finally:
        stop.set()
        thread.join()
    assert not failures, failures
    wanted = [str(number).encode() for number in range(len(sent))]
    wanted = broker.comparable(wanted, 3)
    rows = broker.rows("select payload from mqtt_msg order by id")
    assert broker.comparable((row[0] for row in rows), 3) == wanted
    assert broker.comparable((each.payload for each in subscriber.messages(len(sent))), 3) == wanted
    assert subscriber.pending() == []
    subscriber.ping()


def run(work, failures):
    try:
        work()
    except Exception as problem:
        failures.append(problem)


def test_unloading_and_loading_under_load_drops_nobody(broker, connect):
    """Without the plugin messages are not stored, but delivered and acknowledged all the same."""
    subscriber = connect(broker, "s")
    subscriber.subscribe("t", qos=1)
    subscriber.pending()
    publisher = connect(broker, "p")
    total = 0
    for _ in range(6):
        for verb in ("unload", "load"):
            ids = [publisher.send_publish("t", str(total + each), 1) for each in range(100)]
            total += 100
            broker.ctl("plugins", verb, "emqx_backend_sqlite")
            assert [publisher.expect(PUBACK).packet_id for _ in ids] == ids
    assert [int(each.payload) for each in subscriber.messages(total)] == list(range(total))
    stored = broker.value(COUNT)
    assert publisher.publish("t", b"after", qos=1) == 0
    assert broker.value(COUNT) == stored + 1
    assert subscriber.message().payload == b"after"


def test_no_descriptor_is_left_behind(broker, connect):
    """Connections, replays and reloads give back what they took."""

    def descriptors():
        return len(os.listdir(f"/proc/{broker.process.pid}/fd"))

    def work():
        for number in range(30):
            client = connect(broker, f"c{number % 5}")
            client.subscribe("t/#", qos=1)
            client.publish("t/x", b"x", qos=1)
            client.disconnect() if number % 2 else client.drop()
        broker.ctl("plugins", "reload", "emqx_backend_sqlite")
        broker.settle()
        until_equal(lambda: broker.metric("keepmq_connections"), 0)

    for _ in range(3):
        work()  # opens all connections to the database
    before = descriptors()
    for _ in range(9):
        work()
    until(lambda: descriptors() < before + 9, "the descriptors to be closed")
