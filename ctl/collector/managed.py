"""Storage that a metadata database manages: nothing in its files says which images there are, or what they need."""

from __future__ import annotations

from ctl.collector.layout import DATABASE_LOCK
from ctl.errors import PreflightError
from ctl.storage.store import Store


def refuse_managed(root: str, managed: bool) -> None:
    """Refuse such a storage.

    Args:
        root: of the storage.
        managed: whether the file is there by which a registry with a database marks it.

    Raises:
        PreflightError: it is; names the file.
    """
    if managed:
        raise PreflightError(
            f"{root}/{DATABASE_LOCK} exists: the images of this storage are recorded in a metadata database, and its "
            "files do not say what they need",
            hint='Give registry["database"] again: that registry collects by itself. If the database was given '
            "up for good, and the storage holds its images without it, remove that file.",
        )


def refuse_managed_store(store: Store) -> None:
    """As `refuse_managed`, by a client of the storage."""
    refuse_managed(store.name, store.find(DATABASE_LOCK) is not None)
