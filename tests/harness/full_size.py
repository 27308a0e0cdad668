"""A gitlab.rb of the size and style that the Linux package ships, with every setting of the registry in use."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path

from ctl.language import read_settings
from ctl.settings.option import Option
from ctl.settings.options import GROUPS, NAMES, OPTIONS
from ctl.settings.options.foreign import FOREIGN

PEM = "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n"

INSTEAD: dict[str, object] = {
    "external_url": "https://gitlab.example.com",
    "registry_external_url": "https://registry.example.com",
    "registry.token_realm": "https://gitlab.example.com",
    "registry.storage": {
        "s3": {"bucket": "images", "region": "eu-west-1", "secretkey": "s3-secret", "accesskey": "AK"},
        "redirect": {"disable": True},
        "maintenance": {"readonly": {"enabled": False}},
    },
    "gitlab_rails.registry_host": "registry.example.com",
    "gitlab_rails.registry_port": 443,
    "letsencrypt.enable": False,
    "registry.executable": "/usr/bin/docker-registry",
    "nginx.executable": "/usr/sbin/nginx",
}
LEFT_OUT = ("key", "certificate", "internal", "gitlab_yml_path", "real_ip", "proxy_protocol", "verify")
"""Parts of names of settings that need files beside them, or a proxy: these are commented out."""

HEADER = """\
## GitLab configuration settings
##! This file is generated during initial installation and **is not** modified
##! during upgrades.
##! Check out the latest version of this file to know about the different
##! settings that can be configured, when they were introduced and why:
##! https://gitlab.com/gitlab-org/omnibus-gitlab/blame/master/files/gitlab-config-template/gitlab.rb.template

"""


def text(lines: int = 4_000) -> str:
    """The whole file, of at least so many lines."""
    parts, examples = [HEADER], _examples()
    for title, options in GROUPS.items():
        parts.append(
            f"{'#' * 80}\n## {title}\n##! Docs: https://docs.gitlab.com/omnibus/settings/\n{'#' * 80}\n\n"
        )
        parts += [
            _statement(option, examples) for option in options if option.example or option.name in INSTEAD
        ]
    size, number = "".join(parts).count("\n"), 0
    while size < lines:
        parts.append("".join(_others(number)))
        size, number = size + parts[-1].count("\n"), number + 1
    return "".join(parts)


def ruby(value: object, indent: str = "") -> str:
    """A value as Ruby writes it, in gitlab.rb's style."""
    if value is None:
        return "nil"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str):
        return "'" + value.replace("\\", "\\\\").replace("'", "\\'") + "'"
    if isinstance(value, list):
        return f"[{', '.join(ruby(one, indent) for one in value)}]"
    if isinstance(value, dict):
        inner = indent + "  "
        pairs = (f"{inner}{ruby(key)} => {ruby(one, inner)}," for key, one in value.items())
        return "{\n" + "\n".join(pairs) + f" # {len(value)}\n{indent}}}"
    return str(value)


def _statement(option: Option, examples: Mapping[str, object]) -> str:
    root, *keys = option.name.split(".")
    name = root + "".join(f"['{key}']" for key in keys)
    value = INSTEAD[option.name] if option.name in INSTEAD else examples[option.name]
    used = not any(part in option.name for part in LEFT_OUT)
    statement = f"{name} {ruby(value)}" if not keys else f"{name} = {ruby(value)}"
    if not used:
        statement = "\n".join(f"# {line}" for line in statement.split("\n"))
    return f"### {option.description}\n{statement}\n\n"


def _examples() -> Mapping[str, object]:
    """The values of all examples."""
    given = {name: one.example.replace("read_file(", "str(") for name, one in OPTIONS.items() if one.example}
    lines = (f"{name!r}: {example},\n" for name, example in given.items())
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "settings.py")
        file.write_text(f"logging = {{\n{''.join(lines)}}}\n")
        section = read_settings(file, names=NAMES, environment={}).values["logging"]
    assert isinstance(section, dict)
    return section


def _others(number: int) -> Iterator[str]:
    """A piece of the settings of other components, some of them in use."""
    name = sorted(FOREIGN - {"roles", "redis", "postgresql", "runtime_dir"})[number % 40]
    yield f"{'#' * 80}\n## {name} {number}\n{'#' * 80}\n\n"
    yield f"# {name}['enable'] = true\n# {name}['dir'] = \"/var/opt/gitlab/{name}\"\n"
    yield f"# {name}['env'] = {{\n#   'SSL_CERT_DIR' => \"/opt/gitlab/embedded/ssl/certs/\"\n# }}\n\n"
    yield f"gitlab_rails['smtp_option_{number}'] = \"smtp-#{{ENV['X'] || 'none'}}\" # {number}\n"
    yield "gitlab_rails['ldap_servers'] = YAML.load <<-'EOS'\n  main:\n    label: 'LDAP'\n    port: 389\nEOS\n\n"
    yield f"{name}['flags'] = {{\n  'web.listen-address' => 'localhost:9090', # {number}\n  other: [1_000, :two],\n}}\n"
    yield f"# {name}['username'] = 'x' if ENV['X']\n##! More on this: https://docs.gitlab.com\n\n"
