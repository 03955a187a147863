"""Hundreds of gates that lost control together and find it again."""

from __future__ import annotations

from collections import Counter

import pytest
from harness import aeolus
from harness.herd import HERD, Admin, document, herd, now, plane
from harness.process import wait_for

pytestmark = pytest.mark.alone

GATES, PLANES = 500, 5


@pytest.fixture
def control(tmp_path):
    """A control plane that no other test stops, with a few planes enrolled: fleet and gate folders."""
    assert HERD.is_file(), "cargo build --workspace makes it"
    password = tmp_path / "password"
    aeolus.private(password, b"correct horse battery staple")
    (tmp_path / "fleet.yaml").write_text(document(PLANES))
    with aeolus.controlled(tmp_path / "aeolus", tmp_path / "fleet.yaml", password, tmp_path / "logs") as fleet:
        folders = [tmp_path / plane(number) for number in range(PLANES)]
        for folder in folders:
            fleet.enrol(folder.name, folder)
        yield fleet, folders


def test_f50_five_hundred_gates_that_come_back_at_once_are_all_right_within_half_a_minute(
    control, tmp_path, figure
):
    fleet, folders = control
    admin = Admin(fleet)
    token = admin.create_token("herd")
    with herd(fleet.control, GATES, folders, tmp_path / "logs" / "herd.log", spread=5) as gates:
        gates.wait(token["seq"], 60)
        fleet.stop_control()
        stopped = now()

        def lost() -> bool:
            failed = Counter(call["gate"] for call in list(gates.calls) if call["at"] >= stopped and call["error"])
            return len(failed) == GATES and min(failed.values()) >= 4

        wait_for("every gate to miss control again and again", lost, 30)
        starting = now()
        fleet.start_control()
        back = now()
        revoked = admin.revoke(token["id"])
        gates.wait(revoked, 30)
        took = max(gates.in_force(revoked)) - back
        answers = gates.answered(starting, now())
    assert took <= 30e9
    assert all(said[-1]["revoked"] == 1 for said in gates.positions.values()), "the token is refused everywhere"
    assert gates.steps_back() == []
    # Gates that lost control in the same moment come back over seconds, each at its own.
    again = {}
    for call in answers:
        if call["call"] == "manifest":
            again.setdefault(call["gate"], call["at"])
    returns = Counter(at // 1_000_000_000 for at in again.values())
    assert len(again) == GATES and len(returns) >= 3 and max(returns.values()) < GATES * 3 // 4, returns
    p99 = sorted(call["took"] for call in answers)[len(answers) * 99 // 100]
    text = f"{GATES} gates converged in {took / 1e9:.1f} s, p99 of answers {p99 / 1e6:.0f} ms"
    figure(text)
    print(text)
