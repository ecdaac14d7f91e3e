"""The database servers of the tests, and tools/servers as a developer uses it."""

import os
import re
import subprocess
import threading
from contextlib import closing

import pytest
import redis
from lib.broker import ROOT
from lib.servers import Redis
from lib.wait import until_equal

SQL = ["mariadb_database", "mysql_database", "pgsql_database"]


@pytest.fixture(params=SQL)
def database(request):
    return request.getfixturevalue(request.param)


def test_each_test_gets_an_empty_database(database):
    database.script("create table t(a int); insert into t values (1); insert into t values (2)")
    assert database.sql("select a from t where a > %s", 1) == [(2,)]


def test_what_was_committed_survives_a_kill(database):
    database.script("create table t(a int)")
    database.sql("insert into t values (%s)", 7)
    port = database.server.port
    database.server.kill()
    assert not database.server.is_running()
    database.server.start()
    assert database.server.port == port
    assert database.sql("select a from t") == [(7,)]


def test_a_paused_server_answers_after_it_is_resumed(database):
    answers = []
    with closing(database.connect()) as connection, connection.cursor() as cursor:
        database.server.pause()
        asking = threading.Thread(target=lambda: answers.append(cursor.execute("select 1")))
        asking.start()
        asking.join(0.3)
        assert asking.is_alive()
        database.server.resume()
        asking.join(20)
        assert answers


def test_redis_keeps_what_it_acknowledged(redis_database):
    redis_database.client().set("key", "value")
    redis_database.kill()
    redis_database.start()
    assert redis_database.client().get("key") == b"value"


def test_the_database_of_redis_is_empty(redis_database):
    assert redis_database.client().dbsize() == 0


def test_redis_with_user_and_tls_refuses_others(tmp_path):
    server = Redis(tmp_path / "redis", username="mqtt", password="secret", tls=True).start()
    try:
        assert server.client().ping()
        server.password = "wrong"
        with pytest.raises(redis.ResponseError, match="WRONGPASS"):
            server.client().ping()
        with pytest.raises((redis.ConnectionError, redis.TimeoutError)):
            redis.Redis(server.host, server.port, socket_timeout=5).ping()
    finally:
        server.remove()


# --- tools/servers


class Tool:
    def __init__(self, folder):
        self.environment = os.environ | {"KEEPMQ_SERVERS_DIR": str(folder)}

    def run(self, *words):
        return subprocess.run([ROOT / "tools" / "servers", *words], env=self.environment, capture_output=True,
                              text=True, timeout=120, check=False)

    def __call__(self, *words, code=0):
        done = self.run(*words)
        assert done.returncode == code, (words, done.stdout, done.stderr)
        return done.stdout + done.stderr


@pytest.fixture
def tool(tmp_path):
    tool = Tool(tmp_path / "servers")
    yield tool
    tool("down")


def address_in(exports, name):
    return re.search(rf"export KEEPMQ_TEST_{name}=127.0.0.1:(\d+)\n", exports)


def test_a_server_stays_until_it_is_taken_down(tool):
    assert "redis: started at 127.0.0.1:" in tool("up", "redis")
    port = int(address_in(tool("env"), "REDIS").group(1))
    client = redis.Redis("127.0.0.1", port)
    assert client.config_get("appendfsync") == {"appendfsync": "always"}
    assert "redis: runs already at" in tool("up", "redis")
    assert client.ping()
    assert f"redis: 127.0.0.1:{port} pid" in tool("status", "redis")
    assert "redis: stopped" in tool("down", "redis")
    with pytest.raises(redis.ConnectionError):
        client.ping()
    assert "redis: does not run" in tool("status", "redis", code=1)
    assert tool("env") == ""


def test_a_server_that_died_is_started_anew(tool):
    tool("up", "redis")
    pid = int(re.search(r"pid (\d+)", tool("status", "redis")).group(1))
    os.kill(pid, 9)
    until_equal(lambda: tool.run("status", "redis").returncode, 1)
    assert "redis: started" in tool("up", "redis")


def test_an_unknown_name_is_refused(tool):
    assert "no server \"oracle\"; there are: redis" in tool("up", "oracle", code=2)
