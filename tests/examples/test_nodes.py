"""The examples of a registry and a GitLab on nodes of their own: whether they are a pair."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from ctl.__main__ import run
from tests.harness import seeds
from tests.harness.rendered_examples import EXAMPLES, own_files

pytestmark = pytest.mark.real


class Nodes:
    """The two examples of separate nodes, each in a root of its own, and what `ctl` says there."""

    def __init__(self, folder: Path, capture: pytest.CaptureFixture[str]) -> None:
        self._capture = capture
        self.files = {}
        for side in ("gitlab", "registry"):
            self.files[side] = folder / side / "etc/gitlab/gitlab.py"
            self.files[side].parent.mkdir(parents=True)
            shutil.copy(EXAMPLES / f"separate-{side}-node.py", self.files[side])

    def ctl(self, side: str, *words: object) -> tuple[int, str, str]:
        """Exit status, standard output and standard error of a command on a node."""
        code = run(["--root", str(self.files[side].parents[2]), *map(str, words)])
        output = self._capture.readouterr()
        return code, output.out, output.err

    def without(self, side: str, *names: str) -> None:
        """Take lines out of a node's settings."""
        lines = self.files[side].read_text(encoding="utf-8").splitlines(keepends=True)
        kept = [line for line in lines if not any(f'["{name}"]' in line for name in names)]
        self.files[side].write_text("".join(kept), encoding="utf-8")


@pytest.fixture
def nodes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Nodes:
    """Both nodes, with one pair of keys."""
    for name, content in own_files().items():
        (tmp_path / name).write_text(content, encoding="ascii")
        monkeypatch.setenv(name, str(tmp_path / name))
    return Nodes(tmp_path, capsys)


def test_the_separate_nodes_are_a_pair(nodes: Nodes) -> None:
    for one, other in (("gitlab", "registry"), ("registry", "gitlab")):
        found = nodes.ctl(one, "check-config", "--peer", nodes.files[other])
        assert found == (0, f"settings are valid and agree with {nodes.files[other]}\n", "")


def test_the_registry_gets_its_secrets_by_export_and_import(nodes: Nodes, tmp_path: Path) -> None:
    exported = tmp_path / "export.py"
    assert nodes.ctl("gitlab", "secrets", "export", "--for", "registry", "--output", exported)[0] == 1, (
        "no certificate"
    )
    nodes.without("gitlab", "internal_key")
    key, certificate = seeds.pair(1)
    stored = {"registry": {"internal_key": key, "internal_certificate": certificate}}
    secrets_file = nodes.files["gitlab"].with_name("gitlab-secrets.json")
    secrets_file.write_text(json.dumps(stored), encoding="ascii")
    secrets_file.chmod(0o600)
    assert nodes.ctl("gitlab", "secrets", "export", "--for", "registry", "--output", exported)[0] == 0
    nodes.without("registry", "internal_certificate")
    assert nodes.ctl("registry", "secrets", "import", exported)[0] == 0
    code, out, err = nodes.ctl("registry", "check-config", "--peer", exported)
    assert (code, err) == (0, "")
    assert "and agree with" in out


@pytest.mark.parametrize(
    ("side", "line", "reason"),
    [
        ("registry", 'gitlab_rails["registry_issuer"] = "another"', "it would refuse every token"),
        (
            "registry",
            'registry["token_realm"] = "https://other.example.com"',
            "the registry sends clients to",
        ),
        ("gitlab", 'gitlab_rails["registry_port"] = 5050', "GitLab shows users the registry port 5050"),
        (
            "gitlab",
            'gitlab_rails["registry_api_url"] = "http://registry.internal:5000"',
            "which another node cannot",
        ),
    ],
)
def test_nodes_that_contradict_each_other_do_not_agree(
    nodes: Nodes, side: str, line: str, reason: str
) -> None:
    with nodes.files[side].open("a", encoding="utf-8") as file:
        file.write(line + "\n")
    for one, other in (("gitlab", "registry"), ("registry", "gitlab")):
        code, out, err = nodes.ctl(one, "check-config", "--peer", nodes.files[other])
        assert (code, out) == (2, "")
        assert reason in err


def test_a_doubt_is_no_agreement(nodes: Nodes) -> None:
    nodes.without("gitlab", "internal_key")
    code, out, err = nodes.ctl("registry", "check-config", "--peer", nodes.files["gitlab"])
    assert (code, out.endswith(" is not certain\n")) == (0, True)
    assert "is not known here" in err
