"""Manifests for controllers that no test can run: what a gate relies on is in them."""

from __future__ import annotations

import yaml
from harness.process import ROOT

IDENTITY = {"authorization", "x-aeolus-user", "x-aeolus-email", "x-aeolus-deployment"}


def documents(folder: str) -> list[dict]:
    """The manifests of a folder."""
    return list(yaml.safe_load_all((ROOT / "deploy" / folder / "etl.yaml").read_text()))


def names(text: str) -> set[str]:
    """A list of headers, in lower case."""
    return {name.strip().lower() for name in text.split(",")}


def test_ingress_nginx_pins_the_deployment_and_sets_every_identity_header():
    checked, pages, *_ = documents("ingress-nginx")
    annotation = {
        name.rsplit("/", 1)[1]: value for name, value in checked["metadata"]["annotations"].items()
    }
    assert annotation["auth-url"].rsplit("/", 1)[0].endswith(":8810/authz/nginx")
    assert names(annotation["auth-response-headers"]) == IDENTITY
    assert annotation["auth-signin"].startswith("https://$host/.aeolus/sign-in?next=")
    assert "auth-cache-key" not in annotation and "custom-http-errors" not in annotation
    [rule] = pages["spec"]["rules"]
    assert rule["host"] == checked["spec"]["rules"][0]["host"]
    assert [path["path"] for path in rule["http"]["paths"]] == ["/.aeolus/"]
    assert "annotations" not in pages["metadata"]


def test_a_gateway_copies_the_identity_headers_and_nothing_else():
    route, grant = documents("gateway-api")
    pages, checked = route["spec"]["rules"]
    assert "filters" not in pages and pages["matches"][0]["path"]["value"] == "/.aeolus/"
    [only] = checked["filters"]
    auth = only["externalAuth"]
    assert only["type"] == "ExternalAuth" and auth["protocol"] == "HTTP"
    assert auth["http"]["path"].rsplit("/", 1)[0] == "/authz/envoy"
    assert set(auth["http"]["allowedResponseHeaders"]) == IDENTITY
    assert {"cookie", "origin", "sec-fetch-site", "upgrade", "connection"} <= set(auth["http"]["allowedHeaders"])
    assert "forwardBody" not in auth
    assert grant["spec"]["from"][0]["namespace"] == route["metadata"]["namespace"]
