"""Redis servers that fail, move and guard their doors: nothing that was acknowledged is lost."""

import re
import threading
import time

import pytest

from lib.redis_conf import PUBSUB, plugin, shipped, start_with
from lib.servers import Redis, RedisCluster, RedisSentinel
from lib.servers.server import program
from lib.wait import until, until_equal

PUBLISHERS = 20
PATIENCE = 60.0


@pytest.fixture
def launch(tmp_path):
    """launch(kind, ...): servers of this test alone."""
    made = []

    def make(kind, **options):
        made.append(kind(tmp_path / f"servers{len(made)}", **options))
        return made[-1].start()

    yield make
    for each in made:
        each.remove()


class Load:
    """Publishers with QoS 1, each on its topic, one message after the other; `acknowledged` payloads."""

    def __init__(self, broker, paho):
        self.broker = broker
        self.acknowledged = []
        self.problems = []
        self._stopping = threading.Event()
        clients = [paho(broker, f"publisher{number}", patience=PATIENCE) for number in range(PUBLISHERS)]
        self._threads = [threading.Thread(target=self._publish, args=(number, client))
                         for number, client in enumerate(clients)]
        for thread in self._threads:
            thread.start()

    @staticmethod
    def topics():
        return [f"pubsub/load/{number}" for number in range(PUBLISHERS)]

    def _publish(self, number, client):
        sequence = 0
        try:
            while not self._stopping.is_set():
                payload = f"{number}:{sequence}"
                client.publish(self.topics()[number], payload, 1)
                self.acknowledged.append(payload)
                sequence += 1
        except Exception as problem:  # noqa: BLE001 - shown by the test
            self.problems.append(problem)

    def goes_on(self, count=300):
        """Waits for so many acknowledgements from now on."""
        goal = len(self.acknowledged) + count
        until(lambda: self.problems or len(self.acknowledged) >= goal, "acknowledgements", timeout=PATIENCE)
        assert not self.problems, self.problems

    def stop(self):
        self._stopping.set()
        for thread in self._threads:
            thread.join()
        assert not self.problems, self.problems
        self.broker.settle()


def stored_payloads(db):
    """All that the index of each topic leads to, in its order."""
    found = []
    for topic in Load.topics():
        for member in db.zrange(f"mqtt:msg:{topic}", 0, -1):
            payload = db.hget(f"mqtt:msg:{member.decode()}", "payload")
            assert payload is not None, f"the index of {topic} leads to nothing: {member}"
            found.append(payload.decode())
    return found


def check(load, db):
    found = stored_payloads(db)
    missing = set(load.acknowledged) - set(found)
    assert not missing, f"{len(missing)} of {len(load.acknowledged)} acknowledged messages are lost"
    assert len(found) == len(set(found)), "messages were stored twice"
    for number in range(PUBLISHERS):
        sequence = [int(each.split(":")[1]) for each in found if each.startswith(f"{number}:")]
        assert sequence == list(range(len(sequence)))


def test_the_master_is_killed(launch, start, paho):
    group = launch(RedisSentinel)
    broker = start_with(start, shipped(type="sentinel", server=group.addresses, sentinel=group.name))
    load = Load(broker, paho)
    load.goes_on()
    old = group.master
    old.kill()
    until(lambda: group.master is not old, "another master")
    load.goes_on()
    load.stop()
    assert "has no replica" in broker.log()
    with group.client() as db:
        check(load, db)


def test_slots_move_under_load(launch, start, paho):
    group = launch(RedisCluster)
    broker = start_with(start, shipped(type="cluster", server=group.addresses, pool_size=4))
    load = Load(broker, paho)
    load.goes_on()
    first, second, _ = group.members
    with first.client() as one, second.client() as two:
        names = [each.execute_command("CLUSTER MYID").decode() for each in (one, two)]
        before = one.dbsize()
    first.run(program("redis-cli", "redis-tools"), "--cluster", "reshard", first.address, "--cluster-from", names[0],
              "--cluster-to", names[1], "--cluster-slots", 600, "--cluster-pipeline", 50, "--cluster-yes")
    load.goes_on()
    load.stop()
    assert before > 0
    with group.client() as db:
        check(load, db)
    assert re.search(r"channel=mqtt_channel is not listened to", broker.log())


def test_a_cluster_answers_readers(launch, start, paho):
    group = launch(RedisCluster)
    broker = start_with(start, plugin(PUBSUB, type="cluster", server=group.members[0].address))
    reader = paho(broker, "reader", clean=True)
    reader.subscribe("w/#", 1)
    reader.disconnect()
    writer = paho(broker, "writer")
    for number in range(30):
        writer.publish(f"w/{number % 7}", str(number), 1)
    reader = paho(broker, "reader", clean=True)
    reader.subscribe("w/#", 1)
    assert [each.payload for each in reader.messages(30)] == [str(number).encode() for number in range(30)]
    other = paho(broker, "other")
    other.subscribe("w/3", 1)
    assert [int(each.payload) for each in other.messages(4)] == [3, 10, 17, 24]


