"""As much of a Kubernetes API server as programs that keep Secrets meet: reading and listing them, and writing them by server-side apply,
in place of a version, anew and not at all. What it answers is what the real one was measured to answer.
"""

from __future__ import annotations

import base64
import copy
import json
import re
import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

from .cluster_workloads import Workloads, matches

TLS = "kubernetes.io/tls"
Place = tuple[str, str]
Answer = tuple[int, dict]


@dataclass
class Stored:
    """A Secret, and who has written which field of it."""

    secret: dict
    uid: str
    version: int
    # By manager and operation: fields as (part, key).
    owners: dict[tuple[str, str], set[tuple[str, str]]] = field(default_factory=dict)


class Cluster:
    """The Secrets and workloads of a cluster."""

    def __init__(self, folder: Path) -> None:
        self.stored: dict[Place, Stored] = {}
        self.workloads = Workloads()
        self.writes = 0
        self.down = False
        # Namespaces that the one who asks may not read; whether it may list everywhere.
        self.forbidden: set[str] = set()
        self.everywhere = True
        self.page = 500
        self.asked: list[str] = []
        # Called before a write is judged: what others do meanwhile.
        self.meanwhile = lambda: None
        # Verbs that an admission controller refuses, each once.
        self.refuse: list[str] = []
        self.lock = threading.RLock()
        cluster = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_any(self) -> None:
                length = int(self.headers.get("content-length", 0))
                sent = json.loads(self.rfile.read(length)) if length else {}
                with cluster.lock:
                    status, answer = cluster.answer(self.command, self.path, self.headers, sent)
                body = json.dumps(answer).encode()
                self.send_response(status)
                self.send_header("content-type", "application/json")
                self.send_header("content-length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            do_GET = do_PATCH = do_PUT = do_POST = do_DELETE = do_any  # noqa: N815

            def log_message(self, *_: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True).start()
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
            "contexts": [{"name": "it", "context": {"cluster": "it", "user": "it", "namespace": "astronomer"}}],
        }

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()

    # What tests do and see.

    def put(self, place: Place, data: dict[str, bytes], owner: str, kind: str = "Opaque", **meta: dict) -> None:
        """What somebody else wrote, all of it: `labels` and `annotations` beside the data, `immutable`."""
        immutable = meta.pop("immutable", None)
        secret = {"metadata": meta, "type": kind, "data": encoded(data)}
        if immutable:
            secret["immutable"] = True
        before = self.stored.get(place)
        self.stored[place] = Stored(secret, before.uid if before else self.next("u"), self.version())
        self.stored[place].owners[owner, "Update"] = fields(secret)

    def mark(self, place: Place, **annotations: str) -> None:
        """Somebody else annotates it."""
        stored = self.stored[place]
        stored.secret["metadata"].setdefault("annotations", {}).update(annotations)
        stored.version = self.version()

    def data(self, place: Place, key: str) -> bytes | None:
        stored = self.stored.get(place)
        return base64.b64decode(stored.secret["data"][key]) if stored else None

    def annotations(self, place: Place) -> dict[str, str]:
        return self.stored[place].secret["metadata"].get("annotations", {})

    @property
    def secrets(self) -> dict[Place, dict]:
        return {place: stored.secret for place, stored in self.stored.items()}

    # What the server does.

    def version(self) -> int:
        self.versions = getattr(self, "versions", 0) + 1
        return self.versions

    def next(self, what: str) -> str:
        return f"{what}-{self.version()}"

    def answer(self, verb: str, path: str, headers, sent: dict) -> Answer:
        url = urlsplit(path)
        parts, query = url.path.strip("/").split("/"), parse_qs(url.query)
        self.asked.append(f"{verb} {path}")
        if self.down:
            return status(500, "InternalError", "etcd is gone")
        if parts[:3] == ["api", "v1", "namespaces"] and len(parts) == 3:
            return self.namespaces()
        if parts == ["api", "v1", "secrets"]:
            return self.list(None, query)
        if parts[:3] == ["api", "v1", "namespaces"] and parts[4:5] == ["secrets"]:
            if parts[3] in self.forbidden:
                what = f'secrets is forbidden: User "it" cannot {verb} resource "secrets" in the namespace "{parts[3]}"'
                return status(403, "Forbidden", what)
            if len(parts) == 5 and verb == "GET":
                return self.list(parts[3], query)
            place = (parts[3], parts[5] if len(parts) > 5 else sent["metadata"]["name"])
            if verb != "GET" and "dryRun" not in query:
                meanwhile, self.meanwhile = self.meanwhile, lambda: None
                meanwhile()
            if verb in self.refuse:
                self.refuse.remove(verb)
                return status(403, "Forbidden", f'secrets "{place[1]}" is forbidden: exceeded quota')
            return self.one(verb, place, headers, (query, sent))
        return self.workloads.answer(verb, parts, query, sent)

    def namespaces(self) -> Answer:
        names = sorted({place[0] for place in self.stored} | self.forbidden)
        items = [{"metadata": {"name": name, "uid": f"n-{name}"}} for name in names]
        return 200, {"kind": "NamespaceList", "apiVersion": "v1", "metadata": {}, "items": items}

    def list(self, namespace: str | None, query: dict) -> Answer:
        if namespace is None and not self.everywhere:
            return status(403, "Forbidden", 'secrets is forbidden: User "it" cannot list resource "secrets" at the cluster scope')
        selector = re.fullmatch(r"type(!?)=(.*)", query.get("fieldSelector", [""])[0])
        if "fieldSelector" in query and not selector:
            return status(400, "BadRequest", "field label not supported")
        found = []
        for place in sorted(self.stored):
            whole = self.whole(place)
            fits = selector is None or (whole["type"] == selector[2]) == (selector[1] == "")
            if namespace in (None, place[0]) and fits and matches(query, whole["metadata"].get("labels", {})):
                found.append({key: value for key, value in whole.items() if key not in ("kind", "apiVersion")})
        begin = int(query.get("continue", ["0"])[0])
        end = begin + min(int(query.get("limit", ["500"])[0]), self.page)
        meta = {"resourceVersion": str(self.version())}
        if end < len(found):
            meta |= {"continue": str(end), "remainingItemCount": len(found) - end}
        return 200, {"kind": "SecretList", "apiVersion": "v1", "metadata": meta, "items": found[begin:end]}

    def one(self, verb: str, place: Place, headers, request: tuple[dict, dict]) -> Answer:
        query, sent = request
        before = self.stored.get(place)
        if verb == "PATCH":
            assert headers["content-type"] == "application/apply-patch+yaml"
            return self.apply(place, query, sent)
        if verb == "POST":
            if before:
                return status(409, "AlreadyExists", f'secrets "{place[1]}" already exists')
            return self.store(place, sent, query, {(query["fieldManager"][0], "Update"): fields(sent)}, 201)
        if before is None:
            return status(404, "NotFound", f'secrets "{place[1]}" not found')
        if verb == "GET":
            return 200, self.whole(place)
        if verb == "DELETE":
            asked = sent.get("preconditions", {})
            if asked.get("uid", before.uid) != before.uid or asked.get("resourceVersion", str(before.version)) != str(before.version):
                return status(409, "Conflict", "Precondition failed")
            del self.stored[place]
            return 200, {"kind": "Status", "apiVersion": "v1", "status": "Success"}
        if self.is_stale(before, sent):
            return stale(place)
        return self.store(place, sent, query, {(query["fieldManager"][0], "Update"): fields(sent)})

    def is_stale(self, before: Stored, sent: dict) -> bool:
        asked = sent["metadata"].get("resourceVersion")
        return asked is not None and asked != str(before.version)

    def apply(self, place: Place, query: dict, sent: dict) -> Answer:
        """Only what a manager owns, it may send again as something else; others need force. What it no longer sends and nobody
        else owns goes."""
        before = self.stored.get(place)
        if (before is None and sent["metadata"].get("resourceVersion")) or (before and self.is_stale(before, sent)):
            return stale(place)
        manager, force = query["fieldManager"][0], query.get("force") == ["true"]
        own, wanted = (manager, "Apply"), fields(sent)
        owners = copy.deepcopy(before.owners) if before else {}
        secret = copy.deepcopy(before.secret) if before else {"metadata": {}, "data": {}}
        others = {who: held for who, held in owners.items() if who != own}
        lost = {name for name in wanted if value(secret, name) not in (None, value(sent, name))}
        conflicts = [(who[0], name) for who, held in others.items() for name in sorted(lost & held)]
        if conflicts and not force:
            return conflict(conflicts)
        for who in others:
            owners[who] = owners[who] - lost
        for name in owners.get(own, set()) - wanted:
            if not any(name in owners[who] for who in others):
                part(secret, name[0]).pop(name[1], None)
        owners[own] = wanted
        for name in wanted:
            part(secret, name[0])[name[1]] = value(sent, name)
        kind = sent.get("type", "Opaque")
        return self.store(place, {**secret, "type": kind}, query, owners, 200 if before else 201)

    def store(self, place: Place, secret: dict, query: dict, owners: dict, code: int = 200) -> Answer:
        before = self.stored.get(place)
        meta = {key: secret["metadata"][key] for key in ("labels", "annotations") if secret["metadata"].get(key)}
        secret = {**{key: secret[key] for key in ("type", "data", "immutable") if key in secret}, "metadata": meta}
        if before and before.secret["type"] != secret.get("type", "Opaque"):
            return status(422, "Invalid", f'Secret "{place[1]}" is invalid: type: Invalid value: field is immutable')
        if before and before.secret.get("immutable") and before.secret["data"] != secret["data"]:
            return status(422, "Invalid", f'Secret "{place[1]}" is invalid: data: Forbidden: field is immutable when `immutable` is set')
        for key in ("tls.crt", "tls.key"):
            if secret.get("type") == TLS and key not in secret["data"]:
                return status(422, "Invalid", f'Secret "{place[1]}" is invalid: data[{key}]: Required value')
        same = before is not None and before.secret == secret
        new = Stored(secret, before.uid if before else self.next("u"), before.version if same else self.version(), owners)
        if query.get("dryRun") == ["All"]:
            return code, self.shown(place, new)
        self.writes += not same
        self.stored[place] = new
        return code, self.whole(place)

    def whole(self, place: Place) -> dict:
        return self.shown(place, self.stored[place])

    def shown(self, place: Place, stored: Stored) -> dict:
        named = {"namespace": place[0], "name": place[1], "uid": stored.uid, "resourceVersion": str(stored.version)}
        named |= {"creationTimestamp": "2026-01-01T00:00:00Z", "managedFields": [managed(*one) for one in stored.owners.items()]}
        return {"apiVersion": "v1", "kind": "Secret", **stored.secret, "metadata": {**stored.secret["metadata"], **named}}


