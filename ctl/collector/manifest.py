"""What a manifest of any kind refers to; in doubt, everything that it names."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from ctl.collector.layout import digests_in

LARGEST = 16 * 2**20
"""Bytes; registries take manifests of 4 MiB at most (handlers/manifests.go)."""
_LISTS = ("layers", "manifests")
_NAMES = ("digest", "blobsum")
"""Keys whose value refers to a blob: of a descriptor (OCI, Docker schema 2), of a layer of schema 1."""
_DESCRIBED = re.compile(rb'"digest"\s*:\s*"sha256:([^"]{64})"')


@dataclass(slots=True)
class Manifest:
    """A manifest, as far as it matters what it refers to. It is not frozen: of 100,000, that takes a second.

    Args:
        digest: its own.
        size: bytes.
        references: digests that it needs: manifests of an index, config, layers.
        subject: digest of the manifest that it says something about (a signature, an SBOM), or None.
        sizes: the sizes that it gives for what it needs, by digest; none where it was skimmed.
        children: those of the references that are manifests.
    """

    digest: str
    size: int
    references: tuple[str, ...] = ()
    subject: str | None = None
    sizes: Mapping[str, int] = field(default_factory=dict)
    children: tuple[str, ...] = ()


def reached(manifests: Mapping[str, Manifest], roots: Iterable[str], referrers: Iterable[str]) -> set[str]:
    """The digests to which some manifests lead.

    Args:
        manifests: what is known of manifests, by digest.
        roots: where to begin.
        referrers: those of the manifests whose subject counts: what is about a manifest that is reached, is too
            (OCI image specification, `subject`).

    Returns:
        The roots, what they need, and what is about any of these, with all that it needs in turn.
    """
    about: dict[str, list[str]] = {}
    for digest in referrers:
        subject = manifests[digest].subject
        if subject is not None:
            about.setdefault(subject, []).append(digest)
    found: set[str] = set()
    pending = [*roots]
    while pending:
        digest = pending.pop()
        if digest in found:
            continue
        found.add(digest)
        if digest in manifests:
            pending += manifests[digest].references
        pending += about.get(digest, ())
    return found


def parse(digest: str, content: bytes) -> Manifest:
    """Read a manifest of any kind: OCI, Docker schema 2 and 1, list, index, artifact, or one not known yet.

    Neither media types nor the names of its lists matter: whatever is a descriptor is referred to. Names of keys
    are compared without regard to case, as Go's encoding/json does (to which the long s of old prints is an s, too).

    Raises:
        ValueError: it is not a JSON object.
    """
    return _usual(digest, content) or _of_any_kind(digest, content)


def skim(digest: str, content: bytes) -> Manifest:
    """As `parse`, without sizes, and of an image without reading JSON.

    In doubt a digest is referred to: one beside the lists of an image is, too.
    """
    found, is_index = described(content)
    if not found or is_index:
        return parse(digest, content)
    return Manifest(digest, len(content), tuple(f"sha256:{name.decode()}" for name in found))


def described(content: bytes) -> tuple[list[bytes], bool]:
    """The digests in a manifest, all of SHA-256, where each is that of a descriptor, and none that of a subject.

    Nothing where that cannot be seen without reading JSON. In a fraction of the time: of a first mark it is the most.

    Returns:
        Their 64 characters each, and whether some may be of other manifests.
    """
    if not content.isascii() or b"\\" in content:  # an escape, or the long s, could hide a digest or a key
        return [], False
    text = content.lower()
    found = _DESCRIBED.findall(text)
    if text.count(b"sha") != len(found) or b"subject" in text:
        return [], False
    return found, b'"manifests"' in text


def _usual(digest: str, content: bytes) -> Manifest | None:
    """A manifest as programs write it today, in a fraction of the time; None where it names anything else as well."""
    if b"\\" in content:  # an escape could hide a digest
        return None
    try:
        document = json.loads(content.decode())
        parts = {"config": [document.get("config")], **{key: document.get(key) for key in _LISTS}}
        described = [one for key in document if key in parts for one in parts[key] or ()]
        sizes = {one["digest"]: one["size"] for one in described}
        subject = document["subject"]["digest"] if "subject" in document else None
        children = tuple(one["digest"] for one in parts["manifests"] or ())
        seen = {*sizes, *((subject,) if subject else ())} == {*digests_in(content)}
    except (ValueError, RecursionError, TypeError, KeyError, AttributeError):
        return None
    if not seen or {*map(type, sizes.values())} != {int}:
        return None
    return Manifest(digest, len(content), tuple(sizes), subject, sizes, children)


def _of_any_kind(digest: str, content: bytes) -> Manifest:
    try:
        document = json.loads(content, object_pairs_hook=_Pairs)
    except RecursionError as error:
        raise ValueError(f"{digest} is nested too deeply") from error
    if not isinstance(document, _Pairs):
        raise ValueError(f"{digest} is no manifest: it is not a JSON object")
    sizes: dict[str, int] = {}
    references: dict[str, None] = {}
    children: dict[str, None] = {}
    for key, name, size in _descriptors(document):
        references[name] = None
        if key == "manifests":
            children[name] = None
        if isinstance(size, int):
            sizes[name] = size
    return Manifest(digest, len(content), tuple(references), _subject(document), sizes, tuple(children))


def verify(digest: str, content: bytes) -> None:
    """Compare content with its digest.

    Raises:
        ValueError: it has another one.
    """
    algorithm, _, expected = digest.partition(":")
    if getattr(hashlib, algorithm)(content).hexdigest() != expected:  # `new` takes twice as long
        raise ValueError("its content does not have that digest")


class _Pairs(list[tuple[str, object]]):
    """A JSON object with every pair, also of keys that occur twice."""


def _descriptors(document: _Pairs) -> Iterator[tuple[str, str, object]]:
    """Each descriptor at any depth: the top-level key that it is in, its digest, its size. Not the subject."""
    for key, value in document:
        if isinstance(value, list) and key.casefold() != "subject":
            for name, size in _within(value):
                yield key.casefold(), name, size


def _within(value: object) -> Iterator[tuple[str, object]]:
    pending = [value]
    while pending:
        one = pending.pop()
        if isinstance(one, _Pairs):
            size = next((each for key, each in one if key.casefold() == "size"), None)
            for key, each in one:
                if key.casefold() in _NAMES and isinstance(each, str):
                    yield each, size
            pending += [each for _, each in reversed(one) if isinstance(each, list)]
        elif isinstance(one, list):
            pending += reversed(one)


def _subject(document: _Pairs) -> str | None:
    for key, value in document:
        if key.casefold() == "subject" and isinstance(value, _Pairs):
            for name, digest in value:
                if name.casefold() == "digest" and isinstance(digest, str):
                    return digest
    return None
