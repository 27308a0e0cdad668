"""The command line: global options before or after the command, one module a command, loaded when called."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any, TypeVar

import click

from ctl import __version__
from ctl.errors import CtlError, Interrupted, OutputFailed, as_json
from ctl.output import Console
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
    "registry-token": "ctl.commands.registry_token:registry_token",
    "user": "ctl.commands.user:user",
    "group": "ctl.commands.group:group",
    "token": "ctl.commands.token:token",
    "trust": "ctl.commands.trust:trust",
    "renew-le-certs": "ctl.commands.renew_le_certs:renew_le_certs",
    "certificates": "ctl.commands.certificates:certificates",
    "generate-secrets": "ctl.commands.generate_secrets:generate_secrets",
    "secrets": "ctl.commands.secrets:secrets",
    "backup-etc": "ctl.commands.backup_etc:backup_etc",
    "completion": "ctl.commands.completion:completion",
    "help": "ctl.commands.help:help_",
    "version": "ctl.commands.version:version",
    "uninstall": "ctl.commands.uninstall:uninstall",
    "cleanse": "ctl.commands.uninstall:cleanse",
}


@dataclass(frozen=True)
class Context:
    """What every command gets: the root, the settings file, and the console."""

    layout: Layout
    settings: Path | None
    console: Console

    @property
    def settings_file(self) -> Path:
        """The settings file: as given, else the layout's."""
        return self.settings or self.layout.settings_file


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


def _store(name: str) -> Callable[[click.Context, click.Parameter, Any], Any]:
    """A callback that keeps a global option, wherever on the command line it is."""

    def callback(ctx: click.Context, _param: click.Parameter, value: Any) -> Any:  # noqa: ANN401
        if value not in (None, False):
            ctx.ensure_object(dict)[name] = value
        return value

    return callback


F = TypeVar("F", bound=Callable[..., Any])

_GLOBAL_OPTIONS: Sequence[tuple[tuple[str, ...], dict[str, Any]]] = (
    (("--settings", "settings"), {
        "type": click.Path(path_type=Path, dir_okay=False), "metavar": "FILE",
        "help": "Settings file [default: /etc/gitlab/gitlab.py; also CTL_SETTINGS]."}),
    (("--root", "root"), {
        "type": click.Path(path_type=Path, file_okay=False), "metavar": "DIR",
        "help": "Keep every managed path below DIR, with a supervisor of its own [also CTL_ROOT]."}),
    (("-q", "--quiet", "quiet"), {"is_flag": True, "help": "Print errors and asked-for results only."}),
    (("-v", "--verbose", "verbose"), {"is_flag": True, "help": "Print details."}),
    (("--no-color", "no_color"), {"is_flag": True, "help": "Never colour the output."}),
)  # fmt: skip


def global_options(function: F) -> F:
    """Give a command the global options too, so that they may come after its name."""
    for names, keywords in reversed(_GLOBAL_OPTIONS):
        option = click.option(*names, **keywords, expose_value=False, callback=_store(names[-1]))
        function = option(function)
    return function


def context(ctx: click.Context) -> Context:
    """What the global options say, from wherever they are; the environment fills what is not given."""
    given: dict[str, Any] = ctx.ensure_object(dict)
    root = given.get("root") or os.environ.get("CTL_ROOT") or "/"
    settings = given.get("settings") or os.environ.get("CTL_SETTINGS") or None
    console = Console(
        quiet=bool(given.get("quiet")),
        verbose=bool(given.get("verbose")),
        colored=False if given.get("no_color") else None,
    )
    return Context(Layout(Path(root).absolute()), Path(settings) if settings else None, console)


def command(*, name: str | None = None, **keywords: Any) -> Callable[[Callable[..., Any]], click.Command]:  # noqa: ANN401
    """Declare a command: `@command()` above `def status(ctx: Context, ...)`.

    The function gets the Context as its first argument; global options are added to its own.
    """

    def decorate(function: Callable[..., Any]) -> click.Command:
        from functools import wraps

        @wraps(function)
        def call(*args: Any, **kwargs: Any) -> Any:  # noqa: ANN401
            own = context(click.get_current_context())
            try:
                repair(own.layout)
                return function(own, *args, **kwargs)
            except (CtlError, Interrupted, OSError) as error:
                in_json = kwargs.get("as_json") or kwargs.get("form") == "json"
                if in_json and not isinstance(error, BrokenPipeError | OutputFailed):
                    own.console.result_json(as_json(error))
                raise

        settings = {"help_option_names": ["-h", "--help"]}
        make: Callable[[Callable[..., Any]], click.Command]
        make = click.command(name=name, context_settings=settings, **keywords)
        return make(global_options(call))

    return decorate


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="ctl")
@global_options
def cli() -> None:
    """Run a container registry behind NGINX with TLS from one settings file."""
