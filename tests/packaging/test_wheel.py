"""The wheel needs nothing else: recipes and templates are inside, the checkout is not needed."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.harness.wheelhouse import fill, offline

pytestmark = pytest.mark.real


@pytest.fixture(scope="module")
def ctl(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """`ctl`, installed from its wheel into an empty environment."""
    folder = tmp_path_factory.mktemp("wheel")
    wheels = fill(folder / "wheels")
    subprocess.run([sys.executable, "-m", "venv", str(folder / "venv")], check=True)
    install = [str(folder / "venv/bin/python"), "-m", "pip", "install", "--quiet", "registry-ctl"]
    subprocess.run(install, check=True, env=os.environ | offline(wheels), cwd=folder)
    return folder / "venv/bin/ctl"


def run(ctl: Path, *arguments: str, cwd: Path) -> str:
    """Run it away from the checkout, with nothing of it on any path."""
    environment = {"PATH": "/usr/bin:/bin", "HOME": str(cwd)}
    command = [str(ctl), "--root", str(cwd / "root"), *arguments]
    return subprocess.run(
        command, check=True, capture_output=True, text=True, cwd=cwd, env=environment
    ).stdout


def test_version_and_help(ctl: Path, tmp_path: Path) -> None:
    assert "version" in run(ctl, "--version", cwd=tmp_path)
    assert "reconfigure" in run(ctl, "--help", cwd=tmp_path)


def test_from_a_starter_file_to_rendered_files(ctl: Path, tmp_path: Path) -> None:
    settings = tmp_path / "root/etc/gitlab/gitlab.py"
    settings.parent.mkdir(parents=True)
    run(
        ctl,
        "settings",
        "template",
        "--url",
        "https://localhost:5050",
        "--output",
        str(settings),
        cwd=tmp_path,
    )
    run(ctl, "render", "--output", str(tmp_path / "out"), cwd=tmp_path)
    written = {path.name for path in (tmp_path / "out").rglob("*") if path.is_file()}
    assert {"config.yml", "gitlab-registry.conf", "nginx.conf", "run", "gitlab-secrets.json"} <= written
