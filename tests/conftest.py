import itertools
import re

import pytest

pytest.register_assert_rewrite("lib")

from lib import conf, groups  # noqa: E402
from lib.broker import Broker  # noqa: E402
from lib.paho import PahoClient  # noqa: E402
from lib.raw import RawClient  # noqa: E402
from lib.servers import (  # noqa: E402
    Cassandra, Cassandra4, Database, FerretDb, Keyspace, MariaDb, MongoDatabase, MongoJava, MySql, Pgsql, Redis)


# Files whose tests start servers of databases. The sanitizers run each acceptance case of them once,
# with the first of its parameters; everything runs against the release build.
ACCEPTANCE = {f"test_acceptance_{name}.py" for name in ("cassa", "mongo", "mysql", "pgsql", "redis")}
TROUBLE = {f"test_trouble_{name}.py" for name in ("cassa", "mongo", "mysql", "pgsql")}
WITH_SERVERS = ACCEPTANCE | TROUBLE | {"test_hostile_values.py", "test_redis_failover.py", "test_servers.py",
                                        "test_spool.py"}


def pytest_collection_modifyitems(items):
    items.sort(key=groups.place)
    for item in items:
        if item.path.name in WITH_SERVERS:
            item.add_marker("database")
        if item.path.name in ACCEPTANCE:
            parameters = getattr(item, "callspec", None)
            if parameters is None or not any(parameters.indices.values()):
                item.add_marker("acceptance")


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config, log):
    return groups.scheduler(config, log)


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    """Shows what the brokers said during a test that failed."""
    report = (yield).get_result()
    if report.failed:
        for broker in Broker.running:
            lines = broker.log().splitlines()
            shown = "\n".join(lines[-150:])
            report.sections.append((f"broker in {broker.folder}, last {min(150, len(lines))} lines", shown))


def make_factory(folder, brokers):
    def start(plugin=None, settings=None, started=True, **options):
        broker = Broker(folder / f"broker{len(brokers) + 1}", plugin, settings, **options)
        brokers.append(broker)
        return broker.start() if started else broker

    return start


def close_all(brokers):
    problems = []
    for broker in brokers:
        try:
            broker.close()
        except AssertionError as problem:
            problems.append(str(problem))
    assert not problems, "\n".join(problems)


@pytest.fixture
def start(tmp_path):
    """start(plugin, settings, ...): a broker of this test alone."""
    brokers = []
    yield make_factory(tmp_path, brokers)
    close_all(brokers)


@pytest.fixture
def broker(start):
    """A broker with the shipped configuration."""
    return start()


@pytest.fixture
def emqx(start):
    """A broker with the rules that EMQ X ships: fetch_from is earliest."""
    return start(conf.plugin(conf.EMQX))


@pytest.fixture(scope="module")
def shared(tmp_path_factory):
    """One broker with the shipped configuration for all tests of a file."""
    brokers = []
    yield make_factory(tmp_path_factory.mktemp("shared"), brokers)()
    close_all(brokers)


@pytest.fixture
def name(request):
    """A word for client identifiers and topics that no other test uses."""
    return re.sub(r"\W+", "_", request.node.name).strip("_")


@pytest.fixture
def opened():
    """opened(broker, version): a socket on which nothing was sent yet."""
    clients = []

    def make(broker, version=5, **options):
        clients.append(RawClient(broker.address, version, is_idle=broker.is_idle, **options))
        return clients[-1]

    yield make
    for client in clients:
        client.close()


@pytest.fixture
def connect(opened):
    """connect(broker, client_id, version, ...): a connected client; further options are CONNECT's."""

    def make(broker, client_id="", version=5, auto_ack=True, receive_buffer=None, **options):
        client = opened(broker, version, auto_ack=auto_ack, receive_buffer=receive_buffer)
        connack = client.connect(client_id, **options)
        assert connack.reason == 0, connack
        return client

    return make


@pytest.fixture
def paho():
    """paho(broker, client_id, version, ...): a connected client of another make."""
    clients = []

    def make(broker, client_id="", version=4, **options):
        clients.append(PahoClient(broker.address, client_id, version, **options))
        return clients[-1].connect()

    yield make
    for client in clients:
        client.stop()


# --- database servers: each starts with the first test that asks for it and serves the whole run


def serve(kind, factory):
    server = kind(factory.mktemp(kind.__name__.lower()))
    try:
        yield server.start()
    finally:
        server.remove()


@pytest.fixture(scope="session")
def redis_server(tmp_path_factory):
    yield from serve(Redis, tmp_path_factory)


@pytest.fixture(scope="session")
def mariadb_server(tmp_path_factory):
    yield from serve(MariaDb, tmp_path_factory)


@pytest.fixture(scope="session")
def mysql_server(tmp_path_factory):
    yield from serve(MySql, tmp_path_factory)


@pytest.fixture(scope="session")
def pgsql_server(tmp_path_factory):
    yield from serve(Pgsql, tmp_path_factory)


@pytest.fixture(scope="session")
def ferretdb_server(tmp_path_factory):
    yield from serve(FerretDb, tmp_path_factory)


@pytest.fixture(scope="session")
def mongojava_server(tmp_path_factory):
    yield from serve(MongoJava, tmp_path_factory)


@pytest.fixture(scope="session")
def cassandra_server(tmp_path_factory):
    yield from serve(Cassandra, tmp_path_factory)


@pytest.fixture(scope="session")
def cassandra4_server(tmp_path_factory):
    yield from serve(Cassandra4, tmp_path_factory)


DATABASES = itertools.count(1)


def database_on(server):
    """An empty one. It stays until the server is removed: a broker may still be connected."""
    server.start()  # the test before may have stopped, killed or paused it
    name = f"test{next(DATABASES)}"
    server.create_database(name)
    return Database(server, name)


@pytest.fixture
def redis_database(redis_server):
    """The server, empty."""
    with redis_server.start().client() as client:
        client.flushall()
    return redis_server


@pytest.fixture
def mariadb_database(mariadb_server):
    return database_on(mariadb_server)


@pytest.fixture
def mysql_database(mysql_server):
    return database_on(mysql_server)


@pytest.fixture
def pgsql_database(pgsql_server):
    return database_on(pgsql_server)


def mongo_database_on(server):
    server.start()
    database = MongoDatabase(server, f"test{next(DATABASES)}")
    yield database
    database.close()


@pytest.fixture
def ferretdb_database(ferretdb_server):
    yield from mongo_database_on(ferretdb_server)


@pytest.fixture
def mongojava_database(mongojava_server):
    yield from mongo_database_on(mongojava_server)


def keyspace_on(server):
    server.start()
    name = f"test{next(DATABASES)}"
    server.create_database(name)
    return Keyspace(server, name)


@pytest.fixture
def cassandra_database(cassandra_server):
    keyspace = keyspace_on(cassandra_server)
    yield keyspace
    keyspace.close()


@pytest.fixture
def cassandra4_database(cassandra4_server):
    keyspace = keyspace_on(cassandra4_server)
    yield keyspace
    keyspace.close()
