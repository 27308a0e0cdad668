"""Each resource: compares, changes, is content afterwards, and can be undone to the last bit."""

from __future__ import annotations

import json
import os
import tempfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ctl.converge import (
    Absent,
    Command,
    Directory,
    EnvDirectory,
    File,
    FileRights,
    Symlink,
)
from ctl.converge.atomic import write_atomic
from ctl.converge.journal import Journal
from ctl.converge.model import Machine, Resource
from ctl.converge.rollback import roll_back
from ctl.errors import CtlError
from tests.harness.supervisor import Bench
from tests.harness.tree import tree


def apply(resource: Resource, bench: Bench) -> str:
    """Apply a resource's change for good and return its summary."""
    change = resource.plan(bench.machine)
    assert change is not None
    for step in change.steps:
        step.apply()
    assert resource.plan(bench.machine) is None
    return change.summary


def test_a_file_is_created_then_left_alone(bench: Bench) -> None:
    path = bench.layout.path("/a/b/file")
    assert apply(File(path, content="x\n", mode=0o640), bench) == "create, mode 0640"
    assert path.read_text() == "x\n"


def test_a_file_says_what_differs(bench: Bench) -> None:
    path = bench.layout.root / "file"
    path.write_text("old\n")
    path.chmod(0o644)
    change = File(path, content="new\n", mode=0o600).plan(bench.machine)
    assert change is not None
    assert change.summary == "content, mode 0644 → 0600"
    assert change.diff == f"--- {path}\n+++ {path}\n@@ -1 +1 @@\n-old\n+new\n"


def test_rights_alone_do_not_rewrite(bench: Bench) -> None:
    path = bench.layout.root / "file"
    path.write_text("same")
    path.chmod(0o644)
    inode = path.stat().st_ino
    assert apply(File(path, content="same", mode=0o600), bench) == "mode 0644 → 0600"
    assert path.stat().st_ino == inode


def test_a_mask_hides_both_sides(bench: Bench) -> None:
    path = bench.layout.root / "file"
    path.write_text("password: old\n")
    mask = lambda text: text.replace("old", "*").replace("new", "*")  # noqa: E731
    change = File(path, content="password: new\nuser: x\n", mask=mask).plan(bench.machine)
    assert change is not None
    assert "+user: x" in change.diff
    assert "old" not in change.diff
    assert "new" not in change.diff


def test_a_file_without_content_is_not_managed(bench: Bench) -> None:
    resource = File(bench.layout.root / "file", content=lambda: None)
    assert resource.plan(bench.machine) is None
    assert resource.desired(bench.machine) == ()


def test_a_folder_in_place_of_a_file_is_refused(bench: Bench) -> None:
    (bench.layout.root / "file").mkdir()
    with pytest.raises(CtlError, match="is not a regular file"):
        File(bench.layout.root / "file", content="").plan(bench.machine)


def test_a_link_in_place_of_a_file_is_replaced(bench: Bench) -> None:
    victim, path = bench.layout.root / "victim", bench.layout.root / "file"
    victim.write_text("same")
    path.symlink_to(victim)
    assert "replace a symbolic link" in apply(File(path, content="same"), bench)
    assert victim.read_text() == "same"
    assert not path.is_symlink()


def test_a_fifo_does_not_hang(bench: Bench) -> None:
    os.mkfifo(bench.layout.root / "file")
    with pytest.raises(CtlError, match="is not a regular file"):
        File(bench.layout.root / "file", content="").plan(bench.machine)


def test_a_folder_without_mode_leaves_an_existing_one_alone(bench: Bench) -> None:
    path = bench.layout.root / "folder"
    path.mkdir(mode=0o700)
    assert Directory(path, mode=None).plan(bench.machine) is None


def test_a_folder_moved_elsewhere_by_a_link_stays_there(bench: Bench) -> None:
    elsewhere, path = bench.layout.root / "big-disk", bench.layout.root / "data"
    elsewhere.mkdir(mode=0o700)
    path.symlink_to(elsewhere)
    assert apply(Directory(path, mode=0o750), bench) == "mode 0700 → 0750"
    assert path.is_symlink()
    assert oct(elsewhere.stat().st_mode)[-3:] == "750"


