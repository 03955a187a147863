"""The gate's check beside the least that its library can do, nginx, and others that verify tokens.

Servers share one core, the load generator has the other; one server is loaded at a time, in turns,
and medians are compared. CPU per request is the figure to trust: requests per second is limited by
the generator too. Every gate is a process of its own over a folder of its own.
"""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from collections import Counter
from functools import partial
from pathlib import Path

import measure
import peers
import ways
import workload
from measure import RELEASE, ROOT, ROUNDS, Figures, Server

DEPLOYMENTS = int(os.environ.get("DEPLOYMENTS", "1000"))
MANY = int(os.environ.get("MANY_DEPLOYMENTS", "100000"))
LISTED = int(os.environ.get("LISTED_TOKENS", "1000000"))
NEW = int(os.environ.get("NEW_TOKENS", "40000"))
COLUMNS = ["rps", "cpu_us", "p50_us", "p99_us", "alone_p50_us", "alone_p99_us", "generator_busy", "pss_mib", "start_ms"]


def main() -> None:
    """Measures, prints and writes the result."""
    if (os.cpu_count() or 1) < 2:
        raise SystemExit("gate: needs two cores, one for the servers and one for the load.")
    measure.build()
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        home.chmod(0o755)
        servers, one = prepared(home)
        figures = measure.load(home, servers, partial(verify, servers))
        print("loading by other ways", flush=True)
        shutil.copytree(home / "few" / "gate", home / "gate-ways")
        other = ways.measured(home, home / "gate-ways", one)
        print("counting instructions", flush=True)
        counted = {
            name: measure.instructions(home, servers[name].command, servers[name].rounds[0])
            for name in ("gate", "gate-cookie", "hyper")
        }
    report(figures, other, counted)


