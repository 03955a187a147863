"""Control and gates that get their own certificate of an ACME authority (`tls.acme`), and renew it while they serve."""

from __future__ import annotations

import http.client
import json
import shutil
import socket
import ssl
import threading
from pathlib import Path

import pytest
from conftest import ONE_VIEWER, PASSWORD, required
from harness import aeolus
from harness.airflow import answers
from harness.pebble import Pebble, authority
from harness.process import Timeout, free_port, wait_for, wait_for_line

HOST = "echo.localhost"


def settings(pebble: Pebble, home: Path, **more: str | None) -> dict[str, str]:
    """What a server is told."""
    told = {
        "NAMES": HOST,
        "DIRECTORY": pebble.directory,
        "DIRECTORY_CA": str(pebble.authority),
        "AGREE_TERMS": "true",
        "CONTACT": "ops@example.com",
        "CHALLENGE__HTTP": f"127.0.0.1:{pebble.http}",
        "CERTIFICATE": str(home / "gate.crt"),
        "KEY": str(home / "gate.key"),
        "FOLDER": str(home / "acme"),
        **more,
    }
    return {f"TLS__ACME__{name}": value for name, value in told.items() if value is not None}


def get(port: int, root: Path, token: str) -> tuple[int, str]:
    """Asks on a connection of its own, as a client that trusts the authority; with the certificate's serial number."""
    context = ssl.create_default_context(cafile=str(root))
    with socket.create_connection(("127.0.0.1", port), 10) as plain:
        with context.wrap_socket(plain, server_hostname=HOST) as tls:
            serial = str(tls.getpeercert()["serialNumber"])
            connection = http.client.HTTPConnection(HOST)
            connection.sock = tls
            connection.request("GET", "/x", headers={"Authorization": f"Bearer {token}", "Connection": "close"})
            return connection.getresponse().status, serial


def test_a_gate_renews_its_own_certificate_and_no_request_is_dropped(tmp_path, upstream):
    required("pebble", shutil.which("pebble") is not None)
    password, document = tmp_path / "password", tmp_path / "fleet.yaml"
    password.write_text(PASSWORD)
    document.write_text(ONE_VIEWER.format(password=password, echo=upstream.port))
    with (
        authority(tmp_path / "pebble", certificateValidityPeriod=40) as pebble,
        aeolus.controlled(tmp_path / "data", document, password, tmp_path / "logs") as fleet,
    ):
        fleet.enrol("local", fleet.data / "gate")
        fleet.gate_settings = settings(pebble, tmp_path) | {
            "GATE__PROXY_TLS__CERTIFICATE": str(tmp_path / "gate.crt"),
            "GATE__PROXY_TLS__KEY": str(tmp_path / "gate.key"),
        }
        fleet.start_gate()
        wait_for("the gate's first snapshot", lambda: answers(f"{fleet.gate}/readyz"), 20)
        token = fleet.create_token("bot", "acme/sales/echo", "DEPLOYMENT_VIEWER")["token"]
        port, root = int(fleet.proxy.rsplit(":", 1)[1]), pebble.root()
        wait_for("the proxy", lambda: get(port, root, token)[0] == 200, 20)
        serials, failed, stop = [], [], threading.Event()

        def ask() -> None:
            while not stop.wait(0.1):
                try:
                    status, serial = get(port, root, token)
                    assert status == 200, status
                    serials.append(serial)
                except (OSError, AssertionError, http.client.HTTPException) as error:
                    failed.append(repr(error))

        thread = threading.Thread(target=ask)
        thread.start()
        try:
            # Whoever shares the folder has its answers shown by the gate, wherever it listens itself.
            mine = ["--dir", tmp_path / "acme", *pebble.options(), "--san", "other.example.com"]
            mine += ["--out", tmp_path / "other"]
            shared = aeolus.run("pki", "acme", *map(str, mine), "--http-01", f"127.0.0.1:{free_port()}")
            assert "yes" in shared.stdout, shared.stdout
            wait_for("a renewed certificate", lambda: len(set(serials)) > 1, 60)
        finally:
            stop.set()
            thread.join(20)
        assert failed == [] and len(serials) > 50, failed
        # A gate that has a certificate starts with it, whatever the authority does.
        pebble.stop()
        fleet.restart_gate()
        wait_for("the proxy", lambda: get(port, root, token)[0] == 200, 20)


