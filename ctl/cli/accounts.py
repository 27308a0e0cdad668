"""What the commands of accounts share: the file they change, passwords as people give them, and names to complete."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import click

from ctl.cli.framework import Context, context
from ctl.errors import CtlError, UsageFault
from ctl.output import Style
from ctl.settings.components.registry_auth import ISSUER

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

    from ctl.auth.account_names import Kind
    from ctl.auth.accounts import Accounts, Grant
    from ctl.settings.attributes import Attributes

F = TypeVar("F", bound=Callable[..., object])
_LONGEST = 4096
"""Characters that are read of a password before it is refused as too long."""


@dataclass(frozen=True)
class AccountFile:
    """The accounts of a root, with what a command says of them.

    Args:
        ctx: of the command.
        path: the file.
        group: of the issuer's account.
    """

    ctx: Context
    path: Path
    group: str

    def read(self) -> Accounts:
        """The accounts as they are."""
        from ctl.auth import store

        return store.read(self.path)

    def change(self, function: Callable[[Accounts], Accounts]) -> Accounts:
        """Change them; see ctl.auth.store.change."""
        from ctl.auth import store

        return store.change(self.path, self.ctx.layout, function, group=self.group)


def account_file(ctx: Context, *, changing: bool = True) -> AccountFile:
    """The accounts file of the settings; a note where nothing reads it.

    Who changes it undoes an interrupted run first, as that may have written other settings.
    """
    from ctl.cli.loading import load_for_command
    from ctl.cli.recovery import recover_first

    if changing:
        recover_first(ctx)

    attributes = load_for_command(ctx, use_secrets=False).attributes
    issuer = attributes.registry_auth
    if not issuer.enable:
        word = ctx.console.paint("note", Style.PLACE, err=True)
        ctx.console.note(
            f"{word}: nobody can use these accounts: {why_unused(attributes)}\n"
            '    registry_auth["enable"] in the settings file switches the token issuer on, which uses them (ctl '
            "settings describe registry_auth.enable)"
        )
    return AccountFile(ctx, Path(issuer.accounts_file), issuer.group)


def why_unused(attributes: Attributes) -> str:
    """Who issues tokens while the issuer of this machine, which uses the accounts, is off."""
    if not attributes.registry.enable:
        return "no registry is enabled on this machine"
    realm, own = attributes.registry.token_realm, attributes.registry_external_url
    if realm is None or (realm == own and attributes.external_url != own):
        return "the token issuer is off, and the settings name no other"
    gitlab = "GitLab at " if realm == attributes.external_url else ""
    return f"{gitlab}{realm} issues the tokens here"


def warn_of_accounts(ctx: Context, attributes: Attributes, stopped: Sequence[str]) -> None:
    """Warn of accounts that let nobody in any more: the issuer has just been stopped, or cannot read them.

    Args:
        stopped: the services that a run has stopped.
    """

    if attributes.registry_auth.enable and (broken := broken_accounts(attributes)):
        ctx.console.note(f"{ctx.console.paint('warning', Style.WARN, err=True)}: {broken}")
    if ISSUER.name in stopped and (unused := accounts_without_use(attributes)):
        ctx.console.note(f"{ctx.console.paint('note', Style.PLACE, err=True)}: {unused}")


def broken_accounts(attributes: Attributes) -> str | None:
    """What is wrong with the accounts that the issuer reads; None where nothing is."""
    from ctl.auth import store

    try:
        store.read(Path(attributes.registry_auth.accounts_file))
    except CtlError as error:
        rest = "The token issuer goes on with the accounts that it had; started anew, it lets nobody in."
        return "\n    ".join([error.message, rest, *([error.hint] if error.hint else [])])
    return None


def accounts_without_use(attributes: Attributes) -> str | None:
    """What to say when the issuer is switched off, of accounts with which people got in until now.

    Returns:
        A sentence or two; None where there are no accounts.
    """
    from ctl.auth import store

    file = Path(attributes.registry_auth.accounts_file)
    try:
        accounts = store.read(file)
    except CtlError:
        return f"the accounts in {file} let nobody in any more: {why_unused(attributes)}"
    if not accounts.users and not accounts.tokens:
        return None
    what = f"users ({len(accounts.users)}) and deploy tokens ({len(accounts.tokens)})"
    return f"{what} of {file} let nobody in any more: {why_unused(attributes)}. They are kept."


def password_options(function: F) -> F:
    """Options of the commands that set a password."""
    for option in (
        click.option("--random-password", "random", is_flag=True, help="Make one, and print it this once."),
        click.option("--password-stdin", "stdin", is_flag=True, help="Read it from standard input."),
    ):
        function = option(function)
    return function


def new_password(ctx: Context, name: str, *, random: bool, stdin: bool) -> str:
    """The password of an account: made, or asked for twice on a terminal, or read from standard input.

    Raises:
        UsageFault: it is refused, or both ways are asked for.
    """
    from ctl.auth.passwords import random_password, refuse_weak

    if random and stdin:
        raise UsageFault("a password is either read or made: give one of --password-stdin, --random-password")
    if random:
        return random_password()
    password = _asked(name) if sys.stdin.isatty() else _read()
    refuse_weak(password, name=name)
    return password


def _asked(name: str) -> str:
    first = click.prompt(f"Password of {name}", hide_input=True, default="", show_default=False, err=True)
    again = click.prompt("Again", hide_input=True, default="", show_default=False, err=True)
    if first != again:
        raise UsageFault("the two passwords differ; nothing was changed")
    return str(first)


def _read() -> str:
    try:
        text = sys.stdin.read(_LONGEST)
    except UnicodeDecodeError:
        raise UsageFault("the password on standard input is not UTF-8 text") from None
    return text.removesuffix("\n").removesuffix("\r")


def print_secret(ctx: Context, secret: str, what: str) -> None:
    """Print a secret that nobody can look up again, alone on standard output."""
    ctx.console.note(f"{what}, shown only this once:")
    ctx.console.result(secret)


def parse_grant(pattern: str, actions: str) -> Grant:
    """A grant as the command line gives it. Raises UsageFault."""
    from ctl.auth.account_names import ordered
    from ctl.auth.accounts import Grant
    from ctl.auth.edit import check_grant
    from ctl.auth.patterns import parse_pattern
    from ctl.registry.token import parse_actions

    grant = Grant(parse_pattern(pattern), ordered(parse_actions(actions)))
    check_grant(grant)
    return grant


def explain_grant(ctx: Context, grant: Grant) -> None:
    """Print what surprises."""
    if grant.pattern == "*":
        ctx.console.note("note: * matches names without a slash; ** is every repository")
    if grant.actions[0] != "*" and "push" in grant.actions and "pull" not in grant.actions:
        ctx.console.note("note: docker, podman and skopeo push only where they may pull, too: pull,push")


def change_grant(ctx: Context, kind: Kind, name: str, pattern: str, actions: str) -> None:
    """Grant actions on a pattern to a user or group."""
    from ctl.auth import edit

    file, new = account_file(ctx), parse_grant(pattern, actions)
    explain_grant(ctx, new)
    after = file.change(lambda accounts: edit.grant(accounts, kind, name, new))
    now = next(one for one in edit.grants_of(after, kind, name) if one.pattern == pattern)
    ctx.console.say(f"{name}: {','.join(now.actions)} on {pattern}")


def change_revoke(ctx: Context, kind: Kind, name: str, pattern: str, actions: str | None) -> None:
    """Take actions on a pattern from a user or group, and print the rest."""
    from ctl.auth import edit
    from ctl.auth.account_names import ANONYMOUS, Kind
    from ctl.registry.token import parse_actions

    file, taken = account_file(ctx), parse_actions(actions or "*")
    after = file.change(lambda accounts: edit.revoke(accounts, kind, name, pattern, taken))
    now = [one for one in edit.grants_of(after, kind, name) if one.pattern == pattern]
    ctx.console.say(f"{name}: {','.join(now[0].actions) if now else 'nothing'} on {pattern}")
    if kind is Kind.USER and name != ANONYMOUS:
        for still, other, through in edit.remaining(after, name, pattern, taken):
            how = f", through {through}" if through else ""
            ctx.console.note(f"note: {name} still has {','.join(still)} by the pattern {other}{how}")


def print_rows(ctx: Context, rows: Iterable[tuple[str, ...]], nothing: str) -> None:
    """Print rows with aligned columns."""
    lines = list(rows)
    if not lines:
        ctx.console.note(nothing)
        return
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    for line in lines:
        cells = (f"{cell:{width}}" for cell, width in zip(line, widths, strict=True))
        ctx.console.result("  ".join(cells).rstrip())


def plain_grants(grants: Iterable[Grant]) -> list[dict[str, object]]:
    """Grants for JSON."""
    return [{"pattern": one.pattern, "actions": list(one.actions)} for one in grants]


def _completion(
    names: Callable[[Accounts], Iterable[str]],
) -> Callable[[click.Context, click.Parameter, str], list[CompletionItem]]:
    def complete(ctx: click.Context, _param: click.Parameter, incomplete: str) -> list[CompletionItem]:
        from click.shell_completion import CompletionItem

        from ctl.auth import store
        from ctl.settings.load import load

        own = context(ctx)
        try:
            issuer = load(own.settings_file, own.layout, use_secrets=False).attributes.registry_auth
            accounts = store.read(Path(issuer.accounts_file))
        except CtlError:
            return []  # settings or accounts that this user may not read, or that are wrong: the command says so
        return [CompletionItem(name) for name in sorted(names(accounts)) if name.startswith(incomplete)]

    return complete


user_names = _completion(lambda accounts: accounts.users)
grantee_names = _completion(lambda accounts: [*accounts.users, "anonymous"])
group_names = _completion(lambda accounts: accounts.groups)
token_names = _completion(lambda accounts: accounts.tokens)
