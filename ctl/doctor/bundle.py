"""Everything that somebody who helps needs to see of a node, and no secret, in one archive."""

from __future__ import annotations

import io
import json
import os
import platform
import subprocess
import tarfile
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path

from ctl import __version__
from ctl.converge.atomic import write_atomic
from ctl.doctor.check import Result
from ctl.doctor.log_lines import tail_of
from ctl.doctor.site import Site
from ctl.doctor.vault import Vault, vault_of
from ctl.errors import CtlError, os_error
from ctl.machine.search import SYSTEM_PATH
from ctl.node.history import History
from ctl.services.condition import problems
from ctl.services.details import describe
from ctl.services.processes import Processes
from ctl.settings.editing.masked_diff import masked
from ctl.settings.masking import mask_value, mask_yaml

LOG_BYTES = 500_000
"""Of the end of each log."""
RUNS = 20
"""Of the history."""
OMITTED = "left out: it holds a secret in a form that could not be starred\n"


def make(site: Site, results: Sequence[Result], path: Path) -> list[str]:
    """Write the archive, readable by its owner alone.

    Args:
        site: the node.
        results: of the checks.
        path: of the archive; there must be nothing yet.

    Returns:
        The names of its members.

    Raises:
        CtlError: there is something already.
    """
    if os.path.lexists(path):
        raise CtlError(f"{path} exists already", hint="Name another file: --output FILE")
    vault = vault_of(site)
    members = {name: _safe(vault, text) for name, text in _members(site, results)}
    write_atomic(path, _archive(path.name.partition(".")[0], members), mode=0o600)
    return list(members)


def _safe(vault: Vault, text: str) -> str:
    """The text without secrets; where one is left in some form, nothing of it."""
    starred = vault.starred(text)
    return OMITTED if vault.leaks(starred) else starred


def _archive(folder: str, members: dict[str, str]) -> bytes:
    raw = io.BytesIO()
    with tarfile.open(fileobj=raw, mode="w:gz") as archive:
        for name, text in members.items():
            content = text.encode("utf-8", "replace")
            info = tarfile.TarInfo(f"{folder}/{name}")
            info.size, info.mode, info.mtime = len(content), 0o600, int(time.time())
            archive.addfile(info, io.BytesIO(content))
    return raw.getvalue()


def _members(site: Site, results: Sequence[Result]) -> Iterator[tuple[str, str]]:
    yield "doctor.json", _json([one.as_json() for one in results])
    yield "doctor.txt", "\n".join(_lines(results))
    yield "versions.txt", _versions(site)
    yield "machine.txt", _machine()
    yield "services.json", _json(list(_services(site)))
    yield "history.json", _json(_history(site))
    yield from _settings(site)
    yield from _configuration(site)
    yield from _logs(site)


def _lines(results: Sequence[Result]) -> Iterator[str]:
    for one in results:
        for finding in one.findings:
            yield f"{finding.state:<8} {one.check.name}: {finding.cause}"
            yield from ([f"{'':<8} -> {finding.remedy}"] if finding.remedy else ())


def _json(value: object) -> str:
    return json.dumps(value, indent=1, default=str, ensure_ascii=False) + "\n"


def _versions(site: Site) -> str:
    lines = [f"ctl {__version__}", f"Python {platform.python_version()}", f"Linux {platform.release()}"]
    with suppress(OSError):
        lines += Path("/etc/os-release").read_text(encoding="utf-8").splitlines()[:4]
    if site.given is not None:
        programs = site.node.programs
        lines += [_output([str(programs.registry), "--version"]), _output([str(programs.nginx), "-V"])]
    return "\n".join(lines) + "\n"


def _machine() -> str:
    commands = (["uptime"], ["df", "-h"], ["df", "-i"], ["free", "-m"], ["ss", "-ltn"])
    return "".join(f"$ {' '.join(command)}\n{_output(command)}\n" for command in commands)


def _output(command: list[str]) -> str:
    """What a program prints; why it could not be run, where it could not."""
    environment = {"PATH": SYSTEM_PATH, "LC_ALL": "C"}
    try:
        done = subprocess.run(
            command,
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=10,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return os_error(error) if isinstance(error, OSError) else str(error)
    return (done.stdout + done.stderr).strip()


def _services(site: Site) -> Iterator[object]:
    processes = Processes()
    for status in site.statuses:
        try:
            definition = site.runit.definition(status.name)
            wrong = problems(site.layout.sv / status.name, status, definition, processes)
            yield describe(status, definition, wrong)
        except CtlError as error:
            yield {"name": status.name, "error": error.message}


def _history(site: Site) -> object:
    try:
        return [run.as_json() for run in History(site.layout).runs()[:RUNS]]
    except (CtlError, OSError) as error:
        return {"error": str(error)}


def _settings(site: Site) -> Iterator[tuple[str, str]]:
    """The file as it may be shown, and what it comes to."""
    path = site.settings_file
    with suppress(OSError, UnicodeDecodeError):
        yield f"settings{path.suffix}", "\n".join(masked(path, path.read_text(encoding="utf-8"))) + "\n"
    if site.given is None:
        return
    attributes = site.attributes
    yield (
        "attributes.json",
        _json(
            {
                name: {
                    "value": mask_value(
                        attributes.lookup(name.split(".")),
                        secret=name in attributes.secret_names,
                        path=tuple(name.split(".")),
                        environment=name == "registry.env",
                    ),
                    "origin": str(origin),
                }
                for name, origin in attributes.origins().items()
                if str(origin.kind) != "generated"
            }
        ),
    )


def _configuration(site: Site) -> Iterator[tuple[str, str]]:
    if site.given is None:
        return
    attributes = site.attributes
    config = Path(attributes.registry.dir) / "config.yml"
    with suppress(OSError, UnicodeDecodeError):
        yield "registry/config.yml", mask_yaml(config.read_text(encoding="utf-8"))
    for path in sorted((Path(attributes.nginx.dir) / "conf").glob("*.conf")):
        with suppress(OSError, UnicodeDecodeError):
            yield f"nginx/{path.name}", path.read_text(encoding="utf-8")
    for folder in sorted(site.layout.sv.glob("*/run")):
        with suppress(OSError, UnicodeDecodeError):
            yield f"sv/{folder.parent.name}/run", folder.read_text(encoding="utf-8")


def _logs(site: Site) -> Iterator[tuple[str, str]]:
    """The end of each log that is written now, and of the last runs."""
    logs = site.layout.logs
    for path in sorted(logs.rglob("*")):
        name = path.relative_to(logs)
        if path.is_symlink() or not path.is_file() or not (path.name == "current" or path.suffix == ".log"):
            continue
        try:
            yield f"log/{name}", tail_of(path, LOG_BYTES)
        except OSError as error:
            yield f"log/{name}", os_error(error) + "\n"
