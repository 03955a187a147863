"""What the curves share: a fleet of two organizations on planes of their own, one that grows and one that stays small."""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
RELEASE = Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target")) / os.environ.get("PROFILE", "release")
os.environ["AEOLUS_BINARY"] = str(RELEASE / "aeolus")
sys.path.insert(0, str(ROOT / "tests"))

from harness import aeolus  # noqa: E402
from harness.herd import now  # noqa: E402

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
Curve = dict[int, Figures]


@contextmanager
def fleet() -> Iterator[tuple[aeolus.Fleet, Path]]:
    """Control of a release build with that fleet, and the folder that has both planes' gates."""
    build(*BINARIES)
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        aeolus.private(home / "password", b"correct horse battery staple")
        (home / "fleet.yaml").write_text(FLEET)
        settings = (home / "aeolus", home / "fleet.yaml", home / "password", home / "logs")
        with aeolus.controlled(*settings) as made:
            for plane in ("small", "large"):
                made.enrol(plane, home / plane)
            yield made, home


def build(*binaries: tuple[str, str]) -> None:
    """Makes a release build of programs, each with the package that it is of."""
    if RELEASE.name != "release":
        return
    for package, binary in binaries:
        command = ["cargo", "build", "--quiet", "--release", "--package", package, "--bin", binary]
        subprocess.run(command, check=True, cwd=ROOT)


def fill(made: aeolus.Fleet, what: str, count: int) -> None:
    """So many more of something in the organization that grows."""
    database = f"sqlite:{made.data / 'control.db'}"
    subprocess.run([RELEASE / "fill", what, database, "many", "all", str(count)], check=True)


def timed(call: Callable[[int], object]) -> float:
    """The median of some calls in milliseconds."""
    took = []
    for number in range(ROUNDS):
        began = now()
        call(number)
        took.append((now() - began) / 1e6)
    return statistics.median(took)


def report(name: str, curve: Curve, shown: dict[str, str], **more: Figures) -> None:
    """Prints the curve and its one line, each figure of the most compared with that of the fewest, and writes both."""
    least, most = curve[min(curve)], curve[max(curve)]
    ratios = {figure: most[figure] / least[figure] for figure in least}
    for figure in least:
        row = "  ".join(f"{count}: {figures[figure]:.1f}" for count, figures in curve.items())
        print(f"{figure:24} {row}  (x {ratios[figure]:.2f})")
    write(name, curve={str(count): figures for count, figures in curve.items()}, ratios=ratios, **more)
    line = " ".join(f"{short}={ratios[figure]:.2f}" for short, figure in shown.items())
    rest = " ".join(f"{key}={figure:.1f}" for figures in more.values() for key, figure in figures.items())
    print(f"{name}: {line} {rest}".rstrip())


def write(name: str, **measured: object) -> None:
    """Writes what was measured, with the command that measured it and of which commit."""
    commit = subprocess.run(["git", "rev-parse", "HEAD"], cwd=ROOT, capture_output=True, text=True).stdout.strip()
    result = {"name": name, "command": f"make bench NAME={name}", "commit": commit, **measured}
    (ROOT / "bench" / "results").mkdir(exist_ok=True)
    (ROOT / "bench" / "results" / f"{name}.json").write_text(json.dumps(result, indent=2) + "\n")
