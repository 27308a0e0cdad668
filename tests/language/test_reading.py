"""What a settings file can say, and what comes out of it."""

from __future__ import annotations

import pytest

from ctl.language import TrackedDict, TrackedList
from tests.language.reader import errors, read


def test_the_example_of_the_documentation() -> None:
    found = read(
        """\
external_url("https://gitlab.example.com")              # call form, as in gitlab.rb
registry_external_url = "https://gitlab.example.com:5050"  # assignment form: the same thing
registry["storage"] = {"s3": {"bucket": "b", "region": "eu-west-1", "secretkey": read_file("s3")}}
registry["nginx"]["ssl_certificate"] = "/etc/gitlab/ssl/cert.pem"
registry_nginx["listen_port"] = 5678
if env("STAGE", "prod") == "prod":
    registry["log_level"] = "warn"
from_file("storage.py")
""",
        s3="geheim\n",
        storage_py='registry["storage"]["delete"] = {"enabled": True}\n',
    )
    assert found.values == {
        "external_url": "https://gitlab.example.com",
        "registry_external_url": "https://gitlab.example.com:5050",
        "registry": {
            "storage": {
                "s3": {"bucket": "b", "region": "eu-west-1", "secretkey": "geheim"},
                "delete": {"enabled": True},
            },
            "nginx": {"ssl_certificate": "/etc/gitlab/ssl/cert.pem"},
            "log_level": "warn",
        },
        "registry_nginx": {"listen_port": 5678},
    }
    assert found.diagnostics == ()
    assert [file.name for file in found.files] == ["settings.py", "storage.py"]


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("", {}),
        ("# only a comment", {}),
        ('"""Settings of the registry."""\n', {}),
        ('external_url = "a"\nexternal_url("b")', {"external_url": "b"}),
        ('registry["a"]["b"]["c"] = 1', {"registry": {"a": {"b": {"c": 1}}}}),
        ('registry["a"] = 1\nregistry["a"] = 2', {"registry": {"a": 2}}),
        ('registry["a"] = 1\nregistry = {"b": 2}', {"registry": {"b": 2}}),
        ('registry.update({"a": 1})', {"registry": {"a": 1}}),
        ('registry["nginx"].update({"a": 1})', {"registry": {"nginx": {"a": 1}}}),
        ('registry.update({"b": 2}, a=1)', {"registry": {"a": 1, "b": 2}}),
        ('registry["a"] = None\nregistry["a"]["b"] = 1', {"registry": {"a": {"b": 1}}}),
        ('registry["a"] = [1]\nregistry["a"] += [2]', {"registry": {"a": [1, 2]}}),
        ('registry["a"] = 1\nregistry["a"] += 2', {"registry": {"a": 3}}),
        ('registry["a"] = [1]\nregistry["a"].append(2)', {"registry": {"a": [1, 2]}}),
        ('registry["a"] = [1, 2]\nregistry["a"][1] = 3', {"registry": {"a": [1, 3]}}),
        ('registry["a"] = [{"b": 1}]\nregistry["a"][0]["c"] = 2', {"registry": {"a": [{"b": 1, "c": 2}]}}),
        ('registry["a"], external_url = 1, "b"', {"registry": {"a": 1}, "external_url": "b"}),
        ('registry["a"] = registry["b"] = 1', {"registry": {"a": 1, "b": 1}}),
        ('registry["a"] = 1\nregistry["b"] = registry["a"]', {"registry": {"a": 1, "b": 1}}),
        ('registry["a"] = registry.get("b", 5)', {"registry": {"a": 5}}),
        ('registry["a"] = "b" in registry', {"registry": {"a": False}}),
        (
            'external_url = "a"\nregistry["x"] = external_url + "b"',
            {"external_url": "a", "registry": {"x": "ab"}},
        ),
        ('registry["a"] = (1, (2, 3))', {"registry": {"a": [1, [2, 3]]}}),
        ('\ufeffexternal_url = "a"', {"external_url": "a"}),
        (
            'external_url = "a"\r\nregistry["x"] = """1\r\n2"""\r\n',
            {"external_url": "a", "registry": {"x": "1\n2"}},
        ),
        ('external_url = (\n    "a"\n    "b"\n)', {"external_url": "ab"}),
        ("# -*- coding: latin-1 -*-\nexternal_url = 'é'", {"external_url": "é"}),
    ],
)
def test_settings(text: str, values: object) -> None:
    assert read(text).values == values


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ('postgresql["enable"] = True', {"postgresql": {"enable": True}}),
        ('postgresql["a"]["b"] = 1', {"postgresql": {"a": {"b": 1}}}),
        ('git_data_dirs({"default": {"path": "/x"}})', {"git_data_dirs": {"default": {"path": "/x"}}}),
        ('roles(["a_role"])', {"roles": ["a_role"]}),
        ('roles = "a_role"', {"roles": "a_role"}),
        ('roles ["geo_primary_role"]', {"roles": {}}),
        ("monitoring_role()", {"monitoring_role": None}),
        ('monitoring_role("a", enable=True)', {"monitoring_role": "a"}),
        ("monitoring_role = True", {"monitoring_role": True}),
        ('for redis in ["a"]:\n    external_url = redis', {"external_url": "a"}),
        ('redis = 5\nredis = {"a": 1}\nredis["b"] = 2', {"redis": {"a": 1, "b": 2}}),
    ],
)
def test_names_of_other_components_are_accepted_in_every_form(text: str, values: object) -> None:
    assert read(text).values == values


