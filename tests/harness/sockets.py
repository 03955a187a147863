"""Listening sockets that outlive the program behind them, handed over as systemd does.

While the program restarts, connections wait in the socket's queue instead of being refused.
"""

from __future__ import annotations

import os
import socket


class Sockets:
    """Named listening sockets for one program."""

    def __init__(self, **addresses: tuple[str, int]) -> None:
        self.sockets = {name: socket.create_server(at, backlog=1024) for name, at in addresses.items()}

    def address(self, name: str) -> str:
        """`host:port` of a socket."""
        host, port = self.sockets[name].getsockname()
        return f"{host}:{port}"

    def environment(self) -> dict[str, str]:
        """What tells the program about its sockets; the process id is added when it starts."""
        return {"LISTEN_FDS": str(len(self.sockets)), "LISTEN_FDNAMES": ":".join(self.sockets)}

    def hand_over(self) -> None:
        """Puts the sockets where the convention wants them, from descriptor 3 on; runs in the child."""
        copies = [os.dup(one.fileno()) for one in self.sockets.values()]
        for target, copy in enumerate(copies, start=3):
            os.dup2(copy, target, inheritable=True)

    def close(self) -> None:
        """Closes them all."""
        for one in self.sockets.values():
            one.close()
