"""From a change at control to the gates: how long, how many bytes, and what it costs control.

Control and up to ten gates are the real programs; more gates are simulated by `herd`, which runs the
gate's own replica hundreds of times in one process. All of it shares this machine's cores, so the
figures are those of a machine that also plays the whole fleet.
"""

from __future__ import annotations

import json
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
RELEASE = Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target")) / os.environ.get("PROFILE", "release")
os.environ["AEOLUS_BINARY"] = str(RELEASE / "aeolus")
sys.path.insert(0, str(ROOT / "tests"))

import measure  # noqa: E402
import workload  # noqa: E402
from harness import aeolus  # noqa: E402
from harness.herd import Admin, Herd, document, herd, now, plane  # noqa: E402
from harness.process import free_port, running, wait_for  # noqa: E402
from wire import wire  # noqa: E402

PLANES, REAL, MANY, HERD = 20, 10, 100, 500
SINGLE, BURSTS, BURST = 20, 3, 20
SUBJECTS = int(os.environ.get("SUBJECTS", "100000"))
LARGE_REVOCATIONS = int(os.environ.get("LARGE_REVOCATIONS", "30"))
GRANTS_EVERY = 0.5
LISTED = int(os.environ.get("LISTED_TOKENS", "1000000"))
OUTAGE = float(os.environ.get("OUTAGE", "45"))
STEADY = 20.0
BINARIES = ("aeolus-cli", "aeolus"), *(("aeolus-bench", name) for name in ("herd", "grow", "credentials", "fill"))

Figures = dict[str, float]


def main() -> None:
    """Measures, prints and writes the result."""
    build = ["cargo", "build", "--quiet", "--release"]
    if RELEASE.name == "release":
        for package, binary in BINARIES:
            subprocess.run([*build, "--package", package, "--bin", binary], check=True, cwd=ROOT)
    figures: dict[str, Figures] = {}
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        with control(home / "fleet", PLANES) as (fleet, folders):
            admin = Admin(fleet)
            for gates in (1, REAL):
                figures[f"revoke_{gates}"] = at_real_gates(home / f"real-{gates}", admin, folders[:gates])
            figures[f"revoke_{MANY}"] = at_simulated_gates(fleet, admin, folders[:REAL], home)
            figures["herd"] = coming_back(fleet, admin, folders, home)
        with control(home / "large", 1, 0) as (fleet, folders):
            populate(fleet, home)
            figures["revoke_large"] = at_a_large_plane(fleet, folders, home)
            figures["wire"] = on_the_wire(fleet, folders, home)
        figures["cold"] = cold_start(home / "cold")
    report(figures)


@contextmanager
def control(home: Path, planes: int, people: int = 100) -> Iterator[tuple[aeolus.Fleet, list[Path]]]:
    """A control plane, and gate folders of so many planes."""
    home.mkdir()
    password = home / "password"
    aeolus.private(password, b"correct horse battery staple")
    (home / "fleet.yaml").write_text(document(planes, range(people)))
    with aeolus.controlled(home / "aeolus", home / "fleet.yaml", password, home / "logs") as fleet:
        folders = [home / plane(number) for number in range(planes)]
        print(f"enrolling {planes} planes", flush=True)
        for folder in folders:
            fleet.enrol(folder.name, folder)
        yield fleet, folders


def at_real_gates(home: Path, admin: Admin, folders: list[Path]) -> Figures:
    """From the call that revokes to the first refusal, at gates that are asked all the time."""
    print(f"revoking at {len(folders)} real gates", flush=True)
    deployments = {one["name"]: one["id"] for one in admin.ask("GET", "/v1/organizations/acme/deployments")["items"]}
    with ExitStack() as stack:
        gates = []
        for folder in folders:
            port = free_port()
            checks = ["--checks", f"127.0.0.1:{port}", "--proxy", "off", "--metrics", "off"]
            command = [RELEASE / "aeolus", "gate", "serve", "--data", folder, *checks]
            stack.enter_context(running(command, home / f"{folder.name}.log"))
            wait_for("a gate", lambda port=port: workload.ask(port, [b"GET /readyz HTTP/1.1\r\nHost: x\r\n\r\n"]), 30)
            credential = workload.Credential(f"{folder.name}.acme.test", deployments[folder.name], "", "")
            gates.append((stack.enter_context(socket.create_connection(("127.0.0.1", port), 30)), credential))
        return spread_of(lambda count: refused(admin, gates, count))


