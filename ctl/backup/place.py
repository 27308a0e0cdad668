"""Where backups are kept: a folder of this machine, or a bucket of S3."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol
from urllib.parse import urlsplit

from ctl.backup.archive import IMAGES, NAME
from ctl.backup.restic import REPOSITORY, Key, Restic
from ctl.converge.atomic import write_atomic
from ctl.errors import CtlError, UsageFault, no_right_to_read
from ctl.settings.attributes import Attributes
from ctl.storage.made import environment_restored, open_store
from ctl.storage.store import Store

SCHEME = "s3://"
PARTIAL = re.compile(r"\.partial-[0-9a-f]+\.images")
"""A copy of images under way, or one that was cut off."""
_NO_KEYS = (
    'Set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or registry_backup["s3_accesskey"] and its secret key.'
)
_VARIABLES = {
    "AWS_ACCESS_KEY_ID": "s3_accesskey",
    "AWS_SECRET_ACCESS_KEY": "s3_secretkey",
    "AWS_REGION": "s3_region",
    "AWS_ENDPOINT_URL": "s3_endpoint",
}


class Place(Protocol):
    """Where archives are, and images beside them."""

    def where(self, name: str) -> str:
        """The path or URL of an archive."""
        ...

    def names(self) -> list[str]:
        """Everything that is directly there."""
        ...

    def backups(self) -> dict[str, int]:
        """The archives, and folders with images, that are there, with the seconds in the name of each."""
        ...

    def is_backup(self, path: Path) -> bool:
        """Whether a path of this machine is in this place, and of a backup."""
        ...

    def write(self, name: str, content: bytes) -> None:
        """Write an archive as one; only its owner may read it."""
        ...

    def read(self, name: str) -> bytes:
        """An archive. Raises CtlError where it cannot be read."""
        ...

    def remove(self, name: str) -> None:
        """Remove an archive, or a folder with images."""
        ...

    def images(self, key: Key, cache: Path | None = None) -> Restic:
        """The repository of images."""
        ...


@dataclass(frozen=True)
class Folder:
    """A folder of this machine.

    Args:
        path: it is made where it is not there.
    """

    path: Path

    def where(self, name: str) -> str:
        """See Place."""
        return str(self.path / name)

    def names(self) -> list[str]:
        """See Place."""
        return sorted(one.name for one in self.path.iterdir()) if self.path.is_dir() else []

    def backups(self) -> dict[str, int]:
        """See Place. What has such a name and is of another kind is somebody else's."""
        return {name: made for name, made in _made(self.names()).items() if self._is_one(self.path / name)}

    @staticmethod
    def _is_one(path: Path) -> bool:
        return not path.is_symlink() and (path.is_dir() if path.name.endswith(IMAGES) else path.is_file())

    def is_backup(self, path: Path) -> bool:
        """See Place."""
        ours = _made([path.name]) or PARTIAL.fullmatch(path.name) or REPOSITORY.fullmatch(path.name)
        return bool(ours) and path.parent == self.path.resolve()

    def make(self) -> None:
        """Make it where it is not there. Raises CtlError where it cannot be a folder."""
        try:
            self.path.mkdir(mode=0o700, parents=True, exist_ok=True)
        except FileExistsError:
            raise CtlError(f"{self.path} is not a directory: backups cannot be kept in it") from None

    def write(self, name: str, content: bytes) -> None:
        """See Place."""
        self.make()
        write_atomic(self.path / name, content, mode=0o600)

    def read(self, name: str) -> bytes:
        """See Place."""
        try:
            return (self.path / name).read_bytes()
        except PermissionError:
            raise no_right_to_read(self.path / name) from None
        except OSError as error:
            raise CtlError(f"{self.path / name}: cannot be read: {error.strerror}") from error

    def remove(self, name: str) -> None:
        """See Place."""
        if name.endswith(IMAGES):
            shutil.rmtree(self.path / name)
        else:
            (self.path / name).unlink(missing_ok=True)

    def images(self, key: Key, cache: Path | None = None) -> Restic:
        """See Place."""
        return Restic(str(self.path / key.name), key.password, {}, cache)


