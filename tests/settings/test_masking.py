"""Secrets do not get into diffs and listings, whatever the file looks like; all else stays readable."""

from __future__ import annotations

from typing import Any

import pytest
import yaml
from hypothesis import example, given
from hypothesis import strategies as st

from ctl.settings.masking import MASK, is_secret, mask_value, mask_yaml, secret_keys
from ctl.text.quoting import yaml as rendered

SECRET = "s3cr3t"
CONFIG = f"""\
version: 0.1
storage:
  s3:
    accesskey: "{SECRET}"
    secretkey: "{SECRET}"
    bucket: "images"
  delete:
    enabled: true
http:
  addr: "127.0.0.1:5000"
  secret: "{SECRET}"
  headers:
    X-Content-Type-Options:
      - nosniff
auth:
  token:
    realm: "https://gitlab.example.com/jwt/auth"
notifications:
  endpoints:
    -
      name: "a"
      url: "https://user:{SECRET}@a.example.com/"
      headers:
        Authorization:
          - "{SECRET}"
      timeout: "500ms"
redis:
  addr: "127.0.0.1:6379"
  password: "{SECRET}"
database:
  password: "{SECRET}"
  host: "db"
reporting:
  sentry:
    dsn: "https://{SECRET}@sentry.example.com/1"
"""


def test_a_rendered_config() -> None:
    masked = mask_yaml(CONFIG)
    assert SECRET not in masked
    found = yaml.safe_load(masked)
    assert found["storage"]["s3"] == {"accesskey": MASK, "secretkey": MASK, "bucket": "images"}
    assert found["http"]["headers"] == {"X-Content-Type-Options": ["nosniff"]}
    assert found["auth"]["token"]["realm"] == "https://gitlab.example.com/jwt/auth"
    assert found["notifications"]["endpoints"] == [
        {"name": "a", "url": f"https://{MASK}@a.example.com/", "headers": MASK, "timeout": "500ms"}
    ]
    assert found["database"] == {"password": MASK, "host": "db"}


HAND_WRITTEN = [
    f"password: {SECRET}",
    f"password:    '{SECRET}'   # {SECRET}",
    f'"password" : "{SECRET}"',
    f"password: |\n  {SECRET}\n\n  {SECRET}\nx: y",
    f"password: >-\n    a\n  {SECRET}\nx: y",
    f"password:\n  {SECRET}\nx: y",
    f"credentials:\n  a: {SECRET}\n  b:\n  - {SECRET}\n  - c: {SECRET}\nx: y",
    f"credentials:\n- {SECRET}\n- {SECRET}\nx: y",
    f"credentials:\n\n  a: {SECRET}\nx: y",
    f"- password: {SECRET}\n  x: y",
    f"- - secret: {SECRET}\n    x: y",
    f'storage: {{"s3":{{"accesskey":"{SECRET}","bucket":"b"}}}}',
    f"storage: {{s3: {{secretkey: {SECRET},\n  bucket: b}}}}\nx: y",
    f"storage: {{\n  s3: {{\n    secretkey: {SECRET}\n  }}\n}}\nx: y",
    f'{{"http": {{"secret": "{SECRET}"}}}}',
    f'endpoints:\n- {{"name": "a", "headers": {{"X": ["{SECRET}"]}}}}\nx: y',
    f"notifications:\n  endpoints:\n  - name: a\n    headers: {{X: [{SECRET}]}}\nx: y",
    f"notifications:\n  endpoints:\n  - headers:\n      X:\n      - {SECRET}\n    name: a\nx: y",
    f"# password: {SECRET}",
    f"  # credentials:\n  #   a: {SECRET}\nx: y",
    f"secret: !!str {SECRET}\nx: y",
    f"secret: &a {SECRET}\nx: y",
    f"? secret\n: {SECRET}\nx: y",
    f"\tsecret: {SECRET}\nx: y",
    f'secret: "{SECRET}\r\nx: y',
    f"REGISTRY_HTTP_SECRET: {SECRET}",
    f"broken: [ {{ secret: {SECRET}\nx: y",
    f"notification_secret: {SECRET}",
]


@pytest.mark.parametrize("text", HAND_WRITTEN)
def test_whatever_people_write(text: str) -> None:
    masked = mask_yaml(text)
    assert SECRET not in masked
    assert MASK in masked
    assert mask_yaml(masked) == masked
    if text.endswith("\nx: y") and "broken" not in text:
        assert masked.endswith("\nx: y")


