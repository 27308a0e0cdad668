"""Secrets that gitlab-secrets.json has lost, or that are foreign, while key and certificate are deployed."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from ctl.errors import CtlError
from ctl.settings.load import Loaded
from ctl.settings.secrets import secrets_file as secrets_module
from ctl.settings.secrets.token_pair import PairMaker, TokenPair, matches
from tests.harness import seeds
from tests.harness.settings_site import BOTH, GITLAB, URL, Site

CERTIFICATE = "/var/opt/gitlab/registry/gitlab-registry.crt"
GITLABS_KEY = "/var/opt/gitlab/gitlab-rails/etc/gitlab-registry.key"
ISSUERS_KEY = "/var/opt/gitlab/registry-auth/gitlab-registry.key"
CONFIG = "/var/opt/gitlab/registry/config.yml"
NAMES = ("http_secret", "internal_key", "internal_certificate")
GITLAB_ALONE = (
    f'{GITLAB}gitlab_rails["registry_enabled"] = True\ngitlab_rails["registry_api_url"] = "http://r:1"\n'
)
REGISTRY_ALONE = f'{URL}registry["token_realm"] = "https://gitlab.example.com"\n'


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """New pairs are short ones, and known."""
    make = lambda: TokenPair(*seeds.pair(9))  # noqa: E731
    monkeypatch.setattr(secrets_module, "PairMaker", lambda given=None: PairMaker(given or make))


class Node:
    """A root in which an earlier run has deployed a pair and an http_secret.

    Args:
        site: the root.
        key, certificate: what is deployed; "" for none.
    """

    def __init__(self, site: Site, key: str, certificate: str) -> None:
        self.site, self.key, self.certificate = site, key, certificate
        self.put(CERTIFICATE, certificate)
        self.put(CONFIG, "http:\n  addr: 127.0.0.1:5000\n  secret: 'deployed'\n")

    def put(self, path: str, text: str) -> None:
        """Deploy a file."""
        file = self.site.layout.path(path)
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)

    def secrets(self, **present: str | None) -> None:
        """What is left in the secrets file."""
        self.site.write_secrets({"registry": {name: text for name, text in present.items() if text}})


@pytest.fixture
def node(site: Site, other_pair: TokenPair) -> Node:
    site.take_up = True
    found = Node(site, other_pair.key, other_pair.certificate)
    for path in (GITLABS_KEY, ISSUERS_KEY):
        found.put(path, other_pair.key)
    return found


def kept(loaded: Loaded) -> Any:  # noqa: ANN401 - JSON
    return json.loads(loaded.secrets.content() or b"")["registry"]


def warned(loaded: Loaded) -> list[str]:
    return [str(one) for one in loaded.attributes.diagnostics]


@pytest.mark.parametrize(("text", "key"), [(BOTH, GITLABS_KEY), (URL, ISSUERS_KEY)])
@pytest.mark.parametrize("left", ["no file", "an empty section", *NAMES])
def test_what_is_lost_is_taken_up_again(node: Node, text: str, key: str, left: str) -> None:
    """Whatever is lost, the node goes on with what it has, and one line says so."""
    values = {"http_secret": "deployed", "internal_key": node.key, "internal_certificate": node.certificate}
    if left != "no file":
        node.secrets(**{name: text for name, text in values.items() if name == left})
    loaded = node.site.load(text)
    assert kept(loaded) == values
    assert loaded.secrets.new == ()
    assert {name: loaded.attributes.registry[name] for name in values} == values
    (line,) = warned(loaded)
    assert f"warning: {node.site.layout.secrets_file} has lost what is deployed; taken up again: " in line
    assert "\n" not in line
    lost = {"http_secret": CONFIG, "internal_key": key, "internal_certificate": CERTIFICATE}
    for name, path in lost.items():
        assert (f"registry.{name} from {node.site.layout.path(path)}" in line) is (name != left)
    assert all(secret not in line for secret in (node.key, "'deployed'"))


@pytest.mark.parametrize("content", ["", " \n"])
def test_a_file_without_content_is_a_lost_one(node: Node, content: str) -> None:
    """As a full disk leaves it."""
    node.site.write_secrets({})
    node.site.layout.secrets_file.write_text(content)
    loaded = node.site.load(BOTH)
    assert kept(loaded)["internal_key"] == node.key
    assert loaded.secrets.new == ()
    assert "has lost what is deployed" in warned(loaded)[0]


@pytest.mark.parametrize("content", ["{", '{"registry": []}', '{"registry": {"internal_key": 5}}', "\0\0\0"])
def test_a_garbled_file_is_an_error_with_the_ways_on(node: Node, content: str) -> None:
    """Nothing is made anew in its place; moved away, it counts as lost."""
    path = node.site.layout.secrets_file
    node.site.write_secrets({})
    path.write_text(content)
    with pytest.raises(CtlError) as caught:
        node.site.load(BOTH)
    assert str(path) in caught.value.message
    assert "Or move it away" in (caught.value.hint or "")
    assert path.read_text() == content
    path.unlink()
    assert kept(node.site.load(BOTH))["internal_key"] == node.key


def test_a_node_that_has_lost_nothing_has_nothing_to_say(node: Node) -> None:
    node.secrets(http_secret="mine", internal_key=node.key, internal_certificate=node.certificate)
    loaded = node.site.load(BOTH)
    assert (kept(loaded)["http_secret"], warned(loaded)) == ("mine", [])


def test_a_first_run_makes_everything_and_has_nothing_to_say(site: Site) -> None:
    site.take_up = True
    loaded = site.load(BOTH)
    assert sorted(kept(loaded)) == sorted(NAMES)
    assert warned(loaded) == []


def test_a_deleted_section_asks_for_new_secrets_and_says_what_ends(node: Node) -> None:
    """GitLab's documentation has people delete the section to get a new pair."""
    node.site.write_secrets({"other": {"kept": True}})
    loaded = node.site.load(URL)
    assert loaded.attributes.registry.internal_key == seeds.pair(9)[0]
    uploads, tokens = sorted(warned(loaded))
    assert "registry.internal_key: is made anew with its certificate: tokens and refresh tokens" in tokens
    assert "registry.http_secret: is made anew: uploads that are under way cannot be continued" in uploads
    assert f"put back {node.site.layout.secrets_file} as it was" in uploads


