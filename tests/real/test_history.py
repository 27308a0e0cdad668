"""The runs of a node, the way back to one, a run on trial, and what was changed by hand."""

from __future__ import annotations

import grp
import json
import os
import signal
from contextlib import suppress
from pathlib import Path

import psutil
import pytest

from ctl.cli.context import context_of
from ctl.commands.reconfigure import run
from ctl.node.history import History
from ctl.paths import Layout
from tests.harness.processes import end_all
from tests.harness.root import Root, RootMaker
from tests.harness.waiting import wait_for

pytestmark = [
    pytest.mark.real,
    pytest.mark.one_registry("settings and secrets do not depend on the registry program"),
]
CONFIG = "var/opt/gitlab/registry/config.yml"
SETTINGS = "etc/gitlab/gitlab.py"
SECRETS = "etc/gitlab/gitlab-secrets.json"
HIDDEN = "not-to-be-shown-7"
DEBUG = 'registry["log_level"] = "debug"'
TRIAL = "var/opt/gitlab/ctl/trial.json"
LOGS = "var/log/gitlab/reconfigure"


@pytest.fixture
def root(make_root: RootMaker) -> Root:
    root = make_root()
    root.settings()
    root.reconfigure()
    return root


def _level(root: Root) -> str:
    return next(line for line in root.read(CONFIG).splitlines() if "level" in line).split()[-1].strip('"')


def test_history_and_the_way_back_and_forth(root: Root) -> None:
    before = {name: root.read(name) for name in (CONFIG, SETTINGS, SECRETS)}
    root.settings(DEBUG, f'gitlab_rails["registry_notification_secret"] = "{HIDDEN}"')
    group = rights_of_the_settings(root)
    root.ctl("reconfigure", env={"SUDO_USER": "alice"}).ok()
    after = {name: root.read(name) for name in (CONFIG, SETTINGS, SECRETS)}
    runs = root.ctl("history", "--json").ok().json()["runs"]
    assert (runs[0]["number"], runs[0]["user"]) == (0, "alice")
    assert any(CONFIG in change for change in runs[0]["changes"])
    assert "alice" in root.ctl("history").ok().out
    dry = root.ctl("rollback", "--dry-run", "--diff").ok()
    assert CONFIG in dry.out
    assert f"-{DEBUG}" in dry.out
    assert HIDDEN not in dry.text
    assert {name: root.read(name) for name in before} == after
    root.ctl("rollback").ok()
    assert {name: root.read(name) for name in before} == before
    facts = (root.path / SETTINGS).stat()
    assert (facts.st_mode & 0o777, facts.st_gid) == (0o640, group)
    assert root.serves()
    again = root.ctl("reconfigure").ok()
    assert again.out.startswith("0 changed")
    assert "left:" not in again.err, "the settings are nobody's but the administrator's"
    root.ctl("rollback").ok()
    assert _level(root) == "debug"
    assert root.serves()


def rights_of_the_settings(root: Root) -> int:
    """Let a group read them, as administrators do who need no root to look. Returns its number."""
    path = root.path / SETTINGS
    path.chmod(0o640)
    group = grp.getgrnam("adm").gr_gid if os.geteuid() == 0 else path.stat().st_gid
    os.chown(path, -1, group)
    return group


def test_lost_settings_come_back(root: Root) -> None:
    root.settings(DEBUG)
    root.ctl("reconfigure").ok()
    before = root.read(SETTINGS)
    root.settings()
    root.ctl("reconfigure").ok()
    (root.path / SETTINGS).unlink()
    root.ctl("rollback").ok()
    assert (root.read(SETTINGS), _level(root)) == (before, "debug")
    assert root.reconfigure().nothing


def test_lost_secrets_come_back(root: Root) -> None:
    before = root.read(SECRETS)
    root.write(SECRETS, "{}", mode=0o600)
    root.reconfigure()
    assert root.read(SECRETS) != before
    root.ctl("rollback").ok()
    assert root.read(SECRETS) == before
    assert root.serves()


