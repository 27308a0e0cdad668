"""A garbage collection from its beginning to its end."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Executor
from contextlib import nullcontext
from dataclasses import dataclass

from ctl.collector.manifest import Manifest
from ctl.collector.progress import Reporter
from ctl.distribution import distribution
from ctl.errors import PreflightError
from ctl.registry.collect.acting import storage_lock
from ctl.registry.collect.api import RegistryApi
from ctl.registry.collect.collector import Setup, run_collector
from ctl.registry.collect.guard import Guard, refuse_database
from ctl.registry.collect.instance import private_registry
from ctl.registry.collect.output import Collected
from ctl.registry.collect.plan import Repository, doomed, survivors, waves
from ctl.registry.collect.read_only import read_only
from ctl.registry.collect.result import Result
from ctl.registry.collect.session import behind_gate
from ctl.registry.collect.sizes import blob_sizes, nothing_stored, refuse_missing, stored_sizes
from ctl.registry.collect.survey import survey, threads
from ctl.registry.gate import Gate
from ctl.registry.interrupt import stoppable
from ctl.settings.components.registry import USUAL_NAMES

Plan = tuple[Repository, list[Manifest]]
"""A repository and those of its manifests that go."""


def collect(
    setup: Setup,
    *,
    untagged: bool,
    dry_run: bool,
    reporter: Reporter,
    report: Callable[[Result], None],
    serves: bool = False,
) -> None:
    """Collect the garbage of a registry. Must be called in the main thread.

    The service is set aside meanwhile, unless it is a dry run; afterwards it is what it was before, whatever
    happens. Also if ctl is killed: the kernel then opens the gate at which the run script waits.

    Args:
        setup: the registry.
        untagged: delete also manifests that no tag leads to.
        dry_run: delete nothing, and let the registry serve.
        reporter: gets how it goes.
        report: called with the result, before anything that can still fail.
        serves: let it serve read-only meanwhile, instead of setting it aside.

    Raises:
        LockHeld: another collection is under way.
        PreflightError: this registry's garbage cannot be collected so; says why.
        RunFailed: the registry's program failed.
        Interrupted: by Ctrl-C, TERM or HUP.
    """
    started = time.monotonic()
    refuse_unfit(setup)
    if not setup.program.exists():
        raise PreflightError(
            f"{setup.program} is not installed", hint=f"Run: {distribution().install_hint(USUAL_NAMES[-1])}"
        )
    result = Result(untagged, dry_run)

    def finished() -> None:
        result.seconds = time.monotonic() - started
        report(result)

    root = setup.storage
    if root is not None and setup.config.cache != "redis" and nothing_stored(root):
        finished()
        return
    guard = Guard(setup.config, reporter)
    with stoppable():
        guard.check(mend=False)
        mode = read_only(setup, reporter) if serves and not dry_run else nullcontext(False)
        lock = nullcontext() if dry_run else storage_lock(setup)
        with (
            lock,
            mode as goes_on,
            behind_gate(setup, dry_run=dry_run, reporter=reporter, finished=finished, serves=goes_on) as gate,
            threads() as pool,
        ):
            _Collection(setup, gate, pool, reporter, result, guard).run()


def refuse_unfit(setup: Setup) -> None:
    """Refuse a registry whose storage must not be collected from outside.

    Raises:
        PreflightError: says why.
    """
    config = setup.config
    if config.driver == "inmemory":
        raise PreflightError("the inmemory storage driver keeps images in the registry's process: restart it")
    refuse_database(config)
    refuse_missing(setup.storage)


@dataclass
class _Collection:
    """One collection behind its gate; fills in the result."""

    setup: Setup
    gate: Gate
    pool: Executor
    reporter: Reporter
    result: Result
    guard: Guard

    def run(self) -> None:
        """Do it, or in a dry run find out what it would do."""
        plans: Sequence[Plan] = ()
        # again, now that nobody writes any more
        self.guard.check(mend=not self.result.dry_run)
        look = self._look() if self.result.untagged or self.result.dry_run else None
        if look is not None and self.result.untagged:
            plans = self._untagged(look)
        if look is not None and self.result.dry_run:
            self._would_free(look, plans)
        else:
            self._sweep(_sizes_given(plans))

    def _look(self) -> Collected:
        """What there is, and what nothing refers to now."""
        self.reporter.step("looking at manifests")
        return self._count(run_collector(self.setup, self.gate, dry_run=True, reporter=self.reporter))

    def _count(self, collected: Collected) -> Collected:
        self.result.repositories = len(collected.manifests)
        self.result.kept = sum(map(len, collected.manifests.values()))
        return collected

    def _untagged(self, look: Collected) -> list[Plan]:
        """Find out which manifests no tag leads to, and delete them unless it is a dry run."""
        dry_run = self.result.dry_run
        with private_registry(self.setup, self.gate, writable=not dry_run) as api:
            self.reporter.step("looking at tags")
            repositories = survey(
                api,
                look.manifests,
                pool=self.pool,
                all_manifests=dry_run,
                advance=self.reporter.advance,
                warn=self.reporter.warn,
            )
            plans = [(repository, doomed(repository)) for repository in repositories]
            self.reporter.step("deleting manifests")
            for repository, manifests in plans:
                for wave in waves(manifests):
                    self._delete(api, repository.name, [manifest.digest for manifest in wave])
        return plans

    def _delete(self, api: RegistryApi, repository: str, digests: list[str]) -> None:
        """Several at once: for each, the registry reads all tags of the repository."""

        def delete(digest: str) -> bool:
            return self.result.dry_run or api.delete(repository, digest)

        for digest, deleted in zip(digests, self.pool.map(delete, digests), strict=True):
            if deleted:
                self.result.manifests.append((repository, digest))
                self.result.kept -= 1
            self.reporter.advance()

    def _sweep(self, known: Mapping[str, int]) -> None:
        """Delete the blobs that nothing refers to.

        Args:
            known: sizes in bytes that deleted manifests give, for storage that cannot be measured.
        """
        root = self.setup.config.root
        self.reporter.step("measuring blobs")
        before = blob_sizes(root) if root else {}
        self.reporter.step("deleting blobs")
        collected = run_collector(self.setup, self.gate, dry_run=False, reporter=self.reporter)
        if not self.result.untagged:
            self._count(collected)
        sizes = before if root else {**known, **_known(collected.blobs)}
        left = stored_sizes(root, collected.blobs) if root else {}
        self.result.blobs = {digest: sizes.get(digest) for digest in collected.blobs if digest not in left}

    def _would_free(self, look: Collected, plans: Sequence[Plan]) -> None:
        """What nothing refers to now, and what nothing would once the manifests are gone."""
        gone = {
            digest for _, manifests in plans for one in manifests for digest in (one.digest, *one.references)
        }
        unneeded = [digest for digest in look.blobs if digest not in self.guard.needed]
        digests = dict.fromkeys([*unneeded, *sorted(gone - _needed(plans))])
        root = self.setup.config.root
        if root is not None:
            self.result.blobs = {**stored_sizes(root, digests)}
        else:
            sizes = {**_sizes_given(plans), **_known(look.blobs)}
            self.result.blobs = {digest: sizes.get(digest) for digest in digests}


def _needed(plans: Sequence[Plan]) -> set[str]:
    """Everything that the surviving manifests of all repositories are or refer to."""
    found: set[str] = set()
    for repository, _ in plans:
        for digest in survivors(repository):
            found.add(digest)
            if digest in repository.manifests:
                found.update(repository.manifests[digest].references)
    return found


def _sizes_given(plans: Sequence[Plan]) -> dict[str, int]:
    """The sizes in bytes of deleted manifests and of what they refer to, as they give them."""
    found: dict[str, int] = {}
    for _, manifests in plans:
        for manifest in manifests:
            found |= {**manifest.sizes, manifest.digest: manifest.size}
    return found


def _known(sizes: Mapping[str, int | None]) -> dict[str, int]:
    return {digest: size for digest, size in sizes.items() if size is not None}
