"""`keepmq check` and `keepmq schema`: mistakes are found before the start, with file, line and a hint."""

import pytest

from lib import conf

POOL = "backend.sqlite.pool1.file = keepmq.db\n"
HOOK = "backend.sqlite.hook."
FETCH = '{"action": {"function": "on_message_fetch"}, "pool": "pool1"'


def sql(text, hook="message.publish.1"):
    return f'{HOOK}{hook} = {{"action": {{"sql": ["{text}"]}}, "pool": "pool1"}}'


def function(name, hook, more=""):
    return f'{HOOK}{hook} = {{"action": {{"function": "{name}"}}, "pool": "pool1"{more}}}'


# The wrong line is line 2 of the plugin's file: (line, words of the message).
PLUGIN_MISTAKES = {
    "no equals sign": ("backend.sqlite.pool1", ["="]),
    "unknown function": (function("on_message_publsh", "message.publish.1"), ["on_message_publsh", "on_message_publish"]),
    "function of another hook": (function("on_message_fetch", "message.publish.1"), ["session.subscribed"]),
    "unknown pool": (f'{HOOK}message.publish.1 = {{"action": {{"function": "on_message_publish"}}, "pool": "pool2"}}',
                     ["pool2", "pool1"]),
    "no pool": (f'{HOOK}message.publish.1 = {{"action": {{"function": "on_message_publish"}}}}', ["pool"]),
    "no action": (f'{HOOK}message.publish.1 = {{"pool": "pool1"}}', ["action"]),
    "unknown hook": (function("on_message_publish", "message.publsh.1"), ["message.publsh", "message.publish"]),
    "no number": (function("on_message_publish", "message.publish"), ["number"]),
    "not JSON": (f"{HOOK}message.publish.1 = {{'action': 1}}", ["JSON", "column", "double quotes"]),
    "JSON that ends too early": (f'{HOOK}message.publish.1 = {{"action": {{', ["JSON"]),
    "not an object": (f"{HOOK}message.publish.1 = 7", ["object"]),
    "wrong filter": (function("on_message_publish", "message.publish.1", ', "topic": "a/#/b"'), ["a/#/b"]),
    "shared filter": (function("on_message_publish", "message.publish.1", ', "topic": "$share/g/a"'), ["shar"]),
    "unknown variable": (sql("insert into t values(${clientd})"), ["clientd", "clientid"]),
    "variable without a value there": (sql("insert into t values(${payload})", "client.connected.1"), ["payload"]),
    "variable glued to text": (sql("insert into t values('x${topic}')"), ["topic"]),
    "variable that is not closed": (sql("insert into t values(${topic)"), ["${"]),
    "commands instead of sql": (f'{HOOK}message.publish.1 = {{"action": {{"commands": ["SET a b"]}}, "pool": "pool1"}}',
                                ["sql"]),
    "empty list of statements": (f'{HOOK}message.publish.1 = {{"action": {{"sql": []}}, "pool": "pool1"}}', ["sql"]),
    "two actions": (f'{HOOK}message.publish.1 = {{"action": {{"sql": ["x"], "function": "y"}}, "pool": "pool1"}}',
                    ["action"]),
    "time range": (f'{HOOK}session.subscribed.1 = {FETCH}, "offline_opts": {{"time_range": "2 weeks"}}}}', ["time_range"]),
    "count": (f'{HOOK}session.subscribed.1 = {FETCH}, "offline_opts": {{"max_returned_count": -1}}}}',
              ["max_returned_count"]),
    "fetch_from": (f'{HOOK}session.subscribed.1 = {FETCH}, "fetch_from": "newest"}}', ["fetch_from", "latest"]),
    "durability": (function("on_message_publish", "message.publish.1", ', "durability": "disk"'), ["durability", "commit"]),
    "deliver": (function("on_message_publish", "message.publish.1", ', "deliver": "later"'), ["deliver", "immediate"]),
    "synchronous": ("backend.sqlite.pool1.synchronous = sometimes", ["sometimes", "full"]),
    "pool size": ("backend.sqlite.pool1.pool_size = many", ["many"]),
    "plugin-wide count": ("backend.sqlite.max_returned_count = none", ["max_returned_count"]),
    "plugin-wide time": ("backend.sqlite.time_range = soon", ["time_range"]),
}

