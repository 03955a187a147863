"""Two providers that write at once, each with several writers: nothing is lost. `make bench NAME=scim-load` is the long form."""

from __future__ import annotations

from contextlib import ExitStack

import pytest
from conftest import required
from harness import postgres, scim_controls
from harness.scim_client import Client, Pace
from harness.scim_model import Model, Span
from harness.scim_writers import difference, load, prepared

RATE, SECONDS, WRITERS = 25, 6, 4


@pytest.mark.parametrize("database", ["sqlite", "postgres"])
def test_scim_no_update_is_lost_whoever_writes_at_once(database, tmp_path, figure):
    with ExitStack() as stack:
        url, count = None, 1
        if database == "postgres":
            required("PostgreSQL", postgres.programs() is not None)
            url, count = stack.enter_context(postgres.postgres()).url, 2
        made = stack.enter_context(scim_controls.controls(tmp_path, count, url))
        connections = [prepared(made.urls, provider, "e2e", WRITERS) for provider in made.providers]
        load([(writers, Pace(RATE, SECONDS)) for writers in connections])
        for writers in connections:
            assert difference(made.urls, writers) is None
            figure(f"{database}: {sum(len(writer.client.latencies) for writer in writers)} requests")
        # Nor does it say so of what was done behind the model's back.
        writers = connections[0]
        group = next(group for group in writers[0].shared.groups if writers[0].inside.get(group))
        lost = sorted(writers[0].inside[group])[0]
        client = Client(made.urls, writers[0].provider)
        client.patch(f"/Groups/{group}", [{"op": "remove", "path": f'members[value eq "{lost}"]'}])
        found = difference(made.urls, writers)
        assert found and group in found and f"{lost} was put in and is lost" in found


def span(began: float, ended: float) -> Span:
    return Span(began, ended)


def test_scim_the_model_allows_what_an_order_of_the_requests_explains_and_nothing_else():
    model = Model()
    model.wrote_user("u", span(0, 1), title=None)
    model.named("g", span(0, 1), "a")

    def differs(title: str | None, name: str, *members: str) -> str | None:
        users = {"u": {"title": title, "groups": [{"value": "g"}] if "u" in members else []}}
        return model.difference(users, {"g": {"displayName": name, "members": [{"value": one} for one in members]}})

    assert differs(None, "a") is None
    assert "was taken out" in differs(None, "a", "u")
    # One after the other: the second counts. At once: either does.
    model.moved("g", span(2, 3), ["u"], into=True)
    assert differs(None, "a", "u") is None and "is lost" in differs(None, "a")
    model.replaced("g", span(2.5, 4), [])
    assert differs(None, "a", "u") is None and differs(None, "a") is None
    model.replaced("g", span(5, 6), [])
    assert differs(None, "a") is None and "was taken out" in differs(None, "a", "u")
    model.wrote_user("u", span(7, 9), title="x")
    model.wrote_user("u", span(8, 10), title="y")
    model.named("g", span(7, 8), "b")
    assert differs("x", "b") is None and differs("y", "b") is None
    assert "title is None" in differs(None, "b") and "is called 'a'" in differs("x", "a")
    assert "no user any more" in differs("x", "b", "ghost")
    assert "missing" in model.difference({}, {}) and "nobody made it" in Model().difference({"u": {}}, {})
