"""Values of options that must say something."""

from __future__ import annotations

import click


def not_empty(_ctx: click.Context, param: click.Parameter, value: str | None) -> str | None:
    """A value as it was given: a callback for an option that decides what a command does.

    A script whose variable is empty must not do something else instead.

    Raises:
        click.BadParameter: it is empty.
    """
    if value is not None and not value.strip():
        raise click.BadParameter("it is empty", param=param)
    return value