@pytest.mark.parametrize(
    "text",
    ["", "\n", "password:\nx: y", "password: null", "password: ''", "secret: {}\n", "a: [1, 2]\nb: {c: d}\n",
     "token:\n  realm: x\n", "key: /path/to/key\n", "http:\n  headers:\n    A: [b]\n", "keyid: arn:aws:kms\n",
     "# a comment\n#\n", "a: 'x: y'\n"],
)  # fmt: skip
def test_what_is_no_secret_stays(text: str) -> None:
    assert mask_yaml(text) == text


def test_declared_secrets_are_known() -> None:
    declared = {"accesskey", "secretkey", "accountkey", "http_secret", "internal_key", "notification_secret"}
    assert declared <= secret_keys()
    assert "headers" not in secret_keys()
    assert is_secret("headers", ["notifications", "endpoints"])
    assert not is_secret("headers", ["http"])


KEYS = ["a", "bucket", "name", "y", "timeout", "key with blanks", "-x", "0123"]
SECRET_KEYS = ["password", "secretkey", "AccessKey", "http_secret", "dsn", "credentials", "session_token"]
PLAIN_LEAF = st.sampled_from(["plain", "a: b", "# c", "y", "- d", "'q'", '"', "x\ny", "", True, None, 7])
SECRET_LEAF = st.sampled_from(
    [SECRET, f"a\n{SECRET}", f"{SECRET}: x", f"# {SECRET}", f"- {SECRET}", f"'{SECRET}"]
)
SECRET_VALUE = st.recursive(
    SECRET_LEAF,
    lambda inner: (
        st.lists(inner, min_size=1, max_size=3) | st.dictionaries(st.sampled_from(KEYS), inner, min_size=1)
    ),
    max_leaves=4,
)
DOCUMENT = st.recursive(
    PLAIN_LEAF,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(KEYS), inner, max_size=4)
        | st.builds(
            lambda plain, secret: {**plain, **secret},
            st.dictionaries(st.sampled_from(KEYS), inner, max_size=3),
            st.dictionaries(st.sampled_from(SECRET_KEYS), SECRET_VALUE, min_size=1, max_size=2),
        )
    ),
    max_leaves=12,
)


def expected(value: Any) -> Any:  # noqa: ANN401
    """A document as it should be seen."""
    if isinstance(value, dict):
        return {key: MASK if key in SECRET_KEYS else expected(one) for key, one in value.items()}
    return [expected(one) for one in value] if isinstance(value, list) else value


@given(document=st.dictionaries(st.sampled_from(KEYS), DOCUMENT, max_size=4))
def test_what_we_render_is_masked_exactly(document: dict[str, Any]) -> None:
    text = f"top:{rendered(document)}\n"
    masked = mask_yaml(text)
    assert yaml.safe_load(masked)["top"] == expected(document)
    assert mask_yaml(masked) == masked


@example(document={"a": {"a": ["'q'"], "password": [[f"'{SECRET}"], SECRET]}}, style=None)
@given(
    document=st.dictionaries(st.sampled_from(KEYS), DOCUMENT, max_size=4),
    style=st.sampled_from([True, False, None]),
)
def test_what_others_wrote_is_masked(document: dict[str, Any], style: bool | None) -> None:
    text = yaml.safe_dump({"top": document}, default_flow_style=style)
    masked = mask_yaml(text)
    assert SECRET not in masked
    assert mask_yaml(masked) == masked


@given(text=st.text(alphabet=st.sampled_from(list("ab:-#'\"{}[]|> \t\n&!?,")), max_size=60))
def test_any_text_goes_through(text: str) -> None:
    masked = mask_yaml(text)
    assert mask_yaml(masked) == masked


def test_values_keep_their_shape() -> None:
    value = {
        "s3": {"secretkey": SECRET, "bucket": "b"},
        "url": f"https://u:{SECRET}@x/",
        "list": [{"password": SECRET}, 5, None],
        "credentials": {"a": SECRET, "b": [SECRET, None, ""]},
    }
    assert mask_value(value) == {
        "s3": {"secretkey": MASK, "bucket": "b"},
        "url": f"https://{MASK}@x/",
        "list": [{"password": MASK}, 5, None],
        "credentials": {"a": MASK, "b": [MASK, None, ""]},
    }
    environment = {"AWS_SECRET_ACCESS_KEY": SECRET, "API_TOKEN": SECRET, "PATH": "/bin"}
    assert mask_value(environment, environment=True) == {
        "AWS_SECRET_ACCESS_KEY": MASK, "API_TOKEN": MASK, "PATH": "/bin"
    }  # fmt: skip
    assert mask_value({"Authorization": [SECRET]}, secret=True) == {"Authorization": [MASK]}
