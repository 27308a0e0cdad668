"""config.yml files as people write them become settings that are valid, and that render to what they were."""

from __future__ import annotations

from pathlib import Path

import pytest

from ctl.settings.conversion.convert import convert_file
from tests.harness import seeds
from tests.settings.conversion.outcomes import outcome

FILES = sorted((Path(__file__).parent / "config_yml").glob("*.yml"))


@pytest.mark.parametrize("file", FILES, ids=[path.stem for path in FILES])
def test_a_configuration_of_the_field(file: Path, tmp_path: Path) -> None:
    converted = convert_file(file)
    assert not converted.problems
    (tmp_path / "bundle.crt").write_text(seeds.pair()[1])
    python = tmp_path / "gitlab.py"
    python.write_text(converted.text)
    attributes, reports = outcome(python, tmp_path)
    assert attributes, reports
    assert not any("hunter2" in remark for remark in converted.remarks)
    comments = [line for line in converted.text.splitlines() if line.startswith("##")]
    assert not any("hunter2" in line for line in comments)


def test_there_are_enough_of_them() -> None:
    assert len(FILES) >= 10
