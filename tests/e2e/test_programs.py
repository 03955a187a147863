"""What a program does: an API token lists DAGs until it is deleted; every other credential is refused."""

from __future__ import annotations

import base64
import json
import time

import pytest
import requests


def dags(url: str, token: str) -> requests.Response:
    """Lists DAGs with a bearer token."""
    return requests.get(f"{url}/api/v2/dags", headers={"Authorization": f"Bearer {token}"}, timeout=60)


@pytest.fixture(scope="module")
def token(fleet) -> str:
    """A viewer's token of the deployment with the real Airflow."""
    return fleet.create_token("lister", "acme/sales/etl", "DEPLOYMENT_VIEWER")["token"]


@pytest.mark.parametrize("door", ["etl", "behind_nginx"])
def test_a_token_lists_dags(door, request, token):
    answer = dags(request.getfixturevalue(door), token)
    assert answer.status_code == 200, answer.text
    assert {dag["dag_id"] for dag in answer.json()["dags"]} >= {"hello", "sales_report"}


def test_a_deleted_token_is_refused_within_two_seconds(etl, fleet):
    record = fleet.create_token("short-lived", "acme/sales/etl", "DEPLOYMENT_VIEWER")
    assert dags(etl, record["token"]).status_code == 200
    fleet.run("token", "delete", record["id"])
    deleted = time.monotonic()
    while dags(etl, record["token"]).status_code == 200:
        assert time.monotonic() - deleted < 2, "still accepted after two seconds"
    answer = dags(etl, record["token"])
    assert answer.status_code == 401
    assert answer.headers["WWW-Authenticate"].startswith("Bearer")


def test_a_token_of_another_deployment_is_refused(etl, fleet):
    foreign = fleet.create_token("foreign", "acme/sales/echo", "DEPLOYMENT_VIEWER")["token"]
    assert dags(etl, foreign).status_code in (401, 403)


def tampered(token: str, **claims: object) -> str:
    """The token with other claims under the old signature."""
    header, payload, signature = token.split(".")
    body = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    changed = base64.urlsafe_b64encode(json.dumps({**body, **claims}).encode()).rstrip(b"=").decode()
    return f"{header}.{changed}.{signature}"


def test_wrong_and_expired_tokens_are_refused_alike(etl, token):
    bad = {
        "garbage": "x",
        "claims changed": tampered(token, exp=4102444800),
        "expired": tampered(token, exp=1),
        "signature cut": token[:-2],
        "alg none": "eyJhbGciOiJub25lIn0." + token.split(".")[1] + ".",
    }
    answers = {what: dags(etl, value) for what, value in bad.items()}
    assert {what: answer.status_code for what, answer in answers.items()} == dict.fromkeys(bad, 401)
    assert len({answer.text for answer in answers.values()}) == 1, "the causes can be told apart"


def test_without_any_credential_a_program_gets_401_and_a_browser_the_sign_in(etl):
    assert requests.get(f"{etl}/api/v2/dags", timeout=20).status_code == 401
    page = {"Accept": "text/html", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document"}
    answer = requests.get(f"{etl}/dags", headers=page, allow_redirects=False, timeout=20)
    assert answer.status_code in (302, 303)
    assert answer.headers["Location"].startswith("/.aeolus/sign-in?next=")
