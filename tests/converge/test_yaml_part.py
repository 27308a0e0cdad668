"""Single values in somebody else's YAML: they change, and nothing else does, byte for byte."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from hypothesis import example, given
from hypothesis import strategies as st

from ctl.converge import YamlPart
from ctl.converge.journal import Journal
from ctl.converge.model import Machine
from ctl.converge.rollback import roll_back
from ctl.converge.yaml_text import Document
from ctl.errors import CtlError
from tests.harness.supervisor import Bench
from tests.harness.tree import tree
from tests.harness.work import at_most

REGISTRY = ("production", "registry")
WANTED: dict[str, object] = {"enabled": True, "host": "registry.example.com", "port": 5005}


def edited(text: str, values: dict[str, object] = WANTED, path: tuple[str, ...] = REGISTRY) -> str:
    once = Document(text, "g.yml").set(path, values)
    assert Document(once, "g.yml").set(path, values) == once
    return once


LINES = '\n    enabled: true\n    host: "registry.example.com"\n    port: 5005'
CASES = {
    "values with comments": (
        "production:\n  registry: # r\n    host: old  # h\n    enabled: false\n    port:\n",
        'production:\n  registry: # r\n    host: "registry.example.com"  # h\n    enabled: true\n    port: 5005\n',
    ),
    "equal in another spelling": (
        "production:\n  registry: {enabled: yes, host: 'registry.example.com', port: \"5005\"}\n",
        "production:\n  registry: {enabled: yes, host: 'registry.example.com', port: \"5005\"}\n",
    ),
    "no section, no last newline": ("production:\n  a: 1", f"production:\n  a: 1\n  registry:{LINES}"),
    "a section of comments": (
        "production:\n  registry:\n    # enabled: true\n  a: 1\n",
        f"production:\n  registry:{LINES}\n    # enabled: true\n  a: 1\n",
    ),
    "between sections": (
        "production:\n  a:\n    - [1,\n       2]  # x\n\n# test\ntest:\n  a: 1\n",
        f"production:\n  a:\n    - [1,\n       2]  # x\n  registry:{LINES}\n\n# test\ntest:\n  a: 1\n",
    ),
    "braces": (
        "production: {a: 1, registry: {}}\n",
        'production: {a: 1, registry: {enabled: true, host: "registry.example.com", port: 5005}}\n',
    ),
    "an alias as a value": (
        "x: &h old\nproduction:\n  registry:\n    enabled: true\n    host: *h # h\n    port: 5005\n",
        "x: &h old\nproduction:\n  registry:\n    enabled: true\n"
        '    host: "registry.example.com" # h\n    port: 5005\n',
    ),
    "a last value of several lines": (
        "production:\n  registry:\n    key: |\n      a\n      b\n    more: [1]\n  b: 1\n",
        f"production:\n  registry:\n    key: |\n      a\n      b\n    more: [1]{LINES}\n  b: 1\n",
    ),
}


@pytest.mark.parametrize(("before", "after"), CASES.values(), ids=CASES.keys())
def test_only_the_values_change(before: str, after: str) -> None:
    assert edited(before) == after


@pytest.mark.parametrize("newline", ["\n", "\r\n"])
def test_line_ends_and_a_byte_order_mark_stay(newline: str) -> None:
    text = "\ufeffproduction:\n  ü: 🦊\n  registry:\n    host: a\n  b: 1\n".replace("\n", newline)
    after = edited(text)
    assert after.startswith("\ufeff")
    assert after.replace("\r\n", "").count("\n") == (0 if newline == "\r\n" else after.count("\n"))
    assert yaml.safe_load(after)["production"]["registry"] == WANTED


def test_environments_that_merge_production_follow() -> None:
    after = edited("production: &base\n  registry:\n    host: a\n  b: 1\ntest:\n  <<: *base\n  c: 1\n")
    assert yaml.safe_load(after)["test"] == {"registry": WANTED, "b": 1, "c": 1}


def test_aliases_of_aliases_take_no_time() -> None:
    levels = "".join(f"  x{n}: &x{n} {{a: *x{n - 1}, b: [*x{n - 1}, .nan]}}\n" for n in range(1, 40))
    before = f"y:\n  x0: &x0 {{a: 1}}\n{levels}production:\n  z: *x39\n  registry:\n    host: a\n"
    with at_most(calls=1_500_000):
        assert edited(before).count("*x") == before.count("*x")


REFUSED = {
    "an alias": ("x: &r {host: q}\nproduction:\n  registry: *r\n", "g.yml:3:3: production.registry is an alias"),
    "a merge": ("b: &b\n  registry: {host: q}\nproduction:\n  <<: *b\n", "comes from a merge"),
    "an anchor": ("production:\n  registry:\n    host: &h q\nx: *h\n", "g.yml:3:5: the value of host"),
    "several lines": ("production:\n  registry:\n    host: |\n      q\n", "g.yml:3:5: the value of host"),
    "twice": ("production:\n  registry: {a: b}\n  registry: {a: b}\n", "g.yml:3:3: registry is there twice"),
    "not YAML": ("production:\n  a: b\n\tc: 1\n", "g.yml:3:1: is not YAML"),
    "no production": ("test:\n  a: 1\n", "g.yml:1:1: production must be there"),
    "two documents": ("a: 1\n---\nb: 1\n", "g.yml:2:1: is not YAML"),
    "a list": ("- 1\n", "must hold a mapping"),
    "nothing": ("", "must hold a mapping"),
    "a circle": ("production: &base\n  a: 1\n  b: *base\n", "g.yml:1: this holds itself, by an alias"),
    "a scalar to one of two parsers": ("&production:\n  other\n", "must hold a mapping"),
}  # fmt: skip


@pytest.mark.parametrize(("text", "message"), REFUSED.values(), ids=REFUSED.keys())
def test_what_cannot_be_done_is_reported(text: str, message: str) -> None:
    with pytest.raises(CtlError) as caught:
        edited(text)
    assert message in caught.value.message


KEYS = st.sampled_from(["enabled", "host", "port", "other", "z"])
SCALARS = st.none() | st.booleans() | st.integers() | st.text(max_size=8)
TREES = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=3)
)


@example(before={"enabled": "\x85"}, other="\x85", flow=True, values={"host": None})
@given(
    before=st.dictionaries(KEYS, SCALARS),
    other=TREES,
    flow=st.sampled_from([True, False, None]),
    values=st.dictionaries(st.sampled_from(["enabled", "host", "port"]), SCALARS, min_size=1),
)
def test_any_value_arrives(
    before: dict[str, object], other: object, flow: bool | None, values: dict[str, object]
) -> None:
    data = {"production": {"a": other, "registry": before, "z": other}, "test": other}
    text = yaml.safe_dump(data, sort_keys=False, default_flow_style=flow, allow_unicode=True)
    # As it reads before the edit: safe_dump writes U+0085 as it is, and YAML 1.1 reads it as a line break.
    rest = yaml.safe_load(text)
    before = rest["production"].pop("registry")
    try:
        after = edited(text, values)
    except CtlError:
        return  # refused: reported, and nothing changed
    found = yaml.safe_load(after)
    section = found["production"].pop("registry") or {}
    kept = {key: value for key, value in before.items() if key not in values}
    assert {key: value for key, value in section.items() if key not in values} == kept
    for key, value in values.items():
        assert str(section.get(key)) == str(value)
    assert found == rest


# --- the resource

GITLAB = "# mine\nproduction:\n  registry:\n    host: old # h\n    secret: s3cr3t\n"
VALUES = [(REGISTRY, {"host": "new", "enabled": True})]


@pytest.fixture
def file(bench: Bench) -> Path:
    path = bench.layout.root / "gitlab.yml"
    path.write_text(GITLAB)
    path.chmod(0o640)
    return path


def apply(part: YamlPart, bench: Bench) -> None:
    change = part.plan(bench.machine)
    assert change is not None
    for step in change.steps:
        step.apply()
    assert part.plan(bench.machine) is None


def test_the_first_version_is_kept_for_ever(bench: Bench, file: Path) -> None:
    apply(YamlPart(file, values=VALUES), bench)
    backup = file.with_name("gitlab.yml.ctl-backup")
    assert backup.read_text() == GITLAB
    assert file.stat().st_mode & 0o777 == backup.stat().st_mode & 0o777 == 0o640
    apply(YamlPart(file, values=[(REGISTRY, {"host": "newer"})]), bench)
    assert backup.read_text() == GITLAB
    assert "newer" in file.read_text()


def test_the_diff_shows_no_other_line(bench: Bench, file: Path) -> None:
    change = YamlPart(file, values=VALUES).plan(bench.machine)
    assert change is not None
    assert "-    host: old # h" in change.diff
    assert "s3cr3t" not in change.diff


def test_a_blank_machine_shows_the_file_if_there_is_one(bench: Bench, file: Path) -> None:
    blank = Machine(services=bench.services, privileged=False, blank=True)
    (desired,) = YamlPart(file, values=VALUES).desired(blank)
    assert (desired.path, desired.mode) == (file, 0o640)
    assert b"new" in desired.content
    assert YamlPart(file.with_name("none.yml"), values=VALUES).desired(blank) == ()


def test_a_link_is_followed_and_stays(bench: Bench, file: Path) -> None:
    link = bench.layout.root / "link.yml"
    link.symlink_to(file.name)
    apply(YamlPart(link, values=VALUES), bench)
    assert link.is_symlink()
    assert "new" in file.read_text()
    assert not link.with_name("link.yml.ctl-backup").exists()


def test_it_is_undone_to_the_byte(bench: Bench, file: Path) -> None:
    change = YamlPart(file, values=VALUES).plan(bench.machine)
    assert change is not None
    bench.layout.state.mkdir(parents=True, exist_ok=True)
    before = tree(bench.layout.root)
    journal = Journal.begin(bench.layout)
    with journal:
        for step in change.steps:
            record = step.undo(journal)
            assert record is not None
            journal.record(record)
            step.apply()
    assert file.read_text() != GITLAB
    roll_back(journal.folder, bench.machine, lambda text: None)
    assert tree(bench.layout.root) == before


@pytest.mark.parametrize(
    ("content", "message"),
    [(None, "there is no such file"), (b"a: \xff\n", ":1: is not UTF-8"), (b"a: [\n", "is not YAML")],
)
def test_what_it_cannot_work_on(bench: Bench, content: bytes | None, message: str) -> None:
    path = bench.layout.root / "g.yml"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(CtlError, match=message):
        YamlPart(path, values=VALUES).plan(bench.machine)
