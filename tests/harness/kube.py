"""A double of a Kubernetes API server as a program (crates/testkit), and what a test does to it as another client would."""

from __future__ import annotations

import base64
import json
import subprocess
from pathlib import Path

import requests

from .aeolus import BINARY

PROGRAM = BINARY.with_name("aeolus-cluster")


class Kube:
    """A running double. Objects are written and read over its API; it is changed behind everybody's back by commands."""

    def __init__(self, folder: Path) -> None:
        self.kubeconfig = folder / "kubeconfig"
        command = [str(PROGRAM), str(self.kubeconfig)]
        self.child = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.url = self.child.stdout.readline().strip()

    def close(self) -> None:
        self.child.stdin.close()
        self.child.stdout.close()
        self.child.wait(10)

    def command(self, *words: str) -> str:
        self.child.stdin.write(" ".join(words) + "\n")
        self.child.stdin.flush()
        answer = self.child.stdout.readline().strip()
        assert not answer.startswith("unknown"), answer
        return answer

    def requests(self) -> dict[str, int]:
        return json.loads(self.command("requests"))

    def writes(self) -> int:
        """How often anybody wrote a Secret."""
        verbs = ("create", "update", "patch", "delete")
        counts = self.requests()
        return sum(counts.get(f"{verb} secrets", 0) for verb in verbs)

    def ask(self, method: str, path: str, body: object = None, accept: tuple[int, ...] = (200, 201), **headers: str):
        answer = requests.request(method, self.url + path, json=body, headers=headers or None, timeout=10)
        assert answer.status_code in accept, answer.text
        return answer

    def namespace(self, name: str, **labels: str) -> None:
        metadata = {"name": name, "labels": {key.replace("_", "-"): value for key, value in labels.items()}}
        self.ask("POST", "/api/v1/namespaces", {"metadata": metadata})

    def put(self, place: str, data: dict[str, bytes], kind: str = "Opaque", **annotations: str) -> None:
        """A Secret as somebody else writes it, new or in place of what is there."""
        namespace, name = place.split("/")
        encoded = {key: base64.b64encode(value).decode() for key, value in data.items()}
        body = {"metadata": {"name": name, "annotations": annotations}, "type": kind, "data": encoded}
        before = self.ask("GET", self.path(place), accept=(200, 404))
        if before.status_code == 404:
            self.ask("POST", f"/api/v1/namespaces/{namespace}/secrets?fieldManager=somebody", body)
        else:
            body["metadata"] = {**before.json()["metadata"], **body["metadata"]}
            self.ask("PUT", f"{self.path(place)}?fieldManager=somebody", body)

    def edit(self, place: str, data: dict[str, bytes]) -> None:
        """Other values under the marks that are there."""
        there = self.ask("GET", self.path(place)).json()
        there["data"] = {key: base64.b64encode(value).decode() for key, value in data.items()}
        self.ask("PUT", f"{self.path(place)}?fieldManager=somebody", there)

    def delete(self, place: str) -> None:
        self.ask("DELETE", self.path(place))

    def get(self, place: str) -> dict | None:
        answer = self.ask("GET", self.path(place), accept=(200, 404))
        return answer.json() if answer.status_code == 200 else None

    def data(self, place: str) -> dict[str, bytes] | None:
        found = self.get(place)
        if found is None:
            return None
        return {key: base64.b64decode(value) for key, value in found.get("data", {}).items()}

    @staticmethod
    def path(place: str) -> str:
        namespace, name = place.split("/")
        return f"/api/v1/namespaces/{namespace}/secrets/{name}"
