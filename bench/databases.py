"""The databases of store.py: each on a server of its own, with a flush to the disk in each commit."""

import sqlite3
import sys
from contextlib import closing

from brokers import ROOT, cpu_seconds

sys.path.insert(0, str(ROOT / "tests"))

from lib import conf  # noqa: E402
from lib.servers import Cassandra, FerretDb, MariaDb, MySql, Pgsql, Redis  # noqa: E402

PUBLISHERS = 50  # and as many topics: bench/0, bench/1, ...


class Store:
    """One database with one table of messages; the broker makes it when it is started."""

    kind = None  # of backend
    lanes = 8  # connections that write, as in the shipped files
    compiles_itself = False  # the longer the server runs, the faster it is
    rule = conf.function("on_message_publish", "#")

    def __init__(self, name, server):
        self.name, self.server = name, server

    def start(self):
        self.server.start()

    def stop(self):
        self.server.remove()

    def cpu(self):
        """Seconds of CPU of the server and all that it started."""
        process = self.server.process
        total = 0.0
        for each in (process, *process.descendants()):
            try:
                total += cpu_seconds(each.pid, reaped=True)
            except (FileNotFoundError, ProcessLookupError):
                pass  # ended meanwhile
        return total

    def pool(self):
        """Settings of the pool of the broker."""
        raise NotImplementedError

    def plugin(self):
        """The plugin's file: only the path of a stored message."""
        return conf.plugin({"message.publish.1": self.rule}, {"pool1": self.pool()}, kind=self.kind)

    def address(self):
        """Host or file, and port: for driver_rate and glue.py."""
        return self.server.host, self.server.port

    def rows(self):
        raise NotImplementedError

    def clear(self):
        raise NotImplementedError


class SqliteStore(Store):
    kind = "sqlite"
    lanes = 1

    def __init__(self, name, file):
        super().__init__(name, None)
        self.file = file

    def start(self):
        pass

    def stop(self):
        pass

    def cpu(self):
        return 0.0

    def pool(self):
        return {"file": self.file, "synchronous": "full"}

    def address(self):
        return str(self.file), 0

    def rows(self):
        with closing(sqlite3.connect(self.file, timeout=20)) as database:
            return database.execute("select count(*) from mqtt_msg").fetchone()[0]

    def clear(self):
        with closing(sqlite3.connect(self.file, timeout=20)) as database:
            database.execute("delete from mqtt_msg")
            database.commit()
            database.execute("pragma wal_checkpoint(truncate)")


class RedisStore(Store):
    kind = "redis"
    rule = conf.function("on_message_publish", "#", expired_time=3600)

    def pool(self):
        return {"server": self.server.address, "pool_size": self.lanes}

    def rows(self):
        with self.server.client() as client, client.pipeline(transaction=False) as pipeline:
            for topic in range(PUBLISHERS):
                pipeline.zcard(f"mqtt:msg:bench/{topic}")
            return sum(pipeline.execute())

    def clear(self):
        with self.server.client() as client:
            client.flushall()


class MongoStore(Store):
    kind = "mongo"
    lanes = 1  # FerretDB keeps all in SQLite, which has one writer; the others would wait for it and be heard by chance

    def pool(self):
        return {"server": self.server.address, "c_pool_size": self.lanes, "database": "mqtt", "read_timeout": "60s"}

    def rows(self):
        with self.server.client() as client:
            return client.mqtt.mqtt_msg.count_documents({})

    def clear(self):
        """Without the collection: FerretDB fails to delete more than 32,766 documents at once."""
        with self.server.client() as client:
            messages = client.mqtt.mqtt_msg
            indexes = [index for index in messages.list_indexes() if index["name"] != "_id_"]
            messages.drop()
            for index in indexes:
                messages.create_index(list(index["key"].items()), name=index["name"], unique=index.get("unique", False))


class SqlStore(Store):
    def __init__(self, name, kind, server):
        super().__init__(name, server)
        self.kind = kind

    def pool(self):
        return {"server": self.server.address, "pool_size": self.lanes, self.server.user_key: self.server.username,
                "password": self.server.password, "database": self.server.database, "auto_create_schema": "on"}

    def rows(self):
        return self.server.sql("select count(*) from mqtt_msg")[0][0]

    def clear(self):
        self.server.sql("truncate table mqtt_msg")


class CassandraStore(Store):
    kind = "cassa"
    compiles_itself = True

    def pool(self):
        return {"nodes": self.server.address, "size": self.lanes, "username": self.server.username,
                "password": self.server.password, "keyspace": "mqtt", "auto_create_schema": "on"}

    def start(self):
        super().start()
        self.server.cql("create keyspace if not exists mqtt with replication = "
                        "{'class': 'SimpleStrategy', 'replication_factor': 1}")

    def rows(self):
        return sum(self.server.cql("select count(*) from mqtt.msg where topic = %s", f"bench/{topic}")[0][0]
                   for topic in range(PUBLISHERS))

    def clear(self):
        self.server.cql("truncate mqtt.msg")


# Redo logs as any operator of such a load has them: with those of a fresh installation, that are full after two
# seconds of it, each commit waits for pages to be written, some for 250 ms. docs/backends/mysql.md, pgsql.md.
MARIADB = ["--innodb-log-file-size=1G", "--innodb-buffer-pool-size=1G", "--innodb-log-buffer-size=64M"]
MYSQL = ["--innodb-redo-log-capacity=1G", "--innodb-buffer-pool-size=1G", "--innodb-log-buffer-size=64M",
         "--innodb-log-writer-threads=OFF",  # they are for many processors
         "--innodb-flush-method=O_DIRECT",  # MariaDB's default; the data is in the buffer pool
         "--innodb-max-dirty-pages-pct-lwm=0"]  # MariaDB's default, too
PGSQL = {"fsync": "on", "max_wal_size": "8GB", "shared_buffers": "1GB", "checkpoint_timeout": "15min"}

STORES = {
    "sqlite": lambda folder: SqliteStore("sqlite", folder / "bench.db"),
    "redis": lambda folder: RedisStore("redis", Redis(folder / "redis", appendfsync="always")),
    "mariadb": lambda folder: SqlStore("mariadb", "mysql", MariaDb(folder / "mariadb", MARIADB)),
    "mysql": lambda folder: SqlStore("mysql", "mysql", MySql(folder / "mysql", MYSQL)),
    "pgsql": lambda folder: SqlStore("pgsql", "pgsql", Pgsql(folder / "pgsql", PGSQL)),
    "ferretdb": lambda folder: MongoStore("ferretdb", FerretDb(folder / "ferretdb")),
    "cassandra": lambda folder: CassandraStore("cassandra", Cassandra(folder / "cassandra")),
}
