"""`ctl settings set` and `unset`: one setting of the file, everything else in it kept."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from ctl.cli.framework import Context, command
from ctl.cli.setting_names import setting_names, setting_values

if TYPE_CHECKING:
    from ctl.settings.editing.apply import Applied
    from ctl.settings.editing.naming import Setting

_LONGEST_VALUE = 1 << 20


@command(name="set")
@click.argument("name", shell_complete=setting_names)
@click.argument("value", shell_complete=setting_values)
def set_(ctx: Context, *, name: str, value: str) -> None:
    """Give a setting a value in the settings file.

    Comments and layout are kept. The settings are checked first; nothing is written where they would be wrong.

    VALUE is text, or what Python would write: True, 5001, '["a", "b"]', '{"key": "value"}'. With - it is read
    from standard input, without echo on a terminal: secrets are given that way only, as arguments can be
    seen by every user of the machine, and stay in the shell's history.
    """
    from ctl.settings.editing.apply import set_value
    from ctl.settings.editing.naming import find
    from ctl.settings.editing.values import value_of

    setting = find(name)
    if value == "-":
        wanted = value_of(setting, _from_input(setting))
    else:
        wanted = value_of(setting, value)
        _refuse_secret(setting, wanted)
    _report(ctx, set_value(ctx.settings_file, ctx.layout, setting, wanted), f"{setting.name} is so already")


@command()
@click.argument("name", shell_complete=setting_names)
def unset(ctx: Context, *, name: str) -> None:
    """Take a setting out of the file; its default holds.

    Comments and layout are kept. The settings are checked first; nothing is written where they would be wrong.
    """
    from ctl.settings.editing.apply import unset_value
    from ctl.settings.editing.naming import find

    setting = find(name)
    nothing = f"{setting.name} is not set in {ctx.settings_file}"
    _report(ctx, unset_value(ctx.settings_file, ctx.layout, setting), nothing)


def _from_input(setting: Setting) -> str:
    import sys

    from ctl.errors import UsageFault

    if sys.stdin.isatty():
        return str(click.prompt(setting.name, hide_input=True, err=True))
    try:
        text = sys.stdin.read(_LONGEST_VALUE + 1)
    except UnicodeDecodeError:
        raise UsageFault(f"the value of {setting.name} is not UTF-8 text") from None
    if len(text) > _LONGEST_VALUE:
        raise UsageFault(f"the value of {setting.name} is longer than {_LONGEST_VALUE:,} characters")
    if not text:
        raise UsageFault(
            "standard input holds no value", hint=f"To take it out: settings unset {setting.name}"
        )
    return text.removesuffix("\n").removesuffix("\r")


def _refuse_secret(setting: Setting, value: object) -> None:
    from ctl.errors import UsageFault

    if setting.holds_secret(value):
        raise UsageFault(
            f"{setting.name} is secret, and no secret is given as an argument: every user of the machine can see it",
            hint=f"Give it on standard input: ctl settings set {setting.name} -",
        )


def _report(ctx: Context, applied: Applied, nothing: str) -> None:
    if not applied.diff:
        ctx.console.say(nothing)
        return
    ctx.console.say(applied.diff)
    for one in applied.diagnostics:
        ctx.console.note(str(one))
    ctx.console.say(f"{ctx.settings_file} is changed; next: ctl reconfigure")
