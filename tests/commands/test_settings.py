"""`ctl settings` explains settings and writes a file to begin with."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from ctl.settings.manual.starter import template
from ctl.settings.options import OPTIONS
from tests.harness.cli import Cli


def test_template_is_printed_or_written(ctl: Cli) -> None:
    url = "https://images.example.com:5050"
    assert ctl("settings", "template", "--url", url).out == template(url)
    assert ctl("settings", "template", "--all").out == template(full=True)
    result = ctl("settings", "template", "--url", url, "--output", str(ctl.file))
    assert result.code == 0
    assert ctl.file.read_text() == template(url)
    assert stat.S_IMODE(ctl.file.stat().st_mode) == 0o600
    assert ctl("check-config").out == "settings are valid\n"


@pytest.mark.parametrize("link", [False, True])
def test_template_never_writes_over_a_file(ctl: Cli, link: bool) -> None:
    file = ctl.settings("# mine\n")
    if link:
        file.unlink()
        file.symlink_to(ctl.root / "nowhere")
    result = ctl("settings", "template", "--output", str(file))
    assert result.code == 2
    assert f"{file}: is there already" in result.err
    assert file.is_symlink() is link
    assert link or file.read_text() == "# mine\n"


def test_template_refuses_a_wrong_url(ctl: Cli) -> None:
    result = ctl("settings", "template", "--url", "registry", "--output", str(ctl.file))
    assert result.code == 2
    assert 'Write "https://registry"' in result.err
    assert not ctl.file.exists()


def test_list(ctl: Cli) -> None:
    lines = ctl("settings", "list").out.splitlines()
    assert len(lines) == len(OPTIONS)
    assert lines[0].startswith("registry_external_url  ")
    found = ctl("settings", "list", "SVLOGD_size").out.splitlines()
    assert [line.split()[0] for line in found] == [
        'registry["svlogd_size"]', 'registry_auth["svlogd_size"]', 'nginx["svlogd_size"]', 'logging["svlogd_size"]'
    ]  # fmt: skip
    assert ctl("settings", "list", "nosuchthing").code == 1


@pytest.mark.parametrize(
    "name",
    [
        "registry.nginx.ssl_certificate", 'registry["nginx"]["ssl_certificate"]',
        "registry['nginx']['ssl_certificate']", 'registry_nginx["ssl_certificate"]',
    ],
)  # fmt: skip
def test_describe(ctl: Cli, name: str) -> None:
    result = ctl("settings", "describe", name)
    assert result.code == 0
    assert result.out.splitlines()[0] == 'registry["nginx"]["ssl_certificate"]'
    assert "/etc/gitlab/ssl/HOST.crt" in result.out


def test_describe_a_parameter(ctl: Cli) -> None:
    assert "chunksize" in ctl("settings", "describe", "registry.storage.s3.chunksize").out


@pytest.mark.parametrize("name", ["log_level", "nginx.foo.listen_port", "enable", "log_levl", "enabel"])
def test_a_section_may_be_left_out(ctl: Cli, name: str) -> None:
    ctl.settings('registry_external_url = "https://registry.example.com"\n')
    result = ctl("settings", "get", name)
    if name == "log_level":
        assert (result.code, result.out) == (0, "info\n")
        return
    meant = {"enable": "registry.enable or", "enabel": "registry.enable or", "log_levl": "registry.log_level"}
    assert result.code == 2
    assert meant.get(name, "there is no setting") in result.err


def test_describe_what_there_is_not(ctl: Cli) -> None:
    result = ctl("settings", "describe", "registry.log_levl")
    assert result.code == 2
    assert "Did you mean registry.log_level?" in result.err


def test_global_options_are_taken_anywhere(ctl: Cli, tmp_path: Path) -> None:
    file = tmp_path / "other.py"
    ctl("settings", "--quiet", "template", "--output", str(file))
    assert ctl("--settings", str(file), "check-config").code == 0
    assert ctl("check-config", "--settings", str(file)).code == 0
