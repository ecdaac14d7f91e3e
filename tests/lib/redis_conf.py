"""Plugin files for Redis: the shipped one with other settings, and few rules for one purpose."""

import json
import re

from lib import conf
from lib.broker import ROOT
from lib.conf import function

SHIPPED = ROOT / "etc" / "plugins" / "emqx_backend_redis.conf"


PRESENCE = {
    "client.connected.1": function("on_client_connected"),
    "client.disconnected.1": function("on_client_disconnected"),
}

# One-to-many on all topics, with the whole history for a first subscriber.
PUBSUB = {
    "session.subscribed.1": function("on_message_fetch_for_pubsub", "#"),
    "session.unsubscribed.1": function("on_acked_delete", "#"),
    "message.publish.1": function("on_message_publish", "#"),
    "message.acked.1": function("on_message_acked_for_pubsub", "#"),
}

KEEP_LATEST = {
    "session.subscribed.1": function("on_message_fetch_for_keep_latest", "#"),
    "message.publish.1": function("on_message_store_keep_latest", "#"),
    "message.acked.1": function("on_message_acked_for_keep_latest", "#"),
}


def shipped(rules=None, **properties):
    """The shipped file, with other settings of its pool and further rules."""
    text = SHIPPED.read_text()
    for key in properties:
        text = re.sub(rf"(?m)^backend\.redis\.pool1\.{key} .*\n", "", text)
    lines = [f"backend.redis.pool1.{key} = {value}" for key, value in properties.items()]
    lines += [f"backend.redis.hook.{key} = {json.dumps(rule)}" for key, rule in (rules or {}).items()]
    return "\n".join([text, *lines]) + "\n"


def plugin(rules, settings=None, **properties):
    """These rules and nothing else."""
    return conf.plugin(rules, {"pool1": properties}, settings, kind="redis")


def start_with(start, text, **options):
    """A broker that has the Redis plugin with this file loaded."""
    return start(plugins={"redis": text}, **options)


def texts(found):
    """A hash or a list of the server as text."""
    if isinstance(found, dict):
        return {key.decode(): value.decode(errors="replace") for key, value in found.items()}
    return [each.decode() for each in found]
