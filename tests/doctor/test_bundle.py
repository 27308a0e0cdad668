"""`ctl support-bundle`: what is in it, and that no secret of the node is, in any encoding."""

from __future__ import annotations

import base64
import html
import json
import tarfile
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import quote

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from ctl.doctor.vault import Vault
from tests.harness import seeds
from tests.harness.cli import Cli
from tests.harness.examples import examples

KEY, CERTIFICATE = seeds.pair()
BODY = "".join(line for line in KEY.splitlines() if "-----" not in line)
HASH = "$2b$12$abcdefghijklmnopqrstuuJ1zkXTgdQ9yBLYxRYS0bLq4mT0nVbQy"
SECRETS = {
    "http_secret": "0123456789abcdef" * 8,
    "redis password": 'r3dis "pass\\word"',
    "s3 key": "AKIAEXAMPLE/secret+key=",
    "s3 access key": "AKIA4711EXAMPLE",
    "environment": "an-environment-secret",
    "notification": "Bearer-of-the-hook-4711",
    "url": "db:pass-in-a-url",
    "password in a url": "Pr0xy/Pass@word",
    "variable": "a pass with blanks",
    "key": BODY,
    "key line": BODY[640:704],
    "hash": HASH,
    "pass phrase": "phrase of the key",
    "former secret": "a-secret-of-a-former-run",
    "other service": "s3cret-of-gitlab-rails",
    "deploy token": "5e" * 32,
}
SETTINGS = f"""
registry_external_url = "https://localhost:5443"
external_url = "https://gitlab.example.com"
registry["redis"] = {{"addr": "127.0.0.1:6379", "password": {SECRETS["redis password"]!r}}}
registry["storage"] = {{"s3": {{"accesskey": "{SECRETS["s3 access key"]}", "secretkey": "{SECRETS["s3 key"]}",
    "bucket": "images", "region": "us-east-1"}}}}
registry["env"] = {{"AWS_SECRET_ACCESS_KEY": "{SECRETS["environment"]}", "REGISTRY_PROXY": "http://{SECRETS["url"]}@h/",
    "HTTPS_PROXY": "http://me:{quote(SECRETS["password in a url"], safe="")}@h:3128/",
    "DEPLOY_PASS": "{SECRETS["variable"]}"}}
registry["notifications"] = [{{"name": "hook", "url": "https://h.example.com/",
    "headers": {{"Authorization": ["{SECRETS["notification"]}"]}}}}]
# registry["redis"] = {{"password": "{SECRETS["former secret"]}"}}
"""


