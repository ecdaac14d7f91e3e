"""Cassandra, one node that is a cluster."""

import socket
from contextlib import closing
from pathlib import Path

from cassandra.auth import PlainTextAuthProvider
from cassandra.cluster import EXEC_PROFILE_DEFAULT, Cluster, ExecutionProfile
from cassandra.policies import RoundRobinPolicy

from lib.servers.cassandra_download import jars
from lib.servers.certificates import openssl
from lib.servers.server import Missing, Server, free_port

JAVA = "/usr/lib/jvm/java-17-openjdk-amd64/bin/java"
EXPORTS = """java.base/jdk.internal.misc java.base/jdk.internal.ref java.base/sun.nio.ch java.base/sun.security.ssl
java.management.rmi/com.sun.jmx.remote.internal.rmi java.rmi/sun.rmi.registry java.rmi/sun.rmi.server
java.rmi/sun.rmi.transport java.rmi/sun.rmi.transport.tcp java.sql/java.sql jdk.attach/sun.tools.attach
jdk.compiler/com.sun.tools.javac.file jdk.unsupported/sun.misc""".split()
OPENS = """java.base/java.io java.base/java.lang java.base/java.lang.module java.base/java.lang.reflect
java.base/java.math java.base/java.net java.base/java.nio java.base/java.nio.charset java.base/java.nio.file.spi
java.base/java.util java.base/java.util.concurrent java.base/java.util.concurrent.atomic
java.base/java.util.concurrent.locks java.base/jdk.internal.loader java.base/jdk.internal.math
java.base/jdk.internal.module java.base/jdk.internal.ref java.base/jdk.internal.reflect java.base/jdk.internal.util
java.base/jdk.internal.util.jar java.base/jdk.internal.vm java.base/sun.nio.ch java.base/sun.nio.fs
java.management/com.sun.jmx.mbeanserver jdk.management/com.sun.management.internal""".split()
CONFIG = """cluster_name: keepmq
num_tokens: 1
initial_token: 0
partitioner: org.apache.cassandra.dht.Murmur3Partitioner
listen_address: {host}
rpc_address: {host}
native_transport_port: {port}
storage_port: {storage_port}
ssl_storage_port: {ssl_port}
start_native_transport: true
seed_provider: [ {{ class_name: org.apache.cassandra.locator.SimpleSeedProvider,
  parameters: [ {{ seeds: "{host}:{storage_port}" }} ] }} ]
endpoint_snitch: SimpleSnitch
authenticator: PasswordAuthenticator
authorizer: CassandraAuthorizer
data_file_directories: [ {home}/data ]
commitlog_directory: {home}/commitlog
saved_caches_directory: {home}/saved_caches
hints_directory: {home}/hints
cdc_raw_directory: {home}/cdc_raw
commitlog_sync: {sync}
commitlog_segment_size: 16MiB
disk_failure_policy: stop
commit_failure_policy: stop
auto_snapshot: false
memtable_heap_space: 128MiB
memtable_offheap_space: 64MiB
concurrent_reads: 8
concurrent_writes: 16
"""
TLS = """client_encryption_options: {{ enabled: true, optional: false, keystore: {store},
  keystore_password: keepmq, store_type: PKCS12 }}
"""
LOG = """<configuration><appender name="OUT" class="ch.qos.logback.core.ConsoleAppender">
<encoder><pattern>%-5level %date{ISO8601} %F:%L - %msg%n</pattern></encoder></appender>
<root level="INFO"><appender-ref ref="OUT"/></root></configuration>
"""


