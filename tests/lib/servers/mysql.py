"""MariaDB of the distribution, and MySQL as Oracle builds it."""

from contextlib import closing

import pymysql
from pymysql.constants import CLIENT

from lib.servers.mysql_download import unpacked
from lib.servers.server import program
from lib.servers.sql import SqlServer


class _MySqlServer(SqlServer):
    """`tls`: only encrypted connections are let in. `arguments`: further ones for the server."""

    user = "mysql"
    user_key = "user"
    users = ()  # statements
    arguments = ()

    def __init__(self, folder, arguments=(), **options):
        super().__init__(folder, **options)
        self.more = list(arguments)

    @property
    def data(self):
        return self.home / "data"

    def prepare(self):
        self.own(self.data.parent)
        statements = ["create database if not exists mqtt character set utf8mb4", *self.users]
        init = self.home / "init.sql"
        init.write_text("".join(f"{statement};\n" for statement in statements))
        init.chmod(0o644)

    def binary(self):
        """The server with its first arguments."""
        raise NotImplementedError

    def command(self):
        words = [*self.binary(), f"--datadir={self.data}", f"--port={self.port}", f"--bind-address={self.host}",
                 f"--socket={self.home}/s.sock", f"--pid-file={self.home}/m.pid", f"--init-file={self.home}/init.sql",
                 "--skip-name-resolve", "--skip-log-bin", "--innodb-flush-log-at-trx-commit=1",
                 "--innodb-buffer-pool-size=128M", "--max-allowed-packet=64M", *self.arguments]
        if self.tls:
            words += [f"--ssl-ca={self.certificates.ca}", f"--ssl-cert={self.certificates.server}",
                      f"--ssl-key={self.certificates.server_key}", "--require-secure-transport=ON"]
        return words + self.more

    def connect(self, database=None, **options):
        if self.tls:
            options["ssl"] = {"ca": str(self.certificates.ca)}
        return pymysql.connect(**{"host": self.host, "port": self.port, "user": self.username,
                                  "password": self.password, "database": database or self.database,
                                  "charset": "utf8mb4", "autocommit": True, "connect_timeout": 10,
                                  "read_timeout": 60} | options)

    def script(self, text, database=None):
        with closing(self.connect(database, client_flag=CLIENT.MULTI_STATEMENTS)) as connection:
            with connection.cursor() as cursor:
                cursor.execute(text)
                while cursor.nextset():
                    pass

    def create_database(self, name):
        self.sql(f"create database `{name}` character set utf8mb4")

    def drop_database(self, name):
        self.sql(f"drop database if exists `{name}`")


class MariaDb(_MySqlServer):
    users = ("create user if not exists 'mqtt'@'%' identified by 'mqtt'",
             "grant all on *.* to 'mqtt'@'%' with grant option")
    arguments = ("--innodb-log-file-size=64M",)

    def prepare(self):
        super().prepare()
        self.run(program("mariadb-install-db", "mariadb-server"), "--no-defaults", f"--datadir={self.data}",
                 "--auth-root-authentication-method=normal", "--skip-test-db")

    def binary(self):
        return program("mariadbd", "mariadb-server"), "--no-defaults"


class MySql(_MySqlServer):
    """Also has a user `mqtt_sha2` with password `mqtt`, who logs in with caching_sha2_password."""

    users = ("create user if not exists 'mqtt'@'%' identified with mysql_native_password by 'mqtt'",
             "create user if not exists 'mqtt_sha2'@'%' identified with caching_sha2_password by 'mqtt'",
             "grant all on *.* to 'mqtt'@'%' with grant option",
             "grant all on *.* to 'mqtt_sha2'@'%' with grant option")
    arguments = ("--mysqlx=OFF", "--innodb-redo-log-capacity=64M")

    def prepare(self):
        super().prepare()
        self.run(*self.binary(), "--initialize-insecure", f"--datadir={self.data}", "--innodb-redo-log-capacity=64M")

    def binary(self):
        base = unpacked()
        return base / "bin" / "mysqld", "--no-defaults", f"--basedir={base}"
