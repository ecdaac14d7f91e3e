#!/usr/bin/python3
"""Counts the tests of one stage: count_tests.py REPORT_FOLDER STATUS prints "passed failed".

Reads pytest.xml, pytest-again.xml (what failed in the former, run again), ctest.xml with the
GoogleTest reports behind it, and counts.json. A stage without reports is one test. A stage that
failed without a failed test (a build error) has one failure.

count_tests.py --failed REPORT_FOLDER  prints the names of the failed tests
count_tests.py --few REPORT_FOLDER     succeeds when so few tests of pytest.xml failed that another run is worth it
count_tests.py --flaky REPORT_FOLDER   prints the tests of pytest-again.xml that passed there
"""

import json
import sys
import xml.etree.ElementTree as ET
from pathlib import Path


FEW = 8


def cases(file):
    """Yields (name, failed) for each test of a JUnit file that was run."""
    for case in ET.parse(file).getroot().iter("testcase"):
        if case.find("skipped") is not None or case.get("status") in ("notrun", "disabled"):
            continue
        failed = case.find("failure") is not None or case.find("error") is not None
        yield case.get("name"), failed or case.get("status") == "fail"


def pytest_cases(folder):
    first = list(cases(folder / "pytest.xml"))
    if not (folder / "pytest-again.xml").exists():
        return first
    return [case for case in first if not case[1]] + list(cases(folder / "pytest-again.xml"))


def program_cases(folder):
    """The tests in the programs that ctest started; it counts programs, the reports of GoogleTest hold single tests."""
    for program, program_failed in cases(folder / "ctest.xml"):
        report = folder / "gtest" / f"{program}.xml"
        single = [(f"{program}: {name}", bad) for name, bad in cases(report)] if report.exists() else []
        yield from single
        # No report, or all well in it and still a bad exit: the program itself counts.
        if not single or (program_failed and not any(bad for _, bad in single)):
            yield program, program_failed


def results(folder):
    found = []
    if (folder / "ctest.xml").exists():
        found += program_cases(folder)
    if (folder / "pytest.xml").exists():
        found += pytest_cases(folder)
    return found


def count(folder):
    found = results(folder)
    failed = sum(bad for _, bad in found)
    passed = len(found) - failed
    if (folder / "counts.json").exists():
        numbers = json.loads((folder / "counts.json").read_text())
        passed, failed = passed + numbers["passed"], failed + numbers["failed"]
    return passed, failed


def main():
    if sys.argv[1] == "--failed":
        print(*(name for name, bad in results(Path(sys.argv[2])) if bad), sep="\n")
        return
    if sys.argv[1] == "--few":
        sys.exit(sum(bad for _, bad in cases(Path(sys.argv[2]) / "pytest.xml")) > FEW)
    if sys.argv[1] == "--flaky":
        print(*(name for name, bad in cases(Path(sys.argv[2]) / "pytest-again.xml") if not bad), sep="\n")
        return
    folder, status = Path(sys.argv[1]), int(sys.argv[2])
    passed, failed = count(folder)
    if status != 0 and failed == 0:
        failed = 1
    elif passed + failed == 0:
        passed = 1
    print(passed, failed)


if __name__ == "__main__":
    main()
