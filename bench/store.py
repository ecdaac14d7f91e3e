#!/usr/bin/python3
"""How fast QoS 1 messages are stored, PUBACK after commit, in each database, and beside what.

For each backend, in each round, one after the other on one server that flushes each commit to the disk:
KeepMQ as fast as it goes; KeepMQ at half of that, for the latency; KeepMQ without any store (its own
ceiling); the client library alone in batches of 100 and 1000; mosquitto with a Python subscriber that
inserts row by row, and one that inserts batches. Afterwards the table must have at least the rows that
were acknowledged.

    tools/ci/build.sh release keepmq driver_rate
    bench/store.py [--backends sqlite,redis,...] [--seconds 2] [--rounds 3] [--json FILE]

The subscribers find their messages waiting at mosquitto, so nothing else uses the processor meanwhile.
Cassandra is used by the client library until it gets no faster, before the first round.
"""

import argparse
import contextlib
import json
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile
import time
import traceback

import glue
from brokers import BINARY, ROOT, run_load, start_keepmq, start_mosquitto
from databases import PUBLISHERS, STORES

WARM_UP = 0.3
WINDOW = 20
LOAD = ["--publishers", str(PUBLISHERS), "--subscribers", "0", "--qos", "1"]
SATURATED = [*LOAD, "--window", str(WINDOW)]
BATCHES = (100, 1000)
WARM_SERVER = 2.0, 30  # seconds of a part of the warm-up of a server, and the most parts
BACKLOG_RATE = 20_000  # messages for each second of a subscriber: more than it can take
PATIENCE = 60.0

RATES = {"keepmq": "KeepMQ", "driver_100": "driver, 100", "driver_1000": "driver, 1000", "no_store": "no store",
         "glue_batch": "glue, batches", "glue_row": "glue, by row"}
OF_POSSIBLE, TIMES_GLUE, HALF_LOAD_P99 = 0.7, 10, 20.0  # targets


class Lost(Exception):
    """A message was acknowledged and is not in the table."""


# --- KeepMQ -----------------------------------------------------------------------------------------


def warm(binary, broker):
    return run_load(binary, broker, SATURATED, WARM_UP, 0)[0]["published"]


def arrived(store, before, acknowledged):
    """Rows since there were `before` of them. What the broker took before it had reached the database was
    acknowledged from its spool, and comes later."""
    deadline = time.monotonic() + PATIENCE
    while (rows := store.rows() - before) < acknowledged:
        if time.monotonic() > deadline:
            raise Lost(f"{store.name}: {acknowledged} messages were acknowledged, the table got {rows}")
        time.sleep(0.1)
    return rows


def stored(binary, broker, store, arguments, seconds):
    """What was acknowledged in that time, all of it from the first message on, is in the table."""
    before, server = store.rows(), store.cpu()
    report, cpu = run_load(binary, broker, arguments, seconds, 0)
    server = store.cpu() - server
    acknowledged = report["published"]
    rows = arrived(store, before, acknowledged)
    return {
        "rate": report["published_per_second"],
        "p50_ms": report["latency_us"]["p50"] / 1000,
        "p99_ms": report["latency_us"]["p99"] / 1000,
        "broker_us": cpu / max(acknowledged, 1) * 1e6,
        "server_us": server / max(rows, 1) * 1e6,
        "client_us": report["client_cpu_seconds"] / max(acknowledged, 1) * 1e6,
        "acknowledged": acknowledged,
        "rows": rows,
        "refused": report["refused"],
        "disconnects": report["disconnects"],
    }


def measure_keepmq(options, folder, name, store, log):
    plugins = {store.kind: store.plugin()}
    # Else a database that takes longer than a second is measured with what the spool took for it.
    settings = [f"plugins.loaded=emqx_backend_{store.kind}", "spool.after=1h"]
    broker = start_keepmq(options.binary, folder, name, settings, log, plugins)
    try:
        arrived(store, 0, warm(options.binary, broker))
        full = stored(options.binary, broker, store, SATURATED, options.seconds)
        pace = ["--rate", str(max(full["rate"] / 2, 1))]
        return full, stored(options.binary, broker, store, LOAD + pace, options.seconds)
    finally:
        broker.stop()


# --- what it is held against ------------------------------------------------------------------------


def measure_driver(program, store, batch, seconds):
    store.clear()
    host, port = store.address()
    words = [program, store.kind, host, port, store.lanes, batch, seconds]
    done = subprocess.run(list(map(str, words)), capture_output=True, text=True, timeout=PATIENCE + 10 * seconds)
    if done.returncode != 0:
        raise RuntimeError(f"{store.name}: {done.stderr.strip()}")
    report = json.loads(done.stdout)
    if store.rows() < report["rows"]:
        raise Lost(f"{store.name}: {report['rows']} rows of {program.name} were committed, the table has less")
    return report["rows"] / report["seconds"]


