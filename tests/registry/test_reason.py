"""The registry's own reason is found in what it prints, and holds no secret."""

from __future__ import annotations

import pytest

from ctl.registry.reason import reason, secrets_in

PANIC = """\
time="2024-05-01T08:55:12Z" level=warning msg="No HTTP secret provided - generated random secret." go.version=go1.19.8
time="2024-05-01T08:55:12Z" level=panic msg="unable to configure authorization (token): open /x.crt: \\"no\\"" a=b
panic: (*logrus.Entry) 0xc0003a2000

goroutine 1 [running]:
github.com/sirupsen/logrus.(*Entry).log(0xc0003a2000)
"""
PLAIN_PANIC = """\
panic: StorageDriver not registered: gcs

goroutine 1 [running]:
main.main()
"""
PARSE = """\
configuration error: error parsing /etc/config.yml: yaml: unmarshal errors:
  line 5: cannot unmarshal !!str `s3cr3t-...` into bool
Usage:
  registry serve <config> [flags]

Flags:
  -h, --help   help for serve
"""
FATAL = (
    'time="2024-05-01T08:55:12Z" level=fatal msg="listen tcp 127.0.0.1:5000: bind: address already in use"\n'
)
JSON = '{"level":"fatal","msg":"listen tcp: address already in use","time":"2024"}\n'
LOGSTASH = '{"@timestamp":"2024","@version":1,"level":"fatal","message":"bad address"}\n'


@pytest.mark.parametrize(
    ("printed", "expected"),
    [
        (PANIC, 'unable to configure authorization (token): open /x.crt: "no"'),
        (PLAIN_PANIC, "StorageDriver not registered: gcs"),
        (FATAL, "listen tcp 127.0.0.1:5000: bind: address already in use"),
        (JSON, "listen tcp: address already in use"),
        (LOGSTASH, "bad address"),
        ("failed to construct s3 driver: no region\n", "failed to construct s3 driver: no region"),
        ("", "it gave no reason"),
        ("something else\nexit status 2\n", "something else"),
    ],
)
def test_reason_is_one_line(printed: str, expected: str) -> None:
    assert reason(printed.splitlines()) == expected


def test_what_yaml_refuses_is_reported_without_its_value() -> None:
    output = reason(PARSE.splitlines(), secrets=["s3cr3t-and-more"])
    assert output.startswith("error parsing /etc/config.yml: yaml: unmarshal errors:")
    assert "line 5: cannot unmarshal !!str `***` into bool" in output
    assert "s3cr" not in output


def test_value_that_is_no_secret_is_shown() -> None:
    assert "`s3cr3t-...`" in reason(PARSE.splitlines(), secrets=["other"])


def test_secrets_and_passwords_in_addresses_are_masked() -> None:
    output = reason(["failed to reach redis://u:pa55@host with wordword"], secrets=["wordword", "x"])
    assert output == "failed to reach redis://u:***@host with ***"


def test_secrets_of_a_configuration_are_known() -> None:
    document = {
        "http": {"secret": "one", "tls": {"key": "/path/to.key"}},
        "storage": {"s3": {"accesskey": "two", "secretkey": 3, "region": "eu", "secure": True}},
        "notifications": {"endpoints": [{"headers": {"Authorization": ["four"]}, "url": "http://x"}]},
        "auth": {"token": {"rootcertbundle": "/path/to.crt"}},
        "redis": {"password": "five"},
    }
    assert set(secrets_in(document)) == {"one", "two", "3", "four", "five"}
