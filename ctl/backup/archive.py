"""The archive of a backup: what makes a node what it is, in one file that only its owner may read."""

from __future__ import annotations

import io
import json
import os
import re
import shutil
import subprocess
import tarfile
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path, PurePosixPath

from ctl.converge.atomic import write_atomic
from ctl.errors import CtlError, UsageFault
from ctl.node.backup import add

NAME = re.compile(r"registry_backup_(\d+)_\d{4}_\d\d_\d\d\.tar(?:\.age|\.gpg)?")
"""Seconds since 1970, then the local date, as gitlab-ctl names archives."""
FACTS = "backup.json"
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
        images: whether there is a folder of images beside it.
    """

    time: float
    host: str
    versions: dict[str, str]
    settings: str
    images: bool


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


def write(path: Path, content: bytes, recipient: str | None) -> Path:
    """Write an archive, mode 0600, encrypted where there is a recipient. Returns its path.

    Raises:
        CtlError: it cannot be encrypted.
        UsageFault: the program that encrypts is not installed.
    """
    if recipient:
        suffix, command = _encryption(recipient)
        path, content = path.with_name(path.name + suffix), _through(command, content)
    write_atomic(path, content, mode=0o600)
    return path


def read(path: Path, identity: Path | None = None) -> tuple[Facts, list[Member]]:
    """Read an archive.

    Args:
        path: the file.
        identity: the private key of age; gpg has its own.

    Raises:
        CtlError: it cannot be read or decrypted, or is no backup.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise CtlError(f"{path}: cannot be read: {error.strerror}") from error
    try:
        members = _members(_decrypted(path, content, identity))
        facts = Facts(**json.loads(members.pop(0).content))
    except (tarfile.TarError, EOFError, ValueError, TypeError, IndexError) as error:
        raise CtlError(f"{path}: is no backup of ctl: {error}") from error
    for one in members:
        _refuse_outside(path, one.info)
    return facts, members


def _members(content: bytes) -> list[Member]:
    with tarfile.open(fileobj=io.BytesIO(content)) as archive:
        found = []
        for info in archive:
            file = archive.extractfile(info) if info.isreg() else None
            found.append(Member(info, file.read() if file else b""))
    return found


def _refuse_outside(path: Path, info: tarfile.TarInfo) -> None:
    name = PurePosixPath(info.name)
    if name.is_absolute() or ".." in name.parts or not (info.isreg() or info.isdir() or info.issym()):
        raise CtlError(f"{path}: holds {info.name}, which no backup has: nothing is restored")


def _encryption(recipient: str) -> tuple[str, list[str]]:
    if recipient.startswith(("age1", "ssh-")):
        return ".age", [_program("age"), "--encrypt", "--recipient", recipient]
    gpg = [_program("gpg"), "--batch", "--quiet", "--trust-model", "always"]
    return ".gpg", [*gpg, "--encrypt", "--recipient", recipient]


def _decrypted(path: Path, content: bytes, identity: Path | None) -> bytes:
    if path.suffix == ".age":
        if identity is None:
            raise UsageFault(f"{path} is encrypted for age", hint="Give the private key: --identity FILE")
        return _through([_program("age"), "--decrypt", "--identity", str(identity)], content)
    if path.suffix == ".gpg":
        return _through([_program("gpg"), "--batch", "--quiet", "--decrypt"], content)
    return content


def _program(name: str) -> str:
    found = shutil.which(name, path=f"{os.environ.get('PATH', '')}:/usr/bin")
    if found is None:
        raise UsageFault(
            f"{name} is not installed", hint=f"apt-get install {'gnupg' if name == 'gpg' else name}"
        )
    return found


def _through(command: list[str], content: bytes) -> bytes:
    done = subprocess.run(command, input=content, capture_output=True, check=False)
    if done.returncode != 0:
        lines = done.stderr.decode(errors="replace").strip().splitlines() or ["no reason given"]
        raise CtlError(f"{Path(command[0]).name} failed: {lines[0]}")
    return done.stdout