@pytest.fixture
def ctl(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Cli:
    """`ctl` with a root that has every kind of secret, and logs that show all of them."""
    found = Cli(tmp_path, capsys)
    found.settings(SETTINGS)
    registry = {
        "http_secret": SECRETS["http_secret"],
        "internal_key": KEY,
        "internal_certificate": CERTIFICATE,
    }
    others = {"gitlab_rails": {"db_key_base": SECRETS["other service"]}}
    write(tmp_path / "etc/gitlab/gitlab-secrets.json", json.dumps({"registry": registry, **others}))
    write(tmp_path / "etc/gitlab/ssl/localhost.key", KEY)
    write(tmp_path / "etc/gitlab/ssl/password.txt", SECRETS["pass phrase"] + "\n")
    accounts = {"users": {"ada": {"password": HASH}}, "tokens": {"ci": {"sha256": SECRETS["deploy token"]}}}
    write(tmp_path / "etc/gitlab/registry-accounts.json", json.dumps(accounts))
    former = {"registry": {"http_secret": SECRETS["former secret"]}}
    write(tmp_path / "var/opt/gitlab/ctl/history/2026-11-01T00-00-00.000/secrets.json", json.dumps(former))
    for number, encoded in enumerate(ENCODINGS):
        lines = [f"{name} is {encoded(secret)} here" for name, secret in SECRETS.items()]
        write(
            tmp_path / f"var/log/gitlab/registry{number}/current", "\n".join([*lines, "an innocent line", ""])
        )
    return found


def write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


def shifted(count: int) -> Callable[[str], str]:
    return lambda secret: base64.b64encode(b"x" * count + secret.encode() + b"yz").decode()


def wrapped(secret: str) -> str:
    return "\n".join(secret[at : at + 7] for at in range(0, len(secret), 7))


ENCODINGS: tuple[Callable[[str], str], ...] = (
    str,
    shifted(0),
    shifted(1),
    shifted(2),
    lambda secret: base64.urlsafe_b64encode(secret.encode()).decode(),
    lambda secret: quote(secret, safe=""),
    lambda secret: secret.encode().hex(),
    lambda secret: secret.encode().hex().upper(),
    lambda secret: json.dumps(secret),
    lambda secret: html.escape(secret),
    lambda secret: repr(secret),
    wrapped,
    lambda secret: wrapped(base64.b64encode(secret.encode()).decode()),
    lambda secret: json.dumps(wrapped(secret)),
    lambda secret: secret[::-1],
    lambda secret: "".join(f"\\u{ord(letter):04x}" for letter in secret),
)


def members(path: Path) -> dict[str, str]:
    found = {}
    with tarfile.open(path) as archive:
        for one in archive.getmembers():
            content = archive.extractfile(one)
            assert content is not None
            found[one.name.partition("/")[2]] = content.read().decode()
    return found


def readings(text: str) -> Iterator[str]:
    """What somebody who looks for secrets would read a text as."""
    plain = "".join(text.split()).replace("\\n", "")
    yield from (text, plain, plain[::-1])
    for word in set("".join(c if c.isalnum() or c in "+/-_" else " " for c in plain).split()):
        standard = word.replace("-", "+").replace("_", "/")
        for start in range(4):
            whole = standard[start : start + (len(standard) - start) // 4 * 4]
            yield base64.b64decode(whole).decode("latin-1")


def test_no_secret_is_in_it_in_any_encoding(ctl: Cli, tmp_path: Path) -> None:
    target = tmp_path / "out.tar.gz"
    result = ctl("support-bundle", "--output", str(target)).ok()
    assert target.stat().st_mode & 0o777 == 0o600
    found = members(target)
    assert str(len(found)) in result.out
    assert_no_secret(found)
    innocent = [text for name, text in found.items() if name.startswith("log/registry")]
    assert sum("an innocent line" in text for text in innocent) >= 9, "what can be starred is not left out"


def assert_no_secret(found: dict[str, str]) -> None:
    forms = {form.lower(): name for name, secret in SECRETS.items() for form in forms_of(secret)}
    for name, text in found.items():
        for reading in map(str.lower, readings(text)):
            for form, secret_name in forms.items():
                assert form not in reading, f"{secret_name} in {name}"


def forms_of(secret: str) -> set[str]:
    bare = "".join(secret.split())
    return {secret, bare, quote(secret, safe=""), secret.encode().hex(), json.dumps(secret)[1:-1]}


def test_what_is_in_it(ctl: Cli, tmp_path: Path) -> None:
    target = tmp_path / "out.tar.gz"
    ctl("support-bundle", "-o", str(target)).ok()
    found = members(target)
    assert {
        "doctor.json",
        "doctor.txt",
        "versions.txt",
        "machine.txt",
        "services.json",
        "history.json",
    } <= found.keys()
    assert 'registry_external_url = "https://localhost:5443"' in found["settings.py"]
    assert json.loads(found["attributes.json"])["registry_external_url"]["value"] == "https://localhost:5443"
    assert "ctl " in found["versions.txt"]
    assert json.loads(found["doctor.json"])[0]["name"] == "settings"


def test_of_a_huge_log_the_end_is_in_it(ctl: Cli, tmp_path: Path) -> None:
    log = ctl.root / "var/log/gitlab/registry/current"
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("ab") as file:
        file.truncate(5 << 30)
    with log.open("ab") as file:
        file.write(b"\nthe last line\n")
    ctl("support-bundle", "-o", str(tmp_path / "b.tar.gz")).ok()
    found = members(tmp_path / "b.tar.gz")["log/registry/current"]
    assert found.endswith("the last line\n")
    assert len(found) < 1_000_000


def test_what_is_damaged_is_no_hindrance(ctl: Cli, tmp_path: Path) -> None:
    """A configuration that is none, a log that is a folder, a damaged history: the rest is in it all the same."""
    config = ctl.root / "var/opt/gitlab/registry/config.yml"
    config.parent.mkdir(parents=True, exist_ok=True)
    config.write_bytes(b"\xff\x00: [")
    (ctl.root / "var/log/gitlab/registry/of-a-folder.log").mkdir(parents=True)
    write(ctl.root / "var/log/gitlab/registry/current", "a line\n")
    run = ctl.root / "var/opt/gitlab/ctl/history/1"
    run.mkdir(parents=True)
    (run / "run.json").write_text("{")
    ctl("support-bundle", "-o", str(tmp_path / "b.tar.gz")).ok()
    found = members(tmp_path / "b.tar.gz")
    assert {"doctor.json", "versions.txt", "history.json", "log/registry/current"} <= found.keys()
    assert "damaged" in found["history.json"]


def test_it_replaces_nothing(ctl: Cli, tmp_path: Path) -> None:
    target = tmp_path / "out.tar.gz"
    target.write_text("mine")
    assert "exists already" in ctl("support-bundle", "-o", str(target)).exits(1).err
    assert target.read_text() == "mine"


def test_a_node_with_wrong_settings_has_one_too(ctl: Cli, tmp_path: Path) -> None:
    ctl.settings(SETTINGS + 'registry["log_levle"] = "debug"\n')
    target = tmp_path / "out.tar.gz"
    ctl("support-bundle", "-o", str(target)).ok()
    assert "log_levle" in members(target)["doctor.txt"]
    assert_no_secret(members(target))


@given(
    st.text(st.characters(max_codepoint=0xFFFF, exclude_categories=("Cs", "Cc")), min_size=6, max_size=60),
    st.sampled_from(ENCODINGS),
)
@example("0000n\\", lambda secret: secret[::-1])
@example("abcdef\\nghi", wrapped)
@example("\\nab\\ncde\\nf", wrapped)
@example("\\nab\\ncde\\nf", lambda secret: secret[::-1])
@settings(max_examples=examples(300))
def test_a_secret_is_starred_or_noticed(secret: str, encode: Callable[[str], str]) -> None:
    secret = secret.strip()
    if len(secret) < 6 or set(secret) <= set("* "):
        return
    vault = Vault([secret])
    text = vault.starred(f"before {encode(secret)} after")
    assert vault.leaks(text) or encode(secret) not in text


def test_a_secret_of_line_breaks_hides_nothing_else() -> None:
    assert not Vault(["\\n\\n", "a\\nb\\nc"]).leaks("abc\n")


def test_a_clean_text_stays_as_it_is() -> None:
    vault = Vault([*SECRETS.values()])
    text = 'level=info msg="response completed" http.request.uri="/v2/grp/app/manifests/v1"\n'
    assert vault.starred(text) == text
    assert not vault.leaks(text)