def warm_server(options, folder, store, log):
    """Until three parts in a row were no faster than what was before: whoever is measured first would pay for the
    compiler of a server in Java. The broker makes the tables."""
    plugins = {store.kind: store.plugin()}
    broker = start_keepmq(options.binary, folder, f"{store.name}-warm", [f"plugins.loaded=emqx_backend_{store.kind}"],
                          log, plugins)
    try:
        arrived(store, 0, warm(options.binary, broker))
    finally:
        broker.stop()
    seconds, most = WARM_SERVER
    best, no_faster = 0.0, 0
    for _ in range(most):
        rate = measure_driver(options.driver, store, BATCHES[0], seconds)
        no_faster = 0 if rate > 1.05 * best else no_faster + 1
        best = max(best, rate)
        if no_faster == 3:
            break
    store.clear()


def measure_glue(options, folder, store, mode, log):
    """Rows each second that come into the table, from the first one on."""
    store.clear()
    mosquitto = start_mosquitto(folder, log)
    process = None
    try:
        glue.subscribe(mosquitto.port)
        fill = ["--rate", str(2 * BACKLOG_RATE)]
        backlog = run_load(options.binary, mosquitto, LOAD + fill, options.seconds / 2, 0)[0]["published"]
        words = [sys.executable, ROOT / "bench/glue.py", store.kind, *store.address(), mode, mosquitto.port]
        process = subprocess.Popen(list(map(str, words)), stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        return arrivals(store, process, backlog, options.seconds)
    finally:
        if process is not None:
            process.kill()
            process.wait()
        mosquitto.stop()


def arrivals(store, process, backlog, seconds):
    def count():
        if process.poll() is not None:
            raise RuntimeError(f"{store.name}: bench/glue.py ended with {process.returncode}")
        return store.rows(), time.monotonic()

    deadline = time.monotonic() + PATIENCE
    first, begin = count()
    while first == 0 and time.monotonic() < deadline:
        time.sleep(0.01)
        first, begin = count()
    rows, now = first, begin
    while now < begin + seconds and rows < backlog:
        time.sleep(seconds / 10)
        rows, now = count()
    return (rows - first) / (now - begin) if now > begin else 0.0


# --- a run ------------------------------------------------------------------------------------------


def measure_round(options, folder, name, store, plain, log):
    full, half = measure_keepmq(options, folder, name, store, log)
    result = {"lanes": store.lanes, "full": full, "half": half, "keepmq": full["rate"]}
    report, _ = run_load(options.binary, plain, SATURATED, options.seconds)
    result["no_store"] = report["published_per_second"]
    for batch in BATCHES:
        result[f"driver_{batch}"] = measure_driver(options.driver, store, batch, options.seconds)
    for mode in ("row", "batch"):
        result[f"glue_{mode}"] = measure_glue(options, folder, store, mode, log)
    store.clear()
    for batch in BATCHES:
        possible = min(result[f"driver_{batch}"], result["no_store"])
        result[f"of_{batch}"] = full["rate"] / max(possible, 1)
    result["times_glue"] = full["rate"] / max(result["glue_row"], 1)
    return result


def measure_all(options, folder, log):
    """Figures by backend, and the backends that have none."""
    results, failed = {}, []
    with contextlib.ExitStack() as stack:
        plain = start_keepmq(options.binary, folder, "plain", ["plugins.loaded="], log)
        stack.callback(plain.stop)
        warm(options.binary, plain)
        for backend in options.backends:
            store = STORES[backend](folder)
            try:
                store.start()
                if store.compiles_itself and options.seconds >= 1:  # a shorter run only shows that all works
                    warm_server(options, folder, store, log)
                rounds = []
                for number in range(options.rounds):
                    print(f"{backend}, round {number + 1} of {options.rounds}", file=sys.stderr)
                    rounds.append(measure_round(options, folder, f"{backend}-{number}", store, plain, log))
                results[backend] = rounds
            except Exception:  # the others are measured and shown all the same
                failed.append(backend)
                traceback.print_exc()
                print((folder / "log").read_text(errors="replace")[-4000:], file=sys.stderr)
            finally:
                store.stop()
    return results, failed


# --- what is printed --------------------------------------------------------------------------------


def values(rounds, path):
    first, *rest = path.split(".")
    found = [each[first] for each in rounds]
    return values(found, ".".join(rest)) if rest else found


def median(rounds, path):
    return statistics.median(values(rounds, path))


def spread(rounds, path, form):
    """Median, lowest and highest."""
    found = values(rounds, path)
    return f"{statistics.median(found):{form}} ({min(found):{form}}-{max(found):{form}})"


def print_rates(results):
    print(f"{'messages/s':10}" + "".join(f"{title:>20}" for title in RATES.values()))
    for backend, rounds in results.items():
        cells = []
        for key in RATES:
            found = values(rounds, key)
            middle = statistics.median(found)
            half_range = (max(found) - min(found)) / 2 / max(middle, 1)
            cells.append(f"{middle:,.0f} +-{half_range:3.0%}")
        print(f"{backend:10}" + "".join(f"{cell:>20}" for cell in cells))


def judged_batch(rounds):
    """The largest that the messages in flight can fill on all connections at once."""
    return max(batch for batch in BATCHES if batch * rounds[0]["lanes"] <= PUBLISHERS * WINDOW)


def verdict(met):
    return "met" if met else "missed"


def print_targets(results):
    titles = (*(f"of driver with {batch:,}" for batch in BATCHES), f">= {OF_POSSIBLE}", "times glue by row",
              f">= {TIMES_GLUE}", "p99 ms, half load", f"< {HALF_LOAD_P99:g}")
    widths = (22, 22, 9, 22, 9, 22, 9)
    print(f"\n{'':10}" + "".join(f"{title:>{width}}" for title, width in zip(titles, widths)))
    for backend, rounds in results.items():
        cells = (*(spread(rounds, f"of_{batch}", ".2f") for batch in BATCHES),
                 verdict(median(rounds, f"of_{judged_batch(rounds)}") >= OF_POSSIBLE),
                 spread(rounds, "times_glue", ".1f"), verdict(median(rounds, "times_glue") >= TIMES_GLUE),
                 spread(rounds, "half.p99_ms", ".1f"), verdict(median(rounds, "half.p99_ms") < HALF_LOAD_P99))
        print(f"{backend:10}" + "".join(f"{cell:>{width}}" for cell, width in zip(cells, widths)))
    print("of driver: KeepMQ by the driver's rate, or by the rate without a store where that is lower. The target\n"
          f"counts for the batch that {PUBLISHERS * WINDOW:,} messages in flight can fill on all connections: "
          + ", ".join(f"{backend} {judged_batch(rounds):,}" for backend, rounds in results.items()))


def print_costs(results):
    titles = {"full.broker_us": "broker", "full.server_us": "server", "full.client_us": "load"}
    latencies = {"half.p50_ms": "p50 half", "half.p99_ms": "p99 half", "full.p50_ms": "p50 full", "full.p99_ms": "p99 full"}
    print(f"\n{'':10}{'CPU us per message':>30}{'PUBACK, ms':>40}")
    print(f"{'':10}" + "".join(f"{title:>10}" for title in (*titles.values(), *latencies.values())))
    for backend, rounds in results.items():
        print(f"{backend:10}" + "".join(f"{median(rounds, key):10.2f}" for key in (*titles, *latencies)))
        problems = {key: sum(each[load][key] for each in rounds for load in ("full", "half"))
                    for key in ("refused", "disconnects")}
        if any(problems.values()):
            print(f"{'':10}" + ", ".join(f"{key}: {count}" for key, count in problems.items()))


def backends(text):
    names = [each for each in text.split(",") if each]
    for name in names:
        if name not in STORES:
            raise argparse.ArgumentTypeError(f"{name} is none of {', '.join(STORES)}")
    return names


def parse():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--binary", default=BINARY, type=pathlib.Path, help="driver_rate is beside it")
    parser.add_argument("--backends", default=list(STORES), type=backends, help="with commas between")
    parser.add_argument("--seconds", type=float, default=2, help="of each measurement; there are 7 in a round")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--json", help="also write all figures to this file")
    options = parser.parse_args()
    options.driver = options.binary.parent / "driver_rate"
    for program in (options.binary, options.driver):
        if not os.access(program, os.X_OK):
            raise SystemExit(f"no {program}: tools/ci/build.sh release keepmq driver_rate")
    return options


def main():
    options = parse()
    with tempfile.TemporaryDirectory(prefix="keepmq-bench-") as name:
        folder = pathlib.Path(name)
        folder.chmod(0o755)  # the servers have users of their own
        with open(folder / "log", "w", encoding="utf-8") as log:
            results, failed = measure_all(options, folder, log)
    if not results:
        return 1
    print(f"{os.cpu_count()} cores, {options.rounds} rounds of {options.seconds:g} s, {PUBLISHERS} publishers with {WINDOW} "
          "in flight, 64 byte payloads, QoS 1; medians, +- half the range, (lowest-highest)\n")
    print_rates(results)
    print_targets(results)
    print_costs(results)
    if options.json:
        pathlib.Path(options.json).write_text(json.dumps(results, indent=1))
    if failed:
        print(f"failed, see above: {', '.join(failed)}", file=sys.stderr)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
