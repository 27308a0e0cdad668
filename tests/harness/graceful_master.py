"""A master with a real registry behind it, as runit starts both, without NGINX or settings."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ctl.graceful.control import Control
from ctl.graceful.instance import Instance, State
from tests.harness.https import UnixConnection
from tests.harness.registries import DEBIAN
from tests.harness.waiting import wait_for

CONFIG = """\
version: 0.1
log: {{level: warn}}
storage: {{filesystem: {{rootdirectory: {images}}}, delete: {{enabled: true}}}}
http: {{addr: "127.0.0.1:1", secret: one{debug}}}
"""
SERVE = """\
#!/bin/sh
export OTEL_TRACES_EXPORTER=none
export REGISTRY_HTTP_NET=unix "REGISTRY_HTTP_ADDR=$CTL_SOCKET" {debug}
exec setpriv --pdeathsig TERM {program} serve {config}
"""
RUN = """\
#!/bin/sh
cd {folder} || exit 1
exec {python} -m ctl.graceful --folder {folder} --drain {drain} --wait {wait}{debug}{more} {folder}/serve
"""
CHECKOUT = Path(__file__).resolve().parents[2]


@dataclass
class Running:
    """A master that runs.

    Args:
        folder: of its sockets, its scripts, and the images.
        process: the master.
    """

    folder: Path
    process: subprocess.Popen[bytes]
    control: Control = field(init=False)

    def __post_init__(self) -> None:
        self.control = Control(self.folder)

    @property
    def link(self) -> Path:
        """What NGINX would connect to."""
        return self.folder / "current.sock"

    def get(self, path: str = "/v2/") -> int:
        """The status of an answer through the link."""
        client = UnixConnection(self.link)
        try:
            client.request("GET", path)
            return client.getresponse().status
        finally:
            client.close()

    def started(self, seconds: float = 60.0) -> Instance:
        """Another process, once it accepts."""
        one = self.control.start(seconds)
        wait_for(one.accepts, what="the candidate accepts")
        return one

    def reread(self) -> None:
        """As `sv hup`."""
        self.process.send_signal(signal.SIGHUP)

    def serving(self) -> dict[str, Any]:
        """What is known of the process that serves."""
        current = self.control.current()
        assert current is not None
        return current.facts()

    def states(self) -> dict[int, State]:
        """Every process's state, by number."""
        return {one.number: one.state for one in self.control.instances()}

    def log(self) -> str:
        """What master and registries have printed."""
        return (self.folder / "log").read_text()


@contextmanager
def master(
    folder: Path, *, drain: float = 30.0, wait: float = 5.0, debug: str = "", program: Path = DEBIAN
) -> Iterator[Running]:
    """A master in a folder, serving; ended at the end with all that came from it."""
    (folder / "sockets").mkdir(parents=True)
    write_scripts(folder, drain=drain, wait=wait, debug=debug, program=program)
    environment = {**os.environ, "PYTHONPATH": str(CHECKOUT)}
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen([folder / "run"], stdout=log, stderr=log, env=environment)
    running = Running(folder, process)
    try:
        wait_for(running.link.exists, what="the first process serves")
        yield running
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
        process.wait(30)


def write_scripts(
    folder: Path, *, drain: float, wait: float, debug: str, program: Path, more: str = ""
) -> None:
    """The configuration and both scripts."""
    section = f', debug: {{addr: "{debug}", prometheus: {{enabled: true, path: /metrics}}}}' if debug else ""
    config = folder / "config.yml"
    config.write_text(CONFIG.format(images=folder / "images", debug=section))
    given = '"REGISTRY_HTTP_DEBUG_ADDR=$CTL_DEBUG"' if debug else ""
    scripts = {
        "serve": SERVE.format(program=program, config=config, debug=given),
        "run": RUN.format(
            folder=folder,
            python=sys.executable,
            drain=drain,
            wait=wait,
            debug=f" --debug {debug}" if debug else "",
            more=more,
        ),
    }
    for name, text in scripts.items():
        (folder / name).write_text(text)
        (folder / name).chmod(0o755)
