"""Checks of planned files that need no other program."""

from __future__ import annotations

from pathlib import Path

from ctl.errors import ValidationError


def parses_as_yaml(planned: Path, *, real: Path) -> None:
    """Whether a planned file is one YAML document.

    Args:
        planned: where it is now.
        real: where it will be; named in the error.

    Raises:
        ValidationError: it is not; with line and column.
    """
    import yaml

    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    try:
        yaml.load(planned.read_text(encoding="utf-8"), Loader=loader)  # noqa: S506 - a safe loader, in C or not
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        place = f":{mark.line + 1}:{mark.column + 1}" if mark else ""
        problem = getattr(error, "problem", None) or "not YAML"
        raise ValidationError(f"{real}{place}: {problem}", hint="Nothing was changed.") from error
