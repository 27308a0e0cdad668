"""Object storage by Apache OpenDAL: one library for S3, Google Cloud Storage and Azure, which keeps every key as it is.

It is large, and so imported only here, and only where images are in object storage.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import TYPE_CHECKING

from ctl.errors import PreflightError
from ctl.storage.store import PART, Missing, Object, StorageError

if TYPE_CHECKING:
    import opendal

_CODE = re.compile(r'code: "(?P<code>[^"]+)"')
_MESSAGE = re.compile(r'message: "(?P<text>(?:[^"\\]|\\.)*)"')
_STATUS = re.compile(r"status: (?P<status>\d{3})")
_SOURCE = re.compile(r"(?:^Source:\n\s+|, source: )(?P<text>.+)$", re.MULTILINE)
_ETAG = re.compile('"(?P<md5>[0-9a-f]{32})"')
_OF_REQUEST = re.compile(r"\s*RequestId:.*", re.DOTALL)
_TYPE = "application/octet-stream"
"""Content-Type, as the registry's drivers give it."""
_MISSING = ("NoSuchKey", "BlobNotFound", "404")
_TOO_LARGE = ("EntityTooLarge", "InvalidRequest")
_RETRIES = 4
_WHOLE = 2 * PART
"""Bytes up to which an object is written by one request: one in parts takes four."""


