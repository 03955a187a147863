"""The `aeolus` program and what it serves."""

from __future__ import annotations

import json
import os
import queue
import signal
import subprocess
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from .airflow import answers
from .process import ROOT, Timeout, free_port, reap, running, signal_group, tail, wait_for
from .sockets import Sockets

BINARY = Path(os.environ.get("AEOLUS_BINARY", ROOT / "target" / "debug" / "aeolus"))
ADMIN = "admin@example.com"
LISTENERS = ("checks", "grpc", "fastcgi", "proxy")


class Fleet:
    """A control plane and a gate, each a process of its own that can be killed and started again."""

    def __init__(self, data: Path, logs: Path, settings: dict[str, str], name: str) -> None:
        self.data = data.resolve()
        self.logs = logs
        self.settings = settings
        self.metrics = "off"
        self.gate_metrics = "off"
        self.database = f"sqlite:{self.data}/control.db"
        self.config: Path | None = None
        # What the gate alone is told.
        self.gate_config: Path | None = None
        self.gate_settings: dict[str, str] = {}
        # What runs control: nothing, or what puts it into another network.
        self.within: list[str] = []
        # Only the gate's: a control plane that is killed must refuse connections.
        self.sockets = Sockets(**dict.fromkeys(LISTENERS, ("127.0.0.1", 0)))
        self.control_address = f"127.0.0.1:{free_port()}"
        self.control = f"http://{name}:{self.control_address.rsplit(':', 1)[1]}"
        self.gate, self.proxy = (f"http://{self.sockets.address(name)}" for name in ("checks", "proxy"))
        self.siblings = f"127.0.0.1:{free_port()}"
        self.processes: dict[str, subprocess.Popen] = {}

    def start_control(self, administered: bool = True) -> None:
        """Starts the control plane and waits until it answers; unless somebody administers it, it asks who does."""
        command = ["control", "serve", "--listen", self.control_address, "--metrics", self.metrics]
        command += ["--database", self.database, "--root-dir", f"{self.data}/root"]
        command += ["--master-key-file", f"{self.data}/master.key", "--public-url", self.control]
        if self.config:
            command += ["--config", str(self.config)]
        admin = {
            "CONTROL__FIRST_ADMIN__EMAIL": ADMIN,
            "CONTROL__FIRST_ADMIN__PASSWORD__FILE": f"{self.data}/admin-password",
        }
        self.start("control", command, {**(admin if administered else {}), **self.settings}, self.within)

    def start_gate(self) -> None:
        """Starts the gate and waits until it answers."""
        command = ["gate", "serve", "--data", f"{self.data}/gate", "--metrics", self.gate_metrics]
        for name in LISTENERS:
            command += [f"--{name}", self.sockets.address(name)]
        if self.gate_config:
            command += ["--config", str(self.gate_config)]
        mine = ("COMPAT__", "GATE__")
        both = {name: value for name, value in self.settings.items() if name.startswith(mine)}
        self.start("gate", command, {"GATE__SIBLINGS__LISTEN": self.siblings, **both, **self.gate_settings})

    def start(self, name: str, command: list[str], settings: dict[str, str], within: list[str] | None = None) -> None:
        """Starts a server with its sockets, as a service manager would."""
        log = self.logs / f"{name}.log"
        log.parent.mkdir(parents=True, exist_ok=True)
        # The convention wants the server's own process id, which only the server's shell knows.
        shell = 'export LISTEN_PID=$$; exec "$@"'
        with log.open("ab") as out:
            child = subprocess.Popen(
                [*(within or []), "sh", "-c", shell, "sh", str(BINARY), *command, "--ready-json"],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=out,
                env={**os.environ, **self.sockets.environment(), **settings},
                preexec_fn=self.sockets.hand_over,
                close_fds=False,
                start_new_session=True,
            )
        self.processes[name] = child
        if not first_line(child, 60).startswith("{"):
            raise Timeout(f"{name} did not get ready:\n{tail(log)}")

    def stop_control(self) -> None:
        """Stops the control plane as an upgrade does."""
        reap(self.processes["control"])

    def kill_control(self) -> None:
        """Kills the control plane, as a failing machine does."""
        signal_group(self.processes["control"], signal.SIGKILL)
        self.processes["control"].wait()

    def restart_gate(self) -> None:
        """Replaces the gate: the old process ends what it has begun, the new one takes over."""
        reap(self.processes["gate"])
        self.start_gate()

    def run(self, *arguments: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        """Runs a command as the administrator."""
        env = {"AEOLUS_CREDENTIALS": f"{self.data}/credentials.json", "AEOLUS_URL": self.control}
        return run(*arguments, env=env, check=check)

    def enrol(self, plane: str, folder: Path) -> None:
        """Makes a folder that of a gate of a plane."""
        join = self.run("plane", "add", plane).stdout
        run("gate", "enroll", "--data", str(folder), stdin=join)

    def create_token(self, name: str, deployment: str, role: str) -> dict[str, str]:
        """Makes an API token for a deployment: `id` and `token`."""
        made = self.run(
            "token", "create", "--name", name, "--deployment", deployment, "--role", role, "--output", "json"
        )
        return json.loads(made.stdout)

    def deployment_id(self, deployment: str) -> str:
        """The id of `ORGANIZATION/WORKSPACE/DEPLOYMENT`."""
        trust = airflow_settings(self.data / "gate", deployment, self.gate)
        return trust["AIRFLOW__AEOLUS__AUDIENCE"].rsplit(":", 1)[1]

    def end(self) -> None:
        """Ends everything."""
        for child in self.processes.values():
            reap(child)
        self.sockets.close()


@contextmanager
def controlled(
    data: Path,
    document: Path,
    password: Path,
    logs: Path,
    name: str = "127.0.0.1",
    database: str | None = None,
    **settings: str,
) -> Iterator[Fleet]:
    """A control plane with a fleet as a document describes it, and no gate yet, until the block ends.
    `name` is control's host, `database` another one than a file of its own, `settings` are its own."""
    data.mkdir(parents=True)
    fleet = Fleet(data, logs, settings, name)
    fleet.database = database or fleet.database
    with ExitStack() as stack:
        stack.callback(fleet.end)
        prepare(fleet.data, password)
        fleet.start_control()
        fleet.run("login", "--email", ADMIN, "--password-file", str(password))
        fleet.run("apply", "--file", str(document))
        yield fleet


@contextmanager
def serving(
    data: Path,
    document: Path,
    password: Path,
    logs: Path,
    name: str = "127.0.0.1",
    database: str | None = None,
    **settings: str,
) -> Iterator[Fleet]:
    """The same with a gate of its first plane."""
    with controlled(data, document, password, logs, name, database, **settings) as fleet:
        planes = json.loads(fleet.run("plane", "show", "--output", "json").stdout)
        fleet.enrol(planes[0]["name"], fleet.data / "gate")
        fleet.start_gate()
        wait_for("the gate's first snapshot", lambda: answers(f"{fleet.gate}/readyz"), 20)
        yield fleet


@contextmanager
def alone(folder: Path, document: str, password: str) -> Iterator[Fleet]:
    """A fleet that one test has to itself, everything of it in a folder."""
    private(folder / "password", password.encode() + b"\n")
    (folder / "fleet.yaml").write_text(document)
    with serving(folder / "aeolus", folder / "fleet.yaml", folder / "password", folder / "logs") as fleet:
        yield fleet


def prepare(data: Path, password: Path) -> None:
    """The keys that an operator makes before control's first start."""
    (data / "root").mkdir(mode=0o700)
    private(data / "master.key", os.urandom(32).hex().encode())
    private(data / "admin-password", password.read_bytes())
    key = subprocess.run(
        ["openssl", "genpkey", "-algorithm", "ed25519", "-outform", "DER"], check=True, capture_output=True
    )
    private(data / "root" / "root.key", key.stdout)


def private(path: Path, content: bytes) -> None:
    """Writes a file that only its owner can read."""
    path.touch(mode=0o600)
    path.write_bytes(content)


def first_line(child: subprocess.Popen, seconds: float) -> str:
    """The first line of a child's output, which must come in time; the rest is drained."""
    lines: queue.Queue[str] = queue.Queue()

    def drain() -> None:
        for line in child.stdout:
            lines.put(line.decode())
        lines.put("")

    threading.Thread(target=drain, daemon=True).start()
    try:
        return lines.get(timeout=seconds)
    except queue.Empty:
        return ""


@contextmanager
def dev(data: Path, document: Path, log: Path, **flags: str) -> Iterator[dict]:
    """Runs `aeolus dev` until the block ends; yields what it says when it is ready."""
    given = [f"--{name.replace('_', '-')}={value}" for name, value in flags.items()]
    command = [BINARY, "dev", "--data", data, "--fleet", document, "--ready-json", *given]
    with running(command, log, stdout=subprocess.PIPE) as child:
        line = first_line(child, 60)
        if not line.startswith("{"):
            raise Timeout(f"aeolus dev did not get ready:\n{tail(log)}")
        yield json.loads(line)


def run(
    *arguments: str, env: dict[str, str] | None = None, check: bool = True, stdin: str = ""
) -> subprocess.CompletedProcess[str]:
    """Runs one command to its end; its output is text."""
    done = subprocess.run(
        [str(BINARY), *arguments],
        input=stdin,
        capture_output=True,
        text=True,
        env={**os.environ, **(env or {})},
        check=False,
        timeout=60,
    )
    if check and done.returncode != 0:
        raise AssertionError(f"aeolus {' '.join(arguments[:2])} … exited {done.returncode}:\n{done.stderr}")
    return done


def airflow_settings(gate_data: Path, deployment: str, gate_url: str) -> dict[str, str]:
    """The settings an Airflow needs to believe its gate, as `aeolus gate airflow-env` prints them."""
    command = ["gate", "airflow-env", "--data", str(gate_data), "--deployment", deployment]

    def printed() -> str:
        # A gate that has just started has its first snapshot on disk within a second.
        return run(*command, "--gate-url", gate_url, check=False).stdout

    lines = wait_for(f"the settings of {deployment}", printed, 20).splitlines()
    return dict(line.split("=", 1) for line in lines if "=" in line)
