"""What servers that speak SQL have in common."""

from contextlib import closing

from lib.servers.server import Server


class SqlServer(Server):
    """User `mqtt` with password `mqtt` may do everything; database `mqtt` exists and is empty."""

    username = password = database = "mqtt"
    user_key = "username"  # in the properties of a pool

    def connect(self, database=None, **options):
        """A new connection of the driver; each statement is a transaction."""
        raise NotImplementedError

    def sql(self, text, *values, database=None):
        """Runs a statement with %s for its values, and returns its rows."""
        with closing(self.connect(database)) as connection, connection.cursor() as cursor:
            cursor.execute(text, values or None)
            return [tuple(map(_plain, row)) for row in cursor.fetchall()] if cursor.description else []

    def script(self, text, database=None):
        """Runs several statements."""
        raise NotImplementedError

    def create_database(self, name):
        raise NotImplementedError

    def drop_database(self, name):
        raise NotImplementedError

    def probe(self):
        self.connect().close()


class Database:
    """One database of a server, for one test."""

    def __init__(self, server, name):
        self.server = server
        self.name = name

    @property
    def pool(self):
        """Properties of a broker's pool that uses it."""
        return {"server": self.server.address, self.server.user_key: self.server.username,
                "password": self.server.password, "database": self.name}

    def connect(self, **options):
        return self.server.connect(self.name, **options)

    def sql(self, text, *values):
        return self.server.sql(text, *values, database=self.name)

    def script(self, text):
        self.server.script(text, database=self.name)


def _plain(value):
    return bytes(value) if isinstance(value, memoryview) else value
