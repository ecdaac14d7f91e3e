"""The databases behind one face, read by their own drivers, for tests that expect the same of each.
Whatever is text comes back as bytes, as it lies in the database."""

import itertools
import json
import re
import sqlite3
from contextlib import closing
from dataclasses import dataclass

from lib.conf import commands, cql, document, sql
from lib.hostile import is_text, is_utf8

LITERAL = "? $1 :x %s @y"  # a text of the user's statement: no placeholders in it
CANARY = ["canary", "'; --", "\\"]


@dataclass(frozen=True)
class Stored:
    sender: bytes
    payload: bytes
    qos: int
    properties: object  # JSON or None


class Store:
    """`kind` is that of the plugin file; `pool` are the properties of its pool."""

    kind = None
    pool = None
    wide_rules = None  # keep everything of a message, in several statements
    narrow_rules = None  # something that cannot hold every message
    client_rules = None  # name of the hook -> rule

    def prepare(self, broker):
        """Makes all tables, the user's ones, and a canary."""

    def messages(self):
        """topic -> Stored"""

    def retained(self):
        """topic -> Stored"""

    def presence(self):
        """client -> whether online"""

    def read_by(self, client, topics):
        """Those of the topics of which the position of the client is the newest message."""

    def subscribe(self, entries):
        """(client, filter) pairs: what the broker subscribes clients to."""

    def wide(self):
        """Members of a message as the wide rules keep them."""

    def narrow(self):
        """topic -> payload"""

    def refuses(self, value):
        """What the narrow rule's errors may be (patterns); empty if it can keep the value."""

    def bound(self, value):
        """What the narrow rule binds."""
        return [value.topic.encode(), value.payload]

    def seen(self):
        """(hook, client, text), as the client rules keep them"""

    def assert_holds(self, messages=(), retained=(), clients=(), subscriptions=(), positions=(), wide=(), narrow=(),
                     seen=0):
        """That much and nothing else, and the canary is alive."""


class SqlStore(Store):
    text = "text"
    blob = "bytea"
    msgid = "varchar(20)"

    wide_rules = {
        "message.publish.1": sql(
            "insert into wide (msgid, topic, payload, clientid, username, hex, base64, note) values (${msgid}, "
            "${topic}, ${payload}, ${clientid}, ${username}, ${payload.hex}, ${payload.base64}, '%s')" % LITERAL,
            "insert into trail (msgid, topic) values ('${msgid}', '${topic}')",
            "update wide set found = 1 where msgid = ${msgid} and topic = ${topic} and clientid = ${clientid}")}
    client_rules = {
        hook + ".9": sql(f"insert into seen (hook, client, what) values ('{hook}', ${{clientid}}, ${{{what}}})")
        for hook, what in [("client.connected", "username"), ("client.disconnected", "username"),
                           ("session.subscribed", "topic"), ("session.unsubscribed", "topic"),
                           ("message.delivered", "topic"), ("message.acked", "topic")]}

    def sql(self, text, *values):
        raise NotImplementedError

    def insert(self, text, rows):
        """Values are %s."""
        raise NotImplementedError

    def tables(self):
        """name -> columns with types, of all tables"""
        raise NotImplementedError

    def as_bytes(self, column):
        raise NotImplementedError

    def prepare(self, broker):
        done = broker.run("schema", "create", self.kind, "pool1")
        assert done.returncode == 0, done.stdout + done.stderr
        for table in (
                f"wide (msgid {self.msgid} primary key, topic {self.text}, payload {self.blob}, clientid {self.text}, "
                f"username {self.text}, hex {self.long}, base64 {self.long}, note {self.text}, found int)",
                f"trail (msgid {self.msgid}, topic {self.text})", f"narrow ({self.narrow_columns})",
                f"seen (hook varchar(40), client {self.text}, what {self.text})", f"canary (word {self.text})"):
            self.sql(f"create table {table}")
        self.insert("insert into canary (word) values (%s)", [(each,) for each in CANARY])
        self.made = self.tables()

    def select(self, table, *columns, where="1 = 1"):
        """A column in brackets is text."""
        chosen = [self.as_bytes(each[1:-1]) if each[0] == "[" else each for each in columns]
        return self.sql(f"select {', '.join(chosen)} from {table} where {where}")

    def messages(self):
        return self._stored("mqtt_msg")

    def retained(self):
        return self._stored("mqtt_retain")

    def _stored(self, table):
        rows = self.select(table, "[topic]", "[sender]", "payload", "qos", "[properties]")
        found = {topic: Stored(sender, payload, qos, properties) for topic, sender, payload, qos, properties in rows}
        assert len(found) == len(rows)
        return found

    def presence(self):
        return {client: int(state) == 1 for client, state in self.select("mqtt_client", "[clientid]", "state")}

    def read_by(self, client, topics):
        newest = dict(self.sql(f"select {self.as_bytes('topic')}, id from mqtt_msg"))
        rows = self.select("mqtt_acked", "[clientid]", "[topic]", "mid")
        read = {topic for each, topic, mid in rows if each == client and mid == newest.get(topic)}
        return read & set(topics)

    def subscribe(self, entries):
        self.insert("insert into mqtt_sub (clientid, topic, qos) values (%s, %s, 1)", entries)

    def wide(self):
        assert sorted(self.select("wide", "[msgid]", "[topic]")) == sorted(self.select("trail", "[msgid]", "[topic]"))
        columns = ("[topic]", "payload", "[clientid]", "[username]", "[hex]", "[base64]")
        rows = self.select("wide", *columns, where="found = 1")
        assert {row[0] for row in self.select("wide", "[note]")} <= {LITERAL.encode()}
        return rows

    def narrow(self):
        rows = self.select("narrow", "[topic]", "[payload]")
        assert len(dict(rows)) == len(rows)
        return dict(rows)

    def refuses(self, value):
        too_long = len(value.topic) > 40
        return [self.too_long] * too_long + [self.not_text] * (not self.holds(value.payload))

    def holds(self, payload):
        """Whether a text column does."""
        return is_text(payload)

    def seen(self):
        return self.select("seen", "[hook]", "[client]", "[what]")

    def assert_holds(self, messages=(), retained=(), clients=(), subscriptions=(), positions=(), wide=(), narrow=(),
                     seen=0):
        wanted = {"mqtt_msg": len(messages), "mqtt_retain": len(retained), "mqtt_client": len(clients),
                  "mqtt_sub": len(subscriptions), "mqtt_acked": len(positions), "wide": len(wide), "trail": len(wide),
                  "narrow": len(narrow), "seen": seen, "canary": len(CANARY)}
        assert self.tables() == self.made
        assert {table: self.sql(f"select count(*) from {table}")[0][0] for table in self.made} == wanted
        assert sorted(self.select("canary", "[word]")) == sorted((each.encode(),) for each in CANARY)


