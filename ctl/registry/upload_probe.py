"""Lets the registry program begin, continue and abandon an upload: its drivers for object storage do that in parts."""

from __future__ import annotations

import http.client
import re
import secrets
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import urlsplit

from ctl.errors import RunFailed
from ctl.registry.collect.collector import Setup
from ctl.registry.collect.instance import UnixConnection, furnish, private_document, serving
from ctl.registry.probe import SECONDS, last_detail
from ctl.registry.reason import mask
from ctl.registry.storage_check import PLACE, Check, judged
from ctl.storage.store import Store

_CODE = re.compile(
    r"\b(AccessDenied|Forbidden|AuthorizationPermissionMismatch)\b|status code: (?P<status>\d{3})"
)
_NOT_ABANDONED = re.compile(r'msg="error encountered canceling upload: (?P<why>(?:[^"\\]|\\.)*)"')
ABANDON = "abandon an upload"
_PART = b"0" * 1_000


def check_uploads(setup: Setup, store: Store, account: str) -> Iterator[Check]:
    """Upload as a client does, and abandon it. One that cannot be continued cannot be abandoned either: what it has
    begun is then an incomplete upload of the bucket, of 0 bytes.

    Args:
        setup: the registry.
        store: its storage.
        account: whose rights the program gets.

    Yields:
        Each step, up to the first that fails.
    """
    repository = f"{PLACE}/{secrets.token_hex(8)}"
    try:
        with tempfile.TemporaryDirectory(prefix="ctl-probe-", dir=setup.config.path.parent) as name:
            furnish(Path(name), private_document(setup.config, writable=True), setup.account)
            with serving(setup, Path(name)) as (address, printed):
                for operation, status in _steps(address, repository):
                    refused = _not_abandoned(printed()) if operation == ABANDON else []
                    if status < http.HTTPStatus.BAD_REQUEST and not refused:
                        yield Check(operation, ok=True)
                        continue
                    yield _failed(setup, store, account, operation, printed)
                    return
    except RunFailed as error:
        yield Check("begin an upload", False, "", error.message, "see what the registry program reports")
    finally:
        for one in list(store.list(f"docker/registry/v2/repositories/{repository}/")):
            store.delete(one.key)


def _failed(
    setup: Setup, store: Store, account: str, operation: str, printed: Callable[[], list[str]]
) -> Check:
    lines = printed()
    detail = last_detail(lines) or last_detail(_not_abandoned(lines))
    reason = mask(detail, setup.config.secrets) or "the registry gives no reason"
    found = _CODE.search(reason)
    code = (found["status"] or "AccessDenied") if found else ""
    return judged(store, account, operation, code, reason)


def _not_abandoned(lines: list[str]) -> list[str]:
    """Why an upload was not: the registry answers 204 all the same (Distribution, CancelBlobUpload)."""
    return [f'err.detail="{found["why"]}"' for line in lines if (found := _NOT_ABANDONED.search(line))]


def _steps(address: str, repository: str) -> Iterator[tuple[str, int]]:
    status, place = _asked(address, "POST", f"/v2/{repository}/blobs/uploads/")
    yield "begin an upload", status
    for _ in range(2):  # the second finds a part of the first
        status, place = _asked(address, "PATCH", place, _PART)
        if status >= http.HTTPStatus.BAD_REQUEST:
            break
    yield "continue an upload", status
    yield ABANDON, _asked(address, "DELETE", place)[0]


def _asked(address: str, method: str, place: str, body: bytes = b"") -> tuple[int, str]:
    connection = UnixConnection(address, SECONDS)
    headers = {"Content-Type": "application/octet-stream", "Content-Length": str(len(body))}
    try:
        connection.request(method, place, body, headers)
        answer = connection.getresponse()
        answer.read()
    except (OSError, http.client.HTTPException):
        return http.HTTPStatus.GATEWAY_TIMEOUT, ""
    finally:
        connection.close()
    found = urlsplit(answer.headers.get("Location") or "")
    return answer.status, f"{found.path}?{found.query}" if found.query else found.path
