"""`ctl convert-settings`."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from tests.harness.cli import Cli

RUBY = "# note\nexternal_url 'https://gitlab.example.com'\nregistry['http_secret'] = 'hunter2'\n"
PYTHON = '# note\nexternal_url("https://gitlab.example.com")\nregistry["http_secret"] = "hunter2"\n'


@pytest.fixture
def cli(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Cli:
    return Cli(tmp_path / "root", capsys)


@pytest.fixture
def ruby(tmp_path: Path) -> Path:
    file = tmp_path / "gitlab.rb"
    file.write_text(RUBY)
    return file


def test_the_python_form_is_printed(cli: Cli, ruby: Path) -> None:
    ran = cli("convert-settings", str(ruby))
    assert (ran.code, ran.out, ran.err) == (0, PYTHON, "")


def test_a_new_file_is_written_for_its_owner_alone(cli: Cli, ruby: Path, tmp_path: Path) -> None:
    output = tmp_path / "new" / "gitlab.py"
    ran = cli("convert-settings", str(ruby), "--output", str(output))
    assert ran.code == 0
    assert "check-config" in ran.out
    assert output.read_text() == PYTHON
    assert stat.S_IMODE(output.stat().st_mode) == 0o600
    assert ruby.read_text() == RUBY


@pytest.mark.parametrize("kind", ["file", "dangling link"])
def test_nothing_is_written_over(cli: Cli, ruby: Path, tmp_path: Path, kind: str) -> None:
    output = tmp_path / "gitlab.py"
    if kind == "file":
        output.write_text("mine")
    else:
        output.symlink_to("nowhere")
    ran = cli("convert-settings", str(ruby), "--output", str(output))
    assert ran.code == 2
    assert "not written over" in ran.err
    assert output.is_symlink() or output.read_text() == "mine"


def test_a_configuration_of_the_registry_by_its_suffix_or_by_from(cli: Cli, tmp_path: Path) -> None:
    text = "version: 0.1\nlog: {level: warn}\ncatalog: {password: hunter2}\n"
    for name, option in (("config.yml", []), ("config.yaml", ["--from"]), ("config", ["--from"])):
        (tmp_path / name).write_text(text)
        ran = cli("convert-settings", *option, str(tmp_path / name))
        assert ran.code == 0
        assert 'registry["log_level"] = "warn"' in ran.out
        assert "catalog has no setting" in ran.err
        assert "hunter2" not in ran.out + ran.err


def test_what_is_not_converted_is_a_comment_and_decides_the_exit_status(cli: Cli, tmp_path: Path) -> None:
    file = tmp_path / "gitlab.rb"
    file.write_text("require 'json'\nregistry['a'] = `ls`\nregistry['b'] = 'x\nregistry['c'] = 1\n")
    ran = cli("convert-settings", str(file), "--output", str(tmp_path / "out.py"))
    assert ran.code == 2
    assert "line 1: `require` is not read" in ran.err
    assert f"{file}:2:17" in ran.err
    assert f"{file}:3:17" in ran.err
    assert (tmp_path / "out.py").read_text() == (
        "# Not needed here:\n# require 'json'\n## NOT CONVERTED, line 2\n# registry['a'] = `ls`\n"
        "## NOT CONVERTED, line 3\n# registry['b'] = 'x\nregistry[\"c\"] = 1\n"
    )


def test_a_pull_through_cache_is_refused(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "config.yml").write_text("proxy: {remoteurl: 'https://registry-1.docker.io'}\n")
    ran = cli("convert-settings", str(tmp_path / "config.yml"), "--output", str(tmp_path / "out.py"))
    assert ran.code == 2
    assert "pull-through cache" in ran.err
    assert not (tmp_path / "out.py").exists()


def test_a_token_server_of_ones_own_decides_the_exit_status(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "config.yml").write_text(
        "auth: {token: {realm: 'https://auth.example.com/token', service: r}}\n"
    )
    ran = cli("convert-settings", str(tmp_path / "config.yml"))
    assert ran.code == 2
    assert "auth.token: a token server other than GitLab's" in ran.err
    assert '##   "https://auth.example.com/token"' in ran.out


def test_variables_of_a_container_win_over_its_config_yml(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "config.yml").write_text("log: {level: warn}\nstorage: {inmemory: }\n")
    (tmp_path / "registry.env").write_text("# of the container\nPATH=/bin\nREGISTRY_LOG_LEVEL=debug\n")
    arguments = ["--from", str(tmp_path / "config.yml"), "--from-env", str(tmp_path / "registry.env")]
    ran = cli("convert-settings", *arguments)
    assert ran.code == 0
    assert 'registry["log_level"] = "debug"' in ran.out
    assert '"inmemory": {}' in ran.out
    ran = cli("convert-settings", *arguments[2:])
    assert 'registry["log_level"] = "debug"' in ran.out
    (tmp_path / "registry.env").write_text("REGISTRY_LOG_LEVEL=[\n")
    ran = cli("convert-settings", *arguments[2:])
    assert ran.code == 2
    assert f"{tmp_path}/registry.env:1: the value of REGISTRY_LOG_LEVEL is not YAML" in ran.err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((), "takes one file"),
        (("a", "--from", "b"), "takes one file"),
        (("/nowhere.rb",), "/nowhere.rb: does not exist"),
    ],
)
def test_wrong_calls(cli: Cli, arguments: tuple[str, ...], message: str) -> None:
    ran = cli("convert-settings", *arguments)
    assert ran.code == 2
    assert message in ran.err


def test_a_gitlab_rb_is_a_settings_file(cli: Cli, ruby: Path) -> None:
    ran = cli("show-config", "--settings", str(ruby))
    assert "https://gitlab.example.com" in ran.out
    ruby.write_text("registry['log_level'] = 'loud'\nregistry['a'] = `ls`\n")
    ran = cli("check-config", "--settings", str(ruby))
    assert ran.code == 2
    assert f"{ruby}:1:10" in ran.err
    assert f"{ruby}:2:17" in ran.err


def test_who_has_only_a_gitlab_rb_learns_how_to_convert_it(cli: Cli) -> None:
    cli.file.parent.mkdir(parents=True)
    ruby = cli.file.with_suffix(".rb")
    ruby.write_text(RUBY)
    assert f"ctl convert-settings {ruby} --output {cli.file}" in cli("check-config").err
