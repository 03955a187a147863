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
    port = fleet.proxy.rsplit(":", 1)[1]
    admin = Admin(fleet)

    def status(token: dict, host: str = "echo.localhost") -> int:
        headers = {"Authorization": f"Bearer {token['token']}"}
        return requests.get(f"http://{host}:{port}/", headers=headers, timeout=10).status_code

    old = admin.create_token("first")
    wait_for("the first token", lambda: status(old) == 200, 60)
    took, overtaken = [], 0
    for number in range(ROUNDS):
        # A deployment more is a change for which everything is read; a token more is not.
        host = deploy(admin, number)
        new = admin.create_token(f"next-{number}")
        begun = time.monotonic()
        admin.revoke(old["id"])
        wait_for("the revocation", lambda token=old: status(token) == 401, 5, 0.02)
        took.append(time.monotonic() - begun)
        # Where there is one lane, both come together.
        overtaken += status(new, host) != 200
        wait_for("the new token", lambda token=new: status(token) == 200, 5, 0.02)
        wait_for("the deployment", lambda token=new, at=host: status(token, at) == 200, 60)
        assert status(old) == 401, "no record brings a token back"
        assert status(new) == 200, "nor takes one away"
        old = new
    assert overtaken > 0, "every plane of so many people is told revocations before everything"
    text = f"{overtaken} of {ROUNDS} revocations overtook records, refused after at most {max(took):.2f} s"
    figure(text)
    print(text)


def deploy(admin: Admin, number: int) -> str:
    """One more deployment beside the one that echoes: its host."""
    path, host = "/v1/organizations/acme/deployments", f"more-{number}.localhost"
    like = next(one for one in admin.ask("GET", path)["items"] if one["name"] == "echo")
    body = {key: like[key] for key in ("workspaceId", "planeId", "upstream", "profile")}
    admin.ask("POST", path, {**body, "name": f"more-{number}", "routes": [{"host": host}]})
    return host


def large(document: str) -> str:
    """The same fleet, whose team has many more people."""
    people = [email(number) for number in range(PEOPLE)]
    users = "".join(f"      - {{email: {one}, role: ORGANIZATION_MEMBER}}\n" for one in people)
    document = document.replace("    users:\n", f"    users:\n{users}")
    return document.replace("members: [", f"members: [{', '.join(people)}, ")
