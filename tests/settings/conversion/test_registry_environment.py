"""REGISTRY_* variables, in the forms in which people keep them, are the configuration that Distribution reads."""

from __future__ import annotations

from pathlib import Path

import pytest

from ctl.settings.conversion.config_yml import Unusable
from ctl.settings.conversion.registry_environment import load_environment, merged

HERE = Path("registry.env")

CASES: dict[str, tuple[str, dict[str, object]]] = {
    "an env file": (
        "# comment\n\nPATH=/bin\nREGISTRY_HTTP_ADDR=0.0.0.0:5000\nREGISTRY_STORAGE_DELETE_ENABLED=true\n",
        {"http": {"addr": "0.0.0.0:5000"}, "storage": {"delete": {"enabled": True}}},
    ),
    "a list of compose": (
        "environment:\n  - REGISTRY_LOG_LEVEL=warn\n  - 'REGISTRY_HTTP_SECRET=a=b'\n",
        {"log": {"level": "warn"}, "http": {"secret": "a=b"}},
    ),
    "a mapping of compose": ('  REGISTRY_LOG_LEVEL: "warn"\n', {"log": {"level": "warn"}}),
    "a shell": ("export REGISTRY_LOG_LEVEL='warn'\n", {"log": {"level": "warn"}}),
    "a driver by its name": (
        "REGISTRY_STORAGE=s3\nREGISTRY_STORAGE_S3_BUCKET=images\n",
        {"storage": {"s3": {"bucket": "images"}}},
    ),
    "a driver by its name, behind": (
        "REGISTRY_AUTH_HTPASSWD_PATH=/auth/htpasswd\nREGISTRY_AUTH=htpasswd\n",
        {"auth": {"htpasswd": {"path": "/auth/htpasswd"}}},
    ),
    "lists": (
        "REGISTRY_NOTIFICATIONS_ENDPOINTS_0_NAME=a\nREGISTRY_NOTIFICATIONS_ENDPOINTS_0_URL=https://a\n"
        "REGISTRY_HTTP_HEADERS_X-A=[b]\n",
        {
            "notifications": {"endpoints": [{"name": "a", "url": "https://a"}]},
            "http": {"headers": {"x-a": ["b"]}},
        },
    ),
    "the path of the file is none of it": (
        "REGISTRY_CONFIGURATION_PATH=/x.yml\nREGISTRY_LOG_LEVEL=info\n",
        {"log": {"level": "info"}},
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_variables_are_a_configuration(name: str) -> None:
    text, config = CASES[name]
    assert load_environment(HERE, text) == config


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "there is no REGISTRY_ variable"),
        ("PATH=/bin\n", "there is no REGISTRY_ variable"),
        ("REGISTRY_LOG_LEVEL\n", "registry.env:1: this is no variable"),
        ("A=b\nREGISTRY_X=hunter2: [\n", "registry.env:2: the value of REGISTRY_X is not YAML"),
        ("A=b\n" * 3_000, "more than a configuration"),
    ],
)
def test_what_is_no_list_of_variables(text: str, message: str) -> None:
    with pytest.raises(Unusable, match=message) as caught:
        load_environment(HERE, text)
    assert "hunter2" not in caught.value.message


def test_variables_win_over_the_file() -> None:
    config = {"log": {"level": "warn", "formatter": "json"}, "storage": {"inmemory": None}}
    assert merged(config, {"log": {"level": "debug"}}) == {
        **config,
        "log": {"level": "debug", "formatter": "json"},
    }
