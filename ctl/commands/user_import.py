"""`ctl user import-htpasswd`: the accounts of a registry that had an htpasswd file."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from ctl.cli.accounts import account_file, group_names
from ctl.cli.framework import FILE, Context, command

if TYPE_CHECKING:
    from ctl.auth.accounts import Accounts


@command(name="import-htpasswd")
@click.argument("file", type=FILE)
@click.option(
    "--group",
    "groups",
    multiple=True,
    metavar="GROUP",
    shell_complete=group_names,
    help="Put them into GROUP.",
)
@click.option("--replace", is_flag=True, help="Take over the passwords of accounts that exist, too.")
def import_htpasswd(ctx: Context, *, file: Path, groups: tuple[str, ...], replace: bool) -> None:
    """Add the accounts of an htpasswd FILE with their passwords. Only bcrypt is read, as by registries.

    An htpasswd file says nothing of rights: grant them something, or name a --group that has some.
    """
    from ctl.auth import htpasswd

    hashes = htpasswd.read(file)
    target = account_file(ctx)
    before = target.read()
    target.change(lambda accounts: _imported(accounts, hashes, groups, replace=replace))
    old = len(hashes.keys() & before.users.keys())
    ctx.console.say(f"{len(hashes) - old} accounts added, {old} given the password of {file}")
    if len(hashes) > old and not groups:
        ctx.console.note("the new ones may do nothing yet: ctl user grant NAME PATTERN ACTIONS")


def _imported(
    accounts: Accounts, hashes: dict[str, str], groups: tuple[str, ...], *, replace: bool
) -> Accounts:
    from ctl.auth import edit
    from ctl.auth.accounts import User
    from ctl.errors import UsageFault

    known = [name for name in hashes if name in accounts.users]
    if known and not replace:
        raise UsageFault(
            f"there are users of these names already: {', '.join(known[:10])}{', …' if len(known) > 10 else ''}",
            hint="Nothing was imported. --replace gives them the passwords of the file; their rights stay.",
        )
    for name, hashed in hashes.items():
        if name in accounts.users:
            accounts = edit.set_password(accounts, name, hashed)
        else:
            accounts = edit.add_user(accounts, User(name, hashed))
    for group in groups:
        accounts = edit.join(accounts, group, hashes)
    return accounts
