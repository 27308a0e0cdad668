"""What settings would meet in later versions of GitLab and its registry: deprecated, dropped, other defaults.

Sources: "Deprecations and removals by version" of GitLab's documentation; its registry's changelog (v4.0.0: storage
drivers); issues 523096 (azure) and 525855 (drivers) of gitlab, 1243 (threshold) of container-registry, 9321 of
omnibus-gitlab (threshold is still taken until 19.0).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum

from ctl.errors import UsageFault
from ctl.registry.drivers import driver_of
from ctl.settings.attributes import Attributes

Version = tuple[int, int]
_VERSION = re.compile(r"v?(\d{1,3})(?:\.(\d{1,3}))?(?:[.-]\d.*|-[a-z].*)?")
FIRST = (8, 8)
"""With the container registry."""
YEARLY_SINCE, LAST_MINOR = 14, 11
"""Since then each May has a major version, and each other month a minor one (GitLab's release policy)."""


class Kind(StrEnum):
    """What a version does to a setting."""

    DEPRECATED = "deprecated"
    DROPPED = "dropped"
    DEFAULT = "another default"


@dataclass(frozen=True)
class Hit:
    """A setting of this node that a change concerns.

    Args:
        option: "registry.storage".
        setting: as it is spelled.
        line: what should be there instead.
    """

    option: str
    setting: str
    line: str


@dataclass(frozen=True)
class Change:
    """One change of GitLab's.

    Args:
        since: the version that makes it.
        kind: what it does.
        effect: in a sentence, after the setting.
        finds: the settings of a node that it concerns.
    """

    since: Version
    kind: Kind
    effect: str
    finds: Callable[[Attributes], Iterator[Hit]]


@dataclass(frozen=True)
class Concern:
    """A change that concerns this node.

    Args:
        change: it.
        hit: the setting.
        place: where the settings file gives it, or "".
    """

    change: Change
    hit: Hit
    place: str

    @property
    def version(self) -> str:
        """The version that makes it, as "19.0"."""
        return ".".join(map(str, self.change.since))

    def as_json(self) -> dict[str, object]:
        """As plain data."""
        return {
            "version": self.version,
            "kind": str(self.change.kind),
            "setting": self.hit.setting,
            "place": self.place or None,
            "effect": self.change.effect,
            "line": self.hit.line,
        }


def parse_version(text: str) -> Version:
    """A version of GitLab, as "18", "18.5", "v18.5.1-ee".

    Raises:
        UsageFault: it is none, or there is none of that number.
    """
    found = _VERSION.fullmatch(text.strip())
    if found is None:
        raise UsageFault(f"{text!r} is not a version of GitLab", hint="Write it as 18.5")
    major, minor = int(found[1]), int(found[2] or 0)
    if (major, minor) < FIRST:
        raise UsageFault(f"GitLab {text} has no container registry", hint="It came with 8.8")
    if major >= YEARLY_SINCE and minor > LAST_MINOR:
        raise UsageFault(f"there is no GitLab {text}", hint=f"After {major}.{LAST_MINOR} comes {major + 1}.0")
    return major, minor


def concerns(attributes: Attributes, until: Version | None = None) -> Iterator[Concern]:
    """The changes that concern a node, the earliest first.

    Args:
        attributes: its settings.
        until: the version that it goes to; None for all that is announced.
    """
    for change in sorted(CHANGES, key=lambda one: one.since):
        if until is None or change.since <= until:
            for hit in change.finds(attributes):
                place = attributes.origin(hit.option).location
                yield Concern(change, hit, str(place) if place else "")


def _driver(*names: str, instead: str) -> Callable[[Attributes], Iterator[Hit]]:
    """Nodes with one of some storage drivers."""

    def finds(attributes: Attributes) -> Iterator[Hit]:
        name = driver_of(attributes.registry.storage) if attributes.registry.enable else None
        if name in names:
            yield Hit("registry.storage", f'registry["storage"]["{name}"]', instead.format(name=name))

    return finds


def _threshold(attributes: Attributes) -> Iterator[Hit]:
    """Endpoints with the former word; ctl writes the program's own from either."""
    for number, one in enumerate(attributes.registry.notifications or []):
        if "threshold" in one:
            setting = f'registry["notifications"][{number}]["threshold"]'
            yield Hit("registry.notifications", setting, f'"maxretries": {one["threshold"]}')
    if attributes.given("registry.default_notifications_threshold"):
        value = attributes.registry.default_notifications_threshold
        name = 'registry["default_notifications_threshold"]'
        line = f'registry["default_notifications_maxretries"] = {value}'
        yield Hit("registry.default_notifications_threshold", name, line)


def _without_database(attributes: Attributes) -> Iterator[Hit]:
    if attributes.registry.enable and not attributes.given("registry.database"):
        yield Hit("registry.database", 'registry["database"]', 'registry["database"] = {"enabled": False}')


def _with_files(attributes: Attributes) -> Iterator[Hit]:
    database = attributes.registry.database or {}
    if attributes.registry.enable and str(database.get("enabled", False)).lower() not in ("true", "prefer"):
        line = 'registry["database"] = {"enabled": True, "host": …}, after `registry database import`'
        yield Hit("registry.database", 'registry["database"]', line)


def _schema1(attributes: Attributes) -> Iterator[Hit]:
    if attributes.registry.compatibility_schema1_enabled:
        name = 'registry["compatibility_schema1_enabled"]'
        yield Hit("registry.compatibility_schema1_enabled", name, f"{name} = False, and Docker 1.10 or later")


def _legacy_prefix(attributes: Attributes) -> Iterator[Hit]:
    azure = attributes.registry.storage.get("azure") or {}
    if "trimlegacyrootprefix" not in azure and "legacyrootprefix" not in azure and azure:
        line = '"trimlegacyrootprefix": True for images below /docker, False for //docker: look before'
        yield Hit("registry.storage", 'registry["storage"]["azure"]["trimlegacyrootprefix"]', line)


_SWITCHED = '"{name}_v2": {{…}} in the place of "{name}": {{…}}; and without "v4auth"'
CHANGES: tuple[Change, ...] = (
    Change(
        (15, 8),
        Kind.DEFAULT,
        "the Azure driver looks for images below /docker, no longer //docker",
        _legacy_prefix,
    ),
    Change(
        (16, 6),
        Kind.DEPRECATED,
        "this storage driver goes in 17.0",
        _driver("swift", "oss", instead='"s3", "gcs" or "azure", after: ctl registry-migrate-storage'),
    ),
    Change(
        (17, 0),
        Kind.DROPPED,
        "there is no such storage driver any more: the registry does not start",
        _driver("swift", "oss", instead='"s3", "gcs" or "azure", after: ctl registry-migrate-storage'),
    ),
    Change((17, 1), Kind.DEPRECATED, "the word for retries is maxretries", _threshold),
    Change(
        (17, 10),
        Kind.DEPRECATED,
        "this driver is built on a library that ends; its successor takes the same images",
        _driver("s3", "azure", instead=_SWITCHED),
    ),
    Change((18, 5), Kind.DEPRECATED, "metadata in files: a database is to have them", _with_files),
    Change(
        (19, 0),
        Kind.DROPPED,
        "the former driver goes; the successor takes the same images",
        _driver("s3", "azure", instead=_SWITCHED),
    ),
    Change((19, 0), Kind.DROPPED, "the word for retries is maxretries, and no other is taken", _threshold),
    Change(
        (19, 0),
        Kind.DEFAULT,
        "packages prefer the metadata database where the settings do not choose: choose one",
        _without_database,
    ),
    Change(
        (21, 0),
        Kind.DROPPED,
        "metadata in files: images must be imported into the database before",
        _with_files,
    ),
    Change((17, 0), Kind.DROPPED, "manifests of schema 1 are not taken by registries 3 and 4", _schema1),
)
"""All that is announced. A change of a distribution's registry is asked of the program itself."""
