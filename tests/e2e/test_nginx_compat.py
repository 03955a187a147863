"""An nginx that was configured for the original: only its annotations, written out (deploy/nginx-compat)."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urljoin

import pytest
import requests
from conftest import PASSWORD, required
from harness import aeolus, nginx
from harness.process import ROOT, free_port, wait_for
from harness.signin import Form

HOST = "echo.localhost"
COOKIE = "astronomer_localhost_auth"
SHIPPED = ROOT / "deploy" / "nginx-compat" / "aeolus.conf"
NAVIGATION = {"Accept": "text/html", "Sec-Fetch-Mode": "navigate"}

FLEET = """
version: 1
planes:
  - {{name: local, authHost: localhost}}
connections:
  - {{name: local, type: local}}
organizations:
  - name: acme
    users:
      - {{email: viewer@example.com, role: ORGANIZATION_MEMBER, password: {{file: {password}}}}}
    workspaces:
      - name: sales
        deployments:
          - name: echo
            plane: local
            hosts: [echo.localhost]
            grants: [{{user: viewer@example.com, role: DEPLOYMENT_EDITOR}}]
"""


@contextmanager
def serving(folder: Path, password: Path, **settings: str) -> Iterator[aeolus.Fleet]:
    """Control and gate that know the parent domain's cookie."""
    document = folder / "fleet.yaml"
    document.write_text(FLEET.format(password=password))
    settings["COMPAT__PARENT_COOKIE__DOMAIN"] = "localhost"
    with aeolus.serving(folder / "aeolus", document, password, folder / "logs", name="localhost", **settings) as running:
        yield running


@contextmanager
def original_nginx(folder: Path, control: str, upstream: int, asked: tuple[str, str]) -> Iterator[str]:
    """The URL of an application behind nginx with the shipped file. `asked` is its line of who is asked, as it
    stands there and as it shall be."""
    required("nginx", nginx.installed())
    port = free_port()
    site = SHIPPED.read_text()
    for example, value in (
        ("listen 80;", f"listen 127.0.0.1:{port};"),
        ("server_name etl.example.com;", f"server_name {HOST};"),
        asked,
        ("127.0.0.1:8080", f"127.0.0.1:{upstream}"),
        # The original's line knows no port and only https; here is neither.
        ("https://app.example.com/login?rd=https://$host$request_uri",
         f"{control}/login?rd=http://$host:{port}$request_uri"),
    ):
        assert example in site, example
        site = site.replace(example, value)
    with nginx.server(folder, site, port):
        yield f"http://{HOST}:{port}"


@pytest.fixture(scope="module")
def compat(tmp_path_factory, home):
    """Control and gate."""
    with serving(tmp_path_factory.mktemp("compat"), home / "password") as running:
        yield running


@pytest.fixture(scope="module")
def url(compat, upstream, tmp_path_factory):
    """The echo application behind nginx, which asks the gate."""
    folder = tmp_path_factory.mktemp("nginx") / "compat"
    asked = ("127.0.0.1:8810", compat.gate.removeprefix("http://"))
    with original_nginx(folder, compat.control, upstream.port, asked) as url:
        yield url


def ask(url: str, **more) -> requests.Response:
    """One request, no redirect followed."""
    return requests.get(url, allow_redirects=False, timeout=20, **more)


def signed_in(url: str, control: str) -> dict[str, str]:
    """What a browser has that came to a page, was sent to sign in and did: its cookies, by name."""
    stopped = ask(f"{url}/dags?x=1", headers=NAVIGATION)
    assert stopped.status_code == 302
    login = requests.get(stopped.headers["location"], timeout=20)
    form = Form(login.text)
    answer = requests.post(
        urljoin(login.url, form.action),
        data={**form.fields, "email": "viewer@example.com", "password": PASSWORD},
        headers={"Origin": control, "Sec-Fetch-Site": "same-origin"},
        allow_redirects=False,
        timeout=20,
    )
    assert (answer.status_code, answer.headers["location"]) == (303, f"{url}/dags?x=1")
    return dict(pair.split(";")[0].split("=", 1) for pair in answer.raw.headers.getlist("set-cookie"))


def sign_out(control: str, cookies: dict[str, str]) -> None:
    """Signs out at control."""
    headers = {"Cookie": f"aeolus-control={cookies['aeolus-control']}", "Origin": control}
    out = requests.post(f"{control}/logout", headers=headers, allow_redirects=False, timeout=20)
    assert out.status_code == 303


def test_i13_a_browser_signs_in_and_works_with_nothing_but_the_original_annotations(compat, url):
    cookies = signed_in(url, compat.control)
    # A browser sends both below the domain; the second is control's own and never leaves it.
    parent = {"Cookie": f"{COOKIE}={cookies[COOKIE]}"}
    page = ask(f"{url}/dags?x=1", headers={**NAVIGATION, **parent})
    assert page.status_code == 200
    seen = {name.lower(): value for name, value in page.json()["headers"]}
    assert seen["authorization"].startswith("Bearer ey") and cookies[COOKIE] not in page.text
    assert seen["email"] == "viewer@example.com" and "cookie" not in seen

    # Forged identity headers don't reach the application, and another site's page can't write.
    forged = ask(f"{url}/dags", headers={**parent, "username": "mallory", "email": "m@evil", "X-Aeolus-User": "mallory"})
    assert "mallory" not in forged.text and "m@evil" not in forged.text
    other = requests.post(f"{url}/api/v2/dags", headers={**parent, "Origin": "https://evil.test"}, timeout=20)
    assert other.status_code == 403
    smuggled = {**parent, "X-Auth-Request-Redirect": "/static/x", "X-Original-URL": f"http://{HOST}/static/x"}
    assert ask(f"{url}/execution/x", headers=smuggled).status_code == 403
    assert ask(f"{url}/dags", headers={**smuggled, "Cookie": ""}).status_code == 401

    # Signing out at control ends it here.
    sign_out(compat.control, cookies)
    wait_for("the sign-out", lambda: ask(f"{url}/dags", headers=parent).status_code == 401, 20)


def test_i4_a_program_gets_its_401_and_a_key_needs_no_scheme(compat, url):
    nobody = ask(f"{url}/api/v2/dags")
    assert (nobody.status_code, nobody.headers["www-authenticate"]) == (401, "Bearer")
    key = compat.create_token("bot", "acme/sales/echo", "DEPLOYMENT_VIEWER")["token"]
    for value in (key, f"Bearer {key}"):
        answer = ask(f"{url}/api/v2/dags", headers={"Authorization": value})
        assert answer.status_code == 200 and key not in answer.text
    assert ask(f"{url}/api/v2/dags", headers={"Authorization": f"Token {key}"}).status_code == 401
