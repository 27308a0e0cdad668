"""`set` and `unset` in the text: the place of a value, and nothing but that."""

# ruff: noqa: E501 - texts before and after on one line

from __future__ import annotations

from typing import Any

import pytest

from ctl.settings.editing.change import Ambiguous, with_value, without_value
from ctl.settings.editing.document import Document
from ctl.settings.editing.naming import find
from ctl.settings.editing.values import source_of
from tests.harness.work import at_most


def put(text: str, name: str, value: object) -> str:
    return with_value(Document(text), find(name), value, source_of(value))


def take(text: str, name: str) -> str:
    return without_value(text, find(name))


REPLACED: list[tuple[str, Any, str, str]] = [
    ("registry.log_level", "warn", 'registry["log_level"] = "info"  # why\n', 'registry["log_level"] = "warn"  # why\n'),
    ("registry.log_level", "warn", "registry['log_level']='info';x=1\n", "registry['log_level']=\"warn\";x=1\n"),
    ("registry.log_level", "warn", 'a = "ä"; registry["log_level"] = "ü"#x', 'a = "ä"; registry["log_level"] = "warn"#x'),
    ("registry.log_level", "warn", 'registry["log_level"] = (\n    "in"  # a\n    "fo"\n)  # b\n', 'registry["log_level"] = (\n    "warn"\n)  # b\n'),
    ("registry.log_level", "warn", 'registry["log_level"] = \\\n  "info"\n', 'registry["log_level"] = \\\n  "warn"\n'),
    ("external_url", "https://b.example", 'external_url("https://a.example")\n', 'external_url("https://b.example")\n'),
    ("external_url", "https://b.example", 'external_url = "https://a.example"\n', 'external_url = "https://b.example"\n'),
    ("registry.nginx.listen_port", 5, 'registry_nginx["listen_port"] = 4\n', 'registry_nginx["listen_port"] = 5\n'),
    ("registry.nginx.listen_port", 5, 'registry["nginx"] = {"listen_port": 4}\n', 'registry["nginx"] = {"listen_port": 5}\n'),
    ("registry.nginx.listen_port", 5, 'registry = {"nginx": {"listen_port": 4}}\n', 'registry = {"nginx": {"listen_port": 5}}\n'),
    ("registry.storage.s3.bucket", "c", 'registry["storage"] = {"s3": {"bucket": ("b"), "region": "r"}}\n', 'registry["storage"] = {"s3": {"bucket": ("c"), "region": "r"}}\n'),
    ("registry.storage.s3.bucket", "c", 'registry["storage"]["s3"] = {"bucket": "b"}\n', 'registry["storage"]["s3"] = {"bucket": "c"}\n'),
    ("registry.storage", {"inmemory": {}}, 'registry["storage"] = {\n  # x\n  "s3": {},\n}  # y\n', 'registry["storage"] = {"inmemory": {}}  # y\n'),
    ("registry.log_level", "warn", 'registry["log_level"] = "a"\nregistry["log_level"] = "b"\n', 'registry["log_level"] = "a"\nregistry["log_level"] = "warn"\n'),
    ("registry.log_level", "info", "registry['log_level'] = 'info'\n", "registry['log_level'] = 'info'\n"),
    ("registry.uid", 5, '\ufeffregistry["uid"] = 4\r\n# x\r\n', '\ufeffregistry["uid"] = 5\r\n# x\r\n'),
    ("registry.uid", 5, '# a\rregistry["uid"] = 4\r', '# a\rregistry["uid"] = 5\r'),
    ("registry.uid", None, 'registry["uid"] = 4\n', 'registry["uid"] = None\n'),
]  # fmt: skip


@pytest.mark.parametrize(("name", "value", "before", "after"), REPLACED)
def test_a_value_is_replaced(name: str, value: object, before: str, after: str) -> None:
    assert put(before, name, value) == after


