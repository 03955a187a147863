"""A mail server that takes messages over STARTTLS from one account: `server.py CERTIFICATE KEY USER PASSWORD`.

Says its port in the first line of its output, and each message as a JSON object in a line of its own.
"""

from __future__ import annotations

import json
import socket
import ssl
import sys
import threading

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult


class Takes:
    async def handle_DATA(self, server, session, envelope):
        message = {
            "from": envelope.mail_from,
            "to": envelope.rcpt_tos,
            "text": envelope.content.decode(),
            "tls": session.ssl is not None,
            "authenticated": session.authenticated,
        }
        print(json.dumps(message), flush=True)
        return "250 taken"


def main() -> None:
    certificate, key, user, password = sys.argv[1:]
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)

    def known(server, session, envelope, mechanism, given) -> AuthResult:
        good = (given.login, given.password) == (user.encode(), password.encode())
        return AuthResult(success=good, handled=False)

    controller = Controller(
        Takes(),
        hostname="127.0.0.1",
        port=0,
        tls_context=context,
        require_starttls=True,
        auth_required=True,
        authenticator=known,
    )
    # Its own start asks port 0 whether it answers.
    controller.port = free_port()
    controller.start()
    print(controller.port, flush=True)
    threading.Event().wait()


def free_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return taken.getsockname()[1]


main()
