"""`ctl settings get`, `set` and `unset` on real files."""

from __future__ import annotations

import io
import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from ctl.settings.editing.locked_file import locked
from ctl.settings.manual.starter import template
from tests.harness.cli import Cli

URL = 'registry_external_url = "https://registry.example.com"\n'


def given(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    """Standard input."""
    monkeypatch.setattr(sys, "stdin", io.StringIO(text))


def test_get(ctl: Cli) -> None:
    ctl.settings(
        URL + 'registry["storage"] = {"s3": {"bucket": "b", "region": "r", "secretkey": "hunter2"}}\n'
        'registry["http_secret"] = "hunter2"\n'
    )
    assert ctl("settings", "get", "registry.log_level").out == "info\n"
    assert ctl("settings", "get", 'registry["nginx"]["listen_port"]').out == "443\n"
    assert ctl("settings", "get", "registry.nginx.https", "--json").json() is True
    assert ctl("settings", "get", "registry.debug_addr").out == "None\n"
    assert ctl("settings", "get", "registry.debug_addr", "--json").json() is None
    assert ctl("settings", "get", "registry.storage.s3.bucket").out == "b\n"
    assert ctl("settings", "get", "registry.storage.gcs.bucket").out == "None\n"
    assert ctl("settings", "get", "registry.internal_key").out == "(made at the next reconfigure)\n"
    assert ctl("settings", "get", "registry.http_secret").out == "********\n"
    assert ctl("settings", "get", "registry.storage.s3.secretkey").out == "********\n"
    assert "hunter2" not in ctl("settings", "get", "registry.storage").out
    assert ctl("settings", "get", "registry.http_secret", "--show-secrets").out == "hunter2\n"
    whole = ctl("settings", "get", "registry.storage", "--json", "--show-secrets").json()
    assert whole["s3"] == {"bucket": "b", "region": "r", "secretkey": "hunter2"}


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("registry.log_levl", "Did you mean registry.log_level?"),
        ("registry.storage.s3.bukket", "Did you mean registry.storage.s3.bucket?"),
        ("registry.storage.s4", "Did you mean registry.storage.s3?"),
        ("registry.nginx", "`ctl settings list registry.nginx` lists them."),
        ("registry.log_level.x", "Name registry.log_level."),
        ("registry.notifications.0.url", "Name registry.notifications."),
        ("registry[", "Write it as registry.log_level."),
        ("", "`ctl settings list` lists them all."),
    ],
)
@pytest.mark.parametrize("words", [("get",), ("set", "x"), ("unset",)])
def test_a_wrong_name(ctl: Cli, words: tuple[str, ...], name: str, hint: str) -> None:
    file = ctl.settings(URL)
    result = ctl("settings", words[0], name, *words[1:])
    assert (result.code, result.out) == (2, "")
    assert hint in result.err
    assert file.read_text() == URL


def test_set_in_a_template(ctl: Cli) -> None:
    """Every line of the file that one begins with stays, and the setting is below its explanation."""
    text = template(full=True)
    file = ctl.settings(text)
    result = ctl("settings", "set", "registry.log_level", "debug")
    assert result.code == 0
    assert '+registry["log_level"] = "debug"' in result.out.splitlines()
    assert "next: ctl reconfigure" in result.out
    example = '# registry["log_level"] = "info"\n'
    assert file.read_text() == text.replace(example, example + 'registry["log_level"] = "debug"\n')
    assert ctl("settings", "get", "registry.log_level").out == "debug\n"
    assert ctl("settings", "set", "registry.log_level", "debug").out == "registry.log_level is so already\n"
    assert ctl("settings", "unset", "registry.log_level").code == 0
    assert file.read_text() == text
    assert ctl("settings", "unset", "registry.log_level").out == f"registry.log_level is not set in {file}\n"


