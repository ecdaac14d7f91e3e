"""The admin interface and `keepmq ctl`: every verb, on a broker that has something to show."""

import json
import re
import urllib.error
import urllib.request

import pytest

from lib.raw import RawClient
from lib.wait import until, until_equal


@pytest.fixture(scope="module")
def busy(shared):
    """The shared broker with one of everything."""
    clients = [RawClient(shared.address, 5, is_idle=shared.is_idle) for _ in range(2)]
    clients[0].connect("c1", username="alice", keep_alive=0, props={"session_expiry_interval": 60})
    clients[0].subscribe("a/#", qos=0)
    clients[0].subscribe("$share/g/b/+", qos=2, no_local=False, retain_as_published=True)
    clients[1].connect("weird é/ id", keep_alive=0)
    clients[1].publish("retained/topic", b"kept", qos=1, retain=True)
    clients[1].publish("retained/binary", b"\xff\x00", qos=0, retain=True)
    shared.settle()
    yield shared
    for client in clients:
        client.close()


# verb: (words of the text, check of the JSON)
VERBS = {
    "status": (["is started", "is running"], lambda data: data[0]["node"] == "keepmq@127.0.0.1"),
    "broker": (["uptime", "version"], lambda data: data[0]["version"]),
    "broker stats": (["connections.count", "retained.count"], lambda data: data[0]["stats"]["retained.count"] >= 2),
    "broker metrics": (["messages.received", "packets.sent"], lambda data: data[0]["metrics"]["messages.received"] >= 2),
    "metrics": (["# TYPE keepmq_connections gauge", "keepmq_pool_committed_total{"],
                lambda data: data[0]["metrics"]["packets.received"]),
    "listeners": (["tcp:external", "127.0.0.1:"], lambda data: data[0]["listeners"][0]["current_conns"] == 2),
    "clients list": (["c1", "alice"], lambda data: {each["clientid"] for each in data} == {"c1", "weird é/ id"}),
    "clients show c1": (["clientid", "alice"], lambda data: data[0]["subscriptions_cnt"] == 2),
    "sessions list": (["c1", "true"], lambda data: len(data) == 2),
    "sessions show c1": (["expiry_interval", "60"], lambda data: data[0]["expiry_interval"] == 60),
    "subscriptions list": (["a/#", "$share/g/b/+"], lambda data: len(data) == 2),
    "subscriptions show c1": (["a/#"], lambda data: {each["qos"] for each in data} == {0, 2}),
    "topics list": (["a/# -> keepmq@127.0.0.1"], lambda data: len(data) == 2),
    "topics show $share/g/b/+": (["$share/g/b/+ -> keepmq@127.0.0.1"], lambda data: data[0]["subscriptions"] == 1),
    "retained list": (["retained/topic", "retained/binary"], lambda data: len(data) >= 2),
    "plugins list": (["Plugin(emqx_backend_sqlite, ", "active=true)"],
                     lambda data: [each["name"] for each in data[0]["plugins"] if each["active"]]
                     == ["emqx_backend_sqlite"]),
    "pools": (["sqlite", "pool1", "running"], lambda data: data[0]["committed"] >= 2),
    "rules": (["sqlite message.publish.1", "on_message_publish"], lambda data: len(data) == 10),
    "dead-letters list": ([], lambda data: data == []),
}


@pytest.mark.parametrize("verb", VERBS)
def test_verbs(busy, verb):
    words, check = VERBS[verb]
    text = busy.ctl(*verb.split())
    assert all(word in text for word in words), text
    assert check(busy.ctl_json(*verb.split()))


@pytest.mark.parametrize("arguments, code", [
    ([], 2), (["help"], 0), (["clients"], 2), (["clients", "show"], 2), (["clients", "show", "nobody"], 1),
    (["clients", "kick", "nobody"], 1), (["sessions", "show", "nobody"], 1), (["topics", "show", "no/such"], 1),
    (["subscriptions", "add", "c1", "a", "3"], 2),
    (["subscriptions", "add", "nobody", "a", "1"], 1), (["subscriptions", "add", "c1", "a#", "1"], 1),
    (["plugins", "load", "emqx_backend_sqlite"], 1), (["plugins", "load", "nonsense"], 1),
    (["plugins", "unload", "nonsense"], 1), (["dead-letters", "show", "1"], 1), (["dead-letters", "show", "x"], 1),
    (["retained", "delete", "no/such"], 1), (["retained", "list", "a#"], 1),
])
def test_exit_codes(busy, arguments, code):
    done = busy.try_ctl(*arguments)
    assert done.returncode == code, done
    assert (done.stdout if code == 0 else done.stderr)


def test_ctl_needs_only_the_lines_about_the_admin_interface(busy):
    """Somebody is in the middle of changing the others."""
    done = busy.try_ctl("status", "--set", "mqtt.max_qos_allowed=3", "--set", "node.cookie=x")
    assert done.returncode == 0 and "is running" in done.stdout
    assert "mqtt.max_qos_allowed" in done.stderr and "node.cookie" not in done.stderr


def test_no_broker_is_exit_code_3(start):
    broker = start(False)
    broker.stop()
    assert broker.try_ctl("status").returncode == 3


