"""`ctl support-bundle`: one archive for whoever helps."""

from __future__ import annotations

import time
from pathlib import Path

import click

from ctl.cli.framework import FILE, Context, command


@command(name="support-bundle")
@click.option(
    "-o",
    "--output",
    type=FILE,
    metavar="FILE",
    help="The archive [default: ctl-support-DATE-TIME.tar.gz in this folder].",
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON: where it is and what is in it.")
def support_bundle(ctx: Context, *, output: Path | None, as_json: bool) -> None:
    """Collect what helps others to help, in an archive.

    It holds settings, the doctor's findings, versions, services, logs and history; mode 0600.
    Secrets are starred: those of the settings, of the node's files and of former runs, in whatever encoding. A file
    in which one would be left is left out. Look through it before you send it: names of hosts, users and repositories
    are in it.
    """
    from ctl.cli.site import site_of
    from ctl.doctor.bundle import make
    from ctl.doctor.checks import CHECKS
    from ctl.doctor.run import examine

    path = (output or Path(f"ctl-support-{time.strftime('%Y%m%d-%H%M%S')}.tar.gz")).absolute()
    site = site_of(ctx)
    names = make(site, examine(CHECKS, site), path)
    if as_json:
        ctx.console.result_json({"path": str(path), "members": names})
    else:
        ctx.console.result(f"{path}: {len(names)} files; secrets are starred")
