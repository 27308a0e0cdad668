"""Converting a file of either kind."""

from __future__ import annotations

from pathlib import Path

from ctl.errors import UsageFault
from ctl.settings.conversion.gitlab_rb import Converted, convert_ruby
from ctl.settings.language.text_files import FileProblem, read_text
from ctl.settings.options import NAMES

_YAML = (".yml", ".yaml")


def convert_file(path: Path, *, distribution: bool = False) -> Converted:
    """The Python form of a gitlab.rb, or of a Distribution registry's config.yml.

    Args:
        path: the file; ".yml" and ".yaml" are config.yml, all else is a gitlab.rb.
        distribution: it is a config.yml whatever its name, unless that ends in ".rb".

    Raises:
        UsageFault: the file cannot be read.
        SettingsError, CtlError: what is in it cannot be converted; with every error.
    """
    try:
        text = read_text(path)
    except FileProblem as problem:
        place = f":{problem.line}:{problem.column}" if problem.line else ""
        raise UsageFault(f"{path}{place}: {problem.message}", hint=problem.hint or None) from None
    if path.suffix in _YAML or (distribution and path.suffix != ".rb"):
        from ctl.settings.conversion.distribution import convert_distribution

        return convert_distribution(path, text)
    return convert_ruby(path, text, NAMES)
