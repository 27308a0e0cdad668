"""The scratch repository: begin an upload, push and pull, and leave no trace."""

from __future__ import annotations

import hashlib
import json
import os
import secrets
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from typing import BinaryIO
from urllib.parse import urlsplit

from ctl.doctor.site import SCRATCH_PREFIX, Site
from ctl.doctor.web import Answer, Server
from ctl.errors import CtlError
from ctl.machine.own_command import own_command
from ctl.registry.token import repository_access

MANIFEST = "application/vnd.oci.image.manifest.v1+json"
CONFIG = "application/vnd.oci.image.config.v1+json"
LAYER = "application/vnd.oci.image.layer.v1.tar"
STORAGE_SECONDS = 60
LARGE = 32 << 20
"""Bytes of a blob that no buffers of the kernel hold: each connection may have about 6 MB of them."""
HEAD = 32
"""Bytes at its start that make it unlike any other; the rest are zeros."""
SIZE = 100_000
"""Bytes of the layer: several packets, and more than any header buffer."""


class Unexpected(CtlError):
    """An answer that no registry gives to what was asked; names the step."""


def scratch_name() -> str:
    """A repository of its own for each run, so that two never meet."""
    return f"{SCRATCH_PREFIX}{secrets.token_hex(6)}"


def authorised(site: Site, repository: str) -> dict[str, str]:
    """The header with a token for everything in a repository. Raises CtlError where this node has no key."""
    token = site.token(repository_access([repository], ("pull", "push", "delete")))
    if token is None:
        raise CtlError("another machine has the key that signs tokens", hint="Run the command there.")
    return {"Authorization": f"Bearer {token}"}


def target(location: str) -> str:
    """The path and query of a Location."""
    parts = urlsplit(location)
    return f"{parts.path}?{parts.query}" if parts.query else parts.path


def begin_upload(site: Site, server: Server, repository: str, headers: Mapping[str, str]) -> Answer:
    """Ask to begin an upload. Raises OSError."""
    return server.ask(
        "POST", f"{site.prefix}/v2/{repository}/blobs/uploads/", headers={**headers, "Content-Length": "0"}
    )


def cancel_upload(server: Server, answer: Answer, headers: Mapping[str, str]) -> None:
    """Cancel an upload that was begun; the registry itself drops it in time where that fails."""
    if answer.status == HTTPStatus.ACCEPTED:
        with suppress(OSError):
            server.ask("DELETE", target(answer.header("Location")), headers=headers)


def sweep(site: Site, repository: str, image: Image | None = None) -> None:
    """Remove what a cancelled upload, or a deleted image, leaves of a scratch repository.

    Only that repository: it has a random name, and nobody else pushes there; and the blobs of the image, which are
    random too.
    """
    root = _images(site)
    if root is None:
        _sweep_store(site, repository, image)
        return
    folder = root / "repositories" / repository
    if folder.is_dir() and not folder.is_symlink():
        import shutil  # imported here because it loads its compressors

        shutil.rmtree(folder, ignore_errors=True)
    with suppress(OSError):  # another run of the command uses it too, or it may not be removed
        os.rmdir(folder.parent)  # noqa: PTH106 - only where it is empty
    if image is not None:
        remove_blobs(site, image)


def _sweep_store(site: Site, repository: str, image: Image | None) -> None:
    blobs = (*image.blobs, image.manifest) if image else ()
    names = [digest(one).partition(":")[2] for one in blobs]
    words = [str(site.layout.root), str(site.settings_file), repository, *names]
    own_command(words, seconds=STORAGE_SECONDS, module="ctl.doctor.traces")


@dataclass(frozen=True)
class Image:
    """A small image.

    Args:
        config, layer, manifest: its parts.
    """

    config: bytes
    layer: bytes
    manifest: bytes

    @classmethod
    def new(cls) -> Image:
        """One that no registry has: a push of what is there already would prove nothing."""
        layer = secrets.token_bytes(SIZE)
        config = json.dumps(
            {
                "architecture": "amd64",
                "os": "linux",
                "rootfs": {"type": "layers", "diff_ids": [digest(layer)]},
            }
        ).encode()
        manifest = {
            "schemaVersion": 2,
            "mediaType": MANIFEST,
            "config": _descriptor(CONFIG, config),
            "layers": [_descriptor(LAYER, layer)],
        }
        return cls(config, layer, json.dumps(manifest).encode())

    @property
    def blobs(self) -> tuple[bytes, bytes]:
        """What is uploaded."""
        return self.config, self.layer


