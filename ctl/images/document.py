"""What a manifest and a configuration say of an image; whatever they do not say is unknown."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from ctl.collector.layout import is_digest

_NO_DATE = datetime(1980, 1, 1, 0, 0, 1, tzinfo=UTC)
"""Builders whose images must be the same each time write this, 1970 or year 1: none of them is a date."""
_CREATED = "org.opencontainers.image.created"
_ATTESTATION = ("vnd.docker.reference.type", "attestation-manifest")
"""The annotation by which BuildKit puts attestations into an index, with the platform unknown/unknown."""
_IMAGE_CONFIGS = (
    "application/vnd.oci.image.config.v1+json",
    "application/vnd.docker.container.image.v1+json",
)
_CONFIG_KEYS = ("User", "Entrypoint", "Cmd", "WorkingDir", "ExposedPorts", "Volumes", "Labels", "StopSignal")


@dataclass(frozen=True)
class Descriptor:
    """How a manifest refers to content.

    Args:
        digest: of the content.
        media_type: or "".
        size: bytes, as the manifest gives them; None where it does not.
        platform: as "linux/arm64/v8", or "".
        attestation: whether it is about another entry of the same index.
    """

    digest: str
    media_type: str = ""
    size: int | None = None
    platform: str = ""
    attestation: bool = False


@dataclass(frozen=True)
class Document:
    """A manifest.

    Args:
        media_type: of it, or "".
        kind: "image", "index", "artifact" or "schema 1".
        config: of an image or artifact, or None.
        layers, manifests: what it is made of.
        artifact_type: as it says, or its configuration's type, or "".
        subject: digest that it is about, or "".
        annotations: texts.
        created: nanoseconds since 1970, where the manifest itself says so.
        platform: of an image of schema 1.
    """

    media_type: str
    kind: str
    config: Descriptor | None = None
    layers: tuple[Descriptor, ...] = ()
    manifests: tuple[Descriptor, ...] = ()
    artifact_type: str = ""
    subject: str = ""
    annotations: Mapping[str, str] = field(default_factory=dict)
    created: int | None = None
    platform: str = ""


@dataclass(frozen=True)
class Config:
    """The configuration of an image.

    Args:
        created: nanoseconds since 1970, or None.
        platform: as "linux/amd64", or "".
        facts: what it says to those who run it. Of variables only the names: values may be secrets.
    """

    created: int | None
    platform: str
    facts: Mapping[str, Any]


def parse_document(content: bytes) -> Document:
    """Read a manifest.

    Raises:
        ValueError: it is no JSON object.
    """
    found = _object(content)
    annotations = {
        key: one for key, one in _mapping(found.get("annotations")).items() if isinstance(one, str)
    }
    config = _descriptor(found.get("config"))
    kind = _kind(found, config)
    created, platform = _schema1(found) if kind == "schema 1" else (moment(annotations.get(_CREATED)), "")
    subject = _descriptor(found.get("subject"))
    return Document(
        _text(found.get("mediaType")),
        kind,
        config,
        layers=_descriptors(found.get("layers") or found.get("blobs")) or _schema1_layers(found),
        manifests=_descriptors(found.get("manifests")),
        artifact_type=_text(found.get("artifactType"))
        or (config.media_type if config and kind == "artifact" else ""),
        subject=subject.digest if subject else "",
        annotations=annotations,
        created=created,
        platform=platform,
    )


def parse_config(content: bytes) -> Config:
    """Read the configuration of an image.

    Raises:
        ValueError: it is no JSON object.
    """
    found = _object(content)
    inner = _mapping(found.get("config"))
    facts: dict[str, Any] = {key: inner[key] for key in _CONFIG_KEYS if inner.get(key)}
    variables = [one.partition("=")[0] for one in inner.get("Env") or () if isinstance(one, str)]
    if variables:
        facts["Variables"] = variables
    if isinstance(found.get("author"), str) and found["author"]:
        facts["Author"] = found["author"]
    return Config(moment(found.get("created")), _platform(found), facts)


def moment(text: object) -> int | None:
    """Nanoseconds since 1970 of a time as RFC 3339 has it; None where it is none."""
    try:
        found = datetime.fromisoformat(text) if isinstance(text, str) else None
    except ValueError:
        return None
    if found is None or found.tzinfo is None or found <= _NO_DATE:
        return None
    return int(found.timestamp()) * 10**9 + found.microsecond * 1000


def _object(content: bytes) -> dict[str, Any]:
    try:
        found = json.loads(content)
    except RecursionError as error:
        raise ValueError("it is nested too deeply") from error
    if not isinstance(found, dict):
        raise ValueError("it is not a JSON object")
    return found


def _kind(found: Mapping[str, Any], config: Descriptor | None) -> str:
    if isinstance(found.get("manifests"), list):
        return "index"
    if found.get("schemaVersion") == 1 or "fsLayers" in found:
        return "schema 1"
    is_image = config is not None and (config.media_type in _IMAGE_CONFIGS or not config.media_type)
    return "image" if is_image and not _text(found.get("artifactType")) else "artifact"


def _schema1(found: Mapping[str, Any]) -> tuple[int | None, str]:
    """When it was created, and its platform: in its first entry of history, as JSON in JSON."""
    history = found.get("history")
    first = _mapping(history[0]) if isinstance(history, list) and history else {}
    try:
        newest = _object(_text(first.get("v1Compatibility")).encode())
    except ValueError:
        newest = {}
    return moment(newest.get("created")), _platform(
        {"os": "linux", "architecture": found.get("architecture")}
    )


def _schema1_layers(found: Mapping[str, Any]) -> tuple[Descriptor, ...]:
    given = found.get("fsLayers")
    sums = [_text(_mapping(one).get("blobSum")) for one in given] if isinstance(given, list) else []
    return tuple(Descriptor(one) for one in dict.fromkeys(sums) if is_digest(one))


def _descriptors(value: object) -> tuple[Descriptor, ...]:
    return tuple(_each(value)) if isinstance(value, list) else ()


def _each(values: list[object]) -> Iterator[Descriptor]:
    for value in values:
        found = _descriptor(value)
        if found is not None:
            yield found


def _descriptor(value: object) -> Descriptor | None:
    found = _mapping(value)
    digest, size = _text(found.get("digest")), found.get("size")
    if not is_digest(digest):
        return None
    key, kind = _ATTESTATION
    return Descriptor(
        digest,
        _text(found.get("mediaType")),
        size if isinstance(size, int) and size >= 0 else None,
        _platform(_mapping(found.get("platform"))),
        attestation=_mapping(found.get("annotations")).get(key) == kind,
    )


def _platform(found: Mapping[str, Any]) -> str:
    parts = [_text(found.get(name)) for name in ("os", "architecture", "variant")]
    return "/".join(part for part in parts if part) if parts[0] and parts[1] else ""


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""
