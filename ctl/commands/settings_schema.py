"""`ctl settings schema`: the settings as a JSON Schema."""

from __future__ import annotations

from ctl.cli.framework import Context, command


@command()
def schema(ctx: Context) -> None:
    """Print a JSON Schema of all settings. Draft 2020-12, for editors and other programs."""
    from ctl.settings.manual.schema import schema as whole

    ctx.console.result_json(whole())