# A line at the end of keepmq.conf.
CONF_MISTAKES = {
    "unknown key": ("mqtt.max_paket_size = 1MB", ["unknown key", "mqtt.max_packet_size"]),
    "not a size": ("mqtt.max_packet_size = big", ["big"]),
    "out of range": ("mqtt.max_qos_allowed = 3", ["from 0 to 2"]),
    "not a duration": ("zone.external.idle_timeout = soon", ["soon"]),
    "not on or off": ("mqtt.retain_available = maybe", ["maybe"]),
    "not an address": ("listener.tcp.second = somewhere", ["somewhere"]),
    "the same address twice": ("listener.tcp.second = localhost:1883", ["address"]),
    "no equals sign": ("mqtt.max_packet_size", ["="]),
    "closed door": ("allow_anonymous = false", ["allow_anonymous"]),
    "unknown word": ("broker.shared_subscription_strategy = fair", ["round_robin"]),
    "unknown log level": ("log.level = loud", ["loud"]),
    "listener without address": ("listener.tcp.second.max_connections = 5", ["address", "listener.tcp.second"]),
    "half a login": ("dashboard.default_user.password = x", ["login"]),
    "key of a plugin": ("backend.sqlite.pool1.file = x.db", ["plugins/emqx_backend_sqlite.conf"]),
    "key of nobody": ("quite.else = 1", ["docs/configuration.md"]),
}


@pytest.fixture
def unstarted(start):
    broker = start(started=False)
    broker.settings = {}
    return broker


@pytest.mark.parametrize("case", PLUGIN_MISTAKES)
def test_mistakes_of_a_plugin_file(unstarted, case):
    line, words = PLUGIN_MISTAKES[case]
    unstarted.write_plugin(f"{POOL}{line}\n")
    done = unstarted.run("check")
    assert done.returncode == 1, done
    errors = [each for each in done.stderr.splitlines() if "error: " in each]
    assert len(errors) == 1, done.stderr
    assert errors[0].startswith(f"{unstarted.plugin_conf}:2: error: "), done.stderr
    assert all(word in errors[0] for word in words), (words, errors[0])
    assert "configuration has errors" in done.stdout


@pytest.mark.parametrize("case", CONF_MISTAKES)
def test_mistakes_of_keepmq_conf(unstarted, case):
    line, words = CONF_MISTAKES[case]
    before = unstarted.conf.read_text()
    unstarted.conf.write_text(f"{before}{line}\n")
    done = unstarted.run("check")
    assert done.returncode == 1, done
    number = len(before.splitlines()) + 1
    errors = [each for each in done.stderr.splitlines() if "error: " in each]
    assert len(errors) == 1 and errors[0].startswith(f"{unstarted.conf}:{number}: error: "), done.stderr
    assert all(word in errors[0] for word in words), (words, errors[0])
    started = unstarted.run("start")
    assert started.returncode == 1 and errors[0] in started.stderr


def test_all_mistakes_at_once(unstarted):
    lines = [line for line, _ in PLUGIN_MISTAKES.values()]
    # One number for each, so that none replaces another.
    lines = [line.replace(".1 = ", f".{number} = ", 1) for number, line in enumerate(lines, 2)]
    unstarted.write_plugin(POOL + "\n".join(lines) + "\n")
    done = unstarted.run("check")
    errors = [each for each in done.stderr.splitlines() if "error: " in each]
    assert done.returncode == 1
    found = {int(each.removeprefix(f"{unstarted.plugin_conf}:").split(":")[0]) for each in errors}
    assert found == set(range(2, len(lines) + 2)), done.stderr


def test_mistakes_of_all_files_at_once(unstarted):
    with unstarted.conf.open("a") as file:
        file.write("mqtt.max_qos_allowed = 3\nplugins.loaded = emqx_backend_sqlite, emqx_backend_nothing\n")
    line = len(unstarted.conf.read_text().splitlines())
    unstarted.write_plugin(f'{POOL}{function("on_message_publsh", "message.publish.1")}\n')
    unstarted.plugin_conf_of("redis").write_text("backend.redis.pool1.server\n")
    done = unstarted.run("check")
    errors = [each.split(": error: ")[0] for each in done.stderr.splitlines() if "error: " in each]
    assert done.returncode == 1
    assert set(errors) == {f"{unstarted.conf}:{line - 1}", f"{unstarted.conf}:{line}", f"{unstarted.plugin_conf}:2",
                           f"{unstarted.plugin_conf_of('redis')}:1"}, done.stderr


def test_a_loaded_plugin_needs_its_file(unstarted):
    unstarted.plugin_conf.unlink()
    done = unstarted.run("check")
    assert done.returncode == 1 and f"{unstarted.plugin_conf}: error: " in done.stderr, done


