"""`ctl check-config`: find mistakes in the settings, and change nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from ctl.cli import Context, command
from ctl.errors import EXIT_OK, EXIT_USAGE

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ctl.settings.source import Diagnostic


@command(name="check-config")
@click.option("--json", "as_json", is_flag=True, help="Print what was found as JSON.")
def check_config(ctx: Context, *, as_json: bool) -> int:
    """Check the settings file: names, types, and whether settings agree.

    Works as any user and changes nothing. Warnings and notes do not fail it; what the registry program of
    this machine cannot serve is a warning.
    """
    if as_json:
        return _as_json(ctx)
    from ctl.loading import load_for_command, tell, unserved_warnings

    tell(ctx, unserved_warnings(load_for_command(ctx, use_secrets=False).attributes))
    ctx.console.result("settings are valid")
    return EXIT_OK


def _as_json(ctx: Context) -> int:
    from ctl.loading import unserved_warnings
    from ctl.settings.load import load
    from ctl.settings.source import SettingsError

    try:
        attributes = load(ctx.settings_file, ctx.layout, use_secrets=False).attributes
        found, valid = (*attributes.diagnostics, *unserved_warnings(attributes)), True
    except SettingsError as error:
        found, valid = error.diagnostics, False
    ctx.console.result_json({"valid": valid, "diagnostics": _plain(found)})
    return EXIT_OK if valid else EXIT_USAGE


def _plain(diagnostics: Iterable[Diagnostic]) -> list[dict[str, object]]:
    return [
        {
            "severity": str(one.severity),
            "setting": one.setting,
            "message": one.message,
            "hint": one.hint,
            "file": str(one.location.file) if one.location else None,
            "line": one.location.line if one.location else None,
            "column": one.location.column if one.location else None,
        }
        for one in diagnostics
    ]
