"""A Distribution registry's config.yml as plain values, within bounds."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final

from ctl.errors import EXIT_USAGE, CtlError
from ctl.language.faults import LimitReached, NoValue
from ctl.language.limits import Budget
from ctl.language.places import presentable

_TOO_DEEP = "maximum nesting depth"
"""In the message of a loader with a bound of its own (libyaml as PyYAML 6.0.4 brings it)."""
_MOST_NESTED: Final = 40
_MOST_EVENTS: Final = 50_000
"""Values, keys, and ends of lists and mappings in a configuration."""


class Unusable(CtlError):
    """A file cannot be converted (exit 2)."""

    exit_code = EXIT_USAGE


def load_config(path: Path, text: str) -> dict[str, Any]:
    """A configuration.

    Args:
        path: the file, as errors name it.
        text: what is in it.

    Raises:
        Unusable: it is no YAML, no mapping, or too large.
    """
    plain = load_yaml(path, text)
    if not isinstance(plain, dict) or not plain:
        raise Unusable(
            f"{path}: this is no configuration of a registry",
            hint="Name the config.yml of a Distribution registry, or a gitlab.rb.",
        )
    return plain


def load_yaml(path: Path, text: str) -> Any:  # noqa: ANN401 - as YAML gives it
    """A value of strings, numbers, booleans, lists and mappings, of a bounded size.

    Args:
        path: the file that it is in.
        text: the YAML.

    Raises:
        Unusable: it is no YAML, or too large.
    """
    import yaml

    try:
        # A safe loader, which makes nothing but plain values.
        loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
        _check_size(yaml.parse(text, Loader=loader))
        loaded = yaml.load(text, Loader=loader)  # noqa: S506
        # Before it is copied: what is named once and used many times comes to very much.
        Budget().spend_on(loaded)
        return _plain(loaded)
    except yaml.MarkedYAMLError as error:
        if _TOO_DEEP in str(error.problem):
            raise _too_much(path) from None
        mark = error.problem_mark
        where = f":{mark.line + 1}:{mark.column + 1}" if mark else ""
        raise Unusable(f"{path}{where}: this is not YAML: {presentable(str(error.problem))}") from None
    except yaml.YAMLError:
        raise Unusable(f"{path}: this is not YAML") from None
    except (NoValue, LimitReached, RecursionError, ValueError, OverflowError):
        raise _too_much(path) from None


def _too_much(path: Path) -> Unusable:
    return Unusable(f"{path}: this holds more than a configuration can be read from")


def _check_size(events: Iterable[object]) -> None:
    """Raises LimitReached before a text is loaded that nests too deeply for the loader, or holds too much."""
    depth = 0
    for count, event in enumerate(events):
        name = type(event).__name__
        depth += name.endswith("StartEvent") - name.endswith("EndEvent")
        if depth > _MOST_NESTED or count > _MOST_EVENTS:
            raise LimitReached("too much")


def _plain(given: object) -> Any:  # noqa: ANN401 - as YAML gives it
    if isinstance(given, dict):
        return {str(key): _plain(one) for key, one in given.items()}
    if isinstance(given, (list, tuple, set)):
        return [_plain(one) for one in given]
    return given if given is None or isinstance(given, (str, int, float)) else str(given)
