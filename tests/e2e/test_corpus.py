"""The attack corpus over raw sockets, through every real proxy and the built-in one."""

from __future__ import annotations

import socket
from urllib.parse import urlsplit

import pytest
from conftest import PASSWORD
from corpus import ROWS, Row
from harness.signin import sign_in

REFUSED = {400, 401, 403, 404, 405, 414, 421, 426, 431, 500, 501, 502, 503}
TABLE: dict[str, dict[str, str]] = {}


@pytest.fixture(scope="module")
def token(fleet) -> str:
    """A viewer's token of the echo deployment."""
    return fleet.create_token("corpus", "acme/sales/echo", "DEPLOYMENT_VIEWER")["token"]


def answered(port: int, request: bytes) -> tuple[int, str]:
    """The first answer's status, and the whole text; 0 where the connection just ends."""
    with socket.create_connection(("127.0.0.1", port), timeout=3) as connection:
        text = b""
        try:
            connection.sendall(request)
            while more := connection.recv(65536):
                text += more
                # Some answers leave the connection open.
                connection.settimeout(0.3)
        except (TimeoutError, ConnectionError):
            pass
    first = text.split(b"\r\n", 1)[0].split(b" ")
    status = int(first[1]) if len(first) > 1 and first[1].isdigit() else 0
    return status, text.decode("latin-1")


def fault(row: Row, name: str, status: int, seen: list[dict]) -> str | None:
    """What is wrong with what came of an attack."""
    if row.want == "D":
        if seen:
            return f"the application saw {seen[0]['method']} {seen[0]['target']}"
        refused = status in REFUSED or status == 0 or name in row.except_for
        return None if refused else f"{status} is no refusal"
    for request in seen:
        headers = [(name.lower().replace("_", "-"), value) for name, value in request["headers"]]
        identity = [value for name, value in headers if name.startswith("x-aeolus-") or name == "authorization"]
        if any("mallory" in value for value in identity):
            return "the application saw the client's identity"
        if row.id != "17" and not any(name == "authorization" and value for name, value in headers):
            return "the application saw no identity of ours"
        if any(name == "upgrade" and "h2c" in value for name, value in headers):
            return "the application was offered a tunnel"
        if "mallory" in dict(headers).get("cookie", "") or "smuggled" in request["target"]:
            return "the application saw what was hidden in the request"
    return None


def test_the_corpus_opens_nothing(door_named, token, upstream):
    name, door = door_named
    port = urlsplit(door).port
    host = f"echo.localhost:{port}"
    session = sign_in(f"{door}/", "viewer@example.com", PASSWORD)
    cookie = "; ".join(f"{c.name}={c.value}" for c in session.cookies if c.name.endswith("aeolus"))
    values = {"HOST": host, "UPPER": host.upper(), "DOTTED": f"echo.localhost.:{port}", "TOKEN": token, "COOKIE": cookie}
    # What is refused below would pass without the attack in it.
    for headers in (("Authorization: Bearer {TOKEN}",), ("Cookie: {COOKIE}",)):
        assert answered(port, Row("", "", "GET /api/v2/dags HTTP/1.1", headers).request(**values))[0] == 200
    faults = {}
    for row in ROWS:
        before = upstream.count()
        status, _ = answered(port, row.request(**values))
        found = fault(row, name, status, upstream.since(before))
        TABLE.setdefault(row.id, {})[name] = f"{status or 'closed'}{'!' if found else ''}"
        if found:
            faults[row.id] = f"{row.what}: {found} ({status})"
    assert not faults, faults


def test_the_table(capsys):
    """Prints what was answered; the attacks themselves fail the tests above."""
    names = sorted({name for answers in TABLE.values() for name in answers})
    assert names, "no corpus was run"
    with capsys.disabled():
        print("\n" + " ".join([f"{'row':6}", *(f"{name:>10}" for name in names)]))
        for row in ROWS:
            answers = (TABLE[row.id].get(name, "-") for name in names)
            print(" ".join([f"{row.id:6}", *(f"{answer:>10}" for answer in answers), " " + row.what]))
        results = [answer for answers in TABLE.values() for answer in answers.values()]
        failed = sum(answer.endswith("!") for answer in results)
        print(f"corpus: {len(results) - failed} passed, {failed} failed")
