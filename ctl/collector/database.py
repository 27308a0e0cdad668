"""The databases of SQLite beside the images: all in them can be found out again."""

from __future__ import annotations

import os
import sqlite3
from pathlib import Path

from ctl.collector.files import open_own


def open_database(path: Path, mode: str) -> sqlite3.Connection:
    """Open a database of ours, which SQLite would wait for for ever where it is a pipe.

    Args:
        path: of the file.
        mode: of SQLite's addresses: ro, rwc.

    Raises:
        OSError, sqlite3.Error: it cannot be opened, or is something else.
    """
    if path.exists() or path.is_symlink():
        os.close(open_own(path, os.O_RDONLY))
    return sqlite3.connect(f"{path.absolute().as_uri()}?mode={mode}", uri=True, timeout=0)
