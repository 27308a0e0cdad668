"""The way of clients: what NGINX, and whatever is in front of it, does to requests and answers."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from http import HTTPStatus
from pathlib import Path
from urllib.parse import urlsplit

from ctl.doctor import http2
from ctl.doctor.check import Check, Finding, State, failure, ok, unknown, warning
from ctl.doctor.scratch import (
    HEAD,
    LARGE,
    Image,
    Step,
    authorised,
    begin_upload,
    cancel_upload,
    clean,
    large_blob,
    pull,
    push,
    reported,
    scratch_name,
    sweep,
)
from ctl.doctor.site import Site
from ctl.doctor.web import Answer, Server, challenge, why
from ctl.errors import CtlError

VERSION = "Docker-Distribution-Api-Version"
AUTHORIZATION = "let it pass on the header Authorization as it is"
HUGE = 20 << 30
"""Bytes of a layer that must not be refused for its size: nothing of it is sent."""
PAUSE = 1.5
"""Seconds for which a client reads nothing: enough to take in a large blob on the way."""
MEGABYTE = 1 << 20
PROMPT = 3.0
"""Seconds within which a proxy that passes a request on at once has the registry's answer."""
NO_HTTP2 = "switch HTTP/2 off there, or let it speak it: clients in Go take it where it is offered"
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
        if answer.status == HTTPStatus.BAD_REQUEST and b"certificate" in answer.body:
            yield unknown(f"{name} wants a certificate of the client")
            continue
        realm = challenge(answer).get("realm", "")
        if answer.status == HTTPStatus.UNAUTHORIZED and realm != site.realm_url and not _redirects(site):
            yield failure(
                f"{name} sends clients for tokens to {realm or 'nowhere'}, the registry to {site.realm_url}"
            )
        elif answer.status != HTTPStatus.UNAUTHORIZED and not answer.header(VERSION):
            where = "" if name == server.url else f" ({server.url})"
            yield failure(f"{name}{where} answers {answer}{reported(answer)}", _refusal(answer))
        elif not answer.header(VERSION):
            yield failure(f"{name} does not pass on the header {VERSION}")
        else:
            yield from _passes(site, server, name)


def _refusal(answer: Answer) -> str:
    """What NGINX of ctl refuses as a name that is not its own."""
    return FORWARDED if answer.status in (HTTPStatus.BAD_REQUEST, HTTPStatus.MISDIRECTED_REQUEST) else ""


def _redirects(site: Site) -> bool:
    return site.setting("autoredirect").lower() == "true"


def _ways(site: Site) -> Iterator[tuple[Server, str]]:
    if site.vhost is not None:
        yield site.vhost, "NGINX"
    if site.wishes.front and site.public is not None:
        yield site.public, site.wishes.front


def _passes(site: Site, server: Server, name: str) -> Iterator[Finding]:
    found = [*_limit(site, server, name), *_location(site, server, name)]
    if not any(one.state.rank > State.WARNING.rank for one in found):
        found += _answers(site, server, name)
    found += _second_version(site, server, name)
    yield from found
    if all(one.state.rank == 0 for one in found):
        by = "HTTP/2" if server.tls and http2.offers(server) else "HTTP/1.1"
        yield ok(f"{name} passes on what it should, by {by}")


def _second_version(site: Site, server: Server, name: str) -> Iterator[Finding]:
    """HTTP/2: clients take it wherever it is offered, so it must work there; NGINX must offer it where it should."""
    if not server.tls:
        return
    offered = http2.offers(server)
    if server is site.vhost and site.attributes.registry.nginx.http2_enabled and not offered:
        yield warning(
            f"{name} does not offer HTTP/2, which is enabled", "ctl reconfigure; then: ctl hup nginx"
        )
    if not offered:
        return
    path = f"{site.prefix}/v2/"
    try:
        wanted, found = server.ask("GET", path).status, http2.status(server, path)
    except OSError as error:
        yield failure(f"{name} offers HTTP/2, and does not speak it: {why(error)}", NO_HTTP2)
        return
    if found != wanted:
        yield failure(f"{name} answers {found} over HTTP/2, and {wanted} over HTTP/1.1", NO_HTTP2)


def _answers(site: Site, server: Server, name: str) -> Iterator[Finding]:
    """Whether something takes in a large answer before the client does: it would have the old end of a changed blob."""
    repository = scratch_name()
    try:
        headers = authorised(site, repository)
    except CtlError:
        return
    with large_blob(site, repository) as blob:
        if blob is None:
            return
        path, file = blob
        try:
            ahead = _read_ahead(server, path, file, headers)
            server.ask("DELETE", path, headers=headers)  # from the cache of descriptors
        except OSError as error:
            yield unknown(f"{name}: a large layer cannot be pulled: {why(error)}")
            return
    if ahead > LARGE // 2:
        yield warning(
            f"{name} takes in the whole of an answer before the client has it: pulls of large layers need its disk",
            "proxy_buffering off, there",
        )


def _read_ahead(server: Server, path: str, file: Path, headers: Mapping[str, str]) -> int:
    """How much of a blob somebody has read while the client waited: so much arrives as it was before a change."""
    with server.slowly(path, headers) as answer:
        if answer.status != HTTPStatus.OK:
            raise ConnectionError(f"the answer is {answer.status} {answer.reason}")
        answer.read(HEAD)
        time.sleep(PAUSE)
        with file.open("r+b") as written:
            for at in range(MEGABYTE, LARGE, MEGABYTE):
                written.seek(at)
                written.write(b"x")
        ahead = HEAD
        while content := answer.read(MEGABYTE):
            if (found := content.find(b"x")) >= 0:
                ahead += found
                answer.read()
                break
            ahead += len(content)
    return ahead


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
        yield _without_token(site, server, name, headers)
    elif answer.status != HTTPStatus.METHOD_NOT_ALLOWED:  # that is a registry that is read-only
        yield failure(f"{name}: an upload cannot be begun: {answer}")


def _without_token(site: Site, server: Server, name: str, headers: Mapping[str, str]) -> Finding:
    """Whether the token is wrong, or does not arrive."""
    direct = site.direct
    if direct is None or direct.ask("GET", f"{site.prefix}/v2/", headers=headers).status != HTTPStatus.OK:
        return unknown(f"{name}: the registry refuses the token: see token")
    return failure(
        f"{name} does not pass on tokens: the registry accepts the same one past it", AUTHORIZATION
    )


def _judged(server: Server, name: str, location: str) -> Iterator[Finding]:
    given, wanted = urlsplit(location), server.parts
    if not location:
        yield failure(f"{name} does not pass on the header Location: nothing can be pushed")
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
    "NGINX, and what is in front of it (--from), send clients to the right place, and pass on tokens and large layers",
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
