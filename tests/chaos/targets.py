"""The databases that are broken under a broker, all with the same rules."""

import pytest

from lib import conf
from lib.conf import function

RULES = {
    "client.connected.1": function("on_client_connected"),
    "client.disconnected.1": function("on_client_disconnected"),
    "session.subscribed.1": function("on_message_fetch", "#"),
    "message.publish.1": function("on_message_publish", "#"),
    "message.acked.1": function("on_message_acked", "#"),
}
RULES_OF_REDIS = RULES | {
    "session.subscribed.1": function("on_message_fetch_for_pubsub", "#"),
    "message.acked.1": function("on_message_acked_for_pubsub", "#"),
}

KINDS = {"sqlite": "sqlite", "redis": "redis", "mariadb": "mysql", "pgsql": "pgsql", "ferretdb": "mongo",
         "cassandra": "cassa"}


def some(*names):
    """Targets of a test: these in the short form, all in the long one."""
    return [name if name in names else pytest.param(name, marks=pytest.mark.long) for name in KINDS]


SERVERS = [name for name in KINDS if name != "sqlite"]


class Target:
    """`database`: empty, of a test's own; None for SQLite, which is a file of the broker."""

    def __init__(self, name, database, is_long):
        self.name = name
        self.kind = KINDS[name]
        self.database = database
        self.server = None if database is None else getattr(database, "server", database)
        # The spool takes more than a database does: with a pace, so that it drains within a test. FerretDB
        # looks through a whole collection for each page of a replay and for each batch of acknowledgements.
        pace = {"ferretdb": 50 if is_long else 300}.get(name, 3000)
        self.load = () if name == "sqlite" else ("--rate", pace)

    def pool(self, port=None):
        """Properties of the pool. `port`: of a proxy in front of the server."""
        if self.database is None:
            return {"auto_create_schema": "on"}
        properties = {"server": self.server.address} if self.name == "redis" else dict(self.database.pool)
        if self.name == "ferretdb":
            properties["c_pool_size"] = 1  # docs/backends/mongodb.md: it has one writer
        if port:
            properties["nodes" if self.kind == "cassa" else "server"] = f"127.0.0.1:{port}"
        return properties

    def plugins(self, port=None, rules=None):
        rules = (RULES_OF_REDIS if self.name == "redis" else RULES) | (rules or {})
        return {self.kind: conf.plugin(rules, {"pool1": self.pool(port)}, kind=self.kind)}

    def create_tables(self, broker):
        """Before the broker starts."""
        if self.name in ("sqlite", "redis"):
            return
        done = broker.run("schema", "create", self.kind, "pool1")
        assert done.returncode == 0, done.stdout + done.stderr

    # --- what happens to it

    def kill(self):
        self.server.kill()

    def start(self):
        self.server.start()
