"""What a setting is at present, for `ctl settings describe`."""

from __future__ import annotations

from ctl.cli.framework import Context


def rows(ctx: Context, name: str) -> dict[str, str]:
    """The value of a setting, masked if it is secret, and where it comes from.

    Args:
        ctx: the command's context.
        name: the dotted name.

    Returns:
        What to say under which word; nothing where there is no settings file or no such setting.
    """
    from ctl.commands.settings_get import value_of
    from ctl.commands.show_config import TO_BE_MADE
    from ctl.errors import CtlError, UsageFault
    from ctl.settings.editing.naming import find
    from ctl.settings.load import load
    from ctl.settings.written import python_value

    try:
        setting = find(name)
        attributes = load(ctx.settings_file, ctx.layout, use_secrets=False).attributes
    except UsageFault:
        return {}
    except (CtlError, OSError):
        return {"now": f"unknown: {ctx.settings_file} cannot be used (ctl check-config tells why)"}
    value = value_of(attributes, setting)
    shown = value if value == TO_BE_MADE else python_value(setting.masked(value))
    return {"now": shown, "from": str(attributes.origin(setting.option.name))}
