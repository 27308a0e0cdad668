"""What is fuzzed. Each target takes any bytes; a property that does not hold is an exception of it."""

from __future__ import annotations

import ast
import atexit
import shutil
import tempfile
from collections.abc import Callable, Mapping
from contextlib import redirect_stderr, redirect_stdout
from io import StringIO
from pathlib import Path
from typing import Any
from unittest.mock import patch

import ctl.cli.loading  # noqa: F401
from ctl.auth import accounts_file as _accounts_file  # noqa: F401 - instrumented, like all that is imported here
from ctl.auth.accounts_file import parse_accounts, render_accounts
from ctl.auth.htpasswd import read as read_htpasswd
from ctl.auth.requests import FORM, Refusal, from_form, from_query
from ctl.auth.scopes import ScopeError, parse_scopes
from ctl.cli.framework import cli
from ctl.commands import check_config as _check_config  # noqa: F401 - loaded before anything is measured
from ctl.converge.yaml_text import Document
from ctl.language.reading import Reading
from ctl.language.source import SettingsError
from ctl.paths import Layout
from ctl.settings.conversion import registry_config as _registry_config  # noqa: F401
from ctl.settings.conversion.convert import convert_file
from ctl.settings.load import load, reading_of
from ctl.settings.options import NAMES, OPTIONS, is_others_key
from ctl.settings.options.foreign import is_foreign
from ctl.settings.resolve import resolve
from ctl.settings.secrets.secrets_file import Secrets
from tests.fuzz.properties import Broken, reported_well

_ENVIRONMENT = {"STAGE": "prod", "A": "a"}
_FOLDER = Path(tempfile.mkdtemp(prefix="ctl-fuzz-"))
atexit.register(shutil.rmtree, _FOLDER, ignore_errors=True)


def _file(name: str, data: bytes) -> Path:
    """The input as a file, always the same one."""
    path = _FOLDER / name
    path.write_bytes(data)
    return path


def python(data: bytes) -> None:
    """A settings file is read."""
    file = _file("gitlab.py", data)
    reported_well(lambda: _plain(reading_of(file, _ENVIRONMENT)), placed=True)


def ruby(data: bytes) -> None:
    """A gitlab.rb is read."""
    file = _file("gitlab.rb", data)
    reported_well(lambda: _plain(reading_of(file, _ENVIRONMENT)), placed=True)


def _plain(reading: Reading) -> None:
    for value in reading.values.values():
        _plain_value(value)


def _plain_value(value: object) -> None:
    if isinstance(value, dict):
        for inner in value.values():
            _plain_value(inner)
    elif isinstance(value, list):
        for inner in value:
            _plain_value(inner)
    elif value is not None and type(value) not in (str, int, float, bool):
        raise Broken(f"a setting is of type {type(value).__name__}")


def convert_gitlab_rb(data: bytes) -> None:
    """A gitlab.rb is converted; what comes out is Python, and says the same."""
    file = _file("gitlab.rb", data)
    converted = reported_well(lambda: convert_file(file).text, placed=True)
    if converted is None:
        return
    ast.parse(converted)
    try:
        wanted = _ours(reading_of(file, _ENVIRONMENT))
    except SettingsError:
        return
    again = _file("converted.py", converted.encode())
    found = _ours(reading_of(again, _ENVIRONMENT))
    if found != wanted:
        raise Broken(f"converted, it says something else: {found} for {wanted}")


def _ours(reading: Reading) -> dict[str, object]:
    """What is not another component's, of which Ruby that is not understood is not included."""
    found: dict[str, object] = {}
    for name, value in reading.values.items():
        if isinstance(value, dict):
            value = {key: one for key, one in value.items() if not is_others_key(name, key)}
        if not is_foreign(name) and value != {}:
            found[name] = value
    return found


def convert_config_yml(data: bytes) -> None:
    """A config.yml is converted; what comes out can be read."""
    file = _file("config.yml", data)
    converted = reported_well(lambda: convert_file(file).text, placed=False)
    if converted is None:
        return
    again = _file("converted.py", converted.encode())
    try:
        reading_of(again, {})
    except SettingsError as error:
        # The certificate that config.yml names is a file of another machine.
        wrong = [one for one in error.diagnostics if not (one.location and "read_file(" in one.location.text)]
        if wrong:
            raise Broken(f"converted, it cannot be read: {wrong[0]}") from error


def check_config(data: bytes) -> None:
    """`ctl check-config` as a whole, on a settings file of either language (the first byte decides which)."""
    name = "site.rb" if data[:1] == b"#" else "site.py"
    file = _file(name, data)
    arguments = ["check-config", "--root", str(_FOLDER / "root"), "--settings", str(file)]

    def run() -> None:
        out = StringIO()
        # A settings file may name any program as registry["executable"], which is then asked for its version.
        with (
            redirect_stdout(out),
            redirect_stderr(out),
            patch("ctl.cli.loading.find_program", return_value=None),
            patch("ctl.registry.programs.identify.find_program", return_value=None),
        ):
            cli.main(arguments, prog_name="ctl", standalone_mode=False)

    reported_well(run, placed=False)


