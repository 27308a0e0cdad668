"""Runs the registry's own garbage-collect, and believes it only what it says at its end."""

from __future__ import annotations

import signal
from dataclasses import dataclass
from pathlib import Path

from ctl.collector.progress import Reporter
from ctl.errors import RunFailed
from ctl.paths import Layout
from ctl.registry.collect.output import Collected
from ctl.registry.config import RegistryConfig
from ctl.registry.gate import Gate
from ctl.registry.launch import Account, clean_environment, end, start
from ctl.registry.programs import identify


@dataclass(frozen=True)
class Setup:
    """The registry whose garbage is collected.

    Args:
        layout: the root whose service is set aside.
        config: the registry's configuration.
        program: the registry program.
        account: whose rights it gets, or None for the caller's own.
    """

    layout: Layout
    config: RegistryConfig
    program: Path
    account: Account | None

    @property
    def storage(self) -> Path | None:
        """The folder of the images; None for object storage."""
        root = self.config.root
        return self.config.path.parent / root if root is not None else None

    @property
    def environment(self) -> dict[str, str]:
        """The registry's own environment, clean of the caller's, without what names another configuration."""
        own = dict(self.config.environment)
        own.pop("REGISTRY_CONFIGURATION_PATH", None)
        return clean_environment(own)


def run_collector(setup: Setup, gate: Gate, *, dry_run: bool, reporter: Reporter) -> Collected:
    """Run `garbage-collect` on the registry's configuration. It never deletes untagged manifests.

    Args:
        setup: the registry.
        gate: it inherits the gate, and so keeps it closed for as long as it lives.
        dry_run: whether it deletes nothing.
        reporter: gets each manifest and blob.

    Raises:
        RunFailed: it failed or did not come to its end; with its own reason.
    """
    process = start(
        [setup.program, "garbage-collect", *(["--dry-run"] if dry_run else []), setup.config.path],
        account=setup.account,
        environment={**setup.environment, **identify(setup.program).collector_environment},
        cwd=setup.config.path.parent,
        keep_open=(gate.fileno(),),
    )
    collected = Collected(reporter.advance)
    try:
        for line in process.stdout or ():
            collected.feed(line)
        code = process.wait()
    finally:
        end(process)
    if collected.empty or (code == 0 and collected.complete):
        return collected
    why = collected.reason(setup.config.secrets)
    raise RunFailed(f"garbage-collect {_ended(code)}: {why}", hint=_hint(why))


def _hint(why: str) -> str | None:
    """Distribution 3 knows no manifests of schema 1, and marks nothing where it meets one."""
    if "manifest schema version 1" not in why:
        return None
    return "Delete that manifest by its digest (DELETE /v2/NAME/manifests/DIGEST), or run Distribution 2."


def _ended(code: int) -> str:
    if code < 0:
        return f"was ended by {signal.Signals(-code).name}"
    return f"failed (exit {code})" if code else "did not come to its end"
