"""Redis: one server, a master watched by sentinels, a cluster."""

import shutil
from pathlib import Path

import redis

from lib.servers.server import Server, free_port, program
from lib.wait import until


class Redis(Server):
    """`appendfsync` None: nothing on disk. `username` needs `password`; `config`: further settings."""

    user = "redis"

    def __init__(self, folder, appendfsync="always", password=None, username=None, config=None, **options):
        super().__init__(folder, **options)
        self.appendfsync = appendfsync
        self.password = password
        self.username = username
        self.config = dict(config or {})

    def command(self):
        words = [program("redis-server", "redis-server"), "--bind", self.host, "--dir", self.home, "--save", ""]
        words += ["--appendonly", "yes" if self.appendfsync else "no"]
        if self.appendfsync:
            words += ["--appendfsync", self.appendfsync]
        if self.username:
            words += ["--user", "default", "off"]
            words += ["--user", self.username, "on", f">{self.password}", "~*", "&*", "+@all"]
        elif self.password:
            words += ["--requirepass", self.password, "--masterauth", self.password]
        if self.tls:
            words += ["--port", 0, "--tls-port", self.port, "--tls-ca-cert-file", self.certificates.ca,
                      "--tls-cert-file", self.certificates.server, "--tls-key-file", self.certificates.server_key,
                      "--tls-auth-clients", "optional"]
        else:
            words += ["--port", self.port]
        for key, value in self.config.items():
            words += [f"--{key}", *str(value).split()]
        return words

    def client(self, database=0, **options):
        """A new connection."""
        if self.tls:
            options |= {"ssl": True, "ssl_ca_certs": str(self.certificates.ca)}
        return redis.Redis(self.host, self.port, database, username=self.username, password=self.password,
                           **options)

    def probe(self):
        with self.client(socket_timeout=5) as client:
            client.ping()


class _Sentinel(Server):
    user = "redis"

    def __init__(self, folder, master, **options):
        super().__init__(folder, **options)
        self.master = master

    def choose_port(self):
        port = free_port()
        lines = [f"port {port}", f"bind {self.host}", f"dir {self.home}",
                 f"sentinel monitor {RedisSentinel.name} {self.master.host} {self.master.port} 2",
                 f"sentinel down-after-milliseconds {RedisSentinel.name} 1000",
                 f"sentinel failover-timeout {RedisSentinel.name} 5000"]
        if self.master.password:
            lines.append(f"sentinel auth-pass {RedisSentinel.name} {self.master.password}")
        # The sentinel writes what it learns into this file.
        self.conf.write_text("\n".join(lines) + "\n")
        self.own(self.conf)
        return port

    @property
    def conf(self):
        return self.home / "sentinel.conf"

    def command(self):
        return [program("redis-sentinel", "redis-sentinel"), self.conf]

    def client(self):
        return redis.Redis(self.host, self.port, socket_timeout=5)

    def probe(self):
        with self.client() as client:
            client.ping()


class _Group:
    """Servers that are started and stopped together, in the order of `members`."""

    host = Server.host

    def __init__(self, folder):
        self.folder = Path(folder)
        self.members = []

    @property
    def addresses(self):
        """host:port,host:port,..."""
        return ",".join(each.address for each in self.members)

    @property
    def port(self):
        return self.members[0].port

    def stop(self):
        self._each("stop")

    def kill(self):
        self._each("kill")

    def pause(self):
        self._each("pause")

    def resume(self):
        self._each("resume")

    def remove(self):
        self._each("remove")
        shutil.rmtree(self.folder, ignore_errors=True)

    def restart(self):
        self.stop()
        return self.start()

    def start(self):
        raise NotImplementedError

    def _each(self, method):
        for member in self.members:
            getattr(member, method)()


class RedisSentinel(_Group):
    """A master, a replica and three sentinels; host, port and addresses are those of the sentinels."""

    name = "mymaster"

    def __init__(self, folder, password=None, appendfsync="always"):
        super().__init__(folder)
        config = {"repl-diskless-sync-delay": 0}
        self.first = Redis(f"{folder}/redis1", appendfsync, password, config=config)
        self.second = Redis(f"{folder}/redis2", appendfsync, password, config=config)
        self.sentinels = [_Sentinel(f"{folder}/sentinel{number}", self.first) for number in (1, 2, 3)]
        self.members = [*self.sentinels, self.first, self.second]

    @property
    def addresses(self):
        return ",".join(each.address for each in self.sentinels)

    def start(self):
        self.first.start()
        self.second.config |= {"replicaof": f"{self.first.host} {self.first.port}"}
        self.second.start()
        for sentinel in self.sentinels:
            sentinel.start()
        until(self._is_complete, "the sentinels to know each other and the replica")
        return self

    @property
    def master(self):
        """The server that the sentinels call the master now."""
        with self.sentinels[0].client() as client:
            _, port = client.sentinel_get_master_addr_by_name(self.name)
        return self.first if port == self.first.port else self.second

    def client(self, database=0, **options):
        return self.master.client(database, **options)

    def _is_complete(self):
        for sentinel in self.sentinels:
            with sentinel.client() as client:
                seen = client.sentinel_master(self.name)
                replicas = client.sentinel_slaves(self.name)
            if seen["num-other-sentinels"] != 2 or not any(each["master-link-status"] == "ok" for each in replicas):
                return False
        return True


class RedisCluster(_Group):
    """Three masters without replicas."""

    def __init__(self, folder, password=None, appendfsync="always"):
        super().__init__(folder)
        self.password = password
        config = {"cluster-enabled": "yes", "cluster-config-file": "nodes.conf", "cluster-node-timeout": 2000}
        self.members = [_ClusterNode(f"{folder}/redis{number}", appendfsync, password, config=config)
                        for number in (1, 2, 3)]

    def start(self):
        first = self.members[0].home is None
        for member in self.members:
            member.start()
        if first:
            secret = ["-a", self.password, "--no-auth-warning"] if self.password else []
            self.members[0].run(program("redis-cli", "redis-tools"), *secret, "--cluster", "create",
                                *(each.address for each in self.members), "--cluster-replicas", 0, "--cluster-yes")
        until(self._is_complete, "the cluster to be complete")
        return self

    def client(self, **options):
        return redis.RedisCluster(self.host, self.port, password=self.password, **options)

    def _is_complete(self):
        for member in self.members:
            with member.client() as client:
                if client.execute_command("CLUSTER INFO")["cluster_state"] != "ok":
                    return False
        return True


class _ClusterNode(Redis):
    def choose_port(self):
        return free_port(apart=10_000)  # where the nodes talk to each other
