"""`ctl check-config`: find mistakes in the settings, and change nothing."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from ctl.cli.framework import FILE, Context, command
from ctl.errors import EXIT_OK, EXIT_USAGE

if TYPE_CHECKING:
    from ctl.language.source import Diagnostic
    from ctl.settings.attributes import Attributes


@command(name="check-config")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.option(
    "--peer",
    type=FILE,
    metavar="FILE",
    help="Settings file of the other node (GitLab's or the registry's), or what it exported: do the two agree?",
)
def check_config(ctx: Context, *, as_json: bool, peer: Path | None) -> int:
    """Check the settings, and the certificate in use. Names, types, and whether settings agree.

    Works as any user and changes nothing. Warnings and notes do not fail it; what the registry program of
    this machine cannot serve is a warning. The certificate that clients see, and its key, are looked at too.
    """
    if as_json:
        return _as_json(ctx, peer)
    from ctl.cli.loading import (
        certificate_problems,
        check_outputs,
        load_for_command,
        print_diagnostics,
        unsupported_warnings,
    )
    from ctl.registry.left_behind import left_behind

    loaded = load_for_command(ctx, use_secrets=False, take_up=True)
    attributes = loaded.attributes
    certificate = certificate_problems(ctx, attributes)
    check_outputs(ctx, loaded)
    print_diagnostics(ctx, [*unsupported_warnings(attributes), *certificate])
    print_diagnostics(ctx, left_behind(attributes, ctx.settings_file))
    doubts = _against(ctx, attributes, peer)
    print_diagnostics(ctx, doubts)
    agreement = f"; whether they agree with {peer} is not certain" if doubts else f" and agree with {peer}"
    ctx.console.result("settings are valid" + (agreement if peer else ""))
    return EXIT_OK


def _against(ctx: Context, attributes: Attributes, peer: Path | None) -> tuple[Diagnostic, ...]:
    """Warnings about the other node's settings. Raises SettingsError with all findings if one is an error."""
    if peer is None:
        return ()
    from ctl.language.source import SettingsError, Severity
    from ctl.settings.nodes.peer import compare, read_alone

    found = compare(attributes, read_alone(peer, ctx.layout))
    if any(one.severity is Severity.ERROR for one in found):
        raise SettingsError(found)
    return tuple(found)


def _as_json(ctx: Context, peer: Path | None) -> int:
    from ctl.cli.loading import certificate_problems, check_outputs, unsupported_warnings
    from ctl.language.source import SettingsError
    from ctl.registry.left_behind import left_behind
    from ctl.settings.load import load

    try:
        loaded = load(ctx.settings_file, ctx.layout, use_secrets=False, take_up=True)
        attributes = loaded.attributes
        certificate = certificate_problems(ctx, attributes)
        check_outputs(ctx, loaded)
        here = (*unsupported_warnings(attributes), *certificate, *left_behind(attributes, ctx.settings_file))
        found = (*attributes.diagnostics, *here, *_against(ctx, attributes, peer))
        valid = True
    except SettingsError as error:
        found, valid = error.diagnostics, False
    ctx.console.result_json({"valid": valid, "diagnostics": [one.as_json() for one in found]})
    return EXIT_OK if valid else EXIT_USAGE
