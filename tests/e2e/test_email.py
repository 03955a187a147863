"""Sending e-mail through a real server: STARTTLS, a private authority, a name and a password."""

from __future__ import annotations

from email import message_from_string
from email.utils import parseaddr

from conftest import PASSWORD, required
from harness import smtp
from harness.aeolus import ADMIN, controlled, private, run

DOCUMENT = """
version: 1
organizations:
  - name: acme
"""


def settings(server: smtp.Server, password: str) -> dict[str, str]:
    """Control's settings for a server."""
    return {
        "EMAIL__SMTP__HOST": "127.0.0.1",
        "EMAIL__SMTP__PORT": str(server.port),
        "EMAIL__SMTP__START_TLS": "true",
        "EMAIL__SMTP__AUTH__USER": smtp.USER,
        "EMAIL__SMTP__AUTH__PASS__FILE": password,
        "EMAIL__SMTP__TLS__CA_FILE": str(server.certificate),
        "EMAIL__FROM": "Aeolus <aeolus@example.com>",
    }


def test_a_message_goes_over_starttls_with_a_password_and_mistakes_are_explained(tmp_path):
    required("aiosmtpd", smtp.PYTHON.exists())
    private(tmp_path / "password", PASSWORD.encode() + b"\n")
    private(tmp_path / "smtp-password", smtp.PASSWORD.encode() + b"\n")
    private(tmp_path / "wrong-password", b"wrong\n")
    (tmp_path / "fleet.yaml").write_text(DOCUMENT)
    with smtp.server(tmp_path) as server:
        good = settings(server, str(tmp_path / "smtp-password"))
        shown = run("config", "print", env=good).stdout
        assert "email.smtp.port" in shown and smtp.PASSWORD not in shown
        files = (tmp_path / "aeolus", tmp_path / "fleet.yaml", tmp_path / "password", tmp_path / "logs")
        with controlled(*files, **good) as fleet:
            said = fleet.run("email", "test", "--to", "ann@example.com")
            assert "starttls" in said.stdout, said.stdout
            took = server.next()
            assert took["tls"] and took["authenticated"] and took["to"] == ["ann@example.com"]
            message = message_from_string(took["text"])
            assert parseaddr(message["From"]) == ("Aeolus", "aeolus@example.com")
            assert message["Message-ID"] in said.stdout
            assert message.get_content_type() == "text/plain" and not message.is_multipart()
            # Mistakes: another password, no authority that vouches for the server.
            system = {name: value for name, value in good.items() if not name.endswith("CA_FILE")}
            wrong = {**good, "EMAIL__SMTP__AUTH__PASS__FILE": str(tmp_path / "wrong-password")}
            for changed, text in ((wrong, "email.smtp.auth"), (system, "email.smtp.tls.caFile")):
                fleet.stop_control()
                fleet.settings = changed
                fleet.start_control()
                refused = fleet.run("email", "test", "--to", ADMIN, check=False)
                assert refused.returncode == 1 and text in refused.stderr, refused.stderr
            assert server.messages.empty()
            # One of the company's own authorities vouches for it as well (K12).
            fleet.stop_control()
            fleet.settings = {**system, "TLS__PRIVATE_CA_CERTS": str(server.certificate)}
            fleet.start_control()
            fleet.run("email", "test", "--to", "ann@example.com")
            assert server.next()["tls"]
            log = (tmp_path / "logs" / "control.log").read_text()
            assert smtp.PASSWORD not in log
