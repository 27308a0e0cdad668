"""Deletes tags, manifests and repositories beside a registry that serves, so that it forgets them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from ctl.collector.collection import Hooks
from ctl.collector.restoring import restore
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

    Args:
        setup: the registry.
        place: folder or client of its storage.
        note: what kind of run it is, for the history.
        cached: whether more than tags goes: registries keep manifests and layers in caches, tags never.
        switch: the command that starts the registry anew, where ctl does not run it.

    Raises:
        LockHeld: a collection is under way.
        PreflightError: the registry could not be made to forget; nothing was removed.
        RunFailed: something cannot be moved, or the registry does not come back: then all is back as it was.
        Interrupted: by Ctrl-C, TERM or HUP.
    """
    with stoppable():
        acting = acting_in(setup)
        its = hooks(setup, acting, switch) if cached else Hooks()
        with acting:
            with Remover(place, lambda links: its.forget(links), note=note) as remover:
                yield remover
            if remover.removed.links and its.switch is not None:
                _switch(its.switch, place, remover.removed.run)


def _switch(switch: Callable[[], None], place: str | Store, run: str) -> None:
    """Where the process cannot be started anew, its cache goes on promising what went: then that comes back."""
    try:
        switch()
    except BaseException:
        if run:
            restore(place, run)
        raise
