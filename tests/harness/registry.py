"""A real container registry, and a client of it that does what Docker does: no engine is needed to push and pull."""

from __future__ import annotations

import hashlib
import json
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import requests

from .process import free_port, running, wait_for

MANIFEST = "application/vnd.oci.image.manifest.v1+json"
CONFIG = """
version: 0.1
log: {{level: info}}
storage: {{filesystem: {{rootdirectory: {home}/storage}}}}
http: {{addr: 127.0.0.1:{port}}}
auth:
  token:
    realm: {control}/v1/registry/authorization
    service: docker-registry
    issuer: houston
    rootcertbundle: {bundle}
"""


def installed() -> bool:
    """Whether a registry is here."""
    return shutil.which("docker-registry") is not None


@contextmanager
def server(home: Path, control: str, bundle: Path) -> Iterator[str]:
    """A registry that believes the certificates of a bundle, as a URL. What was pushed stays in `home`."""
    home.mkdir(exist_ok=True)
    port = free_port()
    (home / "config.yml").write_text(CONFIG.format(home=home, port=port, control=control, bundle=bundle))
    url = f"http://127.0.0.1:{port}"
    with running(["docker-registry", "serve", home / "config.yml"], home / "output.log"):
        wait_for("the registry", lambda: requests.get(f"{url}/v2/", timeout=5).status_code == 401, 20)
        yield url


class Refused(Exception):
    """Somebody refused."""

    def __init__(self, answer: requests.Response) -> None:
        super().__init__(f"{answer.status_code} {answer.text}")
        self.status = answer.status_code
        self.by = "control" if "/v1/registry/" in answer.url else "registry"


class Client:
    """Pushes and pulls with a user and a password; asks for a token when the registry wants one, for what it wants."""

    def __init__(self, registry: str, password: str | None) -> None:
        self.registry = registry
        self.basic = ("user", password) if password is not None else None
        self.session = requests.Session()
        self.token = ""

    def call(self, method: str, path: str, **more) -> requests.Response:
        """A request, with a new token if the one before isn't enough."""
        url = path if path.startswith("http") else f"{self.registry}/v2/{path}"
        headers = more.pop("headers", {})
        for _ in range(2):
            bearer = {"Authorization": f"Bearer {self.token}"} if self.token else {}
            answer = self.session.request(method, url, headers={**headers, **bearer}, timeout=20, **more)
            if answer.status_code != 401:
                break
            self.token = self.asked(answer.headers["WWW-Authenticate"])
        if not answer.ok:
            raise Refused(answer)
        return answer

    def asked(self, challenge: str) -> str:
        """A token for what a challenge says."""
        said = dict(re.findall(r'(\w+)="([^"]*)"', challenge))
        wanted = {name: said[name] for name in ("service", "scope") if name in said}
        answer = requests.get(said["realm"], params=wanted, auth=self.basic, timeout=20)
        if not answer.ok:
            raise Refused(answer)
        return answer.json()["token"]

    def push(self, name: str, content: bytes) -> str:
        """Pushes an image of one layer as `latest`; returns its digest."""
        config = json.dumps({"architecture": "amd64", "os": "linux", "rootfs": {"type": "layers", "diff_ids": []}})
        parts = [self.blob(name, part) for part in (config.encode(), content)]
        manifest = {
            "schemaVersion": 2,
            "mediaType": MANIFEST,
            "config": {"mediaType": "application/vnd.oci.image.config.v1+json", **parts[0]},
            "layers": [{"mediaType": "application/vnd.oci.image.layer.v1.tar", **parts[1]}],
        }
        headers = {"Content-Type": MANIFEST}
        answer = self.call("PUT", f"{name}/manifests/latest", data=json.dumps(manifest), headers=headers)
        return answer.headers["Docker-Content-Digest"]

    def blob(self, name: str, content: bytes) -> dict[str, object]:
        digest = f"sha256:{hashlib.sha256(content).hexdigest()}"
        begun = self.call("POST", f"{name}/blobs/uploads/")
        place = begun.headers["Location"]
        headers = {"Content-Type": "application/octet-stream"}
        joined = "&" if "?" in place else "?"
        self.call("PUT", f"{place}{joined}digest={digest}", data=content, headers=headers)
        return {"digest": digest, "size": len(content)}

    def pull(self, name: str) -> bytes:
        """The content of an image's layer."""
        manifest = self.call("GET", f"{name}/manifests/latest", headers={"Accept": MANIFEST}).json()
        layer = manifest["layers"][0]["digest"]
        content = self.call("GET", f"{name}/blobs/{layer}").content
        assert f"sha256:{hashlib.sha256(content).hexdigest()}" == layer
        return content
