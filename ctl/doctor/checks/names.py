"""Names, certificates and clocks, as clients meet them."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Iterator
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from urllib.parse import urlsplit

from ctl.distribution import distribution
from ctl.doctor.check import Check, Finding, State, failure, ok, unknown, warning
from ctl.doctor.site import Site
from ctl.doctor.web import SECONDS, Server, why
from ctl.tls.certificates import inspect, issued_by
from ctl.tls.vhost_files import RENEW_DAYS, read

TOKEN_LEEWAY, STORAGE_LEEWAY = 60, 900
"""Seconds by which clocks may differ: registries allow a minute to tokens, S3 fifteen minutes to requests."""
NOTEWORTHY = 5


def _dns(site: Site) -> Iterator[Finding]:
    for url, whose in _urls(site):
        host = urlsplit(url).hostname or ""
        try:
            found = sorted(
                {str(one[4][0]) for one in socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)}
            )
        except socket.gaierror as error:
            if error.errno in (socket.EAI_AGAIN, socket.EAI_FAIL):
                yield unknown(f"{host} ({whose}): no name server answers ({error.strerror})")
            else:
                yield failure(f"{host} ({whose}) is not known: {error.strerror}")
        else:
            yield ok(f"{host} ({whose}): {', '.join(found)}")


def _urls(site: Site) -> Iterator[tuple[str, str]]:
    """The URLs that clients are sent to, each host once."""
    attributes = site.attributes
    given = [
        (site.wishes.front, "--from"),
        (attributes.registry_external_url, "registry_external_url"),
        (attributes.external_url, "external_url"),
        (attributes.registry.token_realm if attributes.registry.enable else None, "the realm"),
    ]
    yield from {urlsplit(url).hostname: (str(url), whose) for url, whose in reversed(given) if url}.values()


DNS = Check(
    "dns",
    "the hosts that clients are sent to have an address",
    _dns,
    needs=("settings",),
    remedy="correct the name in the settings, or enter it in DNS (or /etc/hosts)",
)


def _tls(site: Site) -> Iterator[Finding]:
    for server, what in ((site.vhost, "NGINX of this machine"), (site.public, "--from")):
        if server is not None and server.tls and (what != "--from" or site.wishes.front):
            yield from _presented(server, f"{server.url} ({what})", own=server is site.vhost)


TLS = Check(
    "tls",
    "clients accept the registry's certificate: chain, names, dates, purpose, protocol",
    _tls,
    needs=("nginx",),
    remedy='see all of them: ctl certificates; another one: registry["nginx"]["ssl_certificate"]',
)


def _gitlab_tls(site: Site) -> Iterator[Finding]:
    """The realm is where clients go; a GitLab elsewhere has the same certificate for it. Whether it is reached at all
    is asked by the check of the realm."""
    server = site.realm
    if server is not None and server.tls and server is not site.vhost:
        yield from (
            one for one in _presented(server, server.url, own=False) if one.state is not State.UNKNOWN
        )


GITLAB_TLS = Check(
    "gitlab-tls",
    "clients accept the certificate of GitLab, where they get tokens",
    _gitlab_tls,
    needs=("dns", "settings"),
    remedy=f"renew it at GitLab, or let this machine trust its authority ({distribution().ca_command})",
)


def _presented(server: Server, where: str, *, own: bool) -> Iterator[Finding]:
    """The certificate and the protocol of a server; `own` where it is NGINX of this machine, which ctl can mend."""
    try:
        with server.handshake(server.context()) as link:
            version, leaf = link.version() or "", link.getpeercert(binary_form=True) or b""
    except ssl.SSLCertVerificationError as error:
        yield failure(f"{where}: clients refuse the certificate: {_refused(server, error)}")
        return
    except ssl.SSLError as error:
        yield failure(f"{where}: {why(error)}")
        return
    except OSError as error:
        yield unknown(f"{where}: {why(error)}")
        return
    yield _lasting(
        server, where, version, leaf, "renew it: ctl renew-le-certs, or ctl reconfigure" if own else ""
    )
    old = _old_protocol(server)
    if old:
        modern = "TLSv1.2 TLSv1.3"
        remedy = f'registry["nginx"]["ssl_protocols"] = "{modern}"' if own else f"let it speak {modern} only"
        yield warning(f"{where} still speaks {old}", remedy)


def _lasting(server: Server, where: str, version: str, leaf: bytes, remedy: str) -> Finding:
    pem = ssl.DER_cert_to_PEM_cert(leaf).encode()
    facts = inspect(pem, where=where)
    days = facts.days_left(datetime.now(UTC))
    own = (
        server.roots is not None
        and server.roots.exists()
        and issued_by(pem, read(server.roots, "the local CA"))
    )
    text = f"{where}: {version}, ends on {facts.not_after:%Y-%m-%d}, in {days} day{'s' * (days != 1)}"
    if own:
        text += f"; clients must trust the local CA, {server.roots}"
    return warning(text, remedy) if days < RENEW_DAYS / 2 else ok(text)


def _refused(server: Server, error: ssl.SSLCertVerificationError) -> str:
    """The reason, with what the certificate has in place of what it should have."""
    reason = error.verify_message.rstrip(".")
    try:
        with server.handshake(server.context(verify=False)) as link:
            pem = ssl.DER_cert_to_PEM_cert(link.getpeercert(binary_form=True) or b"").encode()
        facts = inspect(pem)
    except (OSError, ValueError):
        return reason
    if "issuer certificate" in reason:
        return f'{reason} ("{facts.issuer}" is not trusted here, or its certificate is not sent along)'
    return f"{reason} (it is for {', '.join(facts.names) or 'no name'}, until {facts.not_after:%Y-%m-%d})"


def _old_protocol(server: Server) -> str:
    """The protocol before TLS 1.2 that a server still speaks, or ""; many clients' scanners refuse it."""
    context = server.context(verify=False)
    context.set_ciphers("ALL:@SECLEVEL=0")
    context.minimum_version, context.maximum_version = ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1
    try:
        with server.handshake(context) as link:
            return link.version() or ""
    except OSError:
        return ""


