"""`ctl status` without the parser of command lines, which takes longer to load than the services take to answer.

People wait for it, and monitoring runs it every minute. What is not written plainly goes to the parser as ever: help,
abbreviations, mistakes.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from ctl.cli.context import GLOBAL_OPTIONS, context_of, failure_as_json

_FLAGS = {word: name for name, one in GLOBAL_OPTIONS.items() if not one.metavar for word in one.words}
_WITH_VALUE = {word: name for name, one in GLOBAL_OPTIONS.items() if one.metavar for word in one.words}
_COMMAND = "status"


def plain_status(arguments: Sequence[str]) -> int | None:
    """Run `ctl status` if the command line is that, written plainly.

    Returns:
        Its exit status; None for any other command line, of which nothing has been done.
    """
    given = _read(arguments)
    if given is None:
        return None
    from ctl.cli.condition import print_condition
    from ctl.registry.repair import repair

    options, services, as_json = given
    ctx = context_of(options)
    with failure_as_json(ctx.console, wanted=as_json):
        repair(ctx.layout)
        return print_condition(ctx, services, as_json=as_json)


def _read(arguments: Sequence[str]) -> tuple[dict[str, str | bool], list[str], bool] | None:
    """The global options, the services, and whether JSON is wanted."""
    options: dict[str, str | bool] = {}
    words: list[str] = []
    as_json = False
    rest = iter(arguments)
    for word in rest:
        if word in _FLAGS:
            options[_FLAGS[word]] = True
        elif word in _WITH_VALUE:
            options[_WITH_VALUE[word]] = next(rest, "")
        elif word == "--json" and words:
            as_json = True
        elif word.startswith("-"):
            return None
        else:
            words.append(word)
    given = [options[name] for name in _WITH_VALUE.values() if name in options]
    plain = words[:1] == [_COMMAND] and all(given) and _fit(options)
    return (options, words[1:], as_json) if plain else None


def _fit(options: dict[str, str | bool]) -> bool:
    """Whether the parser would take the paths."""
    root, settings = (Path(str(options.get(name, ""))) for name in ("root", "settings"))
    return not ((root.exists() and not root.is_dir()) or ("settings" in options and settings.is_dir()))
