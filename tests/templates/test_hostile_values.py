"""No value breaks out of its place: whatever a setting holds, it is refused, or each file says it as it was given."""

from __future__ import annotations

import shlex
import subprocess
from collections.abc import Iterator, Mapping
from functools import partial
from itertools import cycle
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ctl.converge import EnvDirectory
from ctl.converge.model import Machine
from ctl.language.source import SettingsError
from ctl.paths import Layout
from ctl.services.runit import Runit
from ctl.settings.options import OPTIONS
from ctl.settings.options.storage import DRIVERS
from ctl.settings.rules.uploads import upload_key
from ctl.settings.types import Words
from ctl.text.content import content_folder
from tests.harness.hostile import SCENES, full, without
from tests.harness.rendered import made, parsed

pytestmark = pytest.mark.real

TEXT, WORD = "zqz", "zwz"
"""Harmless ones, to be distinguished from all else in a file."""
SEVERAL_WORDS = {
    *(name for name, option in OPTIONS.items() if isinstance(option.type, Words)),
    "registry.nginx.ssl_conf_command",
    "nginx.status.options",
}
"""Settings in which blanks part the parameters of an NGINX directive."""
RANDOM = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="/."), min_size=1)
NASTY = [
    "a b", " a", "a ", "a: b #c", "- a", "a; b {", "}", "{{ a }}{% b %}", "'", '"', "''\"\"\"", "$(touch a)`touch b`",
    "${a}$a", "a\\", "\\n\\", "%a@b&c*d!e", "*?[b]", "|", ">", "~", "null", "y", "012", "1e3", "--a",
    "\u00e9\u00a0\U0001f600",
    "\u2028\x85\ufeff", "a\nb: c\n}", "\x1b[31m\t\r", "a\n!touch b",
]  # fmt: skip


def files(values: dict[str, Any]) -> dict[str, object]:
    """Every file with these settings, as its language has it."""
    return {str(one.path): parsed(one) for one in made(values)}


def accepted(*several: dict[str, Any]) -> list[dict[str, object]]:
    """The files with each of several settings, all without those that are refused in any of them."""
    for _ in range(50):
        try:
            return [files(values) for values in several]
        except SettingsError as error:
            for values in several:
                without(values, error.diagnostics)
    raise AssertionError("settings are refused without end")


def replaced(value: object, by: Mapping[str, str]) -> Any:  # noqa: ANN401 - as the value
    """Plain values with some texts in place of others."""
    if isinstance(value, str):
        for old, new in by.items():
            value = value.replace(old, new)
    if isinstance(value, Mapping):
        return {replaced(key, by): replaced(one, by) for key, one in value.items()}
    if isinstance(value, list):
        return [replaced(one, by) for one in value]
    return value


def strayed(text: str, scene: str, driver: str) -> list[str]:
    """Where the files differ from those with a harmless text by more than the text."""
    word = "_".join(text.split()) or "_"
    nasty = full(lambda name: word if name in SEVERAL_WORDS else text, scene=scene, driver=driver)
    harmless = full(lambda name: WORD if name in SEVERAL_WORDS else TEXT, scene=scene, driver=driver)
    found, like = accepted(nasty, harmless)
    wanted = replaced(like, {TEXT: text, WORD: word, upload_key(TEXT): upload_key(text)})
    return list(differences(found, wanted, ""))


def differences(found: object, wanted: object, where: str) -> Iterator[str]:
    """Where plain values differ."""
    if isinstance(found, dict) and isinstance(wanted, dict) and found.keys() == wanted.keys():
        for key in found:
            yield from differences(found[key], wanted[key], f"{where}.{key}")
    elif isinstance(found, list) and isinstance(wanted, list) and len(found) == len(wanted):
        for index, pair in enumerate(zip(found, wanted, strict=True)):
            yield from differences(*pair, f"{where}[{index}]")
    elif found != wanted:
        yield f"{where}: {found!r} for {wanted!r}"


@pytest.mark.parametrize("text", NASTY, ids=ascii)
def test_a_nasty_text_stays_in_its_place(text: str) -> None:
    assert strayed(text, "GitLab", "s3") == []


@settings(
    max_examples=8, deadline=None, suppress_health_check=list(HealthCheck), database=None, derandomize=True
)
@given(RANDOM, st.sampled_from(list(SCENES)), st.sampled_from(list(DRIVERS)))
def test_a_random_text_stays_in_its_place(text: str, scene: str, driver: str) -> None:
    assert strayed(text, scene, driver) == []