class SqliteStore(SqlStore):
    kind = "sqlite"
    blob = "blob"
    long = "text"
    narrow_columns = "topic text not null check (length(topic) <= 40), payload text not null"
    narrow_rules = {"message.publish.2": sql("insert into narrow (topic, payload) values (${topic}, ${payload.text})")}
    too_long = "CHECK constraint failed"
    not_text = "NOT NULL constraint failed: narrow.payload"

    def __init__(self, folder):
        self.file = folder / "hostile.db"
        self.pool = {"file": str(self.file)}

    def bound(self, value):
        return [value.topic.encode(), value.payload if is_text(value.payload) else None]

    def sql(self, text, *values):
        with closing(sqlite3.connect(self.file, timeout=20)) as connection, connection:
            return connection.execute(text, values).fetchall()

    def insert(self, text, rows):
        with closing(sqlite3.connect(self.file, timeout=20)) as connection, connection:
            connection.executemany(text.replace("%s", "?"), rows)

    def tables(self):
        return dict(self.sql("select name, sql from sqlite_master where type = 'table' and name not like 'sqlite_%'"))

    def as_bytes(self, column):
        return f"cast({column} as blob)"


class ServerStore(SqlStore):
    narrow_rules = {"message.publish.2": sql("insert into narrow (topic, payload) values (${topic}, ${payload})")}

    def __init__(self, database):
        self.database = database
        self.pool = database.pool

    def sql(self, text, *values):
        return self.database.sql(text, *values)

    def insert(self, text, rows):
        with closing(self.database.connect()) as connection, connection.cursor() as cursor:
            cursor.executemany(text, rows)

    def tables(self):
        rows = self.sql("select table_name, column_name, data_type from information_schema.columns "
                        f"where table_schema = {self.schema} order by 1, ordinal_position")
        return {table: list(columns) for table, columns in itertools.groupby(rows, key=lambda row: row[0])}


