"""What compare.py measures, and the targets of it."""

from dataclasses import dataclass

from brokers import WARM_UP, bench

FLOOR_CANNOT = ("keepmq-sqlite", "floor")  # of what needs state; a store adds nothing to the question


@dataclass
class Metric:
    """One figure of a scenario. `target`: at most (or at least) so much; `of`: relative to mosquitto in the same
    round, or absolute."""

    key: str
    title: str
    unit: str = ""
    digits: int = 0
    target: float = None
    of: str = "mosquitto"
    at_least: bool = False
    bracket: float = None  # what the best broker known needs


@dataclass
class Scenario:
    key: str
    title: str
    run: object  # (binary, broker, options) -> {metric: figure}
    metrics: list
    without: tuple = ()  # brokers that it means nothing for


def _load(arguments):
    def run(binary, broker, options):
        report = bench(binary, broker, "pub", ["--seconds", options.seconds, "--warm-up", WARM_UP, *arguments],
                       60 + 10 * options.seconds)
        return {
            "rate": report["received_per_second"],
            "cpu": report["broker"]["cpu_us"],
            "p50": report["latency_us"]["p50"] / 1000,
            "p99": report["latency_us"]["p99"] / 1000,
            "memory": report["broker"]["memory"] / 2**20,
            "load_cpu": report["client_cpu_us"],
            "lost": report["lost"],
            "disconnects": report["disconnects"],
        }

    return run


def _load_scenario(key, title, arguments, target, bracket):
    return Scenario(key, title, _load(arguments), [
        Metric("cpu", "broker CPU per delivery", "us", 2, target, bracket=bracket),
        Metric("rate", "deliveries", "/s"),
        Metric("p50", "p50", "ms", 2),
        Metric("p99", "p99", "ms", 2),
        Metric("memory", "memory", "MB", 1),
    ])


def _held(arguments):
    def run(binary, broker, options):
        report = bench(binary, broker, "conn", ["-c", options.connections, "--seconds", 1.5, *arguments], 180)
        return {"bytes": report["bytes_per_connection"], "cpu": report["broker"]["cpu_us"],
                "rate": report["connected_per_second"], "failed": report["failed"]}

    return run


def _held_scenario(key, title, arguments, target):
    return Scenario(key, title, _held(arguments), [
        Metric("bytes", "memory of each", "bytes", 0, target, of="absolute"),
        Metric("cpu", "broker CPU per connect", "us", 1),
        Metric("rate", "connects", "/s"),
    ], ("keepmq-sqlite",))


def _churn(binary, broker, options):
    report = bench(binary, broker, "conn", ["-c", 200, "--at-once", 50, "--churn", "--seconds", options.seconds],
                   60 + 10 * options.seconds)
    return {"cpu": report["broker"]["cpu_us"], "rate": report["connected_per_second"],
            "p99": report["latency_us"]["p99"] / 1000, "failed": report["failed"]}


def _retained(binary, broker, options):
    report = bench(binary, broker, "retain", ["--messages", options.retained, "--keep", "--timeout", 10], 300)
    return {"seconds": report["all_seconds"] if report["missing"] == 0 else None, "missing": report["missing"],
            "cpu": report["broker"]["cpu_us"], "publish_rate": report["published_per_second"]}


def _away(binary, broker, options):
    arguments = ["--sessions", 50, "--filter", "bench/%i", "--publishers", 50, "--seconds", options.seconds,
                 "--timeout", 5]
    report = bench(binary, broker, "replay", arguments, 300 + 10 * options.seconds)
    return {"rate": report["accepted_per_second"], "cpu": report["broker"]["cpu_us"], "missing": report["missing"],
            "duplicates": report["duplicates"], "back_rate": report["received_per_second"]}


FAN_IN = ["--publishers", 50, "--subscribers", 1, "--window", 20]
FAN_OUT = ["--publishers", 1, "--subscribers", 500, "--topic", "bench/x", "--window", 20]
PAIRS = ["--publishers", 100, "--subscribers", 100, "--filter", "bench/%i", "--window", 20]
PACED = ["--publishers", 50, "--subscribers", 1, "--qos", 1, "--rate", 5000]

SCENARIOS = [
    _load_scenario("fan-in-0", "fan-in 50 to 1, QoS 0", [*FAN_IN, "--qos", 0], 0.05, 0.11),
    _load_scenario("fan-in-1", "fan-in 50 to 1, QoS 1", [*FAN_IN, "--qos", 1], 0.04, 0.08),
    _load_scenario("fan-in-2", "fan-in 50 to 1, QoS 2", [*FAN_IN, "--qos", 2], 0.04, 0.06),
    _load_scenario("fan-out-0", "fan-out 1 to 500, QoS 0", [*FAN_OUT, "--qos", 0], 0.11, 0.16),
    _load_scenario("fan-out-1", "fan-out 1 to 500, QoS 1", [*FAN_OUT, "--qos", 1], 0.12, 0.22),
    _load_scenario("pairs-1", "100 pairs, QoS 1", [*PAIRS, "--qos", 1], 0.11, 0.18),
    Scenario("paced", "paced at 5,000/s, QoS 1", _load(PACED), [
        Metric("p50", "p50", "ms", 2, 1.0),
        Metric("p99", "p99", "ms", 2, 2.0, of="absolute"),
        Metric("cpu", "broker CPU per delivery", "us", 1),
        Metric("rate", "deliveries", "/s"),
    ]),
    _held_scenario("idle", "idle connections", [], 700),
    _held_scenario("subscribed", "subscribed connections", ["--topic", "bench/%i", "--qos", 1], 1200),
    Scenario("churn", "connect and disconnect", _churn, [
        Metric("cpu", "broker CPU per connect", "us", 1, 1.0),
        Metric("rate", "connects", "/s"),
        Metric("p99", "p99 of a connect", "ms", 2),
    ], ("keepmq-sqlite",)),
    Scenario("retained", "retained messages to a new subscriber", _retained, [
        Metric("seconds", "until it has all", "s", 3, 0.25),
        Metric("cpu", "broker CPU per delivery", "us", 2),
        Metric("publish_rate", "published before", "/s"),
    ], FLOOR_CANNOT),
    Scenario("away", "QoS 1 to 50 sessions that are away", _away, [
        Metric("rate", "accepted", "/s", 0, 3.0, at_least=True),
        Metric("cpu", "broker CPU per message", "us", 2),
        Metric("back_rate", "received when back", "/s"),
    ], FLOOR_CANNOT),
]
