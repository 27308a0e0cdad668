"""From a command's context to settings, node and machine: the steps that several commands share."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from ctl.cli.framework import Context
from ctl.converge.model import Machine
from ctl.distribution import distribution
from ctl.errors import CtlError, UnsafeProgram
from ctl.language.source import Diagnostic, SettingsError, Severity, first_of
from ctl.machine.search import find_program
from ctl.nginx.build import nginx_build
from ctl.nginx.modules import dropped_directives, missing_modules
from ctl.node.locate import locate
from ctl.node.node import Node
from ctl.node.overlap import GRACE, Overlap
from ctl.output import Style
from ctl.registry.support import ignored_settings, unsupported_settings
from ctl.settings.attributes import Attributes
from ctl.settings.component import Component
from ctl.settings.components import COMPONENTS
from ctl.settings.components.logs import LOG_ACCOUNT
from ctl.settings.components.registry import names_of
from ctl.settings.load import Loaded, load

if TYPE_CHECKING:
    from ctl.converge.rollback import Undone


def load_for_command(ctx: Context, *, use_secrets: bool = True, take_up: bool | None = None) -> Loaded:
    """Read the settings and print their warnings and notes. The arguments are those of ctl.settings.load.load.

    Raises:
        SettingsError: with every error of the file.
    """
    loaded = load(ctx.settings_file, ctx.layout, use_secrets=use_secrets, take_up=take_up)
    print_diagnostics(ctx, loaded.attributes.diagnostics)
    return loaded


@contextmanager
def changing(ctx: Context, host: Machine) -> Iterator[Undone | None]:
    """How a command that changes the machine begins: lock, then recover; only then may it read settings.

    Yields:
        How an interrupted earlier run was undone; None where there was none.

    Raises:
        LockHeld: another run is under way.
        CtlError: an interrupted run could not be undone.
        SettingsError: nothing was ever run here, and nothing is written for settings that are wrong.
    """
    if not ctx.layout.state.is_dir():
        load(ctx.settings_file, ctx.layout, use_secrets=False)
    with recovered(ctx, host) as undone:
        yield undone


@contextmanager
def recovered(ctx: Context, host: Machine) -> Iterator[Undone | None]:
    """As `ctl.converge.recovered`. Where the run on trial was undone, the trial is over."""
    from ctl.converge import recovered as recovered_files
    from ctl.node.trial import end_undone

    with recovered_files(ctx.layout, host, ctx.console.note) as undone:
        if undone:
            end_undone(ctx.layout)
        yield undone


def print_diagnostics(ctx: Context, diagnostics: Iterable[Diagnostic]) -> None:
    """Print warnings and notes."""
    for diagnostic in diagnostics:
        style = Style.WARN if diagnostic.severity is Severity.WARNING else Style.PLACE
        word = str(diagnostic.severity)
        ctx.console.note(str(diagnostic).replace(word, ctx.console.paint(word, style, err=True), 1))


def check_outputs(ctx: Context, loaded: Loaded) -> None:
    """Refuse settings that would have a run replace what ctl did not write, as far as this user can see that.

    Raises:
        SettingsError: with each such setting.
        CtlError: other accounts can change a recipe, which a run refuses too.
    """
    from ctl.node.outputs import names_outputs, refuse_strangers
    from ctl.node.recipes import components_of, items, load_recipes, recipe_files

    try:
        recipe_files(ctx.layout)
        if names_outputs(loaded.attributes):
            recipes = load_recipes(ctx.layout)
            target = node(ctx, loaded, required=False, components=components_of(recipes))
            refuse_strangers(target, items(target, recipes), machine(ctx))
    except (PermissionError, CtlError) as error:
        denied = error if isinstance(error, PermissionError) else error.__cause__
        if not isinstance(denied, PermissionError):
            raise
        ctx.console.note(
            f"note: {denied.filename} cannot be read by this user: whose files are there is not checked"
        )


def certificate_problems(ctx: Context, attributes: Attributes) -> list[Diagnostic]:
    """What clients will object to about the certificate that they see.

    Raises:
        SettingsError: it cannot be used: NGINX would not start with it.
    """
    from ctl.tls.served import problems

    found = list(problems(attributes, ctx.layout, machine(ctx)))
    if any(one.severity is Severity.ERROR for one in found):
        raise SettingsError(found)
    return found


def unsupported_warnings(attributes: Attributes) -> list[Diagnostic]:
    """What reconfigure would refuse, drop or warn of because a program of this machine does not support it.

    Raises:
        SettingsError: other accounts can change such a program: reconfigure refuses it, and nobody runs it.
    """
    _refuse_unsafe_programs(attributes)
    try:
        registry = [
            Diagnostic(problem, severity=Severity.WARNING) for problem in unsupported_settings(attributes)
        ]
        registry += ignored_settings(attributes)
    except CtlError as error:
        registry = [Diagnostic(error.message, hint=error.hint or "", severity=Severity.WARNING)]
    return list(first_of([*registry, *_nginx_warnings(attributes)]))


def _refuse_unsafe_programs(attributes: Attributes) -> None:
    names = {"registry.executable": names_of(attributes.registry.executable)}
    if attributes.nginx.enable:
        names["nginx.executable"] = (attributes.nginx.executable or "nginx",)
    found = []
    for setting, candidates in names.items():
        try:
            find_program(*candidates)
        except UnsafeProgram as error:
            place = attributes.origin(setting).location
            found.append(Diagnostic(error.message, place, setting, error.hint or ""))
    if found:
        raise SettingsError(found)


def _nginx_warnings(attributes: Attributes) -> list[Diagnostic]:
    try:
        program = find_program(attributes.nginx.executable or "nginx")
        if program is None or not attributes.nginx.enable:
            return []
        build = nginx_build(program)
        missing = [Diagnostic(one, severity=Severity.WARNING) for one in missing_modules(attributes, build)]
        return missing + dropped_directives(attributes, build)
    except CtlError as error:
        return [Diagnostic(error.message, hint=error.hint or "", severity=Severity.WARNING)]


def node(
    ctx: Context,
    loaded: Loaded,
    *,
    required: bool,
    components: tuple[Component, ...] = COMPONENTS,
    grace: float = GRACE,
) -> Node:
    """The node that recipes see.

    Args:
        required: whether missing programs are an error (reconfigure), or usual paths do (render).
        components: every component, those of a site's own recipes included where these are read.
        grace: seconds for which the registry goes on to accept a certificate that this run replaces.
    """
    privileged = os.geteuid() == 0 or (not required and ctx.layout.is_machine)
    return Node(
        attributes=loaded.attributes,
        layout=ctx.layout,
        programs=locate(loaded.attributes, required=required, root=ctx.layout.root),
        privileged=privileged,
        log_account=_log_account(ctx, loaded.attributes) if privileged else None,
        secrets=loaded.secrets.content,
        settings_file=ctx.settings.absolute() if ctx.settings else None,
        components=components,
        overlap=_overlap(ctx, loaded.attributes, grace) if required else Overlap(),
    )


def _overlap(ctx: Context, attributes: Attributes, grace: float) -> Overlap:
    bundle = Path(attributes.registry.rootcertbundle)
    if not attributes.registry.enable or not bundle.is_file():
        return Overlap()  # and a pair that is still being made is not waited for
    return Overlap.of(ctx.layout, bundle, attributes.registry.internal_certificate or "", grace=grace)


def _log_account(ctx: Context, attributes: Attributes) -> str | None:
    """An account that this run makes; where it must make none, that of the distribution's runit."""
    if attributes.manage_accounts.enable:
        return LOG_ACCOUNT
    return distribution(ctx.layout.root).log_account()


def machine(ctx: Context, *, blank: bool = False) -> Machine:
    """The machine (or private root) with its supervisor."""
    from ctl.services.runit import Runit

    return Machine(
        services=Runit(ctx.layout, note=ctx.console.note), privileged=os.geteuid() == 0, blank=blank
    )
