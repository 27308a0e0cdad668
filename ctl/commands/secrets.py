"""`ctl secrets`: the secrets of a node, and what a GitLab node and a registry node must share."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from ctl.cli.framework import FILE, Context, command, global_options
from ctl.commands.secrets_elsewhere import GRACE, NEXT
from ctl.commands.secrets_rotate import rotate
from ctl.commands.secrets_show import show
from ctl.commands.secrets_verify import verify

if TYPE_CHECKING:
    from ctl.paths import Layout
    from ctl.settings.attributes import Attributes


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@global_options
def secrets() -> None:
    """Renew, try and share the secrets of this node."""


@command()
@click.option(
    "--for",
    "whom",
    type=click.Choice(["gitlab", "registry"]),
    required=True,
    help="Kind of the node that needs it: GitLab gets the private key, a registry the certificate.",
)
@click.option("-o", "--output", type=FILE, metavar="FILE", help="Write FILE, mode 0600, unless it is there.")
@click.option("--with-http-secret", is_flag=True, help="For a second registry behind one load balancer.")
@click.option("--show-secrets", is_flag=True, help="Print also to a terminal.")
def export(
    ctx: Context, *, whom: str, output: Path | None, with_http_secret: bool, show_secrets: bool
) -> None:
    """Print what the other node needs of this one. As settings for from_file() or `ctl secrets import`."""
    from ctl.cli.loading import load_for_command
    from ctl.errors import UsageFault
    from ctl.settings.nodes import exchange
    from ctl.settings.nodes.peer import Side

    if with_http_secret and whom != "registry":
        raise UsageFault("--with-http-secret is for a registry: GitLab has no use for it")
    if output is None and sys.stdout.isatty() and not show_secrets:
        raise UsageFault(
            "secrets are not printed to a terminal",
            hint="Give --output FILE, or send the output elsewhere, or give --show-secrets.",
        )
    loaded = load_for_command(ctx)
    coming = loaded.secrets.stored(NEXT[1]) or ""
    text = exchange.export(loaded.attributes, Side(whom), with_http_secret=with_http_secret, coming=coming)
    if output is None:
        ctx.console.result(text.removesuffix("\n"))
        return
    _write_new(output, text)
    ctx.console.say(f"{output} written; next, on the {whom} node: ctl secrets import FILE")


def _write_new(path: Path, text: str) -> None:
    """Create a file for its owner alone; one that is there stays."""
    from ctl.errors import UsageFault

    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    try:
        descriptor = os.open(path, flags, 0o600)
    except FileExistsError:
        raise UsageFault(
            f"{path}: is there already, and is not written over", hint="Give another --output."
        ) from None
    with os.fdopen(descriptor, "wb") as file:
        os.fchmod(descriptor, 0o600)
        file.write(text.encode())
        file.flush()
        os.fsync(descriptor)


@command(name="import")
@click.argument("file", type=FILE)
@click.option("--replace", is_flag=True, help="Let another key or certificate that is here give way.")
def import_(ctx: Context, *, file: Path, replace: bool) -> None:
    """Take over the secrets of FILE, an export of the other node. They go into gitlab-secrets.json.

    A GitLab node keeps the key, a registry node the certificate. Values in the settings win over them. From a node
    where `ctl secrets rotate` was begun come two certificates: both are accepted, the former for seven days.
    """
    from ctl.cli.loading import machine, print_diagnostics, recovered
    from ctl.converge.atomic import write_atomic
    from ctl.errors import UsageFault
    from ctl.settings.nodes.exchange import plan_import
    from ctl.settings.nodes.peer import read_alone
    from ctl.settings.secrets.secrets_file import Secrets

    path = ctx.layout.secrets_file
    with recovered(ctx, machine(ctx)):
        own = read_alone(ctx.settings_file, ctx.layout)
        if not own.package.generate_secrets_json_file:
            raise UsageFault(
                'package["generate_secrets_json_file"] is False: secrets may not be written',
                hint=f'Put from_file("{file}") in the settings instead.',
            )
        refuse_secrets_file(file)
        found = plan_import(own, read_alone(file, ctx.layout), Secrets.read(path), replace_kept=replace)
        if found.content is not None:
            path.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
            if found.former:
                accept_for_now(ctx.layout, own, found.former)
            write_atomic(path, found.content, mode=0o600)
    print_diagnostics(ctx, found.remarks)
    if found.content is None:
        ctx.console.say(f"{path}: has all of it already")
        return
    removed = f"; removed {', '.join(found.dropped)}" if found.dropped else ""
    ctx.console.say(f"{path}: keeps {', '.join(found.names)}{removed}; next: ctl reconfigure")


def refuse_secrets_file(file: Path) -> None:
    """Raises UsageFault for a gitlab-secrets.json, with what to do instead."""
    from ctl.errors import UsageFault

    if not file.is_file() or not os.access(file, os.R_OK):
        return  # reading the settings reports it
    if file.read_bytes()[:100].lstrip().startswith(b"{"):
        raise UsageFault(
            f"{file} is a secrets file, not an export",
            hint="On the other node: ctl secrets export --for gitlab (or registry); or put the file in its place.",
        )


def accept_for_now(layout: Layout, own: Attributes, former: tuple[str, ...]) -> None:
    """Let the next run accept former certificates for some more time."""
    import time

    from ctl.converge.atomic import write_atomic
    from ctl.node.overlap import Former, Overlap, as_text, read_record, record_file

    until = time.time() + GRACE
    found = read_record(layout).former + tuple(Former(one, until) for one in former)
    layout.state.mkdir(mode=0o700, parents=True, exist_ok=True)
    overlap = Overlap(found, str(own.registry.rootcertbundle))
    write_atomic(record_file(layout), as_text(overlap).encode(), mode=0o600)


for one in (show, export, import_, rotate, verify):
    secrets.add_command(one)
