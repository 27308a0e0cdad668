"""What NGINX refuses by itself, and how it says so: as clients of registries understand, never as a page for people."""

from __future__ import annotations

import json
from dataclasses import dataclass


@dataclass(frozen=True)
class Refusal:
    """An answer that NGINX makes itself.

    Args:
        causes: statuses of NGINX for which it is given (error_page).
        status: what the client gets; 0 for the cause itself.
        code: of the error (OCI distribution specification, 'Error codes').
        message: for people.
        retry_after: seconds after which to come again; 0 where that does not help.
    """

    causes: tuple[int, ...]
    status: int
    code: str
    message: str
    retry_after: int = 0

    @property
    def path(self) -> str:
        """Of its location; no named one, since those cannot serve a request whose first line is not understood."""
        return f"/.refused/{self.causes[0]}"

    @property
    def body(self) -> str:
        """Its content."""
        error = {"code": self.code, "message": self.message, "detail": None}
        return json.dumps({"errors": [error]}, separators=(",", ":"))


REFUSALS = (
    Refusal((400,), 400, "UNSUPPORTED", "the request is not well-formed HTTP"),
    Refusal((401,), 401, "UNAUTHORIZED", "credentials are required"),
    Refusal((403,), 403, "DENIED", "access is denied"),
    Refusal((404,), 404, "NAME_UNKNOWN", "there is nothing here"),
    Refusal((405,), 405, "UNSUPPORTED", "the method is not allowed here"),
    Refusal((408,), 408, "UNKNOWN", "the request did not come in time"),
    Refusal((411,), 411, "SIZE_INVALID", "the request does not say how long it is"),
    Refusal((413,), 413, "SIZE_INVALID", "the request is too large"),
    Refusal((414,), 414, "UNSUPPORTED", "the URL is too long"),
    Refusal((421,), 421, "UNSUPPORTED", "the registry has another name than the one that was asked for"),
    Refusal((429,), 429, "TOOMANYREQUESTS", "too many requests from this address", retry_after=1),
    Refusal((494,), 431, "UNSUPPORTED", "the header fields of the request are too long"),
    Refusal((495, 496), 400, "UNAUTHORIZED", "a certificate of the client is required, and must be valid"),
    Refusal((497,), 400, "UNSUPPORTED", "this port expects https, and got plain http"),
    Refusal((500,), 500, "UNKNOWN", "NGINX failed; its log has the reason"),
    Refusal(
        (501, 505), 501, "UNSUPPORTED", "this version of HTTP, or this way to send content, is not supported"
    ),
    Refusal((502, 503, 504), 503, "UNAVAILABLE", "the registry does not answer at the moment", retry_after=5),
    Refusal((402, 406, 409, 410, 412, 415, 416, 507), 0, "UNSUPPORTED", "NGINX does not answer this request"),
)
"""All for which NGINX has a page (ngx_http_special_response.c). One of them is left: where directives of the
administrator's rewrite a request in a circle, it looks for no other page any more (ngx_http_special_response_handler:
`r->uri_changes != 0`), and sends its own as text/html, which no directive of its modules changes.

nginx.org: ngx_http_core_module (error_page), ngx_http_ssl_module ('Error Processing'), ngx_http_limit_req_module."""
