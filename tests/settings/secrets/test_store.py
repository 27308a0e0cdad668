"""gitlab-secrets.json: kept for ever, made once, whole or not at all, and never shown."""

from __future__ import annotations

import json
import threading
from pathlib import Path
from typing import Any

import pytest

from ctl.errors import CtlError
from ctl.settings.attributes import OriginKind
from ctl.settings.load import Loaded
from ctl.settings.secrets import secrets_file as secrets_module
from ctl.settings.secrets.secrets_file import Secrets
from ctl.settings.secrets.token_pair import PairMaker, TokenPair, matches
from tests.harness.settings_site import BOTH, GITLAB, URL, Site


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch, pair: TokenPair) -> None:
    """Pairs are made without making a key: how keys are made has a test of its own."""
    monkeypatch.setattr(secrets_module, "PairMaker", lambda make=None: PairMaker(make or (lambda: pair)))


def stored(other_pair: TokenPair) -> dict[str, Any]:
    return {
        "gitlab_rails": {"secret_key_base": "kept", "nested": {"list": [1, None]}},
        "registry": {
            "http_secret": "old",
            "internal_certificate": other_pair.certificate,
            "internal_key": other_pair.key,
            "own": 5,
        },
        "letsencrypt": {"account": "kept"},
    }


def content(loaded: Loaded) -> Any:  # noqa: ANN401 - JSON
    found = loaded.secrets.content()
    assert found is not None
    return json.loads(found)


@pytest.mark.usefixtures("quick")
def test_what_is_missing_is_made_and_agrees_with_the_attributes(site: Site, pair: TokenPair) -> None:
    loaded = site.load(BOTH)
    registry = loaded.attributes.registry
    assert content(loaded) == {
        "registry": {
            "http_secret": registry.http_secret,
            "internal_certificate": pair.certificate,
            "internal_key": pair.key,
        }
    }
    assert len(bytes.fromhex(registry.http_secret)) == 64
    assert (registry.internal_key, registry.internal_certificate) == (pair.key, pair.certificate)
    assert sorted(loaded.secrets.new) == [
        "registry.http_secret", "registry.internal_certificate", "registry.internal_key"
    ]  # fmt: skip
    for name in ("http_secret", "internal_key", "internal_certificate"):
        assert loaded.attributes.origin(f"registry.{name}").kind is OriginKind.GENERATED


def test_what_is_there_is_kept_byte_for_byte(site: Site, other_pair: TokenPair) -> None:
    file = site.write_secrets(json.dumps(stored(other_pair), indent=8) + "\n\n")
    loaded = site.load(BOTH)
    assert loaded.secrets.content() == file.read_bytes()
    assert loaded.secrets.new == ()
    assert loaded.attributes.registry.http_secret == "old"
    assert loaded.attributes.registry.internal_key == other_pair.key
    assert loaded.attributes.origin("registry.internal_key").kind is OriginKind.SECRETS


@pytest.mark.usefixtures("quick")
def test_a_deleted_section_is_made_anew_and_the_rest_stays(
    site: Site, pair: TokenPair, other_pair: TokenPair
) -> None:
    before = stored(other_pair)
    del before["registry"]
    site.write_secrets(before)
    after = content(site.load(BOTH))
    assert after["registry"]["internal_key"] == pair.key
    del after["registry"]
    assert after == before


def test_a_missing_http_secret_is_added_beside_the_pair(site: Site, other_pair: TokenPair) -> None:
    before = stored(other_pair)
    del before["registry"]["http_secret"]
    site.write_secrets(before)
    loaded = site.load(BOTH)
    assert loaded.secrets.new == ("registry.http_secret",)
    after = content(loaded)
    assert after["registry"].pop("http_secret")
    assert after == before


def test_given_secrets_win_and_are_not_copied(site: Site, pair: TokenPair, other_pair: TokenPair) -> None:
    site.write_secrets(stored(other_pair))
    loaded = site.load(
        f'{BOTH}registry["http_secret"] = "given"\nregistry["internal_key"] = """{pair.key}"""\n'
        f'registry["internal_certificate"] = """{pair.certificate}"""\n'
    )
    registry = loaded.attributes.registry
    assert (registry.http_secret, registry.internal_key) == ("given", pair.key)
    assert content(loaded) == stored(other_pair)


def test_given_secrets_make_no_others(site: Site, pair: TokenPair) -> None:
    loaded = site.load(
        f'{BOTH}registry["http_secret"] = "given"\nregistry["internal_key"] = """{pair.key}"""\n'
        f'registry["internal_certificate"] = """{pair.certificate}"""\n'
    )
    assert loaded.secrets.new == ()
    assert content(loaded) == {}


def test_keys_with_marked_line_breaks(site: Site, pair: TokenPair) -> None:
    key, certificate = (text.replace("\n", "\\\\n") for text in (pair.key, pair.certificate))
    loaded = site.load(
        f'{BOTH}registry["internal_key"] = "{key}"\nregistry["internal_certificate"] = "{certificate}"\n'
    )
    assert loaded.attributes.registry.internal_key == pair.key