class MySqlStore(ServerStore):
    kind = "mysql"
    text = "text character set utf8mb4 collate utf8mb4_bin"
    blob = "longblob"
    msgid = "varchar(20) character set ascii collate ascii_bin"
    long = "longtext"
    schema = "database()"
    narrow_columns = "topic varchar(40) character set utf8mb4, payload text character set utf8mb4"
    too_long = "Data too long for column '(topic|payload)'"
    not_text = "Incorrect string value: .* for column .*payload"

    def as_bytes(self, column):
        return f"cast({column} as binary)"


    def refuses(self, value):
        longest = 65535  # bytes of the column of the payload
        return super().refuses(value) + [self.too_long] * (len(value.payload) > longest)

    def holds(self, payload):
        return is_utf8(payload)


class MariaDbStore(MySqlStore):
    def holds(self, payload):
        return is_utf8(payload, "surrogatepass")  # it takes them for characters


class PgsqlStore(ServerStore):
    kind = "pgsql"
    long = "text"
    schema = "'public'"
    narrow_columns = "topic varchar(40), payload text"
    too_long = r"value too long for type character varying\(\d+\)"
    not_text = "invalid byte sequence for encoding|has a zero byte"

    def as_bytes(self, column):
        return f"convert_to({column}, 'UTF8')"


class CassandraStore(SqlStore):
    kind = "cassa"
    not_text = "not fit into a column of type ascii"
    wide_rules = {
        "message.publish.1": cql(
            "insert into wide (msgid, topic, payload, clientid, username, hex, base64, note) values (${msgid}, "
            "${topic}, ${payload}, ${clientid}, ${username}, ${payload.hex}, ${payload.base64}, '%s')" % LITERAL,
            "insert into trail (msgid, topic) values ('${msgid}', '${topic}')",
            "update wide set found = 1 where msgid = ${msgid}")}
    narrow_rules = {"message.publish.2": cql("insert into narrow (topic, payload) values (${topic}, ${payload})")}
    client_rules = {
        key: cql(rule["action"]["sql"][0].replace("(hook,", "(id, hook,").replace("values (", "values (uuid(), "))
        for key, rule in SqlStore.client_rules.items()}
    own = {"mqtt_msg": "msg", "mqtt_retain": "retain", "mqtt_client": "client", "mqtt_sub": "sub",
           "mqtt_acked": "acked"}

    def __init__(self, keyspace):
        self.database = keyspace
        self.pool = keyspace.pool

    def sql(self, text, *values):
        for long, short in self.own.items():
            text = text.replace(long, short)
        return self.database.cql(text, *values)

    def select(self, table, *columns, where=""):
        """All are text but blobs and numbers."""
        chosen = ", ".join(each.strip("[]") for each in columns)
        rows = self.sql(f"select {chosen} from {table} {where and f'where {where} allow filtering'}")
        return [tuple(each.encode() if isinstance(each, str) else each for each in row) for row in rows]

    def insert(self, text, rows):
        for row in rows:
            self.sql(text, *row)

    def tables(self):
        rows = self.sql("select table_name, column_name, type from system_schema.columns where keyspace_name = %s",
                        self.database.name)
        long = {short: name for name, short in self.own.items()}
        found = {}
        for table, column, kind in rows:
            found.setdefault(long.get(table, table), {})[column] = kind
        return found

    def prepare(self, broker):
        done = broker.run("schema", "create", self.kind, "pool1")
        assert done.returncode == 0, done.stdout + done.stderr
        for table in ("wide (msgid text primary key, topic text, payload blob, clientid text, username text, hex text, "
                      "base64 text, note text, found int)", "trail (msgid text primary key, topic text)",
                      "narrow (topic text primary key, payload ascii)", "canary (word text primary key)",
                      "seen (id uuid primary key, hook text, client text, what text)"):
            self.sql(f"create table {table}")
        self.insert("insert into canary (word) values (%s)", [(each,) for each in CANARY])
        self.made = self.tables()

    def as_bytes(self, column):
        return column

    def read_by(self, client, topics):
        newest = {topic: msgid for topic, msgid in sorted(self.select("mqtt_msg", "topic", "msgid"))}
        rows = self.select("mqtt_acked", "clientid", "topic", "msgid")
        read = {topic for each, topic, msgid in rows if each == client and msgid == newest.get(topic)}
        return read & set(topics)

    def refuses(self, value):
        return [] if max(value.payload, default=0) < 128 else [self.not_text]


