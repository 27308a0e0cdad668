"""From what a settings file says to typed values: names, types, old spellings, other components."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from ctl.language.faults import Poison, is_computed
from ctl.language.source import Diagnostic, Location, Severity
from ctl.settings.option import Given, Option
from ctl.settings.options import OLD_VHOST, OPTIONS, SECTIONS, SETTINGS
from ctl.settings.options.foreign import ELSEWHERE, NOT_DONE, belongs_to_gitlab, is_foreign
from ctl.settings.place import Place
from ctl.settings.types import INVALID, AbsolutePath, Bool, Text, Type, port, read_value
from ctl.settings.types.containers import entries
from ctl.settings.written import python_name
from ctl.text.nearest import nearest

VHOST = "registry.nginx"
_PREFIXES = frozenset(
    name.rsplit(".", depth)[0] for name in OPTIONS for depth in range(1, name.count(".") + 1)
)  # "registry", "registry.nginx", "nginx.status"
_POSTGRESQL: Mapping[str, Type] = {"enable": Bool(), "port": port(), "dir": AbsolutePath()}
_SHOWN_KEYS = 3
_VARIABLES = 'registry["env"] = {"REGISTRY_HTTP_RELATIVEURLS": True}'
_OF_CONFIG_YML: Mapping[str, str] = {
    **dict.fromkeys(("relativeurls", "http_relativeurls"), f"Write {_VARIABLES}."),
    "http": f'Write registry["registry_http_addr"], ["http_secret"] or ["debug_addr"]; for others {_VARIABLES}.',
    "log": 'Write registry["log_level"] and registry["log_formatter"].',
    "auth": 'Write registry["token_realm"]: this registry takes tokens only.',
    "health": 'Write registry["health_storagedriver_enabled"].',
    "validation": 'Write registry["validation_enabled"].',
    "compatibility": 'Write registry["compatibility_schema1_enabled"].',
}
"""Keys of the registry's own configuration in the section `registry`, and what to write for them."""


@dataclass
class Gathered:
    """What a settings file gives.

    Args:
        given: typed values by dotted name.
        broken: names of options whose value was refused.
        findings: errors, warnings and notes.
        postgresql: the settings of that component which the registry's database follows.
        ignored: other components' sections, with their keys where some of the section's keys are ours.
    """

    given: dict[str, Given] = field(default_factory=dict)
    broken: set[str] = field(default_factory=set)
    findings: list[Diagnostic] = field(default_factory=list)
    postgresql: dict[str, Any] = field(default_factory=dict)
    ignored: dict[str, list[str]] = field(default_factory=dict)


def gather(values: dict[str, object]) -> Gathered:
    """Check the names and types of everything that a settings file gives.

    Args:
        values: name at the top to value; dictionaries and lists may know places (Reading.values).
    """
    found = Gathered()
    top = Place(found.findings)
    for name, value in values.items():
        place = top.inside(values, name)
        if value is None:
            continue
        if name in SETTINGS:
            _take(OPTIONS[name], value, place, found)
        elif name == OLD_VHOST:
            continue
        elif name in SECTIONS:
            _walk(name, value, place, found)
        elif is_foreign(name):
            found.ignored.setdefault(name, [])
        else:
            near = nearest(name, [*SETTINGS, *SECTIONS, OLD_VHOST])
            place.error("is not known", f'Did you mean "{near}"?' if near else "")
    if values.get(OLD_VHOST) is not None:
        _merge_old_vhost(values, top, found)
    found.postgresql = _postgresql(values, top)
    _note_ignored(found)
    return found


def _walk(prefix: str, value: object, place: Place, found: Gathered) -> None:
    """A section: its keys are options, or lead to sections inside it."""
    if isinstance(value, Poison):
        return
    if not isinstance(value, dict):
        place.error(
            f"must be a dictionary{place.got(value)}",
            f'Write {python_name(prefix.split("."))}["key"] = value.',
        )
        return
    for key, one in entries(value, place):
        name, here = f"{prefix}.{key}", place.inside(value, key)
        if name in OPTIONS:
            if one is not None:
                _take(OPTIONS[name], one, here, found)
        elif name in _PREFIXES:
            if one is not None:
                _walk(name, one, here, found)
        else:
            _unknown(prefix, key, here, found)