def _clock(site: Site) -> Iterator[Finding]:
    realm, storage = site.realm, _storage_endpoint(site)
    if realm is not None and realm is not site.vhost:
        yield from _compared(realm, "GitLab", TOKEN_LEEWAY, "tokens are refused as not yet good, or as ended")
    if storage is not None:
        yield from _compared(storage, "the object storage", STORAGE_LEEWAY, "it refuses every request")


def _compared(server: Server, whose: str, leeway: int, effect: str) -> Iterator[Finding]:
    try:
        answer = server.ask("HEAD", "/", verify=False)
        theirs = parsedate_to_datetime(answer.header("Date"))
    except (TypeError, ValueError):
        yield unknown(
            f"{whose} ({server.url}) sends no Date", "a proxy before it, or another program, answers"
        )
        return
    except OSError as error:
        yield unknown(f"{whose} ({server.url}): {why(error)}", "let it answer first")
        return
    off = abs((datetime.now(UTC) - theirs.replace(tzinfo=theirs.tzinfo or UTC)).total_seconds())
    text = f"this machine's clock and that of {whose} differ by {max(0.0, off - 1):.0f} s"
    if off > leeway:
        yield failure(f"{text}: {effect}")
    else:
        yield warning(text) if off > NOTEWORTHY + SECONDS else ok(text)


def _storage_endpoint(site: Site) -> Server | None:
    """Where the object storage is, if that is a URL of its own."""
    given = site.config.section("storage", site.config.driver)
    url = str(given.get("regionendpoint") or given.get("endpoint") or given.get("serviceurl") or "")
    if site.config.driver in ("s3", "s3aws", "s3_v2") and not url and given.get("region"):
        url = f"https://s3.{given['region']}.amazonaws.com"
    if url and "://" not in url:
        url = f"http{'' if given.get('secure') is False else 's'}://{url}"
    return Server(url) if url else None


CLOCK = Check(
    "clock",
    "this machine, GitLab and the object storage have the same time",
    _clock,
    needs=("settings", "dns"),
    remedy="synchronise both (timedatectl set-ntp true, or chrony)",
)
