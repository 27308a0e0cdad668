"""A gitlab.rb can neither hang nor exhaust the machine, whatever is in it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.harness.work import at_most
from tests.language.ruby.reader import errors, read

pytestmark = pytest.mark.real

BOMBS = {
    "long text": "x = 'a' * 10_000_000_000\nregistry['a'] = x",
    "doubling": "x = 'a'\n" + "x += x\n" * 60 + "registry['a'] = x",
    "doubling arrays": "x = [1]\n" + "x += x\n" * 60 + "registry['a'] = x",
    "doubling by <<": "x = 'a'\n" + "x << x\n" * 60 + "registry['a'] = x",
    "doubling in text": "x = 'a'\n" + 'x = "#{x}#{x}"\n' * 60 + "registry['a'] = x",
    "nested arrays": "x = ['lol']\n" + "x = [x, x, x]\n" * 60 + "registry['a'] = x",
    "an array in itself": "x = []\nx << x\nregistry['a'] = x",
    "a hash in itself": "x = {}\nx['x'] = x\nregistry['a'] = x\ny = x == x",
    "power": "registry['a'] = 9 ** 9 ** 9",
    "long number": "registry['a'] = " + "9" * 5_000,
    "many digits": "registry['a'] = '" + "9" * 400_000 + "'.to_i",
    "join": "x = ['a' * 1000] * 90_000\nregistry['a'] = x.join",
    "gsub": "x = 'a' * 1_000_000\nregistry['a'] = x.gsub('a', 'b' * 1000)",
    "gsub of nothing": "x = 'a' * 1_000_000\nregistry['a'] = x.gsub('', 'b')",
    "split": "x = 'a ' * 500_000\nregistry['a'] = x.split",
    "choices in choices": "registry['a'] = " + "(" * 39 + "registry['b']" + " || registry['c'])" * 39,
    "methods that may be missing": "x = registry['q']\nregistry['a'] = x" + "&.strip" * 40,
    "lost variables": "".join(f"v{i} = `ls`\n" for i in range(20_000)),
    "lost elements": "registry['a'] = [" + "`ls`, " * 20_000 + "]",
    "alternatives": "registry['a'] = " + " || ".join(["ENV['A']"] * 5_000),
    "uniq": "x = [[1] * 1000] * 5_000\nregistry['a'] = x.uniq",
    "minus": "x = [[1] * 1000] * 5_000\nregistry['a'] = x - x",
    "merge": "x = {}\nx['a'] = 1\n" + "registry.merge!(x)\n" * 70_000 + "registry['b'] = `ls`",
    "not": "registry['a'] = " + "!" * 20_000 + "1",
    "plus": "registry['a'] = " + "1+" * 20_000 + "1",
    "brackets": "registry['a'] = " + "[" * 20_000 + "]" * 20_000,
    "open brackets": "[" * 20_000,
    "open hashes": "{a:" * 20_000,
    "keys": "registry" + "['a']" * 15_000 + " = 1",
    "methods": "registry['a'] = 'a'" + ".strip" * 15_000,
    "appends": "x = []\nx" + " << 1" * 15_000 + "\nregistry['a'] = `ls`",
    "ternaries": "registry['a'] = " + "nil ? 1 : " * 20_000 + "1",
    "ifs": "if true\n" * 20_000 + "end\n" * 20_000 + "registry['a'] = `ls`",
    "elsifs": "if false\n" + "elsif false\n" * 20_000 + "end\nregistry['a'] = `ls`",
    "modifiers": "registry['a'] = 1" + " if true" * 20_000,
    "literals": "%w[" * 20_000,
    "mixed literals": "} a = [ %q( '" * 20_000,
    "heredocs": "<<A, " * 8_000 + "\n" + "A\n" * 8_000,
    "open heredocs": "x = <<A\n" * 20_000,
    "interpolation": '"#{' * 20_000,
    "quotes": "'\n" * 20_000,
    "junk": "=>)]}" * 15_000,
    "ends": "end\n" * 20_000,
    "blocks": "a do |x|\n" * 20_000,
    "assignments": "a = " * 20_000 + "1",
    "wrong lines": "registry['a'] = {\n" * 5_000,
    "wrong names": "registri['a'] = 1\n" * 20_000,
    "too many words": "registry['a'] = 1\n" * 20_000,
}

HEAVY = ["not", "plus", "keys", "brackets", "interpolation", "junk", "assignments", "mixed literals"]


@pytest.mark.parametrize("name", BOMBS)
def test_a_bomb_is_refused_soon(name: str) -> None:
    with at_most(calls=8_000_000):
        assert errors(BOMBS[name])


@pytest.mark.real
def test_no_bomb_takes_much_memory(tmp_path: Path) -> None:
    """The heaviest ones, one after the other in a process of its own, stay below 200 MB."""
    for name in HEAVY:
        (tmp_path / f"{name}.rb").write_text(BOMBS[name])
    code = (
        "import gc, sys\nfrom pathlib import Path\n"
        "from ctl.settings.load import reading_of\nfrom ctl.language.source import SettingsError\n"
        "for file in Path(sys.argv[1]).glob('*.rb'):\n"
        "    try:\n        reading_of(file, {})\n    except SettingsError:\n        pass\n    gc.collect()\n"
        "print(Path('/proc/self/status').read_text().split('VmHWM:')[1].split()[0])\n"
    )
    run = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path)], capture_output=True, text=True, check=True
    )
    assert int(run.stdout) < 200 * 1024


def test_a_file_that_is_too_large_is_not_read() -> None:
    assert "is larger than" in errors("#" * 1_100_000)[0].message


def test_many_files_and_includes_that_go_round() -> None:
    assert "includes itself" in errors("from_file 'gitlab.rb'")[0].message
    found = errors("from_file 'a.rb'", None, a_rb="from_file 'b.rb'", b_rb="from_file 'a.rb'")
    assert "includes itself" in found[0].message
    assert (
        "more than 200 files"
        in errors("File.read('x').strip\n" * 50 + "y = File.read('x')\n" * 200, x="")[-1].message
    )


def test_what_the_tests_of_limits_use_is_no_more_than_normal_files_need() -> None:
    lines = "".join(
        f"registry['env'] = {{ 'A{n}' => \"#{{ENV['X']}}\", 'B' => %w[a b] }}\n" for n in range(3_000)
    )
    assert read(lines).values["registry"]
