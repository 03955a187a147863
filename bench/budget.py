"""What a check may cost in instructions: counted by callgrind, compared with `budget.json`.

Instructions don't depend on who else uses the machine, so this runs with the tests: the path of a check
can't grow unseen. A change that makes it shorter lowers the budget; one that has to make it longer
raises it, in the open. The goals (4,000 over an empty answer, 2,500 of them in the decision) and
where the rest goes are in docs/performance.md.
"""

from __future__ import annotations

import json
import subprocess
import tempfile
from pathlib import Path

import measure
import workload
from measure import RELEASE, ROOT

DEPLOYMENTS = 100
BUDGET = Path(__file__).with_name("budget.json")


def main() -> None:
    """Counts and compares."""
    binaries = ("gate-alone", "hyper-empty", "credentials")
    wanted = [word for binary in binaries for word in ("--bin", binary)]
    release = ["cargo", "build", "--quiet", "--release", "--package", "aeolus-bench", *wanted]
    # Symbols, so that instructions can be told apart by crate.
    symbols = ["--config", "profile.release.strip=false", "--target-dir", str(RELEASE.parent / "budget")]
    subprocess.run([*release, *symbols], check=True, cwd=ROOT)
    program = ["cargo", "build", "--quiet", "--package", "aeolus-cli", "--bin", "aeolus"]
    subprocess.run(program, check=True, cwd=ROOT)
    built = RELEASE.parent / "budget" / "release"
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        aeolus = RELEASE.parent / "debug" / "aeolus"
        made = workload.prepare((aeolus, built / "credentials"), home, DEPLOYMENTS, DEPLOYMENTS)
        requests = [workload.by_token(one) for one in made]
        servers = {
            "gate": lambda port: [built / "gate-alone", home / "gate", f"127.0.0.1:{port}"],
            "hyper": lambda port: [built / "hyper-empty", f"127.0.0.1:{port}"],
        }
        gate, hyper = (measure.instructions(home, server, requests) for server in servers.values())
    spent = {
        "instructions_over_hyper": round(gate.total() - hyper.total()),
        "decide_instructions": round(gate["aeolus-decide"]),
    }
    allowed = json.loads(BUDGET.read_text())
    over = {name: count for name, count in spent.items() if count > allowed[name]}
    line = " ".join(f"{name}={count}/{allowed[name]}" for name, count in spent.items())
    print(f"budget: {line}")
    if over:
        for crate, count in gate.most_common(10):
            print(f"  {crate:24}{count:8.0f}")
        raise SystemExit(f"budget: a check costs more than bench/budget.json allows: {', '.join(over)}")


if __name__ == "__main__":
    main()
