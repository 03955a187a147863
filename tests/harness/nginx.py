"""A real nginx with the very configuration that `deploy/nginx` ships."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from .process import ROOT, Timeout, running, tail, wait_for

SHIPPED = ROOT / "deploy" / "nginx"


def installed() -> bool:
    """Whether nginx is here."""
    return bool(shutil.which("nginx") or Path("/usr/sbin/nginx").exists())
