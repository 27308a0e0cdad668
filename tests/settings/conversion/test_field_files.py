"""gitlab.rb files as people write them: they are read, and convert to files that mean the same."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from ctl.settings.conversion.converted import Converted
from ctl.settings.conversion.gitlab_rb import convert_ruby
from ctl.settings.options import NAMES
from tests.settings.conversion.outcomes import outcome

FILES = sorted((Path(__file__).parent / "gitlab_rb").glob("*.rb"))
HUB = "https://hub.example.com"

EXPECTED: Mapping[str, Mapping[str, object]] = {
    "01-docker-compose": {"registry.nginx.listen_port": 5100, "registry.nginx.listen_https": False},
    "02-environment-with-defaults": {"registry.nginx.listen_port": 5050, "letsencrypt.enable": False},
    "03-joined-urls": {"registry_external_url": HUB},
    "04-only-if-set": {"registry_external_url": HUB},
    "05-one-hash-for-all-buckets": {
        "registry.storage.s3.accesskey": "key",
        "registry.storage.s3.regionendpoint": "https://minio.example.com",
    },
    "06-ldap-and-smtp": {"registry_external_url": "https://git.example.com:5050"},
    "08-stages": {"registry.log_level": "debug"},
    "09-default-environment": {
        "registry_external_url": HUB,
        "registry.log_level": "warn",
        "registry.env.LEVEL": "warn",
        "registry.env.OTHER": "<>",
    },
    "10-json-and-pieces": {"registry_external_url": HUB, "registry.log_level": "error"},
    "11-omnibus-config-on-one-line": {"registry_external_url": HUB},
    "12-separate-registry-host": {"gitlab_rails.registry_port": 5000, "registry.enable": False},
    "13-registry-beside-another-gitlab": {"registry.token_realm": "https://git.example.com"},
    "14-notifications": {"registry.default_notifications_threshold": 5},
    "15-texts": {
        "registry_external_url": "https://hub.example.com:5443",
        "registry.env.NAME": "hub-2",
        "registry.env.PERCENT": "100% of hub.example.com",
    },
    "16-gcs-key-from-a-file": {"registry.storage.gcs.chunksize": 5_242_880},
    "17-heredocs-and-custom-nginx": {
        "registry.nginx.custom_gitlab_server_config": "# only our own networks\nallow 10.0.0.0/8;\ndeny all;\n"
    },
    "18-letsencrypt-old-style": {"letsencrypt.enable": True, "letsencrypt.auto_renew_hour": "12"},
    "19-symbols-and-merge": {"registry.log_level": "info", "registry.log_formatter": "json"},
    "20-template-with-comments": {"registry.log_level": "warn", "registry.storage_delete_enabled": False},
    "21-loops-of-our-own": {
        "registry.env.A": "1",
        "registry.env.N2": "xx",
        "registry.env.Y_1": "z",
        "registry.nginx.real_ip_trusted_addresses": ["10.0.0.1", "10.0.0.2", "10.0.0.3"],
    },
    "23-switches": {"registry_external_url": HUB, "registry.nginx.listen_port": 5001},
}
"""Attributes that a file comes to, with no variable of the environment given."""


def _beside(folder: Path) -> None:
    """The files that some of them name."""
    (folder / "site.json").write_text(f'{{"git": "https://git.example.com", "hub": {{"url": "{HUB}"}}}}')
    (folder / "conf.d").mkdir()
    (folder / "conf.d" / "log.rb").write_text("registry['log_level'] = 'error'\n")


def _convert(file: Path) -> Converted:
    return convert_ruby(file, file.read_text(), NAMES)


def _inner(attributes: Mapping[str, object], name: str) -> object:
    if name in attributes:
        return attributes[name]
    outer, _, key = name.rpartition(".")
    inner = _inner(attributes, outer)
    assert isinstance(inner, Mapping), name
    return inner[key]


@pytest.mark.parametrize("file", FILES, ids=[path.stem for path in FILES])
def test_a_file_of_the_field(file: Path, tmp_path: Path) -> None:
    ruby, python = tmp_path / "gitlab.rb", tmp_path / "gitlab.py"
    ruby.write_text(file.read_text())
    converted = _convert(file)
    assert not converted.problems
    assert "NOT CONVERTED" not in converted.text
    python.write_text(converted.text)
    _beside(tmp_path)
    direct, reported = outcome(ruby, tmp_path)
    assert direct, reported
    assert direct == outcome(python, tmp_path)[0]
    for name, value in EXPECTED.get(file.stem, {}).items():
        assert _inner(direct, name) == value, name


def test_nearly_all_of_them_are_judged_by_what_they_come_to() -> None:
    assert len(FILES) > 20
    assert {path.stem for path in FILES} - EXPECTED.keys() == {"07-chef-node", "22-passwords-in-variables"}


def test_what_only_other_components_need_is_a_comment_with_its_reason() -> None:
    converted = _convert(FILES[0].with_name("22-passwords-in-variables.rb"))
    assert converted.text.startswith(
        "# Not needed here:\n# require 'yaml'\n# Only settings of other components need this:\n"
    )
    assert any(remark.startswith("line 2: `YAML.load_file` is not read") for remark in converted.remarks)
