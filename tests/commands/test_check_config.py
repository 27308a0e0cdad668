"""`ctl check-config` finds mistakes and changes nothing."""

from __future__ import annotations

import json

import pytest

from tests.harness.cli import Cli

GOOD = 'registry_external_url = "https://registry.example.com"\n'


def test_valid_settings(ctl: Cli) -> None:
    ctl.settings(GOOD + 'sidekiq["enable"] = False\nregistry_nginx["listen_port"] = 5678\n')
    result = ctl("check-config")
    assert (result.code, result.out) == (0, "settings are valid\n")
    assert "registry_nginx" not in result.err
    assert "note: ignored, other components: sidekiq" in result.err
    assert sorted(path.name for path in ctl.root.rglob("*") if path.is_file()) == ["gitlab.py"]


def test_every_mistake_is_reported(ctl: Cli) -> None:
    ctl.settings(GOOD + 'registry["log_level"] = "loud"\nregistry["prot"] = 1\n')
    result = ctl("check-config")
    assert (result.code, result.out) == (2, "")
    assert f"{ctl.file}:2:10: error: registry.log_level" in result.err
    assert f"{ctl.file}:3:10: error: registry.prot" in result.err


@pytest.mark.parametrize("setting", ["registry", "nginx"])
def test_a_program_that_others_can_change_is_refused_and_never_run(ctl: Cli, setting: str) -> None:
    program, ran = ctl.root / "program", ctl.root / "ran"
    program.write_text(f"#!/bin/sh\ntouch {ran}\n")
    program.chmod(0o777)
    ctl.settings(f'{GOOD}{setting}["executable"] = "{program}"\n')
    for arguments in (
        ["check-config"],
        ["reconfigure", "--dry-run"],
        ["render", "-o", str(ctl.root / "out")],
    ):
        result = ctl(*arguments)
        assert result.code != 0
        assert (
            f"{program} may be changed by other accounts: it is writable by everybody (mode 0777)"
            in result.err
        )
        assert f"chmod go-w {program}" in result.err
    assert f"{ctl.file}:2:" in ctl("check-config").err
    assert not ctl("check-config", "--json").json()["valid"]
    assert not ran.exists()


def test_a_recipe_that_others_can_change_is_refused(ctl: Cli) -> None:
    ctl.settings(GOOD)
    recipe = ctl.root / "etc/gitlab/recipes.d/site.py"
    recipe.parent.mkdir()
    recipe.write_text("raise SystemExit\n")
    recipe.chmod(0o666)
    result = ctl("check-config")
    assert (result.code, f"chmod go-w {recipe}" in result.err) == (1, True)


def test_json(ctl: Cli) -> None:
    ctl.settings(GOOD + 'registry["log_level"] = "wran"\n')
    result = ctl("check-config", "--json")
    assert result.code == 2
    assert result.json() == {
        "valid": False,
        "diagnostics": [
            {
                "severity": "error",
                "setting": "registry.log_level",
                "message": "must be one of error, warn, info, debug, trace, not 'wran'",
                "hint": 'Did you mean "warn"?',
                "file": str(ctl.file),
                "line": 2,
                "column": 10,
            }
        ],
    }
    ctl.settings(GOOD)
    result = ctl("check-config", "--json")
    assert (result.code, result.json()) == (0, {"valid": True, "diagnostics": []})


def test_a_missing_file(ctl: Cli) -> None:
    result = ctl("check-config")
    assert result.code == 2
    assert f"ctl settings template --output {ctl.file}" in result.err


def test_quiet_keeps_errors_and_the_result(ctl: Cli) -> None:
    ctl.settings(GOOD + 'sidekiq["enable"] = False\n')
    result = ctl("check-config", "-q")
    assert (result.code, result.out, result.err) == (0, "settings are valid\n", "")


@pytest.mark.real
def test_what_the_program_cannot_serve_is_a_warning(ctl: Cli) -> None:
    ctl.settings(GOOD + 'registry["storage"] = {"gcs": {"bucket": "b"}}\n')
    result = ctl("check-config")
    assert result.code == 0
    assert f"warning: {ctl.file}:2:10: " in result.err
    found = json.loads(ctl("check-config", "--json").out)["diagnostics"]
    assert any("no such driver" in one["message"] and one["severity"] == "warning" for one in found)
