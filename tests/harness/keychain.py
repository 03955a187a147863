"""A desktop session's keychain: a bus of its own and GNOME Keyring, unlocked."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from harness.process import running, wait_for


@contextmanager
def keychain(home: Path) -> Iterator[dict[str, str]]:
    """The environment in which commands find the keychain, until the block ends."""
    for folder in (home, home / "run", home / "data"):
        folder.mkdir(mode=0o700)
    bus = home / "run" / "bus"
    env = {
        "HOME": str(home),
        "XDG_RUNTIME_DIR": str(home / "run"),
        "XDG_DATA_HOME": str(home / "data"),
        "XDG_CONFIG_HOME": str(home / "config"),
        "DBUS_SESSION_BUS_ADDRESS": f"unix:path={bus}",
    }
    password = home / "password"
    password.write_text("opens it")
    daemon = ["dbus-daemon", "--session", "--nofork", f"--address=unix:path={bus}"]
    keyring = ["gnome-keyring-daemon", "--foreground", "--unlock", "--components=secrets"]
    keyring.append(f"--control-directory={home / 'run' / 'keyring'}")
    with running(daemon, home / "bus.log", env=env):
        wait_for("the session bus", bus.exists, 20)
        with password.open() as stdin, running(keyring, home / "keyring.log", env=env, stdin=stdin):
            wait_for("the keyring", lambda: "GNOME_KEYRING_CONTROL" in (home / "keyring.log").read_text(), 20)
            yield env
