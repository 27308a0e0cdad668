"""From gathered values to attributes: everything derived, checked and frozen."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ctl.language.source import Diagnostic, SettingsError, Severity, first_of
from ctl.paths import Layout
from ctl.settings.attributes import Attributes, Origin, Section
from ctl.settings.checks import CHECKS
from ctl.settings.gather import gather
from ctl.settings.option import View
from ctl.settings.options import OPTIONS
from ctl.settings.secrets.secrets_file import Secrets


def resolve(
    values: dict[str, object],
    layout: Layout,
    secrets: Secrets,
    *,
    earlier: tuple[Diagnostic, ...] = (),
    files: tuple[Path, ...] = (),
) -> Attributes:
    """The attributes that follow from what a settings file gives.

    Args:
        values: Reading.values.
        layout: the root.
        secrets: what exists; what is missing is made there.
        earlier: warnings of the reading, to go along.
        files: the files that were read, in order: diagnostics come in the order of places.

    Raises:
        SettingsError: with every error.
    """
    gathered = gather(values)
    view = View(
        OPTIONS,
        gathered.given,
        layout=layout,
        secrets=secrets,
        postgresql=gathered.postgresql,
        broken=frozenset(gathered.broken),
    )
    resolved = {name: (view[name], view.origin(name)) for name in OPTIONS}
    for check in CHECKS:
        view.run(check)
    diagnostics = in_order([*earlier, *gathered.findings, *view.findings], files)
    errors = [one for one in diagnostics if one.severity is Severity.ERROR]
    if errors:
        raise SettingsError(first_of(errors))
    return _attributes(resolved, first_of(diagnostics))


def in_order(diagnostics: Sequence[Diagnostic], files: tuple[Path, ...]) -> tuple[Diagnostic, ...]:
    """Those with a place in the order of places, then the others as they came."""
    order = {file: index for index, file in enumerate(files)}

    def key(one: Diagnostic) -> tuple[int, int, int]:
        if one.location is None:
            return (len(order) + 1, 0, 0)
        return (order.get(one.location.file, len(order)), one.location.line, one.location.column)

    return tuple(sorted(diagnostics, key=key))


def _attributes(
    resolved: Mapping[str, tuple[Any, Origin]], diagnostics: tuple[Diagnostic, ...]
) -> Attributes:
    return Attributes(
        _sections({name: value for name, (value, _) in resolved.items()}),
        origins={name: origin for name, (_, origin) in resolved.items()},
        diagnostics=diagnostics,
        secret_names=frozenset(name for name, option in OPTIONS.items() if option.secret),
    )


def _sections(values: Mapping[str, Any]) -> dict[str, Any]:
    """Dotted names as sections inside sections."""
    found = {name: value for name, value in values.items() if "." not in name}
    inner: dict[str, dict[str, Any]] = {}
    for name, value in values.items():
        first, dot, rest = name.partition(".")
        if dot:
            inner.setdefault(first, {})[rest] = value
    return found | {name: Section(_sections(one)) for name, one in inner.items()}
