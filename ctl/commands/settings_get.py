"""`ctl settings get`: the value of one setting."""

from __future__ import annotations

import click

from ctl.cli.framework import Context, command
from ctl.cli.setting_names import setting_names


@command()
@click.argument("name", shell_complete=setting_names)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.option("--show-secrets", is_flag=True, help="Show secrets instead of ********.")
def get(ctx: Context, *, name: str, as_json: bool, show_secrets: bool) -> None:
    """Print the value of a setting: as given, derived, or its default.

    NAME is dotted (registry.log_level), also into a mapping (registry.storage.s3.bucket). Text is printed as it
    is, everything else as Python writes it.
    """
    from ctl.settings.editing.naming import find
    from ctl.settings.load import load
    from ctl.settings.manual.at_present import NOT_MADE_YET, value_of
    from ctl.settings.written import python_value

    setting = find(name)
    # Without a secrets file there is nothing in it to show, and no pair of keys is made for that.
    use_secrets = show_secrets and ctx.layout.secrets_file.exists()
    attributes = load(ctx.settings_file, ctx.layout, use_secrets=use_secrets).attributes
    value = value_of(attributes, setting)
    if not show_secrets and value != NOT_MADE_YET:
        value = setting.masked(value)
    if as_json:
        ctx.console.result_json(value)
    else:
        ctx.console.result(value if isinstance(value, str) else python_value(value))