def test_two_folders_below_one_missing_parent(bench: Bench) -> None:
    first, second = Directory(bench.layout.path("/x/a")), Directory(bench.layout.path("/x/b"))
    plans = [first.plan(bench.machine), second.plan(bench.machine)]
    for step in [step for plan in plans if plan for step in plan.steps]:
        step.apply()
    assert first.plan(bench.machine) is None
    assert second.plan(bench.machine) is None


def test_absent_removes_a_file_but_never_a_folder(bench: Bench) -> None:
    path = bench.layout.root / "file"
    path.write_text("x")
    assert apply(Absent(path), bench) == "remove"
    path.mkdir()
    with pytest.raises(CtlError, match="is a folder"):
        Absent(path).plan(bench.machine)


def test_a_link_is_made_and_swung(bench: Bench) -> None:
    path = bench.layout.root / "link"
    assert apply(Symlink(path, target="a"), bench) == "create, to a"
    assert apply(Symlink(path, target="b"), bench) == "a → b"


def test_an_environment_holds_its_variables_and_no_others(bench: Bench) -> None:
    path = bench.layout.root / "env"
    apply(EnvDirectory(path, variables={"A": "1", "B": "two\nlines"}), bench)
    assert (path / "B").read_bytes() == b"two\0lines\n"
    change = EnvDirectory(path, variables={"B": "two\nlines", "C": "geheim"}).plan(bench.machine)
    assert change is not None
    assert change.summary == "C, without A"
    assert "geheim" not in change.diff
    assert "-A=********" in change.diff


def test_an_environment_refuses_names_that_are_none(bench: Bench) -> None:
    with pytest.raises(CtlError, match=r"'\.\./x' cannot be the name"):
        EnvDirectory(bench.layout.root / "env", variables={"../x": "1"}).plan(bench.machine)


def test_rights_of_a_file_that_others_write(bench: Bench) -> None:
    path = bench.layout.root / "accounts.json"
    wanted = FileRights(path, mode=0o640)
    assert wanted.plan(bench.machine) is None  # nothing is there
    path.write_text("theirs")
    path.chmod(0o600)
    assert apply(wanted, bench) == "mode 0600 → 0640"
    assert path.read_text() == "theirs"
    assert wanted.plan(bench.machine) is None
    link = bench.layout.root / "link"
    link.symlink_to(path)
    path.chmod(0o644)
    assert apply(FileRights(link, mode=0o640), bench) == "mode 0644 → 0640"
    assert link.is_symlink()
    with pytest.raises(CtlError, match="not a regular file"):
        FileRights(bench.layout.root).plan(bench.machine)


def test_a_command_runs_only_where_its_guard_says_so(bench: Bench) -> None:
    made = bench.layout.root / "made"
    command = Command("touch", argv=["touch", str(made)], guard=lambda: not made.exists())
    assert apply(command, bench) == f"touch {made}"


def test_a_failing_command_reports_what_it_printed(bench: Bench) -> None:
    command = Command("fail", argv=["sh", "-c", "echo no way >&2; exit 3"], guard=lambda: True)
    change = command.plan(bench.machine)
    assert change is not None
    with pytest.raises(CtlError, match="no way"):
        change.steps[0].apply()


as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can be led into others' folders")
NOBODY = 65534


def laid_by_another(link: Path, target: Path) -> Path:
    """A symbolic link that another account made in a folder of its own."""
    link.parent.mkdir(exist_ok=True)
    link.symlink_to(target)
    for path in (link.parent, link):
        os.chown(path, NOBODY, NOBODY, follow_symlinks=False)
    return link


@as_root
@pytest.mark.parametrize("kind", ["file", "link", "environment", "directory"])
def test_a_link_of_another_account_leads_nowhere(bench: Bench, kind: str) -> None:
    precious = bench.layout.root / "precious"
    precious.mkdir()
    folder = laid_by_another(bench.layout.root / "theirs/folder", precious)
    resource = resource_of(kind, folder / "x", b"x")
    with pytest.raises(CtlError, match="folder on the way is a symbolic link that another account made"):
        apply(resource, bench)
    assert list(precious.iterdir()) == []


