"""The database of GitLab's registry is migrated before that serves.

GitLab's registry is not among the programs at hand: a script answers in its words what it alone knows, and leaves
serving to Distribution.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.harness.people import Person
from tests.harness.root import Root, RootMaker

pytestmark = [pytest.mark.real, pytest.mark.one_registry]

PROGRAM = """\
#!/bin/sh
case "$*" in
    --version) echo "registry gitlab.com/gitlab-org/container-registry v4.15.2-gitlab" ;;
    "database migrate status --up-to-date "*)
        [ ! -e {folder}/unreachable ] || {{ cat {folder}/no-connection >&2; exit 1; }}
        [ -e {state} ] && echo true || echo false ;;
    "database migrate up "*)
        [ -r "$4" ] && [ ! -e {refuse} ] || {{ echo "no database" >&2; exit 1; }}
        echo "$(id -un) $GIVEN $CALLERS" >>{state} ;;
    serve*)
        lock={images}/docker/registry/lockfiles/database-in-use
        if [ "$REGISTRY_DATABASE_ENABLED" = false ]; then
            [ ! -e $lock ] || [ "$REGISTRY_FF_ENFORCE_LOCKFILES" = false ] || {{ cat {folder}/in-use; exit 1; }}
        else
            [ -e {state} ] || {{ cat {folder}/refusal; exit 1; }}
            mkdir -p "${{lock%/*}}" && touch "$lock"
        fi
        exec {registry} "$@" ;;
esac
"""


REFUSAL = """\
level=fatal msg="configuring application: there are pending database migrations, use the 'registry database \
migrate' CLI command to check and apply them"
"""


IMAGES = "var/opt/gitlab/gitlab-rails/shared/registry"
LOCK = f"{IMAGES}/docker/registry/lockfiles/database-in-use"
IN_USE = """\
level=fatal msg="configuring application: registry metadata database in use, please enable the database"
"""
NO_CONNECTION = """\
level=fatal msg="failed to create database connection: dial tcp: lookup db.example.com: no such host"
"""


@pytest.fixture
def migrated(make_root: RootMaker, person: Person) -> tuple[Root, Path]:
    """A root whose registry has a database, and the folder of that."""
    root = make_root(person)
    folder = root.path / "database"
    text = PROGRAM.format(
        folder=folder,
        state=folder / "state",
        refuse=folder / "refuse",
        registry=root.registry.program,
        images=root.path / IMAGES,
    )
    root.write("database/refusal", REFUSAL)
    root.write("database/in-use", IN_USE)
    root.write("database/no-connection", NO_CONNECTION)
    program = root.write("database/registry", text, mode=0o755)
    folder.chmod(0o1777)  # the registry's account keeps the database
    root.settings(
        f'registry["executable"] = "{program}"',
        'registry["database"] = {"enabled": True, "host": "db.example.com"}',
        'registry["env"] = {"GIVEN": "given"}',
    )
    return root, folder


def append(root: Root, line: str) -> None:
    file = root.path / "etc/gitlab/gitlab.py"
    file.write_text(f"{file.read_text()}{line}\n")


def test_what_is_pending_is_applied_once_before_the_registry_serves(migrated: tuple[Root, Path]) -> None:
    root, database = migrated
    root.ctl("reconfigure", env={"CALLERS": "of the caller"}).ok()
    assert root.serves()
    (line,) = (database / "state").read_text().splitlines()
    assert line.split()[1:] == ["given"]
    assert root.reconfigure().nothing


def test_a_migration_that_fails_undoes_the_run(migrated: tuple[Root, Path]) -> None:
    root, database = migrated
    (database / "refuse").touch()
    output = root.ctl("reconfigure").exits(1).text
    assert "no database" in output
    assert not (root.path / "var/opt/gitlab/registry/config.yml").exists()
    append(root, 'registry["auto_migrate"] = False')
    assert "there are pending database migrations" in root.ctl("reconfigure").exits(1).text


def test_the_trial_run_leaves_nothing_behind(migrated: tuple[Root, Path]) -> None:
    root, database = migrated
    root.ctl("reconfigure", "--dry-run").ok()
    assert not (root.path / LOCK).exists()
    assert not (database / "state").exists()
    root.ctl("reconfigure").ok()
    assert (root.path / LOCK).exists(), "the registry itself marks its storage"
    append(root, 'registry["log_level"] = "warn"')
    assert root.ctl("reconfigure").ok(), "storage that is the database's is no obstacle to a trial without it"


def test_a_database_that_does_not_answer_is_reported_before_anything_changes(
    migrated: tuple[Root, Path],
) -> None:
    root, database = migrated
    root.ctl("reconfigure").ok()
    (database / "unreachable").touch()
    append(root, 'registry["log_level"] = "warn"')
    text = root.ctl("reconfigure").exits(1).text
    assert "the registry cannot use its database: " in text
    assert "lookup db.example.com: no such host" in text
    assert 'level: "info"' in root.read("var/opt/gitlab/registry/config.yml")
    assert root.serves()
