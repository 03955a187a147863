"""A replica that starts without a snapshot while control is away."""

from __future__ import annotations

import json
import shutil
import subprocess
from contextlib import contextmanager

import requests
from harness import aeolus
from harness.process import running, tail, wait_for, wait_for_line

CONFIG = """
gate:
  data: {data}
  checks: ["127.0.0.1:0"]
  proxy: "127.0.0.1:0"
  metrics: null
  siblings: {{peers: ["{sibling}"]}}
"""


def test_f2_a_replica_without_a_snapshot_gets_a_siblings_while_control_is_away(fleet, tmp_path):
    kept, deleted = (fleet.create_token(name, "acme/sales/echo", "DEPLOYMENT_VIEWER") for name in ("sib", "gone"))
    fleet.run("token", "delete", deleted["id"])
    fleet.kill_control()
    try:
        with replica(fleet, tmp_path, "same") as (url, log):
            status = lambda token: get(url, token["token"])  # noqa: E731
            wait_for("the sibling's snapshot", lambda: status(kept) == 200, 20)
            assert status(deleted) == 401
            wait_for_line(log, "began with the snapshot of a sibling")
            persisted = tmp_path / "same" / "replica" / "floor"
            wait_for("the floor on disk", persisted.exists, 10)
        # Who has another plane secret is told nothing.
        with replica(fleet, tmp_path, "other", secret=False) as (url, log):
            wait_for("a refusal", lambda: "403" in tail(log), 20)
            assert get(url, kept["token"]) == 503
    finally:
        fleet.start_control()


def get(url: str, token: str) -> int:
    return requests.get(url, headers={"Authorization": f"Bearer {token}"}, timeout=10).status_code


@contextmanager
def replica(fleet, folder, name: str, secret: bool = True):
    """Another gate of the plane, with the files that an operator copies, and nothing of a snapshot."""
    data = folder / name
    data.mkdir(mode=0o700)
    for file in ("gate.json", "root.json", "identity.key", "secret.json"):
        shutil.copy2(fleet.data / "gate" / file, data / file)
    if not secret:
        generations = json.loads((data / "secret.json").read_text())
        for generation in generations["generations"]:
            flipped = "B" if generation["secret"][0] == "A" else "A"
            generation["secret"] = flipped + generation["secret"][1:]
        (data / "secret.json").write_text(json.dumps(generations))
    config, log = folder / f"{name}.yaml", folder / f"{name}.log"
    config.write_text(CONFIG.format(data=data, sibling=fleet.siblings))
    command = [aeolus.BINARY, "gate", "serve", "--config", config, "--ready-json"]
    with running(command, log, stdout=subprocess.PIPE) as gate:
        ready = json.loads(aeolus.first_line(gate, 60))
        yield f"http://echo.localhost:{ready['proxy'].rsplit(':', 1)[1]}/", log
