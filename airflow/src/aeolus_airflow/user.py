"""The signed-in user, exactly as the gate's token describes them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from airflow.api_fastapi.auth.managers.models.base_user import BaseUser

from aeolus_airflow.roles import Role


@dataclass(frozen=True)
class AeolusUser(BaseUser):
    """Who a request comes from, for the length of that request.

    Nothing about users is stored in Airflow: they need not exist there before their first request,
    and a changed role or team arrives with the next token.
    """

    sub: str
    """The stable id of the user, team or API token in Aeolus."""
    role: Role | None
    """``None``: known, but without any permission in this deployment."""
    email: str | None = None
    name: str | None = None
    teams: frozenset[str] = frozenset()
    """The Airflow teams (multi-team mode) whose resources this user may reach."""

    def get_id(self) -> str:
        """Return the id under which Airflow keeps favourites and notes: it survives a rename."""
        return self.sub

    def get_name(self) -> str:
        """Return the name for the audit log and ``triggering_user_name``.

        The e-mail address comes first since two people can share a display name.
        """
        return self.email or self.name or self.sub

    def in_team(self, team: str | None) -> bool:
        """Whether resources of `team` are open to this user; ``None`` is a resource of no team."""
        return team is None or self.role is Role.ADMIN or team in self.teams

    @classmethod
    def from_claims(cls, claims: dict[str, Any]) -> AeolusUser:
        """Build the user from verified claims.

        :raises ValueError: a claim has a shape the gate never mints.
        """
        teams = claims.get("teams")
        if teams is None:
            teams = []
        if not isinstance(teams, list) or not all(isinstance(team, str) for team in teams):
            raise ValueError("the claim teams is not a list of names")
        return cls(
            sub=_text(claims, "sub"),
            role=Role.parse(claims.get("role")),
            email=_optional_text(claims, "email"),
            name=_optional_text(claims, "name"),
            teams=frozenset(teams),
        )

    def to_claims(self) -> dict[str, Any]:
        """Return the claims `from_claims` would read back, for Airflow's ``serialize_user``."""
        return {
            "sub": self.sub,
            "role": self.role.name.lower() if self.role else None,
            "email": self.email,
            "name": self.name,
            "teams": sorted(self.teams),
        }


def _text(claims: dict[str, Any], claim: str) -> str:
    value = claims.get(claim)
    if not isinstance(value, str) or not value:
        raise ValueError(f"the claim {claim} is not a text")
    return value


def _optional_text(claims: dict[str, Any], claim: str) -> str | None:
    value = claims.get(claim)
    if value is None or value == "":
        return None
    return _text(claims, claim)
