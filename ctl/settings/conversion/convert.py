"""Converting a file of any kind."""

from __future__ import annotations

from pathlib import Path

from ctl.errors import UsageFault
from ctl.language.text_files import FileProblem, read_text
from ctl.settings.conversion.config_yml import load_config
from ctl.settings.conversion.converted import Converted
from ctl.settings.conversion.gitlab_rb import convert_ruby
from ctl.settings.conversion.registry_config import convert_config
from ctl.settings.conversion.registry_environment import load_environment, merged
from ctl.settings.options import NAMES

_YAML = (".yml", ".yaml")


def convert_file(
    path: Path | None, *, distribution: bool = False, environment: Path | None = None
) -> Converted:
    """The Python form of a gitlab.rb, or of a Distribution registry's configuration.

    Args:
        path: the file; ".yml" and ".yaml" are config.yml, all else is a gitlab.rb.
        distribution: it is a config.yml whatever its name, unless that ends in ".rb".
        environment: a list of REGISTRY_* variables, which win over the config.yml.

    Raises:
        UsageFault: a file cannot be read, or there is none.
        SettingsError, CtlError: what is in it cannot be converted.
    """
    variables = load_environment(environment, _read(environment)) if environment is not None else {}
    if path is None:
        if environment is None:
            raise UsageFault("there is no file to convert")
        return convert_config(environment, variables)
    is_config = path.suffix in _YAML or (distribution and path.suffix != ".rb")
    if is_config or environment is not None:
        return convert_config(path, merged(load_config(path, _read(path)), variables))
    return convert_ruby(path, _read(path), NAMES)


def _read(path: Path) -> str:
    try:
        return read_text(path)
    except FileProblem as problem:
        place = f":{problem.line}:{problem.column}" if problem.line else ""
        raise UsageFault(f"{path}{place}: {problem.message}", hint=problem.hint or None) from None
