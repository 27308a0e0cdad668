"""What a run prints, and the log that it leaves."""

from __future__ import annotations

from pathlib import Path

import pytest

from ctl.cli.framework import Context
from ctl.cli.progress import KEPT_LOGS, Progress, write_log
from ctl.converge import restart
from ctl.converge.model import Change
from ctl.output import Console
from ctl.paths import Layout

CHANGE = Change("file[/etc/a]", "content", (), diff="@@ -1 +1 @@\n-old\n+new")


@pytest.fixture
def ctx(tmp_path: Path) -> Context:
    return Context(Layout(tmp_path), None, Console())


@pytest.mark.parametrize("diff", [True, False])
def test_diffs_are_printed_if_asked_and_always_logged(
    ctx: Context, capsys: pytest.CaptureFixture[str], diff: bool
) -> None:
    with Progress.to(ctx, diff=diff, dry_run=False, as_json=False) as progress:
        progress.change(CHANGE)
        progress.notify(restart("registry"))
    printed = capsys.readouterr().out
    assert printed.startswith("file[/etc/a]: content\n")
    assert ("+new" in printed) is diff
    (log,) = (ctx.layout.logs / "reconfigure").iterdir()
    assert log.stat().st_mode & 0o777 == 0o600
    assert log.read_text().splitlines()[1:] == [
        "file[/etc/a]: content", "@@ -1 +1 @@", "-old", "+new", "service[registry]: restart"
    ]  # fmt: skip


def test_a_failed_run_is_logged_and_a_dry_run_is_not(ctx: Context) -> None:
    with pytest.raises(OSError, match="why"), Progress.to(ctx, diff=False, dry_run=True, as_json=False):
        raise OSError("why")
    assert not ctx.layout.logs.exists()
    with pytest.raises(OSError, match="why"), Progress.to(ctx, diff=False, dry_run=False, as_json=False):
        raise OSError("why")
    (log,) = (ctx.layout.logs / "reconfigure").iterdir()
    assert log.read_text().endswith("failed: why\n")


def test_the_oldest_logs_go(ctx: Context) -> None:
    folder = ctx.layout.logs / "reconfigure"
    folder.mkdir(parents=True)
    for number in range(KEPT_LOGS + 5):
        (folder / f"{number:013}.log").touch()
    write_log(ctx, 0, [])
    left = sorted(path.name for path in folder.iterdir())
    assert len(left) == KEPT_LOGS
    assert left[0] == f"{6:013}.log"
