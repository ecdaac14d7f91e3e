#!/usr/bin/python3
"""KeepMQ beside other brokers on this machine: throughput, latency, memory, and the broker's own CPU time.

Starts mosquitto, mochi-mqtt, rumqttd, KeepMQ (alone, and with each message stored in SQLite) and a relay without
any state (the floor), one after the other, and measures each scenario on all of them before the next; that is
repeated. Prints Markdown: the targets and whether they are met, then all medians with their ratio to mosquitto.

    tools/ci/build.sh release keepmq floor_relay
    bench/compare.py [--rounds 3] [--seconds 3] [--brokers mosquitto,keepmq] [--scenarios fan-in-1,idle] [--json FILE]

mochi-mqtt is built with go and rumqttd with cargo, from bench/peers; without them, the others are measured. The exit
code is 1 when a broker that runs could not be measured in one of the scenarios; targets do not count.
"""

import argparse
import json
import os
import pathlib
import platform
import subprocess
import sys
import tempfile

from brokers import BINARY, Failed, allow_many_connections
from peers import PEERS_BY_NAME
from scenarios import SCENARIOS
from tables import figures_table, targets_table


def say(text):
    print(text, file=sys.stderr, flush=True)


def prepare(names, problems):
    """Those that can be started."""
    peers = {}
    for name in names:
        say(f"preparing {name}")
        try:
            PEERS_BY_NAME[name].prepare()
            peers[name] = PEERS_BY_NAME[name]
        except Failed as problem:
            say(f"== {problem}")
            problems.append(str(problem).splitlines()[0])
    return peers


def measure(scenario, name, peer, options, log):
    with tempfile.TemporaryDirectory(prefix="keepmq-bench-") as folder:
        broker = peer.start(options, pathlib.Path(folder), log)
        try:
            return scenario.run(options.binary, broker, options)
        finally:
            broker.stop()


def note_losses(scenario, peer, figures, notes):
    for key, word in (("lost", "messages lost"), ("missing", "messages missing"), ("duplicates", "duplicates"),
                      ("disconnects", "connections lost"), ("failed", "connections failed")):
        if figures.get(key):
            notes.append(f"{peer.title}, {scenario.title}: {figures[key]:,} {word}")


def measure_all(peers, options, log, notes):
    results = {scenario.key: {name: [] for name in peers if name not in scenario.without}
               for scenario in options.scenarios}
    for number in range(options.rounds):
        for scenario in options.scenarios:
            for name in results[scenario.key]:
                say(f"round {number + 1} of {options.rounds}: {scenario.title}, {name}")
                try:
                    figures = measure(scenario, name, peers[name], options, log)
                    note_losses(scenario, peers[name], figures, notes)
                except Failed as problem:
                    say(f"== {problem}")
                    notes.append(f"{peers[name].title}, {scenario.title}: {str(problem).splitlines()[0]}")
                    figures = None
                results[scenario.key][name].append(figures)
    return results


def machine():
    model = next((line.split(":", 1)[1].strip() for line in pathlib.Path("/proc/cpuinfo").read_text().splitlines()
                  if line.startswith("model name")), platform.machine())
    load = os.getloadavg()[0]
    return f"{os.cpu_count()} cores ({model}), Linux {platform.release().split('-')[0]}, load average {load:.1f} when it began"


def version(words, mark):
    try:
        text = subprocess.run(words, capture_output=True, text=True, check=False).stdout
        return next((line for line in text.splitlines() if mark in line), "").strip()
    except OSError:
        return ""


def markdown(options, peers, results, notes, about):
    verdicts = []
    lines = [f"{about}; {options.rounds} rounds of {options.seconds:g} s, 64 byte payloads, MQTT 3.1.1, "
             f"{options.connections:,} connections, {options.retained:,} retained messages. Medians.", ""]
    if {"keepmq", "mosquitto"} <= peers.keys():
        lines += [*targets_table(options.scenarios, results, verdicts), "",
                  "A ratio is KeepMQ's figure by mosquitto's in the same round; in square brackets what the best broker "
                  "known needs. What a match costs, with a million subscriptions, is measured by "
                  "`build/release/bin/topic_tree_bench`.", ""]
    lines += [*figures_table(options.scenarios, results, peers), "",
              "In brackets: the ratio to mosquitto.", ""]
    lines += [f"- {each}" for each in dict.fromkeys(notes)]
    return "\n".join(lines).rstrip() + "\n", verdicts


def chosen(known, text, what):
    names = [each for each in text.split(",") if each]
    for name in names:
        if name not in known:
            raise argparse.ArgumentTypeError(f"no {what} {name}; there are {', '.join(known)}")
    return names


def parse():
    by_key = {each.key: each for each in SCENARIOS}
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0], epilog="Scenarios: " + ", ".join(by_key))
    parser.add_argument("--binary", type=pathlib.Path, default=BINARY, help="floor_relay is beside it")
    parser.add_argument("--brokers", type=lambda text: chosen(PEERS_BY_NAME, text, "broker"),
                        default=list(PEERS_BY_NAME), help=f"with commas between, of {', '.join(PEERS_BY_NAME)}")
    parser.add_argument("--scenarios", type=lambda text: [by_key[key] for key in chosen(by_key, text, "scenario")],
                        default=SCENARIOS, help="with commas between")
    parser.add_argument("--seconds", type=float, default=3, help="of a measurement (3)")
    parser.add_argument("--rounds", type=int, default=3, help="(3)")
    parser.add_argument("--connections", type=int, default=10_000, help="that are held (10000)")
    parser.add_argument("--retained", type=int, default=100_000, help="retained messages (100000)")
    parser.add_argument("--markdown", help="also write the tables to this file")
    parser.add_argument("--json", help="also write all figures, round by round, to this file")
    options = parser.parse_args()
    options.binary = options.binary.resolve()
    if not os.access(options.binary, os.X_OK):
        raise SystemExit(f"no {options.binary}: tools/ci/build.sh release keepmq floor_relay")
    return options


def main():
    options = parse()
    most = allow_many_connections() - 500
    if options.connections > most:
        say(f"only {most:,} connections: `ulimit -Hn` allows no more")
        options.connections = most
    notes = []
    about = machine()
    peers = prepare(options.brokers, notes)
    with tempfile.NamedTemporaryFile("w", prefix="keepmq-bench-", suffix=".log") as log:
        results = measure_all(peers, options, log, notes)
    text, verdicts = markdown(options, peers, results, notes, about)
    print(text, end="")
    if options.markdown:
        pathlib.Path(options.markdown).write_text(text)
    if options.json:
        pathlib.Path(options.json).write_text(json.dumps(
            {"about": about, "rounds": options.rounds, "seconds": options.seconds, "results": results,
             "targets": verdicts, "notes": notes}, indent=1))
    measured = [each for scenario in results.values() for rounds in scenario.values() for each in rounds]
    return 0 if measured and None not in measured else 1


if __name__ == "__main__":
    sys.exit(main())
