"""Control planes with a connection of each provider, whom they push to: several of them on one database, as replicas are."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from . import aeolus
from .scim_client import Provider

TEMPLATES = '[{match: "airflow-(.+)-ops-.+", role: WORKSPACE_OPERATOR, workspace: "$1"}]'
DOCUMENT = f"""
version: 1
connections:
  - {{name: local, type: local}}
  - {{name: okta, type: okta, scim: {{organization: acme, teamTemplates: {TEMPLATES}}}}}
  - {{name: entra, type: microsoft, scim: {{organization: acme, teamTemplates: {TEMPLATES}}}}}
organizations:
  - {{name: acme, workspaces: [{{name: sales}}]}}
"""
# With what each provider shows who it is.
KINDS = {"okta": "basic", "entra": "bearer"}


@dataclass(frozen=True)
class Controls:
    """Where they answer, their processes, and who provisions there."""

    urls: list[str]
    pids: list[int]
    providers: list[Provider]


@contextmanager
def controls(home: Path, count: int, database: str | None = None) -> Iterator[Controls]:
    """So many until the block ends, on a database or on a file of their own."""
    aeolus.private(home / "password", b"correct horse battery staple")
    (home / "fleet.yaml").write_text(DOCUMENT)
    parts = (home / "aeolus", home / "fleet.yaml", home / "password", home / "logs")
    with ExitStack() as stack:
        first = stack.enter_context(aeolus.controlled(*parts, database=database))
        all_of_them = [first]
        for number in range(1, count):
            one = aeolus.Fleet(first.data, home / f"logs{number}", {}, "127.0.0.1")
            stack.callback(one.end)
            # They are one installation under one name, on one database.
            one.control, one.database = first.control, first.database
            one.start_control()
            all_of_them.append(one)
        yield Controls(
            urls=[f"http://{one.control_address}" for one in all_of_them],
            pids=[one.processes["control"].pid for one in all_of_them],
            providers=[provider(first, connection) for connection in KINDS],
        )


def provider(fleet: aeolus.Fleet, connection: str) -> Provider:
    """Who provisions a connection, with a new credential."""
    command = ["scim", "credential", "create", "--connection", connection, "--kind", KINDS[connection]]
    made = json.loads(fleet.run(*command, "--output", "json").stdout)
    shown = f"Bearer {made['secret']}"
    if KINDS[connection] == "basic":
        pair = base64.b64encode(f"{made['user']}:{made['secret']}".encode()).decode()
        shown = f"Basic {pair}"
    return Provider(connection, shown, is_entra=connection == "entra")
