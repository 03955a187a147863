"""Which tokens are believed, with which keys, while the gate does what gates do."""

from __future__ import annotations

import asyncio
import base64
import json
import time
from pathlib import Path
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from fastapi import HTTPException

from aeolus_airflow import AeolusAuthManager, keys
from aeolus_airflow.keys import GateKeys, KeysUnavailable, UnknownKey
from aeolus_airflow.settings import Settings
from aeolus_airflow.tokens import REQUIRED_CLAIMS, TokenVerifier
from gate import AUDIENCE, ISSUER, JwksServer, SigningKey, claims, sign, token

KEY = SigningKey("k-1")
OTHER = SigningKey("k-2")
STRANGER = SigningKey("k-1")


def settings(url: str, refresh: int = 60) -> Settings:
    return Settings(url, ISSUER, AUDIENCE, leeway=10, jwks_refresh_seconds=refresh)


def verifier(gate: JwksServer) -> TokenVerifier:
    gate.publish(KEY)
    made = settings(gate.url)
    return TokenVerifier(made, GateKeys(made))


def verify(gate: JwksServer, text: str) -> dict[str, Any]:
    return asyncio.run(verifier(gate).verify(text))


def test_a_token_of_the_gate_is_believed(gate: JwksServer) -> None:
    assert verify(gate, token(KEY, "op"))["role"] == "op"


@pytest.mark.parametrize("claim", REQUIRED_CLAIMS)
def test_every_claim_is_required(gate: JwksServer, claim: str) -> None:
    with pytest.raises(jwt.InvalidTokenError):
        verify(gate, sign(KEY, {k: v for k, v in claims().items() if k != claim}))


@pytest.mark.parametrize(
    "changes",
    [
        {"iss": "urn:aeolus:plane:other"},
        {"aud": "urn:aeolus:deployment:other"},
        {"aud": "urn:airflow.apache.org:task"},
        {"aud": "apache-airflow"},
        {"aud": [AUDIENCE]},
        {"aud": [AUDIENCE, "urn:airflow.apache.org:task"]},
        {"exp": int(time.time()) - 60},
        {"nbf": int(time.time()) + 300},
        {"iat": int(time.time()) + 300},
        {"jti": "01926f3e-0000-7000-8000-0000000000cc"},
        {"jti": "x" * 32},
        {"jti": 7},
        {"sub": 7},
    ],
    ids=str,
)
def test_a_wrong_claim_is_refused(gate: JwksServer, changes: dict[str, Any]) -> None:
    with pytest.raises(jwt.InvalidTokenError):
        verify(gate, token(KEY, **changes))


def test_leeway_is_airflows(gate: JwksServer) -> None:
    assert verify(gate, token(KEY, exp=int(time.time()) - 5))
    with pytest.raises(jwt.ExpiredSignatureError):
        verify(gate, token(KEY, exp=int(time.time()) - 15))


def forged() -> dict[str, str]:
    good = token(KEY, "admin")
    header, body, signature = good.split(".")
    public = KEY.jwk()["x"]
    kid = {"kid": KEY.kid}
    curve = ec.generate_private_key(ec.SECP256R1())
    large = rsa.generate_private_key(65537, 2048)
    return {
        "a foreign key under our id": token(STRANGER, "admin"),
        "a key we never published": token(OTHER, "admin"),
        "no algorithm": jwt.encode(claims("admin"), None, algorithm="none", headers=kid),
        "the public key as a secret": jwt.encode(claims("admin"), public, "HS256", headers=kid),
        "P-256": jwt.encode(claims("admin"), curve, "ES256", headers=kid),
        "RSA": jwt.encode(claims("admin"), large, "RS256", headers=kid),
        "no key id": jwt.encode(claims("admin"), KEY.private, "EdDSA"),
        "no signature": f"{header}.{body}.",
        "another body": f"{header}.{_segment(claims('admin', sub='root'))}.{signature}",
        "a critical extension": sign(KEY, claims("admin"), crit=["aeolus"]),
        "a key of its own": sign(OTHER, claims("admin"), jwk=OTHER.jwk(), kid="k-2"),
        "four parts": good + ".x",
        "empty": "",
        "not a token": "secret",
        "not text": "é" * 20,
    }


def _segment(value: dict[str, Any]) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()


@pytest.mark.parametrize("name", forged())
def test_a_forged_token_is_refused(gate: JwksServer, name: str) -> None:
    with pytest.raises(jwt.InvalidTokenError):
        verify(gate, forged()[name])


class Clock:
    """Stands in for the monotonic clock of the key set."""

    def __init__(self) -> None:
        self.now = 1000.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    made = Clock()
    monkeypatch.setattr(keys, "time", made)
    return made


def test_keys_are_fetched_once_and_then_kept(gate: JwksServer, clock: Clock) -> None:
    gate.publish(KEY)
    store = GateKeys(settings(gate.url))

    async def run() -> None:
        await asyncio.gather(*(store.get("k-1") for _ in range(20)))
        assert gate.requests == 1
        clock.now += 59
        await store.get("k-1")
        assert gate.requests == 1
        clock.now += 1
        await store.get("k-1")
        assert gate.requests == 2

    asyncio.run(run())


