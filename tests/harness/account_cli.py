"""What the tests of account commands share."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import pytest

from ctl.auth.accounts import Accounts
from ctl.auth.accounts_file import parse_accounts
from ctl.auth.authenticate import authenticate
from tests.harness.cli import Cli
from tests.harness.result import Result

SETTINGS = 'registry_external_url = "https://registry.example.com"\n'
PASSWORD = "kept out of sight"


class AccountCli:
    """`ctl` with a root whose registry has a token issuer; passwords go in by standard input."""

    def __init__(self, root: Path, capture: pytest.CaptureFixture[str], patch: pytest.MonkeyPatch) -> None:
        self._cli = Cli(root, capture)
        self._patch = patch
        self._cli.settings(SETTINGS)
        self.root = root
        patch.setattr("ctl.auth.passwords.COST", 4)  # the least: what the work is for is tested elsewhere

    @property
    def path(self) -> Path:
        """The accounts file."""
        return self.root / "etc/gitlab/registry-accounts.json"

    @property
    def accounts(self) -> Accounts:
        """What is in it."""
        return parse_accounts(self.path.read_bytes(), "file")

    @property
    def content(self) -> Any:  # noqa: ANN401 - JSON
        """Its JSON."""
        return json.loads(self.path.read_bytes())

    def settings(self, text: str) -> None:
        """Write other settings."""
        self._cli.settings(text)

    def __call__(self, *arguments: str, stdin: str = "") -> Result:
        """Run `ctl ARGUMENTS --root ROOT`; its output must hold no password and no hash."""
        self._patch.setattr("sys.stdin", io.StringIO(stdin))
        result = self._cli(*arguments)
        assert PASSWORD not in result.out + result.err
        assert "$2" not in result.out + result.err
        return result

    def good(self, *arguments: str, stdin: str = "") -> Result:
        """The same, which must do it."""
        result = self(*arguments, stdin=stdin)
        assert result.code == 0, result.err
        return result

    def logs_in(self, name: str, secret: str) -> bool:
        """Whether an account logs in."""
        return authenticate(self.accounts, name, secret, 0) is not None
