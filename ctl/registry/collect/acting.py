"""Works in a storage with the rights of the registry's account, also where ctl runs as root."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import ParamSpec, TypeVar

from ctl.collector.quarantine import Quarantine
from ctl.registry.collect.collector import Setup
from ctl.registry.collect.sizes import nothing_stored
from ctl.registry.launch import Account

P = ParamSpec("P")
T = TypeVar("T")


class ActingAs:
    """Gives up root's rights for a block: what is in a storage belongs to the registry's account.

    Args:
        account: whose rights are left, or None for all.
    """

    def __init__(self, account: Account | None) -> None:
        self._account = account if os.geteuid() == 0 else None
        self._groups = os.getgroups()

    def __enter__(self) -> ActingAs:
        if self._account is not None:
            os.setgroups([])
            os.setegid(self._account.gid)
            os.seteuid(self._account.uid)
        return self

    def __exit__(self, *_: object) -> None:
        if self._account is not None:
            os.seteuid(0)
            os.setegid(0)
            os.setgroups(self._groups)

    def as_caller(self, call: Callable[P, T]) -> Callable[P, T]:
        """A function that takes all rights up again while it runs."""

        def wrapped(*args: P.args, **kwargs: P.kwargs) -> T:
            with self._suspended():
                return call(*args, **kwargs)

        return wrapped

    @contextmanager
    def _suspended(self) -> Iterator[None]:
        self.__exit__()
        try:
            yield
        finally:
            self.__enter__()


def acting_in(setup: Setup) -> ActingAs:
    """The rights that work in a registry's storage needs: its account's for files; keys open object storage."""
    return ActingAs(setup.account if setup.storage is not None else None)


@contextmanager
def storage_lock(setup: Setup) -> Iterator[None]:
    """Hold the lock in a storage on disk, so that no other machine collects it.

    Raises:
        LockHeld: another collection is under way.
    """
    if setup.storage is None or nothing_stored(setup.storage):
        yield
        return
    quarantine = Quarantine(str(setup.storage))
    with ActingAs(setup.account):
        quarantine.__enter__()
    try:
        yield
    finally:
        quarantine.__exit__()
