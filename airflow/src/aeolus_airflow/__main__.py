"""``python -m aeolus_airflow``: would this Airflow believe its gate? Changes nothing.

To be run where the API server runs, with the same settings.
"""

from __future__ import annotations

import asyncio
import sys

from airflow.configuration import conf
from airflow.exceptions import AirflowConfigException

from aeolus_airflow.keys import GateKeys
from aeolus_airflow.settings import Settings

MANAGER = "aeolus_airflow.AeolusAuthManager"


def main() -> int:
    """Print the settings in force and the keys they lead to; return 0 if all is well."""
    try:
        settings = Settings.load()
    except AirflowConfigException as error:
        print(error, file=sys.stderr)
        return 1
    print(f"issuer    {settings.issuer}")
    print(f"audience  {settings.audience}")
    print(f"sign-in   {settings.login_url}")
    print(f"sign-out  {settings.logout_url}")
    print(f"keys      {settings.jwks_url}")
    kids = asyncio.run(GateKeys(settings).ids())
    for kid in kids:
        print(f"          {kid}")
    if not kids:
        print(
            "The gate's keys could not be read from there, or there are none: no token would be "
            "accepted. Start the gate, or correct AIRFLOW__AEOLUS__JWKS_URL.",
            file=sys.stderr,
        )
        return 1
    manager = conf.get("core", "auth_manager")
    if manager != MANAGER:
        print(
            f"All of this is not in force: Airflow's auth manager is {manager}. "
            f"Set AIRFLOW__CORE__AUTH_MANAGER={MANAGER}.",
            file=sys.stderr,
        )
        return 1
    print("This Airflow believes the gate.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
