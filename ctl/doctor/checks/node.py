"""Settings, programs, and what ctl wrote."""

from __future__ import annotations

from collections.abc import Iterator

from ctl.doctor.check import Check, Finding, failure, ok, warning
from ctl.doctor.site import Site
from ctl.language.source import Diagnostic, SettingsError, Severity
from ctl.machine.under_way import run_under_way
from ctl.node.history import changed_by_hand
from ctl.registry.migration_hold import left_by_migration
from ctl.registry.read_only import read_only_left
from ctl.registry.support import unsupported_settings

SHOWN = 5
"""Files that are named; `ctl diff-config` shows all."""


def _settings(site: Site) -> Iterator[Finding]:
    if site.given is None:
        problem = site.problem
        wrong = problem.diagnostics if isinstance(problem, SettingsError) else ()
        yield from (failure(_reported(one), one.hint) for one in wrong)
        if not wrong:
            yield failure(
                problem.message if problem else "they cannot be read", (problem and problem.hint) or ""
            )
        return
    yield ok(f"{site.settings_file} is valid")
    for one in site.diagnostics:
        if one.severity is Severity.WARNING:
            yield warning(_reported(one), one.hint)


def _reported(one: Diagnostic) -> str:
    """Without the line of the file, which may hold a secret."""
    return ": ".join(str(part) for part in (one.location, one.setting, one.message) if part)


SETTINGS = Check(
    "settings",
    "the settings file is valid, and nothing in it is doubtful",
    _settings,
    remedy="correct the settings file, then: ctl check-config",
)


def _programs(site: Site) -> Iterator[Finding]:
    attributes, programs = site.attributes, site.node.programs
    missing = [
        path
        for name in ("registry", "nginx", "runsvdir", "svlogd", "logrotate")
        if not (path := getattr(programs, name)).exists()
        and not (name != "registry" and _unneeded(site, name))
    ]
    yield from (failure(f"{path} is not installed") for path in missing)
    if attributes.registry.enable and programs.registry not in missing:
        yield ok(str(site.program))
        yield from (failure(problem) for problem in unsupported_settings(attributes, site.program))
    if attributes.nginx.enable and programs.nginx not in missing:
        yield ok(f"{programs.nginx} (version {'.'.join(map(str, programs.nginx_build.version))})")


def _unneeded(site: Site, name: str) -> bool:
    return name in ("nginx", "logrotate") and not site.attributes.nginx.enable


PROGRAMS = Check(
    "programs",
    "every program is there, and can do what the settings ask of it",
    _programs,
    needs=("settings",),
    remedy='install it, or name another one: registry["executable"], nginx["executable"]',
)


def _files(site: Site) -> Iterator[Finding]:
    if site.layout.journal.exists() and not run_under_way(site.layout):
        yield failure(
            "a run of reconfigure was interrupted, and half of its changes may be in force", "ctl recover"
        )
    if read_only_left(site.layout):
        yield failure("a garbage collection was killed and has left the registry read-only", "ctl recover")
    if note := left_by_migration(site.layout):
        yield failure(note.problem, "ctl recover" if note.can_be_undone else note.command)
    changed = list(changed_by_hand(site.layout))
    for path, what in changed[:SHOWN]:
        yield warning(f"{path} is not as the last run left it: {what}")
    if len(changed) > SHOWN:
        yield warning(f"{len(changed) - SHOWN} further files are not as the last run left them")
    if not changed:
        yield ok("every file is as the last run left it")


FILES = Check(
    "files",
    "files have the content, owner and mode with which ctl wrote them, and no run was interrupted",
    _files,
    remedy="see it: ctl diff-config; put it back: ctl reconfigure",
)