def refused(admin: Admin, gates: list[tuple[socket.socket, workload.Credential]], count: int) -> list[float]:
    """Revokes so many tokens at once; for each and every gate, milliseconds until it is refused there."""
    tokens = [admin.create_token(f"t{now()}") for _ in range(count)]
    waiting = [(gate, workload.by_token(one, token["token"])) for gate, one in gates for token in tokens]
    wait_for("the tokens to be good", lambda: all(check(*one) == 200 for one in waiting), 30, 0.05)
    took: list[float] = []
    began = now()
    revoking = [threading.Thread(target=admin.revoke, args=(token["id"],)) for token in tokens]
    for thread in revoking:
        thread.start()
    while waiting:
        still = [one for one in waiting if check(*one) == 200]
        took += [(now() - began) / 1e6] * (len(waiting) - len(still))
        waiting = still
        if now() - began > 60e9:
            raise SystemExit("propagation: a revoked token is still let in after a minute")
        time.sleep(0.005)
    for thread in revoking:
        thread.join()
    return took


def check(gate: socket.socket, request: bytes) -> int:
    """The status of one answer on a kept connection."""
    gate.sendall(request)
    answer = b""
    while b"\r\n\r\n" not in answer:
        answer += gate.recv(1 << 16)
    head, body = answer.split(b"\r\n\r\n", 1)
    lengths = [line.split(b":")[1] for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")]
    left = int(lengths[0]) - len(body) if lengths else 0
    while left > 0:
        left -= len(gate.recv(left))
    return int(head.split(b" ", 2)[1])


def at_simulated_gates(fleet: aeolus.Fleet, admin: Admin, folders: list[Path], home: Path) -> Figures:
    """The same at gates that say themselves when a revocation is in force."""
    print(f"revoking at {MANY} simulated gates", flush=True)
    with herd(fleet.control, MANY, folders, home / "many.log", spread=5) as gates:

        def revoked(count: int) -> list[float]:
            tokens = [admin.create_token(f"t{now()}") for _ in range(count)]
            gates.wait(tokens[-1]["seq"], 30)
            began = now()
            with ThreadPoolExecutor(count) as pool:
                positions = list(pool.map(lambda token: admin.revoke(token["id"]), tokens))
            gates.wait(max(positions), 60)
            return [(at - began) / 1e6 for seq in positions for at in gates.in_force(seq)]

        gates.wait(admin.create_token("first")["seq"], 60)
        return spread_of(revoked)


def spread_of(revoke) -> Figures:
    """Revocations one at a time and in bursts: milliseconds."""
    one, many = ([took for _ in range(rounds) for took in revoke(count)] for rounds, count in ((SINGLE, 1), (BURSTS, BURST)))
    both = sorted(one + many)
    return {
        "one_p50_ms": statistics.median(one),
        "one_p99_ms": percentile(one, 99),
        "burst_p50_ms": statistics.median(many),
        "burst_p99_ms": percentile(many, 99),
        "max_ms": both[-1],
        "p99_ms": percentile(both, 99),
    }


def percentile(values: list[float], of: int) -> float:
    """The value that so many of a hundred don't exceed."""
    return sorted(values)[min(len(values) * of // 100, len(values) - 1)]


def coming_back(fleet: aeolus.Fleet, admin: Admin, folders: list[Path], home: Path) -> Figures:
    """All gates lose control for a while; one change is made as soon as it is back."""
    print(f"{HERD} gates without control for {OUTAGE:.0f} s", flush=True)
    with herd(fleet.control, HERD, folders, home / "herd.log", spread=15) as gates:
        token = admin.create_token("herd")
        gates.wait(token["seq"], 120)
        time.sleep(5)
        steady = window(fleet, gates, STEADY)
        fleet.stop_control()
        time.sleep(OUTAGE)
        starting = now()
        fleet.start_control()
        back = now()
        revoked = admin.revoke(token["id"])
        seconds: list[Figures] = []
        while gates.behind(revoked) and now() - back < 120e9:
            seconds.append(window(fleet, gates, 5))
        if gates.behind(revoked):
            raise SystemExit(f"propagation: {gates.behind(revoked)} gates did not converge in two minutes")
        answers = [call["took"] / 1e6 for call in gates.answered(starting, now())]
        if gates.steps_back():
            raise SystemExit(f"propagation: gates stepped back: {gates.steps_back()[:3]}")
        return {
            "converge_s": (max(gates.in_force(revoked)) - back) / 1e9,
            "half_converged_s": (statistics.median(gates.in_force(revoked)) - back) / 1e9,
            "answer_p50_ms": statistics.median(answers),
            "answer_p99_ms": percentile(answers, 99),
            "steady_rps": steady["rps"],
            "steady_cpu": steady["cpu"],
            "peak_rps": max(second["rps"] for second in seconds),
            "peak_cpu": max(second["cpu"] for second in seconds),
            "control_rss_mib": rss(fleet.processes["control"].pid),
            "gate_rss_mib": rss(gates.process.pid) / HERD,
        }


def window(fleet: aeolus.Fleet, gates: Herd, seconds: float) -> Figures:
    """Control's share of a core and the calls that ended, over some seconds."""
    pid = fleet.processes["control"].pid
    used, calls, began = measure.cpu(pid), len(gates.calls), time.monotonic()
    time.sleep(seconds)
    took = time.monotonic() - began
    ended = [call for call in gates.calls[calls:] if call["error"] is None]
    return {"cpu": (measure.cpu(pid) - used) / took, "rps": len(ended) / took}


def rss(pid: int) -> float:
    """Resident memory in MiB."""
    status = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in status if line.startswith("VmRSS:")) / 1024


def populate(fleet: aeolus.Fleet, home: Path) -> None:
    """Many people who may use what is on the plane, put where control keeps them: it is asked to publish
    for them, not to take them in."""
    print(f"making {SUBJECTS} subjects", flush=True)
    began = now()
    database = f"sqlite:{fleet.data / 'control.db'}"
    subprocess.run([RELEASE / "fill", "people", database, "acme", "all", str(SUBJECTS)], check=True)
    print(f"made in {(now() - began) / 1e9:.0f} s", flush=True)


def at_a_large_plane(fleet: aeolus.Fleet, folders: list[Path], home: Path) -> Figures:
    """Revocations, one after another, at a gate of a plane with many subjects: with nothing else to tell,
    and while somebody else is granted something all the time."""
    print(f"revoking at a plane of {SUBJECTS} subjects", flush=True)
    admin = Admin(fleet)
    users = admin.ask("GET", "/v1/organizations/acme/users?limit=100")["items"]
    deployment = admin.ask("GET", "/v1/organizations/acme/deployments")["items"][0]["id"]
    pid = fleet.processes["control"].pid
    with herd(fleet.control, 1, folders, home / "large.log") as gate:
        tokens = [admin.create_token(f"t{number}") for number in range(2 * LARGE_REVOCATIONS)]
        wait_for("the tokens", lambda: bool(gate.positions) and gate.lagging(tokens[-1]["seq"]) == 0, 300, 0.05)
        stop, granted = threading.Event(), []

        def grant() -> None:
            for number in range(10**6):
                if stop.wait(GRANTS_EVERY):
                    return
                user = users[number % len(users)]["id"]
                grant, seq = admin.grant(user, deployment)
                granted.append((seq, now()))
                admin.ask("DELETE", f"/v1/organizations/acme/grants/{grant}")

        def revoked(token: dict) -> float:
            began = now()
            seq = admin.revoke(token["id"])
            gate.wait(seq, 60)
            time.sleep(0.5)
            return (gate.in_force(seq)[0] - began) / 1e6

        quiet = [revoked(token) for token in tokens[:LARGE_REVOCATIONS]]
        granting = threading.Thread(target=grant)
        granting.start()
        time.sleep(2)
        used, began = measure.cpu(pid), now()
        busy = [revoked(token) for token in tokens[LARGE_REVOCATIONS:]]
        cpu = (measure.cpu(pid) - used) / ((now() - began) / 1e9)
        stop.set()
        granting.join()
        last, at = granted[-1]
        wait_for("the last grant", lambda: gate.lagging(last) == 0, 120, 0.05)
        whole = [held for held in gate.positions[0] if held["records"] == held["seq"]]
        waits = [
            (next(held["at"] for held in gate.positions[0] if held["records"] >= seq) - at) / 1e9 for seq, at in granted
        ]
        if gate.steps_back():
            raise SystemExit(f"propagation: the gate stepped back: {gate.steps_back()[:3]}")
        return {
            "quiet_p50_ms": statistics.median(quiet),
            "quiet_max_ms": max(quiet),
            "busy_p50_ms": statistics.median(busy),
            "busy_max_ms": max(busy),
            "p99_ms": percentile(quiet + busy, 99),
            "max_ms": max(quiet + busy),
            "grant_p50_s": statistics.median(waits),
            "grant_max_s": max(waits),
            "whole": len(whole),
            "busy_cpu": cpu,
            "control_rss_mib": rss(pid),
            "gate_rss_mib": rss(gate.process.pid),
        }


def on_the_wire(fleet: aeolus.Fleet, folders: list[Path], home: Path) -> Figures:
    """Bytes from control for one revocation and for one grant, where the snapshot has many subjects."""
    admin = Admin(fleet)
    users = admin.ask("GET", "/v1/organizations/acme/users?limit=20")["items"]
    deployment = admin.ask("GET", "/v1/organizations/acme/deployments")["items"][0]["id"]
    with wire(fleet.control_address) as counted:
        with herd(f"http://127.0.0.1:{counted.port}", 1, folders, home / "wire.log") as gate:
            tokens = [admin.create_token(f"t{number}") for number in range(10)]
            wait_for("the tokens", lambda: gate.lagging(tokens[-1]["seq"]) == 0, 300, 0.05)
            pid = fleet.processes["control"].pid

            def cost(change) -> Figures:
                time.sleep(2)
                before, used, began = counted.received, measure.cpu(pid), now()
                seq, told = change()
                wait_for("a change", lambda: told(seq) == 0, 120, 0.05)
                took = (now() - began) / 1e6
                time.sleep(0.5)
                return {
                    "bytes": counted.received - before,
                    "ms": took,
                    "cpu_ms": (measure.cpu(pid) - used) * 1e3,
                }

            revoking = [cost(lambda token=token: (admin.revoke(token["id"]), gate.behind)) for token in tokens]
            granting = [cost(lambda user=user: (admin.grant(user["id"], deployment)[1], gate.lagging)) for user in users[:5]]
            middle = {
                f"{name}_{key}": statistics.median(one[key] for one in costs)
                for name, costs in (("revocation", revoking), ("grant", granting))
                for key in costs[0]
            }
            return {**middle, "control_rss_mib": rss(pid), "gate_rss_mib": rss(gate.process.pid)}


def cold_start(home: Path) -> Figures:
    """A real gate without control: from its start to the first right answer."""
    print(f"starting a gate with a status list of {LISTED}", flush=True)
    programs = RELEASE / "aeolus", RELEASE / "credentials", RELEASE / "grow"
    credential = workload.grown(programs, home, 1_000, LISTED)[0]
    took = []
    for number in range(5):
        port = free_port()
        began = now()
        with running(measure.gate(home / "gate", port), home / f"gate-{number}.log"):
            wait_for("the first answer", lambda port=port: right(port, credential), 60, 0.005)
            took.append((now() - began) / 1e6)
    return {"start_ms": statistics.median(took), "start_max_ms": max(took)}


def right(port: int, credential: workload.Credential) -> bool:
    """Whether a gate lets in whom it must."""
    return workload.status(workload.ask(port, [workload.by_token(credential)])[0]) == 200


def report(figures: dict[str, Figures]) -> None:
    """Prints everything and writes the result file; the last line is for programs."""
    for name, values in figures.items():
        print(f"{name}: " + " ".join(f"{key}={value:.1f}" for key, value in values.items()))
    revoking = [values for name, values in figures.items() if name.startswith("revoke_")]
    line = {
        "revoke_p99_ms": round(max(values["p99_ms"] for values in revoking)),
        "revoke_max_ms": round(max(values["max_ms"] for values in revoking)),
        "cold_start_ms": round(figures["cold"]["start_ms"]),
        "converge_s": round(figures["herd"]["converge_s"], 1),
    }
    result = {
        "name": "propagation",
        "command": "make bench NAME=propagation",
        "commit": measure.commit(),
        "machine": measure.machine(),
        "units": {"_ms": "milliseconds", "_s": "seconds", "_rps": "calls/s", "_cpu": "cores", "_mib": "MiB"},
        "figures": {name: {key: round(value, 2) for key, value in values.items()} for name, values in figures.items()},
        "summary": line,
    }
    path = ROOT / "bench" / "results" / "propagation.json"
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps(result, indent=2) + "\n")
    print("propagation: " + " ".join(f"{key}={value}" for key, value in line.items()))


if __name__ == "__main__":
    main()
