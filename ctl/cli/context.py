"""What every command gets, and how each reports its failure; without the parser of command lines."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from ctl.errors import CtlError, Interrupted, OutputFailed, as_json
from ctl.output import Console
from ctl.paths import Layout


class GlobalOption(NamedTuple):
    """An option of every command.

    Args:
        words: as written on the command line.
        help: of it.
        metavar: of its value, which is a path; "" for a flag.
    """

    words: tuple[str, ...]
    help: str
    metavar: str = ""


GLOBAL_OPTIONS = {
    "settings": GlobalOption(
        ("--settings",), "Settings file [default: /etc/gitlab/gitlab.py; also CTL_SETTINGS].", "FILE"
    ),
    "root": GlobalOption(
        ("--root",), "Keep every managed path below DIR, with a supervisor of its own [also CTL_ROOT].", "DIR"
    ),
    "quiet": GlobalOption(("-q", "--quiet"), "Print errors and asked-for results only."),
    "verbose": GlobalOption(("-v", "--verbose"), "Print details."),
    "no_color": GlobalOption(("--no-color",), "Never colour the output."),
}


class Context(NamedTuple):
    """What every command gets: the root, the settings file, and the console."""

    layout: Layout
    settings: Path | None
    console: Console

    @property
    def settings_file(self) -> Path:
        """The settings file: as given, else the layout's."""
        return self.settings or self.layout.settings_file


def context_of(given: Mapping[str, Any]) -> Context:
    """What global options say, by their names; the environment fills what is not given."""
    root = given.get("root") or os.environ.get("CTL_ROOT") or "/"
    settings = given.get("settings") or os.environ.get("CTL_SETTINGS") or None
    console = Console(
        quiet=bool(given.get("quiet")),
        verbose=bool(given.get("verbose")),
        colored=False if given.get("no_color") else None,
    )
    return Context(Layout(Path(root).absolute()), Path(settings) if settings else None, console)


@contextmanager
def failure_as_json(console: Console, *, wanted: bool) -> Iterator[None]:
    """Print a failure as JSON too where that is asked for; it goes on to whoever reports failures."""
    try:
        yield
    except (CtlError, Interrupted, OSError) as error:
        if wanted and not isinstance(error, BrokenPipeError | OutputFailed):
            console.result_json(as_json(error))
        raise
