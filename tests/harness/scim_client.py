"""A provisioning client that keeps its connections and its pace, and what each provider writes in its own way."""

from __future__ import annotations

import http.client
import json
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import zip_longest
from random import Random
from urllib.parse import urlsplit

from .scim_model import Span

USER = "urn:ietf:params:scim:schemas:core:2.0:User"
GROUP = "urn:ietf:params:scim:schemas:core:2.0:Group"
PATCH = "urn:ietf:params:scim:api:messages:2.0:PatchOp"
# Resources in a page of a walk.
COUNT = 100


class Unexpected(AssertionError):
    """An answer that no order of the requests explains."""


@dataclass(frozen=True)
class Provider:
    """Who provisions: the connection's name, how it shows who it is, and whose ways it has."""

    connection: str
    authorization: str
    is_entra: bool

    def put_in(self, rng: Random, users: list[str]) -> list[dict]:
        """Operations that put people in."""
        values = [{"value": user} for user in users]
        if not self.is_entra:
            return [{"op": "add", "path": "members", "value": values}]
        if rng.random() < 0.5:
            return [{"op": "Add", "path": "members", "value": values}]
        return [{"op": "add", "path": "members", "value": [value]} for value in values]

    def take_out(self, rng: Random, users: list[str]) -> list[dict]:
        """Operations that take people out: Entra without its flag sends a list of them."""
        if self.is_entra and rng.random() < 0.5:
            return [{"op": "Remove", "path": "members", "value": [{"value": user} for user in users]}]
        return [{"op": "remove", "path": f'members[value eq "{user}"]'} for user in users]

    def switch(self, rng: Random, active: bool) -> dict:
        """The operation that lets somebody in or keeps them out: Entra without its flag sends a text."""
        if not self.is_entra:
            return {"op": "replace", "value": {"active": active}}
        if rng.random() < 0.5:
            return {"op": "Replace", "path": "active", "value": str(active)}
        return {"op": "replace", "path": "active", "value": active}


@dataclass
class Pace:
    """So many requests a second, whoever sends them, until it is over. Each has the moment at which it is due: who is late
    doesn't make the others wait."""

    rate: float
    seconds: float
    began: float = field(default_factory=time.monotonic)
    sent: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)
    stopped: threading.Event = field(default_factory=threading.Event)

    def is_over(self) -> bool:
        """Whether nobody begins anything more."""
        return self.stopped.is_set() or time.monotonic() >= self.began + self.seconds

    def due(self) -> float:
        """Waits for the next request's moment."""
        with self.lock:
            due = self.began + self.sent / self.rate
            self.sent += 1
        time.sleep(max(0.0, due - time.monotonic()))
        return due


@dataclass
class Answer:
    """What a request came to."""

    status: int
    body: dict
    etag: str | None
    span: Span


class Client:
    """Sends one request after another, in turns to each of the control planes, as behind a balancer."""

    def __init__(self, controls: list[str], provider: Provider) -> None:
        self.provider = provider
        self.pace: Pace | None = None
        self.path = f"/v1/scim/v2/{provider.connection}"
        hosts = [urlsplit(control) for control in controls]
        # A balancer has one name, and what is answered is addressed by it.
        self.host = hosts[0].netloc
        self.connections = [http.client.HTTPConnection(host.hostname, host.port, timeout=60) for host in hosts]
        self.statuses: dict[int, int] = {}
        # Seconds from when a request was due to its answer.
        self.latencies: list[float] = []

    def begin(self, pace: Pace) -> None:
        """What is asked from now on comes at a pace, and is what counts."""
        self.pace = pace
        self.statuses.clear()
        self.latencies.clear()

    def ask(self, method: str, path: str, body: dict | None, *expected: int, match: str | None = None) -> Answer:
        """One request, whose answer has one of these statuses."""
        headers = {"Host": self.host, "Authorization": self.provider.authorization}
        headers["Content-Type"] = "application/scim+json"
        if match:
            headers["If-Match"] = match
        due = self.pace.due() if self.pace else time.monotonic()
        connection = self.connections.pop(0)
        self.connections.append(connection)
        began = time.monotonic()
        connection.request(method, self.path + path, None if body is None else json.dumps(body), headers)
        answer = connection.getresponse()
        text = answer.read()
        ended = time.monotonic()
        self.latencies.append(ended - due)
        self.statuses[answer.status] = self.statuses.get(answer.status, 0) + 1
        if answer.status not in expected:
            sent = json.dumps(body)[:400]
            told = text.decode(errors="replace")[:400]
            raise Unexpected(f"{self.provider.connection}: {method} {path} {sent} was answered {answer.status}: {told}")
        return Answer(answer.status, json.loads(text) if text else {}, answer.headers["ETag"], Span(began, ended))

    def patch(self, path: str, operations: list[dict], *expected: int) -> Answer:
        """A PATCH of these operations; Entra's flag comes as a parameter that means nothing here."""
        query = "?aadOptscim062020" if self.provider.is_entra else ""
        body = {"schemas": [PATCH], "Operations": operations}
        return self.ask("PATCH", path + query, body, *(expected or (200, 204)))

    def walk(self, path: str) -> dict[str, dict]:
        """Everything there is, by id, which both ways of paging agree on."""
        by_index, by_cursor = list(self.pages(path)), list(self.cursors(path))
        for one, other in zip_longest(by_index, by_cursor):
            if one != other:
                raise Unexpected(f"{path}: where paging by index shows {one}, paging by cursor shows {other}")
        found = {one["id"]: one for one in by_index}
        if len(found) != len(by_index):
            raise Unexpected(f"{path}: somebody is in the list twice")
        return found

    def pages(self, path: str) -> Iterator[dict]:
        """By index, as every client does."""
        start, total = 1, 1
        while start <= total:
            page = self.ask("GET", f"{path}?startIndex={start}&count={COUNT}", None, 200).body
            total = page["totalResults"]
            if not page["Resources"] and total:
                raise Unexpected(f"{path}: nothing from {start} on, of {total}")
            yield from page["Resources"]
            start += COUNT

    def cursors(self, path: str) -> Iterator[dict]:
        """By cursor (RFC 9865)."""
        cursor: str | None = ""
        while cursor is not None:
            page = self.ask("GET", f"{path}?cursor={cursor}&count={COUNT}", None, 200).body
            yield from page["Resources"]
            cursor = page.get("nextCursor")
