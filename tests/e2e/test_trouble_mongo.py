"""MongoDB that refuses, dies, hangs or is not what the broker expects; and TLS to it."""

import time

import pytest

from lib import conf
from lib.broker import ROOT
from lib.mqtt import PUBACK
from lib.proxy import LateProxy
from lib.servers import FerretDb, MongoDatabase
from lib.trouble import complaints, serves, state
from lib.wait import until, until_equal

SCRIPT = (ROOT / "src" / "backends" / "mongo" / "schema" / "001_init.js").read_text()


def plugin(pool, rules=conf.EMQX_MONGO, settings=None, **properties):
    return {"mongo": conf.plugin(rules, {"pool1": pool | properties}, settings, kind="mongo")}


@pytest.fixture
def database(ferretdb_database):
    return ferretdb_database


@pytest.fixture
def make_server(tmp_path):
    """Servers that the test may do anything to. Asked for before `start`, they outlive the broker."""
    servers = []

    def make(**options):
        servers.append(FerretDb(tmp_path / f"ferretdb{len(servers)}", **options).start())
        return servers[-1]

    yield make
    for server in servers:
        server.remove()


@pytest.fixture
def own(make_server):
    return MongoDatabase(make_server(), "mqtt")


def payloads(database):
    return [row[0] for row in database.all("mqtt_msg", "payload")]


def test_a_wrong_login_is_said_once(make_server, start, connect):
    database = MongoDatabase(make_server(password="right-secret"), "mqtt")
    assert connect(start(plugins=plugin(database.pool)), "c").publish("t", b"x", qos=1) < 0x80
    assert payloads(database) == ["x"]
    for wrong in ({"password": "not-the-secret"}, {"login": "nobody"}):
        broker = start(plugins=plugin(database.pool | wrong), settings={"store.give_up_after": "1s"})
        until(lambda: complaints(broker), "the message")
        assert serves(broker, connect)
        until_equal(lambda: state(broker), "degraded")
        time.sleep(1.5)  # it tries again meanwhile
        [line] = complaints(broker)
        assert "uthentication failed" in line
        assert "secret" not in broker.log()
        broker.kill()  # it could not write who left


def test_a_server_that_cannot_be_reached_is_tried_quietly(database, start, connect):
    broker = start(plugins=plugin(database.pool, server="127.0.0.1:1"))
    until(lambda: "127.0.0.1:1" in broker.log() and "trying again" in broker.log())
    assert complaints(broker) == []
    assert serves(broker, connect)
    broker.kill()


def test_a_host_that_is_not_known_is_named(database, start, connect):
    broker = start(plugins=plugin(database.pool, server="no-such-host.invalid"))
    until(lambda: "no-such-host.invalid:27017" in broker.log() and "trying again" in broker.log())
    assert serves(broker, connect)
    broker.kill()


WRONG = [({"type": "cluster"}, "type"), ({"type": "rs"}, "type"), ({"server": "a:b"}, "server"),
         ({"server": "h1,h2"}, "server"), ({"srv_record": "on"}, "srv_record"), ({"c_pool_size": "0"}, "c_pool_size"),
         ({"database": "a/b"}, "database"), ({"password": "hidden-word"}, "password"), ({"w_mode": "1"}, "w_mode"),
         ({"r_mode": "any"}, "r_mode"), ({"cacertfile": "/none"}, "cacertfile"), ({"read_timeout": "x"}, "read_timeout")]


def test_check_names_every_wrong_setting_at_once(start):
    pools = {f"pool{number}": wrong for number, (wrong, _) in enumerate(WRONG, 1)}
    text = conf.plugin(conf.EMQX_MONGO, pools, {"topology.connect_timeout_ms": "soon"}, kind="mongo")
    broker = start(plugins={"mongo": text}, started=False)
    checked = broker.run("check")
    assert checked.returncode != 0
    errors = [line for line in checked.stderr.splitlines() if "emqx_backend_mongo.conf:" in line and " error: " in line]
    for number, (_, key) in enumerate(WRONG, 1):
        assert any(f"backend.mongo.pool{number}.{key}:" in line for line in errors), (key, checked.stderr)
    assert any("backend.mongo.topology.connect_timeout_ms:" in line for line in errors)
    assert "hidden-word" not in checked.stdout + checked.stderr


DOCUMENTS = [({"collection": "a$b", "document": {}}, "name of a collection"),
             ({"collection": "${topic}", "document": {}}, "name of a collection"),
             ({"collection": "c", "document": {"${topic}": 1}}, "name of a field"),
             ({"collection": "c", "document": {"$set": 1}}, "name of a field"),
             ({"collection": "c", "document": {"a": "x/${topic}"}}, "never pasted"),
             ({"collection": "c", "document": {"a": "${nothing}"}}, "nothing"),
             ({"collection": "c", "document": "text"}, "an object"),
             ({"document": {}}, "must be a text"),
             ({"sql": ["select 1"]}, "not an action of this database")]


