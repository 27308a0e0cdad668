"""With --json standard output is JSON alone, also where a command fails; people read standard error."""

from __future__ import annotations

import pytest

from tests.harness.cli import Cli

COMMANDS = [
    ["reconfigure", "--json", "--dry-run"],
    ["check-config", "--json"],
    ["show-config", "--format", "json"],
    ["certificates", "--json"],
    ["trust", "--json"],
    ["user", "list", "--json"],
    ["group", "list", "--json"],
    ["token", "list", "--json"],
    ["token", "create", "ci", "a/b", "pull", "--json"],
    ["registry-token", "--repository", "a", "--actions", "pull", "--json"],
    ["registry-garbage-collect", "--json", "-d"],
    ["renew-le-certs", "--json"],
    ["status", "nope", "--json"],
    ["settings", "get", "nope", "--json"],
]


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command[0])
def test_a_failure_is_json_too(ctl: Cli, command: list[str]) -> None:
    result = ctl(*command)
    assert result.code in {1, 2}
    found = result.json()
    assert set(found) == {"error", "hint"}
    assert found["error"] in result.err
    assert found["hint"] is None or found["hint"] in result.err


def test_wrong_settings_are_listed(ctl: Cli) -> None:
    ctl.settings('registry_external_url = "https://a.example"\nregistry["log_level"] = "wran"\n')
    found = ctl("show-config", "--format", "json").json()
    assert [(one["setting"], one["line"]) for one in found["diagnostics"]] == [("registry.log_level", 2)]
