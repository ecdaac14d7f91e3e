#!/usr/bin/python3
"""Refuses files that are too long. --self-test checks the checker.

A file over its limit needs a line "// size-waiver: reason" (or "# size-waiver: reason") among its
first five lines. Generated tables (*_table.inc) have no limit.
"""

import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
LIMITS = {"source": (400, 600), "header": (200, 300), "test": (600, 900)}  # discuss, refuse
WAIVER = re.compile(r"^\s*(//|#)\s*size-waiver:\s*\S")


def kind(path):
    if "tests/" in path or "testing/" in path:
        return "test"
    return "header" if path.endswith((".hpp", ".h")) else "source"


def verdict(path, lines):
    """Returns "ok", "long", "waived" or "refused"."""
    discuss, refuse = LIMITS[kind(path)]
    if len(lines) > refuse:
        return "waived" if any(WAIVER.match(line) for line in lines[:5]) else "refused"
    return "long" if len(lines) > discuss else "ok"


def self_test():
    waiver = ["// size-waiver: one big switch"]
    cases = [
        ("src/a/a.cpp", ["x"] * 400, "ok"),
        ("src/a/a.cpp", ["x"] * 401, "long"),
        ("src/a/a.cpp", ["x"] * 601, "refused"),
        ("src/a/a.cpp", waiver + ["x"] * 600, "waived"),
        ("src/a/a.cpp", ["// size-waiver:"] + ["x"] * 600, "refused"),
        ("src/a/a.cpp", ["x"] * 5 + waiver + ["x"] * 600, "refused"),
        ("src/a/a.hpp", ["x"] * 301, "refused"),
        ("src/a/tests/a.cpp", ["x"] * 900, "long"),
        ("tests/e2e/test_a.py", ["x"] * 901, "refused"),
    ]
    wrong = [(p, len(lines), w) for p, lines, w in cases if verdict(p, lines) != w]
    for case in wrong:
        print("self-test:", *case)
    return not wrong


def main():
    if not self_test():
        return 2
    if "--self-test" in sys.argv:
        return 0
    counts = {"ok": 0, "long": 0, "waived": 0, "refused": 0}
    for folder in ("src", "fuzz", "bench", "tests", "tools"):
        for file in sorted((ROOT / folder).rglob("*")):
            if file.suffix not in (".hpp", ".h", ".cpp", ".py", ".sh") or not file.is_file():
                continue
            path = file.relative_to(ROOT).as_posix()
            lines = file.read_text(errors="replace").splitlines()
            result = verdict(path, lines)
            counts[result] += 1
            if result != "ok":
                limit = LIMITS[kind(path)][1]
                print(f"{path}: {result}: {len(lines)} lines ({kind(path)}, limit {limit})")
    print("sizes:", ", ".join(f"{n} {name}" for name, n in counts.items()))
    return 1 if counts["refused"] else 0


if __name__ == "__main__":
    sys.exit(main())
