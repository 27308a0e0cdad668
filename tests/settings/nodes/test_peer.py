"""Two nodes' settings: what does not go together is found, with the place in either file."""

from __future__ import annotations

from pathlib import Path

import pytest

from ctl.language.source import Severity
from ctl.paths import Layout
from ctl.settings.nodes.exchange import api_url, export
from ctl.settings.nodes.peer import Side, compare, read_alone
from ctl.settings.secrets.token_pair import TokenPair
from tests.harness import seeds

GITLAB = """\
external_url("https://gitlab.example.com")
letsencrypt["enable"] = False
gitlab_rails["registry_enabled"] = True
gitlab_rails["registry_host"] = "registry.example.com"
gitlab_rails["registry_port"] = 5050
gitlab_rails["registry_api_url"] = "https://registry.example.com:5050"
gitlab_rails["internal_key"] = read_file("{folder}/key")
"""
REGISTRY = """\
registry_external_url("https://registry.example.com:5050")
registry["token_realm"] = "https://gitlab.example.com/"
registry["internal_certificate"] = read_file("{folder}/certificate")
registry["registry_http_addr"] = "10.0.0.2:5000"
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    pair, other = TokenPair(*seeds.pair()), TokenPair(*seeds.pair(1))
    files = {
        "key": pair.key,
        "certificate": pair.certificate,
        "other": other.certificate,
        "other-key": other.key,
    }
    for name, text in files.items():
        (tmp_path / name).write_text(text)
    return tmp_path


def read(folder: Path, name: str, text: str) -> Path:
    file = folder / name
    file.write_text(text.replace("{folder}", str(folder)))
    return file


def findings(folder: Path, gitlab: str, registry: str, *, from_gitlab: bool = True) -> list[str]:
    """Each finding as text: "severity setting: message"."""
    nodes = [read(folder, "gitlab.py", gitlab), read(folder, "registry.py", registry)]
    own, peer = (
        read_alone(file, Layout(folder), environment={}) for file in nodes[:: 1 if from_gitlab else -1]
    )
    return [f"{one.severity} {one.setting}: {one.message}" for one in compare(own, peer)]


@pytest.mark.parametrize("from_gitlab", [True, False])
def test_nodes_that_agree(folder: Path, from_gitlab: bool) -> None:
    assert findings(folder, GITLAB, REGISTRY, from_gitlab=from_gitlab) == []


API = 'gitlab_rails["registry_api_url"] = '
ENDPOINT = 'registry["notifications"] = [{"name": "geo_event", "url": "https://gitlab.example.com/x", "headers": {"Authorization": ["s3cr3t"]}}]'  # noqa: E501
CASES = {
    "issuer": (
        "",
        'gitlab_rails["registry_issuer"] = "other"',
        "error gitlab_rails.registry_issuer: GitLab signs as 'omnibus-gitlab-issuer', the registry trusts 'other'",
        "(GitLab: gitlab_rails.registry_issuer by default; registry: {folder}/registry.py:5)",
    ),
    "key": (
        "",
        'registry["internal_certificate"] = read_file("{folder}/other")',
        "error registry.internal_key: GitLab's key and the registry's certificate do not belong together",
        "(GitLab: {folder}/gitlab.py:7; registry: {folder}/registry.py:5)",
    ),
    "realm": (
        'external_url("https://gitlab.example.com:8443")',
        "",
        "error external_url: the registry sends clients to https://gitlab.example.com for a token, but GitLab is",
        "(GitLab: {folder}/gitlab.py:8; registry: {folder}/registry.py:2)",
    ),
    "host": (
        'gitlab_rails["registry_host"] = "old.example.com"',
        "",
        "error gitlab_rails.registry_host: GitLab shows users the registry host 'old.example.com'",
        "(GitLab: {folder}/gitlab.py:8; registry: {folder}/registry.py:1)",
    ),
    "port": (
        'gitlab_rails["registry_port"] = 5005',
        "",
        "error gitlab_rails.registry_port: GitLab shows users the registry port 5005, but it is reached at 5050",
        "registry.py:1)",
    ),
    "http for TLS": (
        f'{API}"http://registry.example.com:5050"',
        "",
        "error gitlab_rails.registry_api_url: GitLab would talk http to port 5050 of the registry, which has TLS",
        "gitlab.py:8;",
    ),
    "https without TLS": (
        f'{API}"https://10.0.0.2:5000"',
        "",
        "error gitlab_rails.registry_api_url: GitLab would talk https to 10.0.0.2:5000 of the registry, which has no",
        "registry.py:4)",
    ),
    "loopback": (
        f'{API}"http://registry.example.com:5000"',
        'registry["registry_http_addr"] = "localhost:5000"',
        "error gitlab_rails.registry_api_url: the registry listens on localhost:5000 only",
        "registry.py:5)",
    ),
    "nothing at that port": (
        f'{API}"http://registry.example.com:80"',
        "",
        "warning gitlab_rails.registry_api_url: GitLab looks for the registry at port 80",
        "gitlab.py:8;",
    ),
    "another notification secret": (
        'gitlab_rails["registry_notification_secret"] = "0ther"',
        ENDPOINT,
        "error gitlab_rails.registry_notification_secret: the registry's notifications bear another Authorization",
        "(GitLab: {folder}/gitlab.py:8; registry: {folder}/registry.py:5)",
    ),
    "no notification secret": ("", ENDPOINT, "has no notification secret", "registry.py:5)"),
    "nobody notifies": (
        'gitlab_rails["registry_notification_secret"] = "0ther"',
        "",
        "no endpoint of the registry bears an Authorization for it",
        "gitlab.py:8;",
    ),
}


@pytest.mark.parametrize(("gitlab", "registry", "message", "places"), CASES.values(), ids=CASES.keys())
def test_what_differs_is_found_from_both_sides(
    folder: Path, gitlab: str, registry: str, message: str, places: str
) -> None:
    for from_gitlab in (True, False):
        found = findings(folder, GITLAB + gitlab, REGISTRY + registry, from_gitlab=from_gitlab)
        assert len(found) == 1
        assert message.split(": ", 1)[-1] in found[0]
        assert places.replace("{folder}", str(folder)) in found[0]
        assert "s3cr3t" not in found[0]
        assert "0ther" not in found[0]


GITLAB_RB = """\
external_url 'https://gitlab.example.com'
letsencrypt['enable'] = false
gitlab_rails['registry_enabled'] = true
gitlab_rails['registry_host'] = "registry.example.com"
gitlab_rails['registry_port'] = "5050"
gitlab_rails['registry_api_url'] = "https://registry.example.com:5050"
gitlab_rails['internal_key'] = File.read('{folder}/key')
"""


@pytest.mark.parametrize("from_gitlab", [True, False])
def test_a_node_may_have_a_gitlab_rb(folder: Path, from_gitlab: bool) -> None:
    for more, expected in (
        ("", []),
        (
            "gitlab_rails['registry_issuer'] = 'other'\n",
            ["GitLab signs as 'other', the registry trusts 'omnibus-gitlab-issuer'"],
        ),
        ("gitlab_rails['internal_key'] = File.read('{folder}/other-key')\n", ["do not belong together"]),
    ):
        own, peer = (
            read_alone(read(folder, name, text), Layout(folder), environment={})
            for name, text in (("gitlab.rb", GITLAB_RB + more), ("registry.py", REGISTRY))[
                :: 1 if from_gitlab else -1
            ]
        )
        found = [str(one) for one in compare(own, peer)]
        assert len(found) == len(expected)
        assert all(message in one for message, one in zip(expected, found, strict=True))
        assert all(f"{folder}/gitlab.rb:8" in one for one in found)


def test_an_unknown_key_is_reported(folder: Path) -> None:
    without = "".join(line for line in GITLAB.splitlines(keepends=True) if "internal_key" not in line)
    (found,) = findings(folder, without, REGISTRY)
    assert found.startswith("warning registry.internal_key: the key of GitLab's node is not known here")


@pytest.mark.parametrize("whom", list(Side))
def test_an_export_agrees_with_both_nodes_and_is_a_settings_file(folder: Path, whom: Side) -> None:
    gitlab, registry = read(folder, "gitlab.py", GITLAB), read(folder, "registry.py", REGISTRY)
    source = read_alone(registry if whom is Side.REGISTRY else gitlab, Layout(folder), environment={})
    text = export(source, whom)
    assert ("PRIVATE KEY" in text) == (whom is Side.GITLAB)
    exported = read_alone(read(folder, "export.py", text), Layout(folder), environment={})
    for node in (gitlab, registry):
        found = compare(read_alone(node, Layout(folder), environment={}), exported)
        assert [str(one) for one in found] == []


def test_an_export_of_another_pair_is_found_on_its_own_side(folder: Path) -> None:
    other = 'registry["internal_certificate"] = read_file("{folder}/other")\n'
    own = read_alone(read(folder, "registry.py", REGISTRY), Layout(folder), environment={})
    peer = read_alone(read(folder, "export.py", other), Layout(folder), environment={})
    (found,) = compare(own, peer)
    assert (found.severity, found.setting) == (Severity.ERROR, "registry.internal_certificate")
    assert "BEGIN" not in str(found)


@pytest.mark.parametrize(
    ("lines", "url"),
    [
        ("", "http://10.0.0.2:5000"),
        ('registry["registry_http_addr"] = "127.0.0.1:5000"', "https://registry.example.com:5050"),
        ('registry["registry_http_addr"] = "0.0.0.0:5000"', "http://registry.example.com:5000"),
        ('gitlab_rails["registry_api_url"] = "http://inner:1"', "http://inner:1"),
    ],
)
def test_the_address_for_gitlab(folder: Path, lines: str, url: str) -> None:
    own = read_alone(read(folder, "registry.py", REGISTRY + lines), Layout(folder), environment={})
    assert api_url(own) == url
