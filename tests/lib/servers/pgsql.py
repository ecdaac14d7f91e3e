"""PostgreSQL."""

import signal
from contextlib import closing
from pathlib import Path

import psycopg2

from lib.servers.server import program
from lib.servers.sql import SqlServer


def tool(name):
    """The newest that is installed; Debian keeps them off the PATH."""
    folders = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda each: -float(each.parent.name))
    return program(name, "postgresql-15", folders)


class Pgsql(SqlServer):
    """`tls`: only encrypted connections are let in. `config`: further settings."""

    user = "postgres"  # it refuses to run as root
    stop_signal = signal.SIGINT

    def __init__(self, folder, config=None, **options):
        super().__init__(folder, **options)
        self.config = config or {}

    @property
    def data(self):
        return self.home / "data"

    def prepare(self):
        secret = self.home / "password"
        secret.write_text(self.password + "\n")
        self.own(secret)
        self.run(tool("initdb"), "-D", self.data, "-U", self.username, f"--pwfile={secret}", "-A", "scram-sha-256",
                 "-E", "UTF8", "--no-locale", "--no-sync")
        secret.unlink()
        if self.tls:
            self.data.joinpath("pg_hba.conf").write_text("hostssl all all 127.0.0.1/32 scram-sha-256\n")

    def command(self):
        # A server that is killed loses nothing without fsync; recovery is four seconds faster.
        settings = {"fsync": "off", "listen_addresses": self.host, "unix_socket_directories": "",
                    "shared_buffers": "128MB", "max_wal_size": "1GB"}
        if self.tls:
            settings |= {"ssl": "on", "ssl_ca_file": self.certificates.ca, "ssl_cert_file": self.certificates.server,
                         "ssl_key_file": self.certificates.server_key}
        words = [tool("postgres"), "-D", self.data, "-p", self.port]
        for key, value in (settings | self.config).items():
            words += ["-c", f"{key}={value}"]
        return words

    def connect(self, database=None, **options):
        if self.tls:
            options = {"sslmode": "verify-full", "sslrootcert": str(self.certificates.ca)} | options
        connection = psycopg2.connect(**{"host": self.host, "port": self.port, "user": self.username,
                                         "password": self.password, "dbname": database or self.database,
                                         "connect_timeout": 10} | options)
        connection.autocommit = True
        return connection

    def probe(self):
        self.connect("postgres").close()

    def set_up(self):
        self.create_database(self.database)

    def script(self, text, database=None):
        with closing(self.connect(database)) as connection, connection.cursor() as cursor:
            cursor.execute(text)

    def create_database(self, name):
        with closing(self.connect("postgres")) as connection, connection.cursor() as cursor:
            cursor.execute(f'create database "{name}"')

    def drop_database(self, name):
        with closing(self.connect("postgres")) as connection, connection.cursor() as cursor:
            cursor.execute(f'drop database if exists "{name}" with (force)')
