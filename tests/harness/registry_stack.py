"""A registry under runit in a private root, without NGINX or settings: what a collection needs."""

from __future__ import annotations

import json
import os
import pwd
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ctl.paths import Layout
from ctl.registry.gate import gate_file
from ctl.registry.read_only import read_only_file
from ctl.settings.attributes import Section
from ctl.text.templating import render
from tests.harness.https import Client
from tests.harness.ports import Ports
from tests.harness.processes import end_all
from tests.harness.registries import DEBIAN
from tests.harness.waiting import wait_for

CHECKOUT = Path(__file__).resolve().parents[2]
ACCOUNT = "docker-registry"
WRAPPER = """#!/bin/sh
if [ "$1" = garbage-collect ] && [ -e {signs}/hold ]; then
    touch {signs}/held
    while [ -e {signs}/hold ]; do sleep 0.02; done
fi
if [ "$1" = garbage-collect ] && [ -e {signs}/fail ]; then
    echo 'failed to garbage collect: the disk is on fire' >&2
    exit 1
fi
exec {program} "$@"
"""
WAIT = 10
"""Seconds that the registry may take to end or to answer."""


def any_token(_repository: str, _actions: str) -> str:
    """A registry without auth takes no notice."""
    return "none"


@dataclass
class Stack:
    """One registry.

    Args:
        folder: everything is below it.
        port: of the registry.
        program: what is run in the end.
        cache: where facts about blobs are cached.
        mode: options of every collection.
    """

    folder: Path
    port: int
    program: Path = DEBIAN
    cache: str = "inmemory"
    mode: tuple[str, ...] = ("--stop",)
    supervisor: subprocess.Popen[bytes] | None = field(default=None)

    @property
    def layout(self) -> Layout:
        """Its root."""
        return Layout(self.folder / "root")

    @property
    def config(self) -> Path:
        """Its configuration."""
        return self.layout.path("/var/opt/gitlab/registry/config.yml")

    @property
    def images(self) -> Path:
        """Its storage."""
        return self.folder / "images"

    @property
    def client(self) -> Client:
        """A client, without tokens."""
        return Client(self.port, None, any_token)

    @property
    def wrapper(self) -> Path:
        """The program that `ctl` finds: it waits or fails where a test wants it to."""
        return self.folder / "bin" / "registry"

    @property
    def signs(self) -> Path:
        """Files by which tests and the wrapper signal each other."""
        return self.folder / "signs"

    def document(self, **changes: Any) -> dict[str, Any]:  # noqa: ANN401 - YAML
        """The configuration, with other sections in the place of some."""
        return {
            "version": 0.1,
            "log": {"level": "info"},
            "storage": {
                "filesystem": {"rootdirectory": str(self.images)},
                "cache": {"blobdescriptor": self.cache},
                "delete": {"enabled": True},
            },
            "http": {"addr": f"127.0.0.1:{self.port}", "secret": "not-to-be-shown"},
        } | changes

    def write(self, **changes: Any) -> None:  # noqa: ANN401
        """Write configuration, wrapper and service definition."""
        self.config.parent.mkdir(parents=True, exist_ok=True)
        self.config.write_text(json.dumps(self.document(**changes)), encoding="utf-8")
        self.images.mkdir(exist_ok=True)
        self.own(self.images, self.config.parent, self.config)
        self.wrapper.parent.mkdir(exist_ok=True)
        self.signs.mkdir(exist_ok=True)
        self.signs.chmod(0o777)  # the collector's account is another one
        self.wrapper.write_text(WRAPPER.format(signs=self.signs, program=self.program), encoding="utf-8")
        self.wrapper.chmod(0o755)
        self._define()

    def own(self, *paths: Path) -> None:
        """Give paths to the registry's user."""
        if os.geteuid() == 0:
            for path in paths:
                shutil.chown(path, ACCOUNT, ACCOUNT)

    def _define(self) -> None:
        definition, environment = self.layout.sv / "registry", self.folder / "env"
        definition.mkdir(parents=True, exist_ok=True)
        environment.mkdir(exist_ok=True)
        chpst = shutil.which("chpst")
        script = render(
            "registry/serve.j2",
            {
                "registry": Section({"dir": str(self.config.parent), "env_directory": str(environment)}),
                "programs": Section({"chpst": chpst, "registry": str(self.program)}),
                "config": str(self.config),
                "gate": str(gate_file(self.layout)),
                "read_only": str(read_only_file(self.layout)),
                "wait": WAIT,
                "graceful": None,
                "definition": str(definition),
                "as_user": f" -u {ACCOUNT}" if os.geteuid() == 0 else "",
            },
        )
        (definition / "run").write_text(script, encoding="utf-8")
        (definition / "run").chmod(0o755)
        listen = {"listen": [f"127.0.0.1:{self.port}"], "wait": WAIT}
        (definition / "ctl.json").write_text(json.dumps(listen), encoding="utf-8")
        self.layout.state.mkdir(parents=True, exist_ok=True)
        self.layout.service.mkdir(parents=True, exist_ok=True)
        link = self.layout.service / "registry"
        if not link.is_symlink():
            link.symlink_to(definition)

    def start(self) -> None:
        """Let runit run it."""
        self.supervisor = subprocess.Popen(
            ["runsv", str(self.layout.service / "registry")],
            stdin=subprocess.DEVNULL,
            stdout=(self.folder / "log").open("ab"),
            stderr=subprocess.STDOUT,
            start_new_session=True,
            env={"PATH": os.environ["PATH"], "OTEL_TRACES_EXPORTER": "none"},
        )
        wait_for(self.serves, what="the registry serves")

    def restart(self) -> None:
        """End it and start it; `sv restart` would return too early within a second of the last start."""
        self.sv("stop")
        self.sv("start")
        wait_for(self.serves, what="the registry serves")

    def serves(self) -> bool:
        """Whether it answers."""
        return self.client.get("/v2/").status == 200

    def silent(self) -> bool:
        """Whether nothing answers at its port."""
        try:
            self.client.get("/v2/")
        except OSError:
            return True
        return False

    def sv(self, *arguments: str) -> str:
        """Call sv about the service."""
        environment = {"SVDIR": str(self.layout.service), "PATH": os.environ["PATH"]}
        command = ["sv", *arguments, "registry"]
        return subprocess.run(command, capture_output=True, text=True, check=False, env=environment).stdout

    # --- ctl

    def begin(self, *arguments: str, env: Mapping[str, str] | None = None) -> subprocess.Popen[str]:
        """Start a collection and go on."""
        return self._begin("registry-garbage-collect", *self.mode, *arguments, env=env or {})

    def ctl(self, *arguments: str, code: int = 0) -> str:
        """Run another command to its end. Returns all that it printed."""
        process = self._begin(*arguments, env={})
        out, err = process.communicate(timeout=120)
        assert process.returncode == code, f"exit {process.returncode}, not {code}:\n{out}{err}"
        assert "Traceback" not in out + err
        return out + err

    def _begin(self, *arguments: str, env: Mapping[str, str]) -> subprocess.Popen[str]:
        environment = {
            "PATH": f"{self.wrapper.parent}:/usr/bin:/bin",
            "PYTHONPATH": str(CHECKOUT),
            "PYTHONDONTWRITEBYTECODE": "1",
            **env,
        }
        return subprocess.Popen(
            [sys.executable, "-m", "ctl", "--root", str(self.layout.root), *arguments],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            cwd="/",
            env=environment,
            start_new_session=True,
        )

    def answer(self, *arguments: str, code: int = 0) -> Any:  # noqa: ANN401 - JSON
        """Run another command to its end. Returns what it printed on standard output, which is JSON."""
        process = self._begin(*arguments, "--json", env={})
        out, err = process.communicate(timeout=120)
        assert process.returncode == code, f"exit {process.returncode}, not {code}:\n{out}{err}"
        assert "Traceback" not in err
        return json.loads(out)

    def collect(self, *arguments: str, code: int = 0) -> str:
        """Run a collection to its end. Returns all that it printed."""
        process = self.begin(*arguments)
        out, err = process.communicate(timeout=60)
        assert process.returncode == code, f"exit {process.returncode}, not {code}:\n{out}{err}"
        assert "Traceback" not in out + err
        return out + err

    def report(self, *arguments: str) -> dict[str, Any]:
        """Run a collection to its end. Returns what `--json` prints."""
        process = self.begin("--json", *arguments)
        out, err = process.communicate(timeout=60)
        assert process.returncode == 0, err
        found = json.loads(out)
        assert isinstance(found, dict)
        return found

    @contextmanager
    def held(self, *arguments: str) -> Iterator[subprocess.Popen[str]]:
        """A collection that stops in the middle of its collector, until the block ends."""
        (self.signs / "hold").touch()
        process = self.begin(*arguments)
        try:
            wait_for((self.signs / "held").exists, what="the collector works")
            yield process
        finally:
            self.go_on()
            if process.poll() is None:
                process.send_signal(signal.SIGKILL)
            process.communicate(timeout=20)

    def go_on(self) -> None:
        """Let the collector go on."""
        (self.signs / "hold").unlink(missing_ok=True)
        (self.signs / "held").unlink(missing_ok=True)

    # --- storage

    def stored(self) -> int:
        """Bytes of all blobs on disk."""
        return sum(path.stat().st_size for path in self.images.glob("docker/registry/v2/blobs/*/*/*/data"))

    def end(self) -> None:
        """End everything and remove it."""
        self.go_on()
        if self.supervisor is not None:
            self.supervisor.kill()  # asked to end, runsv would wait a second
            self.supervisor.wait(timeout=20)
        end_all(self.folder)
        shutil.rmtree(self.folder)


@contextmanager
def stack(
    ports: Ports,
    *,
    program: Path = DEBIAN,
    cache: str = "inmemory",
    **changes: Any,  # noqa: ANN401
) -> Iterator[Stack]:
    """A registry that runs, with other sections in the place of some of its configuration."""
    folder = Path(tempfile.mkdtemp(prefix="ctl-registry-"))
    folder.chmod(0o755)
    one = Stack(folder, ports.take(), program, cache)
    try:
        one.write(**changes)
        one.start()
        yield one
    finally:
        one.end()


def registry_uid() -> int:
    """The user that the registry runs as."""
    return pwd.getpwnam(ACCOUNT).pw_uid if os.geteuid() == 0 else os.geteuid()