@pytest.mark.parametrize("kind", [Redis, RedisSentinel])
def test_the_channel_is_heard_again(launch, start, paho, kind):
    group = launch(kind)
    pool = {"server": group.address} if kind is Redis else \
        {"type": "sentinel", "server": group.addresses, "sentinel": group.name}
    broker = start_with(start, shipped(**pool))
    client = paho(broker, "c")

    def commanded(topic):
        with group.client() as db:
            heard = db.publish("mqtt_channel", f'{{"type":"subscribe","topic":"{topic}","clientid":"c","qos":1}}')
        return heard == 1

    until(lambda: commanded("one"), "the broker to listen")
    until_equal(lambda: [each["topic"] for each in broker.api("/subscriptions/c")], ["one"])
    master = group if kind is Redis else group.master
    master.kill()
    if kind is Redis:
        master.start()
    else:
        until(lambda: group.master is not master, "another master")
    until(lambda: commanded("two"), "the broker to listen again")
    until_equal(lambda: sorted(each["topic"] for each in broker.api("/subscriptions/c")), ["one", "two"])
    assert client.pending() == []


def test_a_server_that_is_killed_keeps_what_was_acknowledged(launch, start, paho):
    server = launch(Redis)
    broker = start_with(start, shipped(server=server.address))
    load = Load(broker, paho)
    load.goes_on()
    server.kill()
    time.sleep(1)  # as long as the longest usual pause between two attempts
    server.start()
    answered = time.monotonic()
    load.goes_on(1)
    assert time.monotonic() - answered < 1.5
    load.goes_on()
    load.stop()
    with server.client() as db:
        check(load, db)


def test_a_server_that_hangs(launch, start, paho):
    server = launch(Redis)
    broker = start_with(start, shipped(server=server.address, read_timeout="500ms"))
    load = Load(broker, paho)
    load.goes_on()
    server.pause()
    until(lambda: "degraded" in broker.ctl("pools"), "the pool to notice")
    server.resume()
    load.goes_on()
    load.stop()
    with server.client() as db:
        check(load, db)


def assert_serves_mqtt(broker, paho):
    """Without its database. It cannot stop in peace then: the presence of the client waits for ever."""
    client = paho(broker, "alive")
    client.subscribe("alive", 0)
    client.publish("alive", b"yes", 0)
    assert client.message().payload == b"yes"
    broker.kill()


@pytest.mark.parametrize("options, wrong", [
    ({"password": "s3cret"}, {"password": "no-s3cret"}),
    ({"username": "keeper", "password": "s3cret"}, {"username": "keeper", "password": "no-s3cret"}),
    ({"password": "s3cret"}, {}),
])
def test_users_and_passwords(launch, start, paho, options, wrong):
    server = launch(Redis, **options)
    refused = start_with(start, shipped(server=server.address, **wrong))
    until(lambda: re.search(r"WRONGPASS|NOAUTH", refused.log()), "the refusal to be said")
    assert_serves_mqtt(refused, paho)
    assert len(re.findall(r"WRONGPASS|NOAUTH", refused.log())) == 1
    assert "s3cret" not in refused.log()
    broker = start_with(start, shipped(server=server.address, **options))
    paho(broker, "c").publish("t", b"x", 1)
    with server.client() as db:
        assert db.zcard("mqtt:msg:t") == 1
    assert "s3cret" not in broker.log()


def test_tls(launch, start, paho):
    server = launch(Redis, tls=True)
    files = server.certificates
    pool = {"server": server.address, "ssl": "on", "cacertfile": files.ca}
    broker = start_with(start, shipped(**pool, certfile=files.client, keyfile=files.client_key))
    paho(broker, "c").publish("pubsub/t", b"x" * 300_000, 1)
    reader = paho(broker, "reader")
    reader.subscribe("pubsub/t", 1)
    assert reader.message().payload == b"x" * 300_000
    with server.client() as db:
        assert db.zcard("mqtt:msg:pubsub/t") == 1


@pytest.mark.parametrize("pool, said", [
    ({"ssl": "on", "verify": "verify_peer"}, "certificate of the server is not accepted"),
    ({"ssl": "off"}, "does not work, trying again"),
])
def test_tls_that_does_not_fit(launch, start, paho, pool, said):
    server = launch(Redis, tls=True)
    broker = start_with(start, shipped(server=server.address, **pool))
    until(lambda: said in broker.log(), "the refusal to be said")
    assert_serves_mqtt(broker, paho)


def test_a_client_certificate_is_asked_for(launch, start, paho):
    server = launch(Redis, tls=True)
    with server.client() as db:
        db.config_set("tls-auth-clients", "yes")
    broker = start_with(start, shipped(server=server.address, ssl="on", cacertfile=server.certificates.ca))
    # Its reason may be lost, when the server closes before it has read our first command.
    until(lambda: re.search("certificate required|does not work, trying again", broker.log()), "the refusal")
    assert_serves_mqtt(broker, paho)


def test_a_replica_that_hangs_holds_the_acknowledgements(launch, start, paho):
    group = launch(RedisSentinel)
    broker = start_with(start, shipped(type="sentinel", server=group.addresses, sentinel=group.name,
                                       read_timeout="200ms", wait_replicas=1, pool_size=2),
                        settings={"spool.after": "1h"})
    load = Load(broker, paho)
    load.goes_on()
    group.second.pause()
    until(lambda: "0 of 1 replicas confirmed the batch" in broker.ctl("pools"), "the pool to notice")
    held = len(load.acknowledged)
    until(lambda: broker.metric("keepmq_pool_retries_total") > 4, "more attempts")
    assert len(load.acknowledged) == held
    group.second.resume()
    load.goes_on()
    load.stop()
    with group.client() as db:
        check(load, db)
