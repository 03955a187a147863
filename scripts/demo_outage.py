"""Steady traffic to a real Airflow while control is killed and the gate restarted without it."""

from __future__ import annotations

import itertools
import os
import shutil
import signal
import statistics
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))

import requests  # noqa: E402

from harness import aeolus  # noqa: E402
from harness.airflow import airflow  # noqa: E402
from harness.process import ROOT, free_port, wait_for  # noqa: E402
from harness.signin import sign_in  # noqa: E402

HOME = ROOT / ".tools" / "outage"
DEPLOYMENT = "acme/sales/etl"
PHASES = {
    "before": "control and gate up",
    "killed": "control killed",
    "restart": "gate restarted, no control",
    "after": "control back",
}
EACH = 300


@dataclass
class Tally:
    """What happened to one kind of request in one phase."""

    seconds: list[float] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)


class Traffic:
    """Requests one after the other on each of a few threads, each on a connection of its own."""

    def __init__(self, kinds: dict[str, Callable[[], requests.Response]], threads: int = 4) -> None:
        self.kinds = kinds
        self.phase = "before"
        self.tally = {(phase, kind): Tally() for phase in PHASES for kind in kinds}
        self.stop = threading.Event()
        self.threads = [threading.Thread(target=self.loop, args=(n,)) for n in range(threads)]

    def __enter__(self) -> Traffic:
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop.set()
        for thread in self.threads:
            thread.join()

    def loop(self, offset: int) -> None:
        for kind in itertools.islice(itertools.cycle(self.kinds), offset, None):
            if self.stop.is_set():
                return
            phase, began = self.phase, time.monotonic()
            try:
                answer = self.kinds[kind]()
                error = "" if answer.status_code == 200 else f"{answer.status_code} {answer.text[:120]}"
            except requests.RequestException as cause:
                error = repr(cause)
            tally = self.tally[phase, kind]
            tally.seconds.append(time.monotonic() - began)
            if error:
                tally.errors.append(error)

    def count(self, phase: str) -> int:
        return sum(len(tally.seconds) for (at, _), tally in self.tally.items() if at == phase)

    def until(self, phase: str, requests_made: int) -> None:
        """Lets a phase go on until so many requests were made in it."""
        self.phase = phase
        wait_for(f"{requests_made} requests {phase}", lambda: self.count(phase) >= requests_made, 300, 0.2)

    def report(self) -> tuple[int, int]:
        """Prints the table; returns requests and errors."""
        print(f"\n  {'':28} {'with':10} {'requests':>8} {'errors':>7} {'p50 ms':>7} {'p99 ms':>7}")
        for (phase, kind), tally in self.tally.items():
            ordered = sorted(tally.seconds) or [0.0]
            p50, p99 = statistics.median(ordered), ordered[int(len(ordered) * 0.99) - 1]
            print(
                f"  {PHASES[phase]:28} {kind:10} {len(tally.seconds):8} {len(tally.errors):7}"
                f" {p50 * 1000:7.0f} {p99 * 1000:7.0f}"
            )
            for error in tally.errors[:3]:
                print(f"      {error}")
        total = sum(len(tally.seconds) for tally in self.tally.values())
        return total, sum(len(tally.errors) for tally in self.tally.values())


def main() -> int:
    """Runs the outage; the exit code says whether anything failed."""
    shutil.rmtree(HOME, ignore_errors=True)
    HOME.mkdir(parents=True)
    port = free_port()
    password = HOME / "password"
    password.touch(mode=0o600)
    password.write_text("outage-" + os.urandom(12).hex() + "\n")
    fleet_file = HOME / "fleet.yaml"
    example = (ROOT / "examples" / "demo" / "fleet.yaml").read_text()
    fleet_file.write_text(example.replace("127.0.0.1:8880", f"127.0.0.1:{port}"))
    with aeolus.serving(HOME / "aeolus", fleet_file, password, HOME / "logs") as fleet:
        trust = aeolus.airflow_settings(fleet.data / "gate", DEPLOYMENT, fleet.gate)
        with airflow(HOME / "airflow", port, trust):
            url = fleet.proxy.replace("127.0.0.1", "localhost")
            person = sign_in(f"{url}/", "viewer@example.com", password.read_text().strip())
            cookies = person.cookies.get_dict(domain="localhost.local") or person.cookies.get_dict()
            token = fleet.create_token("outage", DEPLOYMENT, "DEPLOYMENT_VIEWER")["token"]
            bearer = {"Authorization": f"Bearer {token}"}
            kinds = {
                "UI cookie": lambda: requests.get(f"{url}/ui/auth/me", cookies=cookies, timeout=60),
                "API token": lambda: requests.get(f"{url}/api/v2/dags", headers=bearer, timeout=60),
            }
            with Traffic(kinds) as traffic:
                traffic.until("before", EACH)
                fleet.kill_control()
                print("control: killed (SIGKILL)", flush=True)
                traffic.until("killed", EACH)
                traffic.phase = "restart"
                fleet.restart_gate()
                print("gate: restarted, no control in reach", flush=True)
                traffic.until("restart", EACH)
                fleet.start_control()
                print("control: back", flush=True)
                traffic.until("after", EACH)
            total, errors = traffic.report()
    print(f"\noutage: {total} requests, {errors} errors")
    return 1 if errors else 0


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    raise SystemExit(main())
