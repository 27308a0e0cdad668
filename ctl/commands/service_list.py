"""`ctl service-list`: every service of ctl and of the site, the enabled ones with an asterisk."""

from __future__ import annotations

from ctl.cli.framework import Context, command
from ctl.services.definition import defined_names, enabled_names
from ctl.settings.components import SERVICES


@command(name="service-list")
def service_list(ctx: Context) -> None:
    """List all services. An asterisk marks those that are enabled."""
    enabled = enabled_names(ctx.layout)
    for name in sorted({*SERVICES, *defined_names(ctx.layout), *enabled}):
        ctx.console.result(f"{name}*" if name in enabled else name)
