"""A rendered pod as processes of this machine: its volumes are folders, its ports free ones, all else as it was rendered."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from harness.aeolus import BINARY
from harness.helm import Manifest, Rendered
from harness.process import free_port, running

Secrets = dict[str, dict[str, bytes]]


class Pod:
    """One replica of a workload."""

    def __init__(self, found: Rendered, kind: str, name: str, folder: Path, ports: dict[int, int]) -> None:
        workload = found.one(kind, name)
        self.found, self.folder, self.ports = found, folder, ports
        self.spec: Manifest = workload["spec"]["template"]["spec"]
        self.claims = [each["metadata"]["name"] for each in workload["spec"].get("volumeClaimTemplates", [])]

    def mount(self, secrets: Secrets) -> None:
        """Lays out the volumes; what was kept before stays."""
        for name in self.claims:
            (self.folder / name).mkdir(parents=True, exist_ok=True)
        for volume in self.spec["volumes"]:
            home = self.folder / volume["name"]
            home.mkdir(parents=True, exist_ok=True)
            sources = volume["projected"]["sources"] if "projected" in volume else [volume]
            for source in sources:
                for name, content in self.content(source, secrets).items():
                    (home / name).unlink(missing_ok=True)
                    (home / name).touch(mode=0o440)
                    (home / name).write_bytes(content)

    def content(self, source: Manifest, secrets: Secrets) -> dict[str, bytes]:
        """What a Secret or ConfigMap puts into a folder."""
        if "configMap" in source:
            text = self.found.one("ConfigMap", source["configMap"]["name"])["data"]
            return {key: self.placed(value).encode() for key, value in text.items()}
        if "secret" not in source:
            return {}
        secret = source["secret"]
        name = secret.get("secretName") or secret["name"]
        if name not in secrets and secret.get("optional"):
            return {}
        kept = secrets[name]
        items = secret.get("items") or [{"key": key, "path": key} for key in kept]
        return {item["path"]: kept[item["key"]] for item in items}

    def placed(self, text: str) -> str:
        """A text of the pod's, with the places that they have on this machine."""
        mounts = {
            mount["mountPath"]: self.folder / mount["name"]
            for container in [*self.spec.get("initContainers", []), *self.spec["containers"]]
            for mount in container["volumeMounts"]
            if mount["mountPath"] != "/tmp"
        }
        for path in sorted(mounts, key=len, reverse=True):
            text = text.replace(path, f"\0{path.encode().hex()}\0")
        for path, place in mounts.items():
            text = text.replace(f"\0{path.encode().hex()}\0", str(place))
        for port, free in self.ports.items():
            text = text.replace(f"0.0.0.0:{port}", f"127.0.0.1:{free}")
        return text

    def container(self, name: str) -> Manifest:
        """One of its containers."""
        [found] = [
            each for each in [*self.spec.get("initContainers", []), *self.spec["containers"]] if each["name"] == name
        ]
        return found

    def command(self, name: str) -> list[str]:
        """What a container runs."""
        container = self.container(name)
        return [self.placed(part) for part in [*container["command"], *container["args"]]]

    def environment(self, name: str, secrets: Secrets) -> dict[str, str]:
        """The variables of a container, and the program in the path."""
        found = {"PATH": f"{BINARY.parent}:{os.environ['PATH']}"}
        for each in self.container(name).get("env") or []:
            if "value" in each:
                found[each["name"]] = each["value"]
            else:
                reference = each["valueFrom"]["secretKeyRef"]
                found[each["name"]] = secrets[reference["name"]][reference["key"]].decode()
        return found

    def begin(self, secrets: Secrets) -> subprocess.CompletedProcess[str]:
        """Mounts, and runs the init containers until one fails."""
        self.mount(secrets)
        done: Any = None
        for container in self.spec.get("initContainers", []):
            name = container["name"]
            done = subprocess.run(
                self.command(name),
                env=self.environment(name, secrets),
                capture_output=True,
                text=True,
                check=False,
                timeout=60,
            )
            if done.returncode != 0:
                break
        return done

    @contextmanager
    def serving(self, name: str, secrets: Secrets) -> Iterator[None]:
        """Runs a container until the block ends."""
        environment = self.environment(name, secrets)
        with running(self.command(name), self.folder / f"{name}.log", env=environment):
            yield

    def probe(self, name: str, which: str) -> str:
        """The URL of a container's probe."""
        container = self.container(name)
        get = container[which]["httpGet"]
        [port] = [each["containerPort"] for each in container["ports"] if each["name"] == get["port"]]
        return f"{get['scheme'].lower()}://127.0.0.1:{self.ports[port]}{get['path']}"


def free_ports(*ports: int) -> dict[int, int]:
    """A free port for each."""
    return {port: free_port() for port in ports}