def _descriptor(media_type: str, content: bytes) -> dict[str, object]:
    return {"mediaType": media_type, "digest": digest(content), "size": len(content)}


def digest(content: bytes) -> str:
    """The digest of content."""
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


@dataclass(frozen=True)
class Step:
    """One request of a push or a pull.

    Args:
        what: in words.
        method, path: of the request.
        answer: to it.
        wanted: the status that it should have.
        sound: whether the content is what was asked for.
    """

    what: str
    method: str
    path: str
    answer: Answer
    wanted: int
    sound: bool = True

    @property
    def problem(self) -> str:
        """What is wrong with the answer; "" for nothing."""
        if self.answer.status != self.wanted:
            return f"{self.what}: {self.method} is answered by {self.answer}, not {self.wanted}{reported(self.answer)}"
        return "" if self.sound else f"{self.what}: the content is not that of its digest"


def reported(answer: Answer) -> str:
    """The registry's own words in an error, or whose page it is."""
    try:
        errors = json.loads(answer.body)["errors"]
        return f" ({errors[0]['code']}: {errors[0].get('message', '')})"
    except (ValueError, KeyError, IndexError, TypeError):
        sender = answer.header("Server")
        return f" (not the registry's own answer{f': {sender}' if sender else ''})"


def push(site: Site, server: Server, repository: str, image: Image) -> Iterator[Step]:
    """Push an image, one request after the other; ends with the first that fails."""
    headers, base = authorised(site, repository), f"{site.prefix}/v2/{repository}"
    for name, blob in zip(("configuration", "layer"), image.blobs, strict=True):
        path = f"{base}/blobs/uploads/"
        begun = server.ask("POST", path, headers={**headers, "Content-Length": "0"})
        yield Step(f"begin the upload of the {name}", "POST", path, begun, HTTPStatus.ACCEPTED)
        if begun.status != HTTPStatus.ACCEPTED:
            return
        place = target(begun.header("Location"))
        sent = {**headers, "Content-Type": "application/octet-stream"}
        done = server.ask("PATCH", place, headers=sent, body=blob)
        yield Step(f"send the {name}", "PATCH", place, done, HTTPStatus.ACCEPTED)
        if done.status != HTTPStatus.ACCEPTED:
            return
        place = target(done.header("Location"))
        path = f"{place}{'&' if '?' in place else '?'}digest={digest(blob)}"
        closed = server.ask("PUT", path, headers={**headers, "Content-Length": "0"})
        yield Step(f"finish the {name}", "PUT", path, closed, HTTPStatus.CREATED)
        if closed.status != HTTPStatus.CREATED:
            return
    path = f"{base}/manifests/check"
    answer = server.ask("PUT", path, headers={**headers, "Content-Type": MANIFEST}, body=image.manifest)
    yield Step("push the manifest", "PUT", path, answer, HTTPStatus.CREATED)


def pull(site: Site, server: Server, repository: str, image: Image) -> Iterator[Step]:
    """Pull an image, and compare it with what was pushed; redirects to object storage are followed."""
    headers, base = authorised(site, repository), f"{site.prefix}/v2/{repository}"
    path = f"{base}/manifests/check"
    answer = server.ask("GET", path, headers={**headers, "Accept": MANIFEST})
    yield Step("pull the manifest", "GET", path, answer, HTTPStatus.OK, answer.body == image.manifest)
    if answer.status != HTTPStatus.OK:
        return
    for name, blob in zip(("configuration", "layer"), image.blobs, strict=True):
        path = f"{base}/blobs/{digest(blob)}"
        answer = server.ask("GET", path, headers=headers)
        if answer.status == HTTPStatus.TEMPORARY_REDIRECT:
            place = answer.header("Location")
            yield Step(f"ask for the {name}", "GET", path, answer, HTTPStatus.TEMPORARY_REDIRECT)
            answer, path = server.at(place).ask("GET", target(place)), place
        yield Step(f"pull the {name}", "GET", path, answer, HTTPStatus.OK, answer.body == blob)


