"""Ever more grants in one organization, two to each person: what it takes control to list them and their people, to
give and take back one, how long until a gate of that organization's plane knows, and whether another
organization's plane notices anything.

Each figure is compared with the one at the smallest number of grants, measured in the same run.
"""

from __future__ import annotations

import json
import os
import statistics
from pathlib import Path

import curve
from curve import ROUNDS, Figures, timed

import measure  # noqa: I001
from harness import aeolus
from harness.herd import Admin, herd, now
from harness.process import wait_for

MOST = int(os.environ.get("GRANTS", "100000"))
STEPS = [count for count in (1_000, 10_000, 100_000) if count <= MOST]
SETTLE = 900


def main() -> None:
    """Measures, prints and writes the result."""
    with curve.fleet() as (fleet, home):
        measured, made = {}, 0
        for count in STEPS:
            print(f"{count} grants", flush=True)
            curve.fill(fleet, "people", (count - made) // 2)
            made = count
            measured[count] = at(Admin(fleet), fleet, home)
            print(json.dumps(measured[count]), flush=True)
    shown = {"list": "grants_ms", "people": "people_ms", "give": "many_give_ms", "take": "many_take_ms"}
    shown |= {"known": "many_given_p50_ms", "gone": "many_taken_p50_ms", "others_known": "few_given_p50_ms"}
    curve.report("grants", measured, shown)


def at(admin: Admin, fleet: aeolus.Fleet, home: Path) -> Figures:
    """The figures at this number: medians in milliseconds."""
    figures = {}
    for what, name in (("grants", "grants"), ("users", "people")):
        path = f"/v1/organizations/many/{what}?limit=200"
        cursor = admin.ask("GET", path)["next_cursor"]
        figures[f"{name}_ms"] = timed(lambda _, path=path: admin.ask("GET", path))
        figures[f"{name}_next_ms"] = timed(lambda _, path=f"{path}&cursor={cursor}": admin.ask("GET", path))
    for organization, plane in (("many", "large"), ("few", "small")):
        with herd(fleet.control, 1, [home / plane], home / f"{plane}.log") as gate:
            deployment = admin.ask("GET", f"/v1/organizations/{organization}/deployments")["items"][0]["id"]
            took = changes(admin, gate, (organization, deployment))
            figures |= {f"{organization}_{name}": figure for name, figure in took.items()}
    return {**figures, "control_pss_mib": measure.pss(fleet.processes["control"].pid)}


def changes(admin: Admin, gate, place: tuple[str, str]) -> Figures:
    """Giving one person after another a role and taking it back: the calls, and the time until the gate knows."""
    organization, deployment = place
    path = f"/v1/organizations/{organization}/grants"
    wait_for("a first snapshot", lambda: bool(gate.positions), SETTLE, 0.05)
    person = {"email": f"last-{now()}@example.com", "name": "Last", "role": "ORGANIZATION_MEMBER"}
    person = admin.ask("POST", f"/v1/organizations/{organization}/users", person)
    wait_for("the person", lambda: gate.lagging(person["seq"]) == 0, SETTLE, 0.05)
    body = {"subject": {"type": "user", "id": person["id"]}, "role": "DEPLOYMENT_VIEWER"}
    body["resource"] = {"type": "deployment", "id": deployment}
    give, given, take, taken = [], [], [], []

    def change(method: str, url: str, asked: object, calls: list[float], known: list[float]) -> dict:
        began = now()
        made = admin.ask(method, url, asked)
        calls.append((now() - began) / 1e6)
        wait_for("the gate", lambda: gate.lagging(made["seq"]) == 0, SETTLE, 0.005)
        known.append((gate.known(made["seq"])[0] - began) / 1e6)
        return made

    for _ in range(ROUNDS):
        made = change("POST", path, body, give, given)
        change("DELETE", f"{path}/{made['id']}", None, take, taken)
    return {
        "give_ms": statistics.median(give),
        "take_ms": statistics.median(take),
        "given_p50_ms": statistics.median(given),
        "given_max_ms": max(given),
        "taken_p50_ms": statistics.median(taken),
        "taken_max_ms": max(taken),
    }


if __name__ == "__main__":
    main()
