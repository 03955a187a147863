"""Certificates of nobody that a system knows."""

from __future__ import annotations

import socket
import subprocess
from pathlib import Path


def made(home: Path, *hosts: str) -> tuple[Path, Path]:
    """A key and its certificate for some names, as files of a folder."""
    key, certificate = home / "idp.key", home / "idp.pem"
    command = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]
    command += ["-keyout", str(key), "-out", str(certificate), "-days", "2", "-subj", f"/CN={hosts[0]}"]
    names = ",".join(f"DNS:{host}" for host in hosts)
    command += ["-addext", f"subjectAltName={names}", "-addext", "basicConstraints=critical,CA:FALSE"]
    subprocess.run(command, check=True, capture_output=True)
    return key, certificate


def own_name() -> str | None:
    """A name of this machine other than `localhost` that leads to it, also for a proxy on it."""
    name = socket.gethostname().lower()
    try:
        return name if socket.gethostbyname(name) and name != "localhost" else None
    except OSError:
        return None
