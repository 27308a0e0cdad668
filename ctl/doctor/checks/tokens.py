"""Tokens: whether the running registry accepts those of the node's key, and those that GitLab gives."""

from __future__ import annotations

import base64
import json
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from http import HTTPStatus
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urljoin, urlsplit

from ctl.certificates.installed import installed
from ctl.doctor.check import Check, Finding, failure, ok, unknown, warning
from ctl.doctor.site import SCRATCH, Site
from ctl.doctor.web import Answer, Server, challenge, why
from ctl.errors import USE_SUDO, CtlError
from ctl.registry.token import key_id, thumbprint
from ctl.settings.listener import is_loopback
from ctl.tls.vhost_files import read

ANOTHER_PROGRAM = (
    'GitLab is not there, or its registry is switched off: registry["token_realm"], external_url'
)
REDIRECTS = 5
_REDIRECTED = (301, 302, 303, 307, 308)
LEEWAY = 60
"""Seconds for which registries accept a token before its time and after it."""


def _certificates(site: Site) -> Iterator[Finding]:
    now, found = datetime.now(UTC), installed(site.attributes, site.layout)
    for one in found:
        yield from (failure(text) for text in one.faults(now))
        yield from (warning(text) for text in one.warnings(now))
        if one.denied:
            yield unknown(one.problem, USE_SUDO)
    yield ok(f"{len(found)} certificates")


CERTIFICATES = Check(
    "certificates",
    "each certificate of the node can be read, belongs to its key, and lasts",
    _certificates,
    needs=("settings",),
    remedy="see all of them: ctl certificates; renew: ctl renew-le-certs, or ctl reconfigure",
)


def _token(site: Site) -> Iterator[Finding]:
    """A token without access: the registry judges key, certificate, issuer, audience and dates, and nothing else."""
    server, token = site.direct or site.vhost, None
    if not site.attributes.registry.enable or server is None or not site.realm_url:
        return
    token = site.token([])
    if token is None:
        return  # another machine signs: `--user` asks with one of its tokens
    yield _shown(site, server, token, "the registry accepts a token of this node's key", of_gitlab=False)


def _shown(site: Site, server: Server, token: str, accepted: str, *, of_gitlab: bool) -> Finding:
    """What the registry makes of a token."""
    answer = _present(site, server, token)
    if answer.status == HTTPStatus.OK:
        return ok(accepted)
    if answer.status == HTTPStatus.UNAUTHORIZED:
        return _refused(site, token, of_gitlab=of_gitlab)
    return unknown(f"the registry answers {answer} to a token")


TOKEN = Check(
    "token",
    "the running registry accepts a token that this node's key has signed",
    _token,
    needs=("settings", "programs", "registry"),
    remedy="ctl reconfigure, then: ctl restart registry",
)


def _realm(site: Site) -> Iterator[Finding]:
    server = site.realm
    if server is None or not site.attributes.registry.enable:
        return
    query = {"service": site.setting("service"), "scope": f"repository:{SCRATCH}:pull"}
    try:
        end, answer = _followed(server, _path(site, query))
    except OSError as error:
        yield failure(f"clients get no tokens at {site.realm_url}: {why(error)}")
        return
    url, place = site.realm_url, _without_query(end.url)
    way = url if end is server else f"{url} sends clients on to {place}, which"
    denied = answer.status in (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN)
    if not denied and answer.status != HTTPStatus.OK:
        yield failure(f"{way} answers {answer} to a request for a token", _wrong_realm(answer))
    elif not denied and not _token_in(answer):
        kind = answer.header("Content-Type").partition(";")[0] or "no type"
        yield failure(f"{way} answers {answer} with no token ({kind})", ANOTHER_PROGRAM)
    elif end is not server:
        yield warning(f"{way} answers {answer}", f'name that place: registry["token_realm"] = "{place}"')
    elif urlsplit(url).scheme == "http" and not is_loopback(server.host):
        yield warning(
            f"{url}: clients send their passwords there without TLS", 'registry["token_realm"] with https'
        )
    else:
        yield ok(f"{url} answers {answer}")


def _followed(server: Server, path: str, headers: Mapping[str, str] | None = None) -> tuple[Server, Answer]:
    """The last answer, and who gave it: redirects are followed as Go's clients do, credentials to the same host only.

    Raises:
        OSError: somebody on the way does not answer.
    """
    place = ""
    for _ in range(REDIRECTS):
        try:
            answer = server.ask("GET", path, headers=headers)
        except OSError as error:
            if not place:
                raise
            raise ConnectionError(f"it sends clients on to {place}: {why(error)}") from error
        location = answer.header("Location")
        if answer.status not in _REDIRECTED or not location:
            return server, answer
        here = server.parts._replace(path=path.partition("?")[0], query="").geturl()
        host, server = server.host, server.at(urljoin(here, location))
        path, place = f"{server.parts.path}?{server.parts.query}", _without_query(server.url)
        headers = headers if server.host == host else None
    raise ConnectionError(f"it sends clients on and on, at last to {place}")


def _without_query(url: str) -> str:
    return urlsplit(url)._replace(query="", fragment="").geturl()


def _wrong_realm(answer: Answer) -> str:
    if answer.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return "GitLab is down, in maintenance, or fails: gitlab-ctl status, and its production.log"
    return ANOTHER_PROGRAM


def _path(site: Site, query: Mapping[str, str]) -> str:
    return f"{urlsplit(site.realm_url).path}?{urlencode(query)}"


REALM = Check(
    "realm",
    "whoever issues tokens answers where the registry sends clients",
    _realm,
    needs=("settings", "dns", "nginx", "gitlab-tls"),
    remedy='registry["token_realm"], external_url; and the way from clients to GitLab',
)


