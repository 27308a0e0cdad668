"""Names of settings are completed, without anything heavy being imported."""

from __future__ import annotations

import subprocess
import sys

import pytest
from click.shell_completion import ShellComplete

from ctl.cli.framework import cli
from ctl.settings.options import OPTIONS


def complete(*words: str) -> list[str]:
    """What click offers for the last word."""
    *before, incomplete = words
    completion = ShellComplete(cli, {}, "ctl", "_CTL_COMPLETE")
    return [item.value for item in completion.get_completions(["settings", *before], incomplete)]


@pytest.mark.parametrize("command", ["get", "set", "unset", "describe", "list"])
def test_names(command: str) -> None:
    assert complete(command, "registry.log_") == [
        name for name in OPTIONS if name.startswith("registry.log_")
    ]
    assert set(complete(command, "")) == set(OPTIONS)
    assert complete(command, "registry.storage") == [
        name for name in OPTIONS if name.startswith("registry.storage")
    ]
    found = complete(command, "registry.storage.s3.buc")
    assert found == ["registry.storage.s3.bucket"]
    assert "registry.storage.maintenance.readonly.enabled" in complete(command, "registry.storage.m")
    assert complete(command, "nosuch") == []


def test_values() -> None:
    assert complete("set", "registry.log_level", "") == ["error", "warn", "info", "debug", "trace"]
    assert complete("set", "registry.storage_delete_enabled", "T") == ["True"]
    assert complete("set", "registry.dir", "") == []
    assert complete("set", "registry.nosuch", "") == []


def test_subcommands() -> None:
    assert complete("s") == ["schema", "set"]


@pytest.mark.real
def test_completion_is_cheap() -> None:
    code = (
        "import sys; from click.shell_completion import ShellComplete; from ctl.cli.framework import cli;"
        "assert ShellComplete(cli, {}, 'ctl', 'X').get_completions(['settings', 'get'], 'registry.');"
        "print(*sorted({'cryptography', 'jinja2', 'yaml', 'psutil', 'josepy'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == ""
