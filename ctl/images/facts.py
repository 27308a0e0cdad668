"""What is known of an image by its digest: date, size, platforms. By a digest it cannot change: it is kept."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from ctl.collector.layout import blob_folder
from ctl.collector.manifest import LARGEST
from ctl.collector.tree import Tree, tree_of
from ctl.images.document import Config, Descriptor, Document, parse_config, parse_document
from ctl.storage.store import Store

_DEEPEST = 8
"""Indexes in indexes that are followed."""


class Unknown(Exception):
    """Content that cannot be read; says why."""


@dataclass(frozen=True)
class Facts:
    """What is known of an image or index.

    Args:
        digest: its own.
        kind: "image", "index", "artifact" or "schema 1".
        created: nanoseconds since 1970; of an index that of its newest image. None where it is not known.
        size: bytes of all that it needs, each once; None where something of it is missing.
        platforms: as "linux/amd64"; "unknown" for an image that does not say it.
        problem: what is not known, and why; "" where nothing is wrong.
    """

    digest: str
    kind: str
    created: int | None
    size: int | None
    platforms: tuple[str, ...] = ()
    problem: str = ""


class Images:
    """Reads images of a storage.

    Args:
        storage: that they are in.
    """

    def __init__(self, storage: Tree) -> None:
        self.storage = storage
        self._facts: dict[str, Facts] = {}

    @classmethod
    def of(cls, place: str | Store) -> Images:
        """Those of a storage: a folder, or what a client leads to."""
        return cls(tree_of(place))

    def document(self, digest: str) -> Document:
        """A manifest.

        Raises:
            Unknown: it cannot be read.
        """
        try:
            return parse_document(self._content(digest))
        except ValueError as error:
            raise Unknown(f"manifest {digest} is damaged: {error}") from error

    def config(self, descriptor: Descriptor) -> Config:
        """The configuration of an image.

        Raises:
            Unknown: it cannot be read.
        """
        try:
            return parse_config(self._content(descriptor.digest))
        except ValueError as error:
            raise Unknown(f"configuration {descriptor.digest} is damaged: {error}") from error

    def size(self, digest: str) -> int | None:
        """Bytes of a blob that is there."""
        try:
            return self.storage.size(self._path(digest))
        except OSError:
            return None

    def is_there(self, digest: str) -> bool:
        """Whether a blob is there."""
        return self.storage.has(self._path(digest))

    def facts(self, digest: str) -> Facts:
        """What is known of an image."""
        if digest not in self._facts:
            self._facts[digest] = self._find(digest)
        return self._facts[digest]

    def date(self, digest: str) -> int | None:
        """When an image was created, in nanoseconds since 1970; None where it does not say. Layers are not looked at.

        Raises:
            Unknown: its manifest or configuration cannot be read.
        """
        dates: list[int | None] = []
        for _, one, descriptor in self._family(digest, _DEEPEST):
            if one.kind == "index" or (descriptor and descriptor.attestation):
                continue
            created, _, why = self._of_one(one)
            if why:
                raise Unknown(why)
            dates.append(created)
        return None if None in dates or not dates else max(one for one in dates if one is not None)

    def _find(self, digest: str) -> Facts:
        try:
            documents = list(self._family(digest, _DEEPEST))
        except Unknown as error:
            return Facts(digest, "unknown", None, None, problem=str(error))
        kind = documents[0][1].kind
        needed: dict[str, None] = {}
        dates: list[int | None] = []
        platforms: dict[str, None] = {}
        problem = ""
        for name, one, descriptor in documents:
            needed |= dict.fromkeys((name, *(part.digest for part in _parts(one))))
            if one.kind == "index" or (descriptor and descriptor.attestation):
                continue
            created, platform, why = self._of_one(one)
            problem = problem or why
            dates.append(created)
            given = descriptor.platform if descriptor and descriptor.platform else platform
            if given or one.kind == "image":
                platforms[given or "unknown"] = None
        sizes = [self.size(one) for one in needed]
        if None in sizes:
            missing = next(one for one, size in zip(needed, sizes, strict=True) if size is None)
            problem = problem or f"{missing} is missing"
        created = None if None in dates or not dates else max(one for one in dates if one is not None)
        size = None if None in sizes else sum(one for one in sizes if one is not None)
        return Facts(digest, kind, created, size, tuple(platforms), problem)

    def _family(self, digest: str, depth: int) -> Iterator[tuple[str, Document, Descriptor | None]]:
        """A manifest and all below it, each with how the one above refers to it."""
        pending: list[tuple[str, Descriptor | None, int]] = [(digest, None, depth)]
        seen: set[str] = set()
        while pending:
            name, descriptor, left = pending.pop(0)
            if name in seen:
                continue
            seen.add(name)
            found = self.document(name)
            yield name, found, descriptor
            if found.manifests and not left:
                raise Unknown(f"manifest {digest} is nested too deeply")
            pending += [(one.digest, one, left - 1) for one in found.manifests]

    def _of_one(self, one: Document) -> tuple[int | None, str, str]:
        """Date and platform of an image, and what is not known."""
        if one.kind != "image" or one.config is None:
            return one.created, one.platform, ""
        try:
            config = self.config(one.config)
        except Unknown as error:
            return None, "", str(error)
        # `created` of the configuration is what GitLab goes by; an annotation is the next best
        return config.created if config.created is not None else one.created, config.platform, ""

    def _content(self, digest: str) -> bytes:
        try:
            return self.storage.read_file(self._path(digest), LARGEST)
        except FileNotFoundError as error:
            raise Unknown(f"{digest} is missing") from error
        except OSError as error:
            raise Unknown(f"{self._path(digest)}: {error.strerror}") from error

    def _path(self, digest: str) -> str:
        return self.storage.path(f"{blob_folder(digest)}/data")


def _parts(one: Document) -> tuple[Descriptor, ...]:
    return (*((one.config,) if one.config else ()), *one.layers)
