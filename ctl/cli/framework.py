"""The command line: global options before or after the command, one module a command, loaded when called."""

from __future__ import annotations

import os
from collections.abc import Callable, ItemsView, Mapping
from importlib import import_module
from pathlib import Path
from typing import Any, TypeVar

import click

from ctl import __version__
from ctl.cli.context import GLOBAL_OPTIONS, context_of, failure_as_json
from ctl.cli.context import Context as Context
from ctl.errors import PreflightError
from ctl.paths import Layout
from ctl.registry.repair import repair

COMMANDS: dict[str, str] = {
    # name on the command line -> "module:attribute"; `ctl --help` lists them in this order
    "reconfigure": "ctl.commands.reconfigure:reconfigure",
    "confirm": "ctl.commands.confirm:confirm",
    "recover": "ctl.commands.recover:recover",
    "history": "ctl.commands.history:history",
    "rollback": "ctl.commands.rollback:rollback",
    "diff-config": "ctl.commands.diff_config:diff_config",
    "render": "ctl.commands.render:render",
    "check-config": "ctl.commands.check_config:check_config",
    "show-config": "ctl.commands.show_config:show_config",
    "settings": "ctl.commands.settings:settings",
    "convert-settings": "ctl.commands.convert_settings:convert_settings",
    "status": "ctl.commands.status:status",
    "doctor": "ctl.commands.doctor:doctor",
    "upgrade-check": "ctl.commands.upgrade_check:upgrade_check",
    "metrics": "ctl.commands.metrics:metrics",
    "support-bundle": "ctl.commands.support_bundle:support_bundle",
    "start": "ctl.commands.service:start",
    "stop": "ctl.commands.service:stop",
    "restart": "ctl.commands.service:restart",
    "once": "ctl.commands.service:once",
    "hup": "ctl.commands.service:hup",
    "term": "ctl.commands.service:term",
    "int": "ctl.commands.service:interrupt",
    "kill": "ctl.commands.service:kill",
    "usr1": "ctl.commands.service:usr1",
    "usr2": "ctl.commands.service:usr2",
    "graceful-kill": "ctl.commands.service:graceful_kill",
    "service-list": "ctl.commands.service_list:service_list",
    "tail": "ctl.commands.tail:tail",
    "registry-check-storage": "ctl.commands.registry_check_storage:registry_check_storage",
    "registry-fsck": "ctl.commands.registry_fsck:registry_fsck",
    "registry-migrate-storage": "ctl.commands.registry_migrate_storage:registry_migrate_storage",
    "registry-garbage-collect": "ctl.commands.registry_garbage_collect:registry_garbage_collect",
    "registry-disk-usage": "ctl.commands.registry_disk_usage:registry_disk_usage",
    "registry-repositories": "ctl.commands.registry_repositories:registry_repositories",
    "registry-tags": "ctl.commands.registry_tags:registry_tags",
    "registry-inspect": "ctl.commands.registry_inspect:registry_inspect",
    "registry-delete": "ctl.commands.registry_delete:registry_delete",
    "registry-cleanup": "ctl.commands.registry_cleanup:registry_cleanup",
    "registry-token": "ctl.commands.registry_token:registry_token",
    "user": "ctl.commands.user:user",
    "group": "ctl.commands.group:group",
    "token": "ctl.commands.token:token",
    "trust": "ctl.commands.trust:trust",
    "renew-le-certs": "ctl.commands.renew_le_certs:renew_le_certs",
    "certificates": "ctl.commands.certificates:certificates",
    "generate-secrets": "ctl.commands.generate_secrets:generate_secrets",
    "secrets": "ctl.commands.secrets:secrets",
    "backup": "ctl.commands.backup:backup",
    "restore": "ctl.commands.restore:restore",
    "backup-etc": "ctl.commands.backup_etc:backup_etc",
    "completion": "ctl.commands.completion:completion",
    "help": "ctl.commands.help:help_",
    "version": "ctl.commands.version:version",
    "uninstall": "ctl.commands.uninstall:uninstall",
    "cleanse": "ctl.commands.uninstall:cleanse",
}


GROUPS: dict[str, tuple[str, ...]] = {
    "The machine": (
        *("reconfigure", "confirm", "recover", "history", "rollback", "diff-config", "render"),
        *("backup", "restore", "uninstall", "cleanse"),
    ),
    "Settings and secrets": (
        *("check-config", "show-config", "settings", "convert-settings", "generate-secrets", "secrets"),
        "backup-etc",
    ),
    "Services": (
        *("status", "start", "stop", "restart", "once", "hup", "term", "int", "kill", "usr1", "usr2"),
        *("graceful-kill", "service-list", "tail"),
    ),
    "Accounts": ("user", "group", "token"),
    "Certificates": ("trust", "renew-le-certs", "certificates"),
    "The registry": (),
    "Diagnosis": ("doctor", "trace", "support-bundle", "upgrade-check", "metrics"),
    "Help": ("help", "version", "completion"),
}
"""The headings of `ctl --help`; commands that begin with "registry-", and those of no heading, are of the registry."""


