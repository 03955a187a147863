"""One Airflow behind the gate, one URL, one password. Ctrl-C ends it; the next start is quick."""

from __future__ import annotations

import json
import secrets
import signal
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))

from harness import aeolus  # noqa: E402
from harness.airflow import airflow  # noqa: E402
from harness.process import ROOT  # noqa: E402

HOME = ROOT / ".tools" / "demo"
UPSTREAM_PORT = 8880
DEPLOYMENT = "acme/sales/etl"

TEXT = """
  Airflow, behind the gate:   {url}

      operator@example.com    {password}
      viewer@example.com      the same password

  Three things to try:

  1. Sign in as the operator and trigger `hello`; sign out, sign in as the viewer: no trigger.
  2. A program's way in, with an API token that can be deleted at any moment:

         . {token_file}
         curl -H "Authorization: Bearer $AEOLUS_TOKEN" {url}/api/v2/dags

  3. Kill the control plane and go on working, in the browser and with the token:

         kill -9 $(cat {data}/control.pid)

  Control plane: {control}  (admin: {admin})
  Logs: {home}            Ctrl-C ends the demo.
"""


def password_file() -> Path:
    """One password for everybody in the demo, made once."""
    path = HOME / "password"
    if not path.exists():
        path.touch(mode=0o600)
        path.write_text("-".join(secrets.token_hex(2) for _ in range(5)) + "\n")
    return path


def fleet_file() -> Path:
    """The example fleet beside its password file."""
    path = HOME / "fleet.yaml"
    path.write_text((ROOT / "examples" / "demo" / "fleet.yaml").read_text())
    return path


def api_token(data: Path) -> Path:
    """An API token of the deployment in a file that a shell can source."""
    path = HOME / "token.env"
    command = ["token", "create", "--name", "demo", "--deployment", DEPLOYMENT]
    made = aeolus.run(
        *command,
        "--role",
        "DEPLOYMENT_VIEWER",
        "--output",
        "json",
        env={"AEOLUS_CREDENTIALS": str(data / "credentials.json")},
    )
    path.touch(mode=0o600)
    path.write_text(f"export AEOLUS_TOKEN={json.loads(made.stdout)['token']}\n")
    return path


def main() -> None:
    """Starts everything, says how to use it, and waits."""
    HOME.mkdir(parents=True, exist_ok=True)
    password = password_file()
    data = HOME / "aeolus"
    began = time.monotonic()
    with aeolus.dev(
        data,
        fleet_file(),
        HOME / "aeolus.log",
        admin_password_file=str(password),
        control_addr="127.0.0.1:8800",
        gate_addr="127.0.0.1:8810",
        proxy_addr="127.0.0.1:8808",
    ) as ready:
        own = time.monotonic() - began
        trust = aeolus.airflow_settings(data / "gate", DEPLOYMENT, ready["gate"])
        print(f"Aeolus is ready after {own:.1f} s; starting Airflow ...", flush=True)
        with airflow(HOME / "airflow", UPSTREAM_PORT, trust):
            text = TEXT.format(
                url=ready["proxy"].replace("127.0.0.1", "localhost"),
                password=password.read_text().strip(),
                token_file=api_token(data).relative_to(ROOT),
                data=data.relative_to(ROOT),
                control=ready["control"],
                admin=ready["admin"]["email"],
                home=HOME.relative_to(ROOT),
            )
            print(text, flush=True)
            if "--once" not in sys.argv:
                signal.pause()


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        main()
    except KeyboardInterrupt:
        print("Ended; nothing is left running. `make demo` starts it again.")
