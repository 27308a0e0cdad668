"""A storage as a registry writes it, made without one: for tests of what is in its files."""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass
from pathlib import Path

from ctl.collector.layout import (
    BLOBS,
    REPOSITORIES,
    blob_folder,
    layer_folder,
    revision_folder,
)
from tests.harness.images import INDEX, MANIFEST, Blob

OLD = 1_000_000_000
"""Seconds: long before any test."""


@dataclass
class Store:
    """A storage of the driver `filesystem`.

    Args:
        root: its folder.
    """

    root: Path

    def push(self, repository: str, blob: Blob, *tags: str) -> str:
        """Write an image or index, with all that it needs. Returns its digest."""
        for digest, one in blob.family().items():
            self.write(f"{blob_folder(digest)}/data", one.content)
            is_manifest = one.media_type in (MANIFEST, INDEX)
            folder = (revision_folder if is_manifest else layer_folder)(repository, digest)
            self.write(f"{folder}/link", digest.encode())
        self.path(f"{REPOSITORIES}/{repository}/_layers").mkdir(parents=True, exist_ok=True)
        for tag in tags:
            self.tag(repository, tag, blob.digest)
        return blob.digest

    def tag(self, repository: str, tag: str, digest: str) -> None:
        """Let a tag name a digest."""
        folder = f"{REPOSITORIES}/{repository}/_manifests/tags/{tag}"
        self.write(f"{folder}/current/link", digest.encode())
        self.write(f"{folder}/index/{digest.replace(':', '/')}/link", digest.encode())

    def link(self, repository: str, tag: str) -> Path:
        """The link of a tag."""
        return self.path(f"{REPOSITORIES}/{repository}/_manifests/tags/{tag}/current/link")

    def revision(self, repository: str, digest: str) -> Path:
        """The link of a manifest."""
        return self.path(f"{revision_folder(repository, digest)}/link")

    def layer(self, repository: str, digest: str) -> Path:
        """The link of a layer."""
        return self.path(f"{layer_folder(repository, digest)}/link")

    def data(self, digest: str) -> Path:
        """The content of a blob."""
        return self.path(f"{blob_folder(digest)}/data")

    def untag(self, repository: str, tag: str) -> None:
        """Remove a tag."""
        shutil.rmtree(self.link(repository, tag).parents[1])

    def delete(self, repository: str, digest: str) -> None:
        """Delete a manifest as the API does: its link, not the folder of that."""
        self.revision(repository, digest).unlink()

    def blobs(self) -> set[str]:
        """The digests of all blobs that are there."""
        found = self.path(BLOBS).glob("*/*/*/data")
        return {f"{path.parts[-4]}:{path.parent.name}" for path in found}

    def age(self, seconds: int = OLD) -> None:
        """Let everything be old."""
        for folder, folders, files in os.walk(self.root):
            for name in [*folders, *files]:
                os.utime(Path(folder, name), (seconds, seconds), follow_symlinks=False)

    def path(self, relative: str) -> Path:
        """A path in the storage."""
        return self.root / relative

    def write(self, relative: str, content: bytes) -> Path:
        """Write a file with the folders above it."""
        path = self.path(relative)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        return path
