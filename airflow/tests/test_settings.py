"""The settings: what is missing or wrong stops the start, in words that help."""

from __future__ import annotations

from pathlib import Path

import pytest
from airflow.exceptions import AirflowConfigException

from aeolus_airflow import AeolusAuthManager
from aeolus_airflow.settings import Settings
from gate import AUDIENCE, ISSUER

GOOD = {
    "JWKS_URL": "http://127.0.0.1:8810/deployments/d/jwks.json",
    "ISSUER": ISSUER,
    "AUDIENCE": AUDIENCE,
}


@pytest.fixture
def load(monkeypatch: pytest.MonkeyPatch):
    def with_changes(**changes: str | None) -> Settings:
        for key, value in {**GOOD, **changes}.items():
            if value is not None:
                monkeypatch.setenv(f"AIRFLOW__AEOLUS__{key}", value)
        return Settings.load()

    return with_changes


def test_three_settings_are_enough(load) -> None:
    settings = load()
    assert (settings.jwks_url, settings.issuer, settings.audience) == tuple(GOOD.values())
    assert (settings.login_url, settings.logout_url) == ("/.aeolus/sign-in", "/.aeolus/sign-out")
    assert (settings.jwks_refresh_seconds, settings.leeway) == (60, 10)


@pytest.mark.parametrize("key", GOOD)
def test_a_missing_setting_names_its_variable(load, key: str) -> None:
    with pytest.raises(AirflowConfigException, match=f"AIRFLOW__AEOLUS__{key}="):
        load(**{key: None})


def test_all_faults_are_told_at_once(load) -> None:
    with pytest.raises(AirflowConfigException) as refused:
        load(JWKS_URL=None, ISSUER="me", LOGIN_URL="/in?a=b")
    assert str(refused.value).count("\n  - ") == 3


def test_the_api_server_does_not_start_without_settings() -> None:
    with pytest.raises(AirflowConfigException, match="AIRFLOW__AEOLUS__JWKS_URL="):
        AeolusAuthManager().init()


@pytest.mark.parametrize(
    ("key", "value", "says"),
    [
        ("JWKS_URL", "unix:/run/gate.sock", "neither an http"),
        ("JWKS_URL", "file:///etc/keys.json", "neither an http"),
        ("JWKS_URL", "keys.json", "full path"),
        ("JWKS_URL", "https://", "no host"),
        ("JWKS_URL", "http://gate.example.com/jwks.json", "plain http"),
        ("ISSUER", "https://aeolus.example.com", "urn:aeolus:plane:"),
        ("ISSUER", "urn:aeolus:plane:", "followed by one id"),
        ("AUDIENCE", "urn:airflow.apache.org:task", "urn:aeolus:deployment:"),
        ("AUDIENCE", f"{AUDIENCE},urn:airflow.apache.org:task", "followed by one id"),
        ("LOGIN_URL", "//evil.example/in", "path from /"),
        ("LOGIN_URL", "/in?d=1", r"\?next="),
        ("LOGOUT_URL", "javascript:alert(1)", "path from /"),
        ("JWKS_REFRESH_SECONDS", "0", "1 to 3600"),
        ("JWKS_REFRESH_SECONDS", "soon", "1 to 3600"),
        ("JWKS_CA_FILE", "/nowhere/ca.pem", "PEM"),
        ("JWKS_ALLOW_PLAIN_HTTP", "perhaps", "True or False"),
    ],
)
def test_a_wrong_setting_says_what_is_wrong(load, key: str, value: str, says: str) -> None:
    with pytest.raises(AirflowConfigException, match=says):
        load(**{key: value})


@pytest.mark.parametrize(
    "changes",
    [
        {"JWKS_URL": "https://gate.example.com/jwks.json"},
        {"JWKS_URL": "http://localhost:8810/jwks.json"},
        {"JWKS_URL": "http://[::1]:8810/jwks.json"},
        {"JWKS_URL": "/etc/aeolus/jwks.json"},
        {"JWKS_URL": "http://gate:8810/jwks.json", "JWKS_ALLOW_PLAIN_HTTP": "True"},
        {"LOGIN_URL": "https://etl.example.com/.aeolus/sign-in"},
    ],
)
def test_these_are_fine(load, changes: dict[str, str]) -> None:
    assert load(**changes).audience == AUDIENCE


def test_the_gates_keys_may_not_sign_for_tasks(load, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIRFLOW__API_AUTH__TRUSTED_JWKS_URL", GOOD["JWKS_URL"])
    with pytest.raises(AirflowConfigException, match="AIRFLOW__API_AUTH__TRUSTED_JWKS_URL"):
        load()


def test_a_setting_may_be_in_airflow_cfg(tmp_path: Path, load) -> None:
    from airflow.configuration import conf

    conf.read_string("[aeolus]\nlogout_url = /bye\n")
    try:
        assert load().logout_url == "/bye"
    finally:
        conf.remove_section("aeolus")
