"""The steps of `ctl registry-migrate-storage`: copy while serving, hold writes, copy the rest, compare, switch."""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from ctl.cli.framework import Context
from ctl.collector.managed import refuse_managed_store
from ctl.collector.progress import Reporter
from ctl.commands.reconfigure import run as reconfigure
from ctl.converge.atomic import write_atomic
from ctl.errors import CtlError, PreflightError, RunFailed, UsageFault
from ctl.images.migrate.copying import Copying, listing
from ctl.images.migrate.state import State
from ctl.output import Console
from ctl.registry.collect.acting import ActingAs, storage_lock
from ctl.registry.collect.collector import Setup
from ctl.registry.collect.guard import refuse_database
from ctl.registry.drivers import NO_DRIVERS, driver_of
from ctl.registry.gate import Gate
from ctl.registry.interrupt import stoppable
from ctl.registry.migration_hold import Hold, Note, left_by_migration, migration_holds, text_sum
from ctl.registry.pause import RegistryService
from ctl.registry.read_only import hold_file
from ctl.registry.storage_check import check_storage
from ctl.registry.store import parameters, same_place, store_of
from ctl.settings.editing.apply import replace_text, text_with_value
from ctl.settings.editing.naming import Setting, find
from ctl.settings.editing.preview import NOT_GIVEN, Preview
from ctl.settings.editing.values import source_of

_STORAGE, _PATH = "registry.storage", "gitlab_rails.registry_path"


@dataclass(frozen=True)
class Target:
    """Where to.

    Args:
        file: that names it.
        setting: in that file: the storage, or the folder of images.
        value: of the setting.
        setup: the registry with it.
    """

    file: Path
    setting: Setting
    value: object
    setup: Setup


@dataclass(frozen=True)
class Outcome:
    """What a migration did.

    Args:
        source, target: names of the storages.
        copied, bytes_copied: by this call.
        sums: objects, bytes and blobs of both, as compared.
        paused: seconds for which pushes were refused.
        back: a file by which the way back is the same.
        damaged: blobs whose content is not what their name says; copied as they are.
    """

    source: str
    target: str
    copied: int
    bytes_copied: int
    sums: Mapping[str, int]
    paused: float
    back: Path
    damaged: list[str]

    def as_json(self) -> dict[str, Any]:
        """For `--json`."""
        return {
            "from": self.source,
            "to": self.target,
            "copied": self.copied,
            "bytes_copied": self.bytes_copied,
            **self.sums,
            "paused_seconds": round(self.paused, 3),
            "back": str(self.back),
            "damaged": self.damaged,
        }


def find_target(ctx: Context, setup: Setup, file: Path) -> Target:
    """The storage that a settings file names.

    Args:
        ctx: the command's.
        setup: the registry as it is.
        file: with registry["storage"] or gitlab_rails["registry_path"]; what else of the storage section it does not
            give (cache, delete, redirect, …) stays.

    Raises:
        UsageFault: it names none.
        SettingsError: the settings would be wrong with it.
    """
    text = _text(file)
    given = Preview(file, text, ctx.layout)
    setting, value = find(_STORAGE), given.given(find(_STORAGE)).value
    if value is NOT_GIVEN:
        setting, value = find(_PATH), given.given(find(_PATH)).value
    if value is NOT_GIVEN:
        hint = 'Write there registry["storage"] = {…} or gitlab_rails["registry_path"] = "…"'
        raise UsageFault(f"{file} names no storage", hint=hint)
    current = _text(ctx.settings_file)
    if isinstance(value, dict) and driver_of(value):
        former = Preview(ctx.settings_file, current, ctx.layout).given(setting).value
        rest = former.items() if isinstance(former, dict) else ()
        value = {name: one for name, one in rest if name in NO_DRIVERS - {"maintenance"}} | value
    planned = text_with_value(ctx.settings_file, current, ctx.layout, setting, value)
    storage = Preview(ctx.settings_file, planned, ctx.layout).attributes().registry.storage
    config = replace(setup.config, document={**setup.config.document, "storage": storage})
    return Target(file, setting, value, replace(setup, config=config))


def is_there(setup: Setup, target: Target) -> bool:
    """Whether the registry has its images there already."""
    here, there = setup.config, target.setup.config
    return same_place((here.driver, parameters(here)), (there.driver, parameters(there)))


def forget_hold(ctx: Context) -> None:
    """Remove the note of a migration that was killed when all was done."""
    if not migration_holds(ctx.layout) and left_by_migration(ctx.layout) is None:
        hold_file(ctx.layout).unlink(missing_ok=True)


