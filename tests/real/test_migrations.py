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
    "database migrate status --up-to-date "*) [ -e {state} ] && echo true || echo false ;;
    "database migrate up "*)
        [ -r "$4" ] && [ ! -e {refuse} ] || {{ echo "no database" >&2; exit 1; }}
        echo "$(id -un) $GIVEN $CALLERS" >>{state} ;;
    serve*)
        [ -e {state} ] || {{
            cat {folder}/refusal
            exit 1
        }}
        exec {registry} "$@" ;;
esac
"""


REFUSAL = """\
level=fatal msg="configuring application: there are pending database migrations, use the 'registry database \
migrate' CLI command to check and apply them"
"""


@pytest.fixture
def migrated(make_root: RootMaker, person: Person) -> tuple[Root, Path]:
    """A root whose registry has a database, and the folder of that."""
    root = make_root(person)
    folder = root.path / "database"
    text = PROGRAM.format(
        folder=folder, state=folder / "state", refuse=folder / "refuse", registry=root.registry.program
    )
    root.write("database/refusal", REFUSAL)
    program = root.write("database/registry", text, mode=0o755)
    folder.chmod(0o1777)  # the registry's account keeps the database
    root.settings(
        f'registry["executable"] = "{program}"',
        'registry["database"] = {"enabled": True, "host": "db.example.com"}',
        'registry["env"] = {"GIVEN": "given"}',
    )
    return root, folder


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
    said = root.ctl("reconfigure").exits(1).text
    assert "no database" in said
    assert not (root.path / "var/opt/gitlab/registry/config.yml").exists()
    file = root.path / "etc/gitlab/gitlab.py"
    file.write_text(file.read_text() + 'registry["auto_migrate"] = False\n')
    assert "there are pending database migrations" in root.ctl("reconfigure").exits(1).text