def test_a_remembered_plugin_that_the_program_lacks(unstarted):
    unstarted.data.mkdir()
    (unstarted.data / "loaded_plugins").write_text("emqx_backend_sqlite\nemqx_backend_nothing\n")
    done = unstarted.run("check")
    assert done.returncode == 1 and f"{unstarted.data}/loaded_plugins: error: " in done.stderr, done


def test_the_shipped_configuration_is_good(unstarted):
    done = unstarted.run("check")
    assert (done.returncode, done.stderr) == (0, "")
    assert "configuration is good" in done.stdout
    for words in ("client.connected.1 -> on_client_connected -> pool1",
                  "message.publish.1 # -> on_message_publish (acknowledged when committed) -> pool1",
                  "session.subscribed.1 # -> on_message_fetch (from latest) -> pool1",
                  "?1 = ${clientid}, ?2 = ${topic}"):
        assert words in done.stdout, done.stdout
    assert not unstarted.database.exists()


@pytest.mark.parametrize("line, words", [
    ("backend.sqlite.pool1.sychronous = full", ["sychronous", "synchronous"]),
    ("backend.mysql.pool1.server = x", ["backend.sqlite."]),
    (sql("insert into t values('${topic}')"), ["quote"]),
    (POOL.strip(), ["again"]),
    (function("on_message_publish", "message.publish.1", ', "topik": "#"'), ["topik", "topic"]),
    (f'{HOOK}session.subscribed.1 = {FETCH}}}\n{HOOK}session.subscribed.2 = {FETCH}}}', ["remove one of the two"]),
])
def test_warnings_do_not_fail(unstarted, line, words):
    unstarted.write_plugin(f"{POOL}{line}\n")
    done = unstarted.run("check")
    assert done.returncode == 0, done
    warnings = [each for each in done.stderr.splitlines() if "warning: " in each]
    assert len(warnings) == 1 and all(word in warnings[0] for word in words), done.stderr
    assert warnings[0].startswith(f"{unstarted.plugin_conf}:"), done.stderr


def test_two_pools_for_one_topic(unstarted):
    unstarted.write_plugin(conf.plugin({
        "message.publish.1": conf.function("on_message_publish", "#", pool="pool1"),
        "session.subscribed.1": conf.function("on_message_fetch", "a/#", pool="pool2"),
    }, {"pool1": {}, "pool2": {"file": "other.db"}}))
    done = unstarted.run("check")
    assert done.returncode == 1 and "one pool" in done.stderr


def test_statements_are_tried_before_the_first_start(unstarted):
    """As far as that is possible: nobody knows which tables there will be."""
    unstarted.write_plugin(conf.plugin({"message.publish.4": conf.sql("insert into later values(${topic})"),
                                        "message.publish.5": conf.sql("insrt into mqtt_msg values(${topic})"),
                                        "message.publish.6": conf.sql("select 1; select 2"),
                                        "message.publish.7": conf.sql("begin")}))
    done = unstarted.run("check")
    errors = [each for each in done.stderr.splitlines() if "error: " in each]
    assert done.returncode == 1
    for number, words in enumerate(["syntax error", "more than one statement", "transactions"], 3):
        assert f":{number}: error: " in errors[number - 3] and words in errors[number - 3]
    assert not unstarted.database.exists()


def test_statements_are_tried_in_the_database(broker):
    """Where there is one: the database's own words, and the rule that they belong to."""
    broker.write_plugin(conf.plugin({"message.publish.4": conf.sql("insert into nowhere values(${topic})"),
                                     "message.publish.5": conf.sql("insrt into mqtt_msg values(${topic})")}))
    done = broker.run("check")
    assert done.returncode == 1
    errors = [each for each in done.stderr.splitlines() if "error: " in each]
    assert len(errors) == 2
    assert "no such table: nowhere" in errors[0] and ":2: error: " in errors[0]
    assert "syntax error" in errors[1] and ":3: error: " in errors[1]


# --- schema


def test_schema(unstarted):
    shown = unstarted.run("schema", "show", "sqlite", "pool1")
    assert shown.returncode == 0
    tables = ("mqtt_client", "mqtt_sub", "mqtt_msg", "mqtt_retain", "mqtt_acked")
    assert all(f"create table if not exists {table}" in shown.stdout for table in tables)
    missing = unstarted.run("schema", "check", "sqlite", "pool1")
    assert missing.returncode == 1 and "not complete" in missing.stdout
    created = unstarted.run("schema", "create", "sqlite", "pool1")
    assert created.returncode == 0 and "schema is complete" in created.stdout
    assert {row[0] for row in unstarted.rows("select name from sqlite_master where type = 'table'")} >= set(tables)
    again = unstarted.run("schema", "create", "sqlite", "pool1")
    assert again.returncode == 0
    unstarted.execute("drop table mqtt_acked; alter table mqtt_msg drop column sender;")
    broken = unstarted.run("schema", "check", "sqlite", "pool1")
    assert broken.returncode == 1
    assert "mqtt_acked" in broken.stdout and "sender" in broken.stdout


