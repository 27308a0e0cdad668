"""`ctl token`: deploy tokens, accounts of machines with one right and an end."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import click

from ctl.cli.accounts import (
    account_file,
    explain_grant,
    parse_grant,
    plain_grants,
    print_rows,
    print_secret,
    token_names,
)
from ctl.cli.framework import Context, command, global_options

if TYPE_CHECKING:
    from ctl.auth.accounts import DeployToken

NEVER = "never"


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@global_options
def token() -> None:
    """Manage deploy tokens, for pipelines and servers. Each has a random secret, one right and an end."""


@command()
@click.argument("name")
@click.argument("pattern")
@click.argument("actions")
@click.option(
    "--expires",
    default="30d",
    show_default=True,
    metavar="DURATION",
    help="As 12h, 30d, up to 365d, or never.",
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def create(ctx: Context, *, name: str, pattern: str, actions: str, expires: str, as_json: bool) -> None:
    """Make a deploy token for ACTIONS on the repositories of PATTERN. Its secret is printed this once.

    NAME is the user name to log in with, the secret is the password. PATTERN and ACTIONS are those of
    `ctl user grant`. The accounts file has only a hash of the secret.
    """
    from ctl.auth import edit
    from ctl.auth.accounts import DeployToken
    from ctl.auth.passwords import digest, new_secret

    file, granted, now, secret = (
        account_file(ctx),
        parse_grant(pattern, actions),
        int(time.time()),
        new_secret(),
    )
    new = DeployToken(name, digest(secret), granted, now, _end(expires, now))
    file.change(lambda accounts: edit.add_token(accounts, new, now))
    explain_grant(ctx, granted)
    if as_json:
        ctx.console.result_json({**_described(new, now), "secret": secret})
        return
    ctx.console.note(f"deploy token {name}: {','.join(granted.actions)} on {pattern}, {_when(new, now)}")
    print_secret(ctx, secret, f"the password of {name}")


def _end(expires: str, now: int) -> int | None:
    from ctl.errors import UsageFault
    from ctl.registry.token import parse_lifetime

    if expires.strip().isdecimal():
        raise UsageFault(f"--expires {expires} has no unit", hint="Write it as 12h or 30d, or never.")
    return None if expires.strip().lower() == NEVER else now + int(parse_lifetime(expires).total_seconds())


@command(name="list")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def list_(ctx: Context, *, as_json: bool) -> None:
    """List deploy tokens with their right and end. Those that have ended are listed, too."""
    now = int(time.time())
    tokens = [one for _, one in sorted(account_file(ctx, changing=False).read().tokens.items())]
    if as_json:
        ctx.console.result_json({"tokens": [_described(one, now) for one in tokens]})
        return
    rows = [(one.name, ",".join(one.grant.actions), one.grant.pattern, _when(one, now)) for one in tokens]
    print_rows(ctx, rows, "there are no deploy tokens yet: ctl token create NAME PATTERN ACTIONS")


@command()
@click.argument("name", shell_complete=token_names)
def revoke(ctx: Context, *, name: str) -> None:
    """End a deploy token now. What it was given already holds for minutes."""
    from ctl.auth import edit

    account_file(ctx).change(lambda accounts: edit.remove_token(accounts, name))
    ctx.console.say(f"deploy token {name} revoked")


def _when(one: DeployToken, now: int) -> str:
    if one.expires is None:
        return "never ends"
    end = f"{datetime.fromtimestamp(one.expires, UTC):%Y-%m-%d %H:%M} UTC"
    return f"ended {end}" if one.ended(now) else f"ends {end}"


def _described(one: DeployToken, now: int) -> dict[str, object]:
    return {
        "name": one.name,
        "grant": plain_grants([one.grant])[0],
        "created": _time(one.created),
        "expires": None if one.expires is None else _time(one.expires),
        "ended": one.ended(now),
    }


def _time(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat()


for _one in (create, list_, revoke):
    token.add_command(_one)
