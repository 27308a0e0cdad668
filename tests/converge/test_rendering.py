"""What would be written, written elsewhere."""

from __future__ import annotations

from pathlib import Path

import pytest

from ctl.converge import Directory, File, Item, Symlink, render_to
from ctl.converge.model import Machine
from ctl.errors import CtlError
from tests.harness.supervisor import Bench


@pytest.fixture
def blank(tmp_path: Path) -> Machine:
    return Machine(services=Bench.at(tmp_path / "bench").services, privileged=False, blank=True)


def items() -> list[Item]:
    return [
        Directory(Path("/var/app")),
        File(Path("/etc/app/secret"), content="x", mode=0o600),
        Symlink(Path("/etc/app/link"), target="secret"),
    ]


@pytest.mark.parametrize("exists", [False, True])
def test_everything_is_below_a_private_folder(tmp_path: Path, blank: Machine, exists: bool) -> None:
    output = tmp_path / "some/output"
    if exists:
        output.mkdir(parents=True, mode=0o755)
    assert render_to(items(), output, blank) == 1
    assert render_to(items(), output, blank) == 1
    assert (output / "etc/app/link").read_text() == "x"
    assert (output / "var/app").is_dir()
    assert output.stat().st_mode & 0o777 == 0o700


def test_a_folder_of_others_is_neither_closed_nor_filled(tmp_path: Path, blank: Machine) -> None:
    """/tmp, closed to everybody but root, would stop the machine."""
    output = tmp_path / "shared"
    output.mkdir()
    (output / "others").write_text("x")
    output.chmod(0o1777)
    with pytest.raises(CtlError, match="holds other files and is open to others"):
        render_to(items(), output, blank)
    assert output.stat().st_mode & 0o7777 == 0o1777
    assert [path.name for path in output.iterdir()] == ["others"]
