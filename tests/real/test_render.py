"""Looking without touching: render and dry runs."""

from __future__ import annotations

import json
import stat
import subprocess
from pathlib import Path

import pytest
import yaml

from tests.harness import tree
from tests.harness.namespaces import need_mounts
from tests.harness.people import Person
from tests.harness.root import Root, RootMaker

pytestmark = pytest.mark.real


@pytest.fixture(scope="module")
def module_root(module_root_maker: RootMaker) -> Root:
    """A running root; the report of its first run is kept."""
    root = module_root_maker()
    root.settings()
    report = root.reconfigure()
    REPORTED.update(report.paths)
    return root


REPORTED: set[str] = set()
"""Paths that the first run of this module's root reported as changed."""


def _rendered(output: Path, root: Root) -> Path:
    """Where the files of the root are below the output."""
    return output / str(root.path).lstrip("/")


def test_rendered_files_are_the_reconfigured_ones(running: Root, tmp_path: Path) -> None:
    running.ctl("render", "--output", str(tmp_path)).ok()
    rendered = dict(tree.texts(_rendered(tmp_path, running)))
    different = [
        name
        for name, content in rendered.items()
        if not _of_a_certificate(name) and (running.path / name).read_bytes() != content
    ]
    assert different == []
    assert {"var/opt/gitlab/registry/config.yml", "opt/gitlab/sv/registry/run"} <= rendered.keys()


def _of_a_certificate(name: str) -> bool:
    """A rendering makes the server's certificate for itself; one file beside NGINX shows which it serves."""
    return "/ssl/" in name or name == "var/opt/gitlab/nginx/run/certificate"


def test_everything_reported_as_changed_is_rendered(running: Root, tmp_path: Path) -> None:
    running.ctl("render", "--output", str(tmp_path)).ok()
    rendered = dict(tree.texts(_rendered(tmp_path, running)))
    files = {name for name in REPORTED if (running.path / name).is_file() and not _of_a_certificate(name)}
    files -= {name for name in files if (running.path / name).is_symlink()}
    assert files - rendered.keys() == set()


def test_rendered_secrets_are_for_the_owner_alone(running: Root, tmp_path: Path) -> None:
    running.ctl("render", "--output", str(tmp_path)).ok()
    secret = running.secrets()["http_secret"].encode()
    for name, content in tree.texts(tmp_path):
        if secret in content or b"PRIVATE KEY" in content:
            assert stat.S_IMODE((tmp_path / name).stat().st_mode) & 0o007 == 0, name


def test_render_touches_nothing_else(running: Root, tmp_path: Path) -> None:
    running.settings('registry["log_level"] = "debug"')
    before, pids = running.snapshot(), running.lasting_pids()
    running.ctl("render", "--output", str(tmp_path)).ok()
    assert tree.changed(before, running.snapshot()) == set()
    assert running.lasting_pids() == pids
    config = _rendered(tmp_path, running) / "var/opt/gitlab/registry/config.yml"
    assert yaml.safe_load(config.read_text(encoding="utf-8"))["log"]["level"] == "debug"


def test_render_makes_secrets_for_itself_only(make_root: RootMaker, person: Person) -> None:
    root = make_root(person, seeded=False)
    root.settings()
    before = root.snapshot()
    output = root.home / "rendered"
    root.ctl("render", "--output", str(output)).ok()
    assert tree.changed(before, root.snapshot()) == set()
    folder = _rendered(output, root)
    config = yaml.safe_load((folder / "var/opt/gitlab/registry/config.yml").read_text(encoding="utf-8"))
    assert len(config["http"]["secret"]) == 128
    moduli = {
        subprocess.run(
            ["openssl", kind, "-noout", "-modulus", "-in", str(folder / name)],
            capture_output=True,
            check=True,
        ).stdout
        for kind, name in (
            ("rsa", "var/opt/gitlab/gitlab-rails/etc/gitlab-registry.key"),
            ("x509", "var/opt/gitlab/registry/gitlab-registry.crt"),
        )
    }
    assert len(moduli) == 1


