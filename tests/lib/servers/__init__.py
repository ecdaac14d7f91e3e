"""Real database servers, made for a test or a developer and thrown away afterwards."""

from lib.servers.cassandra import Cassandra, Cassandra4, Keyspace
from lib.servers.mongo import FerretDb, MongoDatabase, MongoJava
from lib.servers.mysql import MariaDb, MySql
from lib.servers.pgsql import Pgsql
from lib.servers.redis import Redis, RedisCluster, RedisSentinel
from lib.servers.server import Missing
from lib.servers.sql import Database

__all__ = ["Cassandra", "Cassandra4", "Database", "FerretDb", "Keyspace", "MariaDb", "Missing", "MongoDatabase", "MongoJava",
           "MySql", "Pgsql", "Redis", "RedisCluster", "RedisSentinel"]