def test_a_run_that_is_not_known(root: Root) -> None:
    result = root.ctl("rollback", "7").exits(1)
    assert "run 7 is not known" in result.err


def test_before_the_first_run_there_is_nothing_to_go_back_to(make_root: RootMaker) -> None:
    root = make_root()
    root.settings()
    found = root.ctl("reconfigure", "--try", "1m").exits(1)
    assert "--try has nothing to go back to: this would be the first run" in found.err
    assert not (root.path / CONFIG).exists()
    assert root.ctl("diff-config").ok().out.startswith("no run yet")


def test_a_way_back_that_fails_is_undone(root: Root) -> None:
    root.settings(DEBUG)
    root.reconfigure()
    after = {name: root.read(name) for name in (CONFIG, SETTINGS)}
    root.write(
        "etc/gitlab/recipes.d/fail.py",
        "from ctl.converge import Command\ndef recipe(node):\n"
        '    yield Command("fail", argv=["false"], undo=["true"], guard=lambda: True)\n',
    )
    assert "everything was put back" in root.ctl("rollback").exits(1).err
    assert {name: root.read(name) for name in after} == after


def test_a_trial_goes_back_by_itself(root: Root) -> None:
    before = root.read(SETTINGS)
    root.settings(DEBUG)
    result = root.ctl("reconfigure", "--try", "3s").ok()
    assert "on trial until" in result.err
    assert _level(root) == "debug"
    wait_for(lambda: _level(root) == "info" and root.read(SETTINGS) == before, what="it goes back")
    wait_for(lambda: not (root.path / "var/opt/gitlab/ctl/trial.json").exists(), what="the trial ends")
    assert root.serves()


def _waiting(root: Root) -> list[int]:
    """The processes that wait for the end of a trial."""
    found = []
    for process in psutil.process_iter():
        with suppress(psutil.Error):
            words = process.cmdline()
            if "--after-trial" in words and str(root.path) in words:
                found.append(process.pid)
    return found


def _let_it_be_over(root: Root) -> None:
    """The time of a trial ends now: no test depends on how long a run takes."""
    path = root.path / TRIAL
    new = path.with_suffix(".new")
    new.write_text(json.dumps(json.loads(path.read_text()) | {"until": 0.0}))
    new.replace(path)


def test_a_trial_goes_back_also_after_a_boot(root: Root) -> None:
    """Every process is gone, also the one that waited; what the unit runs at boot lets another wait."""
    before = root.read(SETTINGS)
    root.settings(DEBUG)
    root.ctl("reconfigure", "--try", "4s").ok()
    (waiter,) = _waiting(root)
    os.kill(waiter, signal.SIGKILL)
    end_all(root.path)
    root.ctl("recover").ok()
    root.ctl("start").ok()
    wait_for(lambda: _level(root) == "info" and root.read(SETTINGS) == before, what="it goes back")
    wait_for(lambda: not (root.path / TRIAL).exists(), what="the trial ends")
    assert root.serves()


def test_one_process_waits_for_a_trial_however_often_it_is_resumed(root: Root) -> None:
    root.settings(DEBUG)
    root.ctl("reconfigure", "--try", "10m").ok()
    first = _waiting(root)
    assert len(first) == 1
    root.ctl("recover").ok()
    assert _waiting(root) == first
    assert "a run is on trial until" in root.ctl("status").ok().out
    os.kill(first[0], signal.SIGKILL)
    wait_for(lambda: not _waiting(root), what="nobody waits")
    assert "no process waits for that: `ctl recover` starts one" in root.ctl("status").exits(1).out
    root.ctl("recover").ok()
    assert len(_waiting(root)) == 1
    root.ctl("status").ok()
    assert "the trial is over" in root.ctl("rollback").ok().err
    wait_for(lambda: not _waiting(root), what="it ends")
    assert not (root.path / TRIAL).exists()


