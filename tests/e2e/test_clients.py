"""The whole way with clients of other makes: Paho and mosquitto, all versions and QoS."""

import shutil
import subprocess

import pytest

from lib.mqtt import Will
from lib.wait import until

PAHO_VERSIONS = [3, 4, 5]


@pytest.mark.parametrize("qos", [0, 1, 2])
@pytest.mark.parametrize("version", PAHO_VERSIONS)
def test_paho_publishes_and_receives(shared, paho, name, version, qos):
    """[MQTT-3.3.4-1] [MQTT-4.3.1-1] [MQTT-4.3.2-4] [MQTT-4.3.3-8] [MQTT-4.3.3-11]"""
    subscriber = paho(shared, f"{name}_s", version)
    assert subscriber.subscribe(f"{name}/+", qos) == qos
    publisher = paho(shared, f"{name}_p", version)
    for number in range(20):
        publisher.publish(f"{name}/t", f"payload {number}", qos)
    got = subscriber.messages(20)
    assert [message.payload.decode() for message in got] == [f"payload {number}" for number in range(20)]
    assert {message.qos for message in got} == {qos}
    assert not any(message.retain for message in got)


@pytest.mark.parametrize("version", PAHO_VERSIONS)
def test_paho_comes_back_to_its_session(shared, paho, name, version):
    """[MQTT-3.1.2-5] [MQTT-3.2.2-3] [MQTT-4.5.0-1]"""
    lasting = {"properties": {"SessionExpiryInterval": 300}} if version == 5 else {}
    first = paho(shared, f"{name}_s", version, clean=False, **lasting)
    assert first.session_present is False
    first.subscribe(name, 1)
    first.disconnect()
    publisher = paho(shared, f"{name}_p", version)
    for number in range(5):
        publisher.publish(name, str(number), 1)
    second = paho(shared, f"{name}_s", version, clean=False, **lasting)
    # 3.1 has no such flag, but the session is there all the same.
    assert second.session_present is (version != 3)
    assert [message.payload for message in second.messages(5)] == [b"0", b"1", b"2", b"3", b"4"]
    assert second.pending() == []


@pytest.mark.parametrize("version", PAHO_VERSIONS)
def test_paho_gets_retained_message_and_will(shared, paho, opened, name, version):
    publisher = paho(shared, f"{name}_p", version)
    publisher.publish(f"{name}/state", "kept", 1, retain=True)
    subscriber = paho(shared, f"{name}_s", version)
    subscriber.subscribe(f"{name}/#", 1)
    kept = subscriber.message()
    assert (kept.payload, kept.retain) == (b"kept", True)

    victim = opened(shared, version)
    victim.connect(f"{name}_w", will=Will(f"{name}/will", b"gone", qos=1))
    victim.drop()
    assert subscriber.message().payload == b"gone"


def mosquitto(tool, broker, *arguments, **options):
    command = [tool, "-h", "127.0.0.1", "-p", str(broker.port), *arguments]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, **options)


@pytest.mark.parametrize("qos", ["0", "1", "2"])
@pytest.mark.parametrize("version", ["mqttv31", "mqttv311", "mqttv5"])
def test_mosquitto_tools(shared, name, version, qos):
    assert shutil.which("mosquitto_pub"), "mosquitto-clients is not installed"
    common = ["-V", version, "-t", name, "-q", qos]
    with mosquitto("mosquitto_sub", shared, *common, "-i", name[-20:], "-C", "2", "-W", "20") as subscriber:
        until(lambda: (shared.client(name[-20:]) or {}).get("subscriptions_cnt"), "the subscription")
        for word in ("hello", "world"):
            with mosquitto("mosquitto_pub", shared, *common, "-m", word) as publisher:
                assert publisher.wait(20) == 0, publisher.stdout.read()
        printed = subscriber.communicate(timeout=25)[0]
    assert (subscriber.returncode, printed.split()) == (0, ["hello", "world"])