@as_root
def test_a_folder_swapped_for_a_link_is_not_followed(bench: Bench) -> None:
    """Between the plan and the step its owner has replaced it."""
    precious, path = bench.layout.root / "precious", bench.layout.root / "theirs/folder"
    precious.mkdir(mode=0o700)
    path.mkdir(parents=True, mode=0o700)
    change = Directory(path, mode=0o777).plan(bench.machine)
    path.rmdir()
    laid_by_another(path, precious)
    assert change is not None
    with pytest.raises(CtlError, match="another account made"):
        change.steps[0].apply()
    assert precious.stat().st_mode & 0o777 == 0o700


@as_root
def test_a_link_of_the_administrator_is_followed_everywhere(bench: Bench) -> None:
    elsewhere, link = bench.layout.root / "big-disk", bench.layout.root / "theirs/folder"
    elsewhere.mkdir()
    laid_by_another(link, Path("../big-disk"))
    os.chown(link, 0, 0, follow_symlinks=False)
    apply(File(link / "x", content="x"), bench)
    assert (elsewhere / "x").read_text() == "x"


@as_root
@pytest.mark.parametrize(("mode", "followed"), [(0o755, True), (0o775, False), (0o757, False)])
def test_a_link_in_a_folder_that_others_write_leads_nowhere(bench: Bench, mode: int, followed: bool) -> None:
    """It is another account's; what root alone writes holds only what root has put there."""
    precious, link = bench.layout.root / "precious", bench.layout.root / "ours/folder"
    precious.mkdir()
    laid_by_another(link, precious)
    os.chown(link.parent, 0, 0)
    link.parent.chmod(mode)
    if followed:
        apply(File(link / "x", content="x"), bench)
    else:
        with pytest.raises(CtlError, match="another account made"):
            apply(File(link / "x", content="x"), bench)
    assert (precious / "x").exists() == followed


def test_links_that_lead_in_circles_end(bench: Bench) -> None:
    circle = bench.layout.root / "circle"
    circle.symlink_to("circle")
    with pytest.raises(CtlError, match="too many symbolic links"):
        write_atomic(circle / "x", b"x", mode=0o600)


NAMES = st.sampled_from(["a", "b", "c/d", "c/e", "f/g/h"])
BEFORE = st.dictionaries(NAMES, st.tuples(st.binary(max_size=9), st.sampled_from([0o600, 0o644, 0o755])))
KINDS = st.sampled_from(["file", "absent", "link", "directory", "environment"])


def resource_of(kind: str, path: Path, content: bytes) -> Resource:
    """A resource of some kind at a path."""
    kinds: dict[str, Resource] = {
        "file": File(path, content=content, mode=0o640),
        "absent": Absent(path),
        "link": Symlink(path, target="elsewhere"),
        "directory": Directory(path.with_suffix(".d"), mode=0o750),
        "environment": EnvDirectory(path.with_suffix(".env"), variables={"V": content.hex()}),
    }
    return kinds[kind]


@given(before=BEFORE, wanted=st.dictionaries(NAMES, st.tuples(KINDS, st.binary(max_size=9)), min_size=1))
def test_undo_restores_any_tree_exactly(
    before: dict[str, tuple[bytes, int]], wanted: dict[str, tuple[str, bytes]]
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        bench = Bench.at(Path(folder))
        for name, (content, mode) in before.items():
            path = bench.layout.path(f"/etc/{name}")
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
            path.chmod(mode)
        former = tree(bench.layout.root)
        resources = [resource_of(kind, bench.layout.path(f"/etc/{n}"), c) for n, (kind, c) in wanted.items()]
        journal = change_all(resources, bench)
        assert all(resource.plan(bench.machine) is None for resource in resources)
        roll_back(journal.folder, bench.machine, lambda text: None)
        assert tree(bench.layout.root) == former


def change_all(resources: list[Resource], bench: Bench) -> Journal:
    """Apply every change under a journal, as a run does."""
    journal = Journal.begin(bench.layout)
    with journal:
        for plan in [resource.plan(bench.machine) for resource in resources]:
            for step in plan.steps if plan else ():
                record = step.undo(journal)
                assert json.dumps(record)
                if record:
                    journal.record(record)
                step.apply()
    return journal


def test_a_blank_machine_has_nothing(bench: Bench) -> None:
    path = bench.layout.root / "file"
    path.write_text("same")
    blank = Machine(services=bench.services, privileged=False, blank=True)
    change = File(path, content="same").plan(blank)
    assert change is not None
    assert change.summary.startswith("create")
