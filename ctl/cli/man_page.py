"""The manual page ctl(8), made from the commands' own help: `python -m ctl.cli.man_page > docs/ctl.8`."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator

import click

from ctl import __version__
from ctl.cli.framework import cli
from ctl.errors import EXIT_FAILED, EXIT_LOCKED, EXIT_OK, EXIT_USAGE
from ctl.paths import Layout

_LAYOUT = Layout()

EXIT_STATUS = (
    (str(EXIT_OK), "Done. Of `ctl status`: every enabled service runs and should run."),
    (str(EXIT_FAILED), "Failed; what the run had changed was put back."),
    (str(EXIT_USAGE), "The command line or the settings are wrong; nothing was changed."),
    ("3", "Of `ctl doctor`: nothing is broken, and something could not be asked."),
    (str(EXIT_LOCKED), "Another run holds the lock of this root; try again later."),
    ("130", "Interrupted by the keyboard."),
)
FILES = (
    (str(_LAYOUT.settings_file), "The settings."),
    (str(_LAYOUT.secrets_file), "Generated secrets, mode 0600. Keep them with the backups."),
    (
        f"{_LAYOUT.ssl}/",
        "Certificates and keys that clients see, and the local CA (ca.crt) where there is one.",
    ),
    (
        str(_LAYOUT.path("/etc/gitlab/registry-accounts.json")),
        "Accounts of a registry without GitLab, mode 0640: hashes of passwords, and rights.",
    ),
    (
        str(_LAYOUT.path("/etc/gitlab/letsencrypt/")) + "/",
        "The account at Let's Encrypt, mode 0700. Keep it with the backups.",
    ),
    (f"{_LAYOUT.site_recipes}/", "The site's own recipes (*.py) and their templates."),
    (f"{_LAYOUT.data}/", "Data: images, configuration of the registry and of NGINX."),
    (f"{_LAYOUT.logs}/", "Logs, one folder a service, and one of every reconfigure."),
    (f"{_LAYOUT.sv}/, {_LAYOUT.service}/", "Definitions of services, and links to the enabled ones."),
)
ENVIRONMENT = (
    ("CTL_SETTINGS", "Settings file, where `--settings` is not given."),
    ("CTL_ROOT", "Root, where `--root` is not given."),
    (
        "REQUESTS_CA_BUNDLE, SSL_CERT_FILE",
        'Certificates by which an ACME server is trusted, where letsencrypt["acme_ca_file"] is not given.',
    ),
    ("HTTPS_PROXY, NO_PROXY", "By which proxy it is reached."),
    ("NO_COLOR", "If not empty, output is never coloured."),
)
EXAMPLES = (
    ("Look what would change, then change it:", ("ctl reconfigure --dry-run --diff", "ctl reconfigure")),
    ("Look after the services:", ("ctl status", "ctl doctor", "ctl restart registry", "ctl tail registry")),
    ("Free the space of images without a tag:", ("ctl registry-garbage-collect -m",)),
    (
        "Let somebody push, everybody pull, and a pipeline for a month:",
        (
            "ctl user add alice",
            "ctl user grant alice 'team/**' pull,push",
            "ctl user grant anonymous 'public/**' pull",
            "ctl token create pipeline team/app pull --expires 30d",
        ),
    ),
    (
        "Ask the registry with a token for one repository:",
        (
            'echo "Authorization: Bearer $(ctl registry-token --repository team/app --actions pull)" |',
            "    curl -H @- https://registry.example.com/v2/team/app/tags/list",
        ),
    ),
    ("Work as an ordinary user in a root of one's own:", ("ctl --root ~/registry reconfigure",)),
)

_SPECIAL = {"\\": r"\(rs", "-": r"\-", "'": r"\(aq", "`": r"\(ga", "^": r"\(ha", "~": r"\(ti", '"': r"\(dq"}
_CODE = re.compile(r"`([^`]+)`")


def page(group: click.Group) -> str:
    """The whole page in roff (groff_man(7)), ending in a newline.

    Args:
        group: the command line that it describes.
    """
    context = click.Context(group, info_name="ctl", **group.context_settings)
    return "\n".join(_page(group, context)) + "\n"


def _page(group: click.Group, context: click.Context) -> Iterator[str]:
    yield r".\" Made by `python -m ctl.cli.man_page` from the help of the commands: change it there."
    yield f'.TH CTL 8 "" "registry\\-ctl {escape(__version__)}" "System Administration"'
    # Words are neither parted nor the lines stretched: names of options stay whole, and can be copied.
    yield from (".nh", ".ad l")
    yield ".SH NAME"
    yield f"ctl \\- {escape(_whatis(_summary(group)))}"
    yield ".SH SYNOPSIS"
    yield r"\fBctl\fR [\fIOPTIONS\fR] \fICOMMAND\fR [\fIARGS\fR]..."
    yield ".SH DESCRIPTION"
    yield from _paragraphs(group.help or "")
    yield ".SH OPTIONS"
    yield "These may be given before or after the command."
    yield from _options(group, context, hidden=frozenset())
    yield ".SH COMMANDS"
    yield from _commands(group, context)
    yield from _tables()
    yield ".SH SEE ALSO"
    yield r"\fBrunsv\fR(8), \fBsvlogd\fR(8), \fBnginx\fR(8), \fBskopeo\fR(1)"


def _tables() -> Iterator[str]:
    for title, rows in (("EXIT STATUS", EXIT_STATUS), ("FILES", FILES), ("ENVIRONMENT", ENVIRONMENT)):
        yield f".SH {title}"
        for name, meaning in rows:
            yield from _entry(f"\\fB{escape(name)}\\fR", meaning)
    yield ".SH EXAMPLES"
    for purpose, lines in EXAMPLES:
        yield from (".PP", inline(purpose), ".RS 4", ".nf", *map(_literal, lines), ".fi", ".RE")


def _commands(group: click.Group, context: click.Context) -> Iterator[str]:
    global_names = frozenset(name for param in context.command.get_params(context) for name in param.opts)
    for command, place in _walk(group, context):
        usage = " ".join(piece for piece in command.collect_usage_pieces(place) if piece != "[OPTIONS]")
        yield f".SS \\fB{escape(_name(place))}\\fR {_metavars(usage)}".rstrip()
        yield from _paragraphs(command.help or "")
        yield from _options(command, place, hidden=global_names)


def _walk(group: click.Group, context: click.Context) -> Iterator[tuple[click.Command, click.Context]]:
    """Every command that can be called, in the order of the help; of a family its members."""
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        if command is None or command.hidden:
            continue
        place = click.Context(command, info_name=name, parent=context, **command.context_settings)
        if not isinstance(command, click.Group) or command.invoke_without_command:
            yield command, place
        if isinstance(command, click.Group):
            yield from _walk(command, place)


def _name(place: click.Context) -> str:
    """ "reconfigure", or "settings list": the command without the program's own name."""
    return place.command_path.partition(" ")[2]


