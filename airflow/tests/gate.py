"""The gate's half of the contract, for tests: keys, tokens and the JWKS endpoint."""

from __future__ import annotations

import json
import threading
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from jwt.algorithms import OKPAlgorithm

PLANE = "01926f3e-0000-7000-8000-0000000000aa"
DEPLOYMENT = "01926f3e-0000-7000-8000-0000000000bb"
ISSUER = f"urn:aeolus:plane:{PLANE}"
AUDIENCE = f"urn:aeolus:deployment:{DEPLOYMENT}"
JWKS_PATH = f"/deployments/{DEPLOYMENT}/jwks.json"


class SigningKey:
    """An Ed25519 key under an id."""

    def __init__(self, kid: str) -> None:
        self.kid = kid
        self.private = Ed25519PrivateKey.generate()

    def jwk(self) -> dict[str, Any]:
        public = OKPAlgorithm.to_jwk(self.private.public_key(), as_dict=True)
        return {**public, "kid": self.kid, "alg": "EdDSA", "use": "sig"}


def claims(role: str | None = "viewer", **changes: Any) -> dict[str, Any]:
    """Claims as the gate mints them; a change to ``None`` leaves the claim out."""
    issued = int(time.time()) - 30
    made = {
        "iss": ISSUER,
        "aud": AUDIENCE,
        "sub": "01926f3e-0000-7000-8000-0000000000cc",
        "email": "ann@example.com",
        "name": "Ann",
        "role": role,
        "teams": [],
        "iat": issued,
        "nbf": issued,
        "exp": issued + 300,
        "jti": uuid.uuid4().hex,
        **changes,
    }
    return {claim: value for claim, value in made.items() if value is not None}


def token(key: SigningKey, role: str | None = "viewer", **changes: Any) -> str:
    """Return a token as the gate mints it, but for the changes."""
    return sign(key, claims(role, **changes))


def sign(key: SigningKey, body: dict[str, Any], **header: Any) -> str:
    return jwt.encode(body, key.private, algorithm="EdDSA", headers={"kid": key.kid, **header})


class JwksServer:
    """Serves whatever `document` is; counts the requests; can go away and come back."""

    def __init__(self) -> None:
        self.document: Any = {"keys": []}
        self.status = 200
        self.requests = 0
        self._server: ThreadingHTTPServer | None = None
        self._thread: threading.Thread | None = None
        self._port = 0

    def publish(self, *keys: SigningKey) -> None:
        self.document = {"keys": [key.jwk() for key in keys]}

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._port}{JWKS_PATH}"

    def start(self) -> None:
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                outer.requests += 1
                found = self.path == JWKS_PATH
                body = json.dumps(outer.document).encode()
                self.send_response(outer.status if found else 404)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: Any) -> None:
                pass

        # The port stays the same over a stop and a start, as a gate's does.
        self._server = ThreadingHTTPServer(("127.0.0.1", self._port), Handler)
        self._port = self._server.server_address[1]
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,))
        self._thread.start()

    def stop(self) -> None:
        if self._server and self._thread:
            self._server.shutdown()
            self._server.server_close()
            self._thread.join()
            self._server = None


@contextmanager
def jwks_server() -> Iterator[JwksServer]:
    server = JwksServer()
    server.start()
    try:
        yield server
    finally:
        server.stop()