@pytest.mark.parametrize(
    ("statements", "x"),
    [
        ("if True:\n    x = 1\nelse:\n    x = 2", 1),
        ("if False:\n    x = 1\nelif 0:\n    x = 2\nelif 1:\n    x = 3\nelse:\n    x = 4", 3),
        ("x = 0\nfor i in range(5):\n    x += i", 10),
        ("x = []\nfor i, c in enumerate('ab'):\n    x.append((c, i))", [["a", 0], ["b", 1]]),
        ("x = []\nfor a, b in [(1, 2), 'yz']:\n    x += [a, b]", [1, 2, "y", "z"]),
        (
            "x = []\nfor i in range(9):\n  if i == 2:\n    continue\n  if i == 4:\n    break\n  x += [i]",
            [0, 1, 3],
        ),
        ("for i in []:\n    pass\nelse:\n    x = 1", 1),
        ("for i in [1]:\n    x = 0\n    break\nelse:\n    x = 1", 0),
        (
            "x = 0\nfor i in range(3):\n  for j in range(3):\n    if j == 1:\n      break\n    x += 1",
            3,
        ),
        ("x = []\nfor k in {'b': 1, 'a': 2}:\n    x += [k]", ["b", "a"]),
        ("x = [1]\nfor i in x:\n    x.append(i)", [1, 1]),
        ("a, (b, c), d = 1, (2, [3, 4]), 5\nx = [a, b, c, d]", [1, 2, [3, 4], 5]),
        ("[a, b] = 'xy'\nx = b + a", "yx"),
        ("a = b = 1\nx = a + b", 2),
        ("x = 5\nx -= 1\nx *= 3\nx //= 2\nx **= 2\nx %= 7", 1),
        ("x = 'a'\nx += 'b'", "ab"),
        ("x = (1,)\nx += (2,)", [1, 2]),
        ("x = [1, 2, 3]\nx[-1] = 4", [1, 2, 4]),
        ("x = {'a': {'b': 1}}\nx['a']['c'] = 2", {"a": {"b": 1, "c": 2}}),
        ("a = [1]\nb = a\nb.append(2)\nx = a", [1, 2]),
        ("pass\nx = 1", 1),
        ("_unused = 5\nx = 1", 1),
        ("i = 7\nx = [i for i in range(2)]\nx += [i]", [0, 1, 7]),
    ],
)
def test_statements(statements: str, x: object) -> None:
    assert read(f'{statements}\nregistry["x"] = x\n').values["registry"] == {"x": x}


def test_a_long_chain_of_elif() -> None:
    chain = "if False: pass\n" + "elif False: pass\n" * 900 + 'else: external_url = "a"'
    assert read(chain).values == {"external_url": "a"}


def test_a_variable_changed_later_does_not_reach_the_setting() -> None:
    text = """\
endpoint = {"name": "a", "headers": {"x": [1]}}
registry["notifications"] = [endpoint]
endpoint["name"] = "b"
endpoint["headers"]["x"].append(2)
registry["notifications"] += [endpoint]
registry["copy"] = registry["notifications"]
registry["notifications"].append(endpoint)
endpoint["name"] = "c"
"""
    first = {"name": "a", "headers": {"x": [1]}}
    second = {"name": "b", "headers": {"x": [1, 2]}}
    registry = read(text).values["registry"]
    assert registry == {"notifications": [first, second, second], "copy": [first, second]}


def test_what_is_taken_from_a_setting_is_the_setting_itself_as_in_python() -> None:
    text = """\
registry["storage"] = {"s3": {"bucket": "a"}}
storage = registry["storage"]
storage["s3"]["bucket"] = "b"
for name in registry["storage"]:
    registry["storage"][name]["region"] = "r"
"""
    assert read(text).values["registry"] == {"storage": {"s3": {"bucket": "b", "region": "r"}}}


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ('x = registry\nx["a"] = 1', {"registry": {"a": 1}}),
        ('registry["a"] = 1\nx = registry\nx["b"] = 2', {"registry": {"a": 1, "b": 2}}),
        ('x = "a" in registry\nexternal_url = str(x)', {"external_url": "False"}),
        ("_x = len(nginx)\nregistry = {}", {"registry": {}}),
        ("_x = registry\nregistry = {}", {"registry": {}}),
    ],
)
def test_a_section_can_be_given_another_name(text: str, values: object) -> None:
    assert read(text).values == values