def _user(site: Site) -> Iterator[Finding]:
    wishes, realm = site.wishes, site.realm
    if realm is None:
        return
    query = {"service": site.setting("service"), "account": wishes.user}
    credentials = base64.b64encode(f"{wishes.user}:{wishes.password}".encode()).decode()
    try:
        _, answer = _followed(realm, _path(site, query), {"Authorization": f"Basic {credentials}"})
    except OSError as error:
        yield unknown(f"{site.realm_url}: {why(error)}")
        return
    if answer.status != HTTPStatus.OK:
        yield failure(
            f"{site.realm_url} gives user {wishes.user} no token: {answer}",
            "check user and password; with two-factor authentication GitLab wants a personal access token",
        )
        return
    token = _token_in(answer)
    server = site.direct or site.vhost
    if not token or server is None:
        yield failure(f"{site.realm_url} answers {answer}, but with no token")
    else:
        accepted = f"the registry accepts the token that user {wishes.user} gets at {site.realm_url}"
        yield _shown(site, server, token, accepted, of_gitlab=True)


USER = Check(
    "login",
    "the registry accepts the token that a user gets (--user)",
    _user,
    needs=("realm", "registry"),
    arises=lambda site: bool(site.wishes.user),
    remedy="compare both nodes: ctl check-config --peer FILE",
)


def _token_in(answer: Answer) -> str:
    try:
        found = json.loads(answer.body)
        return str(found.get("token") or found.get("access_token") or "")
    except (ValueError, AttributeError):
        return ""


def _present(site: Site, server: Server, token: str) -> Answer:
    return server.ask("GET", f"{site.prefix}/v2/", headers={"Authorization": f"Bearer {token}"})


# --- why a token is refused


@dataclass(frozen=True)
class Refusal:
    """A token that the registry does not accept, beside what it trusts.

    Args:
        header, claims: of the token.
        trusted: the names of the keys whose certificates are in its bundle.
        own: the names of this node's key; empty where it has none.
    """

    header: Mapping[str, Any]
    claims: Mapping[str, Any]
    trusted: frozenset[str]
    own: frozenset[str]


def _refused(site: Site, token: str, *, of_gitlab: bool) -> Finding:
    """Which of the two sides is wrong."""
    try:
        found = _refusal(site, token)
    except (CtlError, ValueError, OSError) as error:
        return failure(f"the registry refuses the token ({error})")
    whose = "GitLab" if of_gitlab else "this node"
    return _dates(found, whose) or _names(site, found, whose) or _keys(site, found, of_gitlab=of_gitlab)


def _refusal(site: Site, token: str) -> Refusal:
    header, claims = (json.loads(_decoded(part)) for part in token.split(".")[:2])
    own = frozenset(_key_names_of_secret(site.key)) if site.key else frozenset()
    return Refusal(header, claims, frozenset(_key_names_of_bundle(site)), own)


def _decoded(part: str) -> bytes:
    return base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))


def _key_names_of_bundle(site: Site) -> Iterator[str]:
    from cryptography.x509 import load_pem_x509_certificates

    path = Path(site.setting("rootcertbundle"))
    for certificate in load_pem_x509_certificates(read(path, 'registry["rootcertbundle"]')):
        yield from (key_id(certificate.public_key()), thumbprint(certificate.public_key()))


def _key_names_of_secret(key: str) -> Iterator[str]:
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    public = load_pem_private_key(key.encode(), None).public_key()
    yield from (key_id(public), thumbprint(public))


def _dates(found: Refusal, whose: str) -> Finding | None:
    now = time.time()
    begin, end = found.claims.get("nbf", found.claims.get("iat", 0)), found.claims.get("exp", now)
    if begin > now + LEEWAY:
        return failure(
            f"the token of {whose} is good only in {begin - now:.0f} s: the clocks differ", "set both clocks"
        )
    if end < now - LEEWAY:
        return failure(
            f"the token of {whose} ended {now - end:.0f} s ago: the clocks differ", "set both clocks"
        )
    return None


def _names(site: Site, found: Refusal, whose: str) -> Finding | None:
    for claim, setting, remedy in (
        ("iss", "issuer", 'give gitlab_rails["registry_issuer"] the same value on both nodes'),
        ("aud", "service", "GitLab and the registry must name the service alike: container_registry"),
    ):
        given, wanted = found.claims.get(claim), site.setting(setting)
        if given != wanted:
            verb = "signs as" if claim == "iss" else "signs for"
            return failure(f"{whose} {verb} {given!r}, and the registry trusts {wanted!r}", remedy)
    return None


def _keys(site: Site, found: Refusal, *, of_gitlab: bool) -> Finding:
    """The seed's 'token signed by untrusted key'."""
    kid, bundle = found.header.get("kid"), site.setting("rootcertbundle")
    if kid in found.trusted or (kid is None and not of_gitlab):
        return failure(
            f"the registry has not read {bundle} since it was changed, and refuses the token",
            "ctl restart registry",
        )
    text = (
        f"token signed by untrusted key: {'GitLab' if of_gitlab else 'this node'} signs with key {kid}, and "
    )
    text += f"{bundle} is of {', '.join(one for one in sorted(found.trusted) if ':' in one) or 'none'}"
    if found.own and not found.own & found.trusted:
        return failure(
            f"{text}; the registry's side is wrong: its certificate is not that of this node's key"
        )
    if found.own:
        return failure(
            f"{text}; GitLab's side is wrong: its key is not this node's",
            "give GitLab the key: ctl secrets export, and there: ctl secrets import; then: ctl reconfigure",
        )
    return failure(text, "one pair on both nodes: ctl secrets export at GitLab, ctl secrets import here")


def challenged(answer: Answer) -> str:
    """The realm that an answer sends clients to."""
    return challenge(answer).get("realm", "")
