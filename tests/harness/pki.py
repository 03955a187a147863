"""`aeolus pki` as a program, openssl beside it, and a server with a pair."""

from __future__ import annotations

import json
import socket
import ssl
import stat
import subprocess
import threading
from contextlib import contextmanager
from pathlib import Path

from harness import aeolus


def pki(*arguments: object, check: bool = True, **env: str) -> subprocess.CompletedProcess[str]:
    return aeolus.run("pki", *map(str, arguments), check=check, env=env)


def answer(*arguments: object, **env: str):
    return json.loads(pki(*arguments, "--output", "json", **env).stdout)


def openssl(*arguments: object, check: bool = True) -> str:
    done = subprocess.run(["openssl", *map(str, arguments)], capture_output=True, text=True, check=False)
    assert done.returncode == 0 or not check, done.stderr
    return done.stdout + done.stderr


def issued(folder: Path, *names: str, key: str = "p256", stem: str = "tls", more: tuple[str, ...] = ()) -> Path:
    """A pair of an authority in a folder; yields its path without `.crt` and `.key`."""
    out = folder / stem
    pki("issue", "--dir", folder / "ca", "--san", *names, "--out", out, "--key", key, *more)
    return out


def state(folder: Path) -> dict:
    """What the authority in `ca` of a folder remembers."""
    return json.loads((folder / "ca" / "authority.json").read_text())


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def pems(text: str) -> list[str]:
    parts = text.split("-----END CERTIFICATE-----\n")
    return [f"{part}-----END CERTIFICATE-----\n" for part in parts if part.strip()]


@contextmanager
def serving(stem: Path):
    """A TLS server with a pair, which answers one HTTP request at a time; yields its port."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(f"{stem}.crt", f"{stem}.key")
    listener = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            try:
                with context.wrap_socket(connection, server_side=True) as tls:
                    tls.recv(4096)
                    tls.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok")
            except OSError:
                connection.close()

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    try:
        yield listener.getsockname()[1]
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        thread.join(10)
