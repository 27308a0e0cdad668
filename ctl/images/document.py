"""What a manifest and a configuration say of an image; whatever they do not say is unknown."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cached_property
from typing import Any

from ctl.collector.layout import is_digest

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
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


class Document:
    """A manifest. Of many only a date is asked for: the rest is found out when it is.

    Args:
        found: what it holds.
    """

    def __init__(self, found: Mapping[str, Any]) -> None:
        self._found = found
        self.config = _descriptor(found.get("config"))
        """Of an image or artifact, or None."""
        self.kind = _kind(found, self.config)
        """"image", "index", "artifact" or "schema 1"."""
        self.manifests = _descriptors(found.get("manifests"))
        """What an index lists."""

    @property
    def media_type(self) -> str:
        """Of it, or ""."""
        return _text(self._found.get("mediaType"))

    @cached_property
    def layers(self) -> tuple[Descriptor, ...]:
        """What it is made of."""
        found = _descriptors(self._found.get("layers") or self._found.get("blobs"))
        return found or _schema1_layers(self._found)

    @property
    def artifact_type(self) -> str:
        """As it says, or its configuration's type, or ""."""
        given = _text(self._found.get("artifactType"))
        return given or (self.config.media_type if self.config and self.kind == "artifact" else "")

    @property
    def subject(self) -> str:
        """Digest that it is about, or ""."""
        found = _descriptor(self._found.get("subject"))
        return found.digest if found else ""

    @property
    def annotations(self) -> dict[str, str]:
        """Texts."""
        given = _mapping(self._found.get("annotations"))
        return {key: one for key, one in given.items() if isinstance(one, str)}

    @property
    def created(self) -> int | None:
        """Nanoseconds since 1970, where the manifest itself says so."""
        return self._schema1[0] if self.kind == "schema 1" else moment(self.annotations.get(_CREATED))

    @property
    def platform(self) -> str:
        """Of an image of schema 1."""
        return self._schema1[1] if self.kind == "schema 1" else ""

    @cached_property
    def _schema1(self) -> tuple[int | None, str]:
        """When it was created, and its platform: in its first entry of history, as JSON in JSON."""
        history = self._found.get("history")
        first = _mapping(history[0]) if isinstance(history, list) and history else {}
        try:
            newest = _object(_text(first.get("v1Compatibility")).encode())
        except ValueError:
            newest = {}
        platform = _platform({"os": "linux", "architecture": self._found.get("architecture")})
        return moment(newest.get("created")), platform


class Config:
    """The configuration of an image.

    Args:
        found: what it holds.
    """

    def __init__(self, found: Mapping[str, Any]) -> None:
        self._found = found
        self.created = moment(found.get("created"))
        """Nanoseconds since 1970, or None."""

    @property
    def platform(self) -> str:
        """As "linux/amd64", or ""."""
        return _platform(self._found)

    @property
    def facts(self) -> dict[str, Any]:
        """What it says to those who run it. Of variables only the names: values may be secrets."""
        inner = _mapping(self._found.get("config"))
        facts: dict[str, Any] = {key: inner[key] for key in _CONFIG_KEYS if inner.get(key)}
        given = inner.get("Env")
        texts = [one for one in given if isinstance(one, str)] if isinstance(given, list) else []
        variables = [one.partition("=")[0] for one in texts]
        if variables:
            facts["Variables"] = variables
        if isinstance(self._found.get("author"), str) and self._found["author"]:
            facts["Author"] = self._found["author"]
        return facts


def parse_document(content: bytes) -> Document:
    """Read a manifest.

    Raises:
        ValueError: it is no JSON object.
    """
    return Document(_object(content))


def parse_config(content: bytes) -> Config:
    """Read the configuration of an image.

    Raises:
        ValueError: it is no JSON object.
    """
    return Config(_object(content))


def moment(text: object) -> int | None:
    """Nanoseconds since 1970 of a time as RFC 3339 has it; None where it is none."""
    try:
        found = datetime.fromisoformat(text) if isinstance(text, str) else None
    except ValueError:
        return None
    if found is None or found.tzinfo is None or found <= _NO_DATE:
        return None
    return (found - _EPOCH) // timedelta(microseconds=1) * 1000


def _object(content: bytes) -> dict[str, Any]:
    try:
        found = json.loads(content.decode())  # of bytes it would find out the encoding first
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