@dataclass(frozen=True)
class Bucket:
    """A bucket of S3, or a part of it.

    Args:
        url: s3://BUCKET/PREFIX.
        environment: AWS_* variables: credentials, region, address.
    """

    url: str
    environment: Mapping[str, str] = field(repr=False)

    def where(self, name: str) -> str:
        """See Place."""
        return f"{self.url.rstrip('/')}/{name}"

    def names(self) -> list[str]:
        """See Place."""
        with self._opened() as store:
            found = {one.key.partition("/")[0] for one in store.list("")}
        return sorted(found)

    def backups(self) -> dict[str, int]:
        """See Place."""
        return _made(self.names())

    def is_backup(self, path: Path) -> bool:
        """See Place."""
        return False

    def write(self, name: str, content: bytes) -> None:
        """See Place."""
        with self._opened() as store:
            store.write(name, [content])

    def read(self, name: str) -> bytes:
        """See Place."""
        with self._opened() as store:
            return store.read(name)

    def remove(self, name: str) -> None:
        """See Place."""
        with self._opened() as store:
            store.delete(name)

    def images(self, key: Key, cache: Path | None = None) -> Restic:
        """See Place."""
        at = self._endpoint() or f"https://s3.{self._region()}.amazonaws.com"
        parts = urlsplit(self.url)
        prefix = "/".join(part for part in (parts.path.strip("/"), key.name) if part)
        more = {"AWS_DEFAULT_REGION": self._region()}
        return Restic(f"s3:{at}/{parts.netloc}/{prefix}", key.password, {**self.environment, **more}, cache)

    @contextmanager
    def _opened(self) -> Iterator[Store]:
        with environment_restored():
            try:
                yield self._store()
            except CtlError as error:
                if "AWS_ACCESS_KEY_ID" not in self.environment:
                    error.hint = error.hint or _NO_KEYS
                raise

    def _store(self) -> Store:
        parts = urlsplit(self.url)
        given = {
            "bucket": parts.netloc,
            "region": self._region(),
            "regionendpoint": self._endpoint() or None,
            "rootdirectory": parts.path,
        }
        return open_store("s3", given, self.environment)

    def _region(self) -> str:
        return self.environment.get("AWS_REGION") or self.environment.get("AWS_DEFAULT_REGION") or "us-east-1"

    def _endpoint(self) -> str:
        return self.environment.get("AWS_ENDPOINT_URL", "")


def _made(names: Iterable[str]) -> dict[str, int]:
    """Those that are names of backups, with their time."""
    matches = {name: NAME.fullmatch(name.removesuffix(IMAGES)) for name in names}
    return {name: int(match[1]) for name, match in matches.items() if match}


def place_of(text: str, attributes: Attributes | None = None) -> Place:
    """The place of a path or a URL.

    Args:
        text: as people write it.
        attributes: whose registry_backup[…] has credentials; what it does not have is taken from the environment.

    Raises:
        UsageFault: it is neither.
    """
    if "://" not in text:
        return Folder(Path(text).absolute())
    if not text.startswith(SCHEME) or not urlsplit(text).netloc:
        raise UsageFault(f"{text}: is neither a folder nor s3://BUCKET/PREFIX")
    return Bucket(text.rstrip("/"), aws_environment(attributes))


def split(text: str) -> tuple[str, str]:
    """The place of an archive, as `place_of` takes it, and its name."""
    if "://" not in text:
        path = Path(text).absolute()
        return str(path.parent), path.name
    place, _, name = text.rpartition("/")
    return place, name


def aws_environment(attributes: Attributes | None) -> dict[str, str]:
    """The variables that programs of AWS understand: the settings' own, then those of the environment."""
    found = {name: value for name, value in os.environ.items() if name.startswith("AWS_")}
    if attributes is not None:
        settings = attributes.registry_backup
        given = {name: str(settings[key]) for name, key in _VARIABLES.items() if settings[key]}
        if "AWS_ACCESS_KEY_ID" in given:  # a token of the environment belongs to the keys of the environment
            found.pop("AWS_SESSION_TOKEN", None)
        found |= given
    return found
