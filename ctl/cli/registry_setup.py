"""The registry whose storage a command works in: by the settings, or by its config.yml alone."""

from __future__ import annotations

import os
from pathlib import Path

import click

from ctl.cli.framework import Context
from ctl.errors import CtlError
from ctl.machine.search import find_program
from ctl.registry.collect.collector import Setup
from ctl.registry.collect.setup import make_setup
from ctl.registry.config import ConfigMissing
from ctl.settings.attributes import Attributes
from ctl.settings.components.registry import names_of
from ctl.settings.load import load


def registry_setup(ctx: Context, config: Path | None) -> Setup:
    """What a command that works in the storage must know of its registry.

    Args:
        ctx: the command's.
        config: a config.yml, or None for the service's own.

    Raises:
        CtlError: the configuration cannot be read, or named settings do not exist.
    """
    attributes = _attributes(ctx)
    registry = attributes.registry if attributes else None
    names = names_of(registry.executable if registry else None)
    # without one, ctl's own collector works all the same
    program = find_program(*names) or Path(names[-1])
    try:
        return make_setup(ctx.layout, registry, program, config)
    except ConfigMissing as error:
        raise CtlError(error.message, hint=_way_on(error, named=config is not None)) from error


def _way_on(error: ConfigMissing, *, named: bool) -> str | None:
    """What to do where there is no config.yml. A command that changes the settings takes no other one."""
    if named:
        return None
    options = {name for one in click.get_current_context().command.params for name in one.opts}
    return f"{error.hint} Or name another one with --config." if "--config" in options else error.hint


def _attributes(ctx: Context) -> Attributes | None:
    """The settings, or None: broken ones do not keep a collection from running, if nobody named them."""
    try:
        return load(ctx.settings_file, ctx.layout, use_secrets=False).attributes
    except CtlError as error:
        missing = not os.path.lexists(ctx.settings_file)
        if missing and ctx.settings is not None:
            raise
        if not missing:
            ctx.console.note(f"{ctx.settings_file} cannot be read, going on with defaults: {error.message}")
        return None
