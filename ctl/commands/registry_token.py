"""`ctl registry-token`: a token that the registry accepts, for diagnosis and for scripts."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import click

from ctl.cli.framework import Context, command

if TYPE_CHECKING:
    from collections.abc import Callable

    from cryptography.hazmat.primitives.asymmetric.types import PublicKeyTypes

    from ctl.settings.attributes import Attributes


@command(name="registry-token")
@click.option("--repository", "repositories", multiple=True, metavar="NAME", help="As grp/app; repeatable.")
@click.option("--actions", default="pull", show_default=True, help="Of pull, push, delete, *; as pull,push.")
@click.option("--catalog", is_flag=True, help="Also list all repositories (GET /v2/_catalog).")
@click.option("--expires", default="5m", show_default=True, metavar="DURATION", help="As 90s, 5m, 1h30m.")
@click.option("--subject", default="ctl", show_default=True, metavar="NAME", help="Account in the log.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON: what GitLab's token service would answer.")
def registry_token(
    ctx: Context,
    *,
    repositories: tuple[str, ...],
    actions: str,
    catalog: bool,
    expires: str,
    subject: str,
    as_json: bool,
) -> None:
    """Print a token for repositories. It is signed with the registry's key.

    Whoever has the token has the access, until it ends.
    """
    from ctl.errors import UsageFault
    from ctl.registry import token
    from ctl.settings.load import load

    names = [token.parse_repository(name) for name in repositories]
    access = token.repository_access(names, token.parse_actions(actions))
    if catalog:
        access.append(dict(token.CATALOG))
    if not access:
        raise UsageFault("a token for nothing", hint="Give --repository NAME, or --catalog.")
    lifetime = token.parse_lifetime(expires)
    attributes = load(ctx.settings_file, ctx.layout).attributes
    signed = token.issue(
        _key(attributes),
        issuer=attributes.gitlab_rails.registry_issuer,
        subject=subject,
        access=access,
        lifetime=lifetime,
        name_key=_naming(attributes),
    )
    if as_json:
        issued = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
        seconds = int(lifetime.total_seconds())
        ctx.console.result_json({"token": signed, "expires_in": seconds, "issued_at": issued})
    else:
        ctx.console.result(signed)


def _key(attributes: Attributes) -> str:
    """The registry's key, if the registry knows its certificate already."""
    from ctl.errors import CtlError
    from ctl.settings.attributes import OriginKind

    if attributes.origin("registry.internal_key").kind is OriginKind.GENERATED:
        raise CtlError("the registry has no key yet", hint="`ctl reconfigure` makes one.")
    key = attributes.registry.internal_key or attributes.gitlab_rails.internal_key
    if not key:
        raise CtlError(
            "this node has only the registry's certificate: GitLab has the key that signs tokens",
            hint="Run the command there.",
        )
    return str(key)


def _naming(attributes: Attributes) -> Callable[[PublicKeyTypes], str]:
    """How the registry of this machine names keys; as GitLab does where there is none."""
    from ctl.machine.search import find_program
    from ctl.registry.programs import program_at
    from ctl.registry.token import key_id
    from ctl.settings.components.registry import names_of

    found = find_program(*names_of(attributes.registry.executable))
    return program_at(found).name_key if found else key_id