class Migration:
    """A migration.

    Args:
        ctx: the command's.
        setup: the registry as it is.
        target: where to.
        reporter: gets how it goes.
        jobs: objects that are copied at a time.

    Raises:
        PreflightError: a metadata database manages one of the storages.
    """

    def __init__(self, ctx: Context, setup: Setup, target: Target, reporter: Reporter, jobs: int) -> None:
        self._ctx, self._setup, self._target, self._reporter = ctx, setup, target, reporter
        self._acting = ActingAs(setup.account)
        self.source, self.target = store_of(setup), store_of(target.setup)
        self._jobs = jobs
        self._held_since = 0.0
        self._refuse_databases()
        self._note = Hold(ctx.layout)

    def _refuse_databases(self) -> None:
        """What a metadata database manages cannot be compared by its files."""
        refuse_database(self._setup.config)
        refuse_database(self._target.setup.config)
        with self._acting:
            refuse_managed_store(self.source)
            refuse_managed_store(self.target)

    @property
    def _state_file(self) -> Path:
        name = hashlib.sha256(f"{self.source.name}\0{self.target.name}".encode()).hexdigest()[:16]
        return self._ctx.layout.state / "storage-migration" / f"{name}.jsonl"

    def forecast(self) -> tuple[int, int]:
        """How many objects and bytes would be copied. Changes nothing."""
        with self._acting:
            here, there = listing(self.source), listing(self.target)
        wanted = [one for one in here.values() if one.key not in there or there[one.key].size != one.size]
        return len(wanted), sum(one.size for one in wanted)

    def run(self, *, replace_others: bool) -> Outcome:
        """Do it, or go on with it.

        Raises:
            CtlError: it failed; the registry serves the storage that it has had, and takes pushes.
            Interrupted: likewise.
        """
        self._state = State(self._state_file)
        self._copying = Copying(self.source, self.target, self._state, self._reporter, self._jobs)
        with stoppable():
            self._prepare()
            with self._working():
                self._copying.refuse_other_data(replace=replace_others)
                self._copying.copy()
            with storage_lock(self._setup), Gate(self._ctx.layout, shared=True):
                return self._finish()

    def _prepare(self) -> None:
        """The texts of the settings file that are needed, and a place that may be written."""
        text = _text(self._ctx.settings_file)
        held, after = self._state.noted("held"), self._state.noted("after")
        if text in (held, after) and after is not None:  # this migration was cut off
            self._before, self._after = self._state.noted("before") or text, after
        else:
            self._after = self._planned(text, self._target.setting, self._target.value)
            self._before = self._in_force(text)
        self._held = self._planned(self._before, find(_STORAGE), self._read_only())
        self._make_folder()
        with self._acting:
            lacking = [one for one in check_storage(self.target, _account(self._setup)) if one.ok is False]
        if lacking:
            why = "; ".join(
                f"{one.operation}: {one.permission or one.reason} {one.remedy}" for one in lacking
            )
            raise PreflightError(f"{self.target.name} cannot be written: {why}")

    def _planned(self, text: str, setting: Setting, value: object) -> str:
        return text_with_value(self._ctx.settings_file, text, self._ctx.layout, setting, value)

    def _in_force(self, text: str) -> str:
        """The settings with the storage that the registry has now: they may name the new one already."""
        storage = Preview(self._ctx.settings_file, text, self._ctx.layout).attributes().registry.storage
        config, driver = self._setup.config, driver_of(storage) or ""
        if same_place((config.driver, parameters(config)), (driver, storage.get(driver) or {})):
            return text
        given = Preview(self._ctx.settings_file, text, self._ctx.layout).given(find(_STORAGE)).value
        rest = given.items() if isinstance(given, dict) else ()
        former = {name: one for name, one in rest if name in NO_DRIVERS}
        return self._planned(text, find(_STORAGE), former | {config.driver: parameters(config)})

    def _make_folder(self) -> None:
        folder, account = self._target.setup.storage, self._setup.account
        if folder is None or folder.exists():
            return
        folder.mkdir(mode=0o750, parents=True)
        if account is not None:
            os.chown(folder, account.uid, account.gid)

    def _read_only(self) -> dict[str, Any]:
        given = Preview(self._ctx.settings_file, self._before, self._ctx.layout).given(find(_STORAGE)).value
        if not isinstance(given, dict):
            given = {"filesystem": {"rootdirectory": str(self._setup.storage)}}
        maintenance = {**(given.get("maintenance") or {}), "readonly": {"enabled": True}}
        return {**given, "maintenance": maintenance}

    @contextmanager
    def _working(self) -> Iterator[None]:
        """With the rights of the registry's account, and files that others may not read."""
        before = os.umask(0o027)
        try:
            with self._acting:
                yield
        finally:
            os.umask(before)

    def _finish(self) -> Outcome:
        """Hold writes, copy the rest, compare, switch. Whatever fails: pushes are taken again."""
        try:
            self._hold()
            with self._working():
                sums = self._copying.finish()
                self._copying.mark_left()
            back = self._way_back()
            self._reporter.step("switching")
            self._write(self._after)
            self._reconfigure()
        except BaseException:
            self._put_back()
            raise
        finally:
            self._note.release()
        paused = time.monotonic() - self._held_since
        self._state.remove()
        self._note.end()
        copied = self._copying
        return Outcome(
            self.source.name, self.target.name, copied.copied, copied.size, sums, paused, back, copied.damaged
        )

    def _hold(self) -> None:
        """Let the registry refuse pushes, and wait for those that are under way."""
        self._reporter.step("holding writes")
        self._held_since = time.monotonic()
        self._state.note("before", self._before)
        self._state.note("held", self._held)
        self._state.note("after", self._after)
        self._note.begin(self._noted())
        self._write(self._held)
        self._reconfigure()
        config = self._setup.config
        RegistryService(self._ctx.layout, address=config.address, drain=config.drain).await_former()

    def _noted(self) -> Note:
        texts = (self._before, self._held, self._after)
        places = (self._target.file, self._ctx.settings_file, self._state.path, self._setup.config.path)
        return Note(*(str(one.absolute()) for one in places), *map(text_sum, texts))

    def _write(self, text: str) -> None:
        replace_text(self._ctx.settings_file, _text(self._ctx.settings_file), text)

    def _reconfigure(self) -> None:
        quiet = self._ctx._replace(console=Console(quiet=True))
        code = reconfigure(quiet, dry_run=False, diff=False, as_json=False)
        if code:
            raise RunFailed(f"ctl reconfigure ended with exit status {code}")

    def _put_back(self) -> None:
        """The settings as they were; the registry takes pushes again."""
        if _text(self._ctx.settings_file) == self._before:
            return self._note.end()
        self._reporter.warn("putting the settings back; the registry stays where it was")
        self._write(self._before)
        try:
            self._reconfigure()
        except CtlError as error:
            self._reporter.warn(f"the registry may still refuse pushes: {error.message}; run ctl reconfigure")
        else:
            self._note.end()

    def _way_back(self) -> Path:
        """A file that names the storage that was left."""
        if self._target.setting.name == _PATH and self._setup.storage is not None:
            line = f"{self._target.setting.python} = {source_of(str(self._setup.storage))}\n"
        else:
            given = self._read_only()
            storage = {name: one for name, one in given.items() if name not in NO_DRIVERS}
            line = f"{find(_STORAGE).python} = {source_of(storage)}\n"
        stamp = time.strftime("%Y%m%d-%H%M%S")
        path = self._ctx.settings_file.resolve().with_name(f"storage-before-{stamp}.py")
        write_atomic(path, f"# ctl registry-migrate-storage --to {path}\n{line}".encode(), mode=0o600)
        return path