class RedisStore(Store):
    kind = "redis"
    not_text = "not an integer"
    wide_rules = {
        "message.publish.1": commands(
            "HSET wide:${msgid} topic ${topic} payload ${payload} clientid ${clientid} username ${username} "
            "hex ${payload.hex} base64 ${payload.base64} note ?$1:x%s{topic}",
            "SET last:${topic} ${payload}",
            "RPUSH trail:${clientid} ${topic}")}
    narrow_rules = {"message.publish.2": commands("HINCRBY narrow ${topic} ${payload}")}
    client_rules = {
        hook + ".9": commands(f"RPUSH seen {hook} ${{clientid}} ${{{what}}}")
        for hook, what in [("client.connected", "username"), ("client.disconnected", "username"),
                           ("session.subscribed", "topic"), ("session.unsubscribed", "topic"),
                           ("message.delivered", "topic"), ("message.acked", "topic")]}

    def __init__(self, server):
        self.server = server
        self.client = server.client()
        self.pool = {"server": server.address}

    def prepare(self, broker):
        self.client.rpush("canary", *CANARY)

    def _hashes(self, pattern):
        keys = [key for key in self.client.scan_iter(pattern, 1000) if self.client.type(key) == b"hash"]
        return {key: self.client.hgetall(key) for key in keys}

    def messages(self):
        catalogue = self.client.zrange("keepmq:topics", 0, -1)
        found = {}
        for topic in catalogue:  # topics without messages stay in it for a while
            ids = self.client.zrange(b"mqtt:msg:" + topic, 0, -1)
            assert len(ids) < 2
            found |= {topic: self._stored(topic, self.client.hgetall(b"mqtt:msg:" + each)) for each in ids}
        return found

    def retained(self):
        catalogue = self.client.zrange("keepmq:retained", 0, -1)
        return {topic: self._stored(topic, self.client.hgetall(b"mqtt:retain:" + topic)) for topic in catalogue}

    @staticmethod
    def _stored(topic, fields):
        assert fields[b"topic"] == topic
        return Stored(fields[b"from"], fields[b"payload"], int(fields[b"qos"]), fields.get(b"properties"))

    def presence(self):
        prefix = b"mqtt:client:"
        return {key[len(prefix):]: fields[b"state"] == b"1" for key, fields in self._hashes("mqtt:client:*").items()}

    def read_by(self, client, topics):
        return {topic for topic in topics if [self.client.get(b"mqtt:acked:" + client + b":" + topic)]
                == self.client.zrange(b"mqtt:msg:" + topic, 0, -1)}

    def subscribe(self, entries):
        for client, topic in entries:
            self.client.hset("mqtt:sub:" + client, topic, 1)

    def wide(self):
        hashes = self._hashes("wide:*").values()
        for each in hashes:
            assert self.client.get(b"last:" + each[b"topic"]) == each[b"payload"]
            assert each[b"note"] == b"?$1:x%s{topic}"
        trail = sorted(topic for key in self.client.scan_iter("trail:*") for topic in self.client.lrange(key, 0, -1))
        assert trail == sorted(each[b"topic"] for each in hashes)
        names = (b"topic", b"payload", b"clientid", b"username", b"hex", b"base64")
        return [tuple(each[name] for name in names) for each in hashes]

    def narrow(self):
        return self.client.hgetall("narrow")

    def refuses(self, value):
        return [] if re.fullmatch(rb"0|-?[1-9][0-9]{0,17}", value.payload) else [self.not_text]

    def seen(self):
        found = self.client.lrange("seen", 0, -1)
        return list(zip(found[::3], found[1::3], found[2::3]))

    def assert_holds(self, messages=(), retained=(), clients=(), subscriptions=(), positions=(), wide=(), narrow=(),
                     seen=0):
        ids = [each.decode() for topic in messages for each in self.client.zrange(b"mqtt:msg:" + topic, 0, -1)]
        wide_ids = [key for key in self.client.scan_iter("wide:*", 1000)]
        assert (len(ids), len(wide_ids)) == (len(messages), len(wide))
        wanted = {b"canary", *wide_ids, *(b"mqtt:msg:" + each.encode() for each in ids)}
        wanted |= {b"mqtt:msg:" + topic for topic in messages} | {b"mqtt:retain:" + topic for topic in retained}
        wanted |= {b"mqtt:client:" + client for client in clients}
        wanted |= {b"mqtt:sub:" + client.encode() for client, _ in subscriptions}
        wanted |= {b"mqtt:acked:" + client + b":" + topic for client, topic in positions}
        wanted |= {b"last:" + row[0] for row in wide} | {b"trail:" + row[2] for row in wide}
        for given, key in [(messages, b"keepmq:topics"), (retained, b"keepmq:retained"), (narrow, b"narrow"),
                           (seen, b"seen")]:
            wanted |= {key} if given else set()
        assert set(self.client.scan_iter("*", 1000)) == wanted
        assert self.client.info("keyspace").keys() == {"db0"}
        assert self.client.lrange("canary", 0, -1) == [each.encode() for each in CANARY]
        assert not narrow or self.client.hlen("narrow") == len(narrow)
        assert self.client.llen("seen") == 3 * seen