class CloudStore:
    """A bucket or container.

    Args:
        driver: the registry's: s3, gcs, azure.
        service: as OpenDAL calls it.
        name: bucket and address.
        root: prefix of all keys, "" or with `/` at its end.
        options: of OpenDAL for that service.

    Raises:
        PreflightError: the library is not installed.
        StorageError: it does not take the options.
    """

    def __init__(self, driver: str, service: str, name: str, root: str, options: Mapping[str, str]) -> None:
        self.driver = driver
        self.name = name
        self._prefix = root
        self._service = service
        self._operator = self._made(service, options)

    def _made(self, service: str, options: Mapping[str, str]) -> opendal.Operator:
        try:
            import opendal
            from opendal.layers import RetryLayer
        except ImportError as error:
            raise PreflightError(
                f"{self.name}: the library for object storage cannot be imported: {error}",
                hint="Install it where ctl is: pip install 'registry-ctl[object-storage]'",
            ) from error
        # they have no class in common but Exception; what it opens like a file fails with OSError
        named = vars(opendal.exceptions).values()
        kinds = [one for one in named if isinstance(one, type) and issubclass(one, Exception)]
        self._errors: tuple[type[Exception], ...] = (OSError, *kinds)
        self._missing = opendal.exceptions.NotFound
        self._exists = (opendal.exceptions.ConditionNotMatch, opendal.exceptions.AlreadyExists)
        with self._reported("open", ""):
            made = opendal.Operator(service, **options)
            return made.layer(RetryLayer(max_times=_RETRIES, jitter=True))

    def list(self, prefix: str) -> Iterator[Object]:
        """See Store."""
        with self._reported("list", prefix):
            for entry in self._operator.list(f"{self._prefix}{prefix}", recursive=True):
                about = entry.metadata
                if about.last_modified is None and about.is_dir:
                    continue  # no object: only a part of names
                yield self._object(entry.path.removeprefix(self._prefix), about)

    def between(self, after: str, before: str, most: int) -> Sequence[Object] | None:
        """See Store."""
        if self._service != "s3":
            return None
        found = []
        with self._reported("list", after):
            listing = self._operator.list(self._prefix, recursive=True, start_after=self._prefix + after)
            for entry in listing:
                key = entry.path.removeprefix(self._prefix)
                if key >= before:
                    break
                found.append(self._object(key, entry.metadata))
                if len(found) > most:
                    return None
        return found

    def find(self, key: str) -> Object | None:
        """See Store."""
        try:
            with self._reported("read", key):
                return self._object(key, self._operator.stat(self._prefix + key))
        except Missing:
            return None

    def _object(self, key: str, about: opendal.types.Metadata) -> Object:
        mtime = _nanoseconds(about.last_modified) if about.last_modified else 0
        identity, md5 = f"{about.etag or ''}{mtime}", _md5(about.content_md5, about.etag)
        return Object(key, about.content_length, mtime, identity, md5, self._version(about))

    def _version(self, about: opendal.types.Metadata) -> str:
        """Of S3 alone: the library lists no versions of the others."""
        known = about.version if self._service == "s3" else None
        return "" if known in (None, "null") else known or ""

    def read(self, key: str, version: str = "") -> bytes:
        """See Store."""
        with self._reported("read", key):
            return bytes(self._operator.read(self._prefix + key, version=version or None))

    @contextmanager
    def reading(self, key: str) -> Iterator[Iterator[bytes]]:
        """See Store."""
        with self._reported("read", key), self._operator.open(self._prefix + key, "rb") as file:
            yield iter(lambda: bytes(file.read(PART)), b"")

    def write(self, key: str, parts: Iterable[bytes], *, mtime: int | None = None) -> None:
        """See Store. Storage gives the time itself."""
        rest, first = iter(parts), bytearray()
        while len(first) <= _WHOLE and (part := next(rest, b"")):
            first += part
        with self._reported("write", key):
            if len(first) <= _WHOLE:
                self._operator.write(self._prefix + key, bytes(first), content_type=_TYPE)
                return
            file = self._operator.open(self._prefix + key, "wb", content_type=_TYPE, chunk=PART)
            file.write(bytes(first))
            for part in rest:
                file.write(part)
            file.close()  # not when a part fails: what is not closed is never seen

    def create(self, key: str, content: bytes) -> bool:
        """See Store."""
        with self._reported("write", key):
            try:
                self._operator.write(self._prefix + key, content, content_type=_TYPE, if_not_exists=True)
            except self._exists:
                return False
        return True

    def copy(self, source: str, target: str) -> None:
        """See Store. What is too large to be copied by one request (S3: 5 GB) goes through this machine."""
        try:
            with self._reported("copy", source):
                self._operator.copy(self._prefix + source, self._prefix + target)
        except StorageError as error:
            if error.code not in _TOO_LARGE:
                raise
            with self.reading(source) as parts:
                self.write(target, parts)

    def move(self, source: str, target: str) -> None:
        """See Store. An empty object in the place of a folder becomes one that is none."""
        if source.endswith("/"):
            self.write(f"{target.rstrip('/')}/empty-object", [])
        else:
            self.copy(source, target)
        self.delete(source)

    def version(self, key: str) -> tuple[str, int]:
        """See Store."""
        with self._reported("read", key):
            about = self._operator.stat(self._prefix + key)
        return self._version(about), about.content_length

    def undelete(self, key: str) -> None:
        """See Store. A deletion is a marker: it is deleted."""
        with self._reported("delete", key):
            for entry in list(self._operator.list(self._prefix + key, recursive=True, deleted=True)):
                about = entry.metadata
                if entry.path == self._prefix + key and about.version and about.etag is None:
                    self._operator.delete(entry.path, version=about.version)

    def erase(self, key: str, version: str) -> None:
        """See Store."""
        with self._reported("delete", key):
            self._operator.delete(self._prefix + key, version=version)

    def erase_all(self, prefix: str) -> None:
        """See Store."""
        kept = self._service == "s3"
        with self._reported("delete", prefix):
            for entry in list(
                self._operator.list(self._prefix + prefix, recursive=True, versions=kept, deleted=kept)
            ):
                version = entry.metadata.version if kept else None
                self._operator.delete(entry.path, version=version)

    def delete(self, key: str) -> None:
        """See Store."""
        with self._reported("delete", key):
            self._operator.delete(self._prefix + key)

    @contextmanager
    def _reported(self, operation: str, key: str) -> Iterator[None]:
        try:
            yield
        except self._errors as error:
            if isinstance(error, OSError) and error.errno is not None:
                raise  # not the library's: those have no number
            text = str(error)
            code, reason = _code(text), _reason(text)
            # what is read like a file fails with an OSError of every kind
            is_missing = isinstance(error, self._missing) or code in _MISSING
            kind = Missing if is_missing else StorageError
            raise kind(self.name, operation, key, reason, code=code) from None


def _nanoseconds(when: datetime) -> int:
    return int(when.timestamp()) * 10**9 + when.microsecond * 1_000


def _md5(encoded: str | None, etag: str | None) -> str:
    """The MD5 of an object: given as such, or as S3's ETag of what was written by one request without KMS."""
    if encoded:
        return base64.b64decode(encoded).hex()
    found = _ETAG.fullmatch(etag or "")
    return found["md5"] if found else ""


def _code(text: str) -> str:
    """The code of the service's own error, else the status of its answer: a HEAD has no body."""
    if found := _CODE.search(text):
        return found["code"]
    status = _STATUS.search(text)
    return status["status"] if status else ""


def _reason(text: str) -> str:
    """The service's own words in one line, without what differs each time."""
    if found := _MESSAGE.search(text):
        message = _OF_REQUEST.sub("", found["text"].replace("\\n", "\n")).strip()
        code = _CODE.search(text)
        return f"{message} ({code['code']})" if code else message
    if found := _SOURCE.search(text):
        return found["text"]
    status = _STATUS.search(text)
    return f"it answers {status['status']}" if status else text.partition("\n")[0]
