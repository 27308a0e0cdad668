"""A storage in a folder: the registry's driver `filesystem`."""

from __future__ import annotations

import contextlib
import errno
import os
import shutil
import stat
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from ctl.storage.store import PART, Missing, Object, StorageError

_UNFINISHED = ".ctl-part"
"""Ends the name of a file that is being written."""
_GONE = (errno.ENOENT, errno.ENOTDIR)


class FilesystemStore:
    """A folder.

    Args:
        root: `rootdirectory`.
    """

    driver = "filesystem"

    def __init__(self, root: str) -> None:
        self.name = root
        self._root = Path(root)

    def list(self, prefix: str) -> Iterator[Object]:
        """See Store. A symbolic link to a folder is entered once."""
        top = f"{self._root}/{prefix}".rstrip("/")
        yield from self._below(top, prefix.rstrip("/"), frozenset())

    def _below(self, path: str, key: str, above: frozenset[tuple[int, int]]) -> Iterator[Object]:
        with self._reported("list", key):
            try:
                info = os.stat(path)  # noqa: PTH116 - a Path for each file takes longer than the call
                with os.scandir(path) as listed:
                    entries = list(listed)
            except OSError as error:
                if error.errno in _GONE:
                    return
                raise
            own = (info.st_dev, info.st_ino)
            if own in above:
                raise OSError(errno.ELOOP, os.strerror(errno.ELOOP))
        if key and not entries:
            yield Object(f"{key}/", 0, info.st_mtime_ns, f"{info.st_ino}")
        for entry in entries:
            inner = f"{key}/{entry.name}" if key else entry.name
            if entry.is_dir():
                yield from self._below(entry.path, inner, above | {own})
            elif (found := self._object(entry.path, inner)) is not None:
                yield found

    def _object(self, path: str, key: str) -> Object | None:
        with self._reported("read", key):
            try:
                info = os.stat(path)  # noqa: PTH116 - as above
            except OSError as error:
                if error.errno in _GONE:
                    return None
                raise
        if not stat.S_ISREG(info.st_mode):
            return None
        identity = f"{info.st_ino}-{info.st_mtime_ns}-{info.st_ctime_ns}"
        return Object(key, info.st_size, info.st_mtime_ns, identity)

    def between(self, after: str, before: str, most: int) -> Sequence[Object] | None:
        """A folder lists in no order."""
        return None

    def find(self, key: str) -> Object | None:
        """See Store."""
        return self._object(f"{self._root}/{key}", key)

    def read(self, key: str, version: str = "") -> bytes:
        """See Store. There is one version."""
        with self._reported("read", key):
            return (self._root / key).read_bytes()

    @contextmanager
    def reading(self, key: str) -> Iterator[Iterator[bytes]]:
        """See Store."""
        with self._reported("read", key), (self._root / key).open("rb") as file:
            yield iter(lambda: file.read(PART), b"")

    def write(self, key: str, parts: Iterable[bytes], *, mtime: int | None = None) -> None:
        """See Store."""
        target = self._root / key
        part = target.with_name(target.name + _UNFINISHED)
        with self._reported("write", key):
            target.parent.mkdir(parents=True, exist_ok=True)
            try:
                with part.open("wb") as file:
                    file.writelines(parts)
                if mtime is not None:
                    os.utime(part, ns=(mtime, mtime))
                part.replace(target)
            except BaseException:
                part.unlink(missing_ok=True)
                raise

    def create(self, key: str, content: bytes) -> bool:
        """See Store."""
        target = self._root / key
        with self._reported("write", key):
            target.parent.mkdir(parents=True, exist_ok=True)
            try:
                with target.open("xb") as file:
                    file.write(content)
            except FileExistsError:
                return False
        return True

    def copy(self, source: str, target: str) -> None:
        """See Store."""
        with self._reported("copy", source):
            (self._root / target).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(self._root / source, self._root / target)

    def move(self, source: str, target: str) -> None:
        """See Store."""
        with self._reported("move", source):
            (self._root / target).parent.mkdir(parents=True, exist_ok=True)
            (self._root / source).rename(self._root / target)
        self._prune(self._root / source)

    def version(self, key: str) -> tuple[str, int]:
        """See Store. There are none."""
        found = self.find(key)
        if found is None:
            raise Missing(self.name, "read", key, os.strerror(errno.ENOENT))
        return "", found.size

    def undelete(self, key: str) -> None:
        """See Store."""

    def erase(self, key: str, version: str) -> None:
        """See Store."""
        self.delete(key)

    def erase_all(self, prefix: str) -> None:
        """See Store."""
        for one in list(self.list(prefix)):
            self.delete(one.key)

    def delete(self, key: str) -> None:
        """See Store. Folders that become empty go, too, as object storage has none."""
        path = self._root / key
        with self._reported("delete", key):
            try:
                path.rmdir() if key.endswith("/") else path.unlink()
            except OSError as error:
                if error.errno not in _GONE:
                    raise
        self._prune(path)

    def _prune(self, path: Path) -> None:
        with contextlib.suppress(OSError):  # not empty
            while (path := path.parent) != self._root:
                path.rmdir()

    @contextmanager
    def _reported(self, operation: str, key: str) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            kind = Missing if error.errno in _GONE else StorageError
            code = errno.errorcode.get(error.errno or 0, "")
            raise kind(self.name, operation, key, error.strerror or str(error), code=code) from error
