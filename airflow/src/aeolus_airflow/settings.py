"""The ``[aeolus]`` section of Airflow's configuration, read and checked once at start.

A setting that is missing or cannot be meant stops the API server with a text that says what to do.
There is no setting that makes Airflow accept requests without a token of the gate.
"""

from __future__ import annotations

import ipaddress
import re
import ssl
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from airflow.configuration import conf
from airflow.exceptions import AirflowConfigException

SECTION = "aeolus"

DEFAULT_LOGIN_URL = "/.aeolus/sign-in"
DEFAULT_LOGOUT_URL = "/.aeolus/sign-out"
DEFAULT_REFRESH_SECONDS = 60
DEFAULT_LEEWAY_AIRFLOW2 = 60


@dataclass(frozen=True)
class Settings:
    """What the auth manager needs to know, all of it checked."""

    jwks_url: str
    """Where the gate publishes this deployment's keys: an http(s) URL or a file path."""
    issuer: str
    """The only ``iss`` accepted: ``urn:aeolus:plane:ID``."""
    audience: str
    """The only ``aud`` accepted: ``urn:aeolus:deployment:ID``; for Airflow 2 its host, or several
    with commas between them."""
    leeway: int
    """Seconds of clock difference allowed to the gate; Airflow 3's ``[api_auth] jwt_leeway``."""
    jwks_refresh_seconds: int = DEFAULT_REFRESH_SECONDS
    """The longest time a key withdrawn by the gate is still believed."""
    jwks_ca_file: str | None = None
    """The authorities to trust for an https `jwks_url`, where they are not the system's."""
    login_url: str = DEFAULT_LOGIN_URL
    logout_url: str = DEFAULT_LOGOUT_URL

    @property
    def jwks_is_remote(self) -> bool:
        """Whether the keys come by HTTP, not from a file."""
        return self.jwks_url.startswith(("http://", "https://"))

    def tls(self) -> ssl.SSLContext:
        """Return the TLS rules for an https `jwks_url`: always verified."""
        return ssl.create_default_context(cafile=self.jwks_ca_file)

    @classmethod
    def load(cls) -> Settings:
        """Read and check the settings.

        :raises AirflowConfigException: with one line for every setting to correct.
        """
        reader = _Reader()
        settings = cls(
            jwks_url=reader.jwks_url(),
            issuer=reader.issuer(),
            audience=reader.required(
                "audience",
                "the deployment this Airflow is, so that no other deployment's token opens it",
                "urn:aeolus:deployment:DEPLOYMENT_ID",
                lambda value: _urn_fault(value, "urn:aeolus:deployment:"),
            ),
            leeway=conf.getint("api_auth", "jwt_leeway", fallback=10),
            jwks_refresh_seconds=reader.seconds("jwks_refresh_seconds", DEFAULT_REFRESH_SECONDS),
            jwks_ca_file=reader.optional("jwks_ca_file", _ca_file_fault),
            login_url=reader.optional("login_url", _page_fault) or DEFAULT_LOGIN_URL,
            logout_url=reader.optional("logout_url", _page_fault) or DEFAULT_LOGOUT_URL,
        )
        if conf.get("api_auth", "trusted_jwks_url", fallback=None) == settings.jwks_url:
            reader.faults.append(
                "[api_auth] trusted_jwks_url is the gate's key set too. That setting decides whose "
                "tokens may act as running tasks, and these keys must not. Remove it "
                "(AIRFLOW__API_AUTH__TRUSTED_JWKS_URL)."
            )
        reader.finish()
        return settings

    @classmethod
    def load_airflow2(cls) -> Settings:
        """Read and check the settings of an Airflow 2, whose audience is its host.

        :raises AirflowConfigException: with one line for every setting to correct.
        """
        reader = _Reader()
        settings = cls(
            jwks_url=reader.jwks_url(),
            issuer=reader.issuer(),
            audience=reader.required(
                "audience",
                "the host of this deployment, so that no other deployment's token opens it",
                "etl.example.com",
                _hosts_fault,
            ),
            leeway=reader.seconds("jwt_validity_leeway", DEFAULT_LEEWAY_AIRFLOW2),
            jwks_refresh_seconds=reader.seconds("jwks_refresh_seconds", DEFAULT_REFRESH_SECONDS),
            jwks_ca_file=reader.optional("jwks_ca_file", _ca_file_fault),
        )
        reader.finish()
        return settings