def test_render_for_the_machine_as_an_ordinary_user(
    make_root: RootMaker, ordinary_user: Person, tmp_path: Path
) -> None:
    """Without --root: the files name the machine's own paths, and nothing there is needed."""
    root = make_root(ordinary_user, seeded=False)
    settings = root.write("gitlab.py", 'registry_external_url = "https://registry.example.com"\n')
    output = root.home / "rendered"
    done = subprocess.run(
        ordinary_user.command(["--settings", str(settings), "render", "--output", str(output)]),
        capture_output=True,
        text=True,
        check=False,
        cwd="/",
        env=root.environment(),
    )
    assert done.returncode == 0, done.stderr
    config = yaml.safe_load((output / "var/opt/gitlab/registry/config.yml").read_text(encoding="utf-8"))
    storage = config["storage"]["filesystem"]["rootdirectory"]
    assert storage == "/var/opt/gitlab/gitlab-rails/shared/registry"


@pytest.mark.usefixtures("need_root")
def test_render_without_the_programs(make_root: RootMaker) -> None:
    """In a mount namespace where none of the programs can be executed."""
    need_mounts()
    root = make_root()
    root.settings()
    runit = "/usr/bin/runsvdir /usr/bin/chpst /usr/bin/svlogd /usr/bin/sv"
    programs = f"/usr/sbin/nginx /usr/bin/docker-registry {root.registry.program} {runit}"
    hide = f'for one in {programs}; do mount --bind /dev/null "$one"; done; exec "$@"'
    output = root.home / "rendered"
    command = root.person.command(["--root", str(root.path), "render", "--output", str(output)])
    done = subprocess.run(
        ["unshare", "--mount", "sh", "-c", hide, "sh", *command],
        capture_output=True,
        text=True,
        check=False,
        cwd="/",
        env=root.environment() | {"PATH": "/bin"},
    )
    assert done.returncode == 0, done.stderr
    assert (_rendered(output, root) / "opt/gitlab/sv/nginx/run").exists()


# --- dry runs


def test_dry_run_shows_and_changes_nothing(running: Root) -> None:
    running.settings('registry["log_level"] = "debug"', 'registry["nginx"]["hsts_max_age"] = 7')
    before, pids = running.snapshot(), running.lasting_pids()
    result = running.ctl("reconfigure", "--dry-run").ok()
    assert tree.changed(before, running.snapshot()) == set()
    assert running.lasting_pids() == pids
    assert '-  level: "info"' in result.out
    assert '+  level: "debug"' in result.out
    assert "max-age=7" in result.out
    assert "restart" in result.out
    assert "registry" in result.out


def test_dry_run_as_json_names_files_and_services(running: Root) -> None:
    running.settings('registry["log_level"] = "debug"')
    report = running.reconfigure("--dry-run")
    assert report.paths == {"var/opt/gitlab/registry/config.yml"}
    assert report.restarted == {"registry"}
    assert report.raw["dry_run"] is True
    assert running.reconfigure("--dry-run").paths == report.paths


def test_dry_run_from_nothing_leaves_nothing(make_root: RootMaker, person: Person) -> None:
    root = make_root(person, seeded=False)
    root.settings()
    before = root.snapshot()
    result = root.ctl("reconfigure", "--dry-run").ok()
    assert tree.changed(before, root.snapshot()) == set()
    assert root.processes() == []
    assert "config.yml" in result.out
    assert "PRIVATE KEY" not in result.out


def test_dry_run_says_what_a_program_would_refuse(running: Root) -> None:
    running.settings('registry["nginx"]["custom_gitlab_server_config"] = "no_such_directive on;"')
    before = running.snapshot()
    result = running.ctl("reconfigure", "--dry-run").exits(1)
    assert "no_such_directive" in result.err
    assert tree.changed(before, running.snapshot()) == set()


def test_diff_of_a_real_run(running: Root) -> None:
    running.settings('registry["log_level"] = "error"')
    out = running.ctl("reconfigure", "--diff").ok().out
    assert '-  level: "info"' in out
    assert '+  level: "error"' in out


def test_json_is_all_that_standard_output_holds(running: Root) -> None:
    running.settings('registry["log_level"] = "debug"')
    assert isinstance(json.loads(running.ctl("reconfigure", "--json").ok().out), dict)


def test_log_of_the_run_shows_what_it_did(running: Root) -> None:
    folder = running.path / "var/log/gitlab/reconfigure"
    before = set(folder.iterdir())
    running.settings('registry["log_level"] = "error"')
    running.reconfigure()
    (log,) = set(folder.iterdir()) - before
    text = log.read_text(encoding="utf-8")
    assert "config.yml" in text
    assert "registry" in text
