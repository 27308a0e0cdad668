"""Service definitions: which there are, which are enabled, and the small file with what ctl knows of each."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from ctl.errors import CtlError
from ctl.machine.health import Check, read_check
from ctl.paths import Layout

FACTS_FILE = "ctl.json"
DEFAULT_WAIT = 30
"""Seconds for a service whose definition says nothing."""


class Definition(NamedTuple):
    """What ctl knows of a service beside what runit needs.

    Args:
        listen: addresses that answer once it is up: "127.0.0.1:5000", "*:443", "unix:/path".
        wait: seconds it may take to end or to answer.
        log: the folder of its log (`current` inside), or None where it has none.
        signals: the signals that mean something to it, as "HUP", and what it does then.
        graceful: the folder of its sockets where a master restarts it without a failed request (ctl.graceful).
        health: what must be true of it beyond that it listens.
        health_seconds: within which that must be so after a start; 0: it is not waited for.
        pid_file: where its program writes its pid, if it does.
        hands_over: whether new workers take the place of the old ones when it reloads.
        users: that its processes may have beside root; () where that is not known.
    """

    listen: tuple[str, ...] = ()
    wait: int = DEFAULT_WAIT
    log: Path | None = None
    signals: Mapping[str, str] = {}
    graceful: Path | None = None
    health: tuple[Check, ...] = ()
    health_seconds: int = 0
    pid_file: Path | None = None
    hands_over: bool = False
    users: tuple[str, ...] = ()

    @property
    def seconds_to_answer(self) -> int:
        """Within which it must answer after a start."""
        return self.health_seconds or self.wait

    def content(self) -> str:
        """As the text of its file."""
        facts: dict[str, object] = {
            "listen": list(self.listen),
            "wait": self.wait,
            "log": str(self.log) if self.log else None,
            "signals": dict(self.signals),
            "graceful": str(self.graceful) if self.graceful else None,
            "pid_file": str(self.pid_file) if self.pid_file else None,
        }
        if self.hands_over:
            facts["hands_over"] = True
        if self.users:
            facts["users"] = list(self.users)
        if self.health:
            facts |= {
                "health": [check.facts() for check in self.health],
                "health_seconds": self.health_seconds,
            }
        return json.dumps(facts, indent=2) + "\n"


def read_definition(layout: Layout, name: str) -> Definition:
    """What the definition says; defaults where it says nothing (a site's own service).

    Raises:
        CtlError: its file cannot be read; names it.
    """
    return read_facts(layout.sv / name / FACTS_FILE)


def known_definition(layout: Layout, name: str) -> Definition:
    """As `read_definition`, with defaults where the file is damaged: nobody need wait for it to be mended.

    `ctl status` reports the damage, and `ctl reconfigure` writes the file anew.
    """
    try:
        return read_definition(layout, name)
    except CtlError:
        return Definition()


def read_facts(path: Path) -> Definition:
    """The definition in a file; as `read_definition`."""
    try:
        facts = json.loads(path.read_text(encoding="utf-8"))
        return Definition(
            listen=tuple(map(str, facts.get("listen", ()))),
            wait=int(facts.get("wait", DEFAULT_WAIT)),
            log=Path(facts["log"]) if facts.get("log") else None,
            pid_file=Path(facts["pid_file"]) if facts.get("pid_file") else None,
            signals={str(name): str(meaning) for name, meaning in facts.get("signals", {}).items()},
            graceful=Path(facts["graceful"]) if facts.get("graceful") else None,
            health=tuple(map(read_check, facts.get("health", ()))),
            health_seconds=int(facts.get("health_seconds", 0)),
            hands_over=bool(facts.get("hands_over")),
            users=tuple(map(str, facts.get("users", ()))),
        )
    except FileNotFoundError:
        return Definition()
    except (ValueError, TypeError, AttributeError, KeyError, RecursionError) as error:
        raise CtlError(f"{path} is damaged: {error}", hint="`ctl reconfigure` writes it anew.") from error


def defined_names(layout: Layout) -> list[str]:
    """Every service that has a definition."""
    return _names(layout.sv)


def enabled_names(layout: Layout) -> list[str]:
    """Every service that the supervisor is to run."""
    return _names(layout.service)


def _names(folder: Path) -> list[str]:
    """Entries as runsvdir sees them: those that begin with a dot are none of its own (runsvdir(8))."""
    try:
        return sorted(entry.name for entry in folder.iterdir() if not entry.name.startswith("."))
    except FileNotFoundError:
        return []
