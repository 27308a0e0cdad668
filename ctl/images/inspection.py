"""Everything that is known of one image: what it is made of, what it says of itself, what is about it."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any

from ctl.collector.filesystem import RepositoryScan
from ctl.collector.manifests import Manifests, Unreadable
from ctl.images.catalogue import About, about, tags
from ctl.images.document import Config, Descriptor, Document
from ctl.images.facts import Facts, Images, Unknown
from ctl.images.usage.usage import when


@dataclass(frozen=True)
class Part:
    """Something that a manifest refers to.

    Args:
        digest, media_type, platform: as it says.
        size: bytes of it in the storage; None where it is missing.
        attestation: whether it is about another entry of the same index.
    """

    digest: str
    media_type: str
    size: int | None
    platform: str = ""
    attestation: bool = False


@dataclass(frozen=True)
class Note:
    """A manifest that is about the image: a signature, an attestation, an SBOM.

    Args:
        kind: in words, or the type that it gives.
        digest: of it.
        tag: by which it is found, or "".
    """

    kind: str
    digest: str
    tag: str = ""


@dataclass
class Inspection:
    """What is known of an image. None, and "" for words, is unknown; `problems` says why.

    Args:
        repository, digest: what it is.
        facts: date, size, platforms.
        document: its manifest, or None.
        pushed: nanoseconds since 1970 when its manifest was last pushed.
        tags: all tags that name it.
        config: of an image, or None.
        parts: layers of an image, manifests of an index.
        notes: what is about it.
        problems: what cannot be known, and why.
    """

    repository: str
    digest: str
    facts: Facts
    document: Document | None = None
    pushed: int | None = None
    tags: list[str] = field(default_factory=list)
    config: Config | None = None
    parts: list[Part] = field(default_factory=list)
    notes: list[Note] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)

    def as_json(self) -> dict[str, Any]:
        """For `--json`."""
        document = self.document
        return {
            "repository": self.repository,
            "digest": self.digest,
            "kind": self.facts.kind,
            "media_type": (document.media_type or None) if document else None,
            "artifact_type": (document.artifact_type or None) if document else None,
            "subject": (document.subject or None) if document else None,
            "annotations": dict(document.annotations) if document else None,
            "created": when(self.facts.created),
            "pushed": when(self.pushed),
            "size": self.facts.size,
            "platforms": list(self.facts.platforms),
            "tags": self.tags,
            "config": dict(self.config.facts) if self.config else None,
            "manifests" if self.facts.kind == "index" else "layers": [asdict(one) for one in self.parts],
            "about": [asdict(one) for one in self.notes],
            "problems": self.problems,
        }


def inspect(images: Images, manifests: Manifests, scan: RepositoryScan, digest: str) -> Inspection:
    """Find out about an image.

    Args:
        images, manifests: of the storage.
        scan: of its repository.
        digest: of its manifest.
    """
    found = Inspection(scan.name, digest, images.facts(digest))
    found.pushed = next((link.mtime for link in scan.revisions if link.name == digest), None)
    if found.pushed is None:
        found.problems.append(f"{digest} is no manifest of {scan.name}: the registry does not serve it")
    if found.facts.problem:
        found.problems.append(found.facts.problem)
    try:
        document = found.document = images.document(digest)
    except Unknown:
        pass  # the facts have the same problem
    else:
        found.parts = [_part(images, one) for one in document.manifests or document.layers]
        if document.kind == "image" and document.config:
            try:
                found.config = images.config(document.config)
            except Unknown as error:
                found.problems += [str(error)] if str(error) not in found.problems else []
    _add_tags(found, images, scan)
    _add_referrers(found, manifests, scan)
    return found


def _part(images: Images, one: Descriptor) -> Part:
    return Part(one.digest, one.media_type, images.size(one.digest), one.platform, one.attestation)


def _add_tags(found: Inspection, images: Images, scan: RepositoryScan) -> None:
    for tag in sorted(tags(images.storage, scan), key=lambda one: one.name):
        noted: About | None = about(tag.name)
        if tag.digest == found.digest:
            found.tags.append(tag.name)
        elif noted is not None and noted.subject == found.digest:
            found.notes.append(Note(noted.kind, tag.digest, tag.name))


def _add_referrers(found: Inspection, manifests: Manifests, scan: RepositoryScan) -> None:
    known = {one.digest for one in found.notes}
    for link in scan.revisions:
        try:
            one = manifests.get(link.name)
        except (Unreadable, ValueError):
            found.problems.append(f"{link.name or link.path} cannot be read: it may be about this image")
            continue
        if one.subject == found.digest and link.name not in known:
            found.notes.append(Note("referrer", link.name))
