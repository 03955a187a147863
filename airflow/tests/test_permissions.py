"""What each role may do, as one table that a reviewer can read."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from airflow.api_fastapi.auth.managers.base_auth_manager import BaseAuthManager
from airflow.api_fastapi.auth.managers.models.resource_details import (
    AccessView,
    ConnectionDetails,
    DagAccessEntity,
    DagDetails,
    PoolDetails,
    TeamDetails,
    VariableDetails,
)
from airflow.api_fastapi.common.types import MenuItem

from aeolus_airflow import AeolusAuthManager, AeolusUser, Role

TABLE = """
    resource       method   none  viewer  user  op   admin
    dag            GET      -     yes     yes   yes  yes
    dag            POST     -     -       yes   yes  yes
    dag            PUT      -     -       yes   yes  yes
    dag            DELETE   -     -       yes   yes  yes
    run            GET      -     yes     yes   yes  yes
    run            POST     -     -       yes   yes  yes
    backfill       GET      -     yes     yes   yes  yes
    backfill       POST     -     -       yes   yes  yes
    asset          GET      -     yes     yes   yes  yes
    asset          POST     -     -       -     yes  yes
    asset_alias    GET      -     yes     yes   yes  yes
    asset_alias    PUT      -     -       -     yes  yes
    pool           GET      -     yes     yes   yes  yes
    pool           POST     -     -       -     yes  yes
    pool           DELETE   -     -       -     yes  yes
    connection     GET      -     -       -     yes  yes
    connection     PUT      -     -       -     yes  yes
    variable       GET      -     -       -     yes  yes
    variable       POST     -     -       -     yes  yes
    configuration  GET      -     -       -     yes  yes
    view           GET      -     yes     yes   yes  yes
    custom_view    GET      -     yes     yes   yes  yes
    custom_view    POST     -     -       -     -    yes
    custom_view    MENU     -     -       -     -    yes
    team           GET      -     -       -     -    yes
