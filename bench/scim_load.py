"""Two providers that write at once, each with several writers, for ten minutes: at the end the endpoint has to show exactly
what they wrote. On SQLite with one control plane, on PostgreSQL with two of them in turns.

No answer may be another than the protocol says, above all none of 5xx; else, or where something is lost, this says what and
exits with 1.
"""

from __future__ import annotations

import os
import statistics
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import curve
from curve import Figures

import measure  # noqa: I001
from harness import postgres, scim_controls
from harness.scim_client import Pace, Unexpected
from harness.scim_writers import Writer, difference, load, prepared

SECONDS = float(os.environ.get("LOAD_SECONDS", "600"))
RATE = float(os.environ.get("RATE", "25"))
WRITERS = int(os.environ.get("WRITERS", "4"))
SEED = os.environ.get("SEED", "1")
DATABASES = os.environ.get("DATABASES", "sqlite,postgres").split(",")
# Of the rate that is asked for, so much has to be answered.
LEAST = 0.98


@contextmanager
def database_of(kind: str) -> Iterator[tuple[str | None, int]]:
    """Where a database is, none for a file of control's own, and how many control planes it has."""
    if kind == "sqlite":
        yield None, 1
        return
    if postgres.programs() is None:
        raise SystemExit("scim-load: there is no PostgreSQL (initdb); DATABASES=sqlite leaves it out")
    with postgres.postgres() as running:
        yield running.url, 2


def measured(kind: str, home: Path) -> dict[str, Figures]:
    """Loads one database: figures of each connection and of the control planes."""
    with ExitStack() as stack:
        database, count = stack.enter_context(database_of(kind))
        made = stack.enter_context(scim_controls.controls(home, count, database))
        connections = {
            provider.connection: prepared(made.urls, provider, SEED, WRITERS) for provider in made.providers
        }
        print(f"{kind}: {count} control, {len(connections)} connections, {RATE:.0f} requests/s each", flush=True)
        rows, before = {}, [(measure.pss(pid), measure.cpu(pid)) for pid in made.pids]
        began = time.monotonic()
        load_all(connections)
        took = time.monotonic() - began
        after = [(measure.pss(pid), measure.cpu(pid)) for pid in made.pids]
        for name, writers in connections.items():
            rows[name] = of_connection(writers, took)
        pairs = list(zip(before, after, strict=True))
        rows["control"] = {
            "pss_mib": max(end for _, (end, _) in pairs),
            "grown_mib": max(end - start for (start, _), (end, _) in pairs),
            "cpu_cores": sum(end - start for (_, start), (_, end) in pairs) / took,
            "load_average": os.getloadavg()[1],
        }
        for writers in connections.values():
            found = difference(made.urls, writers)
            if found:
                raise Unexpected(f"{kind}: {found}")
        return rows


def load_all(connections: dict[str, list[Writer]]) -> None:
    """All connections at once, each at its own pace."""
    paces = [Pace(RATE, SECONDS) for _ in connections]
    load(list(zip(connections.values(), paces, strict=True)))


def of_connection(writers: list[Writer], took: float) -> Figures:
    """What one connection's writers were answered, and when."""
    latencies = [seconds * 1e3 for writer in writers for seconds in writer.client.latencies]
    statuses = sum((Counter(writer.client.statuses) for writer in writers), Counter())
    centiles = statistics.quantiles(latencies, n=100)
    model = writers[0].shared.model
    return {
        "requests": len(latencies),
        "rate_per_s": len(latencies) / took,
        "p50_ms": centiles[49],
        "p95_ms": centiles[94],
        "p99_ms": centiles[98],
        "max_ms": max(latencies),
        "users": len(model.users),
        "groups": len(model.groups),
        **{f"status_{status}": number for status, number in sorted(statuses.items())},
    }


def main() -> int:
    """Measures, prints and writes the result."""
    rows: dict[str, dict[str, Figures]] = {}
    try:
        for kind in DATABASES:
            with tempfile.TemporaryDirectory() as folder:
                rows[kind] = measured(kind, Path(folder))
    except Unexpected as error:
        print(f"scim-load: {error}", file=sys.stderr)
        return 1
    for kind, figures in rows.items():
        for name, row in figures.items():
            print(f"{kind} {name}: " + " ".join(f"{figure}={value:.1f}" for figure, value in row.items()))
    curve.write("scim-load", seconds=SECONDS, rate=RATE, writers=WRITERS, seed=SEED, rows=rows)
    answered = {(kind, name): row for kind, figures in rows.items() for name, row in figures.items() if "p95_ms" in row}
    shown = " ".join(f"{kind}_{name}_p95={row['p95_ms']:.0f}ms" for (kind, name), row in answered.items())
    slowest = min(row["rate_per_s"] for row in answered.values())
    print(f"scim-load: differences=0 rate={slowest:.1f}/s {shown}")
    if slowest < RATE * LEAST:
        print(f"scim-load: only {slowest:.1f} of {RATE:.0f} requests a second were answered", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    curve.build(("aeolus-cli", "aeolus"))
    raise SystemExit(main())
