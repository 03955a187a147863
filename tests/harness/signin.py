"""Signing in as a person does, without a browser: following links and filling in the one form."""

from __future__ import annotations

from html.parser import HTMLParser
from urllib.parse import urljoin

import requests


class Form(HTMLParser):
    """The first form of a page: where it goes and what it carries."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.action: str | None = None
        self.fields: dict[str, str] = {}
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        named = dict(attrs)
        if tag == "form" and self.action is None:
            self.action = named.get("action") or ""
        if tag == "input" and named.get("name"):
            self.fields[named["name"]] = named.get("value") or ""


def sign_in(url: str, email: str, password: str) -> requests.Session:
    """A session that is signed in at the deployment behind `url`."""
    session = requests.Session()
    session.headers.update({"Accept": "text/html", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document"})
    page = session.get(url, timeout=20)
    form = Form(page.text)
    if form.action is None:
        raise AssertionError(f"no sign-in form at {page.url}: {page.status_code} {page.text[:400]}")
    target = urljoin(page.url, form.action)
    origin = "/".join(page.url.split("/")[:3])
    answer = session.post(
        target,
        data={**form.fields, "email": email, "password": password},
        headers={"Origin": origin, "Sec-Fetch-Site": "same-origin"},
        timeout=20,
    )
    if not answer.url.startswith(url.rstrip("/")) or answer.status_code != 200:
        raise AssertionError(f"signing in ended at {answer.url}: {answer.status_code} {answer.text[:400]}")
    session.headers.clear()
    session.headers.update({"Accept": "application/json"})
    return session
