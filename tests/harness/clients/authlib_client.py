"""Authlib and joserfc, unmodified, against a control plane, in the same steps as openid.mjs."""

from __future__ import annotations

import json
import sys
import time
from urllib.parse import urlencode

import requests
from authlib.common.security import generate_token
from authlib.integrations.base_client.errors import OAuthError
from authlib.integrations.requests_client import OAuth2Session
from authlib.oauth2.rfc8414 import AuthorizationServerMetadata
from authlib.oidc.core import CodeIDToken
from authlib.oidc.discovery import OpenIDProviderMetadata
from joserfc import jwt
from joserfc.jwk import KeySet

TOKEN_TYPE = "urn:ietf:params:oauth:token-type:access_token"
EXCHANGE = "urn:ietf:params:oauth:grant-type:token-exchange"
DEVICE = "urn:ietf:params:oauth:grant-type:device_code"


def person(step: str, **details: str) -> dict:
    """Has a person do something."""
    print(json.dumps({"step": step, **details}), flush=True)
    return json.loads(sys.stdin.readline())


def metadata(issuer: str) -> dict:
    """Discovery under both names. Authlib insists on https, which this machine's own addresses lack."""
    found = requests.get(f"{issuer}/.well-known/openid-configuration", timeout=20).json()
    for kind in (OpenIDProviderMetadata, AuthorizationServerMetadata):
        secure = json.loads(json.dumps(found).replace("http://", "https://"))
        kind(secure).validate()
    assert found["issuer"] == issuer
    return found


def identity(token: dict, keys: KeySet, issuer: str, nonce: str | None) -> CodeIDToken:
    """The claims of a token answer's id_token, verified."""
    decoded = jwt.decode(token["id_token"], keys, algorithms=["RS256"])
    options = {"iss": {"essential": True, "value": issuer}, "aud": {"essential": True, "value": "aeolus-cli"}}
    params = {"access_token": token["access_token"], "client_id": "aeolus-cli", "nonce": nonce}
    claims = CodeIDToken(decoded.claims, decoded.header, options, {k: v for k, v in params.items() if v})
    claims.validate()
    return claims


def refused(call, error: str) -> None:
    """Asserts that a call is refused in the way of OAuth."""
    try:
        call()
    except OAuthError as refusal:
        assert refusal.error == error, refusal
    else:
        raise AssertionError(f"not refused with {error}")


def main(issuer: str, deployment: str) -> None:
    found = metadata(issuer)
    keys = KeySet.import_key_set(requests.get(found["jwks_uri"], timeout=20).json())
    endpoint = found["token_endpoint"]
    client = OAuth2Session(
        "aeolus-cli",
        scope="openid offline_access",
        redirect_uri="http://127.0.0.1:4711/callback",
        token_endpoint_auth_method="none",
        revocation_endpoint_auth_method="none",
        code_challenge_method="S256",
    )

    # Authorization code with PKCE.
    verifier, nonce = generate_token(48), generate_token(20)
    link, state = client.create_authorization_url(
        found["authorization_endpoint"], code_verifier=verifier, nonce=nonce
    )
    back = person("visit", url=link)["url"]
    begun = client.fetch_token(endpoint, authorization_response=back, code_verifier=verifier, state=state)
    who = identity(begun, keys, issuer, nonce)
    info = client.get(found["userinfo_endpoint"]).json()
    assert (info["sub"], info["email"]) == (who["sub"], who["email"])
    access = jwt.decode(begun["access_token"], keys, algorithms=["EdDSA"])
    assert access.header["typ"] == "at+jwt" and access.claims["aud"] == issuer

    # Refresh: another value each time, and an id_token about the same sign-in.
    first = begun["refresh_token"]
    held = dict(client.refresh_token(endpoint, refresh_token=first))
    assert held["refresh_token"] != first
    again = identity(held, keys, issuer, None)
    assert (again["sub"], again["auth_time"]) == (who["sub"], who["auth_time"]) and "nonce" not in again

    # Introspection of its own refresh tokens.
    for value, active in ((held["refresh_token"], True), (first, False)):
        said = client.introspect_token(found["introspection_endpoint"], token=value)
        assert said.json()["active"] is active

    # Exchange for a token that one deployment takes.
    def exchange(audience: str) -> dict:
        session = OAuth2Session("aeolus-cli", token_endpoint_auth_method="none")
        asked = {"subject_token": held["access_token"], "subject_token_type": TOKEN_TYPE, "audience": audience}
        return session.fetch_token(endpoint, grant_type=EXCHANGE, **asked)

    narrowed = exchange(f"urn:aeolus:deployment:{deployment}")
    assert narrowed["issued_token_type"] == TOKEN_TYPE
    refused(lambda: exchange("urn:airflow.apache.org:task"), "invalid_target")
    person("use", token=narrowed["access_token"])

    # A machine without a browser.
    form = {"client_id": "aeolus-cli", "scope": "openid"}
    asked = requests.post(found["device_authorization_endpoint"], data=form, timeout=20).json()

    def poll() -> dict:
        session = OAuth2Session("aeolus-cli", token_endpoint_auth_method="none")
        return session.fetch_token(endpoint, grant_type=DEVICE, device_code=asked["device_code"])

    refused(poll, "authorization_pending")
    refused(poll, "slow_down")
    person("approve", url=asked["verification_uri"], code=asked["user_code"])
    time.sleep(asked["interval"])
    assert identity(poll(), keys, issuer, None)["sub"] == who["sub"]
    refused(poll, "invalid_grant")

    # Signing out, and back.
    out = {"post_logout_redirect_uri": "http://127.0.0.1:4711/signed-out", "id_token_hint": held["id_token"], "state": "s"}
    left = person("leave", url=f"{found['end_session_endpoint']}?{urlencode(out)}", token=narrowed["access_token"])
    assert left["url"] == "http://127.0.0.1:4711/signed-out?state=s", left
    refused(lambda: client.refresh_token(endpoint, refresh_token=held["refresh_token"]), "invalid_grant")
    person("done")


main(*sys.argv[1:])
