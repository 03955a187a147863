"""Control's database restored from a backup, with real programs."""

from __future__ import annotations

import shutil
import sqlite3
import time
from contextlib import closing

import requests
from conftest import FLEET, PASSWORD
from harness import aeolus, echo
from harness.process import free_port, wait_for


def test_f25_what_was_revoked_after_the_backup_stays_revoked(tmp_path):
    with echo.server() as upstream:
        document = FLEET.format(airflow=free_port(), echo=upstream.port, gone=free_port())
        with aeolus.alone(tmp_path, document, PASSWORD) as fleet:
            restore(fleet, tmp_path / "backup.db")


def restore(fleet: aeolus.Fleet, backup) -> None:
    url = f"http://echo.localhost:{fleet.proxy.rsplit(':', 1)[1]}/"

    def status(token: str) -> int:
        return requests.get(url, headers={"Authorization": f"Bearer {token}"}, timeout=10).status_code

    token = lambda name: fleet.create_token(name, "acme/sales/echo", "DEPLOYMENT_VIEWER")  # noqa: E731
    kept, revoked = token("kept"), token("revoked")
    made = time.time()
    wait_for("a later second", lambda: time.time() > made + 2, 10)
    # The newest that the backup knows: what was issued from then on can't be told from what is lost.
    token("newest")
    # Closed at once: a connection that is left open writes what it knows over the restored file.
    with closing(sqlite3.connect(fleet.data / "control.db")) as live, closing(sqlite3.connect(backup)) as copy:
        live.backup(copy)
    lost = token("lost")
    fleet.run("token", "delete", revoked["id"])
    wait_for("the revocation", lambda: status(revoked["token"]) == 401, 10)
    assert status(kept["token"]) == status(lost["token"]) == 200

    fleet.kill_control()
    for suffix in ("-wal", "-shm"):
        (fleet.data / f"control.db{suffix}").unlink(missing_ok=True)
    shutil.copy(backup, fleet.data / "control.db")
    fleet.start_control()
    alarm = lambda: fleet.run("plane", "show", "--output", "json", check=False).stdout  # noqa: E731
    wait_for("the alarm", lambda: "aeolus control recover" in alarm(), 40)
    # Publishing is stopped; the gate goes on with what it knows.
    assert [status(one["token"]) for one in (kept, revoked, lost)] == [200, 401, 200]

    fleet.kill_control()
    done = aeolus.run("control", "recover", "--database", f"sqlite:{fleet.data}/control.db", "--output", "json")
    assert '"epoch": 2' in done.stdout or '"epoch":2' in done.stdout
    fleet.start_control()
    wait_for("the new epoch", lambda: status(lost["token"]) == 401, 60)
    assert [status(one["token"]) for one in (kept, revoked)] == [200, 401]
    fleet.restart_gate()
    assert [status(one["token"]) for one in (kept, revoked, lost)] == [200, 401, 401]
    # What the gate remembered is known to control again, which lists the token as it was.
    wait_for("no alarm", lambda: "recover" not in alarm(), 40)