def _take(option: Option, value: object, place: Place, found: Gathered) -> None:
    if not is_computed(value):
        return  # what is wrong with it has been reported
    place.secret = option.secret
    before = len(found.findings)
    read = read_value(option.type, value, place)
    if any(one.severity is Severity.ERROR for one in found.findings[before:]):
        found.broken.add(option.name)
    if read is not INVALID:
        found.given[option.name] = Given(read, place.location)


def _unknown(prefix: str, key: str, place: Place, found: Gathered) -> None:
    known = _keys_of(prefix)
    if reason := NOT_DONE.get(prefix, {}).get(key):
        place.note(f"is not done here: {reason}")
        return
    if belongs_to_gitlab(prefix, key, known):
        found.ignored.setdefault(prefix, []).append(key)
        return
    near = (
        None
        if place.crowded
        else nearest(key, [*known, *sorted(ELSEWHERE.get(prefix, ())), *NOT_DONE.get(prefix, ())])
    )
    hint = f'Did you mean "{near}"?' if near else ""
    place.error("is not known", _OF_CONFIG_YML.get(key, hint) if prefix == "registry" else hint)


@cache
def _keys_of(prefix: str) -> tuple[str, ...]:
    names = (name.removeprefix(f"{prefix}.") for name in OPTIONS if name.startswith(f"{prefix}."))
    return tuple(dict.fromkeys(name.partition(".")[0] for name in names))


def _merge_old_vhost(values: dict[str, object], top: Place, found: Gathered) -> None:
    """registry_nginx[…] is registry["nginx"][…]; of a setting given in both spellings the later one holds."""
    here = Place(found.findings, top, values, OLD_VHOST, named=VHOST)
    old = Gathered(findings=found.findings, ignored=found.ignored)
    _walk(VHOST, values[OLD_VHOST], here, old)
    for name, given in old.given.items():
        new = found.given.get(name)
        if new is None or _is_later(given.location, new.location):
            found.given[name] = given
            found.broken.discard(name)
            found.broken |= old.broken & {name}
    found.broken |= {name for name in old.broken if name not in found.given}


def _is_later(one: Location | None, other: Location | None) -> bool:
    """Whether a place comes after another of the same file; False where that is not known."""
    if one is None or other is None or one.file != other.file:
        return False
    return (one.line, one.column) > (other.line, other.column)


def _postgresql(values: dict[str, object], top: Place) -> dict[str, Any]:
    section = values.get("postgresql")
    if not isinstance(section, dict) or not is_computed(section):
        return {}
    place = top.inside(values, "postgresql")
    found: dict[str, Any] = {}
    for key, kind in _POSTGRESQL.items():
        if section.get(key) is not None:
            read = read_value(kind, section[key], place.inside(section, key))
            if read is not INVALID:
                found[key] = read
    addresses = section.get("listen_address")
    if addresses is not None:
        found["listen_address"] = _addresses(addresses, place.inside(section, "listen_address"))
    return found


def _addresses(value: object, place: Place) -> list[str]:
    """PostgreSQL takes several addresses as one text with commas."""
    given = value if isinstance(value, list) else [value]
    read = [read_value(Text(), one, place) for one in given]
    return [one.strip() for text in read if text is not INVALID for one in text.split(",") if one.strip()]


def _note_ignored(found: Gathered) -> None:
    if not found.ignored:
        return
    parts = [f"{name} ({_keys(keys)})" if keys else name for name, keys in sorted(found.ignored.items())]
    message = f"ignored, other components: {', '.join(parts)}"
    found.findings.append(Diagnostic(message, severity=Severity.NOTE))


def _keys(keys: list[str]) -> str:
    shown = sorted(keys)[:_SHOWN_KEYS]
    more = len(keys) - len(shown)
    return ", ".join(shown) + (f" and {more} more" if more else "")