class _Reader:
    """Reads options and collects every fault, so that one start shows all there is to correct."""

    def __init__(self) -> None:
        self.faults: list[str] = []

    def jwks_url(self) -> str:
        """Where the keys are; the same for every Airflow."""
        plain_http = self.boolean("jwks_allow_plain_http")
        return self.required(
            "jwks_url",
            "where the gate publishes the keys of this deployment",
            "http://127.0.0.1:8810/deployments/DEPLOYMENT_ID/jwks.json",
            lambda value: _jwks_url_fault(value, plain_http),
        )

    def issuer(self) -> str:
        """Whose tokens count; the same for every Airflow."""
        return self.required(
            "issuer",
            "the plane whose gate may sign people in here",
            "urn:aeolus:plane:PLANE_ID",
            lambda value: _urn_fault(value, "urn:aeolus:plane:"),
        )

    def required(
        self, key: str, why: str, example: str, fault_of: Callable[[str], str | None]
    ) -> str:
        value = self._get(key)
        if value is None:
            self.faults.append(
                f"[{SECTION}] {key} is missing: {why}. Set {_variable(key)}={example}"
            )
            return ""
        self._check(key, value, fault_of, example)
        return value

    def optional(self, key: str, fault_of: Callable[[str], str | None]) -> str | None:
        value = self._get(key)
        if value is not None:
            self._check(key, value, fault_of, None)
        return value

    def seconds(self, key: str, default: int) -> int:
        value = self._get(key)
        if value is None:
            return default
        if value.isascii() and value.isdigit() and 1 <= int(value) <= 3600:
            return int(value)
        self._check(key, value, lambda _: "must be a whole number from 1 to 3600", None)
        return default

    def boolean(self, key: str) -> bool:
        value = self._get(key)
        if value is None or value.lower() == "false":
            return False
        if value.lower() == "true":
            return True
        self._check(key, value, lambda _: "must be True or False", None)
        return False

    def finish(self) -> None:
        if self.faults:
            lines = "\n".join(f"  - {fault}" for fault in self.faults)
            raise AirflowConfigException(
                "The Aeolus auth manager cannot start; Airflow would not know whose tokens to "
                f"believe.\n{lines}\nThe settings are explained in the README of aeolus-airflow."
            )

    def _get(self, key: str) -> str | None:
        value = conf.get(SECTION, key, fallback=None)
        return value.strip() or None if isinstance(value, str) else None

    def _check(
        self, key: str, value: str, fault_of: Callable[[str], str | None], example: str | None
    ) -> None:
        if fault := fault_of(value):
            instead = (
                f" For example {_variable(key)}={example}" if example else f" ({_variable(key)})"
            )
            self.faults.append(f"[{SECTION}] {key} = {value!r} {fault}.{instead}")


def _variable(key: str) -> str:
    return f"AIRFLOW__{SECTION.upper()}__{key.upper()}"


def _jwks_url_fault(value: str, allow_plain_http: bool) -> str | None:
    url = urlsplit(value)
    if url.scheme == "https":
        return None if url.hostname else "has no host"
    if url.scheme == "http":
        if not url.hostname:
            return "has no host"
        if allow_plain_http or _is_loopback(url.hostname):
            return None
        return (
            "reads keys over plain http from another machine, where whoever is on the way can put "
            "in a key of their own; use https, a gate on this machine, or, on a network you trust, "
            f"{_variable('jwks_allow_plain_http')}=True"
        )
    if url.scheme:
        return "is neither an http(s) URL nor a file path"
    return None if Path(value).is_absolute() else "must be a full path if it is a file"


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _urn_fault(value: str, prefix: str) -> str | None:
    name = value.removeprefix(prefix)
    if name == value or not re.fullmatch(r"[0-9A-Za-z-]+", name):
        return f"must be {prefix} followed by one id"
    return None


def _hosts_fault(value: str) -> str | None:
    if all(re.fullmatch(r"[0-9a-z.-]+", host) for host in value.split(",")):
        return None
    return "must be the host name in lower case without scheme or port, several with commas"


def _page_fault(value: str) -> str | None:
    if "?" in value or "#" in value:
        return "must not have a query or fragment, since Airflow appends ?next= to it"
    if value.startswith("/") and not value.startswith(("//", "/\\")):
        return None
    url = urlsplit(value)
    if url.scheme in {"http", "https"} and url.hostname:
        return None
    return "must be a path from / or an http(s) URL"


def _ca_file_fault(value: str) -> str | None:
    try:
        ssl.create_default_context(cafile=value)
    except (OSError, ssl.SSLError):
        return "is not a readable file of PEM certificates"
    return None
