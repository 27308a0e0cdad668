"""`ctl version`: ctl and the programs that it runs."""

from __future__ import annotations

import click

from ctl.cli.framework import Context, command


@command()
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def version(ctx: Context, *, as_json: bool) -> None:
    """Show the versions of ctl and of its programs.

    The registry program and NGINX are those that the settings file names, or those of the machine.
    """
    from ctl import __version__

    found = {"ctl": __version__, **_programs(ctx)}
    if as_json:
        ctx.console.result_json(found)
        return
    for name, text in found.items():
        ctx.console.result(f"{name} {text}")


def _programs(ctx: Context) -> dict[str, str]:
    """What the programs say of themselves; none where settings cannot be read, as there may be none yet."""
    from ctl.errors import CtlError
    from ctl.machine.search import find_program
    from ctl.nginx.build import nginx_build
    from ctl.registry.programs import installed
    from ctl.settings.load import load

    try:
        attributes = load(ctx.settings_file, ctx.layout, use_secrets=False).attributes
        nginx, registry = find_program(attributes.nginx.executable or "nginx"), installed(attributes)
        found = {"nginx": ".".join(map(str, nginx_build(nginx).version))} if nginx else {}
        return found | ({"registry": registry.version} if registry else {})
    except CtlError as error:
        ctx.console.note(f"note: {error.message.splitlines()[0]}")
        return {}
