"""The role ladder: what each Aeolus role may do in Airflow.

The four rungs and what they open are those of Airflow's own SimpleAuthManager, so that a person
who knows Airflow's roles knows these, with two doors closed further: the configuration needs ``op``
also to be read, and writing through a plugin's own view needs ``admin``.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, IntEnum


class Role(IntEnum):
    """A rung of the ladder. Each one may do everything the rungs below it may."""

    VIEWER = 1
    USER = 2
    OP = 3
    ADMIN = 4

    @staticmethod
    def parse(claim: object) -> Role | None:
        """Read the ``role`` claim; ``None`` means "known to us, but may do nothing here".

        An unknown role is deliberately no error. Airflow's pages answer an invalid token by
        starting a new sign-in, which for a signed-in person without a role would never end.
        """
        return _BY_CLAIM.get(claim) if isinstance(claim, str) else None


_BY_CLAIM = {role.name.lower(): role for role in Role}


@dataclass(frozen=True)
class Need:
    """The least role that may read a kind of resource, and the least that may change it."""

    read: Role
    write: Role

    def met_by(self, role: Role | None, method: str) -> bool:
        """Whether `role` is enough. Every method but ``GET`` counts as a change."""
        if role is None:
            return False
        return role >= (self.read if method == "GET" else self.write)


class Resource(Enum):
    """The kinds of resource Airflow asks about."""

    DAG = "dag"
    ASSET = "asset"
    ASSET_ALIAS = "asset alias"
    POOL = "pool"
    VIEW = "view"
    CONNECTION = "connection"
    VARIABLE = "variable"
    CONFIGURATION = "configuration"
    CUSTOM_VIEW = "custom view"


NEEDS: dict[Resource, Need] = {
    Resource.DAG: Need(read=Role.VIEWER, write=Role.USER),
    Resource.ASSET: Need(read=Role.VIEWER, write=Role.OP),
    Resource.ASSET_ALIAS: Need(read=Role.VIEWER, write=Role.OP),
    Resource.POOL: Need(read=Role.VIEWER, write=Role.OP),
    Resource.VIEW: Need(read=Role.VIEWER, write=Role.VIEWER),
    Resource.CONNECTION: Need(read=Role.OP, write=Role.OP),
    Resource.VARIABLE: Need(read=Role.OP, write=Role.OP),
    Resource.CONFIGURATION: Need(read=Role.OP, write=Role.OP),
    Resource.CUSTOM_VIEW: Need(read=Role.VIEWER, write=Role.ADMIN),
}
"""What each kind of resource asks for; a kind without a line here does not exist."""

MENU_NEEDS: dict[str, Role] = {
    "Connections": Role.OP,
    "Variables": Role.OP,
    "Config": Role.OP,
}
"""Menu entries, by their Airflow name, that would only lead a lower role to a refusal.

Every other entry needs ``viewer``. A menu hides; what refuses is `Resource`.
"""
