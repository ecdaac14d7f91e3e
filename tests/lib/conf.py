"""Plugin files for the backends, built from rules."""

import json


def function(name, topic=None, pool="pool1", **options):
    """A rule that runs a built-in function."""
    return _rule({"function": name}, topic, pool, options)


def sql(*statements, topic=None, pool="pool1", **options):
    """A rule that runs the user's own statements."""
    return _rule({"sql": list(statements)}, topic, pool, options)


def cql(*statements, topic=None, pool="pool1", **options):
    """A rule that runs the user's own CQL."""
    return _rule({"cql": list(statements)}, topic, pool, options)


def commands(*texts, topic=None, pool="pool1", **options):
    """A rule that runs the user's own Redis commands."""
    return _rule({"commands": list(texts)}, topic, pool, options)


def document(collection, fields, topic=None, pool="pool1", **options):
    """A rule that inserts the user's own document."""
    return _rule({"collection": collection, "document": fields}, topic, pool, options)


def _rule(action, topic, pool, options):
    rule = {} if topic is None else {"topic": topic}
    return rule | {"action": action} | options | {"pool": pool}


# EMQ X documents its rules in two lines, English and Chinese, that differ. A first subscriber gets
# the whole history in both.

# For MySQL and PostgreSQL, Chinese line.
EMQX = {
    "client.connected.1": function("on_client_connected"),
    "session.created.1": function("on_subscribe_lookup"),
    "client.disconnected.1": function("on_client_disconnected"),
    "session.subscribed.1": function("on_message_fetch", "#"),
    "session.subscribed.2": function("on_retain_lookup", "#"),
    "session.unsubscribed.1": sql(
        "delete from mqtt_acked where clientid = ${clientid} and topic = ${topic}", topic="#"),
    "message.publish.1": function("on_message_publish", "#"),
    "message.publish.2": function("on_message_retain", "#"),
    "message.publish.3": function("on_retain_delete", "#"),
    "message.acked.1": function("on_message_acked", "#"),
}


def _english(rules):
    """Subscriptions are looked up at another event, and nothing happens at UNSUBSCRIBE."""
    renamed = {"session.created.1": "client.connected.2"}
    return {renamed.get(key, key): rule for key, rule in rules.items() if key != "session.unsubscribed.1"}


EMQX_ENGLISH = _english(EMQX)

# For Cassandra, Chinese line.
EMQX_CASSANDRA = EMQX | {
    "session.created.1": function("on_subscription_lookup"),
    "session.unsubscribed.1": cql("delete from acked where clientid = ${clientid} and topic = ${topic}", topic="#"),
}

# For Redis, Chinese line.
EMQX_REDIS = {
    "client.connected.1": function("on_client_connected"),
    "session.created.1": function("on_subscribe_lookup"),
    "client.disconnected.1": function("on_client_disconnected"),
    "session.subscribed.1": function("on_message_fetch_for_queue", "queue/#"),
    "session.subscribed.2": function("on_message_fetch_for_pubsub", "pubsub/#"),
    "session.subscribed.3": function("on_retain_lookup"),
    "session.unsubscribed.1": commands("DEL mqtt:acked:${clientid}:${topic}", topic="#"),
    "message.publish.1": function("on_message_publish", "#", expired_time=3600),
    "message.publish.2": function("on_message_retain", "#", expired_time=3600),
    "message.publish.3": function("on_retain_delete", "#"),
    "message.acked.1": function("on_message_acked_for_queue", "queue/#"),
    "message.acked.2": function("on_message_acked_for_pubsub", "pubsub/#"),
}

# The English line has one setting for all keys instead: plugin(..., settings=EMQX_REDIS_ENGLISH_SETTINGS).
EMQX_REDIS_ENGLISH = _english(EMQX_REDIS) | {
    "message.publish.1": function("on_message_publish", "#"),
    "message.publish.2": function("on_message_retain", "#"),
}
EMQX_REDIS_ENGLISH_SETTINGS = {"msg.expired_after": 3600}

# For MongoDB, Chinese line; only here limits are set.
EMQX_MONGO = EMQX | {
    "session.subscribed.1": function("on_message_fetch", "#",
                                     offline_opts={"time_range": "2h", "max_returned_count": 500}),
    "session.unsubscribed.1": function("on_acked_delete", "#"),
}

EMQX_MONGO_ENGLISH = _english(EMQX) | {
    "message.publish.1": function("on_message_publish", "#", payload_format="mongo_json"),
    "message.publish.2": function("on_message_retain", "#", payload_format="mongo_json"),
}

# One-to-one, one-to-many and keep-latest side by side, as in the Redis file.
QUEUES = {
    "client.connected.1": function("on_client_connected"),
    "client.disconnected.1": function("on_client_disconnected"),
    "session.subscribed.1": function("on_message_fetch_for_queue", "queue/#"),
    "session.subscribed.2": function("on_message_fetch_for_pubsub", "pubsub/#"),
    "session.subscribed.3": function("on_message_fetch_for_keep_latest", "latest/#"),
    "session.unsubscribed.1": function("on_acked_delete", "pubsub/#"),
    "message.publish.1": function("on_message_publish", "queue/#"),
    "message.publish.2": function("on_message_publish", "pubsub/#"),
    "message.publish.3": function("on_message_store_keep_latest", "latest/#"),
    "message.acked.1": function("on_message_acked_for_queue", "queue/#"),
    "message.acked.2": function("on_message_acked_for_pubsub", "pubsub/#"),
    "message.acked.3": function("on_message_acked_for_keep_latest", "latest/#"),
}


def plugin(rules, pools=None, settings=None, kind="sqlite"):
    """The text of emqx_backend_<kind>.conf. `pools`: name -> properties; `settings`: plugin-wide."""
    lines = []
    for name, properties in (pools or {"pool1": {}}).items():
        if kind == "sqlite":
            properties = {"file": "keepmq.db"} | properties
        pool_kind = "ecql" if kind == "cassa" else kind
        lines += [f"backend.{pool_kind}.{name}.{key} = {value}" for key, value in properties.items()]
    lines += [f"backend.{kind}.{key} = {value}" for key, value in (settings or {}).items()]
    lines += [f"backend.{kind}.hook.{key} = {json.dumps(rule)}" for key, rule in rules.items()
              if rule is not None]
    return "\n".join(lines) + "\n"
