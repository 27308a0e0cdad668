"""`ctl settings edit`: the settings file in an editor, installed only if it is valid."""

from __future__ import annotations

from ctl.cli.framework import Context, command


@command()
def edit(ctx: Context) -> int:
    """Edit the settings file, and install only what is valid.

    Opens a private copy in $VISUAL, $EDITOR or the system's editor. Mistakes are shown, to be edited again or
    given up. The file keeps its mode and owner; nobody else can edit it meanwhile.
    """
    from ctl.settings.editing.edit_session import Session, editor

    return Session(ctx.settings_file, ctx.layout, ctx.console, editor()).run()
