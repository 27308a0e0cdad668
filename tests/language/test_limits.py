"""A settings file can neither hang nor exhaust the machine, whatever it says."""

from __future__ import annotations

import gc
import json
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from ctl.language import read_settings
from ctl.language.limits import MAX_STEPS
from ctl.language.reading import _Reader, parse_python
from ctl.language.source import SettingsError
from tests.harness.work import at_most
from tests.language.reader import NAMES, errors, read, value

pytestmark = pytest.mark.real

MOST_CALLS = 6_000_000
STEPS = f"more than {MAX_STEPS:,} steps"

TOO_LARGE = [
    ("'x' * 10**12", "text would be longer"),
    ("'x' * 1000000 + 'x' * 1000000", "text would be longer"),
    ("[0] * 10**10", "more than 100,000 elements"),
    ("(0,) * 10**10", "more than 100,000 elements"),
    ("10**10**8", "more than 1024 bits"),
    ("2**(2**60)", "more than 1024 bits"),
    ("7**-(10**9)", "more than 1024 bits"),
    ("10.0**1000", "too large"),
    ("1 << 10**9", "more than 1024 bits"),
    ("(1 << 1000) * (1 << 1000)", "more than 1024 bits"),
    ("0x" + "f" * 10000, "more than 1024 bits"),
    ('f"{1:>1000000000}"', "a width in an f-string"),
    ('f"{1:{10**9}}"', "a width in an f-string"),
    ('f"{1.5:.999999999}"', "a width in an f-string"),
    ('f"{1:0999999999d}"', "a width in an f-string"),
    ("f\"{'x' * 1000000!a}\"", "too long to be converted"),
    ("f\"{'x' * 1000000}{'x' * 1000000}\"", "text would be longer"),
    ("'a'.ljust(10**10)", "text would be longer"),
    ("'a'.rjust(2**100)", "text would be longer"),
    ("'a'.center(10**10)", "text would be longer"),
    ("'a'.zfill(10**10)", "text would be longer"),
    ("('\\t' * 100000).expandtabs(10**6)", "text would be longer"),
    ("('a' * 1000000).rfind('a' * 20000 + 'b' + 'a' * 20000)", STEPS),
    ("('a' * 1000000).rindex('a' * 20000 + 'b' + 'a' * 20000)", STEPS),
    ("('a' * 1000000).rsplit(sep='a' * 20000 + 'b' + 'a' * 20000)", STEPS),
    ("('a' * 1000000).rpartition('a' * 20000 + 'b' + 'a' * 20000)", STEPS),
    ("('a' * 1000000).strip('bcdefghi' * 10000 + 'a')", STEPS),
    ("('a' * 1000000).lstrip('é😀' * 10000 + 'a')", STEPS),
    ("('a' * 1000000).replace('a', 'b' * 1000)", "text would be longer"),
    ("('a' * 1000000).replace('', 'b')", "text would be longer"),
    ("('a' * 100000).join(['b'] * 1000)", "text would be longer"),
    ("list('a' * 1000000)", "more than 100,000 elements"),
    ("('a ' * 500000).split()", "more than 100,000 elements"),
    ("[*range(60000), *range(60000)]", "more than 100,000 elements"),
    ("range(10**12)", "more than 100,000 elements"),
    ("range(10**100)", "more than 100,000 elements"),
    ("range(0, -10**100, -1)", "more than 100,000 elements"),
    ("'a' in range(10**12)", "more than 100,000 elements"),
    ("int('9' * 5000)", "not a whole number"),
    ("int('f' * 100000, 16)", "not a whole number"),
    ("float('1' * 100000)", "not a number"),
    ("round(5, -10**9)", "round()"),
    ("read_file('/' + '1' * 1000000)", "File name too long"),
    ("read_file('/a' * 500000)", "File name too long"),
    ("read_file('/' + '1' * 250 + '/b')", "does not exist"),
    ("zip(*[range(1000)] * 1000)", STEPS),
    ("sorted(['a' * 1000000 + str(i) for i in range(10)] * 500)", STEPS),
    ("[a for a in range(1000) for b in range(1000) for c in range(1000)]", STEPS),
    ("{i: {j: j for j in range(1000)} for i in range(1000)}", STEPS),
    ("['a' * 1000000 + str(i) for i in range(1000)]", STEPS),
    ("[[0] * 100000] * 100", STEPS),
    ("not " * 900 + "1", "nests expressions too deeply"),
    ("not " * 10000 + "1", "nests expressions too deeply"),
    ("1 if 0 else " * 900 + "1", "nests expressions too deeply"),
    ("+".join(["1"] * 50000), "nests expressions too deeply"),
    ("registry" + '["a"]' * 10000, "nests expressions too deeply"),
    ("'a'" + ".upper()" * 900, "nests expressions too deeply"),
    ("[" * 100 + "]" * 100, "more than 40 levels"),
    ("[" * 5000 + "]" * 5000, "too many nested parentheses"),
]

