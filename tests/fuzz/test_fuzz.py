"""A short, repeatable run of all fuzz targets; `python -m tests.fuzz.run` runs one for as long as one likes."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from pathlib import Path

import pytest

from tests.fuzz.run import CHECKOUT, CORPUS
from tests.fuzz.targets import TARGETS

RUNS = 1_000


@pytest.mark.real
@pytest.mark.skipif(
    importlib.util.find_spec("atheris") is None, reason="atheris has no wheel for this Python or machine"
)
def test_no_input_breaks_a_property(tmp_path: Path) -> None:
    options = [f"-runs={RUNS}", "-seed=1", f"-artifact_prefix={tmp_path}/"]
    argv = [sys.executable, "-m", "tests.fuzz.run", "all", "--fresh", *options]
    done = subprocess.run(argv, cwd=CHECKOUT, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr[-3_000:]
    assert f"Done {RUNS} runs" in done.stderr


@pytest.mark.parametrize("name", TARGETS)
def test_the_corpus_breaks_no_property(name: str) -> None:
    assert_its_property = TARGETS[name]
    for seed in sorted((CORPUS / name).iterdir()):
        assert_its_property(seed.read_bytes())


def test_every_corpus_has_a_target() -> None:
    assert sorted(folder.name for folder in CORPUS.iterdir()) == sorted(TARGETS)
