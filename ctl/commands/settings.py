"""`ctl settings`: what settings there are, a settings file to begin with, and changing one."""

from __future__ import annotations

from pathlib import Path

import click

from ctl.cli.framework import Context, command, global_options
from ctl.cli.setting_names import setting_names
from ctl.commands.settings_change import set_, unset
from ctl.commands.settings_edit import edit
from ctl.commands.settings_get import get
from ctl.commands.settings_schema import schema


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@global_options
def settings() -> None:
    """Look up and change settings; write a first file."""


@command()
@click.option("--all", "full", is_flag=True, help="Every setting instead of the most used.")
@click.option("--url", metavar="URL", help="registry_external_url, the only active line.")
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path, readable=False),
    metavar="FILE",
    help="Write FILE, unless it is there already.",
)
def template(ctx: Context, *, full: bool, url: str | None, output: Path | None) -> None:
    """Write a settings file that explains every setting. All are commented out."""
    from ctl.settings.manual.starter import EXAMPLE_URL
    from ctl.settings.manual.starter import template as text_of

    text = text_of(url or EXAMPLE_URL, full=full)
    if output is None:
        ctx.console.result(text.removesuffix("\n"))
        return
    _write_new(output, text)
    ctx.console.say(f"{output} written; next: ctl check-config, then ctl reconfigure")


def _write_new(path: Path, text: str) -> None:
    from ctl.converge.atomic import write_atomic
    from ctl.errors import UsageFault

    if path.exists() or path.is_symlink():
        raise UsageFault(f"{path}: is there already, and is not written over", hint="Give another --output.")
    path.parent.mkdir(parents=True, exist_ok=True)
    # It may come to hold passwords: for its owner alone, as the Linux package's gitlab.rb.
    write_atomic(path, text.encode(), mode=0o600)


@command(name="list")
@click.argument("pattern", required=False, shell_complete=setting_names)
def list_(ctx: Context, *, pattern: str | None) -> None:
    """List settings, all or some. Some are those whose name or description holds PATTERN."""
    from ctl.errors import EXIT_FAILED
    from ctl.settings.options import OPTIONS

    wanted = (pattern or "").lower()
    found = [
        one for one in OPTIONS.values() if wanted in f"{one.name} {one.python} {one.description}".lower()
    ]
    width = max((len(one.python) for one in found), default=0)
    for one in found:
        ctx.console.result(f"{one.python:{width}}  {one.description}")
    if not found:
        ctx.console.note(f"no setting holds {pattern!r}")
        click.get_current_context().exit(EXIT_FAILED)


@command()
@click.argument("name", shell_complete=setting_names)
def describe(ctx: Context, *, name: str) -> None:
    """Explain a setting. Type, default, effect, example; what it is now, and where that comes from.

    NAME is dotted (registry.log_level, registry.storage.s3.bucket) or as it is written (registry["log_level"]).
    """
    from ctl.settings.editing.naming import find
    from ctl.settings.manual.at_present import at_present
    from ctl.settings.manual.reference import describe as text_of

    setting = find(name, in_elements=True)
    ctx.console.result(text_of(setting, at_present(ctx.settings_file, ctx.layout, setting)))


settings.add_command(template)
settings.add_command(list_)
settings.add_command(describe)
settings.add_command(get)
settings.add_command(set_)
settings.add_command(unset)
settings.add_command(edit)
settings.add_command(schema)
