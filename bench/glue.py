#!/usr/bin/python3
"""What people put between an MQTT broker and a database: a subscriber that inserts what it gets.

    bench/glue.py sqlite|redis|mysql|pgsql|cassa HOST|FILE PORT row|batch MQTT_PORT

`row` commits each message before it takes the next one; `batch` commits 100 messages, or what came in
100 ms, while the network thread goes on. Runs until it is killed; store.py starts it. The table is
KeepMQ's, user, password and database are those of the test servers (mqtt).
"""

import datetime
import queue
import sys
import time
import uuid

import paho.mqtt.client as paho

BATCH = 100
LONGEST_WAIT = 0.1  # seconds
COLUMNS = "msgid, topic, qos, retain, payload, arrived"
TOPIC = "bench/#"


def subscriber():
    """A client whose subscription outlives its connection."""
    return paho.Client("glue", clean_session=False)


def subscribe(port):
    """So that the broker keeps what is published until the glue runs."""
    done = []
    client = subscriber()
    client.on_subscribe = lambda *_: done.append(True)
    client.connect("127.0.0.1", port)
    client.subscribe(TOPIC, 1)
    deadline = time.monotonic() + 10
    while not done:
        if time.monotonic() > deadline:
            raise SystemExit("glue: no answer to SUBSCRIBE")
        client.loop(0.1)
    client.disconnect()


def sqlite_insert(file, _):
    import sqlite3

    database = sqlite3.connect(file, timeout=20)
    database.execute("pragma journal_mode = wal")
    database.execute("pragma synchronous = full")

    def insert(rows):
        database.executemany(f"insert into mqtt_msg ({COLUMNS}) values (?, ?, ?, ?, ?, ?)", rows)
        database.commit()

    return insert


def mysql_insert(host, port):
    import pymysql

    database = pymysql.connect(host=host, port=port, user="mqtt", password="mqtt", database="mqtt", charset="utf8mb4")

    def insert(rows):
        with database.cursor() as cursor:  # many rows become one statement
            cursor.executemany(f"insert into mqtt_msg ({COLUMNS}) values (%s, %s, %s, %s, %s, %s)", rows)
        database.commit()

    return insert


def pgsql_insert(host, port):
    import psycopg2
    from psycopg2.extras import execute_values

    database = psycopg2.connect(host=host, port=port, user="mqtt", password="mqtt", dbname="mqtt")

    def insert(rows):
        with database.cursor() as cursor:
            execute_values(cursor, f"insert into mqtt_msg ({COLUMNS}) values %s", rows)
        database.commit()

    return insert


def redis_insert(host, port):
    import redis

    client = redis.Redis(host, port)

    def insert(rows):
        with client.pipeline(transaction=True) as pipeline:
            for msgid, topic, qos, retain, payload, arrived in rows:
                pipeline.hset(f"mqtt:msg:{msgid}", mapping={"id": msgid, "topic": topic, "qos": qos, "retain": retain,
                                                            "payload": payload, "ts": arrived})
                pipeline.expire(f"mqtt:msg:{msgid}", 3600)
                pipeline.zadd(f"mqtt:msg:{topic}", {msgid: 1})
            pipeline.execute()

    return insert


def mongo_insert(host, port):
    import pymongo

    concern = pymongo.WriteConcern("majority", j=True)
    messages = pymongo.MongoClient(host, port).get_database("mqtt", write_concern=concern).mqtt_msg

    def insert(rows):
        messages.insert_many([{"topic": topic, "msgid": msgid, "qos": qos, "retain": retain, "payload": payload,
                               "arrived": arrived} for msgid, topic, qos, retain, payload, arrived in rows])

    return insert


def cassandra_insert(host, port):
    from cassandra.auth import PlainTextAuthProvider
    from cassandra.cluster import Cluster
    from cassandra.concurrent import execute_concurrent_with_args

    cluster = Cluster([host], port=port, auth_provider=PlainTextAuthProvider("cassandra", "cassandra"))
    session = cluster.connect("mqtt")
    statement = session.prepare("insert into msg (msgid, topic, qos, retain, payload, arrived) values (?, ?, ?, ?, ?, ?)")

    def insert(rows):
        execute_concurrent_with_args(session, statement, [(*row[:5], datetime.datetime.utcnow()) for row in rows])

    return insert


INSERTS = {"sqlite": sqlite_insert, "redis": redis_insert, "mysql": mysql_insert, "pgsql": pgsql_insert,
           "mongo": mongo_insert, "cassa": cassandra_insert}


def row_of(message):
    arrived = datetime.datetime.utcnow().strftime("%Y-%m-%d %H:%M:%S.%f")
    return uuid.uuid4().hex, message.topic, message.qos, int(message.retain), message.payload, arrived


def run_by_row(client, insert):
    client.on_message = lambda _, __, message: insert([row_of(message)])
    client.loop_forever()


def run_by_batch(client, insert):
    arrived = queue.Queue()
    client.on_message = lambda _, __, message: arrived.put(row_of(message))
    client.loop_start()
    while True:
        rows = [arrived.get()]
        deadline = time.monotonic() + LONGEST_WAIT
        while len(rows) < BATCH:
            try:
                rows.append(arrived.get(timeout=max(0.0, deadline - time.monotonic())))
            except queue.Empty:
                break
        insert(rows)


def main():
    kind, host, port, mode, mqtt_port = sys.argv[1:]
    insert = INSERTS[kind](host, int(port))
    client = subscriber()
    client.connect("127.0.0.1", int(mqtt_port))
    {"row": run_by_row, "batch": run_by_batch}[mode](client, insert)


if __name__ == "__main__":
    main()