def test_check_names_every_wrong_document(start, database):
    rules = {f"message.publish.{number}": {"topic": "#", "action": action, "pool": "pool1"}
             for number, (action, _) in enumerate(DOCUMENTS, 1)}
    broker = start(plugins=plugin(database.pool, rules), started=False)
    checked = broker.run("check")
    assert checked.returncode != 0
    for number, (action, words) in enumerate(DOCUMENTS, 1):
        lines = [each for each in checked.stderr.splitlines() if f"message.publish.{number}:" in each]
        assert any(words in each for each in lines), (action, lines or checked.stderr)


def test_schema_is_made_and_checked(start, database):
    broker = start(plugins=plugin(database.pool), started=False)
    checked = broker.run("schema", "check", "mongo", "pool1")
    assert "index keepmq_msgid of mqtt_msg" in checked.stdout + checked.stderr
    made = broker.run("schema", "create", "mongo", "pool1")
    assert made.returncode == 0, made.stderr
    checked = broker.run("schema", "check", "mongo", "pool1")
    assert checked.returncode == 0 and "index" not in checked.stdout + checked.stderr
    assert broker.run("schema", "show", "mongo", "pool1").stdout == SCRIPT
    names = {each["name"] for each in database.mqtt_msg.list_indexes()}
    assert {"keepmq_topic", "keepmq_msgid"} <= names


def test_without_indexes_it_works_and_says_so(start, database, connect):
    broker = start(plugins=plugin(database.pool, auto_create_schema="off"))
    assert "there is no index keepmq_msgid" in broker.log()
    assert connect(broker, "c").publish("t", b"x", qos=1) < 0x80
    assert payloads(database) == ["x"]
    assert {each["name"] for each in database.mqtt_msg.list_indexes()} == {"_id_"}


def test_old_documents_that_an_index_does_not_allow_are_a_warning(start, database, connect):
    database.mqtt_sub.insert_many([{"clientid": "c", "topic": "a", "qos": 1}] * 1 + [
        {"clientid": "c", "topic": "a", "qos": 2}])
    broker = start(plugins=plugin(database.pool))
    until(lambda: "index keepmq_sub" in broker.log(), "the warning")
    assert connect(broker, "c").publish("t", b"x", qos=1) < 0x80


def test_a_document_that_is_refused_is_a_dead_letter(start, database, connect):
    rules = {"message.publish.1": conf.function("on_message_publish", "#"),
             "message.publish.2": conf.document("copies", {"_id": "${payload}"}, topic="#")}
    broker = start(plugins=plugin(database.pool, rules))
    client = connect(broker, "c")
    for payload in (b"1", b"2", b"1", b"3"):
        assert client.publish("t", payload, qos=1) < 0x80
    assert payloads(database) == ["1", "2", "1", "3"]
    assert sorted(database.all("copies", "_id")) == [("1",), ("2",), ("3",)]
    [letter] = broker.ctl_json("dead-letters", "list")
    assert "duplicate key" in letter["error"]


def test_a_server_that_is_killed_loses_nothing_that_was_acknowledged(own, start, connect):
    broker = start(plugins=plugin(own.pool), settings={"spool.after": "1h"})
    clients = [connect(broker, f"c{number}") for number in range(4)]
    for number in range(200):
        for client in clients:
            client.send_publish(f"t/{client.next_id() % 7}", f"{number}", 1)
    clients[0].expect(PUBACK)
    own.server.kill()
    own.server.start()
    for client in clients:
        for _ in range(200 - (client is clients[0])):
            assert client.expect(PUBACK).reason < 0x80
    rows = own.all("mqtt_msg", "_id", "msgid")
    assert len(rows) == len({row[1] for row in rows}) == 800


def test_the_first_write_comes_soon_after_the_server(own, start, connect):
    broker = start(plugins=plugin(own.pool), settings={"spool.after": "1h"})
    client = connect(broker, "c")
    assert client.publish("t", b"1", qos=1) < 0x80
    own.server.kill()
    waiting = client.send_publish("t", b"2", 1)
    until_equal(lambda: state(broker), "degraded")
    time.sleep(3)  # the pauses between attempts have grown
    own.server.start()
    answered = time.monotonic()
    assert client.expect(PUBACK).packet_id == waiting
    assert time.monotonic() - answered < 1.5
    assert payloads(own) == ["1", "2"]


def test_a_server_that_dies_while_nothing_happens_is_found_again(own, start, connect):
    """The driver looks after a known server before the next command: it must not stay there."""
    broker = start(plugins=plugin(own.pool, settings={"topology.heartbeat_frequency_ms": 500}),
                   settings={"spool.after": "1h"})
    client = connect(broker, "c")
    assert client.publish("t", b"1", qos=1) < 0x80
    own.server.kill()
    time.sleep(1)  # what the driver knows is out of date
    waiting = client.send_publish("t", b"2", 1)
    until_equal(lambda: state(broker), "degraded")
    own.server.start()
    assert client.expect(PUBACK).packet_id == waiting
    assert payloads(own) == ["1", "2"]


