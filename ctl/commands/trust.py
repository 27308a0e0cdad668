"""`ctl trust`: tools on this machine trust the registry's certificate, and how those on another one come to."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from ctl.cli.framework import FILE, Context, always, command
from ctl.distribution import distribution
from ctl.errors import UsageFault
from ctl.output import Style

if TYPE_CHECKING:
    from ctl.certificates.for_clients import ForClients
    from ctl.certificates.stores import State, Store

CHANGED = {"trusted now", "renewed", "replaced"}
LIST_READERS = "helm, oras, crane, regctl and containerd"


@command(needs_root=always)
@click.option("--docker", is_flag=True, help="For Docker: /etc/docker/certs.d/HOST:PORT/ca.crt.")
@click.option(
    "--podman", is_flag=True, help="For podman, skopeo, buildah: /etc/containers/certs.d/HOST:PORT/ca.crt."
)
@click.option(
    "--containerd",
    is_flag=True,
    help="For containerd: /etc/containerd/certs.d/HOST:PORT/hosts.toml and ca.crt.",
)
@click.option("--system", is_flag=True, help="For every program: the machine's list of authorities.")
@click.option(
    "--ca",
    type=FILE,
    metavar="FILE",
    help="The CA that issued the certificate, where the certificate's file does not hold it.",
)
@click.option("--replace", is_flag=True, help="Replace another CA in that place.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def trust(
    ctx: Context,
    *,
    docker: bool,
    podman: bool,
    containerd: bool,
    system: bool,
    ca: Path | None,
    replace: bool,
    as_json: bool,
) -> None:
    """Let tools here trust the registry's certificate.

    That is the local CA, a private CA whose root is in the certificate's file, or a self-signed certificate.
    Without options: for those of Docker, podman (or skopeo, buildah) and containerd that are installed. helm,
    oras, crane and regctl read the machine's list of CAs alone: --system. What to do on another machine is
    printed. With --root the files are below that root.
    """
    from ctl.certificates.for_clients import for_clients
    from ctl.cli.loading import load_for_command

    _refuse(ctx, system=system)
    wanted = {"docker": docker, "podman": podman, "containerd": containerd, "system": system}
    needed = for_clients(load_for_command(ctx, use_secrets=False).attributes, ctx.layout, ca)
    if needed.unneeded:
        _print_unneeded(ctx, needed, as_json=as_json)
        return
    from ctl.certificates.stores import installed_tools

    tools = [tool for tool, chosen in wanted.items() if chosen] or installed_tools()
    done = _trust(ctx, needed, tools, replace=replace)
    if as_json:
        _print_json(ctx, needed, done)
    else:
        _print(ctx, needed, done)


def _refuse(ctx: Context, *, system: bool) -> None:
    if system and not ctx.layout.is_machine:
        raise UsageFault(
            f"--system is for the machine itself: {distribution().ca_command} knows no other root",
            hint="Leave out --root, or --system.",
        )


def _print_unneeded(ctx: Context, needed: ForClients, *, as_json: bool) -> None:
    if as_json:
        ctx.console.result_json({"registry": needed.registry, "needed": False, "reason": needed.unneeded})
    else:
        ctx.console.result(f"nothing to do: {needed.unneeded}")


def _trust(ctx: Context, needed: ForClients, tools: list[str], *, replace: bool) -> list[tuple[Store, State]]:
    """Judge every store before the first is written."""
    from ctl.certificates.stores import State, stores, system_program, update_system

    places = stores(ctx.layout, needed.registry)
    program = system_program() if "system" in tools else None
    judged = [(places[tool], places[tool].judge(needed.ca, replace=replace)) for tool in tools]
    for store, state in judged:
        if state is not State.TRUSTED:
            store.put(needed.ca)
    if program and update_system(
        needed.ca, program
    ):  # also where the file was there, but not yet in the list
        judged = [(one, _taken_up(one, state)) for one, state in judged]
    return judged


def _taken_up(store: Store, state: State) -> State:
    from ctl.certificates.stores import State

    return State.NEW if store.tool == "system" and state is State.TRUSTED else state


def _print(ctx: Context, needed: ForClients, done: list[tuple[Store, State]]) -> None:
    for store, state in done:
        word = ctx.console.paint(str(state), Style.GOOD) if state in CHANGED else str(state)
        ctx.console.result(f"{store.tool}: {word} ({store.path})")
    if not done:
        ctx.console.note(
            "neither Docker, podman, skopeo, buildah nor containerd is installed here: see --help"
        )
    if not ctx.layout.is_machine and done:
        ctx.console.note(f"these files are below {ctx.layout.root}: tools outside of it do not read them")
    if "system" not in {store.tool for store, _ in done}:
        ctx.console.say(f"{LIST_READERS} read the machine's list alone: sudo ctl trust --system")
    ctx.console.say(f"Clients must know {needed.what}. On another machine, as root,")
    _print_commands(ctx, "for Docker, podman, skopeo and buildah:", needed.docker_commands())
    _print_commands(ctx, f"for every program, {LIST_READERS} among them:", needed.system_commands())
    if needed.local_only:
        ctx.console.say(
            f"{needed.registry} is this machine only: others reach it through a tunnel, or not at all"
        )
    if "containerd" in {store.tool for store, _ in done}:
        _print_commands(ctx, "for containerd:", needed.containerd_commands())
        ctx.console.note(
            'containerd reads its folder where its configuration says config_path = "/etc/containerd/certs.d"'
        )


def _print_commands(ctx: Context, what: str, commands: list[str]) -> None:
    ctx.console.say(what)
    for line in commands:
        ctx.console.say(f"  {line}")


def _print_json(ctx: Context, needed: ForClients, done: list[tuple[Store, State]]) -> None:
    from ctl.tls.certificates import inspect

    ctx.console.result_json(
        {
            "registry": needed.registry,
            "needed": True,
            "ca": needed.path,
            "subject": inspect(needed.ca).subject,
            "fingerprint": inspect(needed.ca).fingerprint,
            "tools": [{"tool": one.tool, "path": one.path, "state": state} for one, state in done],
            "commands": needed.docker_commands(),
            "system_commands": needed.system_commands(),
            "containerd_commands": needed.containerd_commands(),
        }
    )
