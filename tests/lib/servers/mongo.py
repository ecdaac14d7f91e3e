"""Servers that speak the protocol of MongoDB. A mongod is in no registry, so these stand for it."""

import pymongo

from lib.servers.mongo_download import ferretdb, mongo_java
from lib.servers.server import Server, program


class _MongoServer(Server):
    database = "mqtt"
    password = None

    def uri(self):
        return f"mongodb://{self.host}:{self.port}/"

    def client(self, **options):
        """A new connection."""
        return pymongo.MongoClient(self.uri(), **{"serverSelectionTimeoutMS": 5000, "directConnection": True}
                                   | options)

    def probe(self):
        with self.client(serverSelectionTimeoutMS=2000) as client:
            client.admin.command("ping")


class MongoDatabase:
    """One database of a server, for one test."""

    def __init__(self, server, name):
        self.server = server
        self.name = name
        self._client = server.client()

    @property
    def pool(self):
        """Properties of a broker's pool that uses it."""
        login = {"login": self.server.username, "password": self.server.password} if self.server.password else {}
        return {"server": self.server.address, "database": self.name} | login

    def __getattr__(self, collection):
        return self._client[self.name][collection]

    def all(self, collection, *fields, sort="_id", **filters):
        """The fields of its documents as tuples; None where a document lacks one."""
        return [tuple(each.get(name) for name in fields) for each in self[collection].find(filters).sort(sort, 1)]

    def __getitem__(self, collection):
        return self._client[self.name][collection]

    def names(self):
        """Of its collections."""
        return self._client[self.name].list_collection_names()

    def close(self):
        self._client.close()


class FerretDb(_MongoServer):
    """On SQLite: one fsync for each write. `password`: only the user `mqtt` is let in. `tls`: only encrypted
    connections are; "client": with a certificate of the client, too."""

    username = "mqtt"

    def __init__(self, folder, password=None, **options):
        super().__init__(folder, **options)
        self.password = password

    def prepare(self):
        for name in ("state", "data"):
            (self.home / name).mkdir()

    def command(self):
        words = [ferretdb(), "--debug-addr=-", "--telemetry=disable", "--log-level=error", "--handler=sqlite",
                 f"--state-dir={self.home}/state", f"--sqlite-url=file:{self.home}/data/"]
        if self.password:
            words += ["--test-enable-new-auth", f"--setup-username={self.username}",
                      f"--setup-password={self.password}", "--setup-database=admin"]
        if self.tls:
            words += ["--listen-addr=", f"--listen-tls={self.address}",
                      f"--listen-tls-cert-file={self.certificates.server}",
                      f"--listen-tls-key-file={self.certificates.server_key}"]
            if self.tls == "client":
                words.append(f"--listen-tls-ca-file={self.certificates.ca}")
        else:
            words.append(f"--listen-addr={self.address}")
        return words

    def client(self, **options):
        if self.password:
            options = {"username": self.username, "password": self.password, "authSource": "admin"} | options
        if self.tls:
            options = {"tls": True, "tlsCAFile": str(self.certificates.ca)} | options
        if self.tls == "client":
            both = self.home / "client.pem"
            both.write_text(self.certificates.client.read_text() + self.certificates.client_key.read_text())
            options["tlsCertificateKeyFile"] = str(both)
        return super().client(**options)


class MongoJava(_MongoServer):
    """In memory: what it had is gone when it stops. pymongo of Debian 12 is old enough to talk to it."""

    def command(self):
        folder = mongo_java()
        return [program("java", "openjdk-17-jdk-headless"), "-Xmx512M", "-cp", f"{folder}/*", folder / "Main.java",
                self.port]