LOOPS = [
    ("s = 'x'\nfor i in range(100):\n    s += s", "text would be longer"),
    ("s = [1]\nfor i in range(100):\n    s = s + s", "more than 100,000 elements"),
    ("s = [1]\nfor i in range(100):\n    s += s", "more than 100,000 elements"),
    ("s = [1]\nfor i in range(100):\n    s.extend(s)", "more than 100,000 elements"),
    ("s = ['lol']\nfor i in range(30):\n    s = [s, s, s]", STEPS),
    ("s = (1,)\nfor i in range(30):\n    s = (s, s)\ns = {s: 1}", STEPS),
    ("a = {}\nfor i in range(35):\n    a = {'a': a, 'b': a}\nb = {**a, 'c': 1}\ns = a == b", STEPS),
    ("s = []\ns.append(s)", "more than 40 levels"),
    ("s = {}\ns['s'] = s\ns = s == s", "more than 40 levels"),
    (
        "s = registry\nregistry['a'] = {}\nfor i in range(60):\n    registry['a']['b'] = registry['a']",
        "40 levels",
    ),
    ("s = 1\nregistry['a'] = []\nfor i in range(50):\n    registry['a'].append(registry['a'])", STEPS),
    ("s = []\nfor i in range(100000):\n    s = [s]", STEPS),
    ("a = 'a' * 1000000\nb = 'a' * 1000000\nfor i in range(100000):\n    s = a == b", STEPS),
    ("a = ['a' * 1000] * 5000\nfor i in range(10000):\n    s = a.count('b')", STEPS),
    ("a = list(range(50000))\nfor i in range(10000):\n    s = -1 in a", STEPS),
    ("a = 'ab' * 500000\nfor i in range(10000):\n    s = a.find('ba' * 1000 + 'c')", STEPS),
    ("a = list(range(50000))\nfor i in range(10000):\n    s = a[:]", STEPS),
    ("s = [0] * 99000\nfor i in range(90000):\n    s.insert(0, i)", STEPS),
    ("s = ()\nfor i in range(50000):\n    s += (i,)", STEPS),
    ("s = 1\nfor i in range(90000):\n    registry[f'key{i}'] = {}", STEPS),
    ("s = 1\nd = {str(i): i for i in range(10000)}\nfor i in range(10000):\n    registry.update(d)", STEPS),
    ("s = 1\nfor i in range(90000):\n    registry['a'] = nowhere", STEPS),
    ("s = {}\nfor i in range(20000):\n    s[i * (2**61 - 1)] = 1", STEPS),
    ("s = {i * (2**61 - 1): 1 for i in range(2000)}", "cannot be a key"),
    ("s = dict(zip([i * (2**61 - 1) for i in range(2000)], [1] * 2000))", "cannot be a key"),
    ("s = {}\nfor i in range(2000):\n    s.setdefault((i * (2**61 - 1), 0), 1)", "a tuple cannot be a key"),
    ("s = {}\nfor i in range(2000):\n    s[i * 2.0**61] = 1", "a number cannot be a key"),
    ("s = 1\nd = {f'{i}key': 1 for i in range(20000)}\nfor i in range(10000):\n    s = d['abc']", STEPS),
    ("s = 1\n" + "".join(f"_x{i} = nowhere{i}\n" for i in range(5000)), STEPS),
    ("s = 1\n" + "".join(f"sidekiq['{i}'] = nowhere{i}\n" for i in range(5000)), STEPS),
]


@pytest.mark.parametrize(("expression", "message"), TOO_LARGE, ids=[case[0][:40] for case in TOO_LARGE])
def test_an_expression_that_asks_for_too_much(expression: str, message: str) -> None:
    with at_most(MOST_CALLS):
        assert message in errors(f'registry["x"] = {expression}\n')[0].message


@pytest.mark.parametrize(("statements", "message"), LOOPS, ids=[case[0][-40:] for case in LOOPS])
def test_statements_that_ask_for_too_much(statements: str, message: str) -> None:
    with at_most(MOST_CALLS):
        assert message in errors(f'{statements}\nregistry["x"] = s\n')[-1].message


