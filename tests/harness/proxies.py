"""Real proxies with the very configurations that `deploy/` ships, and the gate's own."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from . import nginx
from .airflow import answers
from .process import ROOT, Timeout, free_port, running, tail, wait_for

DEPLOY = ROOT / "deploy"
BIN = ROOT / ".tools" / "proxies" / "bin"

# The host of the application behind them.
ECHO = "echo.localhost"

# The values that each shipped file says to replace.
HOST, ID = "etl.example.com", "00000000-0000-7000-8000-000000000000"
GATE, AIRFLOW = "127.0.0.1:8810", "127.0.0.1:8080"


@dataclass(frozen=True)
class Gate:
    """Where a gate is asked."""

    checks: str
    grpc: str
    fastcgi: str


@dataclass(frozen=True)
class Site:
    """One deployment and where its parts are."""

    host: str
    deployment: str
    gate: str
    grpc: str
    fastcgi: str
    upstream: int
    port: int

    def fill(self, shipped: Path, **more: str) -> str:
        """A shipped file with its values replaced; one that is not there any more is an error."""
        text = shipped.read_text()
        values = {HOST: self.host, ID: self.deployment, GATE: self.gate, AIRFLOW: f"127.0.0.1:{self.upstream}"}
        for example, value in {**more, **values}.items():
            if example not in text:
                raise AssertionError(f"{shipped} has no {example!r} any more")
            text = text.replace(example, value)
        return text


def caddy_files(home: Path, site: Site, program: str) -> list[str | Path]:
    """Caddy, plain HTTP on loopback and without its admin port."""
    own = "{\n\tadmin off\n\tauto_https off\n}\n"
    address = f"http://{site.host}:{site.port} {{\n\tbind 127.0.0.1"
    text = site.fill(DEPLOY / "caddy" / "Caddyfile", **{f"\n{HOST} {{": f"\n{address}"})
    (home / "Caddyfile").write_text(own + text)
    return [program, "run", "--adapter", "caddyfile", "--config", home / "Caddyfile"]


def traefik_files(home: Path, site: Site, program: str) -> list[str | Path]:
    """Traefik with the file provider."""
    static = (DEPLOY / "traefik" / "traefik.yaml").read_text()
    static = static.replace('":80"', f'"127.0.0.1:{site.port}"')
    (home / "traefik.yaml").write_text(static.replace("/etc/traefik/dynamic.yaml", str(home / "dynamic.yaml")))
    (home / "dynamic.yaml").write_text(site.fill(DEPLOY / "traefik" / "dynamic.yaml"))
    return [program, f"--configFile={home / 'traefik.yaml'}"]


def haproxy_files(home: Path, site: Site, program: str) -> list[str | Path]:
    """HAProxy with the shipped action."""
    shutil.copy(DEPLOY / "haproxy" / "aeolus.lua", home)
    places = {"/etc/haproxy/aeolus.lua": str(home / "aeolus.lua"), "bind :80": f"bind 127.0.0.1:{site.port}"}
    (home / "haproxy.cfg").write_text(site.fill(DEPLOY / "haproxy" / "haproxy.cfg", **places))
    return [program, "-db", "-f", home / "haproxy.cfg"]


def envoy_files(home: Path, site: Site, program: str, form: str = "envoy-http") -> list[str | Path]:
    """Envoy with the HTTP form of its filter, or the gRPC form."""
    text = (DEPLOY / form / "envoy.yaml").read_text()
    gate, port = site.gate.rsplit(":", 1)
    by_http = [(f"http://{GATE}", f"http://{site.gate}")]
    by_grpc = [("port_value: 8811", f"port_value: {site.grpc.rsplit(':', 1)[1]}")]
    for example, value in (
        *(by_http if form == "envoy-http" else by_grpc),
        (HOST, site.host),
        (ID, site.deployment),
        ("address: 0.0.0.0, port_value: 80}", f"address: 127.0.0.1, port_value: {site.port}}}"),
        ("port_value: 8810", f"port_value: {port}"),
        ("port_value: 8080", f"port_value: {site.upstream}"),
    ):
        assert example in text, example
        text = text.replace(example, value)
    assert gate == "127.0.0.1"
    (home / "envoy.yaml").write_text(text)
    return [program, "-c", home / "envoy.yaml", "--concurrency", "1", "--disable-hot-restart", "-l", "warning"]


APACHE = """
ServerRoot /usr/lib/apache2
DefaultRuntimeDir {home}
PidFile {home}/pid
ErrorLog {home}/error.log
ServerName localhost
Listen 127.0.0.1:{port}
{modules}
Include {home}/site.conf
"""
MODULES = "mpm_event authn_core authz_core authz_user authnz_fcgi headers proxy proxy_http rewrite setenvif"


def apache_files(home: Path, site: Site, program: str) -> list[str | Path]:
    """Apache with a main file of our own and the shipped site."""
    modules = (f"LoadModule {name}_module modules/mod_{name}.so" for name in MODULES.split())
    main = APACHE.format(home=home, port=site.port, modules="\n".join(modules))
    (home / "apache2.conf").write_text(main)
    places = {"*:80": f"127.0.0.1:{site.port}", "127.0.0.1:8812": site.fastcgi}
    (home / "site.conf").write_text(site.fill(DEPLOY / "apache" / "aeolus.conf", **places))
    return [program, "-D", "FOREGROUND", "-f", home / "apache2.conf"]


def nginx_files(home: Path, site: Site, program: str) -> list[str | Path]:
    """nginx with the shipped site."""
    text = nginx.site(site.host, site.port, site.deployment, site.gate, site.upstream)
    (home / "site.conf").write_text(text)
    (home / "nginx.conf").write_text(nginx.MAIN.format(home=home))
    return [program, "-p", home, "-c", home / "nginx.conf", "-e", home / "error.log"]


@dataclass(frozen=True)
class Proxy:
    """A proxy: how it is called, and how it is prepared."""

    program: str
    files: Callable[[Path, Site, str], list[str | Path]]

    def found(self) -> str | None:
        """Where the program is. A name with a version is our own pinned one."""
        own = BIN / self.program.removesuffix("-debian")
        if not self.program.endswith("-debian") and own.exists():
            return str(own)
        path = os.environ["PATH"] + ":/usr/sbin"
        return shutil.which(self.program.removesuffix("-debian"), path=path)


PROXIES = {
    "nginx": Proxy("nginx-debian", nginx_files),
    "caddy-2.6": Proxy("caddy-debian", caddy_files),
    "caddy-2.11": Proxy("caddy", caddy_files),
    "traefik": Proxy("traefik", traefik_files),
    "haproxy": Proxy("haproxy-debian", haproxy_files),
    "envoy-http": Proxy("envoy", envoy_files),
    "apache": Proxy("apache2-debian", apache_files),
    "envoy-grpc": Proxy("envoy", partial(envoy_files, form="envoy-grpc")),
}


@contextmanager
def proxy(name: str, home: Path, host: str, deployment: str, gate: Gate, upstream: int) -> Iterator[int]:
    """Runs a proxy in front of an application until the block ends; yields its port."""
    home.mkdir(parents=True)
    kind = PROXIES[name]
    program = kind.found()
    if program is None:
        raise LookupError(f"{kind.program} is not installed")
    site = Site(host, deployment, gate.checks, gate.grpc, gate.fastcgi, upstream, free_port())
    # Caddy and Traefik look for folders of their user's.
    env = {"HOME": str(home), "XDG_DATA_HOME": str(home), "XDG_CONFIG_HOME": str(home)}
    with running(kind.files(home, site, program), home / "output.log", env=env):
        try:
            # A public path, all the way to the application: Traefik listens before it has its routes.
            wait_for(name, lambda: answers(f"http://{host}:{site.port}/static/ready"), 30)
        except Timeout as error:
            raise Timeout(f"{error}\n{tail(home / 'output.log')}") from error
        yield site.port