@pytest.fixture
def control(tmp_path):
    """A control plane that was not started yet, and an authority."""
    required("pebble", shutil.which("pebble") is not None)
    (tmp_path / "password").write_text(PASSWORD)
    (tmp_path / "data").mkdir()
    with authority(tmp_path / "pebble") as pebble:
        told = settings(pebble, tmp_path, FIRST_WITHIN="20s")
        fleet = aeolus.Fleet(tmp_path / "data", tmp_path / "logs", told, "127.0.0.1")
        aeolus.prepare(fleet.data, tmp_path / "password")
        try:
            yield fleet, pebble
        finally:
            fleet.end()


def test_control_starts_with_its_first_certificate_or_says_why_not(control, tmp_path):
    fleet, pebble = control
    pebble.stop()

    def starts() -> str:
        log = fleet.logs / "control.log"
        before = len(log.read_text()) if log.exists() else 0
        with pytest.raises(Timeout):
            fleet.start_control()
        assert fleet.processes["control"].wait(20) == 1
        return log.read_text()[before:]

    said = starts()
    assert "error[ACME-010]" in said and "has no certificate yet" in said, said
    assert "error[ACME-040]" in starts(), "a service manager that starts it again asks nobody"
    pebble.start()
    state = json.loads((tmp_path / "acme" / "state.json").read_text())
    (tmp_path / "acme" / "state.json").unlink()
    assert state["pairs"][str(tmp_path / "gate.crt")]["failed"]["times"] == 1
    fleet.start_control()
    checked = aeolus.run("pki", "check", str(tmp_path / "gate.crt"), "--ca", str(pebble.root()))
    assert "error" not in checked.stdout, checked.stdout
    wait_for_line(fleet.logs / "control.log", "a certificate was got")
    fleet.stop_control()
    # A gate of the same machine may have the address: it shows the same answers.
    with socket.create_server(("127.0.0.1", pebble.http)):
        fleet.start_control()
        wait_for_line(fleet.logs / "control.log", "is in use by another program")
    wait_for("control's own answers", lambda: socket.create_connection(("127.0.0.1", pebble.http), 1).close() is None)


def test_what_a_server_can_not_keep_is_said_before_it_starts(control, tmp_path):
    fleet, pebble = control
    orders = pebble.orders()
    for change, code, said in (
        ({"NAMES": None}, "CFG-0004", "tls.acme.names is empty"),
        ({"NAMES": "*.example.com"}, "ACME-003", "dns-01 alone"),
        ({"CHALLENGE__DNS_HOOK": "/bin/true"}, "CFG-0004", "either http or dnsHook"),
        ({"KEY": str(tmp_path / "elsewhere" / "gate.key")}, "CFG-0004", "one folder"),
        ({"KEY_KIND": "dsa"}, "CFG-0004", "unknown variant `dsa`"),
        ({"EXTERNAL_ACCOUNT__KID": "kid"}, "CFG-0004", "half there"),
        ({"DIRECTORY": "http://127.0.0.1/dir"}, "ACME-001", "https"),
        ({"AGREE_TERMS": "false"}, "ACME-004", "terms"),
    ):
        env = settings(pebble, tmp_path, **change)
        command = ["control", "serve", "--listen", "127.0.0.1:0", "--metrics", "off", "--database", fleet.database]
        command += ["--root-dir", f"{fleet.data}/root", "--master-key-file", f"{fleet.data}/master.key"]
        done = aeolus.run(*command, check=False, env=env)
        assert done.returncode == 2 and f"error[{code}]" in done.stderr and said in done.stderr, (change, done.stderr)
    assert pebble.orders() == orders
