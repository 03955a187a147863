"""Every proxy with its shipped configuration: people, programs, and a gate that is gone."""

from __future__ import annotations

import signal

import pytest
import requests
from conftest import PASSWORD, required
from harness import stale
from harness.process import signal_group, state, wait_for
from harness.proxies import ECHO as HOST
from harness.proxies import PROXIES, Gate, proxy
from harness.signin import sign_in

PAGE = {"Accept": "text/html", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document"}


@pytest.fixture(scope="module")
def token(fleet) -> str:
    """A viewer's token of the echo deployment."""
    return fleet.create_token("proxies", "acme/sales/echo", "DEPLOYMENT_VIEWER")["token"]


def seen(answer: requests.Response) -> dict[str, str]:
    """The headers that reached the application."""
    assert answer.status_code == 200, f"{answer.status_code} {answer.text[:300]}"
    return {name.lower(): value for name, value in answer.json()["headers"]}


def test_a_person_signs_in_through_the_proxy(door):
    person = sign_in(f"{door}/dags?x=1", "viewer@example.com", PASSWORD)
    headers = seen(person.get(f"{door}/api/v2/dags?x=%2F", timeout=20))
    assert headers["x-aeolus-email"] == "viewer@example.com"
    assert headers["authorization"].startswith("Bearer ")
    assert "aeolus" not in headers.get("cookie", "")
    same_origin = {"Origin": door, "Sec-Fetch-Site": "same-origin"}
    refused = person.post(f"{door}/api/v2/dags", headers={"Origin": "https://evil.example"}, timeout=20)
    assert refused.status_code == 403, "o29"
    # A viewer may read only; what counts here is that the method arrived.
    written = person.post(f"{door}/api/v2/dags", json={"a": 1}, headers=same_origin, timeout=20)
    assert written.status_code == 200
    assert written.json()["method"] == "POST" and written.json()["body"] == '{"a": 1}'


def test_a_program_passes_with_a_token_and_never_sees_what_airflow_gets(door, token):
    answer = requests.get(f"{door}/api/v2/dags/a%2Fb?x=1", headers={"Authorization": f"Bearer {token}"}, timeout=20)
    headers = seen(answer)
    assert answer.json()["target"] == "/api/v2/dags/a%2Fb?x=1"
    assert token not in answer.text
    assert headers["host"].split(":")[0] == HOST
    assert "authorization" not in {name.lower() for name in answer.headers}


def test_without_a_credential_a_program_gets_401_and_a_browser_the_way_to_sign_in(door):
    program = requests.get(f"{door}/api/v2/dags", timeout=20)
    assert program.status_code == 401
    assert program.headers["WWW-Authenticate"].startswith("Bearer")
    page = requests.get(f"{door}/dags?x=1", headers=PAGE, allow_redirects=False, timeout=20)
    assert page.status_code == 302
    assert page.headers["Location"].removeprefix(door) == "/.aeolus/sign-in?next=/dags%3Fx%3D1"
    wrong = requests.get(f"{door}/api/v2/dags", headers={"Authorization": "Bearer x"}, timeout=20)
    assert wrong.status_code == 401


def what_is_answered(url: str, headers: dict[str, str]) -> int | None:
    """An answer's status, or none: Traefik lets its client wait for half a minute."""
    try:
        return requests.get(url, headers=headers, timeout=2).status_code
    except (requests.Timeout, requests.ConnectionError):
        return None


@pytest.mark.parametrize("how", [signal.SIGSTOP, signal.SIGKILL])
def test_f58_a_gate_that_hangs_or_is_dead_opens_nothing(door, fleet, token, upstream, how):
    bearer = {"Authorization": f"Bearer {token}"}
    assert requests.get(f"{door}/api/v2/dags", headers=bearer, timeout=20).status_code == 200
    before = upstream.count()
    signal_group(fleet.processes["gate"], how)
    # A signal takes its time; until then the gate answers.
    wait_for("the gate's end", lambda: state(fleet.processes["gate"]) in "TZ", 10, 0.01)
    try:
        for headers in (bearer, {"X-Aeolus-User": "mallory"}):
            assert what_is_answered(f"{door}/api/v2/dags", headers) in (None, 403, 500, 502, 503, 504)
        assert upstream.count() == before, "something reached the application"
    finally:
        if how == signal.SIGSTOP:
            signal_group(fleet.processes["gate"], signal.SIGCONT)
        else:
            fleet.restart_gate()
    # Killed within a second of news, a gate has them again with its first answer from control.
    again = lambda: requests.get(f"{door}/api/v2/dags", headers=bearer, timeout=20).status_code == 200  # noqa: E731
    wait_for("the way in", again, 20)


def test_a_refusal_is_found_in_the_gates_log_by_the_id_that_the_client_got(door_named):
    name, url = door_named
    for path, headers in [("/api/v2/dags", {}), ("/execution/x", {}), ("/dags", PAGE)]:
        asked = {"X-Request-Id": "shift-7", **headers}
        answer = requests.get(url + path, headers=asked, allow_redirects=False, timeout=20)
        assert answer.status_code in (302, 401, 403)
        shown = answer.headers.get("X-Aeolus-Request-Id")
        # A page that is sent to sign in is no denial, and has none.
        expected = None if answer.status_code == 302 else "shift-7"
        if name in ("nginx", "built-in"):
            assert shown == expected, (path, answer.headers)
        assert "X-Aeolus-Staleness" not in answer.headers


@pytest.mark.parametrize("name", ["nginx", "apache"])
def test_a_client_is_told_how_old_the_gates_knowledge_is(name, upstream, tmp_path):
    required(name, PROXIES[name].found() is not None)
    deployment = "00000000-0000-7000-8000-000000000000"
    with (
        stale.gate() as (http, fastcgi),
        proxy(name, tmp_path / name, HOST, deployment, Gate(http, http, fastcgi), upstream.port) as port,
    ):
        answer = requests.get(f"http://{HOST}:{port}/api/v2/dags", timeout=20)
        assert seen(answer)["authorization"] == "Bearer t"
        assert answer.headers["X-Aeolus-Staleness"] == stale.AGE
