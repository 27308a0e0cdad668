"""Deletes tags, manifests and repositories beside a registry that serves, so that it forgets them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress

from ctl.collector.collection import Hooks
from ctl.collector.restoring import undo_killed
from ctl.errors import CtlError
from ctl.images.removal import Remover
from ctl.registry.collect.acting import acting_in
from ctl.registry.collect.collector import Setup
from ctl.registry.collect.serving import hooks
from ctl.registry.interrupt import stoppable
from ctl.storage.store import Store


@contextmanager
def removing(
    setup: Setup, place: str | Store, *, note: str, cached: bool, switch: Sequence[str] | None
) -> Iterator[Remover]:
    """Remove, with the rights of the registry's account. Afterwards the registry promises nothing of it.

    Where it fails, all is back as it was; what is killed, the next run brings back.

    Args:
        setup: the registry.
        place: folder or client of its storage.
        note: what kind of run it is, for the history.
        cached: whether more than tags goes: registries keep manifests and layers in caches, tags never.
        switch: the command that starts the registry anew, where ctl does not run it.

    Raises:
        LockHeld: a collection is under way.
        PreflightError: the registry could not be made to forget; nothing was removed.
        RunFailed: something cannot be moved, or the registry does not come back.
        Interrupted: by Ctrl-C, TERM or HUP.
    """
    with stoppable():
        acting = acting_in(setup)
        its = hooks(setup, acting, switch) if cached else Hooks()
        with acting:
            try:
                with Remover(place, lambda links: its.forget(links), note=note, switch=its.switch) as remover:
                    yield remover
            except BaseException:
                with suppress(CtlError):  # then the next run does
                    undo_killed(place)
                raise
