"""Asking control about a token, by the command that the how-to shows."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess

from conftest import required
from harness.process import ROOT

HOW_TO = ROOT / "docs" / "how-to" / "ask-control-about-a-token.md"


def ask(fleet, folder, bearer: str, token: str) -> dict:
    """What control answers to the how-to's command."""
    command = re.search(r"```sh\n(.+?)```", HOW_TO.read_text(), re.DOTALL).group(1)
    (folder / "token.txt").write_text(token)
    env = {**os.environ, "AEOLUS_URL": fleet.control, "AEOLUS_TOKEN": bearer}
    done = subprocess.run(
        ["bash", "-c", command], cwd=folder, env=env, capture_output=True, text=True, check=True, timeout=60
    )
    return json.loads(done.stdout)


def test_an_api_token_asks_about_itself_until_it_is_deleted(fleet, tmp_path):
    required("curl", shutil.which("curl") is not None)
    mine = fleet.create_token("introspect-mine", "acme/sales/echo", "DEPLOYMENT_ADMIN")
    other = fleet.create_token("introspect-other", "acme/sales/echo", "DEPLOYMENT_VIEWER")
    said = ask(fleet, tmp_path, mine["token"], mine["token"])
    assert said["active"] is True and said["sub"] == mine["id"]
    assert ask(fleet, tmp_path, mine["token"], other["token"])["sub"] == other["id"]
    fleet.run("token", "delete", other["id"])
    assert ask(fleet, tmp_path, mine["token"], other["token"]) == {"active": False}
