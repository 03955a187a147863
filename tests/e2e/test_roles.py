"""An organization's own roles at the command line."""

from __future__ import annotations

import json


def test_a_role_is_made_changed_again_and_again_and_deleted(fleet):
    made = ("--scope", "DEPLOYMENT", "--permission", "deployment.airflow.get")
    fleet.run("role", "create", "on-call", *made)
    for permission in ("deployment.logs.get", "deployment.airflow.user"):
        changed = fleet.run("role", "update", "on-call", "--permission", permission, "--no-wait", "--output", "json")
        assert permission in json.loads(changed.stdout)["permissions"]
    shown = json.loads(fleet.run("role", "show", "on-call", "--output", "json").stdout)
    assert len(shown["permissions"]) == 3, shown
    fleet.run("role", "delete", "on-call", "--no-wait")
    assert fleet.run("role", "show", "on-call", check=False).returncode != 0
