"""Rows I9, I10 and I11 against a real Airflow 2."""

from __future__ import annotations

import base64
import json
import time
from typing import Any

import jwt
import pytest
import requests
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from site2 import Site

ANN, EVE = "ann@example.com", "eve@example.com"
DAGS = "/api/v1/dags"
RUNS = "/api/v1/dags/winds/dagRuns"
USERS = "/api/v1/users"


def test_row_i9_a_person_who_passed_the_gate_is_signed_in(live: Site) -> None:
    home = live.at_gate("GET", "/home", EVE)
    assert home.status_code == 200
    assert "winds" in home.text and "Sign In" not in home.text
    dags = live.at_gate("GET", DAGS, EVE)
    assert [dag["dag_id"] for dag in dags.json()["dags"]] == ["winds"]


def test_the_pages_styles_need_no_token(live: Site) -> None:
    assert live.at_gate("GET", "/static/appbuilder/css/bootstrap.min.css").status_code == 200


def test_a_viewer_triggers_nothing_and_an_operator_does(live: Site) -> None:
    assert live.at_gate("POST", RUNS, EVE, json={}).status_code == 403
    run = live.at_gate("POST", RUNS, ANN, json={})
    assert run.status_code == 200, run.text


def test_row_i9_health_is_open_and_everything_else_is_403_without_a_token(live: Site) -> None:
    assert live.at_airflow("/health").status_code == 200
    for path in ("/", "/home", "/login/", DAGS, "/api/v1/config", "/nowhere", "/static/../home"):
        assert live.at_airflow(path).status_code == 403, path
    assert live.at_airflow("/trigger", method="POST").status_code == 403


def test_passwords_open_nothing(live: Site) -> None:
    basic = requests.get(live.direct + DAGS, auth=("ann", "secret"), timeout=30)
    assert basic.status_code == 403


@pytest.mark.parametrize(
    "changes",
    [
        {"aud": "other.localhost"},
        {"aud": ["old.localhost"]},
        {"aud": "urn:aeolus:deployment:01926f3e-0000-7000-8000-0000000000bb"},
        {"iss": "urn:aeolus:plane:other"},
        {"exp": int(time.time()) - 61},
        {"nbf": int(time.time()) + 600},
        {"roles": "Admin"},
        {"sub": ""},
        *({claim: ...} for claim in ("sub", "aud", "exp", "nbf", "email", "full_name", "roles")),
    ],
    ids=str,
)
def test_row_i9_a_token_that_is_not_exactly_right_is_403(
    live: Site, changes: dict[str, Any]
) -> None:
    assert live.at_airflow(DAGS, live.token(**changes)).status_code == 403


def test_row_i9_sixty_seconds_of_clock_difference_and_no_name_are_fine(live: Site) -> None:
    late = live.token(exp=int(time.time()) - 30, full_name=None)
    assert live.at_airflow(DAGS, late).status_code == 200


def test_a_forged_key_is_403(live: Site) -> None:
    other = generate_private_key(65537, 2048)
    for kid in (live.kid, "another"):
        forged = jwt.encode(live.claims(), other, algorithm="RS256", headers={"kid": kid})
        assert live.at_airflow(DAGS, forged).status_code == 403


def test_another_algorithm_is_403(live: Site) -> None:
    jwk = requests.get(live.env["AIRFLOW__AEOLUS__JWKS_URL"], timeout=10).json()["keys"][0]
    public = jwt.PyJWK(jwk).key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    unsigned = jwt.encode(live.claims(), None, algorithm="none", headers={"kid": live.kid})
    assert live.at_airflow(DAGS, unsigned).status_code == 403
    assert live.at_airflow(DAGS, _hs256(live, public)).status_code == 403


def _hs256(live: Site, secret: bytes) -> str:
    """An HMAC under the public key's text; PyJWT itself would refuse to make it."""
    import hashlib
    import hmac

    def part(value: bytes) -> str:
        return base64.urlsafe_b64encode(value).rstrip(b"=").decode()

    header = {"alg": "HS256", "typ": "JWT", "kid": live.kid}
    text = ".".join(part(json.dumps(value).encode()) for value in (header, live.claims()))
    return f"{text}.{part(hmac.new(secret, text.encode(), hashlib.sha256).digest())}"


def test_row_i10_a_changed_role_takes_effect_and_custom_roles_stay(live: Site) -> None:
    sub = "01926f3e-0000-7000-8000-0000000000d1"
    who = {"sub": sub, "email": "kim@example.com", "full_name": "Kim"}
    assert _roles(live, who, ["Viewer"]) == {"Viewer"}
    live.airflow("roles", "create", "Harbour")
    live.airflow("users", "add-role", "--username", sub, "--role", "Harbour")
    assert _roles(live, who, ["Op"]) == {"Op", "Harbour"}
    assert live.at_airflow("/api/v1/variables", live.token(**who, roles=["Op"])).ok
    assert _roles(live, who, ["Viewer", "Harbour", "Made up"]) == {"Viewer", "Harbour"}
    assert _roles(live, who, []) == {"Harbour"}
    viewer = live.token(**who, roles=["Viewer"])
    assert live.at_airflow("/api/v1/variables", viewer).status_code == 403


def _roles(live: Site, who: dict[str, Any], roles: list[str]) -> set[str]:
    """Ask something as `who` with `roles`; what the mirror says afterwards."""
    live.at_airflow(DAGS, live.token(**who, roles=roles))
    admin = live.token(sub="01926f3e-0000-7000-8000-0000000000d0", email="", roles=["Admin"])
    found = live.at_airflow(f"{USERS}/{who['sub']}", admin).json()
    assert (found["first_name"], found["email"]) == (who["full_name"], who["email"])
    return {role["name"] for role in found["roles"]}


def test_row_i10_somebody_with_the_address_of_a_former_user_is_somebody_new(live: Site) -> None:
    assert live.at_gate("GET", DAGS, ANN).status_code == 200
    admin = live.token(sub="01926f3e-0000-7000-8000-0000000000d0", email="", roles=["Admin"])
    former = live.at_airflow(f"{USERS}/ann", admin).json()
    assert (former["email"], [role["name"] for role in former["roles"]]) == (ANN, ["Viewer"])


def test_row_i10_nobody_creates_users_in_airflow(live: Site) -> None:
    admin = live.token(sub="01926f3e-0000-7000-8000-0000000000d0", email="", roles=["Admin"])
    body = {"username": "mallory", "email": "m@example.com", "first_name": "M", "last_name": "M"}
    body |= {"password": "m", "roles": [{"name": "Admin"}]}  # type: ignore[dict-item]
    made = live.at_airflow(USERS, admin, "POST", json=body)
    assert made.status_code == 403, made.text
    assert live.at_airflow("/users/add", admin).status_code in {302, 403, 404}
    assert live.at_airflow(f"{USERS}/mallory", admin).status_code == 404


def test_a_cookie_of_airflow_signs_nobody_in(live: Site) -> None:
    admin = live.token(sub="01926f3e-0000-7000-8000-0000000000d0", email="", roles=["Admin"])
    with requests.Session() as browser:
        first = {"Authorization": f"Bearer {admin}"}
        assert browser.get(live.direct + "/home", headers=first, timeout=30).status_code == 200
        assert browser.get(live.direct + "/home", timeout=30).status_code == 403
        second = {"Authorization": f"Bearer {live.token()}"}
        variables = live.direct + "/api/v1/variables"
        assert browser.get(variables, headers=second, timeout=30).status_code == 403