def test_a_setting_can_not_contain_itself() -> None:
    text = 'registry["a"] = {"b": 1}\nregistry["a"]["self"] = registry["a"]\n'
    assert read(text).values["registry"] == {"a": {"b": 1, "self": {"b": 1}}}


def test_values_are_of_plain_kinds() -> None:
    registry = read('registry["x"] = {"a": [(1, 2), (3,)]}').values["registry"]
    assert isinstance(registry, TrackedDict)
    inner = registry["x"]
    assert isinstance(inner, TrackedDict)
    outer = inner["a"]
    assert isinstance(outer, TrackedList)
    assert all(isinstance(element, TrackedList) for element in outer)


def test_the_environment_is_the_one_given() -> None:
    text = (
        'registry["x"] = env("A")\nregistry["y"] = env("B", None)\nregistry["z"] = env(name="C", default=[1])'
    )
    assert read(text, {"A": "a"}).values["registry"] == {"x": "a", "y": None, "z": [1]}


@pytest.mark.parametrize(
    ("content", "text"),
    [
        ("secret\n", "secret"),
        ("secret", "secret"),
        ("a\n\n", "a\n"),
        ("a\r\n", "a"),
        ("", ""),
        ("\ufeffé", "é"),
    ],
)
def test_read_file_drops_one_newline_at_the_end(content: str, text: str) -> None:
    assert read('registry["x"] = read_file("secret")', secret=content).values["registry"] == {"x": text}


def test_all_errors_are_reported_at_once_and_none_that_follows_from_another() -> None:
    found = errors(
        """\
import os
home = os.environ["HOME"]
registry["a"] = nowhere
registry["b"] = [registry["a"], other, {"c": 1 / 0, "d": third}]
registry["e"] = home + registry["b"]
if fourth:
    x = 1
    registry["f"]["g"] = 2
registry["h"] = x
registry["i"] = registry["f"]["g"]
for host in fifth:
    registry["j"] = host
registry["k"] = registry["j"]
"""
    )
    assert [one.message for one in found] == [
        "import is not part of the settings language",
        "unknown name nowhere",
        "unknown name other",
        "this divides by zero",
        "unknown name third",
        "unknown name fourth",
        "unknown name fifth",
    ]


def test_an_error_in_a_loop_is_reported_once() -> None:
    assert len(errors('for i in range(100):\n    registry["x"] = nowhere\n    registry[i] = 1\n')) == 2


def test_a_branch_that_is_not_taken_is_looked_at_too() -> None:
    found = errors(
        'if env("A", ""):\n  import os\nelse:\n  registry["x"] = 1\nfor i in []:\n  while True:\n    pass\n'
        'if registry["x"]:\n    pass\nelif 1:\n    registry["y"] = lambda: 1\n'
    )
    assert [one.message.split()[0] for one in found] == ["import", "while", "lambda"]


def test_errors_come_in_the_order_of_the_lines() -> None:
    found = errors('registry_extrenal_url = "a"\nregistry["x"] = nowhere\nregistry.y = 1\n')
    assert [one.location.line for one in found if one.location] == [1, 2, 3]


def test_a_variable_that_looks_like_a_setting_is_warned_about() -> None:
    (warning,) = read('registry_external_ulr = "a"\nexternal_url = registry_external_ulr\n').diagnostics
    assert (warning.severity, warning.location and warning.location.line) == ("warning", 1)
    assert "looks like the setting registry_external_url" in warning.message


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('registry["x"] = "\\d"', "backslash"),
        ('registry["x"] = {"a": 1, "a": 2}', 'the key "a" is given twice'),
        ('registry["x"] = len({5: 1, 5: 2})', "the key 5 is given twice"),
        ('registry["x"] = "/home/#{user}"', "#{"),
    ],
)
def test_warnings(text: str, message: str) -> None:
    (warning,) = read(text).diagnostics
    assert message in warning.message
    assert warning.severity == "warning"
    assert warning.location
    assert warning.location.line == 1


def test_a_variable_read_only_where_nothing_is_carried_out_is_a_variable() -> None:
    assert read('host = "a"\nif False:\n    external_url = host\n').values == {}


def test_a_variable_of_one_file_is_visible_in_another() -> None:
    found = read(
        'host = "a"\nfrom_file("b.py")\nregistry["y"] = port', b_py='registry["x"] = host\nport = 5\n'
    )
    assert found.values["registry"] == {"x": "a", "y": 5}
