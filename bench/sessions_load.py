#!/usr/bin/python3
"""How long KeepMQ needs at the start for what survived: 1 million retained messages, or 100,000 sessions
with a subscription and messages that wait for them. Each in a generated file; the time is from the start
of the process until it accepts clients. The target is 10 s each.

    bench/sessions_load.py [--binary build/release/bin/keepmq] [--retained 1000000] [--sessions 100000]
"""

import argparse
import pathlib
import shutil
import sqlite3
import struct
import subprocess
import sys
import tempfile
import time

from brokers import BINARY, ROOT

DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
NOW = int(time.time() * 1e6)


def message_id(number):
    value, text = (NOW + number) << 64, ""
    for _ in range(20):
        value, digit = divmod(value, 62)
        text = DIGITS[digit] + text
    return text


def message(number, topic):
    """The columns that every table of messages has."""
    return (message_id(number), topic, b"x" * 100, 1, 1, 0, "sender", "", "127.0.0.1", NOW + number, None)


def text(value):
    size, out = len(value), b""
    while size >= 0x80:
        size, out = size >> 7, out + bytes([size & 0x7F | 0x80])
    return out + bytes([size]) + value


def segment_bytes(number, deliveries):
    """A message and those who wait for it, as src/sessions/segment.cpp writes them. `deliveries`: (number, session)."""
    sent = (b"\0" + struct.pack("<QQ", NOW + number, number) + text(b"to/all") + text(b"x" * 100) + bytes([1, 0, 0])
            + text(b"sender") + text(b"") + text(b"127.0.0.1") + struct.pack("<qB", NOW + number, 0))
    return sent + b"".join(struct.pack("<BBQQHBB", 1, 0, delivery, session, 0, 0, 0)
                           for delivery, session in deliveries)


def run(binary, folder, wait_for=60.0):
    """Starts the broker, returns (seconds until it accepts clients, its resident memory in MB)."""
    ports = folder / "ports.json"
    ports.unlink(missing_ok=True)
    shutil.copytree(ROOT / "etc", folder / "etc", dirs_exist_ok=True)
    begin = time.monotonic()
    process = subprocess.Popen(
        [str(binary.resolve()), "start", "-c", str(folder / "etc/keepmq.conf"), "--set", "plugins.loaded=", "--set",
         f"node.ports_file={ports}", "--set", "listener.tcp.external=127.0.0.1:0", "--set",
         "dashboard.listener.http=off", "--set", "log.level=warning"], cwd=folder)
    while not ports.exists():
        if process.poll() is not None or time.monotonic() - begin > wait_for:
            process.kill()
            raise SystemExit("the broker did not start")
        time.sleep(0.005)
    took = time.monotonic() - begin
    status = pathlib.Path(f"/proc/{process.pid}/status").read_text()
    memory = int(status.split("VmRSS:")[1].split()[0]) / 1024
    process.terminate()
    process.wait(60)
    return took, memory


def fill_retained(database, count):
    marks = ",".join("?" * 11)
    database.executemany(f"insert into retained values({marks})",
                         (message(number, f"site/{number % 1000}/sensor/{number}") for number in range(count)))


def fill_sessions(database, count):
    marks = ",".join("?" * 12)
    database.executemany(f"insert into sessions values({marks})",
                         ((number, f"client{number}", "", "127.0.0.1", 1, 60, 5, 0, 0xFFFFFFFF, NOW, NOW, NOW)
                          for number in range(1, count + 1)))
    database.executemany("insert into subscriptions values(?,?,0,?,1,0,0,0,0)",
                         ((number, f"to/{number}/#", number) for number in range(1, count + 1)))
    # 1,000 messages, one after the other to some of the sessions.
    each = count // 100
    database.executemany("insert into segments values(?,?)", (
        (segment, segment_bytes(segment, [(segment * each + at + 1, (segment * each + at) % count + 1)
                                          for at in range(each)])) for segment in range(1000)))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--binary", type=pathlib.Path, default=BINARY)
    parser.add_argument("--retained", type=int, default=1_000_000)
    parser.add_argument("--sessions", type=int, default=100_000)
    options = parser.parse_args()
    slow = False
    for what, count, fill in (("retained messages", options.retained, fill_retained),
                              ("sessions, 10 messages wait for each", options.sessions, fill_sessions)):
        with tempfile.TemporaryDirectory(prefix="keepmq_") as name:
            folder = pathlib.Path(name)
            run(options.binary, folder)  # makes the tables
            database = sqlite3.connect(folder / "data/sessions.db")
            with database:
                fill(database, count)
            database.close()
            size = (folder / "data/sessions.db").stat().st_size / 2**20
            took, memory = run(options.binary, folder)
            slow |= took > 10
            print(f"{count} {what}: {took:.2f} s, file {size:.0f} MB, memory {memory:.0f} MB")
    return 1 if slow else 0


if __name__ == "__main__":
    sys.exit(main())
