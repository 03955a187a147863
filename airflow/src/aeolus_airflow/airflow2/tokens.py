"""Deciding whether a token is one that the gate minted for this Airflow 2, now."""

from __future__ import annotations

import asyncio
import threading
from dataclasses import dataclass

import jwt

from aeolus_airflow.keys import GateKeys, KeysUnavailable, UnknownKey
from aeolus_airflow.settings import Settings

ALGORITHM = "RS256"

REQUIRED_CLAIMS = ("sub", "aud", "exp", "nbf", "iss")
"""`Claims.read` asks for the others: PyJWT takes a claim that is null for a missing one."""


@dataclass(frozen=True)
class Claims:
    """What a verified token says."""

    sub: str
    email: str
    full_name: str | None
    roles: frozenset[str]

    @classmethod
    def read(cls, claims: dict[str, object]) -> Claims:
        """Check the shapes.

        :raises jwt.InvalidTokenError: a claim is missing or has a shape the gate never mints.
        """
        for claim in ("email", "full_name", "roles"):
            if claim not in claims:
                raise jwt.MissingRequiredClaimError(claim)
        sub, email, full_name, roles = (
            claims[claim] for claim in ("sub", "email", "full_name", "roles")
        )
        if not isinstance(sub, str) or not sub or not isinstance(email, str):
            raise jwt.InvalidTokenError("the claim sub or email is not a text")
        if full_name is not None and not isinstance(full_name, str):
            raise jwt.InvalidTokenError("the claim full_name is not a text")
        if not isinstance(roles, list) or not all(isinstance(role, str) for role in roles):
            raise jwt.InvalidTokenError("the claim roles is not a list of names")
        return cls(sub, email, full_name, frozenset(roles))


class TokenVerifier:
    """Checks signature, issuer, audience and times of one token at a time, from any thread."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._hosts = frozenset(settings.audience.split(","))
        self._keys = GateKeys(settings, ALGORITHM)
        self._lock = threading.Lock()

    def verify(self, token: str) -> Claims:
        """Return the claims of `token`.

        :raises jwt.InvalidTokenError: it is not good, for the reason in the text.
        """
        header = jwt.get_unverified_header(token)
        if header.get("alg") != ALGORITHM:
            raise jwt.InvalidAlgorithmError(f"the algorithm is not {ALGORITHM}")
        kid = header.get("kid")
        if not isinstance(kid, str):
            raise jwt.InvalidTokenError("the token names no key")
        if "crit" in header or "b64" in header:
            raise jwt.InvalidTokenError("the token asks for an extension that is not supported")
        claims = jwt.decode(
            token,
            self._key(kid),
            algorithms=[ALGORITHM],
            issuer=self._settings.issuer,
            leeway=self._settings.leeway,
            options={"require": list(REQUIRED_CLAIMS), "verify_aud": False},
        )
        # Exactly one host: a list would be a token that is good at several deployments.
        if not isinstance(claims["aud"], str) or claims["aud"] not in self._hosts:
            raise jwt.InvalidAudienceError("the token is for another deployment")
        return Claims.read(claims)

    def _key(self, kid: str) -> jwt.PyJWK:
        if key := self._keys.cached(kid):
            return key
        try:
            with self._lock:
                return asyncio.run(self._keys.get(kid))
        except UnknownKey:
            raise jwt.InvalidTokenError("the token's key is not one of the gate's") from None
        except KeysUnavailable:
            raise jwt.InvalidTokenError("the gate's keys could not be read yet") from None
