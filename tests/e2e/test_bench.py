"""`keepmq bench`: each command counts what really happened, against KeepMQ and against mosquitto."""

import json
import os
import signal
import subprocess

import pytest

from lib.broker import binary, clean_environment
from lib.mqtt import PUBLISH
from lib.servers.process import Process
from lib.servers.server import free_port, program
from lib.wait import until


def run(*words):
    return subprocess.run([str(binary()), "bench", *map(str, words)], capture_output=True, text=True, timeout=60,
                          check=False, env=clean_environment())


def bench(port, command, *options, code=0):
    """The JSON report."""
    done = run(command, "--port", port, "--json", "-", "--quiet", *options)
    assert done.returncode == code, done.stdout + done.stderr
    assert done.stderr == ""
    return json.loads(done.stdout)


@pytest.fixture(scope="module")
def mosquitto(tmp_path_factory):
    """The port of a broker of another make."""
    folder = tmp_path_factory.mktemp("mosquitto")
    port = free_port()
    conf = folder / "mosquitto.conf"
    conf.write_text(f"listener {port} 127.0.0.1\nallow_anonymous true\nmax_queued_messages 0\n")
    process = Process.launch([program("mosquitto", "mosquitto"), "-c", conf], folder / "log")
    try:
        until(lambda: "running" in (folder / "log").read_text(), "mosquitto to start")
        yield port
    finally:
        process.stop(signal.SIGTERM, 10)


@pytest.fixture(params=["keepmq", "mosquitto"])
def port(request):
    """Of a broker of each make."""
    return request.getfixturevalue("shared").port if request.param == "keepmq" else request.getfixturevalue("mosquitto")


@pytest.mark.parametrize("qos", [0, 1, 2])
@pytest.mark.parametrize("version", [4, 5])
def test_pub_counts_messages_and_deliveries(port, qos, version):
    report = bench(port, "pub", "-c", 5, "--subscribers", 2, "-L", 200, "-q", qos, "-V", version, "-t", "counted/%i",
                   "--filter", "counted/+")
    assert (report["published"], report["received"]) == (200, 400)
    assert (report["refused"], report["lost"], report["unanswered"], report["disconnects"]) == (0, 0, 0, 0)
    assert report["latency_us"]["count"] == 400
    assert report["ack_latency_us"]["count"] == (200 if qos else 0)
    assert 0 < report["latency_us"]["p50"] <= report["latency_us"]["p99"] <= report["latency_us"]["max"] < 60e6


def test_pub_keeps_a_pace(shared):
    report = bench(shared.port, "pub", "-c", 10, "-I", 50, "--seconds", 1, "-q", 1, "--pid", shared.process.pid)
    # 200 messages are due each second; how many are sent does not depend on how fast they are answered.
    assert report["sent"] + report["behind"] == pytest.approx(200 * report["seconds"], abs=12)
    assert report["broker"]["pid"] == shared.process.pid
    assert report["broker"]["cpu_seconds"] > 0
    assert report["broker"]["memory"] > 1 << 20


def test_pub_counts_latency_from_when_a_message_was_due(start, connect):
    """A broker that stands still makes all that was due meanwhile late, not one message of each publisher."""
    broker = start()
    watcher = connect(broker, "watcher")
    watcher.subscribe("due")
    with subprocess.Popen([str(binary()), "bench", "pub", "--port", str(broker.port), "-c", "2", "--rate", "500", "-q",
                           "1", "-L", "500", "-F", "5", "-t", "due", "--filter", "due", "--json", "-", "--progress"],
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=clean_environment()) as load:
        watcher.expect(PUBLISH)
        broker.signal(signal.SIGSTOP)
        try:
            lines = [load.stderr.readline() for _ in range(2)]  # one a second
        finally:
            broker.signal(signal.SIGCONT)
        report = json.loads(load.communicate(timeout=30)[0])
    assert lines[0].startswith("published ") and lines[1].startswith("published 0/s")
    assert report["published"] == report["received"] == 500
    # Most of the 500, which are due within a second; 10 could be under way.
    assert report["latency_us"]["max"] > 900_000
    assert report["latency_us"]["p90"] > 100_000


def test_sub_counts_what_others_publish(port):
    with subprocess.Popen([str(binary()), "bench", "sub", "--port", str(port), "-c", "3", "-t", "others/#", "-L", "60",
                           "--seconds", "30", "--prefix", "reader", "--json", "-", "--progress"], text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=clean_environment()) as reader:
        assert "received" in reader.stderr.readline()  # it is subscribed
        sent = bench(port, "pub", "-c", 2, "--subscribers", 0, "-L", 20, "-q", 1, "-t", "others/%i")
        assert sent["published"] == 20
        report = json.loads(reader.communicate(timeout=30)[0])
    assert report["received"] == 60
    assert report["latency_us"]["count"] == 60


def test_conn_holds_connections_and_reports_what_they_cost(shared):
    report = bench(shared.port, "conn", "-c", 300, "--seconds", 0.3, "-t", "each/%i", "-q", 1, "--pid",
                   shared.process.pid)
    assert (report["connected"], report["held"], report["failed"]) == (300, 300, 0)
    assert report["latency_us"]["count"] == 300
    assert report["bytes_per_connection"] > 0
    assert report["broker"]["cpu_us"] > 0


def test_conn_connects_at_a_rate(port):
    report = bench(port, "conn", "-c", 100, "--seconds", 0, "-R", 200)
    assert (report["connected"], report["held"], report["failed"]) == (100, 100, 0)
    assert report["seconds"] >= 0.49


