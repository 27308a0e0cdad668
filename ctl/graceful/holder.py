"""Holds the writes of clients for moments: between NGINX and the process that serves, as long as ctl lives.

The master lets every request go to a socket of this holder, which passes it on to the process. While the gate is
closed, requests that write wait, unread; pulls go on. When ctl ends, however it ends, the master leads requests to
the process again.
"""

from __future__ import annotations

import os
import secrets
import socket
import stat
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from ctl.errors import RunFailed
from ctl.graceful.control import Control
from ctl.graceful.instance import Instance
from ctl.graceful.master import LINK, SOCKETS
from ctl.machine.unix_socket import connect, short_path

_HEAD = 1 << 16
"""Bytes that the first line of a request may have: NGINX has accepted it."""
_PART = 1 << 18
_POLL, _LOOKS = 0.02, 5
_IDLE = 3_600.0
"""Seconds for which a connection may say nothing; NGINX ends it before."""


class Holder:
    """Use as a context: from its beginning on all requests pass here, at its end none is left.

    Args:
        folder: of the master's link and sockets.
        control: of the master.
        serving: the process that serves.

    Raises:
        CtlError: the master does not take it.
        OSError: there can be no socket.
    """

    def __init__(self, folder: Path, control: Control, serving: Instance) -> None:
        self._folder = folder
        self._control = control
        self._serving = serving
        self._path = folder / SOCKETS / f"hold-{secrets.token_hex(4)}.sock"
        self._turn = threading.Condition()
        self._closed = False
        self._writes = self._open = 0
        self._listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)

    def __enter__(self) -> Holder:
        rights = Path(self._serving.socket).stat()
        with short_path(self._path) as short:
            self._listener.bind(short)
        os.chown(self._path, rights.st_uid, rights.st_gid)
        self._path.chmod(stat.S_IMODE(rights.st_mode))
        self._listener.listen(512)
        threading.Thread(target=self._accept, daemon=True).start()
        self._hold = self._control.hold(self._path)
        return self

    def close(self, seconds: float) -> None:
        """Let no more writes pass, and return when those under way are over.

        Args:
            seconds: to wait for them.

        Raises:
            RunFailed: they go on for longer; they are not held any more.
        """
        end = time.monotonic() + seconds
        # what came before all passed here
        self._await(lambda: self._serving.connections() <= self._open, end, looks=_LOOKS)
        with self._turn:
            self._closed = True
        try:
            self._await(lambda: not self._writes, end, looks=1)
        except RunFailed:
            self.open()
            raise

    def _await(self, over: Callable[[], bool], end: float, looks: int) -> None:
        quiet = 0
        while quiet < looks:
            quiet = quiet + 1 if over() else 0
            if time.monotonic() > end:
                raise RunFailed(
                    "pushes that had begun before do not end; nothing was deleted",
                    hint="Try again later, or use --stop, which waits for as long as they take.",
                )
            time.sleep(_POLL)

    def check(self) -> None:
        """Fail where requests do not pass here any more, though they should.

        Raises:
            RunFailed: they do not: the master has been replaced.
        """
        self._hold.setblocking(False)
        with suppress(BlockingIOError):
            if not self._hold.recv(1):
                raise RunFailed("the registry's master was restarted meanwhile; what is left was not deleted")

    def open(self) -> None:
        """Let writes pass."""
        with self._turn:
            self._closed = False
            self._turn.notify_all()

    def __exit__(self, *_: object) -> None:
        """Lead requests to the process again; return when the last one that passes here is over."""
        self.open()
        self._hold.close()
        while os.path.realpath(self._folder / LINK) == os.path.realpath(self._path):
            time.sleep(_POLL)
        quiet = 0
        while quiet < _LOOKS:  # NGINX may have just connected
            quiet = 0 if self._open else quiet + 1
            time.sleep(_POLL)
        self._listener.close()
        self._path.unlink(missing_ok=True)

    # --- connections

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:  # it was closed
                return
            with self._turn:
                self._open += 1
            threading.Thread(target=self._pass, args=(client,), daemon=True).start()

    def _pass(self, client: socket.socket) -> None:
        try:
            with client, suppress(OSError):
                client.settimeout(_IDLE)
                head = _head(client)
                if _writes(head):
                    self._pass_write(client, head)
                else:
                    self._connect(client, head)
        finally:
            with self._turn:
                self._open -= 1

    def _pass_write(self, client: socket.socket, head: bytes) -> None:
        with self._turn:
            self._turn.wait_for(lambda: not self._closed)
            self._writes += 1
        try:
            self._connect(client, head)
        finally:
            with self._turn:
                self._writes -= 1

    def _connect(self, client: socket.socket, head: bytes) -> None:
        with connect(self._serving.socket, _IDLE) as server:
            server.sendall(head)
            sending = threading.Thread(target=_copy, args=(client, server), daemon=True)
            sending.start()
            _copy(server, client)
            with suppress(OSError):  # the answer is complete: what the client still sends is of no use
                client.shutdown(socket.SHUT_RDWR)
            sending.join()


def _head(client: socket.socket) -> bytes:
    """The beginning of a request with its first line."""
    data = b""
    while b"\n" not in data and len(data) < _HEAD:
        more = client.recv(_HEAD)
        if not more:
            break
        data += more
    return data


def _writes(head: bytes) -> bool:
    """Whether a request writes, or asks before a push whether a blob must be sent."""
    method, _, rest = head.partition(b" ")
    return method not in (b"GET", b"HEAD") or (method == b"HEAD" and b"/blobs/" in rest.partition(b" ")[0])


def _copy(source: socket.socket, target: socket.socket) -> None:
    with suppress(OSError):
        while part := source.recv(_PART):
            target.sendall(part)
        target.shutdown(socket.SHUT_WR)