def test_gitlab_alone_takes_up_its_key(node: Node) -> None:
    loaded = node.site.load(GITLAB_ALONE)
    assert kept(loaded) == {"internal_key": node.key}
    assert loaded.attributes.registry.internal_certificate is None


def test_a_registry_alone_takes_up_its_certificate(node: Node) -> None:
    """The key is GitLab's: a new pair would end every token."""
    for path in (GITLABS_KEY, ISSUERS_KEY):
        node.site.layout.path(path).unlink()
    loaded = node.site.load(REGISTRY_ALONE)
    assert kept(loaded) == {"http_secret": "deployed", "internal_certificate": node.certificate}
    assert loaded.attributes.registry.internal_key is None


def test_a_key_without_its_certificate_gets_another_of_the_same_key(node: Node) -> None:
    node.site.layout.path(CERTIFICATE).unlink()
    loaded = node.site.load(URL)
    assert loaded.attributes.registry.internal_key == node.key
    assert matches(node.key, loaded.attributes.registry.internal_certificate)
    assert not [one for one in warned(loaded) if "made anew" in one]


@pytest.mark.parametrize("damage", ["", "nonsense"])
def test_a_certificate_whose_key_is_gone_too_needs_a_new_pair(node: Node, damage: str) -> None:
    for path in (GITLABS_KEY, ISSUERS_KEY):
        node.put(path, damage)
    if damage:
        node.site.layout.path(CERTIFICATE).unlink()
    loaded = node.site.load(URL)
    assert loaded.attributes.registry.internal_key == seeds.pair(9)[0]
    found = [one for one in warned(loaded) if "registry.internal_key: is made anew" in one]
    assert len(found) == 1


@pytest.mark.parametrize("config", ["", "{", "a: 1\n", "http: {secret: 5}\n", "http: []\n"])
def test_a_configuration_without_its_secret(node: Node, config: str) -> None:
    node.put(CONFIG, config)
    node.secrets(internal_key=node.key, internal_certificate=node.certificate)
    loaded = node.site.load(BOTH)
    assert loaded.secrets.new == ("registry.http_secret",)
    assert bool(warned(loaded)) is bool(config)


# --- foreign


def test_deployed_halves_of_two_pairs_are_an_error_with_the_way_on(node: Node, pair: TokenPair) -> None:
    node.put(ISSUERS_KEY, pair.key)
    error = node.site.error(URL)
    place = node.site.layout.path
    assert f"{place(ISSUERS_KEY)} is not the key of {place(CERTIFICATE)}" in error
    assert f"Put back {node.site.layout.secrets_file} from a backup; or delete both files" in error
    for path in (ISSUERS_KEY, CERTIFICATE):
        place(path).unlink()
    assert node.site.load(URL).attributes.registry.internal_key == seeds.pair(9)[0]


@pytest.mark.parametrize("half", ["internal_key", "internal_certificate"])
def test_a_half_that_does_not_fit_what_is_deployed_is_not_completed_by_it(
    node: Node, pair: TokenPair, half: str
) -> None:
    node.secrets(http_secret="x", **{half: vars(pair)[half.removeprefix("internal_")]})
    if half == "internal_certificate":
        assert "holds the certificate alone" in node.site.error(BOTH)
        return
    loaded = node.site.load(BOTH)
    assert loaded.attributes.registry.internal_key == pair.key
    assert matches(pair.key, loaded.attributes.registry.internal_certificate)


# --- who looks


def test_commands_that_deploy_nothing_do_not_look(node: Node, pair: TokenPair) -> None:
    """`ctl status`, `ctl certificates`: they show what is, and must not fail over it."""
    node.put(ISSUERS_KEY, pair.key)
    node.site.take_up = False
    assert warned(node.site.load(URL)) == []


def test_who_may_not_read_the_secrets_gets_no_report_of_lost_ones(
    node: Node, monkeypatch: pytest.MonkeyPatch
) -> None:
    node.secrets(internal_key=node.key)

    def refuse(_path: Path) -> bytes:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "read_bytes", refuse)
    assert warned(node.site.load(BOTH, use_secrets=False)) == []
