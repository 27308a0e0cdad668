"""`ctl group`: rights that several accounts share."""

from __future__ import annotations

import click

from ctl.cli.accounts import (
    account_file,
    change_grant,
    change_revoke,
    group_names,
    plain_grants,
    print_rows,
    user_names,
)
from ctl.cli.framework import Context, command, global_options


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@global_options
def group() -> None:
    """Manage groups, whose members share its rights."""


@command()
@click.argument("name")
def add(ctx: Context, *, name: str) -> None:
    """Add a group."""
    from ctl.auth import edit

    account_file(ctx).change(lambda accounts: edit.add_group(accounts, name))
    ctx.console.say(f"group {name} added")


@command()
@click.argument("name", shell_complete=group_names)
def remove(ctx: Context, *, name: str) -> None:
    """Remove a group. Its members stay as accounts, and lose what it granted."""
    from ctl.auth import edit

    account_file(ctx).change(lambda accounts: edit.remove_group(accounts, name))
    ctx.console.say(f"group {name} removed")


@command(name="list")
@click.argument("name", required=False, shell_complete=group_names)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def list_(ctx: Context, *, name: str | None, as_json: bool) -> None:
    """List groups, all or NAME, with their grants and members."""
    from ctl.auth import edit
    from ctl.auth.account_names import Kind

    accounts = account_file(ctx, changing=False).read()
    if name:
        edit.find(accounts.groups, name, Kind.GROUP)
    groups = [one for key, one in sorted(accounts.groups.items()) if name in (None, key)]
    members = {one.name: edit.members(accounts, one.name) for one in groups}
    if as_json:
        ctx.console.result_json(
            {
                "groups": [
                    {"name": one.name, "grants": plain_grants(one.grants), "members": members[one.name]}
                    for one in groups
                ]
            }
        )
        return
    rows = []
    for one in groups:
        grants = [(",".join(each.actions), each.pattern) for each in one.grants] or [("-", "-")]
        who = ", ".join(members[one.name]) or "no members"
        rows += [(one.name, *each, "" if at else who) for at, each in enumerate(grants)]
    print_rows(ctx, rows, "there are no groups yet: ctl group add NAME")


@command()
@click.argument("name", shell_complete=group_names)
@click.argument("users", nargs=-1, required=True, metavar="USER...", shell_complete=user_names)
def join(ctx: Context, *, name: str, users: tuple[str, ...]) -> None:
    """Put users into the group NAME."""
    from ctl.auth import edit

    after = account_file(ctx).change(lambda accounts: edit.join(accounts, name, users))
    ctx.console.say(f"{name}: {', '.join(edit.members(after, name))}")


@command()
@click.argument("name", shell_complete=group_names)
@click.argument("users", nargs=-1, required=True, metavar="USER...", shell_complete=user_names)
def leave(ctx: Context, *, name: str, users: tuple[str, ...]) -> None:
    """Take users out of the group NAME."""
    from ctl.auth import edit

    after = account_file(ctx).change(lambda accounts: edit.leave(accounts, name, users))
    ctx.console.say(f"{name}: {', '.join(edit.members(after, name)) or 'no members'}")


@command()
@click.argument("name", shell_complete=group_names)
@click.argument("pattern")
@click.argument("actions")
def grant(ctx: Context, *, name: str, pattern: str, actions: str) -> None:
    """Grant ACTIONS on the repositories of PATTERN to a group. Both are as in `ctl user grant`."""
    from ctl.auth.account_names import Kind

    change_grant(ctx, Kind.GROUP, name, pattern, actions)


@command()
@click.argument("name", shell_complete=group_names)
@click.argument("pattern")
@click.argument("actions", required=False)
def revoke(ctx: Context, *, name: str, pattern: str, actions: str | None) -> None:
    """Take back what was granted on PATTERN: ACTIONS, or all."""
    from ctl.auth.account_names import Kind

    change_revoke(ctx, Kind.GROUP, name, pattern, actions)


for _one in (add, remove, list_, join, leave, grant, revoke):
    group.add_command(_one)
