"""The manual page of all settings (docs/settings.md), and what `ctl settings describe` shows of one."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping

from ctl.settings.editing.naming import Setting
from ctl.settings.option import Option
from ctl.settings.options import GROUPS, OPTIONS
from ctl.settings.options.database import DATABASE
from ctl.settings.options.foreign import ELSEWHERE, FOREIGN, NOT_DONE
from ctl.settings.options.notifications import ENDPOINT
from ctl.settings.options.sections import GC, OPTIONS_OF, REDIS, REPORTING
from ctl.settings.options.storage import DEPRECATED, DRIVERS, FEATURES
from ctl.settings.types import Parameter, Schema
from ctl.settings.written import python_name

_HEAD = """\
# Settings

Written by `python -m ctl.settings.manual.reference` from the declarations in `ctl/settings/options`.

The settings file is `/etc/gitlab/gitlab.py`. Names and defaults are those of the Linux package's `gitlab.rb`;
settings of this project alone are marked (+). A setting given as `None` counts as not given. Paths move below
`--root`. `ctl settings describe NAME` shows one entry, `ctl show-config --origin` what holds now and why.
"""

_SECTIONS = {
    "a notification endpoint": ENDPOINT,
    "the database": DATABASE,
    "redis": REDIS,
    "gc": GC,
    "reporting": REPORTING,
}


def reference() -> str:
    """The whole page, in Markdown."""
    parts = [_HEAD, _contents()]
    for title, options in GROUPS.items():
        parts += [f"## {title}\n", "\n".join(_table(options)) + "\n"]
    parts += ["## Parameters of storage drivers\n", _drivers()]
    parts += ["## Beside the driver\n", _schemas(FEATURES)]
    for what, schema in _SECTIONS.items():
        parts += [f"## Parameters of {what}\n", _parameters(schema)]
    parts += ["## Options of storage middleware\n", _schemas(OPTIONS_OF)]
    parts += ["## Rules\n", _rules()]
    parts += ["## Names of other components\n", _foreign()]
    return "\n".join(parts)


def _contents() -> str:
    return "\n".join(f"- [{title}](#{_anchor(title)})" for title in GROUPS) + "\n"


def _anchor(title: str) -> str:
    return "".join(c for c in title.lower().replace(" ", "-") if c.isalnum() or c == "-")


def _table(options: tuple[Option, ...]) -> Iterator[str]:
    yield "| setting | type | default | effect | example | reaches |"
    yield "|---|---|---|---|---|---|"
    for option in options:
        cells = (
            f"`{option.python}`{' (+)' if option.added else ''}",
            option.type.label,
            _code(option.default_in_words) if _is_value(option) else option.default_in_words,
            option.description,
            _code(option.example),
            ", ".join(option.reaches),
        )
        yield f"| {' | '.join(_cell(cell) for cell in cells)} |"


def _is_value(option: Option) -> bool:
    return not option.default_text and not option.rule


def _code(text: str) -> str:
    return f"`{text}`" if text else ""


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")


def _drivers() -> str:
    return _schemas(
        {f"{name} (deprecated)" if name in DEPRECATED else name: one for name, one in DRIVERS.items()}
    )


def _schemas(schemas: Mapping[str, Schema]) -> str:
    parts = [f"### {name}\n\n{_parameters(schema)}" for name, schema in schemas.items()]
    return "\n".join(parts)


def _parameters(schema: Schema) -> str:
    if not schema.parameters():
        return "None.\n"
    lines = ["| parameter | type | effect |", "|---|---|---|"]
    for one in schema.parameters().values():
        effect = _sentence(one.description) + (" Required." if one.required else "")
        lines.append(f"| `{one.name}` | {_cell(one.type.label)} | {_cell(effect)} |")
    return "\n".join(lines) + "\n"


def _sentence(text: str) -> str:
    return f"{text[:1].upper()}{text[1:]}." if text else ""


def _rules() -> str:
    """Every derivation by the name that `show-config --origin` shows."""
    rules = {option.rule.name: option.rule for option in OPTIONS.values() if option.rule}
    lines = ["| rule | gives |", "|---|---|"]
    lines += [f"| {name} | {_cell(_general(name, rule.summary))} |" for name, rule in sorted(rules.items())]
    return "\n".join(lines) + "\n"


def _general(name: str, summary: str) -> str:
    return 'the setting of the same name in logging["…"]' if name == "logging-of-all-services" else summary


def _foreign() -> str:
    names = ", ".join(f"`{name}`" for name in sorted(FOREIGN))
    return (
        f"Accepted, not rendered, and summed up in one note: {names}, and every `NAME_role`. Keys of "
        "`gitlab_rails` and `nginx` that have nothing to do with the registry are treated alike, and so are these "
        f"of other sections: {'; '.join(_elsewhere(section) for section in ELSEWHERE)}.\n\n"
        "Not done here, with a note:\n\n| setting | why |\n|---|---|\n"
    ) + "".join(
        f"| `{python_name([*section.split('.'), key])}` | {_cell(reason)} |\n"
        for section, keys in NOT_DONE.items()
        for key, reason in keys.items()
    )


def _elsewhere(section: str) -> str:
    keys = ", ".join(f"`{key}`" for key in sorted(ELSEWHERE[section]))
    return f"of `{section}` {keys}"


def describe(setting: Setting, now: Mapping[str, str]) -> str:
    """One entry, for a terminal.

    Args:
        setting: the setting: an option, or a parameter inside one.
        now: rows with its present value (ctl.settings.manual.at_present).
    """
    option, whole = setting.option, setting.name == setting.option.name
    rows = {
        "type": setting.type.label,
        "default": (option.default_in_words or "none") if whole else "",
        "effect": option.description if whole else _sentence(setting.description),
        "example": f"{option.python} = {option.example}" if whole and option.example else "",
        "reaches": ", ".join(option.reaches),
        "secret": "its value is never shown" if setting.secret else "",
        "note": "not one of gitlab.rb's settings" if option.added else "",
        **now,
    }
    lines = [setting.python, *(f"  {name + ':':9}{text}" for name, text in rows.items() if text)]
    for title, schema in setting.type.schemas().items():
        known = schema.parameters()
        width = max(len(name) for name in known)
        lines += ["", f"  {title}:", *(_parameter_line(one, width) for one in known.values())]
    return "\n".join(lines)


def _parameter_line(one: Parameter, width: int) -> str:
    return f"    {one.name:{width}}  {one.description}{' (required)' if one.required else ''}"


if __name__ == "__main__":
    sys.stdout.write(reference())
