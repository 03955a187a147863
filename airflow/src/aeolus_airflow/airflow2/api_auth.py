"""API auth backend: whoever `AeolusSecurityManager` let in, and nobody else.

The token was verified before the request got here. With another security manager in force nobody
passes.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any, TypeVar, cast

from flask import Flask, Response, g

CLIENT_AUTH = None

T = TypeVar("T", bound=Callable[..., Any])


def init_app(_: Flask) -> None:
    """Nothing to prepare; Airflow calls it."""


def requires_authentication(function: T) -> T:
    """Let `function` answer only those who came with a token of the gate."""

    @wraps(function)
    def decorated(*args: Any, **kwargs: Any) -> Any:
        if getattr(g, "aeolus_user", None) is None:
            return Response("Forbidden", 403)
        return function(*args, **kwargs)

    return cast(T, decorated)
