"""One gitlab.rb, read directly and by way of its Python form."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path

from ctl.language import Reading
from ctl.language.source import SettingsError
from ctl.settings.conversion.gitlab_rb import convert_ruby
from ctl.settings.load import reading_of
from ctl.settings.options import NAMES


@lru_cache(maxsize=8)
def converted(text: str) -> str:
    """The Python form of a gitlab.rb that has one. Raises SettingsError with what is not converted."""
    found = convert_ruby(Path("gitlab.rb"), text, NAMES)
    if found.problems:
        raise SettingsError(found.problems)
    return found.text


def both(text: str, environment: Mapping[str, str] | None = None, /, **files: str) -> tuple[Reading, Reading]:
    """The reading of a gitlab.rb, and that of its Python form; `files` are beside both."""
    with tempfile.TemporaryDirectory() as folder:
        for name, content in files.items():
            Path(folder, name).write_text(content)
        ruby, python = Path(folder, "gitlab.rb"), Path(folder, "gitlab.py")
        ruby.write_text(text)
        python.write_text(converted(text))
        return reading_of(ruby, environment or {}), reading_of(python, environment or {})