@pytest.mark.parametrize("text", ["", GITLAB + 'registry["enable"] = False\n'])
def test_a_node_that_needs_no_secrets_makes_none(site: Site, text: str) -> None:
    loaded = site.load(text)
    assert loaded.secrets.new == ()
    assert loaded.attributes.registry.internal_key is None
    assert loaded.attributes.registry.http_secret is None


# --- one half of a pair


def test_a_node_with_gitlab_alone_needs_the_key_alone(site: Site, pair: TokenPair) -> None:
    text = (
        GITLAB
        + 'gitlab_rails["registry_enabled"] = True\ngitlab_rails["registry_api_url"] = "http://r:5000"\n'
    )
    for name in ("registry", "gitlab_rails"):
        loaded = site.load(f'{text}{name}["internal_key"] = """{pair.key}"""\n')
        assert loaded.attributes.registry.internal_key == pair.key
        assert loaded.attributes.registry.internal_certificate is None
        assert loaded.secrets.new == ()
    assert str(loaded.attributes.origin("registry.internal_key")) == "derived by internal-key"


def test_a_node_with_the_registry_alone_needs_the_certificate_alone(site: Site, pair: TokenPair) -> None:
    loaded = site.load(f'{URL}registry["internal_certificate"] = """{pair.certificate}"""\n')
    assert loaded.attributes.registry.internal_certificate == pair.certificate
    assert loaded.attributes.registry.internal_key is None
    assert loaded.secrets.new == ("registry.http_secret",)


@pytest.mark.parametrize("name", ["registry", "gitlab_rails"])
def test_a_lone_key_beside_a_registry_is_refused(site: Site, pair: TokenPair, name: str) -> None:
    error = site.error(f'{BOTH}{name}["internal_key"] = """{pair.key}"""\n')
    assert f"{name}.internal_key: is given without registry.internal_certificate" in error


def test_a_lone_certificate_beside_gitlab_is_refused(site: Site, pair: TokenPair) -> None:
    error = site.error(f'{BOTH}registry["internal_certificate"] = """{pair.certificate}"""\n')
    assert "is given without registry.internal_key" in error


def test_two_different_keys_are_refused(site: Site, pair: TokenPair, other_pair: TokenPair) -> None:
    error = site.error(
        f'{GITLAB}gitlab_rails["registry_enabled"] = True\ngitlab_rails["registry_api_url"] = "http://r:1"\n'
        f'registry["internal_key"] = """{pair.key}"""\ngitlab_rails["internal_key"] = """{other_pair.key}"""\n'
    )
    assert "two names of one setting" in error


def test_a_given_pair_that_does_not_match(site: Site, pair: TokenPair, other_pair: TokenPair) -> None:
    error = site.error(
        f'{BOTH}registry["internal_key"] = """{pair.key}"""\n'
        f'registry["internal_certificate"] = """{other_pair.certificate}"""\n'
    )
    assert "do not match" in error
    assert "token signed by untrusted key" in error
    assert "MII" not in error


def test_a_stored_pair_that_does_not_match(site: Site, pair: TokenPair, other_pair: TokenPair) -> None:
    before = stored(other_pair)
    before["registry"]["internal_key"] = pair.key
    site.write_secrets(before)
    error = site.error(BOTH)
    assert "do not match" in error
    assert "Delete the registry section" in error
    assert str(site.layout.secrets_file) in error


def test_a_stored_key_without_its_certificate_gets_one(site: Site, other_pair: TokenPair) -> None:
    before = stored(other_pair)
    del before["registry"]["internal_certificate"]
    site.write_secrets(before)
    loaded = site.load(BOTH)
    assert loaded.secrets.new == ("registry.internal_certificate",)
    after = content(loaded)["registry"]
    assert after["internal_key"] == other_pair.key
    assert matches(after["internal_key"], after["internal_certificate"])
    assert loaded.attributes.registry.internal_certificate == after["internal_certificate"]
    assert loaded.attributes.origin("registry.internal_key").kind is OriginKind.SECRETS


def test_a_stored_certificate_without_its_key_is_explained(site: Site, other_pair: TokenPair) -> None:
    before = stored(other_pair)
    del before["registry"]["internal_key"]
    site.write_secrets(before)
    error = site.error(BOTH)
    assert "holds the certificate alone" in error
    assert "Put the key back" in error


def test_a_damaged_stored_pair_is_explained(site: Site, other_pair: TokenPair) -> None:
    before = stored(other_pair)
    before["registry"]["internal_key"] = "nonsense"
    site.write_secrets(before)
    assert "cannot be read as a private key" in site.error(BOTH)


# --- package[…]


@pytest.mark.usefixtures("quick")
def test_secrets_that_are_not_written(site: Site) -> None:
    loaded = site.load(BOTH + 'package["generate_secrets_json_file"] = False\n')
    assert loaded.secrets.content() is None
    assert loaded.attributes.registry.internal_key
    (warning,) = [str(one) for one in loaded.attributes.diagnostics]
    assert "do not persist" in warning


