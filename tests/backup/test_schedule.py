"""`registry_backup[…]`: what the timer runs."""

from __future__ import annotations

from pathlib import Path

from ctl.paths import Layout
from ctl.settings.components.registry import REGISTRY
from ctl.settings.resolve import resolve
from ctl.settings.secrets.secrets_file import Secrets

URL = {"registry_external_url": "http://a.example"}


def command(tmp_path: Path, **backup: object) -> list[str]:
    """The words of the scheduled backup; empty for none."""
    layout = Layout(tmp_path)
    given: dict[str, object] = {**URL, "registry_backup": backup}
    tasks = REGISTRY.tasks(resolve(given, layout, Secrets(layout.secrets_file)))
    return [str(word) for task in tasks if task.name == "backup" for word in task.command]


def test_none_unless_asked_for(tmp_path: Path) -> None:
    assert command(tmp_path) == []


def test_a_scheduled_backup_has_its_settings(tmp_path: Path) -> None:
    usual = ["backup", "--to", "/var/opt/gitlab/backups"]
    assert command(tmp_path, enable=True) == usual
    assert command(tmp_path, enable=True, with_images=True, verify=True) == [
        *usual,
        "--with-images",
        "--verify",
    ]
    assert command(
        tmp_path, enable=True, path="s3://b/node", encrypt_to="age1x", verify=True, identity="/k"
    ) == [*["backup", "--to", "s3://b/node", "--encrypt-to", "age1x", "--verify", "--identity", "/k"]]
    encrypted = command(tmp_path, enable=True, encrypt_to="age1x", verify=True, path="/srv/b")
    assert encrypted == ["backup", "--to", "/srv/b", "--encrypt-to", "age1x"]
