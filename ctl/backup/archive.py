"""The archive of a backup: what makes a node what it is, in one file that only its owner may read."""

from __future__ import annotations

import hashlib
import io
import json
import re
import subprocess
import tarfile
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path, PurePosixPath

from ctl import __version__
from ctl.distribution import distribution
from ctl.errors import CtlError, UsageFault
from ctl.machine.search import find_program
from ctl.node.backup import member_of

NAME = re.compile(r"registry_backup_(\d+)_\d{4}_\d\d_\d\d\.tar(?:\.age|\.gpg)?")
"""Seconds since 1970, then the local date, as gitlab-ctl names archives."""
FACTS = "backup.json"
FORMAT = 1
IMAGES = ".images"
"""Behind the name of the archive: the folder with its images."""


def bare_name(name: str) -> str:
    """The name of a backup, of its archive, encrypted or not, and of its images: by that these are known."""
    return name.removesuffix(".age").removesuffix(".gpg").removesuffix(IMAGES)


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
        sum: by which a changed archive is known; "" in those of a ctl that made none.
        format: FORMAT; a later one is not understood.
    """

    time: float
    host: str
    versions: dict[str, str]
    settings: str
    images: bool
    repository: str = ""
    sum: str = ""
    format: int = FORMAT

    @property
    def is_sound(self) -> bool:
        """Whether all is of the kind that it should be, whoever has written it."""
        texts = (self.host, self.settings, self.repository, self.sum, *self.versions, *self.versions.values())
        return (
            all(isinstance(one, str) for one in texts)
            and isinstance(self.time, int | float)
            and isinstance(self.images, bool)
            and _is_below(self.settings)
            and "/" not in self.repository
        )


@dataclass(frozen=True)
class Member:
    """One file, folder or link of an archive.

    Args:
        info: as tar has it; its name is below the root.
        content: of a file.
    """

    info: tarfile.TarInfo
    content: bytes


def pack(facts: Facts, root: Path, paths: Mapping[Path, Path]) -> bytes:
    """The bytes of an archive.

    Args:
        facts: of the backup.
        root: names are relative to it.
        paths: what is saved, folders before what is in them, each with where it is read.

    Raises:
        CtlError: a file does not hold still, or cannot be read.
    """
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.PAX_FORMAT) as archive:
        members = list(_read(archive, root, paths))
        first = (json.dumps(asdict(replace(facts, sum=_sum(members))), indent=2) + "\n").encode()
        info = tarfile.TarInfo(FACTS)
        info.size, info.mode, info.mtime = len(first), 0o600, int(facts.time)
        for one in (Member(info, first), *members):
            archive.addfile(one.info, io.BytesIO(one.content))
    return buffer.getvalue()


def _read(archive: tarfile.TarFile, root: Path, paths: Mapping[Path, Path]) -> Iterator[Member]:
    for path, place in paths.items():
        archive.inodes = {}  # type: ignore[attr-defined]  # a second name of a file is a file of its own
        found = member_of(archive, place, str(path.relative_to(root)))
        if found and _is_kept(found[0]):
            yield Member(*found)


def _is_kept(info: tarfile.TarInfo) -> bool:
    """No pipes and devices."""
    return info.isreg() or info.isdir() or info.issym()


def _sum(members: Iterable[Member]) -> str:
    """Of everything that is restored."""
    found = hashlib.sha256()
    for one in members:
        info = one.info
        facts = [
            info.name,
            info.type.decode(),
            info.mode & 0o7777,
            info.linkname,
            info.uname,
            info.gname,
            len(one.content),
        ]
        found.update(json.dumps(facts).encode() + one.content)
    return found.hexdigest()


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
        if not facts.is_sound:
            raise ValueError(f"{FACTS} in it is damaged")
    except (
        tarfile.TarError,
        EOFError,
        ValueError,
        TypeError,
        LookupError,
        AttributeError,
        OverflowError,
    ) as error:
        raise CtlError(f"{where}: is no backup of ctl, or is cut off: {error}") from error
    _refuse_outside(where, members)
    if facts.sum not in ("", _sum(members)):
        raise CtlError(
            f"{where}: is damaged: it is not what `ctl backup` has written",
            hint="Take another backup; nothing was restored.",
        )
    return facts, members


def _members(content: bytes) -> list[Member]:
    with tarfile.open(fileobj=io.BytesIO(content), mode="r:") as archive:
        found = []
        for info in archive:
            file = archive.extractfile(info) if info.isreg() else None
            found.append(Member(info, file.read() if file else b""))
    return found


def _refuse_outside(where: str, members: Iterable[Member]) -> None:
    """What would be written outside the root, also by way of a link of its own."""
    links: set[PurePosixPath] = set()
    for info in (one.info for one in members):
        name = PurePosixPath(info.name)
        if not _is_kept(info) or not _is_below(info.name) or links & {name, *name.parents}:
            raise CtlError(f"{where}: holds {info.name}, which no backup has: nothing is restored")
        if info.issym():
            links.add(name)


def _is_below(name: str) -> bool:
    path = PurePosixPath(name)
    return not path.is_absolute() and ".." not in path.parts and path.name != ""


def _decrypted(where: str, content: bytes, identity: Path | None) -> bytes:
    if where.endswith(".age") and identity is None:
        raise UsageFault(f"{where} is encrypted for age", hint="Give the private key: --identity FILE")
    try:
        if where.endswith(".age"):
            return _through([_program("age"), "--decrypt", "--identity", str(identity)], content)
        if where.endswith(".gpg"):
            with _keyring(identity) as options:
                return _through([_program("gpg"), *options, "--batch", "--quiet", "--decrypt"], content)
    except _Failed as error:
        raise CtlError(
            f"{where}: cannot be decrypted: {error.message}",
            hint="Is it whole? Give the private key for which it was encrypted, without a passphrase: --identity FILE",
        ) from error
    return content


class _Failed(CtlError):
    """A program that encrypts or decrypts refuses."""


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
        reason = next((line for line in lines if "failed" in line or "error" in line), lines[0])
        raise _Failed(f"{Path(command[0]).name} failed: {reason}")
    return done.stdout
