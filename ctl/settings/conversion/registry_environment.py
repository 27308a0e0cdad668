"""A list of REGISTRY_* variables, as containers are given it, as the configuration that it means.

Distribution divides a name by its underscores into the keys of config.yml, and reads the value as YAML
(configuration/parser.go).
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, Final

from ctl.settings.conversion.config_yml import Unusable, load_yaml

_PREFIX: Final = "REGISTRY_"
_NOT_CONFIGURATION: Final = ("REGISTRY_CONFIGURATION_PATH",)
_LINE: Final = re.compile(
    r"\s*(?:-\s+|export\s+|-e\s+)?[\"']?([A-Za-z_][A-Za-z0-9_.-]*)\s*(?:=|:\s)\s*(.*?)\s*"
)
"""NAME=value, as `docker run --env-file` has it; and as a shell and the lists of compose files have it."""
_MOST_LINES: Final = 2_000


def load_environment(path: Path, text: str) -> dict[str, Any]:
    """The configuration that variables give; other variables do not count.

    Args:
        path: the file, as errors name it.
        text: what is in it: a variable a line.

    Raises:
        Unusable: a line is no variable, its value is no YAML, or there is no variable of a registry.
    """
    config: dict[str, Any] = {}
    lines = text.splitlines()
    if len(lines) > _MOST_LINES:
        raise Unusable(f"{path}: this holds more than a configuration can be read from")
    for number, line in enumerate(lines):
        if not line.strip() or line.lstrip().startswith("#") or line.strip() == "environment:":
            continue
        found = _LINE.fullmatch(line)
        if found is None:
            raise Unusable(f"{path}:{number + 1}: this is no variable", hint="Write NAME=value, one a line.")
        name = found[1].upper()
        if name.startswith(_PREFIX) and name not in _NOT_CONFIGURATION:
            value = _value(path, number + 1, name, _unquoted(found[2], line))
            _put(config, name.removeprefix(_PREFIX).lower().split("_"), value)
    if not config:
        hint = "The configuration of a registry is in variables such as REGISTRY_HTTP_ADDR."
        raise Unusable(f"{path}: there is no REGISTRY_ variable in it", hint=hint)
    return {key: _with_lists(value) for key, value in config.items()}


def _value(path: Path, line: int, name: str, text: str) -> object:
    try:
        return load_yaml(path, text)
    except Unusable:
        raise Unusable(f"{path}:{line}: the value of {name} is not YAML") from None


def _unquoted(value: str, line: str) -> str:
    """The value without quotes around it, or around the whole line."""
    if len(value) > 1 and value[0] == value[-1] and value[0] in "'\"":
        return value[1:-1]
    opened = line.lstrip().removeprefix("- ").lstrip()[:1]
    return value[:-1] if opened in ("'", '"') and value.endswith(opened) else value


def _put(config: dict[str, Any], keys: list[str], value: object) -> None:
    """A value at its place. REGISTRY_STORAGE=s3 names the driver that REGISTRY_STORAGE_S3_BUCKET is of."""
    *outer, last = keys
    inner = config
    for key in outer:
        if not isinstance(inner.get(key), dict):
            inner[key] = {} if inner.get(key) is None else {str(inner[key]): {}}
        inner = inner[key]
    if isinstance(inner.get(last), dict) and isinstance(value, str):
        inner[last].setdefault(value, {})
    else:
        inner[last] = value


def _with_lists(value: Any) -> Any:  # noqa: ANN401
    """Keys that are numbers from 0 on are a list."""
    if not isinstance(value, dict):
        return value
    inner = {key: _with_lists(one) for key, one in value.items()}
    if inner and list(inner) == [str(number) for number in range(len(inner))]:
        return list(inner.values())
    return inner


def merged(config: dict[str, Any], over: dict[str, Any]) -> dict[str, Any]:
    """A configuration with variables over it, which win."""
    result = dict(config)
    for key, value in over.items():
        inner = result.get(key)
        result[key] = merged(inner, value) if isinstance(inner, dict) and isinstance(value, dict) else value
    return result