class MongoStore(Store):
    kind = "mongo"
    wide_rules = {
        "message.publish.1": document("wide", {
            "_id": "${msgid}", "topic": "${topic}", "payload": "${payload}", "clientid": "${clientid}",
            "username": "${username}", "hex": "${payload.hex}", "more": [{"base64": "${payload.base64}"}],
            "note": LITERAL}),
        "message.publish.3": document("trail", {"msgid": "${msgid}", "topic": "${topic}"})}
    client_rules = {
        hook + ".9": document("seen", {"hook": hook, "client": "${clientid}", "what": f"${{{what}}}"})
        for hook, what in [("client.connected", "username"), ("client.disconnected", "username"),
                           ("session.subscribed", "topic"), ("session.unsubscribed", "topic"),
                           ("message.delivered", "topic"), ("message.acked", "topic")]}

    def __init__(self, database):
        self.database = database
        self.pool = database.pool

    def prepare(self, broker):
        done = broker.run("schema", "create", self.kind, "pool1")
        assert done.returncode == 0, done.stdout + done.stderr
        self.database.canary.insert_many([{"_id": each} for each in CANARY])

    @staticmethod
    def _bytes(value):
        """Texts and binary data; what was embedded as compact JSON."""
        if isinstance(value, (dict, list)):
            value = json.dumps(value, separators=(",", ":"), ensure_ascii=False)
        return value.encode() if isinstance(value, str) else bytes(value)

    def _rows(self, collection, *fields):
        return [tuple(map(self._bytes, row)) for row in self.database.all(collection, *fields)]

    def messages(self):
        return self._stored("mqtt_msg")

    def retained(self):
        return self._stored("mqtt_retain")

    def _stored(self, collection):
        found = {}
        for each in self.database[collection].find():
            payload = each.get("payload_raw", each["payload"])
            topic = each["topic"].encode()
            assert topic not in found
            found[topic] = Stored(each["sender"].encode(), self._bytes(payload), each["qos"], each.get("properties"))
        return found

    def presence(self):
        return {client.encode(): state == 1 for client, state in self.database.all("mqtt_client", "clientid", "state")}

    def read_by(self, client, topics):
        newest = {topic.encode(): number for topic, number in self.database.all("mqtt_msg", "topic", "_id")}
        rows = self.database.all("mqtt_acked", "topic", "mongo_id", clientid=client.decode())
        read = {topic.encode() for topic, number in rows if number == newest.get(topic.encode())}
        return read & set(topics)

    def subscribe(self, entries):
        self.database.mqtt_sub.insert_many([{"clientid": client, "topic": topic, "qos": 1}
                                            for client, topic in entries])

    def wide(self):
        assert sorted(self._rows("wide", "_id", "topic")) == sorted(self._rows("trail", "msgid", "topic"))
        assert {row[0] for row in self.database.all("wide", "note")} <= {LITERAL}
        rows = self.database.all("wide", "topic", "payload", "clientid", "username", "hex", "more")
        return [(*map(self._bytes, row[:5]), row[5][0]["base64"].encode()) for row in rows]

    def seen(self):
        return self._rows("seen", "hook", "client", "what")

    def assert_holds(self, messages=(), retained=(), clients=(), subscriptions=(), positions=(), wide=(), narrow=(),
                     seen=0):
        wanted = {"mqtt_msg": len(messages), "mqtt_retain": len(retained), "mqtt_client": len(clients),
                  "mqtt_sub": len(subscriptions), "mqtt_acked": len(positions), "wide": len(wide), "trail": len(wide),
                  "seen": seen, "canary": len(CANARY), "mqtt_counters": 1 if messages else 0}
        counted = {name: self.database[name].count_documents({}) for name in self.database.names()}
        assert {name: count for name, count in counted.items() if count} == {
            name: count for name, count in wanted.items() if count}
        assert sorted(self.database.all("canary", "_id")) == sorted((each,) for each in CANARY)