class LazyGroup(click.Group):
    """A group that imports a command's module only when that command is called or described."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Names in the order of COMMANDS."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import and return a command; None for an unknown name."""
        target = COMMANDS.get(cmd_name)
        if target is None:
            return None
        module, attribute = target.split(":")
        command = getattr(import_module(module), attribute)
        assert isinstance(command, click.Command)  # noqa: S101 - a wrong entry of COMMANDS is a programming error
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The commands in groups, each with what it is for; the columns are the same in all of them."""
        width = max(map(len, COMMANDS))
        for heading, names in grouped():
            rows = [(f"{name:<{width}}", self._summary(ctx, name)) for name in names]
            with formatter.section(heading):
                formatter.write_dl(rows)

    def _summary(self, ctx: click.Context, name: str) -> str:
        found = self.get_command(ctx, name)
        assert found is not None  # noqa: S101 - COMMANDS names it
        return found.get_short_help_str(limit=WIDEST)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """As click, with the nearest known command in the error."""
        try:
            return super().resolve_command(ctx, args)
        except click.UsageError as error:
            from ctl.cli.gitlab_ctl import ANSWERS
            from ctl.text.nearest import nearest

            if args and args[0] in ANSWERS:
                raise click.UsageError(f"{args[0]}: {ANSWERS[args[0]]}", ctx) from error
            near = nearest(args[0], COMMANDS) if args else None
            if near:
                hint = f"No such command {args[0]!r}. Did you mean {near!r}?"
                raise click.UsageError(hint, ctx) from error
            raise


WIDEST = 200
"""Of a summary: none is cut; that they fit a line is tested."""


def grouped() -> ItemsView[str, list[str]]:
    """The headings of `ctl --help` with their commands, in the order of COMMANDS."""
    placed = {name for names in GROUPS.values() for name in names}
    rest = {heading: [name for name in COMMANDS if name in names] for heading, names in GROUPS.items()}
    rest["The registry"] = [name for name in COMMANDS if name not in placed]
    return {heading: names for heading, names in rest.items() if names}.items()


def _store(name: str) -> Callable[[click.Context, click.Parameter, Any], Any]:
    """A callback that keeps a global option, wherever on the command line it is."""

    def callback(ctx: click.Context, _param: click.Parameter, value: Any) -> Any:  # noqa: ANN401
        if value not in (None, False):
            ctx.ensure_object(dict)[name] = value
        return value

    return callback


F = TypeVar("F", bound=Callable[..., Any])

FILE = click.Path(path_type=Path, dir_okay=False, readable=False)
"""The path of a file. Whether this user may read it is said by what reads it, in one wording, with exit status 1."""

_PATHS = {"FILE": FILE, "DIR": click.Path(path_type=Path, file_okay=False)}


def global_options(function: F) -> F:
    """Give a command the global options too, so that they may come after its name."""
    for name, one in reversed(GLOBAL_OPTIONS.items()):
        form = {"type": _PATHS[one.metavar], "metavar": one.metavar} if one.metavar else {"is_flag": True}
        option = click.option(
            *one.words, name, help=one.help, expose_value=False, callback=_store(name), **form
        )
        function = option(function)
    return function


def context(ctx: click.Context) -> Context:
    """What the global options say, from wherever they are."""
    return context_of(ctx.ensure_object(dict))


def always(_options: Mapping[str, Any]) -> bool:
    """For commands that change the machine whatever their options are."""
    return True


def command(
    *,
    name: str | None = None,
    needs_root: Callable[[Mapping[str, Any]], bool] | None = None,
    **keywords: Any,  # noqa: ANN401 - click's
) -> Callable[[Callable[..., Any]], click.Command]:
    """Declare a command: `@command()` above `def status(ctx: Context, ...)`.

    The function gets the Context as its first argument; global options are added to its own.

    Args:
        name: where it is another than the function's.
        needs_root: whether it changes the machine itself, by the command's options; in a root of one's own
            (--root) it never needs root.
        keywords: for click.
    """

    def decorate(function: Callable[..., Any]) -> click.Command:
        from functools import wraps

        @wraps(function)
        def call(*args: Any, **kwargs: Any) -> Any:  # noqa: ANN401
            own = context(click.get_current_context())
            in_json = bool(kwargs.get("as_json") or kwargs.get("form") == "json")
            with failure_as_json(own.console, wanted=in_json):
                if needs_root and needs_root(kwargs):
                    refuse_without_root(own.layout)
                repair(own.layout)
                return function(own, *args, **kwargs)

        settings = {"help_option_names": ["-h", "--help"]}
        make: Callable[[Callable[..., Any]], click.Command]
        make = click.command(name=name, context_settings=settings, **keywords)
        return make(global_options(call))

    return decorate


def refuse_without_root(layout: Layout) -> None:
    """The one check of rights, before anything else is done.

    Raises:
        PreflightError: the machine itself would be changed, and the caller is not root.
    """
    if layout.is_machine and os.geteuid() != 0:
        path = click.get_current_context().command_path
        raise PreflightError(
            "changing this machine needs root",
            hint=f"Run: sudo {path}; or work in a root of your own: ctl --root DIR {path.partition(' ')[2]}",
        )


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="ctl")
@global_options
def cli() -> None:
    """Run a container registry behind NGINX with TLS from one settings file."""