def prepared(home: Path) -> tuple[dict[str, Server], workload.Credential]:
    """Every server with what it is asked, and a credential of the first."""
    print(f"making fleets of {DEPLOYMENTS} and {MANY} deployments, and their credentials", flush=True)
    programs = RELEASE / "aeolus", RELEASE / "credentials"
    few = workload.prepare(programs, home / "few", DEPLOYMENTS, DEPLOYMENTS + NEW * ROUNDS)
    known, unknown = few[:DEPLOYMENTS], [workload.by_token(one) for one in few[DEPLOYMENTS:]]
    tokens = [workload.by_token(one) for one in known]
    grown = partial(workload.grown, (*programs, RELEASE / "grow"))
    many = grown(home / "many", MANY, LISTED)
    spread = [workload.by_token(one) for one in many[:: max(1, MANY // DEPLOYMENTS)]]
    listed = [workload.by_token(one) for one in grown(home / "listed", DEPLOYMENTS, LISTED)]
    foreign = [workload.by_token(*pair) for pair in zip(known, peers.prepare(home, DEPLOYMENTS))]
    new = [unknown[number * NEW : (number + 1) * NEW] for number in range(ROUNDS)]
    servers = {
        "gate": Server(gate(home, "few", "bearer"), [tokens]),
        "gate-cookie": Server(gate(home, "few", "cookie"), [[workload.by_cookie(one) for one in known]]),
        "gate-new": Server(gate(home, "few", "new"), new, alone=False),
        "gate-many": Server(gate(home, "many", "many"), [spread]),
        "gate-listed": Server(gate(home, "listed", "listed"), [listed]),
        "hyper": Server(measure.hyper, [tokens]),
        "nginx": Server(partial(measure.nginx, home), [tokens], 204),
    }
    for name, peer in peers.PEERS.items():
        servers[name] = Server(partial(peer, home), [foreign])
    return servers, known[0]


def gate(home: Path, fleet: str, name: str) -> measure.Command:
    """A gate over a copy of a fleet's folder."""
    folder = home / f"gate-{name}"
    shutil.copytree(home / fleet / "gate", folder)
    return partial(measure.gate, folder)


def verify(servers: dict[str, Server], name: str, port: int) -> None:
    """Every answer is what it should be, so that what is measured is the real work."""
    server, ours = servers[name], name.startswith("gate")
    asked = server.rounds[-1][-1:] if name == "gate-new" else server.rounds[0]
    heads = workload.ask(port, asked)
    wrong = [head for head in heads if workload.status(head) != server.status]
    if ours:
        wrong += [head for head in heads if "authorization: bearer " not in head.lower()]
    if ours or name in peers.PEERS:
        bearer = next(one for one in server.rounds[0] + servers["gate"].rounds[0] if b"Bearer" in one)
        for change in (lambda token: token[:-8] + b"AAAAAAAA", lambda _: b"garbage"):
            answer = workload.ask(port, [workload.with_token(bearer, change)])
            wrong += [head for head in answer if workload.status(head) != 401]
    if wrong:
        raise SystemExit(f"gate: {name} did not answer as it should:\n{wrong[0]}")


def report(
    figures: dict[str, Figures], other: dict[str, Figures], counted: dict[str, Counter[str]]
) -> None:
    """Prints the tables and the one line, writes the JSON."""
    print(f"\n{'server':12}" + "".join(f"{key:>15}" for key in COLUMNS))
    for name, row in figures.items():
        shown = (measure.rounded(key, row[key]) for key in COLUMNS)
        print(f"{name:12}" + "".join(f"{'-' if value is None else value:>15}" for value in shown))
    print("\nby h2load, one credential" + "".join(f"{key:>15}" for key in COLUMNS[:2]))
    for way, row in other.items():
        print(f"{way:25}" + "".join(f"{measure.rounded(key, row[key]):>15}" for key in COLUMNS[:2]))
    print(f"\n{'instructions per request':26}" + "".join(f"{name:>13}" for name in counted))
    for crate, _ in counted["gate"].most_common(14):
        print(f"{crate:26}" + "".join(f"{crates[crate]:13.0f}" for crates in counted.values()))
    print(f"{'all':26}" + "".join(f"{crates.total():13.0f}" for crates in counted.values()))
    line = summary(figures, counted) | ratios(other)
    result = {
        "name": "gate",
        "command": "make bench NAME=gate",
        "commit": measure.commit(),
        "machine": measure.machine(),
        "figures": line,
        "servers": {
            name: {key: measure.rounded(key, value) for key, value in row.items()}
            for name, row in figures.items()
        },
        "other_ways": {
            way: {key: measure.rounded(key, value) for key, value in row.items()} for way, row in other.items()
        },
        "instructions_by_crate": {
            name: {crate: round(count) for crate, count in crates.most_common() if count >= 1}
            for name, crates in counted.items()
        },
    }
    out = ROOT / "bench" / "results" / "gate.json"
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text(json.dumps(result, indent=2) + "\n")
    print("\ngate: " + " ".join(f"{key}={value}" for key, value in line.items()))


def summary(figures: dict[str, Figures], counted: dict[str, Counter[str]]) -> Figures:
    """The figures that goals are set for. Ratios are above 1 where the gate is better."""
    own = figures["gate"]
    faster = {name: round(own["rps"] / figures[name]["rps"], 2) for name in peers.PEERS}
    return {
        "nginx204": round(own["rps"] / figures["nginx"]["rps"], 2),
        "hyper_cpu": round(figures["hyper"]["cpu_us"] / own["cpu_us"], 2),
        **faster,
        "instructions_over_hyper": round(counted["gate"].total() - counted["hyper"].total()),
        "rss_mib": round(own["pss_mib"], 1),
        "nginx204_cpu": round(figures["nginx"]["cpu_us"] / own["cpu_us"], 2),
        "nginx204_cookie": round(figures["gate-cookie"]["rps"] / figures["nginx"]["rps"], 2),
        "nginx204_new": round(figures["gate-new"]["rps"] / figures["nginx"]["rps"], 2),
        "nginx204_many": round(figures["gate-many"]["rps"] / figures["nginx"]["rps"], 2),
        "nginx204_listed": round(figures["gate-listed"]["rps"] / figures["nginx"]["rps"], 2),
        "rss_many_mib": round(figures["gate-many"]["pss_mib"], 1),
        "rss_listed_mib": round(figures["gate-listed"]["pss_mib"], 1),
        "start_ms": round(own["start_ms"]),
        "start_many_ms": round(figures["gate-many"]["start_ms"]),
        "decide_instructions": round(counted["gate"]["aeolus-decide"]),
    }


def ratios(other: dict[str, Figures]) -> Figures:
    """CPU by request of the other ways against HTTP over TCP: above 1 where they cost less."""
    return {f"{way}_cpu": round(other["tcp"]["cpu_us"] / other[way]["cpu_us"], 2) for way in ("unix", "grpc")}


if __name__ == "__main__":
    main()
