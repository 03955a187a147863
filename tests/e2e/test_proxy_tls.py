"""The built-in proxy ends TLS itself, and shows a renewed certificate without dropping a connection."""

from __future__ import annotations

import http.client
import socket
import ssl
from pathlib import Path

import pytest
from conftest import FLEET, PASSWORD
from harness import aeolus, certificate
from harness.process import free_port, wait_for


def install(home: Path, name: str) -> None:
    """Puts a certificate where the gate looks for it, as a program that renews does: one file, then the other."""
    for kind in ("pem", "key"):
        new = home / f"new.{kind}"
        new.write_bytes((home / f"{name}.{kind}").read_bytes())
        new.replace(home / f"gate.{kind}")


class Client:
    """A client that believes in one certificate."""

    def __init__(self, home: Path, name: str, port: int) -> None:
        context = ssl.create_default_context(cafile=home / f"{name}.pem")
        self.connection = http.client.HTTPSConnection("echo.localhost", port, timeout=10, context=context)
        # The name is for TLS and `Host`; the address is this machine's, whatever its resolver says.
        self.connection._create_connection = lambda _, *rest: socket.create_connection(("127.0.0.1", port), 10)

    def get(self, token: str, path: str = "/x") -> tuple[int, bytes]:
        """Asks with a token."""
        self.connection.request("GET", path, headers={"Authorization": f"Bearer {token}"})
        answer = self.connection.getresponse()
        return answer.status, answer.read()


@pytest.fixture
def served(tmp_path, upstream):
    """A fleet whose gate ends TLS, a token, and the port."""
    for name in ("first", "second"):
        certificate.made(tmp_path / name, "echo.localhost", subject=name)
    install(tmp_path, "first")
    password = tmp_path / "password"
    password.write_text(PASSWORD)
    document = tmp_path / "fleet.yaml"
    document.write_text(FLEET.format(airflow=free_port(), echo=upstream.port, gone=free_port()))
    settings = {
        "GATE__PROXY_TLS__CERTIFICATE": str(tmp_path / "gate.pem"),
        "GATE__PROXY_TLS__KEY": str(tmp_path / "gate.key"),
        "LIMITS__HEAD_TIMEOUT": "5s",
    }
    with aeolus.serving(tmp_path / "data", document, password, tmp_path, **settings) as fleet:
        token = fleet.create_token("bot", "acme/sales/echo", "DEPLOYMENT_VIEWER")["token"]
        yield fleet, token, int(fleet.proxy.rsplit(":", 1)[1])


def test_a_renewed_certificate_is_shown_and_no_connection_is_dropped(served, tmp_path):
    fleet, token, port = served
    old = Client(tmp_path, "first", port)
    status, body = old.get(token)
    assert status == 200 and b'"x-forwarded-proto", "https"' in body.lower(), body

    def shows(name: str) -> bool:
        try:
            return Client(tmp_path, name, port).get(token)[0] == 200
        except ssl.SSLCertVerificationError:
            return False

    assert not shows("second")
    # Half of a pair changes nothing.
    (tmp_path / "gate.pem").write_bytes((tmp_path / "second.pem").read_bytes())

    def said() -> bool:
        assert old.get(token)[0] == 200
        return "is not the key of" in (fleet.logs / "gate.log").read_text()

    wait_for("the gate's word of it", said, 30)
    assert shows("first")
    install(tmp_path, "second")

    def renewed() -> bool:
        assert old.get(token)[0] == 200, "an open connection goes on"
        return shows("second")

    wait_for("the new certificate", renewed, 30)
    assert old.get(token)[0] == 200


def test_f52_what_is_no_tls_gets_no_word_and_is_cut_off(served, tmp_path):
    _, token, port = served
    with socket.create_connection(("127.0.0.1", port), 10) as plain:
        plain.sendall(b"GET /x HTTP/1.1\r\nHost: echo.localhost\r\n\r\n")
        answer = plain.recv(4096)
        assert not answer.startswith(b"HTTP/"), answer
    idle = [socket.create_connection(("127.0.0.1", port), 10) for _ in range(20)]
    assert Client(tmp_path, "first", port).get(token)[0] == 200
    old = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    old.check_hostname, old.verify_mode = False, ssl.CERT_NONE
    old.minimum_version = old.maximum_version = ssl.TLSVersion.TLSv1_1
    with pytest.raises((ssl.SSLError, OSError)), socket.create_connection(("127.0.0.1", port), 10) as raw:
        old.wrap_socket(raw, server_hostname="echo.localhost")
    for one in idle:
        with one:
            one.settimeout(20)
            assert one.recv(1) == b"", "a client that never begins its handshake is cut off"
