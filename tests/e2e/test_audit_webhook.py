"""The recipe with which a receiver verifies that a webhook's lines came from control."""

from __future__ import annotations

import re

import pytest
from harness.process import ROOT

HOW_TO = ROOT / "docs" / "how-to" / "keep-and-verify-the-audit-log.md"
# As control's own test has it.
SIGNED_AT = 1_800_000_000
SIGNATURE = f"t={SIGNED_AT},v1=e34588d08410a55c04ec73c9c5aceafd661bb2cbdd9616342b3bf94291b03a3d"


def test_the_recipe_takes_what_control_signed_and_nothing_else():
    recipe: dict = {}
    exec(re.search(r"```python\n(.+?)```", HOW_TO.read_text(), re.DOTALL).group(1), recipe)  # noqa: S102
    verify = recipe["verify"]
    verify(SIGNATURE, b"{}\n", b"secret", SIGNED_AT + 299)
    for signature, body, secret, now in (
        (SIGNATURE, b"{}", b"secret", SIGNED_AT),
        (SIGNATURE, b"{}\n", b"another", SIGNED_AT),
        (SIGNATURE, b"{}\n", b"secret", SIGNED_AT + 301),
        (SIGNATURE.replace("0,", "1,"), b"{}\n", b"secret", SIGNED_AT),
    ):
        with pytest.raises(ValueError):
            verify(signature, body, secret, now)
