"""What every storage can do, and how it fails."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Protocol

from ctl.errors import CtlError

PART = 8 << 20
"""Bytes that are moved at once: S3 takes parts from 5 MB on."""


@dataclass(frozen=True, slots=True)
class Object:
    """A file or object.

    Args:
        key: its path below the root of the storage; that of an empty object in the place of a folder, and of an empty
            folder, ends with `/`.
        size: in bytes.
        mtime: nanoseconds; whole seconds in most object storage.
        identity: another one, other content.
        md5: of its content in hexadecimal, where a listing says it; else "".
        version: in a bucket of S3 that keeps deleted ones; else "".
    """

    key: str
    size: int
    mtime: int
    identity: str
    md5: str = ""
    version: str = ""


DENIED = {
    "403",
    "AccessDenied",
    "AuthorizationFailure",
    "AuthorizationPermissionMismatch",
    "EACCES",
    "EPERM",
    "Forbidden",
    "forbidden",
}
"""Codes of a storage that refuses for want of a permission."""


class StorageError(CtlError):
    """A storage refuses or does not answer.

    Args:
        name: of the storage.
        operation: list, read, write, copy, delete.
        key: what for.
        reason: its own.
        code: its own, as AccessDenied, or "".
        hint: what to do about it.
    """

    def __init__(
        self, name: str, operation: str, key: str, reason: str, *, code: str = "", hint: str | None = None
    ) -> None:
        if code in DENIED:
            hint = hint or "`ctl registry-check-storage` names each permission that lacks."
        super().__init__(f"{name}: cannot {operation} {key or 'it'}: {reason}", hint=hint)
        self.operation = operation
        self.key = key
        self.reason = reason
        self.code = code


class Missing(StorageError):
    """There is no such object; or no such bucket, which `code` says then."""


class Store(Protocol):
    """A storage of images. Keys begin below the root directory of the driver: `docker/registry/v2/…`."""

    @property
    def name(self) -> str:
        """Which: its path, or bucket and address."""
        ...

    @property
    def driver(self) -> str:
        """The registry's driver for it."""
        ...

    def list(self, prefix: str) -> Iterator[Object]:
        """Everything whose key begins with a prefix; a page at a time, object storage in the order of keys.

        In a folder, a prefix is empty or ends with `/`, and there is no order.
        """
        ...

    def between(self, after: str, before: str, most: int) -> Sequence[Object] | None:
        """The objects whose keys are between two, by a listing that begins there.

        None where there are more, or where the storage cannot begin a listing anywhere.
        """
        ...

    def find(self, key: str) -> Object | None:
        """One object; None where there is none."""
        ...

    def read(self, key: str, version: str = "") -> bytes:
        """The content of a small one, or of an earlier version of it."""
        ...

    def reading(self, key: str) -> AbstractContextManager[Iterator[bytes]]:
        """The content of one of any size, in parts."""
        ...

    def write(self, key: str, parts: Iterable[bytes], *, mtime: int | None = None) -> None:
        """Write one: whole or not at all. Where the storage can, it gets a given mtime."""
        ...

    def create(self, key: str, content: bytes) -> bool:
        """Write a small one where there is none; False where there is. Of several who try, one does it."""
        ...

    def copy(self, source: str, target: str) -> None:
        """Copy one inside the storage."""
        ...

    def move(self, source: str, target: str) -> None:
        """Give one another key; where something has that already, it is replaced."""
        ...

    def version(self, key: str) -> tuple[str, int]:
        """The version of an object where the bucket keeps deleted ones, else ""; and its bytes.

        Raises:
            Missing: there is none.
        """
        ...

    def undelete(self, key: str) -> None:
        """Let the version that was there before a deletion be seen again; no error where there is nothing to undo."""
        ...

    def erase(self, key: str, version: str) -> None:
        """Delete one version for good."""
        ...

    def erase_all(self, prefix: str) -> None:
        """Delete everything below a prefix, with each version there was."""
        ...

    def delete(self, key: str) -> None:
        """Delete one; no error where there is none."""
        ...
