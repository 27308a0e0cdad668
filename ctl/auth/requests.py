"""Requests for tokens: read from HTTP, bounded, and checked for their form only.

GET: https://distribution.github.io/distribution/spec/auth/token/
POST: https://distribution.github.io/distribution/spec/auth/oauth/
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from urllib.parse import parse_qs

MOST_QUERY = 16 << 10
"""Bytes of a query, and of a form: a hundred scopes have room."""
MOST_FIELDS = 200
LONGEST_NAME = 256
LONGEST_SECRET = 4096
FORM = "application/x-www-form-urlencoded"


@dataclass(eq=False)
class Refusal(Exception):
    """An answer other than a token.

    Args:
        status: of HTTP.
        message: for the client; it holds nothing that the client did not send.
        outcome: for the log.
        code: of the registry's error form.
        error: of RFC 6749, section 5.2, for POST.
        wait: seconds for Retry-After; 0 for none.
    """

    status: int
    message: str
    outcome: str
    code: str = "INVALID_REQUEST"
    error: str = "invalid_request"
    wait: int = 0


def malformed(message: str) -> Refusal:
    """What a client did that the specification does not allow."""
    return Refusal(400, message, f"malformed: {message}")


def unauthorized(outcome: str) -> Refusal:
    """Wrong credentials; the client does not learn what is wrong with them."""
    message = "authentication required: the user name or password is wrong"
    return Refusal(401, message, f"refused: {outcome}", code="UNAUTHORIZED", error="invalid_grant")


@dataclass(frozen=True)
class Credentials:
    """User name and password."""

    name: str
    secret: str = field(repr=False)


@dataclass(frozen=True)
class TokenRequest:
    """What a client asks for.

    Args:
        service: that the token is for.
        scopes: as the client wrote them; each may hold several.
        account: that the client says it signs in with; "" for none.
        credentials: user name and password, or None.
        refresh_token: instead of them, or "".
        offline: whether a refresh token is wanted.
        form: whether it came as a form (POST).
    """

    service: str
    scopes: tuple[str, ...] = ()
    account: str = ""
    credentials: Credentials | None = None
    refresh_token: str = field(default="", repr=False)
    offline: bool = False
    form: bool = False


def from_query(query: bytes, authorization: Sequence[str]) -> TokenRequest:
    """A request of the token specification.

    Args:
        query: behind the question mark.
        authorization: values of that header.

    Raises:
        Refusal: it is malformed.
    """
    fields = _fields(query)
    credentials = basic(authorization)
    account = _once(fields, "account")
    if credentials is not None and account not in ("", credentials.name):
        raise malformed("account is not the user that signs in")
    return TokenRequest(
        _once(fields, "service"),
        tuple(fields.get("scope", ())),
        account[:LONGEST_NAME],
        credentials,
        offline=_once(fields, "offline_token").lower() == "true",
    )


def from_form(body: bytes, content_type: str) -> TokenRequest:
    """A request of the OAuth2 form.

    Raises:
        Refusal: it is malformed, or of a grant type that this issuer does not know.
    """
    if content_type.partition(";")[0].strip().lower() != FORM:
        raise Refusal(415, f"the content type must be {FORM}", "malformed: content type")
    fields = _fields(body)
    grant, refresh_token, credentials = _once(fields, "grant_type"), "", None
    if grant == "password":
        credentials = _credentials(_needed(fields, "username"), _needed(fields, "password"))
    elif grant == "refresh_token":
        refresh_token = _needed(fields, "refresh_token")
    elif grant:
        message = "grant_type must be password or refresh_token"
        raise Refusal(400, message, "malformed: grant type", error="unsupported_grant_type")
    else:
        raise malformed("grant_type is missing")
    return TokenRequest(
        _once(fields, "service"),
        tuple(fields.get("scope", ())),
        credentials.name if credentials else "",
        credentials,
        refresh_token,
        offline=_once(fields, "access_type") == "offline",
        form=True,
    )


def basic(values: Sequence[str]) -> Credentials | None:
    """Credentials of a header Authorization (RFC 7617); None where there is none.

    Raises:
        Refusal: it is something else.
    """
    if not values:
        return None
    scheme, _, encoded = values[0].partition(" ")
    if len(values) > 1 or scheme.lower() != "basic":
        raise unauthorized("not Basic authentication")
    try:
        text = base64.b64decode(encoded.strip(), validate=True).decode()
    except (binascii.Error, ValueError):
        raise unauthorized("malformed Basic authentication") from None
    name, colon, secret = text.partition(":")
    if not colon:
        raise unauthorized("malformed Basic authentication")
    return _credentials(name, secret)


def _credentials(name: str, secret: str) -> Credentials:
    if len(name) > LONGEST_NAME or len(secret) > LONGEST_SECRET:
        raise unauthorized("a user name or password beyond any length")
    return Credentials(name, secret)


def _fields(text: bytes) -> Mapping[str, Sequence[str]]:
    if len(text) > MOST_QUERY:
        raise Refusal(413, f"more than {MOST_QUERY} bytes", "malformed: too long")
    try:
        return parse_qs(
            text.decode("ascii"), keep_blank_values=True, errors="strict", max_num_fields=MOST_FIELDS
        )
    except UnicodeDecodeError:
        raise malformed("not UTF-8 text, encoded as in URLs") from None
    except ValueError:
        raise malformed(f"more than {MOST_FIELDS} parameters") from None


def _once(fields: Mapping[str, Sequence[str]], name: str) -> str:
    values = fields.get(name, ("",))
    if len(values) > 1:
        raise malformed(f"{name} is there more than once")
    return values[0]


def _needed(fields: Mapping[str, Sequence[str]], name: str) -> str:
    value = _once(fields, name)
    if not value:
        raise malformed(f"{name} is missing")
    return value