_NUMBERS = (
    "_udp",
    "_shipping_host",
    "_shipping_hostname",
    "logrotate_size",
    "logrotate_maxsize",
    "_dateformat",
)
NOWHERE = {
    *("registry.executable", "nginx.executable"),  # looked for, and not there
    *("user.group", "user.home", "user.shell", "web_server.home", "web_server.shell"),
    *("registry.shell", "registry_auth.shell", "letsencrypt.owner", "letsencrypt.group"),
    *("logging.log_group", "registry.log_group", "registry_auth.log_group", "nginx.log_group"),
    # read when a certificate is obtained
    *(
        "letsencrypt.acme_ca_file",
        "letsencrypt.acme_production_endpoint",
        "letsencrypt.acme_staging_endpoint",
    ),
    "letsencrypt.chain",
    *(
        f"registry_backup.s3_{name}" for name in ("endpoint", "region", "accesskey", "secretkey")
    ),  # when it runs
    "registry_cleanup.policies",  # read when the clean-up runs
    # others win over them
    *("gitlab_rails.registry_host", "gitlab_rails.shared_path", "registry.default_notifications_headers"),
    # not of any text
    *("registry.nginx.ssl_protocols", "letsencrypt.contact_emails"),
    *(name for name in OPTIONS if name.endswith(_NUMBERS)),
}
"""Settings whose text is in no file: accounts, groups and programs, and what is taken from the settings later."""


def test_every_text_arrives() -> None:
    """Each setting is given a text of its own, which is in a file then, in one scene or another."""
    given: set[str] = set()
    arrived: set[str] = set()
    for scene, driver in zip(cycle(SCENES), DRIVERS, strict=False):
        texts: dict[str, str] = {}
        values = full(partial(_numbered, texts), scene=scene, driver=driver)
        written = repr(accepted(values))
        given |= {_option(name) for name in texts}
        arrived |= {_option(name) for name, one in texts.items() if one in written}
    assert given - arrived == NOWHERE


def _numbered(texts: dict[str, str], name: str) -> str:
    return texts.setdefault(name, f"zq{len(texts)}zq")


def _option(name: str) -> str:
    """The option that a part belongs to."""
    while name not in OPTIONS:
        name = name.rpartition(".")[0]
    return name


def test_every_template_is_rendered_and_read_by_a_parser_of_its_language() -> None:
    sources = set()
    for scene in SCENES:
        values = full(lambda _: "x", scene=scene)
        accepted(values)
        sources |= {one.source for one in made(values)}
    folder = content_folder("templates")
    assert {str(path.relative_to(folder)) for path in folder.rglob("*.j2")} <= sources


@pytest.mark.parametrize("text", ['a\'b "c" $(touch d) `touch e`; f # \\ ', "{g} | h & i > j * ~ \\' $k"])
def test_sh_reads_the_scripts_as_the_parser_does(text: str, tmp_path: Path) -> None:
    """What each script ends in, or sets, is printed by sh itself instead of being carried out."""
    values = full(lambda _: text, scene="Let's Encrypt")
    accepted(values)
    printed: list[str] = []
    for file in made(values):
        if file.source.endswith("run.j2"):
            subprocess.run(["sh", "-n"], input=file.text.encode(), check=True, cwd=tmp_path)
            *_, last = [
                line
                for line in file.text.split("\n")
                if line.startswith("exec ") and line != "exec 2>&1" and "${" not in line
            ] or [":"]
            words = last.removeprefix("exec ")
            done = subprocess.run(
                ["sh", "-c", f"printf '%s\\0' {words}"], capture_output=True, check=True, cwd=tmp_path
            )
            printed += done.stdout.decode().split("\0")[:-1]
            assert done.stdout.decode().split("\0")[:-1] == shlex.split(words)
    assert any(text in word for word in printed)
    assert not list(tmp_path.iterdir())


def test_the_environment_arrives(tmp_path: Path) -> None:
    """chpst itself shows what it reads; a value that it would change is refused."""
    given = {f"A{number}": text for number, text in enumerate([*NASTY, ""]) if not text.endswith((" ", "\t"))}
    folder = tmp_path / "env"
    folder.mkdir()
    machine = Machine(services=Runit(Layout(tmp_path)), privileged=False, blank=True)
    for file in EnvDirectory(folder, variables=given).desired(machine):
        file.path.write_bytes(file.content)
    command = ["env", "-i", "chpst", "-e", str(folder), "env", "-0"]
    done = subprocess.run(command, capture_output=True, check=True)
    pairs = [pair.split("=", 1) for pair in done.stdout.decode().split("\0") if pair]
    assert {name: value for name, value in pairs if name in given} == given
