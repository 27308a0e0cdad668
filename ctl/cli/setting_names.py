"""Completion of the names of settings, and of what a setting can be."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from ctl.errors import UsageFault

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem


def setting_names(_ctx: click.Context, _param: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Names that begin so; parameters of a mapping once its own name is complete."""
    from click.shell_completion import CompletionItem

    from ctl.settings.editing.naming import names

    return [CompletionItem(name) for name in names(incomplete)]


def setting_values(ctx: click.Context, _param: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """The words of a setting that takes one of a few."""
    from click.shell_completion import CompletionItem

    from ctl.settings.editing.naming import find

    try:
        kind = find(str(ctx.params.get("name") or "")).type
    except UsageFault:
        return []  # the name is not right yet: the command itself says so
    return [CompletionItem(word) for word in kind.choices() if word.startswith(incomplete)]
