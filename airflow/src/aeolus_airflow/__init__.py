"""Apache Airflow behind an Aeolus gate has one source of identity: the gate's short tokens.

Airflow 3: set ``[core] auth_manager = aeolus_airflow.AeolusAuthManager``, which accepts the tokens
that the gate mints for this deployment and nothing else, and turns the role inside them into
Airflow permissions. Airflow 2: see `aeolus_airflow.airflow2`.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

__all__ = ["AeolusAuthManager", "AeolusUser", "Role"]

_HOMES = {"AeolusAuthManager": "manager", "AeolusUser": "user", "Role": "roles"}


def __getattr__(name: str) -> Any:
    # On demand, because an Airflow 2 has none of what these import.
    if home := _HOMES.get(name):
        return getattr(import_module(f"{__name__}.{home}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