def clean(site: Site, server: Server, repository: str, image: Image) -> Iterator[Step]:
    """Delete the image again, its blobs included; each step whatever became of the one before."""
    headers, base = authorised(site, repository), f"{site.prefix}/v2/{repository}"
    for name, path in (
        ("manifest", f"{base}/manifests/{digest(image.manifest)}"),
        *(("blob", f"{base}/blobs/{digest(blob)}") for blob in image.blobs),
    ):
        answer = server.ask("DELETE", path, headers=headers)
        yield Step(f"delete the {name}", "DELETE", path, answer, HTTPStatus.ACCEPTED)
    sweep(site, repository, image)


def remove_blobs(site: Site, image: Image) -> None:
    """Its blobs, which the registry keeps until a collection; random, so nobody else's."""
    root = _images(site)
    if root is None:
        _sweep_store(site, "", image)
        return
    for content in (*image.blobs, image.manifest):
        _remove_blob(root, digest(content))


def _images(site: Site) -> Path | None:
    """The folder of the images; None where they are not on a disk of this machine."""
    root = site.config.root
    return None if root is None else site.config.path.parent / root / "docker/registry/v2"


def _remove_blob(root: Path, name: str) -> None:
    folder = _blob_folder(root, name)
    _unlink(folder / "data")
    _remove_empty(folder, folder.parent)


def _remove_empty(*folders: Path) -> None:
    for path in folders:
        with suppress(OSError):  # not there, not empty, or not to be removed by this user
            path.rmdir()


def _blob_folder(root: Path, name: str) -> Path:
    algorithm, _, hexadecimal = name.partition(":")
    return root / "blobs" / algorithm / hexadecimal[:2] / hexadecimal


def _unlink(path: Path) -> None:
    with suppress(OSError):
        path.unlink()


@contextmanager
def large_blob(site: Site, repository: str) -> Iterator[tuple[str, Path] | None]:
    """A large blob in a scratch repository, which takes no room on the disk: its path for clients, and its file.

    Put into the storage, not pushed: nothing is sent through anybody.

    Yields:
        None where this user may not write there, or it is no folder.

    Raises:
        OSError: the disk is full, say.
    """
    root = _images(site)
    there = next((one for one in (root, *root.parents) if one.exists()), None) if root else None
    if root is None or there is None or not os.access(there, os.W_OK):
        yield None
        return
    head = secrets.token_bytes(HEAD)
    name, owner = _digest_of_large(head), there.stat()
    data = _blob_folder(root, name) / "data"
    layers = root / "repositories" / repository / "_layers"
    made: list[Path] = []
    try:
        with _made(data, owner, made) as file:
            file.write(head)
            file.truncate(LARGE)
        with _made(layers / name.replace(":", "/") / "link", owner, made) as file:
            file.write(name.encode())
        yield f"{site.prefix}/v2/{repository}/blobs/{name}", data
    finally:
        _remove_blob(root, name)
        sweep(site, repository)
        _remove_empty(*reversed(made))  # an empty storage is so again


def _digest_of_large(head: bytes) -> str:
    hashed, zeros = hashlib.sha256(head), bytes(1 << 20)
    for start in range(len(head), LARGE, len(zeros)):
        hashed.update(zeros[: LARGE - start])
    return f"sha256:{hashed.hexdigest()}"


def _made(path: Path, owner: os.stat_result, made: list[Path]) -> BinaryIO:
    """A new file that the registry may read, with its folders, which are added to those that were made."""
    missing = [one for one in reversed(path.parents) if not one.exists()]
    made += missing
    for folder in missing:
        folder.mkdir(mode=0o755, exist_ok=True)
    file = path.open("xb")
    for one in (*missing, path):
        os.chmod(one, 0o644 if one == path else owner.st_mode & 0o777)  # noqa: PTH101 - whatever the umask is
        if os.geteuid() == 0:
            os.chown(one, owner.st_uid, owner.st_gid)
    return file
