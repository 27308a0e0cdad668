"""`ctl user`: accounts that log in to the registry with a password, and what they may do."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import click

from ctl.cli.accounts import (
    account_file,
    change_grant,
    change_revoke,
    grantee_names,
    group_names,
    new_password,
    password_options,
    plain_grants,
    print_rows,
    print_secret,
    user_names,
)
from ctl.cli.framework import Context, command, global_options
from ctl.commands.user_import import import_htpasswd

if TYPE_CHECKING:
    from ctl.auth.accounts import Accounts, User


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@global_options
def user() -> None:
    """Manage accounts of the registry, and their rights.

    They are for the registry's own token issuer; with GitLab, GitLab has them.
    """


@command()
@click.argument("name")
@click.option("--admin", is_flag=True, help="It may do everything, and list all repositories.")
@click.option(
    "--group", "groups", multiple=True, metavar="GROUP", shell_complete=group_names, help="Join; repeatable."
)
@password_options
def add(ctx: Context, *, name: str, admin: bool, groups: tuple[str, ...], random: bool, stdin: bool) -> None:
    """Add an account.

    Its password is asked for on a terminal, or read from standard input; an argument could be seen by every
    user of the machine. It may do nothing until something is granted to it, or to a group of it.
    """
    from ctl.auth import edit
    from ctl.auth.accounts import User
    from ctl.auth.passwords import hash_password

    file = account_file(ctx)
    new = User(name, "", tuple(dict.fromkeys(groups)), admin=admin)
    edit.add_user(file.read(), new)  # refused before anybody thinks of a password
    password = new_password(ctx, name, random=random, stdin=stdin)
    hashed = hash_password(password)
    file.change(lambda accounts: edit.set_password(edit.add_user(accounts, new), name, hashed))
    _print(ctx, f"user {name} added{', an administrator' if admin else ''}", name, password if random else "")


@command()
@click.argument("name", shell_complete=user_names)
@click.option("--lock", is_flag=True, help="No password is right until a new one is set.")
@password_options
def passwd(ctx: Context, *, name: str, lock: bool, random: bool, stdin: bool) -> None:
    """Give an account a new password. The one before ends at once; tokens issued already end in minutes."""
    from ctl.auth import edit
    from ctl.auth.passwords import hash_password
    from ctl.errors import UsageFault

    if lock and (random or stdin):
        raise UsageFault("--lock takes no password")
    file = account_file(ctx)
    edit.user(file.read(), name)
    password = "" if lock else new_password(ctx, name, random=random, stdin=stdin)
    hashed = hash_password(password) if password else ""
    file.change(lambda accounts: edit.set_password(accounts, name, hashed))
    done = f"{name} cannot log in any more" if lock else f"{name} has a new password"
    _print(ctx, done, name, password if random else "")


def _print(ctx: Context, done: str, name: str, made: str) -> None:
    """Print what was done; a password that was made is alone on standard output."""
    if made:
        ctx.console.note(done)
        print_secret(ctx, made, f"the password of {name}")
    else:
        ctx.console.say(done)


@command()
@click.argument("name", shell_complete=user_names)
def remove(ctx: Context, *, name: str) -> None:
    """Remove an account. Tokens issued to it already end in minutes."""
    from ctl.auth import edit

    account_file(ctx).change(lambda accounts: edit.remove_user(accounts, name))
    ctx.console.say(f"user {name} removed")


@command(name="list")
@click.argument("name", required=False, shell_complete=grantee_names)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def list_(ctx: Context, *, name: str | None, as_json: bool) -> None:
    """List accounts, all or NAME. A line for each grant, with what it is granted through."""
    from ctl.auth import edit
    from ctl.auth.account_names import ANONYMOUS

    accounts = account_file(ctx, changing=False).read()
    if name and name != ANONYMOUS:
        edit.user(accounts, name)
    users = [one for key, one in sorted(accounts.users.items()) if name in (None, key)]
    public = accounts.anonymous if name in (None, ANONYMOUS) else ()
    if as_json:
        found = {"users": [_described(one) for one in users], ANONYMOUS: {"grants": plain_grants(public)}}
        ctx.console.result_json(found)
        return
    rows = [row for one in users for row in _columns(accounts, one)]
    rows += [(ANONYMOUS, ",".join(one.actions), one.pattern, "") for one in public]
    print_rows(ctx, rows, "there are no accounts yet: ctl user add NAME")


def _columns(accounts: Accounts, one: User) -> Iterator[tuple[str, ...]]:
    from ctl.auth import edit

    locked = "" if one.password else "cannot log in"
    sources = edit.sources(accounts, one)
    for grant, through in sources:
        why = ", ".join(filter(None, (through, locked)))
        yield one.name, ",".join(grant.actions), grant.pattern, why
    if not sources:
        groups = "".join(f"group {name}, " for name in one.groups)
        yield one.name, "-", "-", f"{groups}{locked or 'nothing granted yet'}"


def _described(one: User) -> dict[str, object]:
    return {
        "name": one.name,
        "admin": one.admin,
        "can_log_in": bool(one.password),
        "groups": list(one.groups),
        "grants": plain_grants(one.grants),
    }


@command()
@click.argument("name", shell_complete=grantee_names)
@click.argument("pattern", required=False)
@click.argument("actions", required=False)
@click.option("--admin", is_flag=True, help="Everything, and to list all repositories.")
def grant(ctx: Context, *, name: str, pattern: str | None, actions: str | None, admin: bool) -> None:
    """Grant ACTIONS on the repositories of PATTERN to an account. That may be `anonymous`: everybody.

    PATTERN is team/app, 'team/*' (one level), 'team/**' (any depth) or '**' (every repository); quote it
    for the shell. registry:catalog is the list of all repositories. ACTIONS are pull, push, delete, or '*',
    parted by commas.
    """
    from ctl.auth.account_names import Kind
    from ctl.errors import UsageFault

    if admin and not pattern:
        _make_admin(ctx, name, admin=True)
    elif admin or not pattern or not actions:
        raise UsageFault(
            "grant what?", hint="Run: ctl user grant NAME PATTERN ACTIONS, or ctl user grant NAME --admin"
        )
    else:
        change_grant(ctx, Kind.USER, name, pattern, actions)


@command()
@click.argument("name", shell_complete=grantee_names)
@click.argument("pattern", required=False)
@click.argument("actions", required=False)
@click.option("--admin", is_flag=True, help="Make it an account like others; what is granted to it stays.")
def revoke(ctx: Context, *, name: str, pattern: str | None, actions: str | None, admin: bool) -> None:
    """Take back what was granted on PATTERN: ACTIONS, or all. Tokens issued already end in minutes."""
    from ctl.auth.account_names import Kind
    from ctl.errors import UsageFault

    if admin and not pattern:
        _make_admin(ctx, name, admin=False)
    elif admin or not pattern:
        raise UsageFault(
            "revoke what?",
            hint="Run: ctl user revoke NAME PATTERN [ACTIONS], or ctl user revoke NAME --admin",
        )
    else:
        change_revoke(ctx, Kind.USER, name, pattern, actions)


def _make_admin(ctx: Context, name: str, *, admin: bool) -> None:
    from ctl.auth import edit

    account_file(ctx).change(lambda accounts: edit.set_admin(accounts, name, admin))
    ctx.console.say(f"{name} is {'an administrator' if admin else 'no administrator'}")


for _one in (add, passwd, remove, list_, grant, revoke, import_htpasswd):
    user.add_command(_one)
