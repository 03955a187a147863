"""A real nginx with the very configuration that `deploy/nginx` ships."""

from __future__ import annotations

import shutil
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from .process import ROOT, Timeout, running, tail, wait_for

SHIPPED = ROOT / "deploy" / "nginx" / "aeolus.conf"

MAIN = """
daemon off; worker_processes 1; pid {home}/pid; error_log {home}/error.log info;
events {{ worker_connections 512; }}
http {{
  access_log {home}/access.log; default_type application/octet-stream;
  client_body_temp_path {home}/body; proxy_temp_path {home}/proxy; fastcgi_temp_path {home}/fastcgi;
  uwsgi_temp_path {home}/uwsgi; scgi_temp_path {home}/scgi;
  include {home}/site.conf;
}}
"""


def program() -> str | None:
    """Where nginx is; Debian keeps it out of a user's path."""
    return shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin")


def installed() -> bool:
    """Whether nginx is here."""
    return program() is not None


def site(host: str, port: int, deployment: str, gate: str, airflow: int) -> str:
    """The shipped file with its four values replaced, and another port."""
    shipped = SHIPPED.read_text()
    for example, value in (
        ("listen 80;", f"listen 127.0.0.1:{port};"),
        ("server_name etl.example.com;", f"server_name {host};"),
        ("00000000-0000-7000-8000-000000000000", deployment),
        ("127.0.0.1:8810", gate),
        ("127.0.0.1:8080", f"127.0.0.1:{airflow}"),
    ):
        if example not in shipped:
            raise AssertionError(f"{SHIPPED} has no {example!r} any more")
        shipped = shipped.replace(example, value)
    return shipped


@contextmanager
def server(home: Path, site_text: str, port: int) -> Iterator[None]:
    """Runs nginx with a site until the block ends."""
    home.mkdir(parents=True)
    (home / "site.conf").write_text(site_text)
    (home / "nginx.conf").write_text(MAIN.format(home=home))
    command = [program(), "-p", home, "-c", home / "nginx.conf", "-e", home / "error.log"]
    with running(command, home / "output.log"):
        try:
            wait_for("nginx", lambda: answers(port), 20)
        except Timeout as error:
            raise Timeout(f"{error}\n{tail(home / 'error.log')}") from error
        yield


def answers(port: int) -> bool:
    """Whether anything is answered, an error included."""
    try:
        urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=5).close()
    except urllib.error.HTTPError:
        return True
    return True