def test_secrets_that_are_there_are_used_but_not_written(site: Site, other_pair: TokenPair) -> None:
    site.write_secrets(stored(other_pair))
    loaded = site.load(BOTH + 'package["generate_secrets_json_file"] = False\n')
    assert loaded.secrets.content() is None
    assert loaded.attributes.registry.http_secret == "old"
    assert loaded.attributes.diagnostics == ()


def test_no_default_secrets(site: Site) -> None:
    found = site.errors(BOTH + 'package["generate_default_secrets"] = False\n')
    assert [one.setting for one in found] == ["registry.http_secret", "registry.internal_key"]
    assert all("is missing" in one.message for one in found)


# --- the file


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('{"registry": {\n  "http_secret": "s3cret"\n]}', ":3:1: is not valid JSON"),
        ("[]", "must hold a JSON object"),
        ('{"registry": []}', "registry must be an object"),
        ('{"registry": {"http_secret": 5}}', "registry.http_secret must be a string"),
        ("[" * 100_000, "is nested too deeply"),
    ],
)
def test_a_damaged_file_is_an_error_and_stays(site: Site, text: str, message: str) -> None:
    file = site.write_secrets(text)
    with pytest.raises(CtlError) as caught:
        site.load(BOTH)
    assert str(file) in caught.value.message
    assert message in caught.value.message
    assert "s3cret" not in caught.value.message
    assert file.read_text() == text


def test_a_file_that_is_no_text(site: Site) -> None:
    site.write_secrets("").write_bytes(b'{"a": "\xff"}')
    with pytest.raises(CtlError, match="is not UTF-8"):
        site.load(BOTH)


@pytest.mark.usefixtures("quick")
def test_an_unreadable_file(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """Root reads everything, so that the refusal is played."""
    site.write_secrets({})

    def refuse(_path: Path) -> bytes:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "read_bytes", refuse)
    with pytest.raises(CtlError, match="may not be read by this user"):
        Secrets.read(site.layout.secrets_file)
    assert Secrets.read(site.layout.secrets_file, required=False).stored("http_secret") is None


def test_loading_writes_nothing(site: Site) -> None:
    site.load(BOTH, use_secrets=True)
    assert sorted(path.name for path in site.folder.rglob("*")) == ["etc", "gitlab", "gitlab.py"]


# --- when the pair is made


class _Gate:
    """A pair that is made when the test says so."""

    def __init__(self, pair: TokenPair) -> None:
        self.begun, self.open = threading.Event(), threading.Event()
        self._pair = pair

    def make(self) -> TokenPair:
        self.begun.set()
        self.open.wait(5)
        return self._pair


@pytest.fixture
def gate(monkeypatch: pytest.MonkeyPatch, pair: TokenPair) -> _Gate:
    found = _Gate(pair)
    monkeypatch.setattr(secrets_module, "PairMaker", lambda: PairMaker(found.make))
    return found


def test_the_pair_is_made_while_other_work_goes_on(site: Site, gate: _Gate, pair: TokenPair) -> None:
    loaded = site.load(BOTH, use_secrets=True)
    assert gate.begun.wait(5)
    threading.Timer(0.05, gate.open.set).start()
    assert loaded.attributes.registry.internal_key == pair.key


def test_a_pair_that_is_not_needed_is_not_waited_for(site: Site, gate: _Gate) -> None:
    loaded = site.load("", use_secrets=True)
    assert gate.begun.wait(5)
    assert content(loaded) == {}
    gate.open.set()


def test_commands_of_any_user_make_a_pair_only_when_they_look_at_it(site: Site, gate: _Gate) -> None:
    loaded = site.load(BOTH, use_secrets=False)
    assert not gate.begun.is_set()
    gate.open.set()
    assert loaded.attributes.registry.internal_certificate
    assert gate.begun.is_set()


def test_a_pair_is_not_begun_where_there_is_one(site: Site, gate: _Gate, other_pair: TokenPair) -> None:
    site.write_secrets(stored(other_pair))
    site.load(BOTH, use_secrets=True)
    assert not gate.begun.is_set()


def test_a_pair_that_cannot_be_made_is_an_error(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail() -> TokenPair:
        raise MemoryError("no memory")

    monkeypatch.setattr(secrets_module, "PairMaker", lambda: PairMaker(fail))
    loaded = site.load(BOTH)
    with pytest.raises(CtlError, match="cannot be made: no memory"):
        loaded.secrets.content()


def test_no_secret_is_in_an_error(site: Site) -> None:
    text = (
        f'{BOTH}registry["http_secret"] = ["hunter2"]\nregistry["internal_key"] = "hunter2"\n'
        'registry["storage"] = {"s3": {"accesskey": 5, "secretkey": ["hunter2"], "bucket": "b"}}\n'
        'registry["notifications"] = [{"name": "a", "url": "b", "headers": {"Authorization": {"x": "hunter2"}}}]\n'
        'registry["database"] = {"password": ["hunter2"]}\n'
        'gitlab_rails["registry_notification_secret"] = "hunter2\\n"\n'
    )
    found = site.errors(text)
    assert len(found) >= 7
    assert "hunter2" not in "".join(f"{one.message} {one.hint} {one.setting}" for one in found)