def test_names_are_encoded_and_texts_escaped(busy, connect):
    assert busy.ctl_json("clients", "show", "weird é/ id")[0]["clientid"] == "weird é/ id"
    connect(busy, "escape\u202e\\")
    assert "escape\\u{202e}\\\\" in busy.ctl("clients", "list")
    busy.ctl("clients", "kick", "escape\u202e\\")


def test_subscribing_on_behalf_of_a_client(broker, connect):
    client = connect(broker, "c")
    broker.ctl("subscriptions", "add", "c", "given/#", "1")
    until_equal(lambda: [each["topic"] for each in broker.api("/subscriptions/c")], ["given/#"])
    connect(broker, "p").publish("given/x", b"x", qos=2)
    assert client.message().qos == 1
    broker.ctl("subscriptions", "del", "c", "given/#")
    until_equal(lambda: broker.api("/subscriptions/c"), [])
    assert broker.http("/api/v4/mqtt/subscribe", "POST", {"clientid": "c", "topic": "b", "qos": 0})[0] == 200
    assert broker.http("/api/v4/mqtt/unsubscribe", "POST", {"clientid": "c", "topic": "b"})[0] == 200


def test_retained_message_is_deleted(broker, connect):
    connect(broker, "p").publish("r/1", b"\xff", qos=1, retain=True)
    found = broker.api("/retained/r%2F1")[0]
    assert found["encoding"] == "base64"
    broker.ctl("retained", "delete", "r/1")
    assert broker.api("/retained") == []


def test_paging(broker, connect):
    for number in range(7):
        connect(broker, f"c{number}")
    status, text = broker.http("/api/v4/clients?_page=2&_limit=3")
    answer = json.loads(text)
    assert (status, answer["code"], answer["meta"]) == (200, 0, {"page": 2, "limit": 3, "count": 7})
    assert [each["clientid"] for each in answer["data"]] == ["c3", "c4", "c5"]


@pytest.mark.parametrize("path, method, status", [
    ("/api/v4/clients/nobody", "GET", 404), ("/api/v4/nonsense", "GET", 404), ("/api/v4/clients", "DELETE", 405),
    ("/api/v4/clients?_page=x", "GET", 400), ("/api/v4/plugins/emqx_backend_sqlite/load", "PUT", 409),
    ("/api/v4/mqtt/subscribe", "POST", 400),
])
def test_errors_have_a_status_and_a_message(busy, path, method, status):
    found, text = busy.http(path, method, {} if method == "POST" else None)
    assert found == status
    assert json.loads(text)["message"]


def test_plugin_verbs(broker):
    assert "unloaded successfully" in broker.ctl("plugins", "unload", "emqx_backend_sqlite")
    assert "active=false" in broker.ctl("plugins", "list")
    assert broker.api("/pools") == [] and broker.api("/rules") == []
    assert broker.try_ctl("plugins", "unload", "emqx_backend_sqlite").returncode == 1
    assert "reloaded successfully" in broker.ctl("plugins", "reload", "emqx_backend_sqlite")
    assert "active=true" in broker.ctl("plugins", "list")


def test_metrics_are_well_formed(busy):
    """Each sample belongs to a TYPE line; no sample comes twice; counters end in _total."""
    text = busy.http("/metrics")[1]
    types, seen = {}, set()
    for line in text.splitlines():
        if line.startswith("# TYPE "):
            name, kind = line.split()[2:]
            assert name not in types
            types[name] = kind
            assert name.endswith("_total") == (kind == "counter"), line
        elif not line.startswith("#"):
            name, labels, value = re.fullmatch(r"(\w+)(\{.*\})? (\S+)", line).groups()
            float(value)
            assert name in types and (name, labels) not in seen, line
            seen.add((name, labels))
    for name in ("keepmq_connections", "keepmq_messages_received_total", "keepmq_pool_accepted_total",
                 "keepmq_rule_committed_total", "keepmq_dead_letters", "keepmq_uptime_seconds"):
        assert name in types


def test_counters_count(start, connect):
    broker = start(False)
    subscriber = connect(broker, "s")
    subscriber.subscribe("t")
    publisher = connect(broker, "p")
    for _ in range(10):
        publisher.publish("t", b"x", qos=1)
        publisher.publish("nobody", b"x", qos=1)
    assert len(subscriber.pending()) == 10
    samples = broker.metrics()
    assert samples[("keepmq_messages_received_total", ())] == 20
    assert samples[("keepmq_messages_sent_total", ())] == 10
    assert samples[("keepmq_messages_dropped_total", (("reason", "no_subscribers"),))] == 10
    assert samples[("keepmq_connections", ())] == 2
    assert samples[("keepmq_subscriptions", ())] == 1
    until(lambda: broker.metric("keepmq_bytes_received_total") > 100, "bytes")


def test_a_page_of_another_origin_changes_nothing(broker, connect):
    """Neither by its Origin nor by a name that it made point here."""
    connect(broker, "c")
    for headers in ({"Origin": "http://evil.example"}, {"Host": "evil.example"}):
        request = urllib.request.Request(f"http://127.0.0.1:{broker.admin_port}/api/v4/clients/c", method="DELETE",
                                         headers=headers)
        with pytest.raises(urllib.error.HTTPError) as refused:
            urllib.request.urlopen(request, timeout=10)
        assert refused.value.code == 403
    assert broker.client("c")["connected"]