@pytest.mark.parametrize(
    ("name", "word", "source"),
    [
        ("registry.log_level", '"warn"', '"warn"'),
        ("registry.username", "5000x", None),
        ("registry.storage_delete_enabled", "false", "False"),
        ("registry.storage_delete_enabled", "False", "False"),
        ("registry.nginx.listen_port", "5001", "5001"),
        ("registry.nginx.listen_addresses", "127.0.0.1", '["127.0.0.1"]'),
        ("registry.nginx.listen_addresses", "('127.0.0.1', '::1')", '["127.0.0.1", "::1"]'),
        ("registry.http_draintimeout", "30s", '"30s"'),
        ("registry.http_draintimeout", "0", "0"),
        ("registry.env.PORT", "08", '"08"'),
        ("registry.env.ON", "True", "True"),
        ("registry.nginx.custom_gitlab_server_config", "a;\nb;", '"""a;\nb;"""'),
        ("letsencrypt.auto_renew_hour", "0,12", '"0,12"'),
        ("letsencrypt.auto_renew_hour", "4", "4"),
        ("letsencrypt.key_size", "4096", "4096"),
        ("registry.storage", "{'s3': {'bucket': 'b', 'region': 'r'}}", '{"s3": {"bucket": "b", "region": "r"}}'),
        ("registry.storage", "{'s3'", None),
        ("registry.storage", "{1: 2}", None),
        ("registry.debug_addr", "None", "None"),
        ("registry.log_level", "\udcff", None),
    ],
)  # fmt: skip
def test_words(ctl: Cli, name: str, word: str, source: str | None) -> None:
    file = ctl.settings(URL)
    result = ctl("settings", "set", name, word)
    first, *keys = name.split(".")
    written = first + "".join(f'["{key}"]' for key in keys)
    assert file.read_text() == (URL if source is None else f"{URL}{written} = {source}\n"), result.err
    assert result.code == (2 if source is None else 0)


def test_what_would_be_wrong_is_not_written(ctl: Cli) -> None:
    file = ctl.settings(URL + "# end\n")
    before = file.stat()
    result = ctl("settings", "set", "registry.log_level", "loud")
    assert result.code == 2
    assert f"{file}:3:10: error: registry.log_level: must be one of" in result.err
    assert result.out == ""
    assert file.stat() == before
    assert list(file.parent.iterdir()) == [file]


def test_a_file_with_mistakes_can_be_mended_but_not_spoiled(ctl: Cli) -> None:
    file = ctl.settings(URL + 'registry["log_level"] = "loud"\n')
    assert ctl("settings", "set", "registry.log_level", "warn").code == 0
    file.write_text(broken := URL + 'registry["log_level = 1\n')
    result = ctl("settings", "set", "registry.log_level", "warn")
    assert result.code == 2
    assert f"{file}:2:" in result.err
    assert file.read_text() == broken


def test_mode_owner_and_link_are_kept(ctl: Cli, tmp_path: Path) -> None:
    file = ctl.settings(URL)
    target = tmp_path / "real.py"
    file.rename(target)
    target.chmod(0o640)
    if os.geteuid() == 0:
        os.chown(target, 12345, 54321)
    before = target.stat()
    file.symlink_to(target)
    (file.parent / "more.py").write_text('registry["uid"] = 7\n')
    with target.open("a") as stream:
        stream.write('from_file("more.py")\n')
    assert ctl("settings", "set", "registry.log_level", "warn").code == 0
    assert file.is_symlink()
    assert 'registry["log_level"] = "warn"' in target.read_text()
    after = target.stat()
    assert (after.st_mode, after.st_uid, after.st_gid) == (before.st_mode, before.st_uid, before.st_gid)
    assert stat.S_IMODE(after.st_mode) == 0o640


def test_a_setting_of_an_included_file(ctl: Cli) -> None:
    file = ctl.settings(f'{URL}from_file("more.py")\nregistry["uid"] = 7\n')
    more = file.parent / "more.py"
    more.write_text('registry["log_level"] = "warn"\n')
    for words in (("set", "registry.log_level", "info"), ("unset", "registry.log_level")):
        result = ctl("settings", *words)
        assert result.code == 2
        assert f"registry.log_level is set in {more}:1:10" in result.err
    assert ctl("settings", "set", "registry.gid", "7").code == 0


def test_a_setting_under_a_condition(ctl: Cli) -> None:
    text = f'{URL}if env("STAGE", ""):\n    registry["log_level"] = "warn"\n'
    file = ctl.settings(text)
    for words in (("set", "registry.log_level", "info"), ("unset", "registry.log_level")):
        result = ctl("settings", *words)
        assert result.code == 2
        assert f"{file}:3:5: error: registry.log_level: is, or may be, changed here" in result.err
        assert 'registry["log_level"] = "warn"\n        ^^^' in result.err
        assert "ctl settings edit" in result.err
    assert file.read_text() == text


