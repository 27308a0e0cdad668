"""From what a registry program prints when it refuses: its own reason, in one line, without secrets."""

from __future__ import annotations

import itertools
import json
import re
from collections.abc import Iterable, Iterator

_MESSAGE = re.compile(r'\blevel=(?P<level>\w+) .*?\bmsg=(?P<text>"(?:[^"\\]|\\.)*"|\S+)')
_STARTS = ("configuration error: ", "failed to ", "panic: ", "error ", "Error: ", "unable to ")
_ENTRY = re.compile(r"\(\*logrus\.Entry\)|^&logrus|^\{")
"""How Go prints a log entry that was given to panic(): its text came before, as a log line."""
_USAGE = re.compile(r"Usage:|Flags:|Global Flags:|\s|goroutine \d+|exit status|-\w, --")
_VALUE = re.compile(r"`([^`]*)`")
_USERINFO = re.compile(r"(://[^/@\s:]*):[^/@\s]*@")
"""The password in a URL (RFC 3986, section 3.2.1)."""
_MASK = "***"
_SHORTEST_SECRET = 4


def reason(lines: Iterable[str], *, secrets: Iterable[str] = ()) -> str:
    """The line that says why a registry program ended.

    Args:
        lines: what it printed, in order.
        secrets: values that must not be shown; each is masked, also where the program cut it short.

    Returns:
        One line; "it gave no reason" where there is none.
    """
    found = [line.rstrip() for line in lines if line.strip()]
    reason_given = _logged(found) or _plain(found) or _last(found) or "it gave no reason"
    return mask(" ".join(reason_given.split()), secrets)


def _logged(lines: list[str]) -> str:
    """The text of the last log line with a failure."""
    for line in reversed(lines):
        level, text = log_entry(line)
        if level in ("fatal", "panic"):
            return text
    return ""


def log_entry(line: str) -> tuple[str, str]:
    """Level and message of a log line in any of the registry's formats; ("", "") for other lines."""
    if line.startswith("{"):
        try:
            entry = json.loads(line)
        except ValueError:
            return "", ""
        text = entry.get("msg", entry.get("message", entry.get("@message", "")))
        return str(entry.get("level", entry.get("@level", ""))), str(text)
    match = _MESSAGE.search(line)
    if match is None:
        return "", ""
    text = match["text"]
    return match["level"], re.sub(r"\\(.)", r"\1", text[1:-1]) if text.startswith('"') else text


def _plain(lines: list[str]) -> str:
    for at, line in enumerate(lines):
        if line.startswith(_STARTS) and not _ENTRY.search(line.removeprefix("panic: ")):
            reason_given = line.removeprefix("configuration error: ").removeprefix("panic: ")
            # the YAML parser lists what is wrong on lines of their own, each with two blanks before it
            more = itertools.takewhile(lambda one: one.startswith("  "), lines[at + 1 :])
            return " ".join([reason_given, *more]) if reason_given.endswith(":") else reason_given
    return ""


def _last(lines: list[str]) -> str:
    rest = [line for line in lines if not _USAGE.match(line) and not log_entry(line)[1]]
    return rest[-1] if rest else next((text for _, text in map(log_entry, reversed(lines)) if text), "")


def mask(text: str, secrets: Iterable[str]) -> str:
    """The text with every secret replaced; values in backticks also where they are a secret's beginning."""
    known = sorted((one for one in set(secrets) if len(one) >= _SHORTEST_SECRET), key=len, reverse=True)
    for secret in known:
        text = text.replace(secret, _MASK)

    def cut(match: re.Match[str]) -> str:
        begun = match[1].removesuffix("...")
        return f"`{_MASK}`" if begun and any(one.startswith(begun) for one in known) else match[0]

    return _USERINFO.sub(rf"\1:{_MASK}@", _VALUE.sub(cut, text))


_SECRET_KEY = re.compile(
    r"secret|password|passphrase|accesskey|accountkey|sessiontoken|credential|headers|authorization|dsn",
    re.IGNORECASE,
)
"""Not every key that sounds so: `auth`, `token` and `tls.key` hold paths, which an error must name."""


def secrets_in(document: object, *, inside: bool = False) -> Iterator[str]:
    """The values in a configuration that must not be shown.

    Args:
        document: as read from YAML.
        inside: whether a key above already named a secret.
    """
    if isinstance(document, dict):
        for key, value in document.items():
            yield from secrets_in(value, inside=inside or bool(_SECRET_KEY.search(str(key))))
    elif isinstance(document, list):
        for value in document:
            yield from secrets_in(value, inside=inside)
    elif inside and isinstance(document, str | int | float) and not isinstance(document, bool):
        yield str(document)
