"""Tries in a storage everything that a registry does there, and names each permission that lacks.

S3: https://distribution.github.io/distribution/storage-drivers/s3/, "S3 permission scopes".
Google: https://cloud.google.com/storage/docs/access-control/iam-permissions. Azure: "Storage Blob Data Contributor".
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path

from ctl.storage.store import DENIED, Missing, StorageError, Store

PLACE = "ctl-probe"
"""Where the probe is, beside `docker`: registries do not look there."""
_PROBE, _COPY, _ABSENT = f"{PLACE}/probe", f"{PLACE}/copy", f"{PLACE}/absent"
_CONTENT = b"a probe of ctl registry-check-storage\n"
_IMAGES = "docker/registry/v2/"

_S3 = {
    "delete": "s3:DeleteObject",
    "list": "s3:ListBucket",
    "write": "s3:PutObject",
    "read": "s3:GetObject",
    "copy": "s3:GetObject, s3:PutObject",
    "begin an upload": "s3:PutObject",
    "continue an upload": "s3:ListBucketMultipartUploads, s3:ListMultipartUploadParts",
    "abandon an upload": "s3:AbortMultipartUpload",
}
_GCS = {
    "delete": "storage.objects.delete",
    "list": "storage.objects.list",
    "write": "storage.objects.create",
    "read": "storage.objects.get",
    "copy": "storage.objects.get, storage.objects.create",
}
_AZURE = {
    name: f"Microsoft.Storage/storageAccounts/blobServices/containers/blobs/{action}"
    for name, action in {
        "delete": "delete",
        "list": "read",
        "write": "write",
        "read": "read",
        "copy": "write",
    }.items()
}
_PERMISSIONS = {"s3": _S3, "gcs": _GCS, "azure": _AZURE}
_NAMED = re.compile(r"not authorized to perform: (?P<name>[\w.:]+)")
_KEYS = {
    "401",
    "InvalidAccessKeyId",
    "SignatureDoesNotMatch",
    "AuthenticationFailed",
    "InvalidToken",
    "ExpiredToken",
}
_NO_BUCKET = {"NoSuchBucket", "ContainerNotFound"}


@dataclass(frozen=True)
class Check:
    """One thing that a registry does.

    Args:
        operation: what: list, write, …
        ok: whether it may; None where it could not be tried.
        permission: that lacks, as the storage calls it, or "".
        reason: the storage's own, or why it could not be tried.
        remedy: what to do.
    """

    operation: str
    ok: bool | None
    permission: str = ""
    reason: str = ""
    remedy: str = ""

    def as_json(self) -> dict[str, object]:
        """For `--json`."""
        return asdict(self)


def check_storage(store: Store, account: str) -> Iterator[Check]:
    """Delete, list, write, read and copy, in this order, so that nothing is left behind.

    Args:
        store: the storage, with the rights of the account.
        account: its name, for remedies.

    Yields:
        Each thing, as it is tried.
    """
    judge = _Judge(store, account)
    deleted = judge.tried("delete", lambda: _delete_absent(store))
    yield deleted
    listed = judge.tried("list", lambda: _first(store))
    yield listed
    if deleted.ok:
        yield from _written(store, judge)
    else:
        why = "what is written could not be deleted"
        yield from (Check(name, None, reason=why) for name in ("write", "copy"))
        yield _read_of_images(store, judge) if listed.ok else Check("read", None, reason=why)


def _written(store: Store, judge: _Judge) -> Iterator[Check]:
    made = _missing(store)
    try:
        written = judge.tried("write", lambda: store.write(_PROBE, [_CONTENT]))
        yield written
        if not written.ok:
            yield _read_of_images(store, judge)
            yield Check("copy", None, reason="nothing could be written")
            return
        yield judge.tried("read", lambda: _read(store))
        yield judge.tried("copy", lambda: store.copy(_PROBE, _COPY))
    finally:
        for key in (_COPY, _PROBE):
            store.delete(key)
        for folder in made:
            with suppress(OSError):
                folder.rmdir()


def _missing(store: Store) -> list[Path]:
    """The folder of a storage where there is none, and those above it: what is written makes them."""
    root = Path(store.name)
    folders = (root, *root.parents) if store.driver == "filesystem" else ()
    return [folder for folder in folders if not folder.exists()]


def _delete_absent(store: Store) -> None:
    try:
        store.delete(_ABSENT)
    except Missing as error:
        if error.code in _NO_BUCKET:
            raise


def _first(store: Store) -> str:
    return next((one.key for one in store.list(_IMAGES) if one.size and not one.key.endswith("/data")), "")


def _read(store: Store) -> None:
    found = store.read(_PROBE)
    if found != _CONTENT:
        raise StorageError(store.name, "read", _PROBE, f"it holds {len(found)} bytes that nobody has written")


def _read_of_images(store: Store, judge: _Judge) -> Check:
    try:
        key = _first(store)
    except StorageError:
        key = ""
    if not key:
        return Check("read", None, reason="there is nothing to read")
    return judge.tried("read", lambda: store.read(key))


@dataclass(frozen=True)
class _Judge:
    store: Store
    account: str

    def tried(self, operation: str, call: Callable[[], object]) -> Check:
        try:
            call()
        except StorageError as error:
            return self.failed(operation, error.code, error.reason, error.key)
        return Check(operation, ok=True)

    def failed(self, operation: str, code: str, reason: str, key: str = "") -> Check:
        """What a refusal means, and what to do about it."""
        if self.store.driver == "filesystem":
            permission, remedy = self._folder(Path(self.store.name, key), code)
            return Check(operation, False, permission, reason, remedy)
        if code in _KEYS:
            return Check(operation, False, "", reason, "correct the keys in the storage section")
        if code in _NO_BUCKET:
            return Check(operation, False, "", reason, f"make it, or correct its name: {self.store.name}")
        named = _NAMED.search(reason)
        permission = named["name"] if named else _permission(self.store.driver, operation)
        if code in DENIED and permission:
            remedy = f"allow {permission} to whom the storage section or this machine's role names"
            return Check(operation, False, permission, reason, remedy)
        return Check(operation, False, "", reason, "")

    def _folder(self, path: Path, code: str) -> tuple[str, str]:
        if code not in ("EACCES", "EPERM"):
            return "", {"ENOSPC": "make room", "EROFS": "mount it writable"}.get(code, "")
        at = Path("/")
        for at in (*reversed(path.parents), path):
            if at.is_dir() and not os.access(at, os.X_OK, effective_ids=True):
                return f"x on {at}", f"user {self.account} may not enter it: chmod o+x {at}"
            if not os.path.lexists(at):
                at = at.parent
                break
        return (
            f"w on {at}",
            f"user {self.account} may not write there: chown -R {self.account} {self.store.name}",
        )


def _permission(driver: str, operation: str) -> str:
    family = next((name for name in _PERMISSIONS if driver.startswith(name)), "")
    return _PERMISSIONS.get(family, {}).get(operation, "")


def judged(store: Store, account: str, operation: str, code: str, reason: str) -> Check:
    """A refusal that the registry program met."""
    return _Judge(store, account).failed(operation, code, reason)


def folders_without_rights(root: Path, account: str, limit: int = 20) -> Iterator[Check]:
    """Folders of images in which an account may not write: a copy made as root leaves such.

    Args:
        root: of the storage on a file system; its effective rights are the account's.
        account: its name.
        limit: how many are named.
    """
    found = 0
    for path in _folders(root):
        if os.access(path, os.R_OK | os.W_OK | os.X_OK, effective_ids=True):
            continue
        remedy = f"chown -R {account} {root}"
        yield Check("write", False, f"rwx on {path}", f"user {account} may not write in {path}", remedy)
        found += 1
        if found == limit:
            return


def _folders(root: Path) -> Iterator[Path]:
    """The folders that a registry writes in, without those of single blobs and links."""
    for folder, folders, _ in os.walk(root / "docker"):
        yield Path(folder)
        name = Path(folder).name
        if name.startswith("_") or (len(name) == 2 and "/blobs/" in folder):
            folders.clear()
