"""Control answers `/v1/authorization` itself: an nginx of the original (deploy/nginx-compat) and no gate in between."""

from __future__ import annotations

import base64
from urllib.parse import urljoin

import jwt
import pytest
import requests
from conftest import PASSWORD, required
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import padding
from harness import aeolus, nginx
from harness.process import free_port
from harness.signin import Form
from test_nginx_compat import COOKIE, FLEET, HOST, NAVIGATION, SHIPPED, ask

SECRET = "0123456789abcdef0123456789abcdef"


@pytest.fixture(scope="module")
def central(tmp_path_factory, home):
    """Control that proxies may ask; its gate is asked by nobody but for comparison."""
    folder = tmp_path_factory.mktemp("central")
    document = folder / "fleet.yaml"
    document.write_text(FLEET.format(password=home / "password"))
    settings = {
        "COMPAT__PARENT_COOKIE__DOMAIN": "localhost",
        "COMPAT__AUTHORIZATION__PROXY_SECRET": SECRET,
    }
    with aeolus.serving(
        folder / "aeolus", document, home / "password", folder / "logs", name="localhost", **settings
    ) as running:
        yield running


@pytest.fixture(scope="module")
def url(central, upstream, tmp_path_factory):
    """The echo application behind nginx with the shipped file, whose auth-url is control's."""
    required("nginx", nginx.installed())
    port = free_port()
    site = SHIPPED.read_text()
    for example, value in (
        ("listen 80;", f"listen 127.0.0.1:{port};"),
        ("server_name etl.example.com;", f"server_name {HOST};"),
        ("proxy_pass http://127.0.0.1:8810/v1/authorization;",
         f"proxy_pass http://{central.control_address}/v1/authorization;\n"
         f"        proxy_set_header X-Aeolus-Proxy-Secret {SECRET};"),
        ("127.0.0.1:8080", f"127.0.0.1:{upstream.port}"),
        # The original's line knows no port and only https; here is neither.
        ("https://app.example.com/login?rd=https://$host$request_uri",
         f"{central.control}/login?rd=http://$host:{port}$request_uri"),
    ):
        assert example in site, example
        site = site.replace(example, value)
    with nginx.server(tmp_path_factory.mktemp("nginx") / "central", site, port):
        yield f"http://{HOST}:{port}"


def key_of(central: aeolus.Fleet) -> jwt.PyJWK:
    """Control's legacy key, out of its certificate as the original's consumers do it, and as it stands."""
    document = requests.get(f"{central.control}/v1/.well-known/jwks.json", timeout=20).json()
    certificate = x509.load_der_x509_certificate(base64.b64decode(document["x5c"][0]))
    key = jwt.PyJWK(document)
    assert certificate.public_key() == key.key
    key.key.verify(
        certificate.signature, certificate.tbs_certificate_bytes, padding.PKCS1v15(), certificate.signature_hash_algorithm
    )
    assert certificate.issuer == certificate.subject
    return key


def seen(answer: requests.Response) -> dict[str, str]:
    """The headers that reached the application."""
    assert answer.status_code == 200, answer.text
    return {name.lower(): value for name, value in answer.json()["headers"]}


def test_i1_i13_a_person_signs_in_works_and_signs_out_without_a_gate(central, url):
    stopped = ask(f"{url}/dags?x=1", headers=NAVIGATION)
    assert stopped.status_code == 302
    login = requests.get(stopped.headers["location"], timeout=20)
    form = Form(login.text)
    answer = requests.post(
        urljoin(login.url, form.action),
        data={**form.fields, "email": "viewer@example.com", "password": PASSWORD},
        headers={"Origin": central.control, "Sec-Fetch-Site": "same-origin"},
        allow_redirects=False,
        timeout=20,
    )
    assert (answer.status_code, answer.headers["location"]) == (303, f"{url}/dags?x=1")
    cookies = dict(pair.split(";")[0].split("=", 1) for pair in answer.raw.headers.getlist("set-cookie"))
    parent = {"Cookie": f"{COOKIE}={cookies[COOKIE]}"}
    headers = seen(ask(f"{url}/dags?x=1", headers={**NAVIGATION, **parent}))
    assert headers["email"] == "viewer@example.com" and "cookie" not in headers
    claims = jwt.decode(
        headers["authorization"].removeprefix("Bearer "),
        key_of(central),
        algorithms=["RS256"],
        audience=HOST,
        issuer=central.control,
        options={"require": ["sub", "aud", "exp", "nbf", "email", "full_name", "roles"]},
    )
    assert claims["sub"] == headers["username"] and claims["roles"] == ["Op"]

    forged = ask(f"{url}/dags", headers={**parent, "username": "mallory", "X-Aeolus-Proxy-Secret": "x" * 32})
    assert "mallory" not in forged.text and SECRET not in forged.text
    other = requests.post(f"{url}/api/v2/dags", headers={**parent, "Origin": "https://evil.test"}, timeout=20)
    assert other.status_code == 403
    assert ask(f"{url}/execution/x", headers=parent).status_code == 403

    # Signing out at control is the end of it, at once.
    control = {"Cookie": f"aeolus-control={cookies['aeolus-control']}", "Origin": central.control}
    out = requests.post(f"{central.control}/logout", headers=control, allow_redirects=False, timeout=20)
    assert out.status_code == 303
    assert ask(f"{url}/dags", headers=parent).status_code == 401


def test_control_and_gate_answer_the_same_question_alike(central, url):
    token = central.create_token("bot", "acme/sales/echo", "DEPLOYMENT_VIEWER")
    good = {"Authorization": token["token"]}

    def asked(base: str, path: str, method: str, headers: dict[str, str]) -> tuple[int, dict[str, str]]:
        question = {
            "X-Original-URL": f"https://{HOST}/_check",
            "X-Auth-Request-Redirect": path,
            "X-Original-Method": method,
            "X-Aeolus-Proxy-Secret": SECRET,
            **headers,
        }
        answer = requests.get(f"{base}/v1/authorization", headers=question, timeout=20)
        names = ("authorization", "username", "email", "x-aeolus-user", "x-aeolus-email", "x-aeolus-deployment")
        named = {name: answer.headers[name] for name in names if name in answer.headers}
        # Each mints a token of its own.
        if named.get("authorization"):
            named["authorization"] = "Bearer"
        more = ("www-authenticate", "x-auth-location")
        return answer.status_code, named | {name: answer.headers.get(name) for name in more}

    aeolus.wait_for(
        "the token at the gate", lambda: asked(central.gate, "/api/v2/dags", "GET", good)[0] == 200, 20
    )
    for path in ("/api/v2/dags?limit=1", "/static/a.js", "/execution/x", "/static/../x", "/", "/api%2Fv2/dags"):
        for method in ("GET", "POST", "TRACE"):
            for headers in (good, {}, {"Accept": "text/html"}, {"Authorization": "Bearer x"}, {"Cookie": "aeolus-x=y"}):
                here, there = (asked(base, path, method, headers) for base in (central.control, central.gate))
                assert here == there, (path, method, headers)
    central.run("token", "delete", token["id"])
    assert asked(central.control, "/api/v2/dags", "GET", good)[0] == 401
