"""Ever more API tokens in one organization: what it takes control to list, make and revoke one, how long until a gate
of that organization's plane refuses it, and whether another organization's plane notices anything.

Each figure is compared with the one at the smallest number of tokens, measured in the same run.
"""

from __future__ import annotations

import json
import os
import statistics
import time
from pathlib import Path

import curve
from curve import ROUNDS, Curve, Figures, timed

import measure  # noqa: I001
from harness import aeolus
from harness.herd import Admin, herd, now
from harness.process import wait_for

MOST = int(os.environ.get("TOKENS", "1000000"))
STEPS = [count for count in (1_000, 10_000, 100_000, 1_000_000) if count <= MOST]
MASS = int(os.environ.get("MASS", "100000"))
MANY = "/v1/organizations/many/tokens"
# All that `fill` makes fit the first, none the others: those say how long one looks for what isn't there.
FILTERS = {
    "of_kind": "kind=STANDARD",
    "at_deployments": "scope=DEPLOYMENT",
    "of_nobody": "createdBy=00000000-0000-7000-8000-000000000000",
    "expiring": "expiringWithinDays=1",
    "unused": "unusedForDays=90",
}


def main() -> None:
    """Measures, prints and writes the result."""
    with curve.fleet() as (fleet, home):
        measured, made = {}, 0
        for count in STEPS:
            print(f"{count} tokens", flush=True)
            curve.fill(fleet, "tokens", count - made)
            made = count
            measured[count] = at(Admin(fleet), fleet, home)
            print(json.dumps(measured[count]), flush=True)
        report(measured, mass(fleet, home))


def at(admin: Admin, fleet: aeolus.Fleet, home: Path) -> Figures:
    """The figures at this number: medians in milliseconds."""
    cursor = admin.ask("GET", f"{MANY}?limit=200")["next_cursor"]
    figures = {
        "list_ms": timed(lambda _: admin.ask("GET", f"{MANY}?limit=200")),
        "next_page_ms": timed(lambda _: admin.ask("GET", f"{MANY}?limit=200&cursor={cursor}")),
    }
    for name, wanted in FILTERS.items():
        figures[f"list_{name}_ms"] = timed(lambda _, wanted=wanted: admin.ask("GET", f"{MANY}?limit=200&{wanted}"))
    for organization, plane in (("many", "large"), ("few", "small")):
        with herd(fleet.control, 1, [home / plane], home / f"{plane}.log") as gate:
            figures |= {f"{organization}_{name}": took for name, took in changes(admin, gate, organization).items()}
    return {**figures, "control_pss_mib": measure.pss(fleet.processes["control"].pid)}


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


def mass(fleet: aeolus.Fleet, home: Path) -> Figures:
    """F19: very many tokens revoked by one call, and the time until the gate refuses all of them."""
    admin = Admin(fleet)
    count = min(MASS, STEPS[-1])
    print(f"revoking {count} tokens in one call", flush=True)
    ids, cursor = [], None
    while len(ids) < count:
        page = admin.ask("GET", f"{MANY}?limit=200" + (f"&cursor={cursor}" if cursor else ""))
        ids += [token["id"] for token in page["items"]]
        cursor = page["next_cursor"]
    with herd(fleet.control, 1, [home / "large"], home / "mass.log") as gate:
        wait_for("the gate", lambda: bool(gate.positions), 600, 0.05)
        began = now()
        seq = admin.ask("POST", f"{MANY}:revoke", {"ids": ids[:count]})["seq"]
        call = (now() - began) / 1e9
        gate.wait(seq, 60)
        refused = (gate.in_force(seq)[0] - began) / 1e9
    # The page after so many that are gone.
    after = timed(lambda _: admin.ask("GET", f"{MANY}?limit=200"))
    return {"mass_revoked": count, "mass_call_s": call, "mass_refused_s": refused, "list_after_ms": after}


def report(measured: Curve, mass: Figures) -> None:
    """Prints the curve and writes the result."""
    shown = {"revoke": "many_revoke_ms", "create": "many_create_ms", "list": "list_ms", "known": "many_known_p50_ms"}
    shown |= {"refused": "many_refused_p50_ms", "others_refused": "few_refused_p50_ms"}
    shown |= {name: f"list_{name}_ms" for name in FILTERS}
    curve.report("tokens", measured, shown, mass=mass)


if __name__ == "__main__":
    main()
