"""`aeolus doctor` against every real proxy: silent where the guards are, and by name where one is not."""

from __future__ import annotations

import json
from contextlib import contextmanager

import pytest
from conftest import required
from harness import aeolus, proxies
from harness.proxies import ECHO, PROXIES, Gate, Site, proxy


def examined(place: str) -> tuple[int, list[dict]]:
    """How the doctor ends, and what it found."""
    done = aeolus.run("doctor", "--proxy", place, "--output", "json", check=False)
    assert done.stdout, done.stderr
    return done.returncode, json.loads(done.stdout)[0]["findings"]


MAIN = ("site.conf", "Caddyfile", "traefik.yaml", "haproxy.cfg", "envoy.yaml")


@pytest.mark.parametrize("name", PROXIES)
def test_every_configuration_that_the_tests_run_has_every_guard(name, fleet, upstream, tmp_path):
    deployment = fleet.deployment_id("acme/sales/echo")
    site = Site(ECHO, deployment, "127.0.0.1:1", "127.0.0.1:2", "127.0.0.1:3", upstream.port, 4)
    PROXIES[name].files(tmp_path, site, name)
    file = next(path for path in tmp_path.iterdir() if path.name in MAIN)
    assert examined(str(file)) == (0, [])


def test_no_probe_finds_anything_at_a_shipped_configuration(door):
    code, findings = examined(door)
    assert findings == [], findings
    assert code == 0


def test_no_probe_reaches_the_application(door, upstream):
    before = upstream.count()
    examined(door)
    assert upstream.count() == before


@contextmanager
def behind(name: str, fleet, upstream, home, monkeypatch, change: tuple[str, str]):
    """A proxy whose shipped configuration lacks something; yields its URL and its configuration."""
    required(name, PROXIES[name].found() is not None)
    deployment = fleet.deployment_id("acme/sales/echo")
    gate = Gate(*(fleet.sockets.address(listener) for listener in ("checks", "grpc", "fastcgi")))
    kind = PROXIES[name]

    def files(folder, site, program):
        command = kind.files(folder, site, program)
        file = folder / {"nginx": "site.conf", "caddy-2.11": "Caddyfile", "caddy-2.6": "Caddyfile"}[name]
        text = file.read_text()
        assert change[0] in text, f"{change[0]} is not in {file.name} any more"
        file.write_text(text.replace(*change))
        return command

    monkeypatch.setitem(proxies.PROXIES, name, proxies.Proxy(kind.program, files))
    with proxy(name, home / name, ECHO, deployment, gate, upstream.port) as port:
        yield f"http://{ECHO}:{port}"


BROKEN = [
    ("nginx", ("$host:$server_port$request_uri", "$http_host$request_uri"), "DOC-NGINX-05", "DOC-PROBE-03"),
    ("nginx", ("        internal;\n", ""), "DOC-NGINX-04", "DOC-PROBE-17"),
    ("nginx", ("auth_request /_aeolus_check;", ""), "DOC-NGINX-01", "DOC-PROBE-01"),
    ("caddy-2.6", ("respond @hop 400", ""), "DOC-CADDY-04", "DOC-PROBE-04"),
    ("caddy-2.11", ("respond @hop 400", ""), "DOC-CADDY-04", "DOC-PROBE-04"),
]


@pytest.mark.parametrize(("name", "change", "by_file", "by_probe"), BROKEN)
def test_a_guard_that_is_taken_out_is_named_from_the_file_and_from_outside(
    name, change, by_file, by_probe, fleet, upstream, tmp_path, monkeypatch
):
    with behind(name, fleet, upstream, tmp_path, monkeypatch, change) as url:
        file = next(path for path in (tmp_path / name).iterdir() if path.name in MAIN)
        code, findings = examined(str(file))
        assert code == 1
        assert [finding["code"] for finding in findings] == [by_file]
        code, findings = examined(url)
        assert code == 1
        assert by_probe in [finding["code"] for finding in findings]