ADDED: list[tuple[str, Any, str, str]] = [
    ("registry.uid", 5, "", 'registry["uid"] = 5\n'),
    ("registry.uid", 5, "# end", '# end\nregistry["uid"] = 5'),
    ("registry.uid", 5, "x = 1\r\n", 'x = 1\r\nregistry["uid"] = 5\r\n'),
    ("registry.uid", 5, '# registry["uid"] = 7\nx = 1\n', '# registry["uid"] = 7\nregistry["uid"] = 5\nx = 1\n'),
    ("registry.uid", 5, '#registry[\'uid\'] = 7\nx = 1\n', '#registry[\'uid\'] = 7\nregistry["uid"] = 5\nx = 1\n'),
    ("external_url", "a", '# external_url("b")\nx = 1\n', '# external_url("b")\nexternal_url = "a"\nx = 1\n'),
    ("registry.env", {}, '# registry["env"] = {\n#   "A": 1,\n# }\nx = 1\n', '# registry["env"] = {\n#   "A": 1,\n# }\nregistry["env"] = {}\nx = 1\n'),
    ("registry.uid", 5, 'y = """\n# registry["uid"] = 7\n"""\n', 'y = """\n# registry["uid"] = 7\n"""\nregistry["uid"] = 5\n'),
    ("registry.uid", 5, 'if x:\n    y = 1\n# registry["uid"] = 7\n    y = 2\n', 'if x:\n    y = 1\n# registry["uid"] = 7\n    y = 2\nregistry["uid"] = 5\n'),
    ("registry.uid", 5, 'registry["gid"] = 1  # x\nnginx["dir"] = "/n"\n', 'registry["gid"] = 1  # x\nregistry["uid"] = 5\nnginx["dir"] = "/n"\n'),
    ("registry.uid", 5, 'registry["gid"] = 1; y = [\n1]\nz = 1\n', 'registry["gid"] = 1; y = [\n1]\nregistry["uid"] = 5\nz = 1\n'),
    ("registry.nginx.https", True, 'registry["nginx"]["dir"] = 1\nregistry["uid"] = 1\n', 'registry["nginx"]["dir"] = 1\nregistry["nginx"]["https"] = True\nregistry["uid"] = 1\n'),
    ("registry.storage.s3.region", "r", 'registry["storage"] = {"s3": {"bucket": "b"}}\n', 'registry["storage"] = {"s3": {"bucket": "b", "region": "r"}}\n'),
    ("registry.storage.s3.region", "r", 'registry["storage"] = {"s3": {"bucket": ("b") , }}\n', 'registry["storage"] = {"s3": {"bucket": ("b"), "region": "r" , }}\n'),
    ("registry.storage.s3.region", "r", 'registry["storage"] = {"s3": { }}\n', 'registry["storage"] = {"s3": {"region": "r" }}\n'),
    ("registry.storage.s3.region", "r", 'registry["storage"] = {}\n', 'registry["storage"] = {}\nregistry["storage"]["s3"]["region"] = "r"\n'),
    ("registry.storage.s3.region", "r", 'registry["storage"] = None\n', 'registry["storage"] = None\nregistry["storage"]["s3"]["region"] = "r"\n'),
    ("registry.internal_key", "-----A\nb\n-----C", "x = 1\r\n", 'x = 1\r\nregistry["internal_key"] = """-----A\r\nb\r\n-----C"""\r\n'),
]  # fmt: skip


@pytest.mark.parametrize(("name", "value", "before", "after"), ADDED)
def test_a_value_is_added_and_taken_away_again(name: str, value: object, before: str, after: str) -> None:
    assert put(before, name, value) == after
    assert take(after, name) == before


LAYOUTS = [
    ('"bucket": "b",  # why', '"bucket": "b",  # why', '"region": "r",'),
    ('"bucket": "b"  # why', '"bucket": "b",  # why', '"region": "r"'),
    ('"bucket": ("b"\n    )', '"bucket": ("b"\n    ),', '"region": "r"'),
    ('"bucket": "b"  # a\n    ,  # c', '"bucket": "b"  # a\n    ,  # c', '"region": "r",'),
]


@pytest.mark.parametrize(("item", "kept", "added"), LAYOUTS)
def test_an_item_is_added_in_the_layout_of_the_others(item: str, kept: str, added: str) -> None:
    before = f'registry["storage"] = {{\n  "s3": {{\n    {item}\n    # end\n  }},\n}}\n'
    after = f'registry["storage"] = {{\n  "s3": {{\n    {kept}\n    {added}\n    # end\n  }},\n}}\n'
    assert put(before, "registry.storage.s3.region", "r") == after
    assert take(after, "registry.storage.s3.region") == before


