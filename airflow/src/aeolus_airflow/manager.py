"""The auth manager: Airflow's questions, answered from the gate's token alone."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any, NoReturn

import jwt
from airflow.api_fastapi.auth.managers.base_auth_manager import BaseAuthManager
from fastapi import HTTPException, status

from aeolus_airflow.keys import GateKeys, KeysUnavailable
from aeolus_airflow.roles import MENU_NEEDS, NEEDS, Resource, Role
from aeolus_airflow.settings import Settings
from aeolus_airflow.tokens import TokenVerifier
from aeolus_airflow.user import AeolusUser

if TYPE_CHECKING:
    from airflow.api_fastapi.auth.managers.base_auth_manager import ResourceMethod
    from airflow.api_fastapi.auth.managers.models.resource_details import (
        AccessView,
        AssetAliasDetails,
        AssetDetails,
        BackfillDetails,
        ConfigurationDetails,
        ConnectionDetails,
        DagAccessEntity,
        DagDetails,
        PoolDetails,
        TeamDetails,
        VariableDetails,
    )
    from airflow.api_fastapi.common.types import MenuItem

log = logging.getLogger(__name__)

NO_TOKENS_HERE = (
    "Airflow issues no tokens behind Aeolus. Create an API token in Aeolus "
    "(`aeolus token create`) and send it to this address as `Authorization: Bearer`; "
    "the gate in front of Airflow accepts it."
)
KEYS_UNAVAILABLE = (
    "Airflow could not yet read the keys of its Aeolus gate, so it cannot tell who you are. "
    "It tries again with each request; whoever runs this deployment should check that "
    "[aeolus] jwks_url answers from the API server."
)


class AeolusAuthManager(BaseAuthManager[AeolusUser]):
    """Trusts the tokens of this deployment's gate, and no others.

    It has no login form, no user table and no password; nothing is mounted under ``/auth``. It is
    built on Airflow's abstract base and not on its SimpleAuthManager, so that none of that one's
    switches (such as "everybody is an admin") exist here.
    """

    _verifier: TokenVerifier
    _settings: Settings

    def init(self) -> None:
        """Read the settings; called once in each API server process.

        :raises AirflowConfigException: a setting is missing or wrong. The server does not start.
        """
        super().init()
        self._settings = Settings.load()
        self._verifier = TokenVerifier(self._settings, GateKeys(self._settings))

    # Tokens.

    async def get_user_from_token(self, token: str) -> AeolusUser:
        """Return the user of a verified token.

        Airflow's table of revoked tokens is not asked: see `revoke_token`.
        """
        try:
            return AeolusUser.from_claims(await self._verifier.verify(token))
        except KeysUnavailable:
            # A 401 or 403 would send a signed-in person round the sign-in page without end.
            raise HTTPException(status.HTTP_503_SERVICE_UNAVAILABLE, KEYS_UNAVAILABLE) from None
        except jwt.InvalidTokenError as error:
            log.warning("Refused a token: %s", error)
            raise
        except ValueError as error:
            log.warning("Refused a token: %s", error)
            raise jwt.InvalidTokenError(str(error)) from None

    def deserialize_user(self, token: dict[str, Any]) -> AeolusUser:
        """Build the user from claims that were verified before."""
        return AeolusUser.from_claims(token)

    def serialize_user(self, user: AeolusUser) -> dict[str, Any]:
        """Return the claims of `user`."""
        return user.to_claims()

    def generate_jwt(
        self, user: AeolusUser, *, expiration_time_in_seconds: int | None = None
    ) -> NoReturn:
        """Refuse: a token minted here would outlive the role, the session and every revocation."""
        raise HTTPException(status.HTTP_403_FORBIDDEN, NO_TOKENS_HERE)

    @classmethod
    def _get_token_signer(cls, *_: Any, **__: Any) -> NoReturn:  # type: ignore[override]
        raise HTTPException(status.HTTP_403_FORBIDDEN, NO_TOKENS_HERE)

    @classmethod
    def _get_token_validator(cls) -> NoReturn:  # type: ignore[override]
        # The inherited one would believe Airflow's own secret.
        raise jwt.InvalidTokenError("only the gate's tokens are accepted")

    def revoke_token(self, token: str) -> None:
        """Do nothing: sessions end at the gate.

        Airflow calls this when a person signs out. The token belongs to the gate, which hands the
        same one to all requests of a session; refusing it here would lock out a person who has
        signed in again while the gate still held it.
        """

    def refresh_user(self, *, user: AeolusUser) -> None:
        """Return nothing, so that Airflow never mints a token of its own."""

    # Pages.

    def get_url_login(self, **_: Any) -> str:
        """Return the gate's sign-in page; Airflow appends ``?next=``."""
        return self._settings.login_url

    def get_url_logout(self) -> str:
        """Return the gate's sign-out page, which ends the session behind the tokens."""
        return self._settings.logout_url

    def get_fastapi_app(self) -> None:
        """Mount nothing under ``/auth``: there is no form and no token endpoint."""

    def filter_authorized_menu_items(
        self, menu_items: list[MenuItem], *, user: AeolusUser
    ) -> list[MenuItem]:
        """Hide what would only lead to a refusal."""
        role = user.role
        if role is None:
            return []
        return [item for item in menu_items if role >= MENU_NEEDS.get(item.value, Role.VIEWER)]

    def _get_teams(self) -> set[str]:
        # Teams are created in Airflow; tokens only name those a user is in.
        return set()

    # Permissions.

    def is_authorized_dag(
        self,
        *,
        method: ResourceMethod,
        user: AeolusUser,
        access_entity: DagAccessEntity | None = None,
        details: DagDetails | None = None,
    ) -> bool:
        """DAGs with all that is in them: runs, tasks, logs, code."""
        return _allowed(Resource.DAG, method, user, details)

    def is_authorized_backfill(
        self,
        *,
        method: ResourceMethod,
        user: AeolusUser,
        details: BackfillDetails | None = None,
    ) -> bool:
        """Backfills, which Airflow before 3.1.8 asks about apart from their DAG."""
        return _allowed(Resource.DAG, method, user, details)

    def is_authorized_asset(
        self, *, method: ResourceMethod, user: AeolusUser, details: AssetDetails | None = None
    ) -> bool:
        """Assets and their events."""
        return _allowed(Resource.ASSET, method, user, details)

    def is_authorized_asset_alias(
        self, *, method: ResourceMethod, user: AeolusUser, details: AssetAliasDetails | None = None
    ) -> bool:
        """Other names of assets."""
        return _allowed(Resource.ASSET_ALIAS, method, user, details)

    def is_authorized_pool(
        self, *, method: ResourceMethod, user: AeolusUser, details: PoolDetails | None = None
    ) -> bool:
        """Pools."""
        return _allowed(Resource.POOL, method, user, details)

    def is_authorized_connection(
        self, *, method: ResourceMethod, user: AeolusUser, details: ConnectionDetails | None = None
    ) -> bool:
        """Connections, whose secrets make reading as strong as writing."""
        return _allowed(Resource.CONNECTION, method, user, details)

    def is_authorized_variable(
        self, *, method: ResourceMethod, user: AeolusUser, details: VariableDetails | None = None
    ) -> bool:
        """Variables, which hold secrets as well."""
        return _allowed(Resource.VARIABLE, method, user, details)

    def is_authorized_configuration(
        self,
        *,
        method: ResourceMethod,
        user: AeolusUser,
        details: ConfigurationDetails | None = None,
    ) -> bool:
        """Airflow's configuration, where ``[api] expose_config`` shows it at all."""
        return _allowed(Resource.CONFIGURATION, method, user, details)

    def is_authorized_view(self, *, access_view: AccessView, user: AeolusUser) -> bool:
        """Airflow's own pages, such as plugins, providers and import errors."""
        return _allowed(Resource.VIEW, "GET", user)

    def is_authorized_custom_view(
        self, *, method: ResourceMethod | str, resource_name: str, user: AeolusUser
    ) -> bool:
        """Pages of plugins, whose writes nobody here can judge."""
        return _allowed(Resource.CUSTOM_VIEW, method, user)

    def is_authorized_team(
        self, *, method: ResourceMethod, user: AeolusUser, details: TeamDetails | None = None
    ) -> bool:
        """Airflow teams (multi-team mode): those the token names, and all of them for an admin."""
        if details is None or details.name is None or user.role is None:
            return False
        return user.in_team(details.name)

    def is_authorized_hitl_task(self, *, assigned_users: set[str], user: AeolusUser) -> bool:
        """Tasks that wait for certain people, named in the DAG by Aeolus id or e-mail address."""
        return user.role is not None and (
            user.sub in assigned_users or (user.email is not None and user.email in assigned_users)
        )


def _allowed(resource: Resource, method: str, user: AeolusUser, details: Any = None) -> bool:
    """Whether `user`'s role is enough for `resource`, and the resource's team is one of theirs."""
    team = getattr(details, "team_name", None)
    return NEEDS[resource].met_by(user.role, method) and user.in_team(team)
