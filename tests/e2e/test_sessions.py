"""Sessions at a gate: how long they last."""

from __future__ import annotations

import time

import pytest
import requests
from conftest import ONE_VIEWER, PASSWORD, at
from harness import aeolus
from harness.process import free_port
from harness.signin import sign_in

LIFE = 6


@pytest.fixture(scope="module")
def short_lived(tmp_path_factory, home, upstream):
    """A fleet whose sessions have to be renewed every few seconds."""
    folder = tmp_path_factory.mktemp("short")
    document = folder / "fleet.yaml"
    document.write_text(ONE_VIEWER.format(password=home / "password", echo=upstream.port))
    life = {"CONTROL__SESSION__ACCESS_LIFE": f"{LIFE}s"}
    with aeolus.serving(folder / "aeolus", document, home / "password", folder / "logs", **life) as running:
        yield running


def test_a_tab_that_only_polls_outlives_its_first_session_end(short_lived):
    url = at(short_lived.proxy, "echo.localhost")
    signed_in = time.monotonic()
    cookies = sign_in(f"{url}/", "viewer@example.com", PASSWORD).cookies.copy()
    idle = sign_in(f"{url}/", "viewer@example.com", PASSWORD).cookies.copy()

    def status(jar: requests.cookies.RequestsCookieJar) -> int:
        # A script's request: it takes no new cookie and follows no redirect.
        answer = requests.get(f"{url}/ui/auth/me", cookies=jar, allow_redirects=False, timeout=20)
        assert "set-cookie" not in answer.headers
        return answer.status_code

    while time.monotonic() - signed_in < 2.5 * LIFE:
        assert status(cookies) == 200, f"after {time.monotonic() - signed_in:.1f} s"
        time.sleep(0.25)
    assert status(idle) == 401, "a session nobody used should have ended"
