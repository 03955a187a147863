"""As much of a Kubernetes API server as one that writes a Secret meets: reading it, and server-side apply with its conflicts."""

from __future__ import annotations

import base64
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

SECRETS = ["api", "v1", "namespaces"]


class Cluster:
    """The Secrets of a cluster, by namespace and name, and who owns what of them."""

    def __init__(self, folder: Path) -> None:
        self.secrets: dict[tuple[str, str], dict] = {}
        self.owners: dict[tuple[str, str], str] = {}
        self.writes = 0
        self.down = False
        cluster = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:  # noqa: N802
                self.reply(*cluster.read(self.path))

            def do_PATCH(self) -> None:  # noqa: N802
                sent = self.rfile.read(int(self.headers["content-length"]))
                assert self.headers["content-type"] == "application/apply-patch+yaml"
                self.reply(*cluster.apply(self.path, json.loads(sent)))

            def reply(self, status: int, answer: dict) -> None:
                body = json.dumps(answer).encode()
                self.send_response(status)
                self.send_header("content-type", "application/json")
                self.send_header("content-length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.kubeconfig = folder / "kubeconfig"
        self.kubeconfig.write_text(json.dumps(self.config()))

    def config(self) -> dict:
        port = self.server.server_address[1]
        return {
            "apiVersion": "v1",
            "kind": "Config",
            "current-context": "it",
            "clusters": [{"name": "it", "cluster": {"server": f"http://127.0.0.1:{port}"}}],
            "users": [{"name": "it", "user": {"token": "t"}}],
            "contexts": [{"name": "it", "context": {"cluster": "it", "user": "it"}}],
        }

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()

    def put(self, place: tuple[str, str], data: dict[str, bytes], owner: str) -> None:
        """What somebody else wrote."""
        self.secrets[place] = {"metadata": {}, "type": "Opaque", "data": encoded(data)}
        self.owners[place] = owner

    def data(self, place: tuple[str, str], key: str) -> bytes | None:
        secret = self.secrets.get(place)
        return base64.b64decode(secret["data"][key]) if secret else None

    def annotations(self, place: tuple[str, str]) -> dict[str, str]:
        return self.secrets[place]["metadata"].get("annotations", {})

    def read(self, path: str) -> tuple[int, dict]:
        place = placed(path)
        if self.down:
            return status(500, "InternalError", "etcd is gone")
        if place not in self.secrets:
            return status(404, "NotFound", f'secrets "{place[1]}" not found')
        return 200, self.whole(place)

    def apply(self, path: str, sent: dict) -> tuple[int, dict]:
        """Only what an owner sends, it may send again as something else; others need force."""
        place, query = placed(path), parse_qs(urlsplit(path).query)
        if self.down:
            return status(500, "InternalError", "etcd is gone")
        manager, force = query["fieldManager"][0], query.get("force") == ["true"]
        before = self.secrets.get(place)
        owner = self.owners.get(place, manager)
        if before and before["data"] != sent["data"] and owner != manager and not force:
            return status(409, "Conflict", f'Apply failed with 1 conflict: conflict with "{owner}": .data.tls.crt')
        if before and before["type"] != sent.get("type", "Opaque"):
            return status(422, "Invalid", "Secret is invalid: type: Invalid value: field is immutable")
        if query.get("dryRun") == ["All"]:
            return 200, {**sent, "metadata": {**sent["metadata"], "uid": "dry"}}
        self.secrets[place] = {"metadata": sent["metadata"], "type": sent["type"], "data": sent["data"]}
        self.owners[place] = manager
        self.writes += 1
        return 200, self.whole(place)

    def whole(self, place: tuple[str, str]) -> dict:
        secret = self.secrets[place]
        named = {"namespace": place[0], "name": place[1], "uid": "u", "resourceVersion": str(self.writes + 1)}
        return {"apiVersion": "v1", "kind": "Secret", **secret, "metadata": {**secret["metadata"], **named}}


def placed(path: str) -> tuple[str, str]:
    parts = urlsplit(path).path.strip("/").split("/")
    assert parts[:3] == SECRETS and parts[4] == "secrets", path
    return parts[3], parts[5]


def encoded(data: dict[str, bytes]) -> dict[str, str]:
    return {key: base64.b64encode(value).decode() for key, value in data.items()}


def status(code: int, reason: str, message: str) -> tuple[int, dict]:
    return code, {
        "kind": "Status",
        "apiVersion": "v1",
        "status": "Failure",
        "code": code,
        "reason": reason,
        "message": message,
    }
