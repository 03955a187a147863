"""Control answers `/v1/authorization` itself: an nginx of the original (deploy/nginx-compat) and no gate in between."""

from __future__ import annotations

import base64

import jwt
import pytest
import requests
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import padding
from harness import aeolus
from test_nginx_compat import COOKIE, HOST, NAVIGATION, ask, original_nginx, serving, sign_out, signed_in

SECRET = "0123456789abcdef0123456789abcdef"


@pytest.fixture(scope="module")
def central(tmp_path_factory, home):
    """Control that proxies may ask; its gate is asked by nobody but for comparison."""
    secret = {"COMPAT__AUTHORIZATION__PROXY_SECRET": SECRET}
    with serving(tmp_path_factory.mktemp("central"), home / "password", **secret) as running:
        yield running


@pytest.fixture(scope="module")
def url(central, upstream, tmp_path_factory):
    """The echo application behind nginx, which asks control."""
    folder = tmp_path_factory.mktemp("nginx") / "central"
    asked = (
        "proxy_pass http://127.0.0.1:8810/v1/authorization;",
        f"proxy_pass http://{central.control_address}/v1/authorization;\n"
        f"        proxy_set_header X-Aeolus-Proxy-Secret {SECRET};",
    )
    with original_nginx(folder, central.control, upstream.port, asked) as url:
        yield url


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
    cookies = signed_in(url, central.control)
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
    sign_out(central.control, cookies)
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
