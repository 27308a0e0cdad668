"""Pulls of whoever does not log in have logs of their own: they fill these and no others."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

import pytest

from tests.harness import tokens
from tests.harness.issuer import NO_GITLAB, Issuer, reachable, root_with_issuer
from tests.harness.logs import ACCESS, ANONYMOUS, APART, ISSUER, OUTPUT, naming
from tests.harness.people import Person
from tests.harness.raw_requests import flood, get
from tests.harness.root import Root, RootMaker
from tests.harness.waiting import wait_for

pytestmark = [pytest.mark.real]
OF_ANONYMOUS = APART["registry/anonymous"]
PULLS = (
    "/v2/public/app/manifests/latest",
    "/v2/public/app/tags/list",
    f"/v2/public/app/blobs/sha256:{'a' * 64}",
)


@pytest.fixture(scope="module")
def module_root(module_root_maker: RootMaker, me: Person, ordinary_user: Person) -> Root:
    """A registry with its own issuer."""
    return root_with_issuer(module_root_maker, reachable(me, ordinary_user))


def pulls(root: Root, token: str, agent: str, *fields: str) -> set[str]:
    """Pull some things some times, and wait for a line of each. Returns the logs that name the client."""
    named = f"Authorization: Bearer {token}", f"User-Agent: {agent}", *fields
    for path in PULLS:
        flood(root, get(path, "localhost", *named), 4, "127.0.0.21")
    for logs in ((ACCESS, ANONYMOUS), (OUTPUT, OF_ANONYMOUS)):
        wait_for(partial(_has_all, root, logs, agent), what="a line of each")
    return naming(root, agent.partition(" ")[0])


def _has_all(root: Root, logs: Sequence[str], agent: str) -> bool:
    lines = [line for log in logs for line in root.read(log).splitlines() if agent.partition(" ")[0] in line]
    return sum(re.search(r'"GET \S+ HTTP/1.1" 404 ', line) is not None for line in lines) == 4 * len(PULLS)


def decisions(root: Root, account: str) -> set[str]:
    """The issuer's logs that name an account."""
    return wait_for(lambda: naming(root, f"account={account} service="), what="the decision")


def signed(root: Root, claims: Mapping[str, object]) -> str:
    access = tokens.repository_access("public/app", "pull")
    return tokens.sign(root.secrets()["internal_key"], access, claims=claims)


@pytest.mark.parametrize("format_", ["text", "json"])
def test_anonymous_pulls_have_logs_of_their_own(running: Root, format_: str) -> None:
    """Whatever the client says of itself, and in every format of the registry's log; also where it says most."""
    if format_ == "json":
        running.settings(NO_GITLAB, 'registry["log_formatter"] = "json"', 'registry["log_level"] = "debug"')
        running.reconfigure()
    token = Issuer.of(running).token(None, "repository:public/app:pull")
    odd = ('Referer: x "y" z', 'Content-Type: a "b" ^ c', "X-Forwarded-For: ^")
    for agent, fields in ((f"plain-{format_}", ()), (f'odd-{format_} ^ "b" \\c', odd)):
        assert pulls(running, token, agent, *fields) == {ANONYMOUS, OF_ANONYMOUS}
    assert decisions(running, "anonymous") == {APART["registry-auth/refused"]}


@pytest.mark.parametrize(
    "claims",
    [{"auth_type": "none", "sub": ...}, {"sub": None}, {"sub": ""}],
    ids=["GitLab", "null", "empty"],
)
def test_tokens_of_gitlab_for_nobody(
    running: Root, claims: dict[str, Any], request: pytest.FixtureRequest
) -> None:
    agent = f"nobody-{request.node.callspec.id}"
    assert pulls(running, signed(running, claims), agent) == {ANONYMOUS, OF_ANONYMOUS}


@pytest.mark.one_registry("NGINX and svlogd part them")
@pytest.mark.parametrize(
    "claims",
    [
        {"sub": "alice"},
        {"sub": '"sub":"","auth_type":"none"'},
        {"sub": "alice", "x": ['"sub":null', '"auth_type":"none"']},
        {"sub": ..., "auth_type": "deploy_token"},
        {"sub": ...},
    ],
    ids=["user", "name-like-the-mark", "texts-like-it", "deploy-token-of-GitLab", "GitLab-itself"],
)
def test_pulls_of_accounts_are_logged_where_they_were(
    running: Root, claims: dict[str, Any], request: pytest.FixtureRequest
) -> None:
    """The control: each of them, whatever their client says."""
    agent, token = request.node.callspec.id, signed(running, claims)
    assert pulls(running, token, agent) == {ACCESS, OUTPUT}
    assert pulls(running, token, f"marked-{agent} ^", "Referer: ^", "Content-Type: a^b") == {ACCESS, OUTPUT}


def test_logged_in_users_of_ctls_issuer(running: Root) -> None:
    token = Issuer.of(running).token("reader", "repository:public/app:pull")
    assert pulls(running, token, "the-reader") == {ACCESS, OUTPUT}
    assert decisions(running, "reader") == {ISSUER}


@pytest.mark.one_registry("NGINX asks the settings")
def test_a_registry_without_authentication(running: Root) -> None:
    """Nobody has credentials there, whatever they send."""
    running.settings(NO_GITLAB, 'registry["env"] = {"REGISTRY_AUTH": "{}"}')
    running.reconfigure()
    for number, token in enumerate((running.sign("public/app", "pull"), "a.b.c", "x")):
        assert pulls(running, token, f"open-{number}") == {ANONYMOUS, OF_ANONYMOUS}


@pytest.mark.one_registry("NGINX refuses, not the registry")
def test_a_flood_of_them_has_a_limit(running: Root) -> None:
    """Four times as many as of those who bring no token; what is refused is in the other log, in part."""
    running.settings(
        NO_GITLAB,
        'registry["nginx"]["anonymous_requests_per_second"] = 1',
        'registry["nginx"]["anonymous_requests_burst"] = 25',
    )
    running.reconfigure()
    number = 2_000
    before = running.read(ANONYMOUS).count("\n")
    anonymous, account = signed(running, {"sub": ""}), signed(running, {})

    def asked(token: str) -> bytes:
        return get(PULLS[0], "localhost", f"Authorization: Bearer {token}")

    counts = flood(running, asked(anonymous), number, "127.0.0.26")
    assert 100 <= counts[404] <= 1_000
    assert counts[404] + counts[429] == number
    wait_for(lambda: running.read(ANONYMOUS).count("\n") - before == counts[404], what="a line of each")
    assert flood(running, asked(account), 400, "127.0.0.26")[429] == 0
