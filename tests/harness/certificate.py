"""Certificates of nobody that a system knows."""

from __future__ import annotations

import socket
import subprocess
from ipaddress import ip_address
from pathlib import Path


def made(stem: Path, *names: str, subject: str = "", issues: bool = False, issuer: Path | None = None) -> tuple[Path, Path]:
    """`STEM.key` and its certificate `STEM.pem` for some names, by an issuer (its path without `.pem`) or by itself."""
    key, certificate = Path(f"{stem}.key"), Path(f"{stem}.pem")
    command = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-noenc"]
    command += ["-keyout", str(key), "-out", str(certificate), "-days", "2", "-subj", f"/CN={subject or names[0]}"]
    said = ",".join(f"{'IP' if is_address(name) else 'DNS'}:{name}" for name in names)
    constraints = f"basicConstraints=critical,CA:{'TRUE' if issues else 'FALSE'}"
    command += ["-addext", f"subjectAltName={said}", "-addext", constraints]
    if issuer:
        command += ["-CA", f"{issuer}.pem", "-CAkey", f"{issuer}.key"]
    subprocess.run(command, check=True, capture_output=True)
    return key, certificate


def is_address(name: str) -> bool:
    try:
        return bool(ip_address(name))
    except ValueError:
        return False


def own_name() -> str | None:
    """A name of this machine other than `localhost` that leads to it, also for a proxy on it."""
    name = socket.gethostname().lower()
    try:
        return name if socket.gethostbyname(name) and name != "localhost" else None
    except OSError:
        return None
