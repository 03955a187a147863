"""Ever more API tokens in one organization: what it takes control to list, make and revoke one, how long until a gate
of that organization's plane refuses it, and whether another organization's plane notices anything.

Each figure is compared with the one at the smallest number of tokens, measured in the same run.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
RELEASE = Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target")) / os.environ.get("PROFILE", "release")
os.environ["AEOLUS_BINARY"] = str(RELEASE / "aeolus")
sys.path.insert(0, str(ROOT / "tests"))

import measure  # noqa: E402
from harness import aeolus  # noqa: E402
from harness.herd import Admin, herd, now  # noqa: E402
from harness.process import wait_for  # noqa: E402

MOST = int(os.environ.get("TOKENS", "1000000"))
STEPS = [count for count in (1_000, 10_000, 100_000, 1_000_000) if count <= MOST]
MASS = int(os.environ.get("MASS", "100000"))
ROUNDS = int(os.environ.get("ROUNDS", "20"))
BINARIES = ("aeolus-cli", "aeolus"), *(("aeolus-bench", name) for name in ("herd", "fill"))
FLEET = """
version: 1
planes: [{name: small, authHost: small.test}, {name: large, authHost: large.test}]
connections: [{name: local, type: local}]
organizations:
  - {name: few, workspaces: [{name: all, deployments: [{name: one, plane: small, hosts: [few.test]}]}]}
  - {name: many, workspaces: [{name: all, deployments: [{name: one, plane: large, hosts: [many.test]}]}]}
