"""The fixture that renders an example."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from ctl.__main__ import run
from tests.harness import seeds
from tests.harness.rendered_examples import EXAMPLES, Rendered, own_files, put_certificate


@pytest.fixture
def render(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[..., Rendered]:
    """Renders an example in a root that has secrets and the files that examples read."""
    root, secrets = tmp_path / "root", tmp_path / "root/etc/gitlab/gitlab-secrets.json"
    secrets.parent.mkdir(parents=True)
    secrets.write_text(seeds.secrets_json(), encoding="ascii")
    secrets.chmod(0o600)
    gitlab_yml = root / "home/git/gitlab/config/gitlab.yml"
    gitlab_yml.parent.mkdir(parents=True)
    gitlab_yml.write_text("production:\n  gitlab:\n    host: gitlab.example.com\n", encoding="utf-8")
    for host in ("gitlab.example.com", "registry.gitlab.example.com"):
        put_certificate(root / "etc/gitlab/ssl", host)
    for name, content in own_files().items():
        (tmp_path / name).write_text(content, encoding="ascii")
        monkeypatch.setenv(name, str(tmp_path / name))

    def render(name: str) -> Rendered:
        output = tmp_path / "output"
        command = ["--root", str(root), "--settings", str(EXAMPLES / name), "render", "--output", str(output)]
        code = run(command)
        result = capsys.readouterr()
        assert code == 0, result.err
        return Rendered(output, root, result.err)

    return render