def test_conn_comes_and_goes(port):
    report = bench(port, "conn", "-c", 10, "--at-once", 5, "--churn", "--seconds", 1)
    assert report["failed"] == 0
    assert report["connected"] > 2 * 10
    assert report["held"] <= 5


@pytest.mark.parametrize("qos", [0, 1])
def test_retain_waits_for_every_message_and_removes_them(port, qos):
    report = bench(port, "retain", "--messages", 300, "--subscribers", 2, "-q", qos, "-t", "kept/%n/x")
    assert (report["published"], report["expected"], report["missing"], report["duplicates"]) == (300, 600, 0, 0)
    assert 0 < report["first_seconds"] <= report["all_seconds"]
    left = bench(port, "sub", "-c", 1, "-t", "kept/#", "--seconds", 0.3)
    assert left["received"] + left["stale"] == 0


def test_messages_of_earlier_runs_are_told_apart(port):
    bench(port, "retain", "--messages", 5, "--keep", "-t", "earlier/%n")
    report = bench(port, "pub", "-c", 1, "-L", 10, "-q", 1, "-t", "earlier/new", "--filter", "earlier/#")
    assert (report["published"], report["received"], report["stale"], report["lost"]) == (10, 10, 5, 0)


@pytest.mark.parametrize("version", [4, 5])
def test_replay_finds_what_came_to_sessions_that_were_away(port, version):
    report = bench(port, "replay", "--sessions", 3, "--publishers", 4, "-L", 200, "-V", version, "-t", "away/%i",
                   "--filter", "away/#", "--prefix", f"away{version}")
    assert (report["published"], report["expected"], report["received"]) == (200, 600, 600)
    assert (report["missing"], report["duplicates"], report["out_of_order"]) == (0, 0, 0)


def test_replay_leaves_no_session_behind(shared):
    bench(shared.port, "replay", "-L", 10, "--prefix", "gone")
    assert [each for each in shared.api("/sessions") if each["clientid"].startswith("gone")] == []


def test_replay_of_stored_messages_needs_no_session(broker):
    report = bench(broker.port, "replay", "--stored", "--publishers", 3, "-L", 150, "-t", "stored/%i", "--filter",
                   "stored/#")
    assert (report["expected"], report["missing"], report["duplicates"]) == (150, 0, 0)
    assert broker.value("select count(*) from mqtt_msg") == 150


def test_replay_finds_what_is_missing(start):
    broker = start(plugin=False, settings={"zone.external.max_mqueue_len": "40"})
    report = bench(broker.port, "replay", "--publishers", 1, "-L", 100, "--timeout", 0.3, code=1)
    assert report["expected"] == 100
    assert report["missing"] == 60


def test_an_interrupted_run_reports_what_it_has(shared):
    with subprocess.Popen([str(binary()), "bench", "conn", "--port", str(shared.port), "-c", "10", "--seconds", "60",
                           "--json", "-", "--progress"], text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          env=clean_environment()) as running:
        until(lambda: "open 10" in running.stderr.readline(), "the connections")
        running.send_signal(signal.SIGINT)
        report = json.loads(running.communicate(timeout=20)[0])
    assert running.returncode == 0
    assert report["held"] == 10


def test_reports_can_be_read_and_kept(shared, tmp_path):
    file = tmp_path / "report.json"
    done = run("pub", "-h", "localhost", "-p", shared.port, "-c", 1, "-L", 10, "-q", 1, "--json", file)
    assert done.returncode == 0
    assert done.stderr == ""  # nobody watches
    assert "published 10 in " in done.stdout and "received  10, " in done.stdout
    assert json.loads(file.read_text())["published"] == 10


COMMANDS = ("pub", "sub", "conn", "retain", "replay")


@pytest.mark.parametrize("command", COMMANDS)
def test_help_and_mistakes(command):
    done = run(command, "--help")
    assert (done.returncode, done.stderr) == (0, "")
    for option in ("-h, --host", "-V, --version", "--json", "-q, --qos"):
        assert option in done.stdout
    done = run(command, "--nonsense", "1")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == (f"keepmq bench {command}: unknown option --nonsense (keepmq bench {command} --help)\n")


@pytest.mark.parametrize("words, code, said", [
    ([], 2, "usage: keepmq bench COMMAND"),
    (["--help"], 0, ""),
    (["nonsense"], 2, 'keepmq bench: no command "nonsense"; there are pub, sub, conn, retain and replay\n'),
    (["pub", "--qos", "3"], 2, '--qos wants 0, 1 or 2, not "3"'),
    (["pub", "--rate", "5", "-I", "5"], 2, "exclude each other"),
    (["replay", "--qos", "0"], 2, "only messages of QoS 1 or 2"),
    (["pub", "--pid", "4194304"], 1, "there is no process 4194304"),
    (["pub", "--host", "no.such.host.invalid"], 1, "cannot find no.such.host.invalid"),
])
def test_says_what_is_wrong(words, code, said):
    done = run(*words)
    assert done.returncode == code
    assert said in done.stderr
    assert len(done.stderr.splitlines()) <= (1 if words else 8)


def test_says_that_there_is_no_broker():
    port = free_port()
    done = run("pub", "-p", port)
    assert done.returncode == 1
    assert f"no connection to 127.0.0.1:{port}" in done.stderr and os.strerror(111) in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_says_that_the_broker_refuses(start):
    broker = start(plugin=False, settings={"mqtt.max_connections": "1"})
    done = run("conn", "-p", broker.port, "-c", "3", "--seconds", "0.1")
    assert done.returncode == 1
    assert "failed or lost 2" in done.stdout
