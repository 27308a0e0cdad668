"""A file that this user may not read: one wording and exit status 1, whichever command it is for."""

from __future__ import annotations

from pathlib import Path

import pytest

from ctl.errors import USE_SUDO
from tests.harness.as_nobody import as_nobody
from tests.harness.cli import Cli

FROM_SETTINGS = (
    ["check-config"],
    ["show-config"],
    ["certificates"],
    ["settings", "get", "log_level"],
)
FROM_CONFIG = (
    ["registry-tags", "team/app", "--config"],
    ["registry-disk-usage", "--config"],
    ["registry-fsck"],
    ["user", "import-htpasswd"],
)


@pytest.mark.parametrize(
    "command",
    [*FROM_SETTINGS, *FROM_CONFIG],
    ids=lambda command: command[0] if isinstance(command, list) else None,
)
def test_it_says_sudo(tmp_path: Path, capsys: pytest.CaptureFixture[str], command: list[str]) -> None:
    file = tmp_path / "file.py"
    file.write_text("")
    file.chmod(0)
    for folder in (tmp_path, *tmp_path.parents):
        if "pytest" not in str(folder):
            break
        folder.chmod(0o755)  # those of pytest are for root alone
    ctl = Cli(tmp_path, capsys)
    words = [*command, str(file)] if command in FROM_CONFIG else ["--settings", str(file), *command]
    ctl(*words)  # imports what nobody may not

    def attempt() -> object:
        done = ctl(*words)
        return done.code, done.err.splitlines()

    assert as_nobody(attempt) == str((1, [f"error: {file} may not be read by this user", f"    {USE_SUDO}"]))
