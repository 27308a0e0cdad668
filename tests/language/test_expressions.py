"""Every kind of expression has Python's value."""

from __future__ import annotations

import pytest

from tests.language.reader import errors, value

AS_IN_PYTHON = """
None
True
-5
1.5
0x10 + 0o17 + 0b11 + 1_000
"a" 'b' '''c'''
r"\\d" + "\\n"
"é😀"
[1, [2], (3,), {}]
{"a": 1, "b": {"c": [None]}}
{**{"a": 1, "b": 2}, "b": 3}
[*range(3), *"ab", *[9]]
1 + 2 * 3 - 4 / 2
7 // 2 + 7 % 4 + 2 ** 5
-7 // 2 + -7 % 4
(5 & 3) + (5 | 3) + (5 ^ 3) + ~5 + (1 << 4) + (256 >> 3)
"a" + "b" * 3 + 2 * "c"
[1] + [2] * 2
list((1,) + (2,) * 2)
{"a": 1} | {"b": 2}
True + True
1 < 2 < 3 and 3 >= 3 > 2 and 1 != 2 and 1 <= 1
"a" < "b"
[1, 2] < [1, 3]
1 == 1.0
"b" in "abc" and "x" not in "abc" and 1 in [1] and "a" in {"a": 1}
None is None and (len("a") is not None)
not 0 or []
0 or "" or "x"
1 and "" and 2
"a" if 1 > 2 else "b"
"abc"[0] + "abc"[-1] + "abc"[1:] + "abc"[::-1] + "abc"[:-1]
[1, 2, 3, 4][1:3] + [1, 2, 3, 4][::2]
list((1, 2, 3)[1:])
{"a": [1, {"b": 2}]}["a"][1]["b"]
[x * 2 for x in range(5) if x % 2]
[(x, y) for x in range(3) for y in range(x)] == [(1, 0), (2, 0), (2, 1)]
[[y for y in range(x)] for x in range(3)]
{k: v for k, v in [("a", 1), ("b", 2)]}
sum(x for x in range(4))
f"{1}-{'a'}-{1.5}-{None}-{True}"
f"{5:03d} {5:>4} {5:<4}| {255:x} {255:#06x} {3.14159:.2f} {1000000:,} {0.5:%} {'ab':*^6}"
f"{'é'!r} {'é'!a} {'é'!s}"
f"{{literal}} {1 + 1} {[1, 2][0]}"
f"{'a':>{2 + 3}}"
"AbC".lower() + "AbC".upper() + "abc".capitalize() + "a b".title() + "AbC".swapcase()
" a ".strip() + " a ".lstrip() + " a ".rstrip() + "xax".strip("x")
"a,b,,c".split(",") + "a b  c".split() + "a,b,c".split(",", 1) + "a,b".rsplit(sep=",", maxsplit=1)
"a\\nb".splitlines() + "a\\nb".splitlines(keepends=True)
list("a=b=c".partition("=")) + list("a=b=c".rpartition("="))
"-".join(["a", "b"]) + "".join(str(x) for x in range(3))
"aXbXc".replace("X", "-") + "aXbXc".replace("X", "-", 1) + "ab".replace("", "-")
"abc".startswith("a") and "abc".endswith(("x", "c"))
"abcabc".find("c") + "abcabc".rfind("c") + "abcabc".index("b") + "abcabc".count("a")
"a".center(5, "*") + "a".ljust(3) + "a".rjust(3, ".") + "7".zfill(3)
"a\\tb".expandtabs(4) + "a\\tb".expandtabs()
"prefix-x".removeprefix("prefix-") + "x.py".removesuffix(".py")
"12".isdigit() and "ab".isalpha() and "a1".isalnum() and "A".isupper() and "a".islower() and " ".isspace()
{"a": 1}.get("a") + {"a": 1}.get("b", 5)
list({"a": 1, "b": 2}.keys()) + list({"a": 1}.values())
[[k, v] for k, v in {"a": 1, "b": 2}.items()]
{"a": 1}.copy()
[1, 2, 1].count(1) + [1, 2, 1].index(2)
(1, 2, 1).count(1)
len("abc") + len([1]) + len({"a": 1})
str(5) + str(1.5) + str(None) + str() + str("a")
int("42") + int(" 7 ") + int(3.9) + int("ff", 16) + int(True) + int()
float("1.5") + float(2)
bool("") or bool([0])
list("abc") + list((1, 2)) + list({"a": 1}) + list()
dict(a=1, b=2) | dict([("c", 3)]) | dict({"d": 4})
list(tuple([1, 2]))
list(range(3)) + list(range(1, 3)) + list(range(10, 0, -3)) + list(range(0))
[[i, x] for i, x in enumerate("ab", 1)] + [[i, x] for i, x in enumerate("a", start=5)]
[[a, b] for a, b in zip([1, 2], "ab")]
sorted([3, 1, 2]) + sorted("cab") + sorted([1, 2], reverse=True)
list(reversed([1, 2, 3]))
min([3, 1]) + max(1, 5) + min([], default=9)
sum([1, 2.5]) + sum([], 5)
any([0, 1]) and all([]) and not any([]) and all(x > 0 for x in [1, 2])
abs(-5) + round(2.567, 1) + round(7.5)
""".strip().splitlines()


@pytest.mark.parametrize("expression", AS_IN_PYTHON)
def test_expressions_are_as_in_python(expression: str) -> None:
    assert value(expression) == _plain(eval(expression))  # noqa: S307 - the list above, as Python has it


def _plain(found: object) -> object:
    if isinstance(found, (list, tuple)):
        return [_plain(element) for element in found]
    return {key: _plain(inner) for key, inner in found.items()} if isinstance(found, dict) else found


def test_long_chains_are_no_problem() -> None:
    assert value(" + ".join(["1"] * 900)) == 900
    assert value(" + ".join(['"a"'] * 900)) == "a" * 900


@pytest.mark.parametrize(
    "expression",
    [
        "'%s' % 5",
        "1 + 'a'",
        "'a' * 'b'",
        "[1] + (2,)",
        "{} + {}",
        "-'a'",
        "1 < 'a'",
        "1 in 5",
        "~1.5",
        "[] @ []",
    ],
)
def test_values_that_do_not_go_together(expression: str) -> None:
    (error,) = errors(f'registry["x"] = {expression}')
    assert error.location


def test_and_or_do_not_evaluate_what_they_do_not_need() -> None:
    assert value("0 and 1 / 0") == 0
    assert value("1 or 1 / 0") == 1
    assert value("5 if True else 1 / 0") == 5
    assert value("1 > 2 > 1 / 0") is False
