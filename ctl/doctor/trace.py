"""One login, push and pull, request by request: what a proxy between a Docker client and the registry would show."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from email.message import Message
from http import HTTPStatus
from urllib.parse import quote, urlencode, urlsplit

from ctl.doctor.scratch import Image, Step, digest, remove_blobs
from ctl.doctor.site import Site
from ctl.doctor.web import Answer, Server, challenge, why
from ctl.errors import CtlError
from ctl.registry.reason import mask
from ctl.registry.token import repository_access
from ctl.settings.masking import MASK

HEADERS = (
    "WWW-Authenticate",
    "Location",
    "Docker-Distribution-Api-Version",
    "Docker-Content-Digest",
    "Docker-Upload-UUID",
    "Range",
    "Content-Type",
    "Content-Length",
    "Server",
    "Via",
    "X-Request-Id",
    "Retry-After",
)
"""Of answers: those that decide what clients do next, or say who answered."""
_SIGNED = re.compile(
    r"([?&](?:X-Amz-[\w-]+|Signature|sig|se|sp|sv|sr|Expires|GoogleAccessId|AWSAccessKeyId|_state|X-Goog-[\w-]+)=)[^&\s]+"
)
TAG = "ctl-doctor-trace"


@dataclass(frozen=True)
class Exchange:
    """One request and its answer.

    Args:
        step: what it is for.
        method, url: of the request, secrets starred.
        sent: headers of the request that matter, secrets starred.
        status: of the answer; "" where there was none.
        received: headers of the answer that matter, secrets starred.
        milliseconds: by part: connect, tls, answer, body.
        problem: why it is wrong; "" where it is as it should be.
    """

    step: str
    method: str
    url: str
    sent: Mapping[str, str]
    status: str
    received: Mapping[str, str] = field(default_factory=dict)
    milliseconds: Mapping[str, float] = field(default_factory=dict)
    problem: str = ""

    @property
    def total(self) -> float:
        """Milliseconds of all of it."""
        return sum(self.milliseconds.values())

    def as_json(self) -> dict[str, object]:
        """As plain data."""
        return {
            **vars(self),
            "sent": dict(self.sent),
            "received": dict(self.received),
            "problem": self.problem or None,
        }


def starred(text: str, secrets: frozenset[str] = frozenset()) -> str:
    """A URL or header without signatures, states of uploads, and known secrets."""
    return mask(_SIGNED.sub(rf"\1{MASK}", text), secrets)


class Tracer:
    """Sends requests, and keeps what was seen of each.

    Args:
        site: the node.
        server: the registry as clients reach it.
        repository: what is pushed to; its tag TAG is made, and deleted again.
    """

    def __init__(self, site: Site, server: Server, repository: str) -> None:
        self._site, self._server, self._repository = site, server, repository
        self._base = f"{site.prefix}/v2/{quote(repository)}"
        self._token = ""
        self.exchanges: list[Exchange] = []

    def run(self) -> Iterator[Exchange]:
        """Login, push, pull and deletion; ends with the first answer that is wrong, and cleans up."""
        image, uploaded = Image.new(), False
        for exchange in self._steps(image):
            uploaded = uploaded or exchange.step.startswith("finish")
            yield exchange
            if exchange.problem:
                break
        if uploaded:
            yield from self._cleaned(image)
            remove_blobs(self._site, image)

    def _steps(self, image: Image) -> Iterator[Exchange]:
        yield from self._login()
        for name, blob in zip(("configuration", "layer"), image.blobs, strict=True):
            yield from self._upload(name, blob)
        media = json.loads(image.manifest)["mediaType"]
        path = f"{self._base}/manifests/{TAG}"
        yield self._ask(
            "push the manifest", "PUT", path, HTTPStatus.CREATED, body=image.manifest, media=media
        )
        yield self._ask("pull the manifest", "GET", path, HTTPStatus.OK, accept=media)
        for name, blob in zip(("configuration", "layer"), image.blobs, strict=True):
            yield from self._pulled(name, blob)

    def _login(self) -> Iterator[Exchange]:
        """As clients do: ask, be sent to the realm, get a token, ask again."""
        first = self._ask("ask without a token", "GET", f"{self._site.prefix}/v2/", HTTPStatus.UNAUTHORIZED)
        yield first
        found = challenge(self._last) if self._last is not None else {}
        realm = found.get("realm", "")
        if not realm:
            return
        scope = f"repository:{self._repository}:pull,push,delete"
        query = urlencode({"service": found.get("service", ""), "scope": scope})
        wishes = self._site.wishes
        if wishes.user:
            credentials = base64.b64encode(f"{wishes.user}:{wishes.password}".encode()).decode()
            server = self._site.realm if realm == self._site.realm_url else None
            target = f"{urlsplit(realm).path}?{query}"
            server = server or self._server.at(realm)
            yield self._ask(
                f"get a token as {wishes.user}", "GET", target, HTTPStatus.OK, server=server,
                headers={"Authorization": f"Basic {credentials}"},
            )  # fmt: skip
            self._token = _token_in(self._last)
        else:
            access = repository_access([self._repository], ("pull", "push", "delete"))
            self._token = self._site.token(access) or ""
            if not self._token:
                raise CtlError(
                    "another machine has the key that signs tokens", hint="Get one there: --user NAME"
                )
        yield self._ask("ask with the token", "GET", f"{self._site.prefix}/v2/", HTTPStatus.OK)

    def _upload(self, name: str, blob: bytes) -> Iterator[Exchange]:
        path = f"{self._base}/blobs/{digest(blob)}"
        yield self._ask(f"is the {name} there already?", "HEAD", path, HTTPStatus.NOT_FOUND)
        yield self._ask(
            f"begin the upload of the {name}", "POST", f"{self._base}/blobs/uploads/", HTTPStatus.ACCEPTED
        )
        place = self._location()
        yield self._ask(
            f"send the {name}",
            "PATCH",
            place,
            HTTPStatus.ACCEPTED,
            body=blob,
            media="application/octet-stream",
        )
        place = self._location()
        path = f"{place}{'&' if '?' in place else '?'}digest={digest(blob)}"
        yield self._ask(f"finish the {name}", "PUT", path, HTTPStatus.CREATED)

    def _pulled(self, name: str, blob: bytes) -> Iterator[Exchange]:
        path = f"{self._base}/blobs/{digest(blob)}"
        wanted = (HTTPStatus.OK, HTTPStatus.TEMPORARY_REDIRECT)
        yield self._ask(f"pull the {name}", "GET", path, *wanted)
        if self._last is not None and self._last.status == HTTPStatus.TEMPORARY_REDIRECT:
            place = self._last.header("Location")
            yield self._ask(
                f"pull the {name} from the storage",
                "GET",
                place,
                HTTPStatus.OK,
                server=self._server.at(place),
                token=False,
            )

    def _cleaned(self, image: Image) -> Iterator[Exchange]:
        for name, path in (
            ("manifest", f"{self._base}/manifests/{digest(image.manifest)}"),
            *(("blob", f"{self._base}/blobs/{digest(blob)}") for blob in image.blobs),
        ):
            yield self._ask(f"delete the {name}", "DELETE", path, HTTPStatus.ACCEPTED)

    def _location(self) -> str:
        """Where the last answer sends clients on to; a Location of another host is followed there, as clients do."""
        location = self._last.header("Location") if self._last is not None else ""
        parts = urlsplit(location)
        if parts.netloc and parts.netloc != self._server.parts.netloc:
            return location
        return f"{parts.path}?{parts.query}" if parts.query else parts.path

    _last: Answer | None = None

    def _ask(
        self,
        step: str,
        method: str,
        target: str,
        *wanted: HTTPStatus,
        body: bytes | None = None,
        media: str = "",
        accept: str = "",
        server: Server | None = None,
        headers: Mapping[str, str] | None = None,
        token: bool = True,
    ) -> Exchange:
        sent = {
            **(headers or {}),
            **({"Content-Type": media} if media else {}),
            **({"Accept": accept} if accept else {}),
        }
        if body is None and method in ("POST", "PUT"):
            sent["Content-Length"] = "0"
        if token and self._token and "Authorization" not in sent:
            sent["Authorization"] = f"Bearer {self._token}"
        if server is None:
            server = self._server.at(target) if "://" in target else self._server
        self._last = None
        try:
            answer = server.ask(method, _path(target), headers=sent, body=body)
        except OSError as error:
            return self._exchange(step, method, server, target, sent, problem=why(error))
        self._last = answer
        problem = "" if answer.status in wanted else Step(step, method, target, answer, wanted[0]).problem
        return self._exchange(step, method, server, target, sent, answer, problem)

    def _exchange(
        self,
        step: str,
        method: str,
        server: Server,
        target: str,
        sent: Mapping[str, str],
        answer: Answer | None = None,
        problem: str = "",
    ) -> Exchange:
        secrets = self._site.secrets | ({self._token} if self._token else frozenset())
        origin = f"{server.parts.scheme}://{server.parts.netloc.rpartition('@')[2]}"
        shown = {name: _shown(name, value, secrets) for name, value in sent.items()}
        received = _matter(answer.headers, secrets) if answer else {}
        times = {name: round(value * 1000, 1) for name, value in vars(answer.times).items()} if answer else {}
        status = str(answer) if answer else ""
        url = starred(f"{origin}{_path(target)}", secrets)
        return Exchange(step, method, url, shown, status, received, times, starred(problem, secrets))


def _path(target: str) -> str:
    parts = urlsplit(target)
    return f"{parts.path}?{parts.query}" if parts.query else parts.path


def _shown(name: str, value: str, secrets: frozenset[str]) -> str:
    if name.lower() == "authorization":
        return f"{value.partition(' ')[0]} {MASK}"
    return starred(value, secrets)


def _matter(headers: Message, secrets: frozenset[str]) -> dict[str, str]:
    return {name: starred(str(headers[name]), secrets) for name in HEADERS if headers.get(name)}


def _token_in(answer: Answer | None) -> str:
    try:
        found = json.loads(answer.body) if answer is not None else {}
        return str(found.get("token") or found.get("access_token") or "")
    except (ValueError, AttributeError):
        return ""
