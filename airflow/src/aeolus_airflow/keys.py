"""The gate's public keys: fetched when a request needs them, kept while the gate is away.

Airflow's own key set is not used because it never looks again for a key it does not know, so a
replaced signing key would lock everybody out until the next hourly refresh.
"""

from __future__ import annotations

import asyncio
import json
import logging
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import jwt

from aeolus_airflow.settings import Settings

log = logging.getLogger(__name__)

ALGORITHM = "EdDSA"

_FETCH_TIMEOUT_SECONDS = 2.0
"""The most a request may wait for the gate, once per `_RETRY_SECONDS` and only if it is unwell."""
_RETRY_SECONDS = 10.0
"""The pause after a failed refresh, as long as there are older keys to go on with."""
_UNKNOWN_KEY_PAUSE_SECONDS = 1.0
"""The pause between fetches that made-up key ids (or an empty start) can provoke."""


class KeysUnavailable(Exception):
    """No key was ever read, so no token can be judged; the gate has to answer once first."""


class UnknownKey(Exception):
    """The token names a key that the gate does not publish for this deployment."""


class GateKeys:
    """This deployment's keys, by key id: Ed25519, or RSA where `algorithm` says so.

    A key set that arrives replaces the last one, also when it is smaller: that is how the gate
    withdraws a key. A fetch that fails changes nothing: tokens live minutes, so believing known
    keys while the gate is away lets nobody in for longer than their token says.
    """

    def __init__(self, settings: Settings, algorithm: str = ALGORITHM) -> None:
        self._settings = settings
        self._algorithm = algorithm
        self._tls = settings.tls()
        self._keys: dict[str, jwt.PyJWK] | None = None
        self._fetched_at = float("-inf")
        self._tried_at = float("-inf")
        self._lock = asyncio.Lock()

    async def get(self, kid: str) -> jwt.PyJWK:
        """Return the key `kid`, fetching the set first if it is old or lacks that key.

        :raises KeysUnavailable: the set could not be read even once.
        :raises UnknownKey: it could, and does not have the key.
        """
        if self._refresh_is_due():
            await self._refresh(self._refresh_is_due)
        if self._keys is None or kid not in self._keys:
            await self._refresh(lambda: self._missing_is_due(kid))
        if self._keys is None:
            raise KeysUnavailable
        if kid not in self._keys:
            raise UnknownKey
        return self._keys[kid]

    def cached(self, kid: str) -> jwt.PyJWK | None:
        """Return the key `kid` if it is known and its set needs no refresh; never fetches."""
        if self._keys is None or self._refresh_is_due():
            return None
        return self._keys.get(kid)

    async def ids(self) -> list[str]:
        """Return the key ids the gate publishes now; none if it does not answer."""
        await self._refresh(lambda: True)
        return sorted(self._keys or {})

    def _refresh_is_due(self) -> bool:
        now = time.monotonic()
        interval = self._settings.jwks_refresh_seconds
        return now - self._fetched_at >= interval and now - self._tried_at >= min(
            _RETRY_SECONDS, interval
        )

    def _missing_is_due(self, kid: str) -> bool:
        known = self._keys is not None and kid in self._keys
        return not known and time.monotonic() - self._tried_at >= _UNKNOWN_KEY_PAUSE_SECONDS

    async def _refresh(self, is_due: Callable[[], bool]) -> None:
        # Those who wait here for another request's fetch find it no longer due.
        async with self._lock:
            if not is_due():
                return
            try:
                keys = _parse(await self._read(), self._algorithm)
            except (httpx.HTTPError, OSError, ValueError) as error:
                log.warning("Could not read the gate's keys from %s: %r", self._url, error)
                return
            finally:
                self._tried_at = time.monotonic()
            self._keys = keys
            self._fetched_at = time.monotonic()

    @property
    def _url(self) -> str:
        return self._settings.jwks_url

    async def _read(self) -> Any:
        if not self._settings.jwks_is_remote:
            return json.loads(Path(self._url).read_text(encoding="utf-8"))
        # trust_env off: a proxy of the environment must not come between Airflow and its gate.
        async with httpx.AsyncClient(
            timeout=_FETCH_TIMEOUT_SECONDS,
            trust_env=False,
            follow_redirects=False,
            verify=self._tls,
        ) as client:
            response = await client.get(self._url)
            if response.status_code != httpx.codes.OK:
                raise ValueError(f"the gate answered {response.status_code}")
            return response.json()


def _parse(document: Any, algorithm: str = ALGORITHM) -> dict[str, jwt.PyJWK]:
    """Read a JWK set (RFC 7517 section 5), leaving out keys that are of no use here.

    :raises ValueError: the document is not a JWK set.
    """
    entries = document.get("keys") if isinstance(document, dict) else None
    if not isinstance(entries, list):
        raise ValueError("not a JWK set")
    keys = {}
    for entry in entries:
        if _is_usable(entry, algorithm):
            try:
                keys[entry["kid"]] = jwt.PyJWK(entry, algorithm=algorithm)
            except jwt.PyJWTError as error:
                log.warning("Left out the key %s of the gate's set: %s", entry["kid"], error)
    return keys


def _is_usable(entry: Any, algorithm: str) -> bool:
    """Whether `entry` is a public signing key for `algorithm` with an id."""
    kind = {"EdDSA": ("OKP", "Ed25519"), "RS256": ("RSA", None)}[algorithm]
    return (
        isinstance(entry, dict)
        and (entry.get("kty"), entry.get("crv")) == kind
        and entry.get("alg", algorithm) == algorithm
        and entry.get("use", "sig") == "sig"
        and isinstance(entry.get("kid"), str)
        and "d" not in entry
    )
