"""Names and values as they are written in a settings file."""

from __future__ import annotations

import json
from collections.abc import Sequence


def python_value(value: object) -> str:
    """A value as it is written in a settings file: strings in double quotes."""
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False)
    if isinstance(value, list):
        return f"[{', '.join(python_value(one) for one in value)}]"
    if isinstance(value, dict):
        return f"{{{', '.join(f'{python_value(k)}: {python_value(v)}' for k, v in value.items())}}}"
    return repr(value)


def python_name(path: Sequence[str]) -> str:
    """A path as it is written in a settings file: `registry["nginx"]["https"]`."""
    return path[0] + "".join(f"[{python_value(key)}]" for key in path[1:])
