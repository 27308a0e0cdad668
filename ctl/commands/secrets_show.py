"""`ctl secrets show`: which secrets this node has, and where they are from."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import click

from ctl.cli.framework import Context, command
from ctl.errors import CtlError

if TYPE_CHECKING:
    from ctl.settings.load import Loaded

STARS = "********"
NAMES = ("registry.http_secret", "registry.internal_key", "registry.internal_certificate")


@command()
@click.option("--show-secrets", is_flag=True, help="Print the values too.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def show(ctx: Context, *, show_secrets: bool, as_json: bool) -> None:
    """List the secrets of this node with their sources. Values are starred.

    The key is named as the registry's log names it ("token signed by untrusted key with ID").
    """
    from ctl.cli.loading import load_for_command
    from ctl.node.overlap import read_record

    loaded = load_for_command(ctx)
    found = [described(loaded, name, show=show_secrets) for name in NAMES]
    former = [
        {"key_id": key_id(one.certificate), "accepted_until": one.until}
        for one in read_record(ctx.layout).former
    ]
    waiting = loaded.secrets.stored("next_internal_certificate")
    if as_json:
        next_id = key_id(waiting) if waiting else None
        ctx.console.result_json({"secrets": found, "former": former, "next": next_id})
        return
    for row in found:
        more = f", key {row['key_id']}" if row.get("key_id") else ""
        ctx.console.result(f"{row['name']}: {row['value'] or 'none'} ({row['source']}{more})")
    for old in former:
        until = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(old["accepted_until"]))  # type: ignore[arg-type]
        ctx.console.result(f"former key {old['key_id']}: accepted until {until}")

    if waiting:
        ctx.console.result(
            f"next key {key_id(waiting)}: waits for the registry's node (`ctl secrets rotate` goes on)"
        )


def described(loaded: Loaded, name: str, *, show: bool) -> dict[str, str]:
    """One secret as text by name."""
    from ctl.settings.attributes import OriginKind

    origin = loaded.attributes.origin(name)
    if origin.kind is OriginKind.GENERATED:
        return {"name": name, "value": "", "source": "made by the next ctl reconfigure"}
    value = str(loaded.attributes.registry[name.partition(".")[2]] or "")
    source = str(loaded.secrets.path if origin.kind is OriginKind.SECRETS else origin)
    found = {"name": name, "value": value if show or not value else STARS, "source": source}
    if name == "registry.internal_certificate" and value:
        found["key_id"] = key_id(value)
    return found


def key_id(certificate: str) -> str:
    """The name of the first certificate's key."""
    from cryptography.x509 import load_pem_x509_certificates

    from ctl.registry.token import key_id as name_of

    try:
        return name_of(load_pem_x509_certificates(certificate.encode())[0].public_key())
    except ValueError as error:
        raise CtlError(f"a certificate of the registry cannot be read: {error}") from error
