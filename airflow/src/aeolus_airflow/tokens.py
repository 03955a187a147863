"""Deciding whether a token is one that the gate minted for this deployment, now."""

from __future__ import annotations

import re
from typing import Any

import jwt

from aeolus_airflow.keys import ALGORITHM, GateKeys, UnknownKey
from aeolus_airflow.settings import Settings

REQUIRED_CLAIMS = ("exp", "iat", "nbf", "aud", "iss", "sub", "jti", "role")

_JTI = re.compile(r"[0-9a-f]{32}")
"""Airflow's own column for token ids has 32 characters."""


class TokenVerifier:
    """Checks signature, issuer, audience and times of one token at a time.

    The keys are this deployment's, apart from the secret with which Airflow signs the tokens of
    running tasks: neither kind opens the other's door.
    """

    def __init__(self, settings: Settings, keys: GateKeys) -> None:
        self._settings = settings
        self._keys = keys

    async def verify(self, token: str) -> dict[str, Any]:
        """Return the claims of `token`.

        :raises jwt.ExpiredSignatureError: it was good once.
        :raises jwt.InvalidTokenError: it never was, for the reason in the text.
        :raises aeolus_airflow.keys.KeysUnavailable: nothing can be said yet.
        """
        header = jwt.get_unverified_header(token)
        if header.get("alg") != ALGORITHM:
            raise jwt.InvalidAlgorithmError(f"the algorithm is not {ALGORITHM}")
        kid = header.get("kid")
        if not isinstance(kid, str):
            raise jwt.InvalidTokenError("the token names no key")
        if "crit" in header or "b64" in header:
            raise jwt.InvalidTokenError("the token asks for an extension that is not supported")
        try:
            key = await self._keys.get(kid)
        except UnknownKey:
            raise jwt.InvalidTokenError("the token's key is not one of the gate's") from None
        claims = jwt.decode(
            token,
            key,
            algorithms=[ALGORITHM],
            audience=self._settings.audience,
            issuer=self._settings.issuer,
            leeway=self._settings.leeway,
            options={"require": list(REQUIRED_CLAIMS), "strict_aud": True},
        )
        jti = claims["jti"]
        if not isinstance(jti, str) or not _JTI.fullmatch(jti):
            raise jwt.InvalidTokenError("the claim jti is not 32 hexadecimal digits")
        return claims
