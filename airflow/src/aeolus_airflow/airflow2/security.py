"""The security manager: every request is somebody the gate vouches for, or it is refused."""

from __future__ import annotations

from typing import Any

import jwt
from airflow.providers.fab.auth_manager.models import User
from airflow.providers.fab.auth_manager.security_manager.override import (
    FabAirflowSecurityManagerOverride,
)
from airflow.providers.fab.auth_manager.views.user import CustomUserRemoteUserModelView
from flask import Response, abort, g, has_request_context, request, session
from flask_appbuilder.const import AUTH_REMOTE_USER
from flask_login import LoginManager
from sqlalchemy.exc import IntegrityError

from aeolus_airflow.airflow2.tokens import Claims, TokenVerifier
from aeolus_airflow.settings import Settings

BUILT_IN = frozenset({"Admin", "Op", "User", "Viewer", "Public"})
"""The roles that come from the gate. All others belong to whoever made them in Airflow."""

PUBLIC_PATHS = frozenset({"/health", "/api/v1/health", "/api/v1/version"})
"""What the gate lets through without identity; Airflow's static files are the rest of it."""

NO_USERS_HERE = "Users come from Aeolus; nobody can be created in this Airflow."


class _TokenLogin(LoginManager):  # type: ignore[misc]
    """The current user is that of this request's token; no session and no cookie has a say."""

    def _load_user(self) -> None:
        self._update_request_context_with_user(getattr(g, "aeolus_user", None))


class _UserView(CustomUserRemoteUserModelView):  # type: ignore[misc]
    base_permissions = [
        name for name in CustomUserRemoteUserModelView.base_permissions if name != "can_create"
    ]


class AeolusSecurityManager(FabAirflowSecurityManagerOverride):  # type: ignore[misc]
    """Trusts the tokens of this deployment's gate, and mirrors whom they name.

    Permissions stay those of Airflow's roles, so custom roles and DAG-level access go on working.
    """

    userremoteusermodelview = _UserView

    def __init__(self, appbuilder: Any) -> None:
        self._verifier = TokenVerifier(Settings.load_airflow2())
        app = appbuilder.get_app
        # Whatever the file says: there is no form, no password and no anonymous role.
        app.config["AUTH_TYPE"] = AUTH_REMOTE_USER
        app.config["AUTH_USER_REGISTRATION"] = False
        app.config["AUTH_ROLE_PUBLIC"] = None
        super().__init__(appbuilder)
        # Before everything else, so that a stranger learns nothing from other checks.
        app.before_request_funcs.setdefault(None, []).insert(0, self._authenticate)

    def create_login_manager(self) -> LoginManager:
        """Return the login manager that knows nobody but the token's user."""
        manager = _TokenLogin(self.appbuilder.app)
        manager.anonymous_user = super().create_login_manager().anonymous_user
        manager.login_view = "login"
        self.appbuilder.app.login_manager = manager
        return manager

    def _authenticate(self) -> Response | None:
        if _is_public():
            return None
        try:
            claims = self._verifier.verify(_bearer())
        except jwt.InvalidTokenError as error:
            self.log.warning("Refused a request: %s", error)
            return Response("You may not do this.\n", 403, mimetype="text/plain")
        user = self._mirror(claims)
        if user is None or not user.active:
            self.log.warning("Refused %s: not active in this Airflow", claims.sub)
            return Response("You may not do this.\n", 403, mimetype="text/plain")
        g.aeolus_user = user
        if not request.path.startswith("/api/"):
            _own_session(claims.sub)
        return None

    # The mirror.

    def _mirror(self, claims: Claims) -> User | None:
        try:
            return self._synchronized(claims)
        except IntegrityError:
            # The first requests of a browser come together; another one was faster.
            self.get_session.rollback()
            return self._synchronized(claims)

    def _synchronized(self, claims: Claims) -> User:
        user = self.find_user(username=claims.sub)
        if user is None:
            user = self.user_model(username=claims.sub, last_name="", active=True, password="")
            self.get_session.add(user)
        email = self._free_email(claims, user)
        name = (claims.full_name or claims.email or claims.sub)[:256]
        if (user.email, user.first_name) != (email, name):
            user.email, user.first_name = email, name
        wanted = claims.roles & BUILT_IN
        if {role.name for role in user.roles if role.name in BUILT_IN} != wanted:
            custom = [role for role in user.roles if role.name not in BUILT_IN]
            user.roles = custom + [role for name in sorted(wanted) if (role := self.find_role(name))]
        if self.get_session.new or self.get_session.dirty:
            self.get_session.commit()
        return user

    def _free_email(self, claims: Claims, user: User) -> str:
        """The address, unless a former user of this Airflow has it: it is unique there."""
        if not claims.email or user.email == claims.email:
            return claims.email or claims.sub
        with self.get_session.no_autoflush:
            other = self.find_user(email=claims.email)
        return claims.email if other is None or other is user else claims.sub

    # Doors that are closed.

    def add_user(self, *_: Any, **__: Any) -> bool:
        """Refuse: users come from Aeolus."""
        if has_request_context():
            abort(403, NO_USERS_HERE)
        self.log.error(NO_USERS_HERE)
        return False

    def auth_user_db(self, *_: Any) -> None:
        """Know no password."""

    auth_user_ldap = auth_user_oauth = auth_user_oid = auth_user_remote_user = auth_user_db

    def load_user_jwt(self, *_: Any) -> None:
        """Believe no token of Flask-AppBuilder's own."""


def _is_public() -> bool:
    if request.path in PUBLIC_PATHS:
        return True
    endpoint = request.endpoint or ""
    return request.path.startswith("/static/") and endpoint.split(".")[-1] == "static"


def _bearer() -> str:
    header = request.headers.get("Authorization", "")
    scheme, _, token = header.partition(" ")
    if scheme.lower() != "bearer" or not token:
        raise jwt.InvalidTokenError("no bearer token")
    return token


def _own_session(sub: str) -> None:
    """Drop what a former person of the same browser left in Airflow's session."""
    if session.get("aeolus_sub", sub) != sub:
        session.clear()
    if session.get("aeolus_sub") != sub:
        session["aeolus_sub"] = sub
