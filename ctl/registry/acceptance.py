"""Whether the registry that runs accepts what is signed here: asked with a token that opens nothing."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from urllib.parse import urlencode, urlsplit

from ctl.errors import CtlError
from ctl.machine.http import Reply, get
from ctl.registry.token import SERVICE, issue
from ctl.settings.attributes import Attributes
from ctl.settings.rules.token_issuer import signers
from ctl.settings.rules.vhost import serves_registry

SECONDS = 10.0
_LIFETIME = timedelta(minutes=1)
_LARGEST_TOKEN = 1 << 16


@dataclass(frozen=True)
class Verdict:
    """What came of one question.

    Args:
        what: whose tokens.
        problem: why they are of no use; "" where they are accepted.
    """

    what: str
    problem: str = ""


def verdicts(attributes: Attributes) -> Iterator[Verdict]:
    """Everybody who signs on this node, tried with the key in its file; and the issuer itself.

    Raises:
        CtlError: a key cannot be read or used.
    """
    found = tuple(signers(attributes))
    for one in found:
        yield Verdict(
            f"{one.what}, {one.key}", refusal(attributes, token_of(attributes, _key(Path(one.key))))
        )
    if any(one.service for one in found):
        yield _of_issuer(attributes)


def token_of(attributes: Attributes, key: str) -> str:
    """A token of a key, without any access."""
    issuer = attributes.gitlab_rails.registry_issuer
    return issue(key, issuer=issuer, subject="ctl", access=[], lifetime=_LIFETIME)


def refusal(attributes: Attributes, token: str) -> str:
    """Why the registry refuses a token; "" where it accepts it."""
    try:
        reply = _ask(attributes, "/v2/", {"Authorization": f"Bearer {token}"})
    except (OSError, ValueError) as error:
        return f"the registry does not answer: {getattr(error, 'strerror', None) or error}"
    if reply.status == 200:
        return ""
    challenge = reply.headers.get("www-authenticate", "")
    if reply.status == 401 and "invalid_token" in challenge:
        return "the registry refuses the token (token signed by untrusted key; wrong issuer or clock)"
    return f"the registry answers {reply.status} {reply.reason}".rstrip()


def _of_issuer(attributes: Attributes) -> Verdict:
    what = f"a token from {attributes.registry.token_realm}/jwt/auth"
    try:
        reply = _ask(attributes, f"/jwt/auth?{urlencode({'service': SERVICE})}", {})
        token = str(json.loads(reply.body)["token"]) if reply.status == 200 else ""
    except (OSError, ValueError, KeyError) as error:
        return Verdict(what, f"the token issuer does not answer: {getattr(error, 'strerror', None) or error}")
    return Verdict(what, refusal(attributes, token) if token else f"the token issuer answers {reply.status}")


def _ask(attributes: Attributes, path: str, headers: dict[str, str]) -> Reply:
    """GET from the registry as clients reach it: through NGINX of this node, by its own address, or elsewhere."""
    registry, proxied = attributes.registry, False
    url = urlsplit(attributes.registry_external_url or f"http://{registry.registry_http_addr}")
    address = registry.registry_http_addr
    if registry.enable and serves_registry(attributes):
        address = f"{registry.nginx.listen_addresses[0]}:{registry.nginx.listen_port}"
        url, proxied = (
            url._replace(scheme="https" if registry.nginx.https else "http"),
            registry.nginx.proxy_protocol,
        )
    elif registry.enable:
        url = url._replace(scheme="http")
    else:
        url = urlsplit(attributes.gitlab_rails.registry_api_url)
        address = f"{url.hostname}:{url.port or (443 if url.scheme == 'https' else 80)}"
    return get(
        address,
        path,
        host=url.netloc,
        seconds=SECONDS,
        tls=url.scheme == "https",
        proxy_protocol=bool(proxied),
        headers=headers,
        most=_LARGEST_TOKEN,
    )


def _key(path: Path) -> str:
    try:
        return path.read_text(encoding="ascii")
    except OSError as error:
        raise CtlError(f"{path}: cannot be read: {error.strerror}") from error