def test_a_trial_takes_back_what_follows_it(root: Root) -> None:
    """Another trial has no unconfirmed run to go back to; one that fails leaves the first as it was."""
    before = root.read(SETTINGS)
    root.settings(DEBUG)
    root.ctl("reconfigure", "--try", "10m").ok()
    first = root.read(TRIAL)
    root.settings('nginx["custom_nginx_config"] = "}"')
    root.ctl("reconfigure", "--try", "2s").exits(1)
    assert root.read(TRIAL) == first
    assert _waiting(root)
    root.settings('registry["log_level"] = "warn"')
    assert "this run, too, goes back then" in root.ctl("reconfigure").ok().err
    root.ctl("reconfigure", "--try", "10m").ok()
    root.settings("# edited, and not applied")
    edited = root.read(SETTINGS)
    _let_it_be_over(root)
    wait_for(lambda: not (root.path / TRIAL).exists(), what="the trial ends")
    assert (root.read(SETTINGS), _level(root)) == (before, "info")
    kept = list((root.path / SETTINGS).parent.glob("gitlab.py.unapplied-*"))
    assert [path.read_text() for path in kept] == [edited]


@pytest.mark.parametrize(("command", "code"), [(["recover"], 0), (["secrets", "import", SETTINGS], 2)])
def test_a_trial_that_was_killed_and_undone_is_over(root: Root, command: list[str], code: int) -> None:
    """Nothing is left to go back from: settings that are being mended must not be taken away later."""
    killer = root.write(
        "etc/gitlab/recipes.d/die.py",
        "from ctl.converge import Command\ndef recipe(node):\n"
        '    yield Command("die", argv=["sh", "-c", "kill -9 $PPID"], guard=lambda: True)\n',
    )
    root.settings(DEBUG)
    root.ctl("reconfigure", "--try", "10m").exits(-signal.SIGKILL)
    assert len(_waiting(root)) == 1
    killer.unlink()
    root.ctl(*command[:2], *(str(root.path / file) for file in command[2:])).exits(code)
    assert not (root.path / TRIAL).exists()
    assert _level(root) == "info"
    wait_for(lambda: not _waiting(root), what="the one that waited ends")


def test_a_trial_whose_run_fails_when_all_is_made_goes_on(root: Root) -> None:
    """Nothing was put back then: it must still go back by itself."""
    folder = root.path / "var/opt/gitlab/ctl/history"
    recipe = root.write(
        "etc/gitlab/recipes.d/lose.py",
        "from ctl.converge import Command\ndef recipe(node):\n"
        f'    yield Command("lose", argv=["sh", "-c", "mv {folder} {folder}.away; touch {folder}"],'
        f' guard=lambda: node.layout.path("{folder}").is_dir())\n',
    )
    root.settings(DEBUG)
    root.ctl("reconfigure", "--try", "10m").exits(1)
    assert _level(root) == "debug"
    recipe.unlink()
    folder.unlink()
    folder.with_name("history.away").rename(folder)
    _let_it_be_over(root)
    wait_for(lambda: not (root.path / TRIAL).exists(), what="the trial ends")
    assert _level(root) == "info"


def test_going_back_that_fails_is_reported_and_tried_again(root: Root) -> None:
    root.settings(DEBUG)
    root.ctl("reconfigure", "--try", "10m").ok()
    failing = root.write(
        "etc/gitlab/recipes.d/fail.py",
        "from ctl.converge import Command\ndef recipe(node):\n"
        '    yield Command("fail", argv=["false"], undo=["true"], guard=lambda: True)\n',
    )
    _let_it_be_over(root)
    wait_for((root.path / "var/opt/gitlab/ctl/trial-failure").exists, what="it fails")
    reason = root.ctl("status", "--json").exits(1).json()["reason"]
    assert "should have gone back at" in reason
    assert "could not: false: exit 1" in reason
    failing.unlink()
    wait_for(lambda: not (root.path / TRIAL).exists(), what="the trial ends")
    assert _level(root) == "info"
    root.ctl("status").ok()