class Cassandra(Server):
    """User and password are `cassandra`. Databases are keyspaces. `sync`: batch or periodic."""

    username = password = "cassandra"
    version = "5.0.9"
    patience = 120.0

    def __init__(self, folder, sync="batch", **options):
        super().__init__(folder, **options)
        self.sync = sync
        self.inner_ports = None
        self.keyspaces = []

    def prepare(self):
        (self.home / "conf").mkdir()
        (self.home / "conf" / "logback.xml").write_text(LOG)
        if self.tls:
            openssl("pkcs12", "-export", "-in", self.certificates.server, "-inkey", self.certificates.server_key,
                    "-out", self.home / "server.p12", "-passout", "pass:keepmq")

    def command(self):
        if not Path(JAVA).exists():
            raise Missing(f"{JAVA} is missing: install the package openjdk-17-jdk-headless")
        self.inner_ports = self.inner_ports or [free_port() for _ in range(3)]
        sync = "batch" if self.sync == "batch" else "periodic\ncommitlog_sync_period: 10000ms"
        config = CONFIG.format(host=self.host, port=self.port, home=self.home, sync=sync,
                               storage_port=self.inner_ports[0], ssl_port=self.inner_ports[1])
        if self.tls:
            config += TLS.format(store=self.home / "server.p12")
        conf = self.home / "conf"
        (conf / "cassandra.yaml").write_text(config)
        lib = jars(self.version)
        words = [JAVA, "-Xms512M", "-Xmx1G", "-Xss512k", "-XX:+UseG1GC", "-XX:+PerfDisableSharedMem",
                 "-XX:MaxDirectMemorySize=256M", "-Djdk.attach.allowAttachSelf=true",
                 "-Dio.netty.tryReflectionSetAccessible=true"]
        words += [f"-javaagent:{agent}" for agent in sorted(lib.glob("jamm-0.3.*.jar"))]
        for each in EXPORTS:
            words += ["--add-exports", f"{each}=ALL-UNNAMED"]
        for each in OPENS:
            words += ["--add-opens", f"{each}=ALL-UNNAMED"]
        return [*words, f"-Dcassandra.config=file://{conf}/cassandra.yaml",
                f"-Dlogback.configurationFile=file://{conf}/logback.xml", f"-Dcassandra.storagedir={self.home}",
                "-Dcassandra-foreground=yes", "-Dcassandra.superuser_setup_delay_ms=0", "-Dcassandra.ring_delay_ms=1",
                "-Dcassandra.skip_wait_for_gossip_to_settle=0",
                f"-Dcassandra.jmx.local.port={self.inner_ports[2]}", "-Djava.net.preferIPv4Stack=true",
                "-cp", f"{conf}:{lib}/*", "org.apache.cassandra.service.CassandraDaemon"]

    def cluster(self):
        options = {}
        if self.tls:
            import ssl  # noqa: PLC0415
            options["ssl_context"] = ssl.create_default_context(cafile=str(self.certificates.ca))
            options["ssl_options"] = {"server_hostname": self.host}
        profile = ExecutionProfile(load_balancing_policy=RoundRobinPolicy(), request_timeout=60)
        return Cluster([self.host], port=self.port, auth_provider=PlainTextAuthProvider(self.username, self.password),
                       execution_profiles={EXEC_PROFILE_DEFAULT: profile}, protocol_version=4, connect_timeout=20,
                       **options)

    def cql(self, text, *values, keyspace=None):
        """Runs a statement with %s for its values, and returns its rows."""
        with closing(_Closing(self.cluster())) as cluster:
            session = cluster.it.connect(keyspace)
            return [tuple(row) for row in session.execute(text, values or None)]

    def script(self, text, keyspace=None):
        """Runs several statements."""
        with closing(_Closing(self.cluster())) as cluster:
            session = cluster.it.connect(keyspace)
            for statement in text.split(";"):
                if statement.strip():
                    session.execute(statement)

    def create_database(self, name):
        """Those of earlier tests are dropped: each table costs memory, and hundreds bring it to a stop."""
        self.script(";".join(f"drop keyspace {each}" for each in self.keyspaces))
        self.keyspaces = [name]
        self.cql(f"create keyspace {name} with replication = {{'class': 'SimpleStrategy', 'replication_factor': 1}}")

    def probe(self):
        if "Starting listening for CQL clients" not in self.log():
            raise ConnectionError("it does not listen yet")
        socket.create_connection((self.host, self.port), 1).close()  # the driver says much when it fails
        self.cql("select release_version from system.local")


class Cassandra4(Cassandra):
    version = "4.1.10"


class Keyspace:
    """One keyspace of a server, for one test."""

    def __init__(self, server, name):
        self.server = server
        self.name = name
        self.cluster = None
        self.session = None

    @property
    def pool(self):
        """Properties of a broker's pool that uses it."""
        return {"nodes": self.server.address, "username": self.server.username, "password": self.server.password,
                "keyspace": self.name}

    def cql(self, text, *values):
        if self.session is None:
            self.cluster = self.server.cluster()
            self.session = self.cluster.connect(self.name)
        return [tuple(row) for row in self.session.execute(text, values or None)]

    def script(self, text):
        self.server.script(text, self.name)

    def close(self):
        if self.cluster is not None:
            self.cluster.shutdown()


class _Closing:
    """A cluster object that contextlib.closing can end."""

    def __init__(self, cluster):
        self.it = cluster

    def close(self):
        self.it.shutdown()
