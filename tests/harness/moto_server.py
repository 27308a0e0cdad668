"""moto's server, which compares signatures with the query as it was sent: S3 compares it encoded in one way.

https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html, "CanonicalQueryString".
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any
from urllib.parse import parse_qsl, quote

import moto.server
from moto.moto_server.werkzeug_app import DomainDispatcherApplication


class _Canonical(DomainDispatcherApplication):
    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        pairs = parse_qsl(environ.get("QUERY_STRING", ""), keep_blank_values=True)
        encoded = (f"{quote(name, safe='-_.~')}={quote(value, safe='-_.~')}" for name, value in pairs)
        environ["QUERY_STRING"] = "&".join(encoded)
        answer: Iterable[bytes] = super().__call__(environ, start_response)
        return answer


if __name__ == "__main__":
    vars(moto.server)["DomainDispatcherApplication"] = _Canonical
    moto.server.main()
