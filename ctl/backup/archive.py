"""The archive of a backup: what makes a node what it is, in one file that only its owner may read."""

from __future__ import annotations

import io
import json
import re
import subprocess
import tarfile
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, fields
from pathlib import Path, PurePosixPath

from ctl import __version__
from ctl.distribution import distribution
from ctl.errors import CtlError, UsageFault
from ctl.machine.search import find_program
from ctl.node.backup import add

NAME = re.compile(r"registry_backup_(\d+)_\d{4}_\d\d_\d\d\.tar(?:\.age|\.gpg)?")
"""Seconds since 1970, then the local date, as gitlab-ctl names archives."""
FACTS = "backup.json"
FORMAT = 1
IMAGES = ".images"
"""Behind the name of the archive: the folder with its images."""


@dataclass(frozen=True)
class Facts:
    """What an archive says of itself, in its first member.

    Args:
        time: seconds since 1970.
        host: of the node.
        versions: of ctl, the registry, NGINX.
        settings: the settings file, below the root.
        images: whether there are images beside it.
        repository: where: the name of restic's repository, of which the archive has the password; "" for a folder.
        format: FORMAT; a later one is not understood.
    """

    time: float
    host: str
    versions: dict[str, str]
    settings: str
    images: bool
    repository: str = ""
    format: int = FORMAT


@dataclass(frozen=True)
class Member:
    """One file, folder or link of an archive.

    Args:
        info: as tar has it; its name is below the root.
        content: of a file.
    """

    info: tarfile.TarInfo
    content: bytes


def pack(facts: Facts, root: Path, paths: Iterable[Path]) -> bytes:
    """The bytes of an archive.

    Args:
        facts: of the backup.
        root: names are relative to it.
        paths: what is saved, folders before what is in them.

    Raises:
        CtlError: a file does not hold still, or cannot be read.
    """
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.PAX_FORMAT) as archive:
        first = (json.dumps(asdict(facts), indent=2) + "\n").encode()
        info = tarfile.TarInfo(FACTS)
        info.size, info.mode, info.mtime = len(first), 0o600, int(facts.time)
        archive.addfile(info, io.BytesIO(first))
        for path in dict.fromkeys(paths):
            add(archive, path, str(path.relative_to(root)))
    return buffer.getvalue()


def encrypt(content: bytes, recipient: str) -> tuple[bytes, str]:
    """An archive for a recipient alone, and what its name then ends with.

    Args:
        content: of the archive.
        recipient: a public key of age (age1…, ssh-…), a file with a public key of gpg, or a name of one that gpg has.

    Raises:
        CtlError: it cannot be encrypted.
        UsageFault: the program that encrypts is not installed.
    """
    if recipient.startswith(("age1", "ssh-")):
        command, suffix = [_program("age"), "--encrypt", "--recipient", recipient], ".age"
    else:
        which = "--recipient-file" if recipient.startswith("/") else "--recipient"
        gpg = [_program("gpg"), "--batch", "--quiet", "--trust-model", "always"]
        command, suffix = [*gpg, which, recipient, "--encrypt"], ".gpg"
    return _through(command, content), suffix


def unpack(where: str, content: bytes, identity: Path | None = None) -> tuple[Facts, list[Member]]:
    """Read an archive.

    Args:
        where: its path or URL.
        content: its bytes.
        identity: a private key of age or gpg; gpg has its own, too.

    Raises:
        CtlError: it cannot be decrypted, or is no backup, or that of a newer ctl.
    """
    plain = _decrypted(where, content, identity)
    try:
        members = _members(plain)
        found = json.loads(members.pop(0).content)
        if int(found.get("format", FORMAT)) > FORMAT:
            raise CtlError(
                f"{where}: was made by a newer ctl ({found['versions']['ctl']}), whose archives this one does not know "
                f"({__version__})",
                hint="Install that version, then run this again; nothing was changed.",
            )
        facts = Facts(**{one.name: found[one.name] for one in fields(Facts) if one.name in found})
    except (tarfile.TarError, EOFError, ValueError, TypeError, IndexError, KeyError, AttributeError) as error:
        raise CtlError(f"{where}: is no backup of ctl, or is cut off: {error}") from error
    for one in members:
        _refuse_outside(where, one.info)
    return facts, members


def _members(content: bytes) -> list[Member]:
    with tarfile.open(fileobj=io.BytesIO(content)) as archive:
        found = []
        for info in archive:
            file = archive.extractfile(info) if info.isreg() else None
            found.append(Member(info, file.read() if file else b""))
    return found


def _refuse_outside(where: str, info: tarfile.TarInfo) -> None:
    name = PurePosixPath(info.name)
    if name.is_absolute() or ".." in name.parts or not (info.isreg() or info.isdir() or info.issym()):
        raise CtlError(f"{where}: holds {info.name}, which no backup has: nothing is restored")


def _decrypted(where: str, content: bytes, identity: Path | None) -> bytes:
    if where.endswith(".age"):
        if identity is None:
            raise UsageFault(f"{where} is encrypted for age", hint="Give the private key: --identity FILE")
        return _through([_program("age"), "--decrypt", "--identity", str(identity)], content)
    if where.endswith(".gpg"):
        with _keyring(identity) as options:
            return _through([_program("gpg"), *options, "--batch", "--quiet", "--decrypt"], content)
    return content


@contextmanager
def _keyring(identity: Path | None) -> Iterator[list[str]]:
    """The options of gpg for a private key in a file: a keyring of its own, of which nothing stays."""
    if identity is None:
        yield []
        return
    with tempfile.TemporaryDirectory(prefix="ctl-gpg-") as folder:
        options = ["--homedir", folder]
        try:
            _through([_program("gpg"), *options, "--batch", "--quiet", "--import", str(identity)], b"")
            yield options
        finally:
            subprocess.run(
                ["gpgconf", "--homedir", folder, "--kill", "all"], capture_output=True, check=False
            )


def _program(name: str) -> str:
    found = find_program(name)
    if found is None:
        raise UsageFault(f"{name} is not installed", hint=distribution().install_hint(name))
    return str(found)


def _through(command: list[str], content: bytes) -> bytes:
    done = subprocess.run(command, input=content, capture_output=True, check=False)
    if done.returncode != 0:
        lines = done.stderr.decode(errors="replace").strip().splitlines() or ["no reason given"]
        raise CtlError(f"{Path(command[0]).name} failed: {lines[0]}")
    return done.stdout
