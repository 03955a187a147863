"""Passwords tried by the hundred, and a control plane with a tenth of a processor: what matters is answered first."""

from __future__ import annotations

import http.client
import itertools
import os
import signal
import statistics
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from urllib.parse import urlencode, urlsplit

import pytest
from conftest import PASSWORD
from harness import aeolus

pytestmark = pytest.mark.alone

FLEET = """
version: 1
planes: [{{name: local, authHost: localhost}}]
connections: [{{name: local, type: local}}]
organizations:
  - name: acme
    users:
      - {{email: ann@example.com, role: ORGANIZATION_OWNER, password: {{file: password}}}}
      - {{email: ben@example.com, role: ORGANIZATION_MEMBER, password: {{file: password}}}}
    workspaces:
      - name: sales
        deployments:
          - {{name: echo, plane: local, hosts: [echo.localhost], upstream: "http://127.0.0.1:{port}"}}
"""
DEPLOYMENT = "acme/sales/echo"
ATTACKERS = ["127.0.9.1", "127.0.9.2", "127.0.9.3", "127.0.9.4"]
ELSEWHERE = "127.0.7.1"
RATE = 200


@pytest.fixture
def own(upstream, tmp_path):
    with aeolus.alone(tmp_path, FLEET.format(port=upstream.port), PASSWORD) as fleet:
        yield fleet


def ask(fleet, source: str, method: str, path: str, form: dict[str, str] | None = None) -> tuple[int, float]:
    """A status, and how long it took to come, for a client at an address of this machine."""
    where = urlsplit(fleet.control)
    began = time.monotonic()
    connection = http.client.HTTPConnection(where.hostname, where.port, timeout=30, source_address=(source, 0))
    headers = {"Origin": fleet.control, "Sec-Fetch-Site": "same-origin"}
    if form:
        headers["Content-Type"] = "application/x-www-form-urlencoded"
    try:
        connection.request(method, path, urlencode(form) if form else None, headers)
        answer = connection.getresponse()
        answer.read()
        return answer.status, time.monotonic() - began
    finally:
        connection.close()


def sign_in(fleet, source: str, email: str, password: str) -> tuple[int, float]:
    return ask(fleet, source, "POST", "/login", {"email": email, "password": password})


@contextmanager
def spray(fleet):
    """Tries passwords at a steady rate, and gives what came of it."""
    stop, answers = threading.Event(), Counter()

    def attempt(number: int) -> None:
        source = ATTACKERS[number % len(ATTACKERS)]
        email = "ann@example.com" if number % 50 == 0 else f"guess{number}@example.com"
        try:
            answers[sign_in(fleet, source, email, f"guess {number}")[0]] += 1
        except OSError:
            answers[0] += 1

    def drive() -> None:
        due = time.monotonic()
        with ThreadPoolExecutor(64) as pool:
            for number in itertools.count():
                due += 1 / RATE
                if stop.wait(max(0.0, due - time.monotonic())):
                    break
                pool.submit(attempt, number)
            pool.shutdown(cancel_futures=True)

    driver = threading.Thread(target=drive)
    driver.start()
    try:
        yield answers
    finally:
        stop.set()
        driver.join()


def test_f56_passwords_are_sprayed_and_others_sign_in(own):
    with spray(own) as answers:
        took = []
        for number in range(20):
            status, seconds = sign_in(own, f"127.0.7.{number + 1}", "ben@example.com", PASSWORD)
            assert status == 303, (number, status, answers)
            took.append(seconds)
            status, seconds = ask(own, ELSEWHERE, "GET", "/.well-known/jwks.json")
            assert status == 200
            assert seconds < 2
    # The figure is 2 s for all but one in a hundred; this program is built for debugging, beside its attackers.
    assert statistics.median(took) < 2, took
    assert max(took) < 5, took
    assert answers[401] and set(answers) <= {401, 429, 503}, answers
    # Nobody is locked out by it but at the addresses it came from.
    assert sign_in(own, ELSEWHERE, "ben@example.com", PASSWORD)[0] == 303


@contextmanager
def a_tenth_of_a_processor(pid: int):
    """Lets a process run for 10 of every 100 ms."""
    stop = threading.Event()

    def drive() -> None:
        while not stop.wait(0.01):
            os.kill(pid, signal.SIGSTOP)
            stop.wait(0.09)
            os.kill(pid, signal.SIGCONT)

    driver = threading.Thread(target=drive)
    driver.start()
    try:
        yield
    finally:
        stop.set()
        driver.join()
        os.kill(pid, signal.SIGCONT)


def test_f54_with_a_tenth_of_a_processor_revocations_come_before_passwords(own):
    tokens = [own.create_token(f"t{number}", DEPLOYMENT, "DEPLOYMENT_VIEWER") for number in range(5)]
    with a_tenth_of_a_processor(own.processes["control"].pid), spray(own) as answers:
        took = []
        for token in tokens:
            began = time.monotonic()
            own.run("token", "delete", token["id"], "--no-wait")
            took.append(time.monotonic() - began)
            status, seconds = ask(own, ELSEWHERE, "GET", "/.well-known/jwks.json")
            assert status == 200
            assert seconds < 10
    assert max(took) < 10, took
    assert answers[401] or answers[503], f"nobody tried a password: {answers}"
