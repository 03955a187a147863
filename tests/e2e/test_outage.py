"""What goes on without control. Runs last: it ends the shared control plane."""

from __future__ import annotations

import pytest
import requests
from conftest import PASSWORD
from harness import aeolus
from harness.signin import sign_in


@pytest.mark.order_last
def test_f1_f3_people_and_programs_go_on_without_control_and_across_a_gate_restart(etl, fleet):
    person = sign_in(f"{etl}/", "operator@example.com", PASSWORD)
    token = aeolus.create_token(fleet, "outage", "acme/sales/etl", "DEPLOYMENT_VIEWER")
    bearer = {"Authorization": f"Bearer {token}"}
    deleted = aeolus.create_token_record(fleet, "deleted", "acme/sales/etl", "DEPLOYMENT_VIEWER")
    aeolus.delete_token(fleet, deleted["id"])

    def all_goes_on() -> None:
        assert person.get(f"{etl}/ui/auth/me", timeout=60).status_code == 200
        assert requests.get(f"{etl}/api/v2/dags", headers=bearer, timeout=60).status_code == 200
        revoked = {"Authorization": f"Bearer {deleted['token']}"}
        assert requests.get(f"{etl}/api/v2/dags", headers=revoked, timeout=60).status_code == 401

    fleet.kill_control()
    all_goes_on()
    fleet.restart_gate()
    all_goes_on()
    page = {"Accept": "text/html", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document"}
    answer = requests.get(f"{etl}/.aeolus/sign-in?next=/", headers=page, allow_redirects=False, timeout=30)
    assert answer.status_code == 503, "a new sign-in needs control, and the page must say so"
    fleet.start_control()
    assert sign_in(f"{etl}/", "viewer@example.com", PASSWORD)
