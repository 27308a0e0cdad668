"""A private registry on the live storage: only ctl can reach it, and it lives as long as a collection."""

from __future__ import annotations

import contextlib
import http.client
import os
import shutil
import socket
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from subprocess import Popen
from typing import Any

from ctl.errors import RunFailed
from ctl.paths import Layout
from ctl.registry.collect.api import RegistryApi
from ctl.registry.collect.collector import Setup
from ctl.registry.config import RegistryConfig
from ctl.registry.drivers import NO_DRIVERS
from ctl.registry.gate import Gate
from ctl.registry.launch import Account, end, start
from ctl.registry.reason import reason
from ctl.registry.repair import PREFIX, forget, mark_file
from ctl.text.quoting import yaml as quoted

START_SECONDS = 20.0
_REQUEST_SECONDS = 120.0
_POLL = 0.005
_SOCKET, _CONFIG = "registry.sock", "config.yml"
_KEPT_KEYS = ("version", "compatibility")
"""What the private one has in common with the live one, beside the storage driver."""


def private_document(config: RegistryConfig, *, writable: bool) -> dict[str, Any]:
    """The configuration of the private registry.

    No auth, notifications, TLS, debug server, cache, middleware, health checks or upload purging: it serves
    ctl alone, on a socket below a folder that others cannot enter.

    Args:
        config: the live one.
        writable: whether manifests may be deleted through it.
    """
    storage = config.document["storage"]
    live = {config.driver: None} if isinstance(storage, str) else storage
    kept = {name: value for name, value in live.items() if name not in NO_DRIVERS}
    readonly = {} if writable else {"readonly": {"enabled": True}}
    return {
        **{name: config.document[name] for name in _KEPT_KEYS if name in config.document},
        "log": {"level": "error", "accesslog": {"disabled": True}},
        "storage": {
            **{name: {} if value is None else value for name, value in kept.items()},
            "delete": {"enabled": writable},
            "redirect": {"disable": True},
            "maintenance": {"uploadpurging": {"enabled": False}, **readonly},
        },
        "http": {"net": "unix", "addr": _SOCKET, "relativeurls": True},
    }


def driver_environment(environment: Mapping[str, str]) -> dict[str, str]:
    """The registry's environment without what would override the private configuration."""
    off = tuple(f"REGISTRY_STORAGE_{name.upper()}" for name in NO_DRIVERS)
    return {
        name: value
        for name, value in environment.items()
        if not name.startswith("REGISTRY_")
        or (name.startswith("REGISTRY_STORAGE_") and not name.startswith(off))
    }


@contextmanager
def private_registry(setup: Setup, gate: Gate, *, writable: bool) -> Iterator[RegistryApi]:
    """Run a private registry on the live storage.

    Args:
        setup: the live registry.
        gate: the private one inherits the gate, and so keeps it closed for as long as it lives.
        writable: whether manifests may be deleted through it.

    Yields:
        Its API.

    Raises:
        RunFailed: it does not come up; with its own reason.
    """
    document = private_document(setup.config, writable=writable)
    with (
        _private_folder(setup.layout, setup.account, document) as folder,
        serving(setup, folder, keep_open=(gate.fileno(),)) as (address, _),
        contextlib.closing(RegistryApi(lambda: UnixConnection(address))) as api,
    ):
        yield api


@contextmanager
def serving(
    setup: Setup, folder: Path, *, keep_open: Sequence[int] = ()
) -> Iterator[tuple[str, Callable[[], list[str]]]]:
    """Run a registry with the private configuration in a folder.

    Args:
        setup: the live registry.
        folder: it runs there, and its socket is made there.
        keep_open: file descriptors that it inherits.

    Yields:
        The address of its socket, and what it has printed, when it is called.

    Raises:
        RunFailed: it does not come up; with its own reason.
    """
    with tempfile.TemporaryFile() as output:

        def lines() -> list[str]:
            output.seek(0)
            return output.read().decode("utf-8", "replace").splitlines()

        process = start(
            [setup.program, "serve", _CONFIG],
            account=setup.account,
            environment=driver_environment(setup.environment),
            cwd=folder,
            keep_open=keep_open,
            output=output,
        )
        descriptor = os.open(folder, os.O_PATH | os.O_CLOEXEC)
        try:
            # through the descriptor, since the path of a socket may have 108 characters at most (unix(7))
            address = f"/proc/self/fd/{descriptor}/{_SOCKET}"
            if not _comes_up(process, address):
                why = reason(lines(), secrets=setup.config.secrets)
                raise RunFailed(f"the private registry that looks at the images does not start: {why}")
            yield address, lines
        finally:
            os.close(descriptor)
            end(process)


def _comes_up(process: Popen[str], address: str) -> bool:
    deadline = time.monotonic() + START_SECONDS
    while process.poll() is None and time.monotonic() < deadline:
        with contextlib.suppress(OSError), _connected(address, START_SECONDS):  # it does not listen yet
            return True
        time.sleep(_POLL)
    return False


def _connected(address: str, seconds: float) -> socket.socket:
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    connection.settimeout(seconds)
    try:
        connection.connect(address)
    except BaseException:
        connection.close()
        raise
    return connection


class UnixConnection(http.client.HTTPConnection):
    """HTTP over a socket in the file system.

    Args:
        address: path of the socket.
        seconds: how long to wait for an answer.
    """

    def __init__(self, address: str, seconds: float = _REQUEST_SECONDS) -> None:
        super().__init__("localhost")
        self._address = address
        self._seconds = seconds

    def connect(self) -> None:
        """Reach the socket instead of a port."""
        self.sock = _connected(self._address, self._seconds)


@contextmanager
def _private_folder(layout: Layout, account: Account | None, document: Mapping[str, Any]) -> Iterator[Path]:
    """A folder with a configuration, which only its account can enter; removed afterwards."""
    layout.data.mkdir(parents=True, exist_ok=True)
    mark_file(layout).touch(mode=0o600)
    folder = Path(tempfile.mkdtemp(prefix=PREFIX, dir=layout.data))
    try:
        furnish(folder, document, account)
        yield folder
    finally:
        shutil.rmtree(folder)
        forget(layout)


def furnish(folder: Path, document: Mapping[str, Any], account: Account | None) -> None:
    """Write a private configuration into a new folder, and give both to its account."""
    # the folder changes hands last: until then nobody else can put a link in the file's place
    text = "".join(f"{name}:{quoted(value)}\n" for name, value in document.items())
    _write_private(folder / _CONFIG, text, account)
    if account is not None:
        os.chown(folder, account.uid, account.gid)


def _write_private(path: Path, text: str, account: Account | None) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        if account is not None:
            os.fchown(file.fileno(), account.uid, account.gid)
        file.write(text)
