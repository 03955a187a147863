"""A plane with so many people that reading them takes time: a revocation doesn't wait for them."""

from __future__ import annotations

import time

import requests
from conftest import FLEET, PASSWORD
from harness import aeolus, echo
from harness.herd import Admin, email
from harness.process import free_port, wait_for

# A whole snapshot of so many takes several times as long as one may that is made for every change.
PEOPLE = 6_000
ROUNDS = 5


def test_f18_a_token_that_is_revoked_while_records_wait_is_refused_at_once(tmp_path, figure):
    with echo.server() as upstream:
        document = large(FLEET.format(airflow=free_port(), echo=upstream.port, gone=free_port()))
        with aeolus.alone(tmp_path, document, PASSWORD) as fleet:
            revoke_while_records_wait(fleet, figure)


def revoke_while_records_wait(fleet: aeolus.Fleet, figure) -> None:
    url = f"http://echo.localhost:{fleet.proxy.rsplit(':', 1)[1]}/"
    admin = Admin(fleet)

    def status(token: dict) -> int:
        return requests.get(url, headers={"Authorization": f"Bearer {token['token']}"}, timeout=10).status_code

    old = admin.create_token("first")
    wait_for("the first token", lambda: status(old) == 200, 60)
    took, overtaken = [], 0
    for number in range(ROUNDS):
        new = admin.create_token(f"next-{number}")
        begun = time.monotonic()
        admin.revoke(old["id"])
        wait_for("the revocation", lambda: status(old) == 401, 5, 0.02)
        took.append(time.monotonic() - begun)
        # What was made before the revocation is a record: where there is one lane, both come together.
        overtaken += status(new) == 401
        wait_for("the records", lambda: status(new) == 200, 60)
        assert status(old) == 401, "no record brings a token back"
        old = new
    assert overtaken > 0, "every plane of so many people is told revocations before records"
    text = f"{overtaken} of {ROUNDS} revocations overtook records, refused after at most {max(took):.2f} s"
    figure(text)
    print(text)


def large(document: str) -> str:
    """The same fleet, whose team has many more people."""
    people = [email(number) for number in range(PEOPLE)]
    users = "".join(f"      - {{email: {one}, role: ORGANIZATION_MEMBER}}\n" for one in people)
    document = document.replace("    users:\n", f"    users:\n{users}")
    return document.replace("members: [", f"members: [{', '.join(people)}, ")
