"""`ctl trust`: tools on this machine trust the local CA, and how those on another one come to."""

from __future__ import annotations

import os
import shlex
import socket
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import click

from ctl.cli.framework import Context, command
from ctl.distribution import distribution
from ctl.errors import CtlError, PreflightError, UsageFault
from ctl.output import Style

if TYPE_CHECKING:
    from ctl.certificates.stores import State, Store

CHANGED = {"trusted now", "renewed", "replaced"}


@dataclass(frozen=True)
class _Served:
    """What clients meet: the registry's name, its host, and the local CA, or why that is not needed."""

    registry: str
    host: str
    ca: Path
    unneeded: str = ""


@command()
@click.option("--docker", is_flag=True, help="For Docker: /etc/docker/certs.d/HOST:PORT/ca.crt.")
@click.option(
    "--podman", is_flag=True, help="For podman, skopeo, buildah: /etc/containers/certs.d/HOST:PORT/ca.crt."
)
@click.option(
    "--system", is_flag=True, help="For every program: the machine's list (update-ca-certificates)."
)
@click.option("--replace", is_flag=True, help="Replace another CA in that place.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def trust(ctx: Context, *, docker: bool, podman: bool, system: bool, replace: bool, as_json: bool) -> None:
    """Let tools on this machine trust the registry's local CA.

    Without options: those of Docker and podman (or skopeo, buildah) that are installed. What to do on
    another machine is printed. With --root the files are below that root.
    """
    _refuse(ctx, system=system)
    wanted = {"docker": docker, "podman": podman, "system": system}
    served = _served(ctx)
    if served.unneeded:
        _tell_unneeded(ctx, served, as_json=as_json)
        return
    from ctl.certificates.stores import installed_tools

    tools = [tool for tool, chosen in wanted.items() if chosen]
    if not tools:
        tools = installed_tools()
    done = _trust(ctx, served, tools, replace=replace)
    commands = _commands(served, containers=tools == ["podman"])
    if as_json:
        _print_json(ctx, served, done, commands)
    else:
        _print(ctx, served, done, commands)


def _refuse(ctx: Context, *, system: bool) -> None:
    if system and not ctx.layout.is_machine:
        raise UsageFault(
            f"--system is for the machine itself: {distribution().ca_command} knows no other root",
            hint="leave out --root, or --system",
        )
    if ctx.layout.is_machine and os.geteuid() != 0:
        raise PreflightError("what the tools of this machine trust is for root to say", hint="sudo ctl trust")


def _served(ctx: Context) -> _Served:
    """What NGINX shows to clients.

    Raises:
        CtlError: there is no registry, or it has no certificate yet.
    """
    from ctl.cli.loading import load_for_command
    from ctl.tls.client_trust import HTTPS, registry_name
    from ctl.tls.local_ca import Authority
    from ctl.tls.vhost_files import SETTING, read

    attributes = load_for_command(ctx, use_secrets=False).attributes
    url = attributes.registry_external_url
    if not url or not attributes.registry.enable:
        raise CtlError("this node has no registry", hint="set registry_external_url, or run it on that node")
    parts = urlsplit(url)
    host, ca = parts.hostname or "localhost", ctx.layout.ssl / "ca.crt"
    name = registry_name(host, parts.port or HTTPS)
    if not attributes.registry.nginx.https:
        return _Served(name, host, ca, f"{name} is served without TLS here: there is no certificate to trust")
    certificate = Path(attributes.registry.nginx.ssl_certificate)
    if not os.path.lexists(certificate):
        raise CtlError(f"there is no certificate yet ({certificate})", hint="`ctl reconfigure` makes one")
    served = read(certificate, SETTING)
    local = Authority(ca, ctx.layout.ssl / "ca.key").issued(served)
    return _Served(name, host, ca, "" if local else _foreign(name, certificate, served))


def _foreign(name: str, certificate: Path, pem: bytes) -> str:
    from ctl.tls.certificates import inspect

    facts = inspect(pem, where=str(certificate))
    if facts.self_signed:
        return (
            f"{name} has a self-signed certificate, not one of the local CA: clients must know {certificate}"
        )
    return (
        f"{name} has a certificate of {facts.issuer}, not of the local CA: "
        "clients that know that issuer need nothing"
    )


def _tell_unneeded(ctx: Context, served: _Served, *, as_json: bool) -> None:
    if as_json:
        ctx.console.result_json({"registry": served.registry, "needed": False, "reason": served.unneeded})
    else:
        ctx.console.result(f"nothing to do: {served.unneeded}")


def _trust(ctx: Context, served: _Served, tools: list[str], *, replace: bool) -> list[tuple[Store, State]]:
    """Judge every store before the first is written."""
    from ctl.certificates.stores import State, stores, system_program, update_system
    from ctl.tls.vhost_files import read

    ca, places = read(served.ca, "the local CA"), stores(ctx.layout, served.registry)
    program = system_program() if "system" in tools else None
    judged = [(places[tool], places[tool].judge(ca, replace=replace)) for tool in tools]
    for store, state in judged:
        if state is not State.TRUSTED:
            store.put(ca)
    if program and update_system(ca, program):  # also where the file was there, but not yet in the list
        judged = [(one, _taken_up(one, state)) for one, state in judged]
    return judged


def _taken_up(store: Store, state: State) -> State:
    from ctl.certificates.stores import State

    return State.NEW if store.tool == "system" and state is State.TRUSTED else state


def _commands(served: _Served, *, containers: bool) -> list[str]:
    """The two commands for another machine; Docker's folder is where podman and skopeo look, too."""
    from ctl.certificates.stores import CONTAINERS_FOLDER, DOCKER_FOLDER

    folder = f"{CONTAINERS_FOLDER if containers else DOCKER_FOLDER}/{served.registry}"
    host = socket.gethostname() if _loopback(served.host) else served.host
    source = f"[{host}]:{served.ca}" if ":" in host else f"{host}:{served.ca}"
    return [
        f"mkdir -p {shlex.quote(folder)}",
        f"scp {shlex.quote(source)} {shlex.quote(folder + '/ca.crt')}",
    ]


def _loopback(host: str) -> bool:
    from ctl.tls.certificates import ip_literal

    address = ip_literal(host)
    return address.is_loopback if address else host == "localhost" or host.endswith(".localhost")


def _print(ctx: Context, served: _Served, done: list[tuple[Store, State]], commands: list[str]) -> None:
    for store, state in done:
        word = ctx.console.paint(str(state), Style.GOOD) if state in CHANGED else str(state)
        ctx.console.result(f"{store.tool}: {word} ({store.path})")
    if not done:
        ctx.console.note("neither Docker nor podman, skopeo or buildah is installed here: see --help")
    if not ctx.layout.is_machine and done:
        ctx.console.note(f"these files are below {ctx.layout.root}: tools outside of it do not read them")
    ctx.console.say("On another machine, as root, for Docker, podman and skopeo:")
    for line in commands:
        ctx.console.say(f"  {line}")
    if _loopback(served.host):
        ctx.console.say(
            f"{served.registry} is this machine only: others reach it through a tunnel, or not at all"
        )


def _print_json(ctx: Context, served: _Served, done: list[tuple[Store, State]], commands: list[str]) -> None:
    from ctl.tls.certificates import inspect
    from ctl.tls.vhost_files import read

    tools = [{"tool": one.tool, "path": one.path, "state": state} for one, state in done]
    ctx.console.result_json(
        {
            "registry": served.registry,
            "needed": True,
            "ca": served.ca,
            "fingerprint": inspect(read(served.ca, "the local CA")).fingerprint,
            "tools": tools,
            "commands": commands,
        }
    )
