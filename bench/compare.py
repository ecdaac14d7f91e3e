#!/usr/bin/python3
"""KeepMQ beside mosquitto on this machine: throughput and broker CPU per delivery.

Starts both brokers on free loopback ports, runs each scenario in turn on one after the other, several
rounds, and prints the medians and their ratio. The CPU time is the broker's own, from /proc. The last
rows are QoS 1 messages stored by KeepMQ in SQLite, with a flush to the disk in each commit.

    bench/compare.py [--binary build/release/bin/keepmq] [--seconds 3] [--rounds 3] [--json FILE]
"""

import argparse
import json
import os
import pathlib
import statistics
import sys
import tempfile

from brokers import BINARY, WARM_UP, median, run_load, start_keepmq, start_mosquitto

FAN_IN = ["--publishers", "50", "--subscribers", "1", "--window", "20"]
FAN_OUT = ["--publishers", "1", "--subscribers", "500", "--topic", "bench/x", "--window", "20"]
PAIRS = ["--publishers", "100", "--subscribers", "100", "--filter", "bench/%i", "--window", "20"]
SCENARIOS = [
    ("fan-in 50 to 1, QoS 0", FAN_IN + ["--qos", "0"]),
    ("fan-in 50 to 1, QoS 1", FAN_IN + ["--qos", "1"]),
    ("fan-in 50 to 1, QoS 2", FAN_IN + ["--qos", "2"]),
    ("fan-out 1 to 500, QoS 0", FAN_OUT + ["--qos", "0"]),
    ("fan-out 1 to 500, QoS 1", FAN_OUT + ["--qos", "1"]),
    ("100 pairs, QoS 1", PAIRS + ["--qos", "1"]),
]
STORED = [
    ("stored QoS 1, 50 publishers, 20 in flight",
     ["--publishers", "50", "--subscribers", "0", "--qos", "1", "--window", "20"]),
    ("stored QoS 1, paced at 5,000/s",
     ["--publishers", "50", "--subscribers", "0", "--qos", "1", "--rate", "5000"]),
]


def measure(binary, broker, arguments, seconds):
    report, cpu = run_load(binary, broker, arguments, seconds)
    deliveries = max(report["received"], report["published"] if report["subscribers"] == 0 else 0)
    # The warm-up costs CPU too and is not in the counts.
    scale = (report["seconds"] + WARM_UP) / report["seconds"]
    return {
        "published_per_second": report["published_per_second"],
        "deliveries_per_second": deliveries / report["seconds"],
        "cpu_us": cpu / max(deliveries * scale, 1) * 1e6,
        "p50_us": report["latency_us"]["p50"],
        "p99_us": report["latency_us"]["p99"],
        "rss_mb": broker.rss_megabytes(),
        "disconnects": report["disconnects"],
    }


def compare(binary, keepmq, mosquitto, seconds, rounds):
    results = {}
    for title, arguments in SCENARIOS:
        measured = {"keepmq": [], "mosquitto": []}
        for _ in range(rounds):
            for broker in (mosquitto, keepmq):
                measured[broker.name].append(measure(binary, broker, arguments, seconds))
        results[title] = measured
    return results


def print_comparison(results):
    print(f"{'':28} {'deliveries/s':>23}   {'broker CPU us/delivery':>23}   ratio (spread)")
    print(f"{'':28} {'keepmq':>11} {'mosquitto':>11}   {'keepmq':>11} {'mosquitto':>11}")
    for title, measured in results.items():
        ours, theirs = measured["keepmq"], measured["mosquitto"]
        ratios = [a["cpu_us"] / b["cpu_us"] for a, b in zip(ours, theirs) if b["cpu_us"] > 0]
        ratio = f"{statistics.median(ratios):.3f} ({min(ratios):.3f}-{max(ratios):.3f})" if ratios else "-"
        print(f"{title:28} {median(ours, 'deliveries_per_second'):11,.0f} {median(theirs, 'deliveries_per_second'):11,.0f}"
              f"   {median(ours, 'cpu_us'):11.3f} {median(theirs, 'cpu_us'):11.3f}   {ratio}")


def print_stored(results):
    print(f"\n{'':44} {'messages/s':>11} {'CPU us':>8} {'p50 ms':>8} {'p99 ms':>8} {'RSS MB':>7}")
    for title, rounds in results.items():
        print(f"{title:44} {median(rounds, 'published_per_second'):11,.0f} {median(rounds, 'cpu_us'):8.2f}"
              f" {median(rounds, 'p50_us') / 1000:8.2f} {median(rounds, 'p99_us') / 1000:8.2f}"
              f" {median(rounds, 'rss_mb'):7.1f}")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--binary", default=str(BINARY))
    parser.add_argument("--seconds", type=float, default=3)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--json", help="also write all figures to this file")
    options = parser.parse_args()

    with tempfile.TemporaryDirectory(prefix="keepmq-bench-") as name:
        folder = pathlib.Path(name)
        with open(folder / "brokers.log", "w", encoding="utf-8") as log:
            running = []
            try:
                mosquitto = start_mosquitto(folder, log)
                running.append(mosquitto)
                keepmq = start_keepmq(options.binary, folder, "keepmq", ["plugins.loaded="], log)
                running.append(keepmq)
                compared = compare(options.binary, keepmq, mosquitto, options.seconds, options.rounds)
                storing = start_keepmq(options.binary, folder, "storing", [], log)
                running.append(storing)
                stored = {title: [measure(options.binary, storing, arguments, options.seconds)
                                  for _ in range(options.rounds)] for title, arguments in STORED}
            finally:
                for broker in running:
                    broker.stop()
    print(f"{os.cpu_count()} cores, {options.rounds} rounds of {options.seconds:g} s, 64 byte payloads, medians\n")
    print_comparison(compared)
    print_stored(stored)
    if options.json:
        pathlib.Path(options.json).write_text(json.dumps({"compared": compared, "stored": stored}, indent=1))
    return 0


if __name__ == "__main__":
    sys.exit(main())
