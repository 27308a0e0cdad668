"""Loading a settings file: what is missing, what is reported, and how long it takes."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from ctl.errors import EXIT_USAGE, USE_SUDO, CtlError
from ctl.language.source import SettingsError, Severity
from ctl.paths import Layout
from ctl.settings.load import load
from tests.harness.as_nobody import as_nobody
from tests.harness.settings_site import BOTH, Site
from tests.harness.work import at_most


def test_a_missing_file_names_the_command_that_writes_one(tmp_path: Path) -> None:
    for file in (tmp_path / "gitlab.py", tmp_path / "none" / "gitlab.py"):
        with pytest.raises(CtlError) as caught:
            load(file, Layout(tmp_path))
        assert caught.value.exit_code == EXIT_USAGE
        assert caught.value.hint == f"Write one: ctl settings template --output {file}"


def test_values_from_the_environment_and_from_other_files(site: Site) -> None:
    (site.folder / "more.py").write_text('registry["log_level"] = env("LEVEL", "warn")\n')
    attributes = site.attributes(
        BOTH + f'from_file("{site.folder}/more.py")\n', environment={"LEVEL": "debug"}
    )
    assert attributes.registry.log_level == "debug"
    origin = attributes.origin("registry.log_level")
    assert origin.location is not None
    assert (origin.location.file.name, origin.location.line) == ("more.py", 1)


@pytest.mark.parametrize(
    "statement",
    [
        'gitlab_rails["initial_root_password"] = read_file("/none")',
        'registry_nginx["proxy_cache"] = nowhere',
        'registry["nginx"]["proxy_cache"] = nowhere',
        'puma["worker_processes"] = nowhere',
        'if nowhere:\n    gitlab_rails["ldap_enabled"] = True',
    ],
)
def test_other_components_settings_that_cannot_be_evaluated(site: Site, statement: str) -> None:
    attributes = site.attributes(BOTH + statement + '\nregistry["log_level"] = "warn"\n')
    assert attributes.registry.log_level == "warn"
    notes = [
        one for one in attributes.diagnostics if "as only settings of other components need it" in one.message
    ]
    assert [one.severity for one in notes] == [Severity.NOTE]


@pytest.mark.parametrize("key", ["port", "dir", "enable", "listen_address"])
def test_settings_of_postgresql_that_the_registry_follows_must_be_evaluated(site: Site, key: str) -> None:
    assert "unknown name nowhere" in site.error(BOTH + f'postgresql["{key}"] = nowhere\n')


def test_an_error_shows_place_line_and_remedy(site: Site) -> None:
    error = site.error(BOTH + 'registry["log_level"] = "wran"\n')
    assert error.splitlines() == [
        f"{site.layout.settings_file}:4:10: error: registry.log_level: must be one of error, warn, info, debug, "
        "trace, not 'wran'",
        '    registry["log_level"] = "wran"',
        "             ^^^^^^^^^^^",
        '    Did you mean "warn"?',
    ]


def test_errors_of_the_language_come_as_they_are(site: Site) -> None:
    with pytest.raises(SettingsError) as caught:
        site.load("import os\n")
    assert caught.value.exit_code == EXIT_USAGE


def test_without_pairs_nothing_heavy_is_imported(site: Site) -> None:
    file = site.write(BOTH + 'registry["log_level"] = "warn"\n')
    code = (
        "import sys; from pathlib import Path; from ctl.paths import Layout; from ctl.settings.load import load; "
        f"load(Path({str(file)!r}), Layout(Path({str(site.folder)!r})), use_secrets=False); "
        "print({'cryptography', 'jinja2', 'yaml', 'psutil', 'josepy', 'ctl.converge'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "set()\n"


@pytest.mark.real
def test_a_thousand_endpoints_are_quick(site: Site) -> None:
    file = site.write(
        BOTH
        + "registry['notifications'] = [\n"
        + "".join(
            f'    {{"name": "e{n}", "url": "https://e{n}.example.com/", "timeout": "1s", "maxretries": {n % 9}, '
            f'"headers": {{"Authorization": ["token {n}"], "X-Number": "{n}"}}}},\n'
            for n in range(1000)
        )
        + "]\n"
    )
    with at_most(calls=1_500_000):
        found = load(file, Layout(site.folder), use_secrets=False).attributes.registry.notifications
    assert len(found) == 1000


def test_wrong_text_and_wrong_names_are_reported_in_one_go(tmp_path: Path) -> None:
    settings = tmp_path / "gitlab.py"
    settings.write_text('registry["log_levle"] = "info"\nimport os\nregistry["storage"] = 5\n')
    with pytest.raises(SettingsError) as caught:
        load(settings, Layout(tmp_path / "root"), environment={})
    assert [one.location.line for one in caught.value.diagnostics if one.location] == [1, 2, 3]


@pytest.mark.parametrize("suffix", [".py", ".rb"])
def test_what_could_not_be_computed_is_reported_once_and_at_its_place(tmp_path: Path, suffix: str) -> None:
    settings = tmp_path / f"gitlab{suffix}"
    lines = [
        'registry["username"] = "registry"',
        'registry["log_level"] = nowhere',
        'registry["storage"]["s3"]["bucket"] = nowhere',
        'registry["nginx"]["listen_prot"] = nowhere',
        'postgresql["port"] = nowhere',
    ]
    settings.write_text("\n".join(lines) + "\n")
    with pytest.raises(SettingsError) as caught:
        load(settings, Layout(tmp_path / "root"), environment={})
    places = [(one.location.line, one.location.column) for one in caught.value.diagnostics if one.location]
    unknown = [(2, 25), (3, 39), (4, 19), (4, 36), (5, 22)]
    assert places == unknown


def test_no_name_brings_control_characters_to_the_terminal(site: Site) -> None:
    error = site.error(BOTH + 'registry["log\\x1b[31m_level"] = "info"\n')
    assert "registry.log\\x1b[31m_level: is not known" in error
    assert "\x1b" not in error


def test_no_value_turns_the_terminals_direction_of_writing(site: Site) -> None:
    error = site.error('external_url = "gitlab\\u202e.example"\n')
    assert 'Write "https://gitlab\\u202e.example".' in error
    assert "\u202e" not in error


def test_one_that_this_user_may_not_read_is_no_wrong_setting(tmp_path: Path) -> None:
    settings_file = tmp_path / "gitlab.py"
    settings_file.write_text("")
    settings_file.chmod(0)
    for folder in (tmp_path, tmp_path.parent, tmp_path.parent.parent):
        folder.chmod(0o755)

    def attempt() -> object:
        try:
            return load(settings_file, Layout(tmp_path))
        except CtlError as error:
            return error.exit_code, error.message, error.hint

    assert as_nobody(attempt) == str((1, f"{settings_file} may not be read by this user", USE_SUDO))
