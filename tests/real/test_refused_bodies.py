"""Who may not push is refused as such, also while the body of the request is still on its way."""

from __future__ import annotations

import http.client
import socket
from collections import Counter

import pytest

from tests.harness.issuer import NO_GITLAB, reachable, root_with_issuer
from tests.harness.people import Person
from tests.harness.raw_requests import answer, connect, get
from tests.harness.root import Root, RootMaker

pytestmark = pytest.mark.real

REQUESTS = 300
BODY = b"{}" * 2_000
REFUSED = get(
    "/v2/team/app/manifests/v1",
    "localhost",
    f"Content-Length: {len(BODY)}",
    "Authorization: Bearer no",
    method="PUT",
)


@pytest.fixture(scope="module")
def module_root(module_root_maker: RootMaker, me: Person, ordinary_user: Person) -> Root:
    """A registry with its own issuer."""
    return root_with_issuer(module_root_maker, reachable(me, ordinary_user))


def _statuses(root: Root) -> Counter[int]:
    found: Counter[int] = Counter()
    for _ in range(REQUESTS):
        with connect(root) as link:
            link.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            link.sendall(REFUSED)
            link.sendall(BODY)
            found[answer(link).status] += 1
    return found


def test_a_refused_push_is_never_unavailable(running: Root) -> None:
    """With the connection closed after each request, as NGINX has it by default, some are: the test would notice."""
    assert _statuses(running) == {http.client.UNAUTHORIZED: REQUESTS}
    running.settings(
        NO_GITLAB,
        'registry["nginx"]["proxy_set_headers"] = {"Connection": "close"}',
    )
    running.reconfigure()
    assert _statuses(running)[http.client.SERVICE_UNAVAILABLE]
