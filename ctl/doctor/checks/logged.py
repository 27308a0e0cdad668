"""What the logs of the last hour complain about, and which clients are too old."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

from ctl.doctor.check import Check, Finding, ok, warning
from ctl.doctor.log_lines import agent_of, files_of, recent
from ctl.doctor.messages import explain, shape
from ctl.doctor.site import SUBJECT, Site
from ctl.registry.reason import log_entry

PERIOD = timedelta(hours=1)
SHOWN = 5
"""Causes that are not known by name; the most frequent."""
_LEVELS = ("error", "fatal", "panic", "crit", "alert", "emerg", "warning", "warn")
_NGINX = re.compile(r"\[(error|crit|alert|emerg)\] \d+#\d+: (?:\*\d+ )?(?P<text>.*?)(?:, client: .*)?$")
_PROGRAM = re.compile(
    r"^(?:\S+ )?(?P<text>(?:panic|fatal error|svlogd: \w+|runsv \S+: \w+|event=.*(?:fail|cannot|error)).*)"
)
_ERROR = re.compile(r"\blevel=(?:error|fatal|panic)\b|\"level\": ?\"(?:error|fatal|panic)\"")
_ABSENT = re.compile(r"http\.response\.status\W+404\b")
_OF_A_BLOB = re.compile(r"http\.request\.method\W+GET\b.*http\.request\.uri\W+/\S*/blobs/")
_OLD_DOCKER = re.compile(r"\bdocker/1\.(?P<minor>\d)\.\d")
"""1.0 to 1.9: they push manifests of schema 1 (seed, 'Supporting older Docker clients')."""


def _errors(site: Site) -> Iterator[Finding]:
    since = datetime.now(UTC) - PERIOD
    known: Counter[tuple[str, str]] = Counter()
    others: Counter[str] = Counter()
    for line in _lines(site, since):
        text = complaint(line)
        if not text:
            continue
        found = explain(line)
        if found:
            known[found.cause, found.remedy] += 1
        else:
            others[shape(text)] += 1
    yield from (
        warning(f"{_times(number)}: {cause}", remedy) for (cause, remedy), number in known.most_common()
    )
    yield from (warning(f"{_times(number)}: {text}") for text, number in others.most_common(SHOWN))
    if not known and not others:
        yield ok("no errors in the logs of the last hour")
    elif len(others) > SHOWN:
        yield warning(f"and {len(others) - SHOWN} further messages")


def _times(number: int) -> str:
    return "once" if number == 1 else f"{number:,} times"


def complaint(line: str) -> str:
    """What a line complains about; "" where it does not, or where a check was what it complains about."""
    if f"{SUBJECT}/" in line or (_ABSENT.search(line) and not _OF_A_BLOB.search(line)):
        return ""  # that something is not there yet is what clients ask before each push
    level, text = log_entry(line.partition(" ")[2] if line[:4].isdigit() else line)
    if _ERROR.search(line) or (level in _LEVELS and level not in ("warning", "warn")):
        return _detail(line, text)
    if level in ("warning", "warn") or "token signed by untrusted key" in line:
        return text if explain(line) else ""
    found = _NGINX.search(line) or _PROGRAM.match(line)
    return found["text"] if found else ""


def _detail(line: str, text: str) -> str:
    """The registry's message says less than its detail."""
    found = re.search(r'\berr\.(?:detail|message)="((?:[^"\\]|\\.)*)"', line)
    return f"{text}: {found[1]}" if found else text


def _lines(site: Site, since: datetime) -> Iterator[str]:
    """Lines of every service's log, and of NGINX's own error logs; one line of the registry counts once."""
    for folder in _folders(site):
        for path in files_of(folder, since):
            if "access" not in path.name:
                yield from recent(path, since)


def _folders(site: Site) -> list[Path]:
    found: list[Path] = []
    for name in site.runit.names():
        log = site.runit.definition(name).log
        if log is not None:
            # NGINX has its own files in the folder, and svlogd's beside it
            found.append(log)
            found += sorted(current.parent for current in log.glob("*/current"))
    return list(dict.fromkeys(found))


ERRORS = Check(
    "errors",
    "the logs of the last hour hold no errors",
    _errors,
    remedy="see them: ctl tail",
)


def _clients(site: Site) -> Iterator[Finding]:
    since = datetime.now(UTC) - PERIOD
    old: Counter[str] = Counter()
    for folder in _folders(site):
        for path in files_of(folder, since):
            if "access" in path.name:
                old.update(
                    found[0] for line in recent(path, since) if (found := _OLD_DOCKER.search(agent_of(line)))
                )
    for agent, number in old.most_common():
        yield warning(f"{_times(number)}: {agent} asked, which pushes manifests of schema 1 only")
    if not old:
        yield ok("no Docker client older than 1.10 in the last hour")


CLIENTS = Check(
    "clients",
    "no client is too old for the registry",
    _clients,
    remedy='a newer Docker; or registry["compatibility_schema1_enabled"] = True, where the program can',
)
