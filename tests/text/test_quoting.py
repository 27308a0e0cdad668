"""Quoting: what a value was is what a parser of the file's own language reads back."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
import yaml as pyyaml
from hypothesis import example, given
from hypothesis import strategies as st

from ctl.text.quoting import logrotate, nginx, nginx_words, shell, yaml

TEXT = st.text(st.characters(exclude_categories=["Cs"]))
SCALARS = TEXT | st.booleans() | st.none() | st.integers() | st.floats(allow_nan=False, allow_infinity=False)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner) | st.dictionaries(TEXT, inner),
    max_leaves=20,
)


@example(1e-06)
@example(1e16)
@given(VALUES)
def test_yaml_reads_back_as_written(value: object) -> None:
    assert pyyaml.safe_load(f"key:{yaml(value)}\nafter: 1\n") == {"key": value, "after": 1}


@pytest.mark.parametrize(
    "text", ["y", "no", "0123456", "a: b", "a #b", "'", '"', "\\", "\n", "\x85", "~", "1e3", ""]
)
def test_yaml_texts_that_lose_their_type_unquoted(text: str) -> None:
    assert pyyaml.safe_load(f"key:{yaml({text: text})}") == {"key": {text: text}}


def test_yaml_refuses_what_it_cannot_write() -> None:
    with pytest.raises(ValueError, match="type object"):
        yaml(object())


def _nginx_parameters(text: str) -> list[str]:
    """Split a directive's parameters as nginx's own lexer does (ngx_conf_read_token)."""
    words: list[str] = []
    position = 0
    while position < len(text):
        if text[position] == " ":
            position += 1
        elif text[position] == '"':
            word, position = "", position + 1
            while text[position] != '"':
                if text[position] == "\\":
                    position += 1
                word, position = word + text[position], position + 1
            words, position = [*words, word], position + 1
        else:
            end = text.find(" ", position) % (len(text) + 1)
            assert not set(text[position:end]) & set(";{}\"'\\#"), text
            words, position = [*words, text[position:end]], end
    return words


PRINTABLE = st.text(st.characters(min_codepoint=32, exclude_characters="\x7f"))


@given(PRINTABLE)
def test_nginx_parameter_stays_one_parameter(text: str) -> None:
    assert _nginx_parameters(nginx(text)) == [text]


@given(PRINTABLE)
def test_nginx_words_stay_those_words(text: str) -> None:
    assert _nginx_parameters(nginx_words(text)) == text.split()


@pytest.mark.parametrize("text", ["a\nb", "\0", "\x7f"])
def test_nginx_refuses_control_characters(text: str) -> None:
    with pytest.raises(ValueError, match="control character"):
        nginx(text)


@pytest.mark.parametrize("text", ["$(touch x)", "a'b", "", "`id`", "a\nb", "é ü", "-n", "\\"])
def test_shell_word_stays_one_word(text: str) -> None:
    printed = subprocess.run(["sh", "-c", f"printf %s {shell(text)}"], capture_output=True, check=True)
    assert printed.stdout.decode() == text


def test_shell_refuses_nul() -> None:
    with pytest.raises(ValueError, match="NUL"):
        shell("a\0b")


@pytest.mark.parametrize(
    "name",
    ["plain", "two words", "a{b}", "{", "it's", 'q"q', "back\\slash", "a*b?[c]", "#", "~", "$HOME", "a\\"],
)
def test_logrotate_finds_the_logs_of_a_folder_and_of_no_other(tmp_path: Path, name: str) -> None:
    tops = {place: tmp_path / place for place in ("logs", "other")}
    folder, other = tops["logs"] / name, tops["other"] / name
    for one in (folder, other, tops["logs"] / "axb_c"):
        one.mkdir(parents=True)
        (one / "a.log").write_text("line\n")
    config = tmp_path / "logrotate.conf"
    config.write_text(f"{logrotate(folder, '*.log')} {{\n  rotate 1\n}}\n")
    config.chmod(0o644)
    command = ["/usr/sbin/logrotate", "--force", "--state", str(tmp_path / "state"), str(config)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert {str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*.log.1")} == {f"logs/{name}/a.log.1"}


def test_logrotate_refuses_a_line_break() -> None:
    with pytest.raises(ValueError, match="control character"):
        logrotate("/a\nb", "*.log")