"""

ROLES: dict[str, Role | None] = {
    "none": None,
    "viewer": Role.VIEWER,
    "user": Role.USER,
    "op": Role.OP,
    "admin": Role.ADMIN,
}

Question = Callable[[AeolusAuthManager, str, AeolusUser], bool]

QUESTIONS: dict[str, Question] = {
    "dag": lambda am, m, u: am.is_authorized_dag(method=m, user=u),
    "run": lambda am, m, u: am.is_authorized_dag(
        method=m, user=u, access_entity=DagAccessEntity.RUN
    ),
    "backfill": lambda am, m, u: am.is_authorized_backfill(method=m, user=u),
    "asset": lambda am, m, u: am.is_authorized_asset(method=m, user=u),
    "asset_alias": lambda am, m, u: am.is_authorized_asset_alias(method=m, user=u),
    "pool": lambda am, m, u: am.is_authorized_pool(method=m, user=u),
    "connection": lambda am, m, u: am.is_authorized_connection(method=m, user=u),
    "variable": lambda am, m, u: am.is_authorized_variable(method=m, user=u),
    "configuration": lambda am, m, u: am.is_authorized_configuration(method=m, user=u),
    "view": lambda am, m, u: am.is_authorized_view(access_view=AccessView.WEBSITE, user=u),
    "custom_view": lambda am, m, u: am.is_authorized_custom_view(
        method=m, resource_name="a plugin's", user=u
    ),
    "team": lambda am, m, u: am.is_authorized_team(
        method=m, user=u, details=TeamDetails(name="north")
    ),
}


def user(role: str, *teams: str, email: str | None = None) -> AeolusUser:
    return AeolusUser(sub="u-1", role=ROLES[role], email=email, teams=frozenset(teams))


def cells() -> Iterator[tuple[str, str, str, bool]]:
    header, *rows = (line.split() for line in TABLE.strip().splitlines())
    for resource, method, *answers in rows:
        for role, answer in zip(header[2:], answers, strict=True):
            yield resource, method, role, answer == "yes"


@pytest.fixture(scope="module")
def manager() -> AeolusAuthManager:
    return AeolusAuthManager()


@pytest.mark.parametrize(("resource", "method", "role", "expected"), cells())
def test_the_table(
    manager: AeolusAuthManager, resource: str, method: str, role: str, expected: bool
) -> None:
    assert QUESTIONS[resource](manager, method, user(role)) is expected


def test_the_table_covers_every_question_airflow_can_ask() -> None:
    asked = {name.removeprefix("is_authorized_") for name in dir(BaseAuthManager)}
    asked = {name for name in asked if hasattr(BaseAuthManager, f"is_authorized_{name}")}
    assert asked - {"hitl_task"} <= QUESTIONS.keys()


@pytest.mark.parametrize(
    "claim", ["none", "", "VIEWER", "Admin", "superuser", "admin ", 4, None, ["admin"], {"a": 1}]
)
def test_a_role_that_is_not_exactly_one_of_the_four_is_no_role(claim: object) -> None:
    assert Role.parse(claim) is None


@pytest.mark.parametrize(
    ("role", "teams", "expected"),
    [
        ("op", ["north"], True),
        ("op", ["south"], False),
        ("op", [], False),
        ("viewer", ["north"], False),
        ("admin", [], True),
        ("none", ["north"], False),
    ],
)
def test_a_resource_of_a_team_needs_the_team_and_the_role(
    manager: AeolusAuthManager, role: str, teams: list[str], expected: bool
) -> None:
    who = user(role, *teams)
    for allowed in (
        manager.is_authorized_dag(method="PUT", user=who, details=DagDetails(team_name="north")),
        manager.is_authorized_pool(method="PUT", user=who, details=PoolDetails(team_name="north")),
        manager.is_authorized_connection(
            method="PUT", user=who, details=ConnectionDetails(team_name="north")
        ),
        manager.is_authorized_variable(
            method="PUT", user=who, details=VariableDetails(team_name="north")
        ),
    ):
        assert allowed is expected


@pytest.mark.parametrize("name", [None, "south"])
def test_a_team_is_open_to_its_members_only(manager: AeolusAuthManager, name: str | None) -> None:
    member = user("viewer", "north")
    north, other = TeamDetails(name="north"), TeamDetails(name=name)
    assert manager.is_authorized_team(method="GET", user=member, details=north)
    assert not manager.is_authorized_team(method="GET", user=member, details=other)
    assert not manager.is_authorized_team(method="GET", user=member, details=None)
    assert not manager.is_authorized_team(method="GET", user=user("none", "north"), details=north)


@pytest.mark.parametrize(
    ("role", "hidden"),
    [
        ("viewer", {"Connections", "Variables", "Config"}),
        ("user", {"Connections", "Variables", "Config"}),
        ("op", set()),
        ("admin", set()),
        ("none", {item.value for item in MenuItem}),
    ],
)
def test_the_menu_hides_what_would_be_refused(
    manager: AeolusAuthManager, role: str, hidden: set[str]
) -> None:
    shown = manager.filter_authorized_menu_items(list(MenuItem), user=user(role))
    assert {item.value for item in MenuItem} - {item.value for item in shown} == hidden


def test_a_waiting_task_is_answered_by_id_or_email(manager: AeolusAuthManager) -> None:
    ann = user("user", email="ann@example.com")
    assert manager.is_authorized_hitl_task(assigned_users={"u-1"}, user=ann)
    assert manager.is_authorized_hitl_task(assigned_users={"ann@example.com"}, user=ann)
    assert not manager.is_authorized_hitl_task(assigned_users={"bob@example.com"}, user=ann)
    nobody = user("none", email="ann@example.com")
    assert not manager.is_authorized_hitl_task(assigned_users={"u-1"}, user=nobody)


def test_a_user_survives_airflows_round_trip(manager: AeolusAuthManager) -> None:
    ann = user("op", "north", email="ann@example.com")
    assert manager.deserialize_user(manager.serialize_user(ann)) == ann


def test_the_audit_name_is_the_email_then_the_name_then_the_id() -> None:
    assert AeolusUser(sub="u", role=None, email="a@b.c", name="A").get_name() == "a@b.c"
    assert AeolusUser(sub="u", role=None, name="ci").get_name() == "ci"
    assert AeolusUser(sub="u", role=None).get_name() == "u"