@pytest.mark.parametrize("arguments, code", [
    ([], 2), (["show"], 2), (["show", "sqlite"], 2), (["show", "mongodb", "pool1"], 2),
    (["explain", "sqlite", "pool1"], 2), (["show", "sqlite", "pool7"], 1),
])
def test_schema_command_line(unstarted, arguments, code):
    done = unstarted.run("schema", *arguments)
    assert done.returncode == code and done.stderr, done


def test_missing_tables_keep_the_plugin_out(start, connect):
    """Without auto_create_schema; the broker starts, names the tables and the command."""
    broker = start(conf.plugin(conf.EMQX, {"pool1": {"auto_create_schema": "off"}}))
    assert "keepmq schema create sqlite pool1" in broker.log()
    plugin, = [each for each in broker.api("/plugins")[0]["plugins"] if each["name"] == "emqx_backend_sqlite"]
    assert plugin["active"] is False and plugin["error"]
    connect(broker, "c").publish("t", b"x", qos=1)
    assert broker.run("schema", "create", "sqlite", "pool1").returncode == 0
    broker.ctl("plugins", "load", "emqx_backend_sqlite")
    connect(broker, "c").publish("t", b"x", qos=1)
    assert broker.value("select count(*) from mqtt_msg") == 1


def test_tables_of_an_older_installation_are_used(start, connect):
    """The columns that EMQ X documents are enough; nothing is altered."""
    broker = start(conf.plugin(conf.EMQX), started=False)
    broker.data.mkdir()
    script = """
        create table mqtt_client(id integer primary key, clientid varchar(64), state varchar(3), node varchar(64),
            online_at datetime, offline_at datetime, created timestamp default current_timestamp);
        create table mqtt_sub(id integer primary key, clientid varchar(64), topic varchar(180), qos tinyint(1),
            created timestamp default current_timestamp);
        create table mqtt_msg(id integer primary key, msgid varchar(64), topic varchar(180) not null,
            sender varchar(64), node varchar(64), qos tinyint(1) not null default 0, retain tinyint(1), payload blob,
            arrived datetime not null);
        create table mqtt_retain(id integer primary key, topic varchar(180), msgid varchar(64), sender varchar(64),
            node varchar(64), qos tinyint(1), payload blob, arrived timestamp default current_timestamp);
        create table mqtt_acked(id integer primary key, clientid varchar(64), topic varchar(180), mid int,
            created timestamp);
        insert into mqtt_msg(msgid, topic, sender, qos, retain, payload, arrived)
            values('5AC1A78431C3EF44200000C740001', 't', 'old', 1, 0, 'from before', '2020-08-05 05:16:10');
    """
    broker.execute(script)
    broker.start()
    client = connect(broker, "c")
    client.subscribe("t", qos=1)
    assert client.message().payload == b"from before"
    client.publish("t", b"new", qos=1, retain=True, props={"content_type": "text/plain"})
    assert client.message().payload == b"new"
    broker.settle()
    assert broker.rows("select mid from mqtt_acked") == [(2,)]
    assert broker.rows("select payload from mqtt_retain") == [(b"new",)]
    assert broker.rows("select count(*) from sqlite_master where sql like '%properties%'") == [(0,)]


def test_plugins_that_are_not_loaded_are_in_nobodys_way(start):
    """Each kind of database ships a file, and all of them keep all topics."""
    everything = "backend.mysql.pool1.server = 127.0.0.1:1\n" \
                 'backend.mysql.hook.message.publish.1 = ' \
                 '{"topic": "#", "action": {"function": "on_message_publish"}, "pool": "pool1"}\n'
    broker = start(conf.plugin(conf.EMQX), started=False)
    broker.write_plugin(everything, "mysql")
    done = broker.run("check")
    assert done.returncode == 0, done.stderr
    assert "emqx_backend_mysql.conf, not loaded)" in done.stdout
    broker.settings["plugins.loaded"] = "emqx_backend_sqlite,emqx_backend_mysql"
    done = broker.run("check")
    assert done.returncode != 0 and "covers the same topics" in done.stderr