def test_a_new_key_is_found_at_once_and_an_old_one_forgotten(
    gate: JwksServer, clock: Clock
) -> None:
    gate.publish(KEY)
    store = GateKeys(settings(gate.url))

    async def run() -> None:
        await store.get("k-1")
        gate.publish(OTHER)
        clock.now += 2
        await store.get("k-2")
        with pytest.raises(UnknownKey):
            await store.get("k-1")

    asyncio.run(run())


def test_a_withdrawn_key_is_believed_for_one_interval_at_most(
    gate: JwksServer, clock: Clock
) -> None:
    gate.publish(KEY)
    store = GateKeys(settings(gate.url))

    async def run() -> None:
        await store.get("k-1")
        gate.document = {"keys": []}
        clock.now += 59
        await store.get("k-1")
        clock.now += 1
        with pytest.raises(UnknownKey):
            await store.get("k-1")

    asyncio.run(run())


def test_made_up_key_ids_do_not_make_a_flood(gate: JwksServer, clock: Clock) -> None:
    gate.publish(KEY)
    store = GateKeys(settings(gate.url))

    async def run() -> None:
        await store.get("k-1")
        for n in range(50):
            with pytest.raises(UnknownKey):
                await store.get(f"made-up-{n}")
        assert gate.requests == 1

    asyncio.run(run())


@pytest.mark.parametrize("trouble", ["gone", "error", "nonsense", "not a set"])
def test_known_keys_outlive_any_trouble_of_the_gate(
    gate: JwksServer, clock: Clock, trouble: str
) -> None:
    gate.publish(KEY)
    store = GateKeys(settings(gate.url))

    async def run() -> None:
        await store.get("k-1")
        if trouble == "gone":
            gate.stop()
        elif trouble == "error":
            gate.status = 503
        else:
            gate.document = "nonsense" if trouble == "nonsense" else {"keys": "none"}
        for _ in range(3):
            clock.now += 86400
            assert (await store.get("k-1")).key_id == "k-1"
        gate.start() if trouble == "gone" else None
        gate.status = 200
        gate.publish(OTHER)
        clock.now += 86400
        assert (await store.get("k-2")).key_id == "k-2"

    asyncio.run(run())


def test_without_keys_nothing_is_decided_until_the_gate_answers(
    gate: JwksServer, clock: Clock
) -> None:
    gate.publish(KEY)
    gate.stop()
    store = GateKeys(settings(gate.url))

    async def run() -> None:
        with pytest.raises(KeysUnavailable):
            await store.get("k-1")
        gate.start()
        clock.now += 2
        await store.get("k-1")

    asyncio.run(run())


def test_without_keys_the_answer_is_503_and_no_sign_in(gate: JwksServer) -> None:
    gate.stop()
    made = settings(gate.url)
    manager = AeolusAuthManager()
    manager._verifier = TokenVerifier(made, GateKeys(made))
    with pytest.raises(HTTPException) as refused:
        asyncio.run(manager.get_user_from_token(token(KEY)))
    assert refused.value.status_code == 503
    assert "jwks_url" in refused.value.detail


@pytest.mark.parametrize(
    "change",
    [
        {"kty": "RSA"},
        {"crv": "Ed448"},
        {"alg": "HS256"},
        {"use": "enc"},
        {"kid": None},
        {"d": "AAAA"},
        {"x": "AAAA"},
    ],
    ids=str,
)
def test_a_key_of_another_kind_is_left_out(
    gate: JwksServer, clock: Clock, change: dict[str, Any]
) -> None:
    gate.document = {"keys": [{**KEY.jwk(), **change}, OTHER.jwk(), "junk"]}
    store = GateKeys(settings(gate.url))

    async def run() -> None:
        await store.get("k-2")
        with pytest.raises(UnknownKey):
            await store.get("k-1")

    asyncio.run(run())


def test_a_key_file_is_read_again(tmp_path: Path, clock: Clock) -> None:
    file = tmp_path / "jwks.json"
    file.write_text(json.dumps({"keys": [KEY.jwk()]}))
    store = GateKeys(settings(str(file)))

    async def run() -> None:
        await store.get("k-1")
        file.write_text(json.dumps({"keys": [OTHER.jwk()]}))
        clock.now += 60
        with pytest.raises(UnknownKey):
            await store.get("k-1")

    asyncio.run(run())


@pytest.mark.parametrize(
    "changes", [{"teams": "north"}, {"teams": [1]}, {"email": 7}, {"name": ["Ann"]}, {"sub": ""}]
)
def test_claims_of_a_shape_the_gate_never_mints_are_refused(
    gate: JwksServer, changes: dict[str, Any]
) -> None:
    manager = AeolusAuthManager()
    manager._verifier = verifier(gate)
    with pytest.raises(jwt.InvalidTokenError):
        asyncio.run(manager.get_user_from_token(token(KEY, **changes)))


def test_nothing_inherited_signs_or_believes() -> None:
    manager = AeolusAuthManager()
    with pytest.raises(HTTPException):
        manager._get_token_signer()
    with pytest.raises(jwt.InvalidTokenError):
        manager._get_token_validator()
    assert manager.get_fastapi_app() is None
    assert getattr(manager, "get_fastapi_middlewares", list)() == []  # since Airflow 3.3
