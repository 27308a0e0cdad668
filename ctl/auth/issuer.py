"""Decides on requests for tokens: who asks, what it gets, and that nobody asks too often."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from math import ceil

from ctl.auth.accounts import Accounts
from ctl.auth.authenticate import (
    Principal,
    anonymous,
    authenticate,
    authenticate_token,
    kept_secret,
    principal_of,
)
from ctl.auth.config import Config
from ctl.auth.decisions import GRANTED, NOTHING, Decision
from ctl.auth.memory import Memory
from ctl.auth.refresh import RefreshTokens
from ctl.auth.requests import Credentials, Refusal, TokenRequest, malformed, unauthorized
from ctl.auth.rights import granted
from ctl.auth.scopes import ScopeError, parse_scopes
from ctl.auth.signers import Busy, Signers
from ctl.auth.turns import PAUSE, Crowded, Turns
from ctl.registry.token import Access, claims_of


@dataclass(frozen=True)
class Issued:
    """A token with what a client gets beside it.

    Args:
        token: signed.
        expires_in: seconds.
        issued_at: RFC 3339.
        access: what it holds.
        refresh_token: "" for none.
    """

    token: str
    expires_in: int
    issued_at: str
    access: Access
    refresh_token: str = ""


def too_many(outcome: str, message: str, wait: int, *, status: int = 429) -> Refusal:
    """An answer that says when to come back."""
    code = "TOOMANYREQUESTS" if status == 429 else "UNAVAILABLE"
    return Refusal(status, message, outcome, code=code, error="temporarily_unavailable", wait=wait)


class Issuer:
    """Issues tokens. All of it runs in one event loop; passwords are checked in threads beside it.

    Args:
        config: of the service.
        accounts: the accounts as they are now.
        signers: sign.
        refresh: makes and reads refresh tokens.
        memory: of logins.
        clock: seconds since 1970.
    """

    def __init__(
        self,
        config: Config,
        accounts: Callable[[], Accounts],
        signers: Signers,
        refresh: RefreshTokens,
        memory: Memory,
        *,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._config = config
        self._accounts = accounts
        self._signers = signers
        self._refresh = refresh
        self._clock = clock
        self._memory = memory
        workers = len(os.sched_getaffinity(0))
        self._turns = Turns(workers)
        self._threads = ThreadPoolExecutor(workers, thread_name_prefix="password")
        self._checks: dict[bytes, asyncio.Task[bool]] = {}

    async def issue(self, request: TokenRequest, decision: Decision) -> Issued:
        """Answer a request.

        Args:
            request: whose form is right.
            decision: has the client's address; gets what is decided.

        Raises:
            Refusal: no token.
        """
        decision.account, decision.service, decision.asked = request.account, request.service, request.scopes
        if request.credentials:
            decision.account = request.credentials.name
        self._refuse_other_service(request.service)
        try:
            scopes = parse_scopes(request.scopes)
        except ScopeError as error:
            raise malformed(error.message) from None
        principal, accounts = await self._principal(request, decision)
        decision.account = principal.name
        access = granted(principal, scopes)
        decision.granted = tuple(f"{one['type']}:{one['name']}:{','.join(one['actions'])}" for one in access)
        issued = await self._signed(principal, access)
        decision.outcome = GRANTED if access or not scopes else NOTHING
        if not request.offline or principal.kind == "anonymous":
            return issued
        # of the accounts by which it was let in: a password that has been changed since then revokes it
        refresh_token = request.refresh_token or self._refresh.make(accounts, principal.name)
        return replace(issued, refresh_token=refresh_token)

    def _refuse_other_service(self, service: str) -> None:
        if service != self._config.service:
            what = "service is not one that this issuer has tokens for" if service else "service is missing"
            raise malformed(what)

    async def _signed(self, principal: Principal, access: Access) -> Issued:
        lifetime = timedelta(seconds=self._config.lifetime)
        claims = claims_of(
            issuer=self._config.issuer,
            subject=principal.name,
            access=access,
            lifetime=lifetime,
            service=self._config.service,
        )
        if principal.kind == "anonymous":
            claims["auth_type"] = (
                "none"  # as in GitLab's tokens: these have logs of their own (ctl.nginx.credentials)
            )
        try:
            token = await self._signers.sign(claims)
        except Busy:
            raise too_many("refused: busy signing", "too busy", 1, status=503) from None
        issued_at = datetime.fromtimestamp(claims["iat"], UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        return Issued(token, self._config.lifetime, issued_at, access)

    async def _principal(self, request: TokenRequest, decision: Decision) -> tuple[Principal, Accounts]:
        """Who asks, and the accounts that say so."""
        accounts = self._accounts()
        if request.refresh_token:
            found = self._refresh.read(accounts, request.refresh_token)
            if found is None:
                raise unauthorized("refresh token unknown, revoked or too old")
            return found, accounts
        if request.credentials is None:
            return anonymous(accounts), accounts
        name = request.credentials.name
        await self._log_in(accounts, request.credentials, decision.address)
        # the check takes its time: what counts is how the accounts are after it
        now = self._accounts()
        principal = principal_of(now, name, self._clock())
        if principal is None or kept_secret(now, name) != kept_secret(accounts, name):
            raise unauthorized("account changed meanwhile")
        return principal, now

    async def _log_in(self, accounts: Accounts, credentials: Credentials, address: str) -> None:
        """Return where the credentials are right. Raises Refusal otherwise."""
        name, secret = credentials.name, credentials.secret
        wait = self._memory.attempts.wait(address, name)
        if wait:
            message = "too many failed attempts to log in"
            raise too_many("refused: too many failed attempts", message, wait)
        mark = self._memory.verified.mark(name, secret, kept_secret(accounts, name))
        # the secret of a deploy token takes no work to check: no flood of wrong ones is in its way
        if mark in self._memory.verified or authenticate_token(accounts, name, secret, self._clock()):
            self._memory.succeeded(address, name)
            return
        # clients come in parallel, with the same credentials: one check serves all of them
        check = self._checks.get(mark)
        if check is None:
            # counted at once, before any other request is looked at: many together are no way around limits
            slow = not self._memory.attempts.knows(address, name) and self._memory.attempts.crowded(name)
            begun = self._memory.begin(address, name)
            check = asyncio.create_task(self._check(accounts, credentials, mark, address, begun, slow=slow))
            self._checks[mark] = check
        # a client that goes away does not end the check of the others
        if not await asyncio.shield(check):
            raise unauthorized("wrong user name or password")
        self._memory.succeeded(address, name)

    async def _check(
        self,
        accounts: Accounts,
        credentials: Credentials,
        mark: bytes,
        address: str,
        begun: float,
        *,
        slow: bool,
    ) -> bool:
        """Whether the credentials are right, in its turn. Raises Refusal where none comes."""
        name = credentials.name
        known = self._memory.attempts.knows(address, name)
        try:
            async with self._turns.one(address, name, known=known, slow=slow):
                found = await self._authenticate(accounts, credentials)
            if found:
                self._memory.verify(mark)
                self._turns.forgive(address, name)
            return found
        except Crowded:
            self._memory.withdrawn(address, name, begun)
            wait = ceil(PAUSE) if slow else 1
            raise too_many("refused: busy checking passwords", "too busy", wait, status=503) from None
        finally:
            del self._checks[mark]

    async def _authenticate(self, accounts: Accounts, credentials: Credentials) -> bool:
        loop, name, secret = asyncio.get_running_loop(), credentials.name, credentials.secret
        found = await loop.run_in_executor(self._threads, authenticate, accounts, name, secret, self._clock())
        return found is not None

    def close(self) -> None:
        """End the threads."""
        self._threads.shutdown(wait=False, cancel_futures=True)