def test_a_setting_through_a_variable_is_found_out(ctl: Cli) -> None:
    text = f'{URL}registry["log_level"] = "info"\nx = registry\nx["log_level"] = "warn"\n'
    file = ctl.settings(text)
    result = ctl("settings", "set", "registry.log_level", "debug")
    assert result.code == 2
    assert f"still get its value from another statement at {file}:4:3" in result.err
    assert file.read_text() == text


def test_secrets_come_from_standard_input(ctl: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    file = ctl.settings(URL)
    given(monkeypatch, "hunter2\n")
    result = ctl("settings", "set", "registry.http_secret", "-")
    assert result.code == 0
    assert "hunter2" not in result.out + result.err
    assert '+registry["http_secret"] = "********"' in result.out
    assert 'registry["http_secret"] = "hunter2"\n' in file.read_text()
    given(monkeypatch, "")
    assert ctl("settings", "set", "registry.http_secret", "-").code == 2


@pytest.mark.parametrize(
    ("name", "word"),
    [
        ("registry.http_secret", "hunter2"),
        ("registry.storage.s3.secretkey", "hunter2"),
        ("registry.storage", '{"s3": {"bucket": "b", "region": "r", "secretkey": "hunter2"}}'),
        ("registry.env.MY_TOKEN", "hunter2"),
        ("registry.env", '{"MY_TOKEN": "hunter2"}'),
        ("registry.notifications", '[{"name": "n", "url": "https://h", "headers": {"X": ["hunter2"]}}]'),
    ],
)
def test_no_secret_is_an_argument(ctl: Cli, name: str, word: str) -> None:
    file = ctl.settings(URL)
    result = ctl("settings", "set", name, word)
    assert result.code == 2
    assert f"ctl settings set {name} -" in result.err
    assert "hunter2" not in result.err
    assert file.read_text() == URL


def test_a_ruby_file_is_refused(ctl: Cli, tmp_path: Path) -> None:
    file = tmp_path / "gitlab.rb"
    file.write_text("registry_external_url 'https://registry.example.com'\n")
    for words in (("set", "registry.log_level", "info"), ("unset", "registry.log_level")):
        result = ctl("settings", *words, "--settings", str(file))
        assert result.code == 2
        assert f"ctl convert-settings {file}" in result.err


def test_no_file(ctl: Cli) -> None:
    result = ctl("settings", "set", "registry.log_level", "info")
    assert result.code == 2
    assert f"ctl settings template --output {ctl.file}" in result.err


@pytest.mark.real
def test_two_at_once_both_come_through(ctl: Cli) -> None:
    """Several processes that change one file wait for each other."""
    file = ctl.settings(URL)
    command = [sys.executable, "-m", "ctl", "--root", str(ctl.root), "settings", "set"]
    values = {"uid": 71, "gid": 72, "http_draintimeout": "5s"}
    running = [subprocess.Popen([*command, f"registry.{key}", str(one)]) for key, one in values.items()]
    assert [one.wait(60) for one in running] == [0, 0, 0]
    assert sorted(file.read_text().splitlines()[1:]) == [
        'registry["gid"] = 72', 'registry["http_draintimeout"] = "5s"', 'registry["uid"] = 71'
    ]  # fmt: skip


def test_a_held_file(ctl: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    file = ctl.settings(URL)
    monkeypatch.setattr("ctl.settings.editing.apply._WAIT", 0.1)
    with locked(file):
        result = ctl("settings", "set", "registry.log_level", "info")
    assert result.code == 75
    assert "is being edited" in result.err
    assert ctl("settings", "set", "registry.log_level", "info").code == 0


def test_describe_shows_what_holds_now(ctl: Cli) -> None:
    assert "now:" not in ctl("settings", "describe", "registry.log_level").out
    file = ctl.settings(URL + 'registry["log_level"] = "warn"\nregistry["http_secret"] = "hunter2"\n')
    output = ctl("settings", "describe", "registry.log_level").out
    assert f'  now:     "warn"\n  from:    {file}:2:10\n' in output
    assert '  now:     "********"\n' in ctl("settings", "describe", "registry.http_secret").out
    output = ctl("settings", "describe", "registry.nginx.listen_port").out
    assert "  now:     443\n  from:    derived by " in output
    output = ctl("settings", "describe", "registry.storage.filesystem.rootdirectory").out
    assert "/shared/registry" in output.split("  now: ")[1].splitlines()[0]
    file.write_text("registry[\n")
    wrong = ctl("settings", "describe", "registry.log_level")
    assert wrong.code == 0
    assert f"  now:     unknown: {file} cannot be used" in wrong.out