def test_what_is_confirmed_at_the_last_moment_stays(root: Root) -> None:
    """Between the end of the time and the lock: whoever is about to go back finds that it must not."""
    root.settings(DEBUG)
    root.ctl("reconfigure", "--try", "10m").ok()
    token = json.loads(root.read(TRIAL))["token"]
    root.ctl("confirm").ok()
    ctx, back = context_of({"root": root.path}), History(Layout(root.path)).earlier(1)
    assert run(ctx, dry_run=False, diff=False, as_json=False, back=back, after_trial=token) == 0
    assert _level(root) == "debug"


def test_files_that_settings_take_in_come_back(root: Root) -> None:
    """from_file, with a pattern and alone, and read_file, by relative paths; what is new is named."""
    root.write("etc/gitlab/conf.d/a.py", 'registry["log_level"] = LEVEL\n')
    root.write("etc/gitlab/level", "warn\n")
    first = ['LEVEL = read_file("level")', 'from_file("conf.d/*.py")']
    root.settings(first=first)
    root.reconfigure()
    assert _level(root) == "warn"
    root.write("etc/gitlab/level", "error\n")
    root.write("etc/gitlab/conf.d/a.py", 'registry["log_level"] = "debug" if LEVEL == "error" else LEVEL\n')
    new = root.write("etc/gitlab/conf.d/b.py", 'registry["log_formatter"] = "json"\n')
    root.reconfigure()
    assert _level(root) == "debug"
    (root.path / "etc/gitlab/conf.d/a.py").unlink()
    result = root.ctl("rollback").ok()
    assert _level(root) == "warn"
    assert root.read("etc/gitlab/level") == "warn\n"
    assert root.read("etc/gitlab/conf.d/a.py") == 'registry["log_level"] = LEVEL\n'
    assert f"{new} is read as it is now" in result.err
    assert root.serves()


def test_a_trial_that_is_confirmed_stays(root: Root) -> None:
    root.settings(DEBUG)
    root.ctl("reconfigure", "--try", "10m").ok()
    root.ctl("confirm").ok()
    assert _level(root) == "debug"
    assert not (root.path / "var/opt/gitlab/ctl/trial.json").exists()
    assert "no run is on trial" in root.ctl("confirm").exits(1).err


def test_a_trial_that_fails_leaves_nothing_to_confirm(root: Root) -> None:
    root.settings('nginx["custom_nginx_config"] = "}"')
    root.ctl("reconfigure", "--try", "10m").exits(1)
    root.ctl("confirm").exits(1)


def test_a_time_that_is_none(root: Root) -> None:
    assert "90s, 10m or 2h" in root.ctl("reconfigure", "--try", "soon").exits(2).err


def test_what_was_changed_by_hand(root: Root) -> None:
    assert root.ctl("diff-config").ok().out == "every file is as the last run left it\n"
    config = root.path / CONFIG
    config.write_text(config.read_text() + "# by hand\n")
    vhost = root.path / "var/opt/gitlab/nginx/conf/gitlab-registry.conf"
    vhost.chmod(0o600)
    output = root.ctl("diff-config").exits(1).out
    assert f"{config}: content" in output
    assert f"{vhost}: mode 0600" in output
    found = root.ctl("diff-config", "--json").exits(1).json()["changed"]
    assert {one["path"] for one in found} == {str(config), str(vhost)}
    root.reconfigure()
    root.ctl("diff-config").ok()


def test_a_run_without_changes_leaves_no_log_and_no_entry(root: Root) -> None:
    logs, runs = sorted((root.path / LOGS).iterdir()), root.ctl("history", "--json").json()
    assert root.reconfigure().nothing
    assert sorted((root.path / LOGS).iterdir()) == logs
    assert root.ctl("history", "--json").json() == runs
    assert all(Path(one).name[:2] == "20" for one in logs)