TAKEN: list[tuple[str, str, str]] = [
    ("registry.uid", 'x = 1\n# a\nregistry["uid"] = 5  # b\n\n# c\n', "x = 1\n# a\n\n# c\n"),
    ("registry.uid", 'registry["uid"] = 5\nx = 1\nregistry["uid"] = 6', "x = 1"),
    ("registry.uid", 'x = 1; registry["uid"] = 5  # b\n', "x = 1  # b\n"),
    ("registry.uid", 'registry["uid"] = 5; x = 1  # b\n', "x = 1  # b\n"),
    ("registry.uid", 'x = 1; registry["uid"] = 5; y = 1\n', "x = 1; y = 1\n"),
    ("registry.uid", 'registry["uid"] = (\n  5  # a\n)  # b\nx = 1\n', "x = 1\n"),
    ("registry.uid", 'registry["uid"] = int("5")\n', ""),
    ("registry.env", 'registry["env"] = {}\nregistry["env"]["A"] = 1\nx = 1\n', "x = 1\n"),
    ("registry.env.A", 'registry["env"] = {"A": 1, "B": 2}\n', 'registry["env"] = {"B": 2}\n'),
    ("registry.env.A", 'registry["env"] = {"A": 1,}\n', 'registry["env"] = {}\n'),
    ("registry.env.A", 'registry["env"] = {"B": 2, "A": (1),}\n', 'registry["env"] = {"B": 2,}\n'),
    ("registry.env.A", 'registry["env"] = {\n  "A": 1,  # a\n  "B": 2  # b\n}\n', 'registry["env"] = {\n  "B": 2  # b\n}\n'),
    ("registry.env.A", 'registry["env"] = {"B": 2,  # b\n  "A": 1}\n', 'registry["env"] = {"B": 2,  # b\n  }\n'),
    ("registry.env.A", 'registry["env"] = {"B": 2,  # b\n  "A": 1, "C": 3}\n', 'registry["env"] = {"B": 2,  # b\n  "C": 3}\n'),
    ("registry.env.A", 'registry["env"] = {"B": 2}\n', 'registry["env"] = {"B": 2}\n'),
    ("registry.nginx.https", 'registry_nginx["https"] = True\nregistry["nginx"]["https"] = False\n', ""),
]  # fmt: skip


@pytest.mark.parametrize(("name", "before", "after"), TAKEN)
def test_a_value_is_taken_away(name: str, before: str, after: str) -> None:
    assert take(before, name) == after


@pytest.mark.real
def test_prose_that_begins_with_a_name_costs_nothing() -> None:
    text = "# registry has [ something\n# registry is\n" * 500
    with at_most(calls=3_000_000):
        assert put(text, "registry.uid", 5) == text + 'registry["uid"] = 5\n'


UNCLEAR = [
    'if env("X"):\n    registry["env"] = {"A": 1}\n',
    'for k in ["env"]:\n    registry[k] = {}\n',
    'k = "env"\nregistry[k] = {}\n',
    'registry["env"] = registry["gid"] = 1\n',
    'registry["env"], x = {}, 1\n',
    'registry["env"] = {}\nregistry["env"].update({"A": 1})\n',
    'del registry["env"]\n',
    'registry["env"] |= {}\n',
    'registry["env"] = {**{"A": 1}}\n',
    'registry["env"] = {"A": 1, "A": 2}\n',
    'registry["env"] = dict(A=1)\n',
    'registry["env"] = {"A" + "B": 1}\n',
]


@pytest.mark.parametrize("text", UNCLEAR)
def test_what_is_not_clear_is_refused(text: str) -> None:
    with pytest.raises(Ambiguous, match=r"line \d+: registry\.env\.A "):
        put(text, "registry.env.A", "x")
    with pytest.raises(Ambiguous):
        take(text, "registry.env.A")


def test_a_computed_value_is_not_written_over() -> None:
    with pytest.raises(Ambiguous, match=r"line 2: registry\.log_level comes from what is worked out"):
        put('x = 1\nregistry["log_level"] = env("LEVEL", "info")\n', "registry.log_level", "warn")


def test_parts_stand_in_the_way_of_the_whole() -> None:
    with pytest.raises(Ambiguous, match=r"ctl settings unset registry\.env\.A"):
        put('registry["env"]["A"] = 1\n', "registry.env", {})
