"""What never passes the gate, and what never reaches the application behind it."""

from __future__ import annotations

import socket
from urllib.parse import urlsplit

import pytest
import requests


def raw(url: str, request: bytes) -> int:
    """Sends bytes as they are and returns the answer's status."""
    parts = urlsplit(url)
    with socket.create_connection(("127.0.0.1", parts.port), timeout=20) as connection:
        connection.sendall(request.replace(b"HOST", parts.netloc.encode()))
        head = b""
        while b"\r\n" not in head and (more := connection.recv(4096)):
            head += more
    return int(head.split(b" ", 2)[1])


@pytest.mark.parametrize("door", ["etl", "behind_nginx"])
@pytest.mark.parametrize(
    "path",
    [
        "/api%2Fv2/dags",
        "/api/v2/dags",
        "/api/v2/variables",
        "//api/v2/dags",
        "/static/../api/v2/dags",
        "/static/%2e%2e/api/v2/dags",
        "/execution/variables/secret",
        "/execution/docs",
        "/edge_worker/v1/jobs",
        "/docs",
        "/openapi.json",
    ],
)
def test_t49_private_paths_without_rights_are_refused(door, path, request):
    url = request.getfixturevalue(door)
    status = raw(url, f"GET {path} HTTP/1.1\r\nHost: HOST\r\nConnection: close\r\n\r\n".encode())
    assert status in (400, 401, 403, 404), f"{path}: {status}"


@pytest.mark.parametrize("path", ["/execution/variables/secret", "/execution/health", "/edge_worker/v1/jobs"])
def test_t54_task_paths_are_refused_even_to_those_who_may_do_everything_else(etl, fleet, path):
    token = fleet.create_token(f"op {path}", "acme/sales/etl", "DEPLOYMENT_ADMIN")["token"]
    answer = requests.get(f"{etl}{path}", headers={"Authorization": f"Bearer {token}"}, timeout=20)
    assert answer.status_code == 403


def test_t47_t48_a_clients_own_identity_never_reaches_the_application(echoed, fleet):
    token = fleet.create_token("echo", "acme/sales/echo", "DEPLOYMENT_VIEWER")["token"]
    answer = requests.get(
        f"{echoed}/api/v2/dags?x=1",
        headers={
            "Authorization": f"Bearer {token}",
            "Cookie": "_token=mallory; theme=dark",
            "X-Aeolus-User": "mallory",
            "X-Aeolus-Email": "mallory@example.com",
            "X_Aeolus_User": "mallory",
            "X-Auth-Request-User": "mallory",
            "X-Forwarded-User": "mallory",
            "Remote-User": "mallory",
        },
        timeout=20,
    )
    assert answer.status_code == 200, answer.text
    seen = answer.json()
    assert "mallory" not in str(seen)
    assert token not in str(seen), "the client's own credential went on to the application"
    headers = {name.lower(): value for name, value in seen["headers"]}
    assert headers["authorization"].startswith("Bearer ")
    assert headers["cookie"] == "theme=dark"
    assert seen["target"] == "/api/v2/dags?x=1"


def test_raw_bytes_of_a_path_are_forwarded_unchanged(echoed, fleet):
    token = fleet.create_token("raw", "acme/sales/echo", "DEPLOYMENT_VIEWER")["token"]
    path = "/api/v2/dags/hello/dagRuns/manual__2026-11-23T23:48:50.364855+00:00/x%2Fy"
    parts = urlsplit(echoed)
    with socket.create_connection(("127.0.0.1", parts.port), timeout=20) as connection:
        connection.sendall(
            f"GET {path} HTTP/1.1\r\nHost: {parts.netloc}\r\n"
            f"Authorization: Bearer {token}\r\nConnection: close\r\n\r\n".encode()
        )
        answer = b"".join(iter(lambda: connection.recv(65536), b"")).decode()
    assert f'"target": "{path}"' in answer


def test_f57_an_application_that_is_down_is_a_502_and_no_denial(fleet):
    from conftest import at

    token = fleet.create_token("gone", "acme/sales/gone", "DEPLOYMENT_VIEWER")["token"]
    answer = requests.get(
        f"{at(fleet.proxy, 'gone.localhost')}/api/v2/dags",
        headers={"Authorization": f"Bearer {token}"},
        timeout=20,
    )
    assert answer.status_code == 502


def test_an_unknown_host_is_404(fleet):
    assert requests.get(fleet.proxy, headers={"Host": "nobody.example"}, timeout=20).status_code == 404
