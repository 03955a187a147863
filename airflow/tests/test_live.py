"""A real API server with the auth manager in it, and the gate's half played by the test."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jwt
import pytest

from gate import AUDIENCE, ISSUER, JwksServer, SigningKey, claims, jwks_server, token
from host import Host, Server

KEY = SigningKey("k-1")
TASK_AUDIENCE = "urn:airflow.apache.org:task"
DAGS = "/api/v2/dags"
RUNS = "/api/v2/dags/winds/dagRuns"


@dataclass
class Live:
    server: Server
    gate: JwksServer
    host: Host

    def status(self, path: str, text: str | None) -> int:
        return self.server.get(path, text).status_code


@pytest.fixture(scope="module")
def live(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    with jwks_server() as gate:
        gate.publish(KEY)
        host = Host(tmp_path_factory.mktemp("live"))
        host.env["AIRFLOW__CORE__MULTI_TEAM"] = "True"
        host.set_up()
        host.airflow("teams", "create", "north")
        host.airflow("teams", "create", "south")
        host.env |= {
            "AIRFLOW__CORE__AUTH_MANAGER": "aeolus_airflow.AeolusAuthManager",
            "AIRFLOW__AEOLUS__JWKS_URL": gate.url,
            "AIRFLOW__AEOLUS__ISSUER": ISSUER,
            "AIRFLOW__AEOLUS__AUDIENCE": AUDIENCE,
            "AIRFLOW__AEOLUS__JWKS_REFRESH_SECONDS": "1",
        }
        with host.serve() as server:
            yield Live(server, gate, host)


@pytest.fixture(scope="module")
def own_secret(live: Live) -> str:
    """The secret with which this Airflow signs the tokens of its tasks."""
    return live.host.config("api_auth", "jwt_secret")


def test_a_good_token_lists_the_dags(live: Live) -> None:
    answer = live.server.get(DAGS, token(KEY))
    assert answer.status_code == 200
    assert [dag["dag_id"] for dag in answer.json()["dags"]] == ["winds"]


def test_no_token_is_401_and_an_expired_one_too(live: Live) -> None:
    assert live.status(DAGS, None) == 401
    assert live.status(DAGS, token(KEY, exp=int(time.time()) - 60)) == 401


@pytest.mark.parametrize(
    "changes",
    [
        {"aud": "urn:aeolus:deployment:other"},
        {"aud": TASK_AUDIENCE},
        {"iss": "urn:aeolus:plane:other"},
        {"jti": ""},
    ],
    ids=str,
)
def test_a_token_for_somewhere_else_is_403(live: Live, changes: dict[str, Any]) -> None:
    assert live.status(DAGS, token(KEY, "admin", **changes)) == 403


def test_a_foreign_key_is_403(live: Live) -> None:
    assert live.status(DAGS, token(SigningKey("k-1"), "admin")) == 403
    assert live.status(DAGS, token(SigningKey("k-9"), "admin")) == 403


@pytest.mark.parametrize("kid", ["k-1", "not-used"])
def test_airflows_own_secret_forges_nobody(live: Live, own_secret: str, kid: str) -> None:
    forged = jwt.encode(claims("admin"), own_secret, "HS512", headers={"kid": kid})
    assert live.status(DAGS, forged) == 403


def test_airflows_own_secret_still_serves_its_tasks(live: Live, own_secret: str) -> None:
    body = claims(None, aud=TASK_AUDIENCE, iss=None, sub=str(uuid.uuid4()), scope="execution")
    task = jwt.encode(body, own_secret, "HS512", headers={"kid": "not-used"})
    assert live.status("/execution/variables/harbour", task) == 200


@pytest.mark.parametrize("audience", [AUDIENCE, TASK_AUDIENCE])
def test_the_gates_key_is_no_task(live: Live, audience: str) -> None:
    answer = live.status("/execution/variables/harbour", token(KEY, "admin", aud=audience))
    assert answer in {401, 403}


@pytest.mark.parametrize("role", ["none", "superuser"])
def test_an_unknown_role_is_known_but_may_nothing(live: Live, role: str) -> None:
    text = token(KEY, role)
    me = live.server.get("/ui/auth/me", text)
    assert (me.status_code, me.json()["username"]) == (200, "ann@example.com")
    for path in (DAGS, RUNS, "/api/v2/variables", "/api/v2/pools", "/api/v2/plugins"):
        answer = live.server.get(path, text)
        # Any other text would make Airflow's pages sign in again, and again.
        assert (answer.status_code, answer.json()["detail"]) == (403, "Forbidden"), path


@pytest.mark.parametrize(
    ("role", "expected"), [("viewer", 403), ("user", 200), ("op", 200), ("admin", 200)]
)
def test_who_may_trigger(live: Live, role: str, expected: int) -> None:
    answer = live.server.call("POST", RUNS, token(KEY, role), json={"logical_date": None})
    assert answer.status_code == expected
    if expected == 200:
        assert answer.json()["triggering_user_name"] == "ann@example.com"


@pytest.mark.parametrize(("role", "expected"), [("viewer", 403), ("user", 403), ("op", 200)])
def test_who_may_read_variables(live: Live, role: str, expected: int) -> None:
    assert live.status("/api/v2/variables/harbour", token(KEY, role)) == expected


def test_no_token_can_be_turned_into_a_longer_one(live: Live) -> None:
    for role in ("viewer", "admin"):
        answer = live.server.call(
            "POST", "/ui/auth/token", token(KEY, role), json={"token_type": "api"}
        )
        assert answer.status_code == 403
        assert "aeolus token create" in answer.json()["detail"]


@pytest.mark.parametrize("path", ["/auth/token", "/auth/token/cli"])
def test_there_is_no_password_door(live: Live, path: str) -> None:
    answer = live.server.call("POST", path, json={"username": "admin", "password": "admin"})
    assert answer.status_code in {404, 405}


def test_sign_in_is_the_gates(live: Live) -> None:
    answer = live.server.get("/api/v2/auth/login?next=/dags/winds")
    assert answer.status_code == 307
    assert answer.headers["location"] == "/.aeolus/sign-in?next=%2Fdags%2Fwinds"


def test_signing_out_is_the_gates_and_locks_nobody_out(live: Live) -> None:
    text = token(KEY)
    answer = live.server.get("/api/v2/auth/logout", text)
    assert (answer.status_code, answer.headers["location"]) == (307, "/.aeolus/sign-out")
    assert live.status(DAGS, text) == 200


def test_airflow_sets_no_cookie_and_drops_a_former_one(live: Live, own_secret: str) -> None:
    assert "set-cookie" not in live.server.get(DAGS, token(KEY)).headers
    former = jwt.encode(claims("admin"), own_secret, "HS512", headers={"kid": "not-used"})
    answer = live.server.call("GET", DAGS, cookies={"_token": former})
    assert answer.status_code == 403
    assert '_token=""' in answer.headers["set-cookie"]
    assert "Max-Age=0" in answer.headers["set-cookie"]


def test_the_pages_need_no_cookie(live: Live) -> None:
    text = token(KEY)
    for path in ("/", "/ui/config", "/ui/auth/menus", "/ui/dags"):
        assert live.status(path, text) == 200, path
    menu = live.server.get("/ui/auth/menus", text).json()["authorized_menu_items"]
    assert "Dags" in menu
    assert not {"Connections", "Variables", "Config"} & set(menu)


def test_teams_come_with_the_token(live: Live) -> None:
    def make(team: str, role: str = "op") -> int:
        body = {"name": f"pool_{uuid.uuid4().hex}", "slots": 1, "team_name": team}
        text = token(KEY, role, teams=["north"])
        return live.server.call("POST", "/api/v2/pools", text, json=body).status_code

    assert (make("north"), make("south"), make("south", "admin")) == (201, 403, 201)
    teams = live.server.get("/ui/teams", token(KEY, "op", teams=["north"])).json()["teams"]
    assert [team["name"] for team in teams] == ["north"]


def test_a_new_key_is_picked_up_and_an_old_one_dropped(live: Live) -> None:
    following = SigningKey("k-2")
    assert live.status(DAGS, token(following)) == 403
    try:
        live.gate.publish(following)
        eventually(lambda: live.status(DAGS, token(following)) == 200)
        eventually(lambda: live.status(DAGS, token(KEY)) == 403)
    finally:
        live.gate.publish(KEY)
    eventually(lambda: live.status(DAGS, token(KEY)) == 200)


def test_tokens_are_believed_while_the_gates_keys_are_out_of_reach(live: Live) -> None:
    assert live.status(DAGS, token(KEY)) == 200
    live.gate.stop()
    try:
        until = time.monotonic() + 3
        while time.monotonic() < until:
            assert live.status(DAGS, token(KEY)) == 200
            assert live.status(DAGS, token(SigningKey("k-9"))) == 403
    finally:
        live.gate.start()


def eventually(holds: Callable[[], bool], seconds: float = 15) -> None:
    """Poll until `holds`; the gate's keys are looked at again every second here."""
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, f"not within {seconds} s"
        time.sleep(0.1)


def test_a_missing_setting_stops_the_start(live: Live, tmp_path: Path) -> None:
    env = {key: value for key, value in live.host.env.items() if not key.endswith("__ISSUER")}
    host = Host(live.host.home, env)
    with pytest.raises(AssertionError, match="AIRFLOW__AEOLUS__ISSUER="), host.serve():
        pass