def _options(command: click.Command, context: click.Context, *, hidden: frozenset[str]) -> Iterator[str]:
    for param in command.get_params(context):
        record = param.get_help_record(context) if isinstance(param, click.Option) else None
        if record and not hidden.intersection(param.opts):
            yield from _entry(_metavars(record[0]), record[1])


def _entry(term: str, meaning: str) -> Iterator[str]:
    yield from (".TP", term, inline(meaning))


def _summary(command: click.Command) -> str:
    first = (command.help or "").strip().partition("\n\n")[0]
    return " ".join(first.split()).rstrip(".")


def _whatis(summary: str) -> str:
    """As `man -k` lists it: without a capital at its beginning."""
    return summary[:1].lower() + summary[1:]


def _metavars(text: str) -> str:
    r"""Names of options in bold, placeholders of values in italics: "-p, --path DIR" → \fB\-p\fR, …"""

    def dress(match: re.Match[str]) -> str:
        word = match[0]
        return f"\\fB{escape(word)}\\fR" if word.startswith("-") else f"\\fI{escape(word)}\\fR"

    return re.sub(r"-{1,2}[A-Za-z][\w-]*|[A-Za-z][\w/|-]*", dress, text)


def _paragraphs(text: str) -> Iterator[str]:
    """Paragraphs of a help text; those that begin with click's backspace mark keep their lines."""
    for number, paragraph in enumerate(inspect.cleandoc(text).split("\n\n")):
        if number:
            yield ".PP"
        if paragraph.startswith("\b"):
            lines = [line for line in paragraph.splitlines() if line.strip("\b")]
            yield from (".nf", *map(_literal, lines), ".fi")
        else:
            yield inline(" ".join(paragraph.split()))


def _literal(line: str) -> str:
    return _guard(escape(line))


def inline(text: str) -> str:
    """A line of running text; text in backquotes is set in bold."""
    parts = _CODE.split(text)
    return _guard("".join(f"\\fB{escape(p)}\\fR" if n % 2 else escape(p) for n, p in enumerate(parts)))


def _guard(line: str) -> str:
    r"""A line that begins with a dot or quote would be a request: `\&` before it is nothing at all."""
    return f"\\&{line}" if line.startswith((".", "'")) else line


def escape(text: str) -> str:
    """Text as roff prints it, character by character (groff_char(7)); a hyphen stays one that can be copied."""
    return "".join(_SPECIAL.get(c) or (c if c.isascii() else f"\\[u{ord(c):04X}]") for c in text)


def main() -> None:
    """Print the page."""
    click.echo(page(cli), nl=False)


if __name__ == "__main__":
    main()