def test_a_server_that_hangs_neither_stops_clients_nor_the_end(own, start, connect):
    broker = start(plugins=plugin(own.pool, read_timeout="1s", connect_timeout="1s"),
                   settings={"spool.after": "1h", "node.shutdown_deadline": "1s"})
    client = connect(broker, "c")
    assert client.publish("t", b"1", qos=1) < 0x80
    own.server.pause()
    waiting = client.send_publish("t", b"2", 1)
    assert serves(broker, connect)
    until_equal(lambda: state(broker), "degraded")
    own.server.resume()
    assert client.expect(PUBACK).packet_id == waiting
    assert payloads(own) == ["1", "2"]
    own.server.pause()
    client.send_publish("t", b"3", 1)
    client.ping()
    begin = time.monotonic()
    assert broker.stop() == 0  # it is in the spool
    assert time.monotonic() - begin < 5
    own.server.resume()


def test_many_clients_at_once_do_not_use_up_a_server(own, start, connect):
    """FerretDB takes a connection to its SQLite for each document that a request updates, has 100, and gives them back
    at the end of the request: one with more of them waits for ever, and all others with it."""
    rules = {"client.connected.1": conf.function("on_client_connected")}
    broker = start(plugins=plugin(own.pool, rules, c_pool_size=1), settings={"spool.after": "1h"})
    for number in range(150):
        connect(broker, f"c{number}")
    broker.settle()
    own.server.pause()
    for number in range(150):
        connect(broker, f"c{number}")
    own.server.resume()
    broker.settle()
    assert len(own.all("mqtt_client", state=1)) == 150


@pytest.mark.parametrize("type_", ["unknown", "sharded"])
def test_a_server_is_taken_for_what_it_is(database, start, connect, type_):
    broker = start(plugins=plugin(database.pool, type=type_))
    assert connect(broker, "c").publish("t", b"x", qos=1) < 0x80
    assert payloads(database) == ["x"]


def test_a_server_that_is_no_replica_set_is_said(database, start, connect):
    broker = start(plugins=plugin(database.pool, type="rs", rs_set_name="rs0"))
    until(lambda: "trying again" in broker.log(), "the message")
    assert serves(broker, connect)
    broker.kill()


def test_tls(make_server, start, connect):
    server = make_server(tls=True)
    database = MongoDatabase(server, "mqtt")
    verified = start(plugins=plugin(database.pool, ssl="true", cacertfile=server.certificates.ca))
    assert connect(verified, "c").publish("t", b"verified", qos=1) < 0x80
    unverified = start(plugins=plugin(database.pool, ssl="true"))
    assert connect(unverified, "c").publish("t", b"unverified", qos=1) < 0x80
    assert payloads(database) == ["verified", "unverified"]


def test_tls_with_a_certificate_of_the_client(make_server, start, connect):
    server = make_server(tls="client")
    keys = server.certificates
    pool = {"server": server.address, "ssl": "on", "cacertfile": keys.ca}
    broker = start(plugins=plugin(pool, certfile=keys.client, keyfile=keys.client_key))
    assert connect(broker, "c").publish("t", b"x", qos=1) < 0x80
    refused = start(plugins=plugin(pool))
    until(lambda: "trying again" in refused.log() or complaints(refused), "the message")
    assert serves(refused, connect)
    refused.kill()


def test_tls_with_another_authority_or_none_is_refused(make_server, start, connect):
    server, other = make_server(tls=True), make_server(tls=True)
    pool = {"server": server.address}
    broker = start(plugins=plugin(pool, ssl="true", cacertfile=other.certificates.ca))
    until(lambda: complaints(broker), "the reason")
    assert "the certificate of the server is not accepted" in complaints(broker)[0]
    assert serves(broker, connect)
    broker.kill()
    plain = start(plugins=plugin(pool, ssl="false"))
    until(lambda: "trying again" in plain.log(), "the message")
    assert serves(plain, connect)
    plain.kill()


def test_a_server_that_is_always_late_gets_all_of_it(database, start, connect):
    """Each answer about messages takes longer than the time-out. The broker gives up a few requests, not all."""
    rules = {"message.publish.1": conf.function("on_message_publish", "#")}
    with LateProxy((database.server.host, database.server.port), b"mqtt_msg", seconds=1.2) as proxy:
        broker = start(plugins=plugin(database.pool | {"server": proxy.address}, rules, read_timeout="500ms",
                                      auto_create_schema="off"))
        client = connect(broker, "c")
        for number in range(5):
            assert client.publish("t", b"%d" % number, qos=1) < 0x80
        broker.settle(60)
        assert payloads(database) == [str(number) for number in range(5)]
        assert 1 <= broker.metric("keepmq_pool_retries_total") < 10
