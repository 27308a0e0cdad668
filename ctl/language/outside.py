"""The functions whose value comes from outside the settings: environment, files, the machine's name.

What they read may be in anybody's hands while root reads it. Files are therefore looked at before they are opened
(text_files.py), bounded in size and number, and their content never appears in an error. No name is looked up over
the network.
"""

from __future__ import annotations

import fnmatch
import json
import re
import socket
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

from ctl.language.faults import Fault
from ctl.language.guard import Arguments
from ctl.language.limits import MAX_NESTING, Budget, check_number
from ctl.language.places import Positioned
from ctl.language.text_files import FileProblem, folder_entries, is_there, read_text, read_trusted
from ctl.language.tracked import TrackedDict, TrackedList
from ctl.machine.trusted import open_to_all

HOSTS: Final = Path("/etc/hosts")

_FILE_STEPS: Final = 50
"""What opening a file costs."""

_REQUIRED: Final = object()
"""Stands for a default that is not given."""

_NO_SUCH: Final = "does not exist"

_PRIVATE_KEY: Final = "PRIVATE KEY-----"
"""Of the first line of every kind of private key in PEM (RFC 7468, 10 and 11)."""


class Outside:
    """The functions of one reading; each is given the whole call first.

    Args:
        environment: what env() reads.
        folder: returns the folder that relative paths start from: that of the settings file being read.
        warn: reports a warning about a place in the settings.
        read: receives each file whose content is used.

    Attributes:
        functions: them by name.
    """

    def __init__(
        self,
        environment: Mapping[str, str],
        folder: Callable[[], Path],
        warn: Callable[[str, Positioned], None],
        read: Callable[[Path], None],
    ) -> None:
        self._environment = environment
        self._folder = folder
        self._warn = warn
        self._read = read
        self.functions: Mapping[str, Callable[..., object]] = {
            "env": self._env,
            "read_file": self._read_file,
            "read_json": self._read_json,
            "exists": self._exists,
            "hostname": lambda _: socket.gethostname().partition(".")[0],
            "fqdn": lambda _: _fqdn(),
        }

    def _env(self, call: Arguments, name: str, default: object = _REQUIRED) -> object:
        value = self._environment.get(_text(name), default)
        if value is _REQUIRED:
            raise Fault(
                f"there is no environment variable {call.shown(0) or 'of that name'}",
                hint='Set it for this command (sudo drops it without -E), or give a default: env("NAME", "…").',
            )
        return value

    def _read_file(self, call: Arguments, path: str, default: object = _REQUIRED) -> object:
        file = self._folder() / _text(path)
        text = self._content(file, call, required=default is _REQUIRED)
        mode = open_to_all(file) if text and _PRIVATE_KEY in text else None
        if mode:
            name = call.shown(0) or "named here"
            what = f"the file {name} holds a private key, and every account of this machine may read it (mode {mode})"
            self._warn(f"{what}: chmod 600", call.here[1])
        # Editors and echo end a file with a newline, which a password must not have; PEM is complete without.
        return default if text is None else text.removesuffix("\n").removesuffix("\r")

    def _read_json(self, call: Arguments, path: str, default: object = _REQUIRED) -> object:
        text = self._content(self._folder() / _text(path), call, required=default is _REQUIRED)
        return default if text is None else _json(text, call)

    def _content(self, path: Path, arguments: Arguments, *, required: bool) -> str | None:
        """What is in a file; None if there is none and it is not required. Raises Fault."""
        _spend_file(arguments.budget)
        try:
            text = read_trusted(path)
        except FileProblem as problem:
            if not required and problem.message == _NO_SUCH:
                return None
            raise _of_file(problem, arguments) from None
        arguments.budget.spend_text(len(text))
        self._read(path)
        return text

    def _exists(self, call: Arguments, path: str) -> bool:
        _spend_file(call.budget)
        try:
            return is_there(self._folder() / _text(path))
        except FileProblem as problem:
            raise _of_file(problem, call) from None


def _text(value: object) -> str:
    """The value, if it is a string. Raises TypeError."""
    if not isinstance(value, str):
        raise TypeError
    return value


def _fqdn() -> str:
    """The machine's full name, from its own name or /etc/hosts. Raises Fault if neither has one with a dot."""
    try:
        hosts = read_text(HOSTS)
    except FileProblem:
        hosts = ""
    full = qualified(socket.gethostname(), hosts)
    if full is None:
        hint = f"Write the name itself, or put it before the short one in {HOSTS}."
        raise Fault("this machine's full name is not known", hint=hint)
    return full


def qualified(name: str, hosts: str) -> str | None:
    """The full name of a machine, or None.

    Args:
        name: its name, which may be a full one.
        hosts: the text of /etc/hosts; the first name of a line is the full one (hosts(5)).
    """
    if "." in name:
        return name
    for line in hosts.splitlines():
        _, *names = line.partition("#")[0].split() or [""]
        if name in names:
            return next((one for one in names if one.startswith(f"{name}.")), None)
    return None


def matching_files(path: Path, budget: Budget) -> list[Path]:
    """The files that a path with *, ? or [ ] in its last part matches, in the order of their names.

    Names that begin with a dot match only a pattern that does, as in a shell.

    Raises:
        Fault: the folder cannot be read, or has too many files.
    """
    budget.spend(_FILE_STEPS)
    try:
        names = folder_entries(path.parent)
    except FileProblem as problem:
        raise Fault(f"the folder {path.parent} {problem.message}", hint=problem.hint) from None
    budget.spend(len(names))
    fits = re.compile(fnmatch.translate(path.name)).match
    hidden = path.name.startswith(".")
    return [path.parent / name for name in sorted(names) if name.startswith(".") is hidden and fits(name)]


def _spend_file(budget: Budget) -> None:
    budget.spend_file()
    budget.spend(_FILE_STEPS)


def _of_file(problem: FileProblem, arguments: Arguments) -> Fault:
    name = arguments.shown(0) or "named here"
    return Fault(f"the file {name} {problem.message}", hint=problem.hint)


def _json(text: str, arguments: Arguments) -> object:
    """The value of a JSON text (RFC 8259). Raises Fault."""
    name = arguments.shown(0) or "named here"
    try:
        # NaN and Infinity, which Python reads, are no JSON.
        value = json.loads(text, parse_constant=_refuse_constant)
    except json.JSONDecodeError as error:
        raise Fault(f"the file {name} is not JSON: line {error.lineno}, column {error.colno}") from None
    except (ValueError, RecursionError):
        raise Fault(f"the file {name} holds numbers or levels that are too many to be read") from None
    arguments.budget.spend_on(value)
    return _tracked(value, arguments)


def _refuse_constant(_: str) -> object:
    raise ValueError


def _tracked(value: object, arguments: Arguments, depth: int = 0) -> object:
    if depth > MAX_NESTING:
        raise Fault(f"lists and dictionaries are nested more than {MAX_NESTING} levels deep")
    if isinstance(value, dict):
        places = dict.fromkeys(value, arguments.here)
        return TrackedDict({key: _tracked(one, arguments, depth + 1) for key, one in value.items()}, places)
    if isinstance(value, list):
        return TrackedList(_tracked(one, arguments, depth + 1) for one in value)
    return check_number(value)