"""

Figures = dict[str, float]


def main() -> None:
    """Measures, prints and writes the result."""
    build = ["cargo", "build", "--quiet", "--release"]
    if RELEASE.name == "release":
        for package, binary in BINARIES:
            subprocess.run([*build, "--package", package, "--bin", binary], check=True, cwd=ROOT)
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        aeolus.private(home / "password", b"correct horse battery staple")
        (home / "fleet.yaml").write_text(FLEET)
        settings = (home / "aeolus", home / "fleet.yaml", home / "password", home / "logs")
        with aeolus.controlled(*settings) as fleet:
            for plane in ("small", "large"):
                fleet.enrol(plane, home / plane)
            report(curve(fleet, home), mass(fleet, home))


def curve(fleet: aeolus.Fleet, home: Path) -> dict[int, Figures]:
    """The figures at each number of tokens."""
    figures, made = {}, 0
    for count in STEPS:
        print(f"{count} tokens", flush=True)
        database = f"sqlite:{fleet.data / 'control.db'}"
        subprocess.run([RELEASE / "fill", "tokens", database, "many", "all", str(count - made)], check=True)
        made = count
        figures[count] = at(Admin(fleet), fleet, home)
        print(json.dumps(figures[count]), flush=True)
    return figures


def at(admin: Admin, fleet: aeolus.Fleet, home: Path) -> Figures:
    """The figures at this number: medians in milliseconds."""
    many = "/v1/organizations/many/tokens"
    cursor = admin.ask("GET", f"{many}?limit=200")["next_cursor"]
    first = timed(lambda _: admin.ask("GET", f"{many}?limit=200"))
    next_page = timed(lambda _: admin.ask("GET", f"{many}?limit=200&cursor={cursor}"))
    pid = fleet.processes["control"].pid
    figures = {"list_ms": first, "next_page_ms": next_page}
    for organization, plane in (("many", "large"), ("few", "small")):
        with herd(fleet.control, 1, [home / plane], home / f"{plane}.log") as gate:
            figures |= {f"{organization}_{name}": took for name, took in changes(admin, gate, organization).items()}
    return {**figures, "control_pss_mib": measure.pss(pid)}


def changes(admin: Admin, gate, organization: str) -> Figures:
    """Making and revoking one token after another: the calls, and the time until the gate knows and refuses."""
    path = f"/v1/organizations/{organization}/tokens"
    body = {"name": "one", "role": "ORGANIZATION_MEMBER", "tokenExpiryPeriodInDays": 1}
    tokens, create, known = [], [], []
    wait_for("a first snapshot", lambda: bool(gate.positions), 600, 0.05)
    for _ in range(ROUNDS):
        began = now()
        token = admin.ask("POST", path, body)
        create.append((now() - began) / 1e6)
        wait_for("the token", lambda seq=token["seq"]: gate.lagging(seq) == 0, 600, 0.005)
        known.append((gate.known(token["seq"])[0] - began) / 1e6)
        tokens.append(token)
    revoke, refused = [], []
    for token in tokens:
        began = now()
        seq = admin.ask("DELETE", f"{path}/{token['id']}")["seq"]
        revoke.append((now() - began) / 1e6)
        gate.wait(seq, 60)
        refused.append((gate.in_force(seq)[0] - began) / 1e6)
        time.sleep(0.1)
    return {
        "create_ms": statistics.median(create),
        "revoke_ms": statistics.median(revoke),
        "known_p50_ms": statistics.median(known),
        "known_max_ms": max(known),
        "refused_p50_ms": statistics.median(refused),
        "refused_max_ms": max(refused),
    }


def timed(call) -> float:
    """The median of some calls in milliseconds."""
    took = []
    for number in range(ROUNDS):
        began = now()
        call(number)
        took.append((now() - began) / 1e6)
    return statistics.median(took)


def mass(fleet: aeolus.Fleet, home: Path) -> Figures:
    """F19: very many tokens revoked by one call, and the time until the gate refuses all of them."""
    admin = Admin(fleet)
    count = min(MASS, STEPS[-1])
    print(f"revoking {count} tokens in one call", flush=True)
    path, ids, cursor = "/v1/organizations/many/tokens", [], None
    while len(ids) < count:
        page = admin.ask("GET", f"{path}?limit=200" + (f"&cursor={cursor}" if cursor else ""))
        ids += [token["id"] for token in page["items"]]
        cursor = page["next_cursor"]
    with herd(fleet.control, 1, [home / "large"], home / "mass.log") as gate:
        wait_for("the gate", lambda: bool(gate.positions), 600, 0.05)
        began = now()
        seq = admin.ask("POST", f"{path}:revoke", {"ids": ids[:count]})["seq"]
        call = (now() - began) / 1e9
        gate.wait(seq, 60)
        return {"revoked": count, "call_s": call, "refused_s": (gate.in_force(seq)[0] - began) / 1e9}


def report(curve: dict[int, Figures], mass: Figures) -> None:
    """Prints the curve and writes the result."""
    least, most = curve[STEPS[0]], curve[STEPS[-1]]
    ratios = {name: most[name] / least[name] for name in least}
    for name in least:
        row = "  ".join(f"{count}: {figures[name]:.1f}" for count, figures in curve.items())
        print(f"{name:24} {row}  (x {ratios[name]:.2f})")
    print(f"mass: {mass}")
    result = {
        "name": "tokens",
        "command": "make bench NAME=tokens",
        "commit": subprocess.run(["git", "rev-parse", "HEAD"], cwd=ROOT, capture_output=True, text=True).stdout.strip(),
        "curve": {str(count): figures for count, figures in curve.items()},
        "mass": mass,
        "ratios": ratios,
    }
    (ROOT / "bench" / "results").mkdir(exist_ok=True)
    (ROOT / "bench" / "results" / "tokens.json").write_text(json.dumps(result, indent=2) + "\n")
    shown = {"revoke": "many_revoke_ms", "create": "many_create_ms", "list": "list_ms", "known": "many_known_p50_ms"}
    shown |= {"refused": "many_refused_p50_ms"}
    shown |= {"others_refused": "few_refused_p50_ms"}
    line = " ".join(f"{name}={ratios[figure]:.2f}" for name, figure in shown.items())
    print(f"tokens: {line} mass_call_s={mass['call_s']:.1f} mass_refused_s={mass['refused_s']:.1f}")


if __name__ == "__main__":
    main()
