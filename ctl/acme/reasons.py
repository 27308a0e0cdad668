"""Why an authority issued no certificate, in words that say what to do; its own words go along."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from ctl.errors import CtlError
from ctl.tls.host_names import addresses, is_this_machine

HTTP = 80
_UNRESOLVED = re.compile(
    r"no such host|could not resolve|NXDOMAIN|SERVFAIL|no valid (?:A|IP)|lookup \S+ .*(?:timeout|refused)",
    re.I,
)
"""How authorities, and the resolvers behind them, say that a name leads nowhere."""
_RETRY = re.compile(r"retry after (\d{4}-\d\d-\d\d[ T]\d\d:\d\d:\d\d)", re.IGNORECASE)
LIMITED = timedelta(hours=12)
"""How long to wait where an authority says "too often" and not how long."""


class NotIssued(CtlError):
    """No certificate was issued; what is served goes on being served.

    Args:
        message, hint: as CtlError.
        counted: whether the authority counts it: too many of these, and it answers no more for a while.
        until: before when it makes no sense to ask again, as the authority says; None where it does not.
    """

    def __init__(
        self, message: str, *, hint: str | None = None, counted: bool = False, until: datetime | None = None
    ) -> None:
        super().__init__(message, hint=hint)
        self.counted = counted
        self.until = until


@dataclass(frozen=True)
class Problem:
    """What an authority answered (RFC 8555, 6.7).

    Args:
        kind: its type without the prefix, as "connection".
        detail: its words.
        name: the name that it is about, or "".
    """

    kind: str
    detail: str
    name: str = ""


def not_valid(problems: Sequence[Problem], *, authority: str, port: int) -> NotIssued:
    """Names that were not validated.

    Args:
        problems: at least one, each with a name.
        authority: its host.
        port: where NGINX answers challenges on this machine.
    """
    parts = [_in_words(problem, authority) for problem in problems]
    hints = dict.fromkeys(_what_to_do(problem, port) for problem in problems)
    return NotIssued("; ".join(parts), hint="\n    ".join(hints), counted=True)


def _in_words(problem: Problem, authority: str) -> str:
    name, detail = problem.name, _one_line(problem.detail)
    match _cause(problem):
        case "dns":
            return f"{authority} cannot resolve {name} ({detail})"
        case "connection":
            return f"{authority} cannot connect to {name} on port {HTTP} ({detail})"
        case "answer":
            return f"something else answers for {name} on port {HTTP} ({detail})"
        case "caa":
            return f"the CAA records of {name} do not let {authority} issue ({detail})"
    return f"{authority} does not accept {name}: {detail} ({problem.kind})"


def _cause(problem: Problem) -> str:
    if problem.kind in {"dns", "dnssec", "unknownHost"} or _UNRESOLVED.search(problem.detail):
        return "dns"
    if problem.kind in {"unauthorized", "incorrectResponse", "tls"}:
        return "answer"
    return problem.kind


def _what_to_do(problem: Problem, port: int) -> str:
    name = problem.name
    match _cause(problem):
        case "dns":
            return f"Let an A or AAAA record of {name} lead to this machine."
        case "connection":
            ways = (
                f"Let TCP port {HTTP} of {name} through to {_here(port)}: firewall, security group, router."
            )
            return f"{ways} {_leads(name)}"
        case "answer":
            return (
                f"Let {name} lead here, and to this NGINX: no other machine, web server, proxy or CDN may answer "
                f"for it on port {HTTP}. {_leads(name)}"
            )
        case "caa":
            return f"Add a CAA record to {name} that names the authority, or remove those that there are."
    return "What the authority says is what to change."


def _here(port: int) -> str:
    return "this machine" if port == HTTP else f"port {port} of this machine"


def _leads(name: str) -> str:
    found = sorted(addresses(name))
    if not found:
        return f"Seen from here, {name} does not resolve."
    whose = "this machine's" if is_this_machine(name) else "none of this machine's own"
    return f"Seen from here, {name} leads to {', '.join(found)}, {whose}."


def refused(problem: Problem, *, authority: str, now: datetime) -> NotIssued:
    """What an authority refused before or after it validated the names."""
    detail = _one_line(problem.detail)
    if problem.kind == "rateLimited":
        until = _until(detail) or now + LIMITED
        return NotIssued(
            f"{authority} has been asked too often: {detail}",
            hint="It is asked again when it allows that; a try that costs nothing: ctl renew-le-certs --staging",
            until=until,
        )
    if problem.kind == "externalAccountRequired":
        hint = "This authority wants an account that was made with it before, which is not supported."
        return NotIssued(f"{authority} refuses: {detail}", hint=hint)
    return NotIssued(
        f"{authority} refuses: {detail} ({problem.kind})", counted=problem.kind != "serverInternal"
    )


def _until(detail: str) -> datetime | None:
    found = _RETRY.search(detail)
    return datetime.fromisoformat(found[1]).replace(tzinfo=UTC) if found else None


def unreachable(authority: str, reason: str) -> NotIssued:
    """Nothing answers."""
    return NotIssued(
        f"{authority} cannot be reached: {_one_line(reason)}",
        hint="Does this machine get out by HTTPS? A proxy is named by HTTPS_PROXY. An authority that is down "
        "comes back.",
    )


def untrusted(authority: str, reason: str) -> NotIssued:
    """It answers, but with a certificate that nobody here knows."""
    return NotIssued(
        f"{authority} is not trusted: {_one_line(reason)}",
        hint='Name the certificate of an authority of your own in letsencrypt["acme_ca_file"].',
    )


def not_acme(authority: str, reason: str) -> NotIssued:
    """It answers, but not as RFC 8555 says."""
    return NotIssued(
        f"{authority} does not answer as an ACME server: {_one_line(reason)}",
        hint='Is letsencrypt["acme_production_endpoint"] the URL of its directory?',
    )


def undecided(authority: str, seconds: float) -> NotIssued:
    """It has not come to an end."""
    return NotIssued(f"{authority} has not decided within {seconds:.0f} s", hint="Try again later.")


def _one_line(text: str) -> str:
    """Words of others, without what could disturb a terminal."""
    line = " ".join(text.split())
    return "".join(letter if letter.isprintable() else "?" for letter in line)[:600]
