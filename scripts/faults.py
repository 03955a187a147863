"""The table of faults: each row with the tests that answer it, from a run's reports."""

from __future__ import annotations

import re
import sys
import xml.etree.ElementTree as tree
from collections import defaultdict
from pathlib import Path

ROWS = {
    1: "control down at a gate's start, snapshot on disk",
    2: "control down at a gate's first start",
    3: "control killed under load",
    4: "control hangs",
    5: "control flaps",
    6: "control slow or thin",
    7: "half of the gates cut off",
    8: "one-way partition",
    9: "half-open stream",
    10: "DNS empty or wrong",
    11: "control's URL answers with a page",
    12: "control asks to be left alone",
    13: "stale past the bound: deny",
    14: "stale past the bound: serve until exp",
    15: "stale past the bound: read only",
    16: "gate frozen for hours, then thawed",
    17: "revocation during a partition",
    18: "revocation while connected",
    20: "part of an answer lost",
    21: "answers doubled or reordered",
    22: "older signed snapshot replayed",
    23: "two publishers, one slow",
    24: "snapshot on disk swapped for an older one",
    25: "control's database restored from a backup",
    26: "malformed snapshot",
    27: "snapshot of another plane",
    28: "snapshot signed in the middle",
    31: "rotation while cut off",
    32: "flood of unknown keys",
    33: "gate's clock five minutes off",
    34: "clock jumps back a day",
    35: "control's clock ahead",
    36: "leap day, 2038, 9999",
    37: "killed while writing",
    38: "file cut or flipped",
    39: "disk full",
    40: "fsync fails",
    41: "read-only disk",
    42: "file that others could touch",
    49: "token rotated with grace",
    50: "500 gates reconnect at once",
    64: "plane secret rotated, gate cut off",
    65: "versions N-1 and N",
    67: "rollout to 100 % and back under load",
    68: "rollout missing, or control down",
    74: "gate upgraded during an outage",
}
NAME = re.compile(r"(?:^|::|\s)(?:test_)?((?:f\d+_)+)\w*")


def rows_of(name: str) -> list[int]:
    """The rows that a test's name begins with: `f39_f40_…` answers two."""
    found = NAME.search(name)
    return [int(row) for row in re.findall(r"f(\d+)_", found[1])] if found else []


FIGURE = re.compile(r"^figure f(\d+): (.+)$", re.MULTILINE)


def figures(rust_report: str, python_report: Path) -> dict[int, list[str]]:
    """What the tests have measured, by row: lines that a Rust test prints, properties of a Python one."""
    said: dict[int, list[str]] = defaultdict(list)
    for row, text in FIGURE.findall(rust_report):
        said[int(row)].append(text)
    for case in cases_of(python_report):
        for found in case.iter("property"):
            if found.get("name") == "figure":
                for row in rows_of(case.get("name", "")):
                    said[row].append(found.get("value", ""))
    return said


def rust(report: str) -> list[tuple[str, bool]]:
    """The tests of a `cargo test` and whether each passed."""
    lines = re.findall(r"^test (\S+).* \.\.\. (ok|FAILED)$", report, re.MULTILINE)
    # A test that prints puts its result on a line of its own.
    return [(name, result == "ok") for name, result in lines]


def cases_of(report: Path) -> list[tree.Element]:
    """The tests of a pytest run that were not skipped."""
    if not report.is_file() or not report.stat().st_size:
        return []
    cases = tree.parse(report).iter("testcase")
    return [case for case in cases if case.find("skipped") is None]


def python(report: Path) -> list[tuple[str, bool]]:
    """Those tests and whether each passed."""
    ran = cases_of(report)
    bad = ("failure", "error")
    return [(case.get("name", ""), all(case.find(kind) is None for kind in bad)) for case in ran]


def main(rust_report: str, python_report: str) -> int:
    """Prints the table; fails if any row does."""
    answers: dict[int, list[tuple[str, bool]]] = defaultdict(list)
    tests = rust(Path(rust_report).read_text()) + python(Path(python_report))
    for name, passed in tests:
        for row in rows_of(name):
            answers[row].append((name, passed))
    measured = figures(Path(rust_report).read_text(), Path(python_report))
    failed = 0
    for row, fault in ROWS.items():
        found = answers[row]
        good = bool(found) and all(passed for _, passed in found)
        failed += not good
        result = "passed" if good else "FAILED" if found else "MISSING"
        print(f"F{row:<3} {result:8} {fault}")
        for figure in measured[row]:
            print(f"              {figure}")
        for name, passed in found:
            print(f"              {'' if passed else 'FAILED '}{name}")
    print(f"{len(ROWS) - failed} passed, {failed} failed")
    return int(failed > 0)


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
