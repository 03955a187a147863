"""User-space instructions per request, by callgrind, in total and by crate.

A server is run twice, for a short and a long row of requests; the difference of the two counts
is free of everything that happens once. Requests come one at a time on one connection, so each
also pays for a wake-up, which a busy server shares among many.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable
from pathlib import Path

SHORT, LONG = 2, 8  # times that every request is sent

FUNCTION = re.compile(r"(c?)fn=\((\d+)\)(?: (.*))?")
CRATE = re.compile(r"[<&*(\[]*(?:dyn |mut |const )?([A-Za-z0-9_]+)")
# A thread's first random bytes cost some 70 million instructions (the cryptographic library measures the
# processor's jitter), and how many threads need any is a matter of chance.
SEEDING = re.compile(r"jent_|rol64$|xoshiro128starstar$")
STANDARD = {"core", "alloc", "std", "str", "hashbrown", "__rustc"}

Serve = Callable[[list[str | Path], int], None]


def per_request(home: Path, requests: int, serve: Serve) -> Counter[str]:
    """Instructions of one request by crate. `serve(prefix, passes)` runs the server behind the
    words of `prefix`, sends every request `passes` times and stops it."""
    counted = []
    for passes in (SHORT, LONG):
        out = home / f"callgrind.{passes}"
        serve(["valgrind", "--tool=callgrind", f"--callgrind-out-file={out}"], passes)
        counted.append(by_crate(out))
    short, long = counted
    return Counter({crate: (long[crate] - short[crate]) / ((LONG - SHORT) * requests) for crate in long})


def by_crate(path: Path) -> Counter[str]:
    """Reads callgrind's file: what each function itself spent, added up by crate."""
    names: dict[str, str] = {}
    spent: Counter[str] = Counter()
    function, inclusive = "", False
    for line in path.read_text(errors="replace").splitlines():
        if named := FUNCTION.match(line):
            called, number, name = named.groups()
            if name:
                names[number] = name
            if not called:
                function = names[number]
        elif line.startswith("calls="):
            inclusive = True
        elif line[:1] in "0123456789+-*" and line:
            # The line after `calls=` is what the called function spent, which is counted there.
            if not inclusive and not SEEDING.match(function):
                spent[crate(function)] += int(line.split()[1])
            inclusive = False
    return spent


def crate(function: str) -> str:
    """Where a function comes from. What was inlined counts for the function it went into."""
    if "::" not in function:
        return "C library"
    found = CRATE.match(function)
    name = found[1] if found else function
    return "standard library" if name in STANDARD else name.replace("_", "-")
