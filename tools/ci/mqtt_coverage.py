#!/usr/bin/python3
"""Compares docs/mqtt-conformance.md with the statement ids that tests name: [MQTT-3.1.2-22].

Prints the coverage of each chapter and the claimed statements without a test. Fails when there is
one, and when a test names an unknown id. --update turns "open" into "claimed" where a test names
the id. --list also prints where each id is named. --self-test checks the checker.
"""

import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
TABLE = ROOT / "docs" / "mqtt-conformance.md"
SOURCES = (".cpp", ".hpp", ".h", ".py", ".sh", ".md", ".txt", ".json")
BINDS = ("server", "client", "both")
STATUSES = ("claimed", "open", "not applicable")

CHAPTER = re.compile(r"^## (?P<title>\d.*)$")
ROW = re.compile(r"^\| (?P<id>MQTT-[\d.]+-\d+) \| (?P<binds>[^|]+) \| (?P<text>[^|]+) \| (?P<status>[^|]+) \|$")
NAMED = re.compile(r"\[(MQTT-[\d.]+-\d+(?:\s*,\s*MQTT-[\d.]+-\d+)*)\]")


def read_table(text):
    """Returns ({id: (chapter, status)}, [error])."""
    statements, errors, chapter = {}, [], None
    for number, line in enumerate(text.splitlines(), 1):
        if heading := CHAPTER.match(line):
            chapter = heading["title"]
            continue
        if not line.startswith("| MQTT-"):
            continue
        row = ROW.match(line)
        if not row or row["binds"] not in BINDS or row["status"] not in STATUSES:
            errors.append(f"line {number}: not a row of the table: {line}")
        elif row["id"] in statements:
            errors.append(f"line {number}: {row['id']} is listed twice")
        elif chapter is None or not row["id"].startswith(f"MQTT-{chapter.split()[0]}."):
            errors.append(f"line {number}: {row['id']} is in the wrong chapter")
        else:
            statements[row["id"]] = (chapter, row["status"])
    return statements, errors


def ids_of(line):
    return [name.strip() for found in NAMED.findall(line) for name in found.split(",")]


def test_files(root):
    """Files below src/**/tests/ and tests/."""
    folders = [folder for folder in (root / "src").rglob("tests") if folder.is_dir()] + [root / "tests"]
    for folder in sorted(folders):
        for file in sorted(folder.rglob("*")):
            if file.suffix in SOURCES and file.is_file() and "__pycache__" not in file.parts:
                yield file


def named_by_tests(root):
    """Returns {id: [place]}."""
    named = {}
    for file in test_files(root):
        for number, line in enumerate(file.read_text(errors="replace").splitlines(), 1):
            for name in ids_of(line):
                named.setdefault(name, []).append(f"{file.relative_to(root)}:{number}")
    return named


def updated(text, named):
    """The table with "claimed" where it said "open" and a test names the id."""

    def flip(line):
        row = ROW.match(line)
        if row and row["status"] == "open" and row["id"] in named:
            return line[: row.start("status")] + "claimed" + line[row.end("status") :]
        return line

    return "".join(flip(line.rstrip("\n")) + "\n" for line in text.splitlines())


def judge(statements, named):
    """Returns ([unknown id], [claimed without a test], [open with a test], [not applicable with one])."""

    def with_status(status, tested):
        return [name for name, (_, s) in statements.items() if s == status and (name in named) == tested]

    unknown = [name for name in named if name not in statements]
    return unknown, with_status("claimed", False), with_status("open", True), with_status("not applicable", True)


def coverage(statements, named):
    """Yields (chapter, tested, applicable)."""
    chapters = {}
    for name, (chapter, status) in statements.items():
        counts = chapters.setdefault(chapter, [0, 0])
        if status != "not applicable":
            counts[0] += name in named
            counts[1] += 1
    for chapter, (tested, applicable) in chapters.items():
        yield chapter, tested, applicable


def print_coverage(statements, named):
    def line(title, tested, applicable):
        share = f"{100 * tested / applicable:4.0f} %" if applicable else "   -  "
        print(f"{title:32} {tested:4} of {applicable:3} {share}")

    rows = list(coverage(statements, named))
    for row in rows:
        line(*row)
    line("all", sum(row[1] for row in rows), sum(row[2] for row in rows))


def self_test():
    text = (
        "## 3.1 CONNECT\n\n| Statement | Binds | Requires | Status |\n| --- | --- | --- | --- |\n"
        "| MQTT-3.1.0-1 | client | a | open |\n| MQTT-3.1.2-1 | server | b | claimed |\n"
        "| MQTT-3.1.2-20 | client | c | not applicable |\n"
    )
    statements, errors = read_table(text)
    line = "// [MQTT-3.1.0-1, MQTT-3.1.2-20] [MQTT-3.1.9-9] [3.1.1/MQTT-3.1.2-22] MQTT-3.1.2-1"
    named = dict.fromkeys(ids_of(line), ["x:1"])
    checks = [
        not errors and len(statements) == 3,
        list(named) == ["MQTT-3.1.0-1", "MQTT-3.1.2-20", "MQTT-3.1.9-9"],
        judge(statements, named)
        == (["MQTT-3.1.9-9"], ["MQTT-3.1.2-1"], ["MQTT-3.1.0-1"], ["MQTT-3.1.2-20"]),
        list(coverage(statements, named)) == [("3.1 CONNECT", 1, 2)],
        updated(text, named) == text.replace("a | open", "a | claimed"),
        updated(text, {}) == text,
        len(read_table(text + "| MQTT-3.1.0-1 | client | a | open |\n")[1]) == 1,
        len(read_table(text + "| MQTT-3.10.1-1 | client | a | open |\n")[1]) == 1,
        len(read_table(text + "| MQTT-3.1.2-9 | both | a | done |\n")[1]) == 1,
    ]
    for i, good in enumerate(checks):
        if not good:
            print("self-test: check", i, "fails")
    return all(checks)


def main():
    if not self_test():
        return 2
    if "--self-test" in sys.argv:
        return 0
    text = TABLE.read_text()
    named = named_by_tests(ROOT)
    if "--update" in sys.argv and (new := updated(text, named)) != text:
        TABLE.write_text(new)
        text = new
    statements, errors = read_table(text)
    if "--list" in sys.argv:
        for name in statements:
            print(name, *named.get(name, ["-"]))
    print_coverage(statements, named)
    unknown, untested, unclaimed, extra = judge(statements, named)
    for message in errors:
        print(f"{TABLE.name}: {message}")
    for name in unknown:
        print(f"unknown id {name}: {', '.join(named[name])}")
    for name in untested:
        print(f"claimed without a test: {name}")
    if unclaimed:
        print(f"tested but open (run with --update): {', '.join(unclaimed)}")
    if extra:
        print(f"tested but not applicable: {', '.join(extra)}")
    return 1 if errors or unknown or untested else 0


if __name__ == "__main__":
    sys.exit(main())