HUGE = {
    "names": ("a\n" * 79_000, "more than 50 errors"),
    "many tokens": ("registry['x'] = [" + "0," * 300_000 + "]", "more than 160,000 words and signs"),
    "a large dictionary": ("registry['x'] = {" + ",".join(f"'k{i}': 1" for i in range(35_000)) + "}", None),
    "fields of an f-string": ("registry['x'] = f'" + "{a}" * 11_900 + "'", "unknown name a"),
    "too many braces": ("registry['x'] = f'" + "{a}" * 40_000 + "'", "more than 12,000 opening braces"),
    "not Python, late": ("x = 1\n" * 10_000 + "x y\n", "not Python"),
    "newlines": ("\n" * 1_000_000, "more than 160,000 words and signs"),
    "backslashes": ("registry['x'] = '" + "\\d" * 300_000 + "'", None),
    "a comment": ("#" + "x" * 1_000_000, None),
    "a long name": ("x" * 1_000_000 + "['y'] = 1", "unknown section xxx"),
    "a long number": ("registry['x'] = " + "9" * 1_000_000, "too many digits"),
    "wide text": ("registry['x'] = ['😀' * 1_000_000 + str(i) for i in range(1000)]", STEPS),
    "nested dictionaries": ("x = [{'a': {'b': {}}} for i in range(19_000)]\nregistry['x'] = x", STEPS),
    "likely names": (
        "".join(f"variable_{i} = 1\n" for i in range(9_000))
        + "".join(f"variables_{i}x['x'] = 1\n" for i in range(90)),
        "more than 50 errors",
    ),
}

_MEASURE = """
import json, resource
from pathlib import Path
from tests.language.test_limits import HUGE, messages_of

def size():
    return int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()

resource.setrlimit(resource.RLIMIT_AS, (size() + 200 * 2**20,) * 2)
print(json.dumps({name: messages_of(text) for name, (text, _) in HUGE.items()}))
"""


def messages_of(text: str) -> list[str]:
    """The errors of a text, which is read with no more work than any may take."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "settings.py")
        path.write_text(text)
        messages = []
        try:
            with at_most(MOST_CALLS):
                read_settings(path, names=NAMES, environment={})
        except SettingsError as error:
            messages = [found.message for found in error.diagnostics]
    gc.collect()
    return messages


@pytest.mark.real
def test_huge_files_are_read_or_refused_below_200_megabytes() -> None:
    """In a process of its own, which may take no more than that."""
    argv = [sys.executable, "-c", _MEASURE]
    result = subprocess.run(argv, capture_output=True, text=True, check=False, timeout=60, cwd=_checkout())
    assert result.returncode == 0, result.stderr
    for name, messages in json.loads(result.stdout).items():
        expected = HUGE[name][1]
        assert not any("memory" in message for message in messages), name
        assert expected is None or any(expected in message for message in messages), (name, messages[:1])
        assert expected is not None or not messages, (name, messages[:1])


def _checkout() -> Path:
    return Path(__file__).parents[3]


ENDPOINT = """\
    {
        "name": "endpoint-%d",
        "url": "https://host-%d.example.com/notify",
        "timeout": "500ms",
        "threshold": 5,
        "backoff": "1s",
        "headers": {
            "Authorization": ["Bearer %d"],
        },
    },
"""

LOOP = """\
endpoints = []
for i in range(1000):
    endpoints.append({
        "name": f"endpoint-{i}", "url": f"https://host-{i}.example.com/notify", "timeout": "500ms",
        "threshold": 5, "backoff": "1s", "headers": {"Authorization": [f"Bearer {i}"]},
    })
registry["notifications"] = endpoints
"""


def test_a_thousand_endpoints_and_four_thousand_lines_are_well_inside(tmp_path: Path) -> None:
    written_out = "".join(ENDPOINT % (i, i, i) for i in range(1000))
    texts = [
        f'registry["notifications"] = [\n{written_out}]\n',
        LOOP,
        "".join(f'registry["key_{i}"] = "value {i}"  # comment\n' for i in range(4000)),
    ]
    for text in texts:
        (tmp_path / "settings.py").write_text(text)
        reader = _Reader(tmp_path / "settings.py", NAMES, {}, parse_python)
        with at_most(calls=1_000_000):
            reader.read_all()
        assert reader.sorted_diagnostics() == ()
        assert reader.scope.budget.steps > MAX_STEPS * 2 // 3
    assert read(texts[0]).values == read(texts[1]).values


def test_deep_statements_and_long_chains_are_no_problem() -> None:
    nested = "".join(" " * depth + "if True:\n" for depth in range(90)) + " " * 90 + 'registry["x"] = 1'
    assert read(nested).values["registry"] == {"x": 1}
    assert value(" and ".join(["1"] * 10_000)) == 1
    assert value("str(" * 100 + "5" + ")" * 100) == "5"
    assert value("('a'\n" + "'a'\n" * 10_000 + ")") == "a" * 10_001


def test_what_was_found_before_a_limit_is_reported_too() -> None:
    found = errors('registry["x"] = nowhere\nfor i in range(90000):\n    for j in range(90000): pass\n')
    assert "unknown name nowhere" in found[0].message
    assert STEPS in found[-1].message
    assert found[-1].location
    assert found[-1].location.line == 3
