"""From a command's context to the node that `ctl doctor` asks."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from ctl.cli.framework import Context
from ctl.errors import CtlError

if TYPE_CHECKING:
    from ctl.doctor.site import Site, Wishes


def site_of(ctx: Context, wishes: Wishes | None = None) -> Site:
    """The node, as far as its settings can be read.

    Args:
        ctx: the command's.
        wishes: what the command line adds.
    """
    from ctl.cli.loading import node
    from ctl.doctor.site import Site, Wishes
    from ctl.settings.load import load

    given = wishes or Wishes()
    try:
        loaded = load(ctx.settings_file, ctx.layout, use_secrets=os.geteuid() == 0)
        found = node(ctx, loaded, required=False)
    except CtlError as error:
        return Site(ctx.layout, ctx.settings_file, None, error, wishes=given)
    return Site(ctx.layout, ctx.settings_file, found, diagnostics=loaded.attributes.diagnostics, wishes=given)
