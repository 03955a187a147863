"""Real identity providers (node-oidc-provider, oauth2-mock-server, oidc-provider-mock, canaille), and signing in there as a browser does."""

from __future__ import annotations

import base64
import hashlib
import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import parse_qs, urljoin, urlsplit

import requests

from .aeolus import first_line
from .process import ROOT, Timeout, running, tail, wait_for
from .signin import Form

HERE = Path(__file__).resolve().parent / "idp"
PYTHON = ROOT / ".tools" / "idp" / "bin" / "python"
CLIENT = "spa"
CALLBACK = "http://127.0.0.1/callback"


def installed() -> bool:
    """Whether the provider and what runs it are here."""
    return bool(shutil.which("node")) and (HERE / "node_modules" / "oidc-provider").is_dir()


def node_mock_installed() -> bool:
    """Whether oauth2-mock-server and what runs it are here."""
    return bool(shutil.which("node")) and (HERE / "node_modules" / "oauth2-mock-server").is_dir()


@contextmanager
def node_mock(port: int, log: Path, path: str = "", tls: tuple[str, Path, Path] | None = None) -> Iterator[str]:
    """Runs an oauth2-mock-server until the block ends; yields its issuer, which is below a path, and over TLS under a name where the key and the
    certificate for that are given."""
    host, files = (tls[0], [str(file) for file in tls[1:]]) if tls else ("127.0.0.1", [])
    issuer = f"{'https' if tls else 'http'}://{host}:{port}{path}"
    with running(["node", HERE / "mock.mjs", issuer, *files], log, stdout=subprocess.PIPE) as child:
        if first_line(child, 60).strip() != "ready":
            raise Timeout(f"oauth2-mock-server did not get ready:\n{tail(log)}")
        yield issuer


def canaille_installed() -> bool:
    """Whether canaille is here."""
    return any(PYTHON.parents[1].glob("lib/*/site-packages/canaille"))


@contextmanager
def canaille(port: int, log: Path, control: str, secret: str) -> Iterator[str]:
    """Runs a canaille, at which Ann can sign in to control, until the block ends; yields its issuer."""
    issuer = f"http://127.0.0.1:{port}"
    command = [PYTHON, HERE / "canaille_server.py", str(port), control, secret]
    with running(command, log, cwd=log.parent):
        wait_for("canaille", lambda: is_there(issuer), 60)
        yield issuer


def is_there(issuer: str) -> bool:
    """Whether a provider answers."""
    try:
        return requests.get(f"{issuer}/.well-known/openid-configuration", timeout=5).ok
    except requests.ConnectionError:
        return False


@contextmanager
def python_mock(port: int, log: Path) -> Iterator[str]:
    """Runs an oidc-provider-mock until the block ends; yields its issuer."""
    issuer = f"http://127.0.0.1:{port}"
    with running([PYTHON, "-m", "oidc_provider_mock", "--port", str(port)], log):
        wait_for("oidc-provider-mock", lambda: is_there(issuer), 60)
        yield issuer


@contextmanager
def provider(
    port: int,
    kid: str,
    log: Path,
    logout_uri: str = "",
    client_keys: str = "",
    control: str = "",
    groups: str = "",
) -> Iterator[str]:
    """Runs a provider with one new key until the block ends; yields its issuer. The plane's client is told of
    sign-outs at `logout_uri`; one that signs is known by the keys in the file `client_keys`. Control, if it is named, has a client too.
    The file `groups` says, at each sign-in anew, in which groups each login is."""
    command = ["node", HERE / "server.mjs", str(port), kid, logout_uri, client_keys, control, groups]
    with running(command, log, stdout=subprocess.PIPE) as child:
        if first_line(child, 60).strip() != "ready":
            raise Timeout(f"the identity provider did not get ready:\n{tail(log)}")
        yield f"http://127.0.0.1:{port}"


def sign_in(issuer: str, login: str, audience: str) -> dict[str, str]:
    """Signs in by code flow with PKCE: `access_token` for the audience, and `id_token`."""
    verifier = base64.urlsafe_b64encode(os.urandom(32)).rstrip(b"=").decode()
    digest = hashlib.sha256(verifier.encode()).digest()
    resource = f"https://api.example.com/{audience}"
    browser = requests.Session()
    asked = {
        "client_id": CLIENT,
        "response_type": "code",
        "redirect_uri": CALLBACK,
        "scope": "openid dags",
        "resource": resource,
        "code_challenge": base64.urlsafe_b64encode(digest).rstrip(b"=").decode(),
        "code_challenge_method": "S256",
        "state": "s",
    }
    answer = browser.get(f"{issuer}/auth", params=asked, allow_redirects=False, timeout=20)
    location = through(browser, answer, login, CALLBACK)
    code = parse_qs(urlsplit(location).query)["code"][0]
    redeemed = {
        "grant_type": "authorization_code",
        "client_id": CLIENT,
        "code": code,
        "redirect_uri": CALLBACK,
        "code_verifier": verifier,
        "resource": resource,
    }
    tokens = requests.post(f"{issuer}/token", data=redeemed, timeout=20)
    assert tokens.status_code == 200, tokens.text
    return tokens.json()


def sign_out(browser: requests.Session, issuer: str) -> None:
    """Signs a browser out at the provider, as a person does who presses the button there."""
    page = browser.get(f"{issuer}/session/end", timeout=20)
    form = Form(page.text)
    assert form.action is not None, f"no form: {page.status_code} {page.text[:500]}"
    done = browser.post(urljoin(page.url, form.action), data={**form.fields, "logout": "yes"}, timeout=20)
    assert done.status_code == 200, done.text[:500]


def through(browser: requests.Session, answer: requests.Response, login: str, callback: str) -> str:
    """Goes through the provider's pages as a person; where it sends the browser back to."""
    for _ in range(12):
        location = urljoin(answer.url, answer.headers.get("Location", ""))
        if answer.is_redirect and location.startswith((f"{callback}?", f"{callback}#")):
            return location
        if answer.is_redirect:
            answer = browser.get(location, allow_redirects=False, timeout=20)
            continue
        form = Form(answer.text)
        assert form.action is not None, f"no form: {answer.status_code} {answer.text[:500]}"
        fields = {**form.fields, **{name: login for name in ("login", "password", "sub") if name in form.fields}}
        # What the button of a page that asks for consent says.
        fields |= {"answer": "accept"} if 'name="answer"' in answer.text else {}
        answer = browser.post(urljoin(answer.url, form.action), data=fields, allow_redirects=False, timeout=20)
    raise AssertionError(f"no way through the provider's pages: {answer.status_code} {answer.text[:500]}")
