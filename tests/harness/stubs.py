"""Providers that nobody can run at home: GitHub and Cognito, as far as signing in there goes. Each signs everybody in at once."""

from __future__ import annotations

import json
import secrets
import select
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from socketserver import StreamRequestHandler, ThreadingTCPServer
from urllib.parse import parse_qs, urlencode, urlsplit

import jwt
from cryptography.hazmat.primitives.asymmetric import rsa

Answer = tuple[int, dict | list | None, str]


class Stub:
    """What a provider answers; `calls` are the requests that came."""

    def __init__(self, answer: Callable[[str, str, dict[str, str], str], Answer]) -> None:
        self.calls: list[str] = []
        self.answer = answer

    def handler(self) -> type[BaseHTTPRequestHandler]:
        stub = self

        class Handler(BaseHTTPRequestHandler):
            def do(self) -> None:
                at = urlsplit(self.path)
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode()
                asked = {name: values[0] for name, values in parse_qs(at.query or body).items()}
                stub.calls.append(f"{self.command} {at.path}")
                status, content, location = stub.answer(self.command, at.path, asked, self.headers.get("Authorization", ""))
                text = json.dumps(content).encode() if content is not None else b""
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(text)))
                if location:
                    self.send_header("Location", location)
                self.end_headers()
                self.wfile.write(text)

            do_GET = do_POST = do

            def log_message(self, *_) -> None:
                pass

        return Handler


@contextmanager
def serving(stub: Stub, port: int, tls: tuple[Path, Path] | None = None) -> Iterator[Stub]:
    """Serves until the block ends."""
    server = ThreadingHTTPServer(("127.0.0.1", port), stub.handler())
    if tls:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(tls[1], tls[0])
        server.socket = context.wrap_socket(server.socket, server_side=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield stub
    finally:
        server.shutdown()
        server.server_close()


@contextmanager
def proxy(port: int, target: int) -> Iterator[str]:
    """A proxy that leads every CONNECT to one port of this machine until the block ends; yields its URL."""

    class Tunnel(StreamRequestHandler):
        def handle(self) -> None:
            while self.rfile.readline().strip():
                pass
            self.wfile.write(b"HTTP/1.1 200 Connected\r\n\r\n")
            with socket.create_connection(("127.0.0.1", target)) as there:
                ends = {self.connection: there, there: self.connection}
                while True:
                    for end in select.select(list(ends), [], [])[0]:
                        if not (part := end.recv(65536)):
                            return
                        ends[end].sendall(part)

    server = ThreadingTCPServer(("127.0.0.1", port), Tunnel)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        server.shutdown()
        server.server_close()


def github(emails: list[dict], person: int = 583231, organization: tuple[int, str] = (7, "acme")) -> Stub:
    """GitHub and its API, with one person, who is in one organization and its only team."""
    given: set[str] = set()
    number, login = organization
    member = {"id": number, "login": login}
    lists = {
        "/user/emails": emails,
        "/user/orgs": [member],
        "/user/teams": [{"id": 70, "slug": "data", "organization": member}],
    }

    def answer(method: str, path: str, asked: dict[str, str], authorization: str) -> Answer:
        if path == "/login/oauth/authorize":
            code = secrets.token_hex(10)
            given.add(code)
            return 302, None, f"{asked['redirect_uri']}?{urlencode({'code': code, 'state': asked['state']})}"
        if path == "/login/oauth/access_token":
            if asked.get("code") not in given or asked.get("client_secret") != "hush":
                return 200, {"error": "bad_verification_code"}, ""
            given.discard(asked["code"])
            return 200, {"access_token": "gho_right", "token_type": "bearer", "scope": "read:user,user:email"}, ""
        if authorization not in ("Bearer gho_right", "token gho_right"):
            return 401, {"message": "Bad credentials"}, ""
        if path == "/user":
            return 200, {"id": person, "login": "ann", "name": "Ann"}, ""
        return (200, lists[path], "") if path in lists else (404, {"message": "Not Found"}, "")

    return Stub(answer)


def cognito(issuer: str, sub: str, **lies: object) -> Stub:
    """A user pool whose client asks for `response_type=token`. `lies` are other claims of the token, and `userinfo` another person there."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    public = json.loads(jwt.algorithms.RSAAlgorithm.to_jwk(key.public_key())) | {"kid": "k", "alg": "RS256", "use": "sig"}
    base = urlsplit(issuer).path
    host = issuer.removesuffix(base)
    userinfo = str(lies.pop("userinfo", sub))

    def answer(method: str, path: str, asked: dict[str, str], authorization: str) -> Answer:
        if path == f"{base}/.well-known/openid-configuration":
            document = {"issuer": issuer, "jwks_uri": f"{issuer}/.well-known/jwks.json"}
            document |= {"authorization_endpoint": f"{host}/oauth2/authorize", "token_endpoint": f"{host}/oauth2/token"}
            document |= {"userinfo_endpoint": f"{host}/oauth2/userInfo", "response_types_supported": ["code", "token"]}
            return 200, document | {"id_token_signing_alg_values_supported": ["RS256"], "subject_types_supported": ["public"]}, ""
        if path == f"{base}/.well-known/jwks.json":
            return 200, {"keys": [public]}, ""
        if path == "/oauth2/authorize" and asked["response_type"] == "token":
            now = int(time.time())
            claims = {"iss": issuer, "sub": sub, "client_id": asked["client_id"], "token_use": "access", "version": 2}
            claims |= {"scope": "openid email", "iat": now, "auth_time": now, "exp": now + 3600, "username": "ann"}
            token = jwt.encode({**claims, **lies}, key, algorithm="RS256", headers={"kid": "k"})
            fragment = {"access_token": token, "token_type": "Bearer", "expires_in": "3600", "state": asked["state"]}
            return 302, None, f"{asked['redirect_uri']}#{urlencode(fragment)}"
        if path == "/oauth2/userInfo" and authorization.startswith("Bearer "):
            return 200, {"sub": userinfo, "email": "ann@example.com", "email_verified": "true"}, ""
        return 400, {"error": "invalid_request"}, ""

    return Stub(answer)