def part(secret: dict, name: str) -> dict:
    return secret.setdefault("data", {}) if name == "data" else secret["metadata"].setdefault(name, {})


def value(secret: dict, name: tuple[str, str]) -> str | None:
    held = secret.get("data", {}) if name[0] == "data" else secret["metadata"].get(name[0], {})
    return held.get(name[1])


def fields(secret: dict) -> set[tuple[str, str]]:
    return {(name, key) for name in ("data", "labels", "annotations") for key in part(copy.deepcopy(secret), name)}


def managed(who: tuple[str, str], held: set[tuple[str, str]]) -> dict:
    """As the API server writes who owns what."""
    tree: dict = {"f:metadata": {}}
    for name, key in held:
        above = tree if name == "data" else tree["f:metadata"]
        above.setdefault(f"f:{name}", {".": {}})[f"f:{key}"] = {}
    return {"manager": who[0], "operation": who[1], "apiVersion": "v1", "fieldsType": "FieldsV1", "fieldsV1": tree}


def encoded(data: dict[str, bytes]) -> dict[str, str]:
    return {key: base64.b64encode(value).decode() for key, value in data.items()}


def conflict(found: list[tuple[str, tuple[str, str]]]) -> Answer:
    """As the API server words it: who, and which fields."""
    by = {who: [f".{part}.{key}" for other, (part, key) in found if other == who] for who, _ in found}
    count = "1 conflict: conflict" if len(found) == 1 else f"{len(found)} conflicts: conflicts"
    told = [
        f' with "{who}" using v1: {paths[0]}' if len(found) == 1 else f' with "{who}" using v1:\n- ' + "\n- ".join(paths)
        for who, paths in by.items()
    ]
    return status(409, "Conflict", f"Apply failed with {count}" + "".join(told))


def stale(place: Place) -> Answer:
    return status(
        409,
        "Conflict",
        f'Operation cannot be fulfilled on secrets "{place[1]}": the object has been modified; please apply your changes to the latest version',
    )


def status(code: int, reason: str, message: str) -> Answer:
    return code, {
        "kind": "Status",
        "apiVersion": "v1",
        "metadata": {},
        "status": "Failure",
        "code": code,
        "reason": reason,
        "message": message,
    }
