"""canaille with one person, Ann, whose password is her name, and a client of control's for each flow. Arguments: port, control's URL, the
secret of that for codes."""

from __future__ import annotations

import datetime
import logging
import secrets
import sys

from canaille import create_app
from canaille.app import models
from canaille.backends import Backend
from joserfc import jwk
from werkzeug.serving import make_server

PORT, CONTROL, SECRET = int(sys.argv[1]), sys.argv[2], sys.argv[3]

app = create_app(
    {
        "SECRET_KEY": secrets.token_hex(16),
        "SERVER_NAME": f"127.0.0.1:{PORT}",
        "PREFERRED_URL_SCHEME": "http",
        "CANAILLE": {"DATABASE": "memory", "JAVASCRIPT": False, "HTMX": False},
        "CANAILLE_OIDC": {"ACTIVE_JWKS": [jwk.RSAKey.generate_key(2048, auto_kid=True).as_dict(private=True)]},
    }
)
with app.app_context():
    ann = models.User(user_name="ann", formatted_name="Ann", family_name="Ann", emails=["ann@example.com"], password="ann")
    Backend.instance.save(ann)
    flows = {
        "aeolus-control": (f"{CONTROL}/v1/oauth/callback/", "authorization_code", ["code"], "client_secret_basic"),
        "aeolus-implicit": (f"{CONTROL}/v1/oauth/redirect/", "implicit", ["id_token", "token"], "none"),
    }
    for name, (redirect, grant, responses, method) in flows.items():
        client = models.Client(
            client_id=name,
            client_secret=SECRET,
            client_id_issued_at=datetime.datetime.now(datetime.timezone.utc),
            client_name="Aeolus",
            redirect_uris=[redirect],
            grant_types=[grant],
            response_types=responses,
            scope=["openid", "profile", "email"],
            token_endpoint_auth_method=method,
        )
        Backend.instance.save(client)
        # Its form for administrators does the same.
        client.audience = [client]
        Backend.instance.save(client)

logging.getLogger("werkzeug").setLevel(logging.WARNING)
make_server("127.0.0.1", PORT, app, threaded=True).serve_forever()
