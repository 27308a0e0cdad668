"""Asks, before anything changes, whether this machine can become what the settings say."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from dataclasses import fields
from itertools import combinations
from pathlib import Path

from ctl.converge.inspect import user_id
from ctl.converge.model import Machine
from ctl.distribution import distribution
from ctl.errors import USE_SUDO, PreflightError
from ctl.machine.ports import excludes
from ctl.machine.search import find_program
from ctl.node.node import Node
from ctl.node.recipes import Recipe
from ctl.paths import Layout
from ctl.services.definition import enabled_names, known_definition
from ctl.settings.checks.accounts import accounts
from ctl.settings.checks.folders import shared_log_folders
from ctl.settings.checks.listeners import clashes

FIRST_ORDINARY_PORT = 1024
CHALLENGES = (
    ". On port {} Let's Encrypt looks for its challenges: let port 80 be passed on to another port of this "
    'machine, and name that in registry["nginx"]["redirect_http_to_https_port"]; or do without: '
    'letsencrypt["enable"] = False'
)


def refuse_foreign_root(layout: Layout) -> None:
    """Refuse paths that another owner manages.

    Raises:
        PreflightError: a GitLab Linux package is installed there.
    """
    embedded = layout.path("/opt/gitlab/embedded")
    if embedded.is_dir() and not _holds_links_alone(embedded):
        raise PreflightError(
            f"the GitLab Linux package is installed here ({embedded} exists) and owns the same paths",
            hint="Keep this registry apart from it: ctl --root DIR reconfigure",
        )


def _holds_links_alone(embedded: Path) -> bool:
    """Whether there are the links of `install.sh --gitlab-ctl` and nothing else."""
    programs = embedded / "bin"
    return list(embedded.iterdir()) == [programs] and all(one.is_symlink() for one in programs.iterdir())


def check(node: Node, machine: Machine, recipes: Iterable[Recipe]) -> None:
    """Check programs, accounts and ports, and what recipes check of their own.

    Args:
        node: with the new settings.
        machine: whose services hold ports that are theirs.
        recipes: of the components that the node may have.

    Raises:
        PreflightError: something is not ready; says what, and what to do.
        CtlError: the check of a recipe is broken.
    """
    _refuse_rival_components(node)
    _refuse_missing_programs(node)
    if node.privileged and not node.attributes.manage_accounts.enable:
        _refuse_missing_accounts(node)
    for recipe in recipes:
        recipe.check(node)
    _refuse_taken_ports(node, machine)


def _refuse_missing_accounts(node: Node) -> None:
    for component, account in accounts(node.components, node.attributes):
        if user_id(account.username) is None:
            raise PreflightError(
                f"user {account.username!r} ({account.setting or component}) does not exist, and "
                'manage_accounts["enable"] is False',
                hint="Run: " + " ".join(distribution().add_user(account.username, system=True)),
            )


def _refuse_rival_components(node: Node) -> None:
    """What the settings check of ctl's own components holds for a site's too: accounts, addresses, log folders."""
    components, attributes = node.components, node.attributes
    problems = [
        f"{one} and {other} have one account, {account.username}: each needs its own"
        for (one, account), (other, second) in combinations(accounts(components, attributes), 2)
        if account.username == second.username and attributes.manage_accounts.enable
    ]
    problems += [problem for _, _, problem in clashes(components, attributes)]
    problems += [
        f"{one} and {other} have one log folder, {other.log_folder(attributes, node.layout)}: each needs its own"
        for one, other in shared_log_folders(components, attributes, node.layout)
    ]
    if problems:
        raise PreflightError("; ".join(problems), hint=f"Change COMPONENT in {node.layout.site_recipes}")


def _refuse_missing_programs(node: Node) -> None:
    """Programs of a site's own components; those of ctl's own have been looked up already."""
    known = {field.name for field in fields(node.programs)}
    for component in node.running():
        missing = [one for one in component.programs if one not in known and find_program(one) is None]
        if missing:
            raise PreflightError(
                f"{component} needs {' and '.join(missing)}, not installed here",
                hint=f"Run: {distribution().install_hint(*(component.packages or missing))}",
            )


def _refuse_taken_ports(node: Node, machine: Machine) -> None:
    """Ports that the services will need, less those that only ctl's own services are in the way of."""
    names = enabled_names(node.layout)
    held = _held(machine, node.layout, names)
    needed = [
        one for addresses in node.listens().values() for one in addresses if not one.startswith("unix:")
    ]
    wanted = [one for one in needed if not any(excludes(own, one) for own in held)]
    if wanted:
        strays = {address for name in names for address in machine.services.left_behind(name)}
        wanted = [one for one in wanted if not any(excludes(own, one) for own in strays)]
    if not wanted:
        return
    port = node.attributes.registry.nginx.redirect_http_to_https_port if node.obtains_certificate else None
    challenges = CHALLENGES.format(port) if any(one.endswith(f":{port}") for one in wanted) else ""
    _refuse_low_ports(node, wanted, challenges)
    from ctl.nginx.ports import parse_address, taken

    problems = [str(problem) for problem in taken([parse_address(address) for address in wanted])]
    if problems:
        raise PreflightError(
            "; ".join(problems), hint=f"Stop that process, or choose another port in the settings{challenges}"
        )


def _held(machine: Machine, layout: Layout, names: Sequence[str]) -> set[str]:
    """Where services that run listen: by their processes, and by the definitions that an earlier run wrote.

    The processes decide: after an interrupted run a definition may be a newer one than theirs.
    """
    found = machine.services.listening(names)
    defined = (address for name in found for address in known_definition(layout, name).listen)
    return {*defined, *(address for addresses in found.values() for address in addresses)}


def _refuse_low_ports(node: Node, addresses: Iterable[str], more: str) -> None:
    if os.geteuid() == 0:
        return
    low = [address for address in addresses if int(address.rpartition(":")[2]) < FIRST_ORDINARY_PORT]
    ports = f"Choose a port from 1024 in registry_external_url or registry['nginx']['listen_port']{more}"
    if low:
        raise PreflightError(
            f"{', '.join(low)}: ports below {FIRST_ORDINARY_PORT} need root",
            hint=USE_SUDO if node.layout.is_machine else ports,
        )
