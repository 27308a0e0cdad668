"""Asks, before anything changes, whether this machine can become what the settings say."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from dataclasses import fields
from itertools import combinations
from pathlib import Path

from ctl.auth.runtime import refuse_unreachable
from ctl.converge.inspect import group_id, user_id
from ctl.converge.model import Machine
from ctl.distribution import distribution
from ctl.errors import USE_SUDO, PreflightError
from ctl.machine.access import may
from ctl.machine.ports import excludes
from ctl.machine.search import find_program
from ctl.nginx.build import ANOTHER
from ctl.nginx.modules import missing_modules
from ctl.node.node import Node
from ctl.paths import Layout
from ctl.registry.reachable import refuse_other_metadata
from ctl.registry.support import unsupported_settings
from ctl.services.definition import enabled_names, read_definition
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


def check(node: Node, machine: Machine) -> None:
    """Check the registry program, accounts, storage and ports.

    Raises:
        PreflightError: something is not ready; says what, and what to do.
    """
    _refuse_unsupported_settings(node)
    _refuse_missing_modules(node)
    _refuse_rival_components(node)
    _refuse_missing_programs(node)
    if node.privileged and not node.attributes.manage_accounts.enable:
        _refuse_missing_accounts(node)
    if node.attributes.registry.enable:
        _refuse_unreachable_storage(node)
        refuse_other_metadata(node)
    refuse_unreachable(node)
    _refuse_taken_ports(node, machine)


def _refuse_unsupported_settings(node: Node) -> None:
    """Registries ignore settings that they do not know; what was asked for must not be lost without a word."""
    problems = unsupported_settings(node.attributes)
    if problems:
        raise PreflightError(
            "; ".join(problems),
            hint='Install that program and name it in registry["executable"], or unset it.',
        )


def _refuse_missing_modules(node: Node) -> None:
    problems = missing_modules(node.attributes, node.programs.nginx_build)
    if problems:
        raise PreflightError(
            f"{node.programs.nginx}: {'; '.join(problems)}",
            hint=f"Install another one ({distribution().install_hint('nginx')}), or {ANOTHER}",
        )


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


def _refuse_unreachable_storage(node: Node) -> None:
    """The registry's user must get to its storage: it may enter every folder above, and write.

    Folders that the run itself makes or corrects are not judged.
    """
    filesystem = node.attributes.registry.storage.get("filesystem")
    user = node.attributes.registry.username
    if filesystem is None or (node.privileged and user_id(user) is None):
        return
    storage = Path(filesystem["rootdirectory"])
    if not node.attributes.manage_storage_directories.enable and not storage.is_dir():
        raise PreflightError(
            f'the storage folder {storage} does not exist, and manage_storage_directories["enable"] is False',
            hint=f"Run: install -d -o {user} -m 0770 {storage}",
        )
    above = _first_existing(storage.parent)
    if not _may(node, "-x", above):
        blocked = next(place for place in (*reversed(above.parents), above) if not _may(node, "-x", place))
        raise PreflightError(
            f"the storage folder {storage} cannot be reached: user {user} may not enter {blocked} (no x permission)",
            hint=f"Run: chmod o+x {blocked}",
        )
    if _must_be_writable(node, storage) and not _may(node, "-w", storage):
        raise PreflightError(
            f"the storage folder {storage} is not writable by user {user}",
            hint=f"Run: chown -R {user} {storage}",
        )


def _must_be_writable(node: Node, storage: Path) -> bool:
    managed = node.privileged and node.attributes.manage_storage_directories.enable
    return storage.is_dir() and not managed


def _first_existing(path: Path) -> Path:
    return next(place for place in (path, *path.parents) if place.is_dir())


def _may(node: Node, access: str, path: Path) -> bool:
    """Whether the registry's user may, where there is one; else this one."""
    if not node.privileged:
        return os.access(path, os.X_OK if access == "-x" else os.W_OK | os.X_OK)
    registry = node.attributes.registry
    account = (
        f"{registry.username}:{registry.group}" if group_id(registry.group) is not None else registry.username
    )
    return may(node.programs.chpst, account, (access, path))


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
    defined = (address for name in found for address in read_definition(layout, name).listen)
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
