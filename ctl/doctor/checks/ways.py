"""The way of clients: what NGINX, and whatever is in front of it, does to requests and answers."""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from http import HTTPStatus
from urllib.parse import urlsplit

from ctl.doctor.check import Check, Finding, failure, ok, unknown, warning
from ctl.doctor.scratch import (
    Image,
    Step,
    authorised,
    begin_upload,
    cancel_upload,
    clean,
    pull,
    push,
    scratch_name,
    sweep,
)
from ctl.doctor.site import Site
from ctl.doctor.web import Server, challenge, why
from ctl.errors import CtlError

HUGE = 20 << 30
"""Bytes of a layer that must not be refused for its size: nothing of it is sent."""
PROMPT = 3.0
"""Seconds within which a proxy that passes a request on at once has the registry's answer."""
FORWARDED = (
    "let it set X-Forwarded-Proto and Host as the client had them; or: "
    'registry["env"] = {"REGISTRY_HTTP_RELATIVEURLS": True}'
)


def _headers(site: Site) -> Iterator[Finding]:
    for server, name in _ways(site):
        try:
            answer = server.ask("GET", f"{site.prefix}/v2/")
        except OSError as error:
            yield failure(f"{name} ({server.url}): {why(error)}")
            continue
        if answer.status == HTTPStatus.BAD_REQUEST and b"SSL certificate" in answer.body:
            yield unknown(f"{name} wants a certificate of the client")
            continue
        realm = challenge(answer).get("realm", "")
        if answer.status == HTTPStatus.UNAUTHORIZED and realm != site.realm_url and not _redirects(site):
            yield failure(
                f"{name} sends clients for tokens to {realm or 'nowhere'}, the registry to {site.realm_url}"
            )
        elif not answer.header("Docker-Distribution-Api-Version"):
            yield failure(f"{name} ({server.url}) answers {answer}, and is not the registry")
        else:
            yield from _passes(site, server, name)


def _redirects(site: Site) -> bool:
    return site.setting("autoredirect").lower() == "true"


def _ways(site: Site) -> Iterator[tuple[Server, str]]:
    if site.vhost is not None:
        yield site.vhost, "NGINX"
    if site.wishes.front and site.public is not None:
        yield site.public, site.wishes.front


def _passes(site: Site, server: Server, name: str) -> Iterator[Finding]:
    found = [*_limit(site, server, name), *_location(site, server, name)]
    yield from found
    if all(one.state.rank == 0 for one in found):
        yield ok(f"{name} passes on what it should, by {_protocol(server)}")


def _protocol(server: Server) -> str:
    if not server.tls:
        return "HTTP/1.1"
    context = server.context(verify=False)
    context.set_alpn_protocols(["h2", "http/1.1"])
    try:
        with server.handshake(context) as link:
            return "HTTP/2" if link.selected_alpn_protocol() == "h2" else "HTTP/1.1"
    except (OSError, ssl.SSLError):
        return "an unknown protocol"


def _limit(site: Site, server: Server, name: str) -> Iterator[Finding]:
    """The head of a huge request without a token: the registry's 401 comes at once, or something is in its way."""
    path = f"{site.prefix}/v2/{scratch_name()}/blobs/uploads/none"
    head = {"Content-Length": str(HUGE), "Content-Type": "application/octet-stream"}
    try:
        answer = server.ask("PATCH", path, headers=head, seconds=PROMPT)
    except TimeoutError:
        yield warning(
            f"{name} takes in the whole of a request before it passes it on: pushes need its disk, and last longer",
            "proxy_request_buffering off, and proxy_http_version 1.1, there",
        )
        return
    except OSError as error:
        yield unknown(f"{name}: {why(error)}")
        return
    if answer.status == HTTPStatus.REQUEST_ENTITY_TOO_LARGE:
        yield failure(f"{name} refuses large layers ({answer})", "client_max_body_size 0, there")


def _location(site: Site, server: Server, name: str) -> Iterator[Finding]:
    """Where clients are sent to go on with an upload, which is begun and cancelled at once: 'Image push errors'."""
    repository = scratch_name()
    try:
        headers = authorised(site, repository)
    except CtlError:
        return  # GitLab has the key: `--user` and `--trace` ask with its tokens
    try:
        answer = begin_upload(site, server, repository, headers)
    except OSError as error:
        yield unknown(f"{name}: {why(error)}")
        return
    try:
        cancel_upload(server, answer, headers)
    finally:
        sweep(site, repository)
    if answer.status == HTTPStatus.ACCEPTED:
        yield from _judged(server, name, answer.header("Location"))
    elif answer.status == HTTPStatus.UNAUTHORIZED:
        yield unknown(f"{name}: the registry refuses the token: see token")
    elif answer.status != HTTPStatus.METHOD_NOT_ALLOWED:  # that is a registry that is read-only
        yield failure(f"{name}: an upload cannot be begun: {answer}")


def _judged(server: Server, name: str, location: str) -> Iterator[Finding]:
    given, wanted = urlsplit(location), server.parts
    if not given.netloc:
        return
    if given.scheme != wanted.scheme:
        yield failure(
            f"{name}: clients that reach {server.url} are sent to {given.scheme}://{given.netloc} to push, and fail",
            FORWARDED,
        )
    elif given.netloc.lower() != wanted.netloc.rpartition("@")[2].lower():
        yield failure(
            f"{name}: clients that reach {server.url} are sent to {given.netloc} to push", FORWARDED
        )


HEADERS = Check(
    "headers",
    "NGINX, and what is in front of it (--from), send clients to the right place, and let large layers through",
    _headers,
    needs=("settings", "nginx"),
    remedy="compare its configuration with the vhost of ctl: ctl render",
)


def _push(site: Site) -> Iterator[Finding]:
    server = site.public or site.direct
    if server is None:
        return
    repository, image = scratch_name(), Image.new()
    try:
        done = next(filter(None, map(_problem, _there_and_back(site, server, repository, image))), None)
    finally:
        left = [step for step in clean(site, server, repository, image) if step.problem]
    if done is not None:
        yield failure(done)
        return
    yield ok(f"a small image was pushed to {server.url} and pulled again")
    if left and site.config.root is None:
        yield warning(f"what was pushed to {repository} is still there: {left[0].problem}")


def _problem(step: Step) -> str:
    return step.problem


def _there_and_back(site: Site, server: Server, repository: str, image: Image) -> Iterator[Step]:
    yield from push(site, server, repository, image)
    yield from pull(site, server, repository, image)


PUSH = Check(
    "push",
    "a small image can be pushed and pulled (--push)",
    _push,
    needs=("token", "headers", "storage"),
    arises=lambda site: site.wishes.push,
    remedy="see each request: ctl doctor --trace REPOSITORY",
)
