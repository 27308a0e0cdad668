"""Reading htpasswd files, as a registry with `auth: htpasswd` uses them (Apache's htpasswd -B)."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from ctl.auth.account_names import Kind, check_name
from ctl.auth.passwords import HIGHEST_COST, is_hash
from ctl.errors import CtlError, UsageFault, no_right_to_read

MAX_BYTES = 16 << 20
MAX_REPORTED = 10
"""Lines that an error names one by one."""


def read(path: Path) -> dict[str, str]:
    """The accounts of an htpasswd file.

    Args:
        path: the file: lines of name:hash; empty ones and those that begin with # are ignored.

    Returns:
        bcrypt hashes by name, in the order of the file.

    Raises:
        CtlError: the file cannot be read, or a line cannot be taken over. Names every such line, and no hash.
    """
    try:
        with path.open("rb") as file:
            data = file.read(MAX_BYTES + 1)
    except PermissionError:
        raise no_right_to_read(path) from None
    except OSError as error:
        raise UsageFault(f"{path}: cannot be read: {error.strerror}") from error
    if len(data) > MAX_BYTES:
        raise CtlError(f"{path}: is larger than {MAX_BYTES >> 20} MB")
    try:
        return _parse(data.decode(), str(path))
    except UnicodeDecodeError:
        raise CtlError(f"{path}: is not UTF-8 text") from None


def _parse(text: str, where: str) -> dict[str, str]:
    found: dict[str, str] = {}
    faults = []
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip() or line.startswith("#"):
            continue
        name, _, hashed = line.strip().partition(":")
        fault = _fault(name, hashed) or ("is there twice" if name in found else "")
        if fault:
            faults.append(f"{where}:{number}: {fault if not name else f'{name}: {fault}'}")
        found[name] = hashed
    if faults:
        raise CtlError(
            "\n".join(_in_lines(faults)),
            hint="Nothing was imported. For another kind of hash: htpasswd -B FILE NAME",
        )
    return found


def _fault(name: str, hashed: str) -> str:
    if not hashed:
        return "no hash follows the name"
    try:
        check_name(name, Kind.USER)
    except UsageFault as fault:
        return fault.message
    if is_hash(hashed):
        return ""
    if hashed.startswith(("$2a$", "$2b$", "$2y$")):
        return f"the bcrypt hash is damaged, or its cost is not of 4 to {HIGHEST_COST}"
    return "the hash is not bcrypt: registries, too, refuse others"


def _in_lines(faults: list[str]) -> Iterator[str]:
    yield from faults[:MAX_REPORTED]
    if len(faults) > MAX_REPORTED:
        yield f"and {len(faults) - MAX_REPORTED} more lines"
