"""What a person does: sign in on the page, see DAGs, trigger one if allowed."""

from __future__ import annotations

import pytest
import requests
from conftest import PASSWORD
from harness.process import wait_for
from harness.signin import sign_in
from selenium.webdriver.common.by import By


def fill_in(driver, email: str, password: str = PASSWORD) -> None:
    """Fills in the sign-in page and sends it."""
    wait_for("the sign-in page", lambda: driver.find_elements(By.NAME, "password"), 30)
    driver.find_element(By.NAME, "email").send_keys(email)
    driver.find_element(By.NAME, "password").send_keys(password)
    driver.find_element(By.CSS_SELECTOR, "form button[type=submit]").click()


def shows(driver, text: str):
    """Whether the page shows a text."""
    # Read in one step: the application redraws itself, and a found element may be gone at once.
    return text in driver.execute_script("return document.body ? document.body.innerText : ''")


@pytest.mark.parametrize("door", ["etl", "behind_nginx"])
def test_a_person_signs_in_and_lands_on_the_airflow_ui(door, request, chromium):
    url = request.getfixturevalue(door)
    chromium.get(f"{url}/dags")
    fill_in(chromium, "operator@example.com")
    wait_for("the DAG list", lambda: shows(chromium, "sales_report"), 60, 0.5)
    assert chromium.current_url.startswith(f"{url}/dags")
    who = chromium.execute_async_script(
        "const done = arguments[0]; fetch('/ui/auth/me').then(a => a.json()).then(done)"
    )
    assert who["username"] == "operator@example.com"


def test_a_wrong_password_opens_nothing(etl, chromium):
    chromium.get(etl)
    fill_in(chromium, "operator@example.com", "not the password, sorry")
    wait_for("the sign-in page again", lambda: chromium.find_elements(By.NAME, "password"), 30)
    assert requests.get(f"{etl}/ui/auth/me", timeout=20).status_code == 401


def test_an_operator_triggers_a_run_that_succeeds_and_a_viewer_may_not(etl):
    trigger = {"logical_date": None}
    same_origin = {"Origin": etl, "Sec-Fetch-Site": "same-origin"}
    viewer = sign_in(f"{etl}/", "viewer@example.com", PASSWORD)
    runs = f"{etl}/api/v2/dags/hello/dagRuns"
    refused = viewer.post(runs, json=trigger, headers=same_origin, timeout=60)
    assert refused.status_code == 403, refused.text

    operator = sign_in(f"{etl}/", "operator@example.com", PASSWORD)
    started = operator.post(runs, json=trigger, headers=same_origin, timeout=60)
    assert started.status_code == 200, started.text
    assert started.json()["triggering_user_name"] == "operator@example.com"
    run = f"{runs}/{started.json()['dag_run_id']}"
    state = wait_for(
        "the run's end",
        lambda: (found := operator.get(run, timeout=60).json()["state"]) in ("success", "failed") and found,
        180,
        1,
    )
    assert state == "success"


def test_somebody_without_a_grant_gets_no_further_than_a_page_that_says_so(etl):
    with pytest.raises(AssertionError, match="403"):
        sign_in(f"{etl}/", "stranger@example.com", PASSWORD)


def test_o29_a_cross_site_post_with_the_cookie_is_refused(etl):
    operator = sign_in(f"{etl}/", "operator@example.com", PASSWORD)
    runs = f"{etl}/api/v2/dags/hello/dagRuns"
    evil = {"Origin": "https://evil.example", "Sec-Fetch-Site": "cross-site"}
    assert operator.post(runs, json={"logical_date": None}, headers=evil, timeout=60).status_code == 403
    assert operator.post(runs, json={"logical_date": None}, timeout=60).status_code == 403


def test_signing_out_ends_the_session(etl):
    viewer = sign_in(f"{etl}/", "viewer@example.com", PASSWORD)
    cookies = viewer.cookies.copy()
    assert viewer.get(f"{etl}/ui/auth/me", timeout=20).status_code == 200
    viewer.post(f"{etl}/.aeolus/sign-out", headers={"Origin": etl, "Sec-Fetch-Site": "same-origin"}, timeout=20)
    kept = requests.get(f"{etl}/ui/auth/me", cookies=cookies, timeout=20)
    assert kept.status_code == 401
