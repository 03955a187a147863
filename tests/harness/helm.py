"""The chart, rendered by Helm."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from harness.process import ROOT

CHART = ROOT / "deploy" / "helm" / "aeolus"
HELM = ROOT / ".tools" / "helm" / "bin" / "helm"
PYTHON = ROOT / ".tools" / "helm" / "bin" / "python"
RELEASE, NAMESPACE = "quasar", "astronomer"
Manifest = dict[str, Any]


def installed() -> bool:
    """Whether Helm is here."""
    return HELM.exists()


def helm(*arguments: object, check: bool = True) -> subprocess.CompletedProcess[str]:
    """Runs Helm."""
    done = subprocess.run([HELM, *map(str, arguments)], capture_output=True, text=True, check=False)
    assert not check or done.returncode == 0, done.stdout + done.stderr
    return done


class Rendered:
    """What Helm makes of some values."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.all: list[Manifest] = [found for found in yaml.safe_load_all(text) if found]

    def of(self, kind: str) -> list[Manifest]:
        """All of a kind."""
        return [found for found in self.all if found["kind"] == kind]

    def one(self, kind: str, name: str) -> Manifest:
        """One, by the end of its name."""
        [found] = [found for found in self.of(kind) if found["metadata"]["name"].endswith(name)]
        return found

    def configuration(self, part: str) -> str:
        """The file that a server reads."""
        return self.one("ConfigMap", f"-{part}")["data"]["aeolus.yaml"]

    def pods(self) -> Iterator[tuple[str, Manifest]]:
        """Every pod's own part, with the name of what makes it."""
        for found in self.all:
            name = f"{found['kind']}/{found['metadata']['name']}"
            if found["kind"] in ("Deployment", "StatefulSet"):
                yield name, found["spec"]["template"]["spec"]
            elif found["kind"] == "CronJob":
                yield name, found["spec"]["jobTemplate"]["spec"]["template"]["spec"]

    def containers(self) -> Iterator[tuple[str, Manifest]]:
        """Every container, with its name."""
        for name, pod in self.pods():
            for container in [*pod.get("initContainers", []), *pod["containers"]]:
                yield f"{name}/{container['name']}", container

    def container(self, name: str) -> Manifest:
        """One container, by its own name."""
        [found] = [found for called, found in self.containers() if called.endswith(f"/{name}")]
        return found


def least(values: Manifest) -> Manifest:
    """The values with the one that an installation can't do without."""
    if values.get("global", {}).get("baseDomain") or "publicUrl" in values.get("control", {}):
        return values
    return {**values, "control": {"publicUrl": "https://aeolus.example.org", **values.get("control", {})}}


def command(values: Manifest, folder: Path) -> list[object]:
    """The arguments of a rendering."""
    file = folder / "values.yaml"
    file.write_text(json.dumps(least(values)))
    return ["template", RELEASE, CHART, "--namespace", NAMESPACE, "--values", file]


def rendered(values: Manifest, folder: Path) -> Rendered:
    """The manifests of some values."""
    return Rendered(helm(*command(values, folder)).stdout)


def refused(values: Manifest, folder: Path) -> str:
    """Why Helm makes nothing of some values."""
    done = helm(*command(values, folder), check=False)
    assert done.returncode != 0, f"{values} should be refused"
    return done.stderr


def notes(values: Manifest, folder: Path) -> str:
    """What Helm says after an installation."""
    arguments = command(values, folder)
    arguments[0] = "install"
    return helm(*arguments, "--dry-run=client").stdout.split("NOTES:", 1)[1]