def undo_killed(ctx: Context) -> Note | None:
    """Let the registry take pushes again after a migration that was killed while it copied the rest.

    What was copied stays where it is, and the same command goes on from there.

    Args:
        ctx: the command's.

    Returns:
        The note of that migration; None where there is none.

    Raises:
        PreflightError: it has gone too far, or the settings were changed since; says what to do.
        CtlError: the registry does not start with the settings as they were.
    """
    note = left_by_migration(ctx.layout)
    if note is None:
        return None
    if not note.can_be_undone:
        raise PreflightError(note.problem)
    state = State(Path(note.state))
    before, held = state.noted("before"), state.noted("held")
    state.close()
    if before is None or held is None:
        raise PreflightError(
            f"{note.state} does not say what {note.settings} was before", hint=f"`{note.command}` goes on."
        )
    replace_text(Path(note.settings), held, before)
    quiet = ctx._replace(settings=Path(note.settings), console=Console(quiet=True))
    if code := reconfigure(quiet, dry_run=False, diff=False, as_json=False):
        raise RunFailed(f"ctl reconfigure ended with exit status {code}")
    hold_file(ctx.layout).unlink(missing_ok=True)
    return note


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
        raise UsageFault(f"{path} cannot be read: {reason}") from error


def _account(setup: Setup) -> str:
    return str(setup.account.uid if setup.account else os.geteuid())
