"""`ctl registry-check-storage`: what the registry may do in its storage."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from ctl.cli.framework import FILE, Context, command
from ctl.errors import EXIT_FAILED, EXIT_OK
from ctl.output import Style

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ctl.registry.collect.collector import Setup
    from ctl.registry.storage_check import Check
    from ctl.storage.store import Store


@command(name="registry-check-storage")
@click.argument("config", required=False, type=FILE)
@click.option("--config", "named", type=FILE, metavar="FILE", help="The same as CONFIG.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def registry_check_storage(ctx: Context, *, config: Path | None, named: Path | None, as_json: bool) -> int:
    """Try all that the registry does in its storage. Each permission that is missing is named.

    CONFIG is the registry's config.yml [default: the service's own]. A probe is written, read, listed, copied and
    deleted with the registry's account and credentials; in object storage, the registry program itself begins,
    continues and abandons an upload. Nothing is left behind. Exit status 1 where something lacks.
    """
    from ctl.cli.registry_setup import registry_setup
    from ctl.registry.store import store_of

    setup = registry_setup(ctx, named or config)
    store, account = store_of(setup), _account(setup)
    if not as_json:
        ctx.console.say(f"storage {store.name} ({store.driver}), as user {account}")
    found = []
    for check in _checks(setup, store, account):
        found.append(check)
        if not as_json:
            _print(ctx, check)
    if as_json:
        checks = [check.as_json() for check in found]
        report = {"storage": store.name, "driver": store.driver, "account": account, "checks": checks}
        ctx.console.result_json(report)
    return EXIT_FAILED if any(check.ok is False for check in found) else EXIT_OK


def _checks(setup: Setup, store: Store, account: str) -> Iterator[Check]:
    from ctl.registry.collect.acting import ActingAs
    from ctl.registry.storage_check import check_storage, folders_without_rights
    from ctl.registry.upload_probe import check_uploads

    with ActingAs(setup.account):
        found = list(check_storage(store, account))
        if setup.storage is not None:
            found += folders_without_rights(setup.storage, account)
    yield from found
    if setup.storage is None and all(check.ok for check in found):
        yield from check_uploads(setup, store, account)


def _account(setup: Setup) -> str:
    import os
    import pwd

    uid = setup.account.uid if setup.account else os.geteuid()
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return str(uid)


def _print(ctx: Context, check: Check) -> None:
    if check.ok:
        ctx.console.say(f"ok: {check.operation}")
    elif check.ok is None:
        ctx.console.say(f"not tried: {check.operation}: {check.reason}")
    else:
        lacks = f"{check.permission} lacks: " if check.permission else ""
        word = ctx.console.paint("failed", Style.BAD)
        remedy = f"; {check.remedy}" if check.remedy else ""
        ctx.console.say(f"{word}: {check.operation}: {lacks}{check.reason}{remedy}")
