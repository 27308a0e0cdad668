"""`ctl certificates`: every certificate of the node, its end, its key, and who uses it."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import click

from ctl.cli.framework import Context, command
from ctl.commands.certificates_renew import renew
from ctl.errors import EXIT_FAILED, EXIT_OK
from ctl.output import Style

if TYPE_CHECKING:
    from ctl.certificates.installed import Installed, Key

WIDTH = 79
_LABEL = 11


@command(cls=click.Group, invoke_without_command=True)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def certificates(ctx: Context, *, as_json: bool) -> int:
    """List every certificate of this node. Whose it is, when it ends, who uses it.

    The server's, the local CA's, and those that verify tokens. Exit status 1 when one has ended, cannot be
    used, or does not match its key. One that ends within 30 days is warned of.
    """
    if click.get_current_context().invoked_subcommand:
        return EXIT_OK
    from ctl.certificates.installed import installed
    from ctl.cli.loading import load_for_command

    now = datetime.now(UTC)
    found = installed(load_for_command(ctx, use_secrets=False).attributes, ctx.layout)
    if as_json:
        ctx.console.result_json({"certificates": [_described(one, now) for one in found]})
    else:
        _print(ctx, found, now)
    faults = [fault for one in found for fault in one.faults(now)]
    _report(ctx, found, faults, now)
    return EXIT_FAILED if faults else EXIT_OK


def _print(ctx: Context, found: list[Installed], now: datetime) -> None:
    if not found:
        ctx.console.say("this node has no certificates")
    for number, one in enumerate(found):
        if number:
            ctx.console.result("")
        ctx.console.result(ctx.console.paint(str(one.path), Style.PLACE))
        for label, value, style in _fields(one, now):
            lines = textwrap.wrap(value, WIDTH - _LABEL, break_long_words=False, break_on_hyphens=False)
            for index, line in enumerate(lines):
                text = ctx.console.paint(line, style) if style else line
                ctx.console.result(f"  {'' if index else label:<{_LABEL - 2}}{text}")


def _fields(one: Installed, now: datetime) -> Iterator[tuple[str, str, Style | None]]:
    from ctl.tls.chain import Reach

    yield "used by", one.use, None
    if one.facts is None:
        yield "content", "unknown (needs root)" if one.denied else "cannot be read", _bad(not one.denied)
        return
    yield "subject", one.facts.subject or "(empty)", None
    if one.facts.names:
        yield "names", ", ".join(one.facts.names), None
    yield "ends", *_end(one, now)
    if one.chain:
        yield "chain", str(one.chain), _bad(bad=True) if one.chain.reach is Reach.MISSING else None
    if one.renewal:
        yield "renewed", one.renewal, None
    if one.key:
        yield "key", *_key(one.key)


def _bad(bad: bool) -> Style:
    return Style.BAD if bad else Style.WARN


def _end(one: Installed, now: datetime) -> tuple[str, Style]:
    assert one.facts is not None  # noqa: S101 - its caller looked
    day, days = f"{one.facts.not_after:%Y-%m-%d}", one.facts.days_left(now)
    if one.facts.not_after <= now:
        return f"{day}, has ended", Style.BAD
    return f"{day}, in {days} days", Style.WARN if one.warnings(now) else Style.GOOD


def _key(key: Key) -> tuple[str, Style | None]:
    from ctl.certificates.installed import FAULTS, KeyState

    text = f"{key.state}: {key.path}" if key.path else str(key.state)
    if key.state in FAULTS:
        return text, Style.BAD
    return text, Style.GOOD if key.state is KeyState.MATCHES else None


def _report(ctx: Context, found: list[Installed], faults: list[str], now: datetime) -> None:
    """Faults and warnings on standard error, each once."""
    from ctl.certificates.installed import KeyState

    for fault in dict.fromkeys(faults):
        ctx.console.error(f"{ctx.console.paint('error', Style.BAD, err=True)}: {fault}")
    for warning in dict.fromkeys(text for one in found for text in one.warnings(now)):
        ctx.console.note(f"{ctx.console.paint('warning', Style.WARN, err=True)}: {warning}")
    if any(one.denied or (one.key and one.key.state is KeyState.UNKNOWN) for one in found):
        ctx.console.note("root sees all of it: sudo ctl certificates")


def _described(one: Installed, now: datetime) -> dict[str, object]:
    found: dict[str, object] = {"kind": one.kind, "path": one.path, "used_by": one.use}
    if one.facts:
        found |= {
            "subject": one.facts.subject,
            "issuer": one.facts.issuer,
            "names": one.facts.names,
            "not_before": one.facts.not_before.isoformat(),
            "not_after": one.facts.not_after.isoformat(),
            "days_left": one.facts.days_left(now),
            "fingerprint": one.facts.fingerprint,
        }
    if one.chain:
        reach = one.chain.reach.name.lower()
        found["chain"] = {"reach": reach, "last": one.chain.last, "url": one.chain.url or None}
    if one.renewal:
        found["renewal"] = one.renewal
    key = {"path": one.key.path, "state": one.key.state} if one.key else None
    return found | {
        "key": key,
        "errors": one.faults(now),
        "warnings": one.warnings(now),
        "denied": one.denied,
    }


certificates.add_command(renew)  # type: ignore[attr-defined]
