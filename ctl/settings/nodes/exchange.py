"""What one of two nodes must have of the other: written as settings, and kept with the secrets."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import urlsplit

from ctl.errors import CtlError, UsageFault
from ctl.language.source import Diagnostic, Severity
from ctl.settings.attributes import Attributes, OriginKind
from ctl.settings.editing.values import source_of
from ctl.settings.listener import is_loopback
from ctl.settings.nodes.peer import CERTIFICATE, ISSUER, KEY, Side, compare, known, side
from ctl.settings.secrets.secrets_file import Secrets
from ctl.settings.secrets.token_pair import UnusableKey, matches

HTTP_SECRET = "registry.http_secret"  # noqa: S105 - a name
_WILDCARDS = ("", "0.0.0.0", "::")  # noqa: S104 - compared with
_CERTIFICATE = re.compile(r"(?s)-----BEGIN CERTIFICATE-----.*?-----END CERTIFICATE-----\n?")
_NOT_YET = "`ctl reconfigure` or `ctl generate-secrets` makes it."


def export(attributes: Attributes, whom: Side, *, with_http_secret: bool = False, coming: str = "") -> str:
    """A settings file with what the other node needs of this one.

    Args:
        attributes: of this node, with its secrets.
        whom: the kind of the other node.
        with_http_secret: also what registries behind one load balancer share.
        coming: the certificate of a key with which this node will sign once the registry accepts it.

    Raises:
        CtlError: this node has not what the other needs.
    """
    values = _for_gitlab(attributes) if whom is Side.GITLAB else _for_registry(attributes, coming)
    if with_http_secret:
        values['registry["http_secret"]'] = _needed(attributes, HTTP_SECRET)
    lines = [f"{name} = {source_of(value)}" for name, value in values.items() if value is not None]
    return "\n".join([_HEADER.format(whom=whom.value), *lines, ""])


_HEADER = """\
# What the {whom} node needs of the other one, from `ctl secrets export --for {whom}`. It holds secrets or is
# trusted with them: keep it to root. There, put this file in the settings with from_file("/path/of/this/file");
# or keep the secrets with `ctl secrets import FILE` and copy the other lines.
"""


def _for_gitlab(attributes: Attributes) -> dict[str, Any]:
    rails = attributes.gitlab_rails
    return {
        'gitlab_rails["registry_enabled"]': True,
        'gitlab_rails["registry_host"]': rails.registry_host,
        'gitlab_rails["registry_port"]': rails.registry_port,
        'gitlab_rails["registry_api_url"]': api_url(attributes),
        'gitlab_rails["registry_issuer"]': rails.registry_issuer,
        'gitlab_rails["internal_key"]': _needed(attributes, KEY),
    }


def _for_registry(attributes: Attributes, coming: str) -> dict[str, Any]:
    return {
        'registry["token_realm"]': attributes.registry.token_realm or attributes.external_url,
        'gitlab_rails["registry_issuer"]': attributes.gitlab_rails.registry_issuer,
        'registry["internal_certificate"]': coming + _needed(attributes, CERTIFICATE),
    }


def _needed(attributes: Attributes, name: str) -> str:
    found = known(attributes, name)
    if found:
        return str(found)
    if attributes.origin(name).kind is OriginKind.GENERATED:
        raise CtlError(f"{name} is not made yet", hint=_NOT_YET)
    raise CtlError(f"this node has no {name}", hint="Run the command on the node that has it.")


def api_url(attributes: Attributes) -> str | None:
    """How another node reaches the registry of this one, as far as the settings show it; else None."""
    given = attributes.origin("gitlab_rails.registry_api_url").kind is OriginKind.FILE
    if given or not attributes.registry.enable:
        return str(attributes.gitlab_rails.registry_api_url) if given else None
    public: str | None = attributes.registry_external_url
    listens = urlsplit(f"//{attributes.registry.registry_http_addr}")
    host = listens.hostname or ""
    if is_loopback(host):
        return public
    if host not in _WILDCARDS:
        return f"http://{listens.netloc}"
    seen = attributes.gitlab_rails.registry_host
    return f"http://{seen}:{listens.port}" if seen else None


@dataclass(frozen=True)
class Import:
    """What an import comes to.

    Args:
        content: of the secrets file; None where nothing is new.
        names: the secrets that are new.
        dropped: those of this node that no longer belong to anything.
        former: certificates that must be accepted for some more time beside the new one, PEM.
        remarks: where the other settings of the file differ from this node's.
    """

    content: bytes | None
    names: tuple[str, ...]
    dropped: tuple[str, ...]
    former: tuple[str, ...]
    remarks: tuple[Diagnostic, ...]


def plan_import(own: Attributes, offered: Attributes, secrets: Secrets, *, replace_kept: bool) -> Import:
    """What the secrets file must hold after an import.

    Args:
        own: of this node, without its secrets file.
        offered: of the file to import.
        secrets: of this node.
        replace_kept: whether a secret that is there may give way to another.

    Raises:
        UsageFault: the file has not what this node needs, or the node has something else already.
    """
    wanted = _wanted(own)
    offers = {name: found for name in wanted if (found := known(offered, name))}
    needed = [name for name in wanted if name != HTTP_SECRET]
    missing = [name for name in needed if name not in offers]
    if missing:
        kind = side(own)
        both = f"this node has GitLab and the registry: put the other node's {secrets.path.name} in {secrets.path}"
        raise UsageFault(
            f"the file has no {' and no '.join(missing)}, which this node needs",
            hint=f"On the other node: ctl secrets export --for {kind.value}"
            if kind
            else f"No export will do: {both}.",
        )
    offers, former = _first_alone(offers)
    for name in offers:
        _refuse_given(own, name)
    kept = {name: secrets.stored(name.partition(".")[2]) for name in (KEY, CERTIFICATE, HTTP_SECRET)}
    new = {name: value for name, value in offers.items() if kept[name] != value}
    dropped = _orphans(kept, new)
    differing = [name for name in new if kept[name]] + dropped
    if differing and not replace_kept:
        raise UsageFault(
            f"{secrets.path}: holds another {' and '.join(sorted(set(differing)))}",
            hint="With --replace the imported one takes its place; the other node must then be the only one to sign.",
        )
    _refuse_mismatch({**kept, **new}, dropped)
    remarks = tuple(
        replace(one, severity=Severity.WARNING) for one in compare(own, offered) if _of_settings(one)
    )
    content = secrets.with_registry({**new, **dict.fromkeys(dropped)}) if new else None
    return Import(content, tuple(new), tuple(dropped), former, remarks)


def _first_alone(offers: dict[str, Any]) -> tuple[dict[str, Any], tuple[str, ...]]:
    """A bundle of certificates is of a rotation under way: the first is the new one, the others are the former."""
    if CERTIFICATE not in offers:
        return offers, ()
    first, *others = _CERTIFICATE.findall(offers[CERTIFICATE]) or [offers[CERTIFICATE]]
    return offers | {CERTIFICATE: first if others else offers[CERTIFICATE]}, tuple(others)


def _wanted(own: Attributes) -> list[str]:
    registry = own.registry.enable
    gitlab = own.gitlab_rails.enable and own.gitlab_rails.registry_enabled
    if not registry and not gitlab:
        raise UsageFault(
            "this node has neither a registry nor a GitLab that uses one: it needs no secrets of another",
            hint='Set registry_external_url, or external_url and gitlab_rails["registry_enabled"] = True, first.',
        )
    return ([KEY] if gitlab else []) + ([CERTIFICATE, HTTP_SECRET] if registry else [])


def _refuse_given(own: Attributes, name: str) -> None:
    for one in (name, "gitlab_rails.internal_key") if name == KEY else (name,):
        origin = own.origin(one)
        if origin.kind is OriginKind.FILE:
            raise UsageFault(
                f"{origin}: {one} is given in the settings, which win: it would not be imported",
                hint="Remove it there, or leave out the import.",
            )


def _orphans(kept: dict[str, str | None], new: dict[str, str]) -> list[str]:
    """The kept half of another pair."""
    for half, other in ((KEY, CERTIFICATE), (CERTIFICATE, KEY)):
        kept_half = kept[half]
        if other in new and half not in new and kept_half:
            pair = (kept_half, new[other]) if half == KEY else (new[other], kept_half)
            if not _belong(*pair):
                return [half]
    return []


def _refuse_mismatch(after: dict[str, str | None], dropped: list[str]) -> None:
    key, certificate = after[KEY], after[CERTIFICATE]
    if key and certificate and not dropped and not _belong(key, certificate):
        raise UsageFault("the key and the certificate do not belong together: nothing was imported")


def _belong(key: str, certificate: str) -> bool:
    try:
        return matches(key, certificate)
    except UnusableKey as error:
        raise UsageFault(f"the key and the certificate cannot be compared: one of them {error}") from None


def _of_settings(one: Diagnostic) -> bool:
    return one.setting not in (KEY, CERTIFICATE, HTTP_SECRET) and (
        one.setting == ISSUER or one.severity is Severity.ERROR
    )