def values(data: bytes) -> None:
    """Values of any shape for settings that exist: they are checked and derived, or refused."""
    given = _Chooser(data).settings()
    layout = Layout(_FOLDER / "root")
    reported_well(lambda: resolve(given, layout, Secrets.read(layout.secrets_file)), placed=False)


_NAMES = sorted(name for name in OPTIONS if not name.startswith("registry.internal_"))
_WORDS = (
    "", "a", "true", "5005", "0", "-1", "/", "/x", "//", "*", "[::]", "::1", "127.0.0.1:5000", "localhost:80",
    "https://a.example", "http://a.example:5050/x/", "https://u:p@a:1", "unix:", "500ms", "1d2h", "5g", "$x",
    "a b", "a\nb", "\x00", "\x85", "\u202e", "é", "'", '"', "\\", "#", "{", "}", ";", "%", "*/4", "1-5", "off", "on",
    "s3", "filesystem", "rootdirectory", "bucket", "region", "name", "url", "headers", "enabled", "cache", "redirect",
    "geo_event", "Authorization", "10.0.0.0/8", "9" * 5_000, "_", "-----BEGIN CERTIFICATE-----", "proxy_protocol",
)  # fmt: skip


class _Chooser:
    """Makes settings out of bytes: each choice takes one."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0

    def _next(self) -> int:
        self._at += 1
        return self._data[self._at - 1] if self._at <= len(self._data) else 0

    def settings(self) -> dict[str, object]:
        """Up to some dozens of settings."""
        found: dict[str, Any] = {}
        while self._at < len(self._data):
            name = _NAMES[(self._next() << 8 | self._next()) % len(_NAMES)]
            *sections, key = name.split(".")
            inner = found
            for section in sections:
                inner = inner.setdefault(section, {})
                if not isinstance(inner, dict):
                    break
            else:
                inner[key] = self._value(0)
        return found

    def _value(self, depth: int) -> object:
        kind, size = divmod(self._next(), 32)
        if depth < 4 and kind == 6:
            return [self._value(depth + 1) for _ in range(size % 5)]
        if depth < 4 and kind == 7:
            return {self._word(): self._value(depth + 1) for _ in range(size % 5)}
        return (True, False, None, size - 4, size / 7, self._word(), self._word(), self._word())[kind]

    def _word(self) -> str:
        first = self._next()
        word = _WORDS[first % len(_WORDS)]
        return word + _WORDS[self._next() % len(_WORDS)] if first > 160 else word


def accounts(data: bytes) -> None:
    """An accounts file is read; what was read is written and read to the same."""
    file = _file("accounts.json", data)
    found = reported_well(lambda: parse_accounts(data, str(file)), placed=False)
    if found is not None and parse_accounts(render_accounts(found), str(file)) != found:
        raise Broken(f"written, it says something else: {found}")


def htpasswd(data: bytes) -> None:
    """An htpasswd file is read."""
    file = _file("htpasswd", data)
    reported_well(lambda: read_htpasswd(file), placed=False)


def token_request(data: bytes) -> None:
    """What anybody on the network may send to the token issuer is read, or refused in HTTP's words."""
    kind, rest = data[:1], data[1:]
    first, _, second = rest.partition(b"\n")
    try:
        if kind == b"P":
            request = from_form(rest, FORM)
        else:
            request = from_query(first, [second.decode("latin-1")] if second else [])
        parse_scopes(request.scopes)
    except Refusal as refusal:
        if not 400 <= refusal.status < 500 or not refusal.message:
            raise Broken(f"it is not refused as HTTP has it: {refusal}") from refusal
        _visible(refusal.message + refusal.outcome)
    except ScopeError as error:
        _visible(error.message)


def _visible(text: str) -> None:
    if not text.isprintable():
        raise Broken(f"it prints control characters: {text!r}")


def gitlab_yml(data: bytes) -> None:
    """A gitlab.yml of others is changed in one place: all else stays, byte by byte where it is no part of that."""
    text = data.decode(errors="replace")

    def change() -> None:
        Document(text, "/gitlab.yml").set(
            ("production", "registry"), {"enabled": True, "host": "a: #b", "port": None}
        )

    reported_well(change, placed=False)


def secrets(data: bytes) -> None:
    """A gitlab-secrets.json is read, and gives what the settings leave out."""
    layout, file = Layout(_FOLDER / "kept"), _FOLDER / "registry.py"
    layout.secrets_file.parent.mkdir(parents=True, exist_ok=True)
    layout.secrets_file.write_bytes(data)
    file.write_text('registry_external_url = "https://registry.example.com"\n')
    reported_well(
        lambda: load(file, layout, environment={}, use_secrets=False).attributes.registry.http_secret,
        placed=False,
    )


TARGETS: Mapping[str, Callable[[bytes], None]] = {
    "python": python,
    "ruby": ruby,
    "convert-gitlab-rb": convert_gitlab_rb,
    "convert-config-yml": convert_config_yml,
    "check-config": check_config,
    "values": values,
    "accounts": accounts,
    "htpasswd": htpasswd,
    "token-request": token_request,
    "gitlab-yml": gitlab_yml,
    "secrets": secrets,
}
"""Every target by its name, which is that of its corpus too."""

DICTIONARY = sorted(
    {*NAMES.sections, *NAMES.settings, *(part for name in OPTIONS for part in name.split("."))}
)
"""Words that the fuzzer puts in."""
