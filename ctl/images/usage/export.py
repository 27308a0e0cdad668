"""Writes the usage of a storage as CSV, and as a page with a treemap that needs nothing but a browser."""

from __future__ import annotations

import base64
import csv
import hashlib
import io
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from ctl.images.usage.usage import RepositoryUsage, Usage, when

SORTS: Mapping[str, Callable[[RepositoryUsage], Any]] = {
    "size": lambda one: -one.size,
    "own": lambda one: -one.own,
    "shared": lambda one: -one.shared,
    "tags": lambda one: -one.tags,
    "manifests": lambda one: -one.manifests,
    "last-push": lambda one: -(one.last_push or 0),
    "name": lambda one: one.name,
}
"""Orders of repositories, the largest or latest first."""
_COLUMNS = ("repository", "tags", "manifests", "size", "own", "shared", "last_push", "missing", "complete")
_ESCAPES = {character: f"\\u{ord(character):04x}" for character in "<>&"}
"""What could end a script element."""
_FORMULA = ("=", "+", "-", "@", "\t", "\r")
"""A spreadsheet takes a cell that begins so for a formula; no repository's name does, but a folder's can."""


def in_order(usage: Usage, sort: str) -> list[RepositoryUsage]:
    """The repositories in one of the orders, those that are equal by name."""
    return sorted(usage.repositories, key=lambda one: (SORTS[sort](one), one.name))


def as_csv(usage: Usage, sort: str) -> str:
    """One line a repository, with a line of names above (RFC 4180)."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(_COLUMNS)
    for one in in_order(usage, sort):
        name = f"'{one.name}" if one.name.startswith(_FORMULA) else one.name
        pushed, complete = when(one.last_push) or "", "yes" if one.complete else "no"
        sums = (one.tags, one.manifests, one.size, one.own, one.shared)
        writer.writerow([name, *sums, pushed, one.missing, complete])
    return text.getvalue()


def as_html(usage: Usage) -> str:
    """A page with everything in it. Its policy allows its own script by hash, and nothing from elsewhere."""
    here = Path(__file__)
    script = here.with_name("treemap.js").read_text(encoding="utf-8")
    document = usage.as_json()
    document.pop("damages")  # paths of the machine are nobody's business who gets this page
    data = "".join(_ESCAPES.get(one, one) for one in json.dumps(document))
    parts = {
        "HASH": base64.b64encode(hashlib.sha256(script.encode()).digest()).decode(),
        "SCRIPT": script,
        "DATA": data,  # the last: what it holds is not looked into for further parts
    }
    page = here.with_name("treemap.html").read_text(encoding="utf-8")
    for name, text in parts.items():
        page = page.replace(f"{{{{{name}}}}}", text)
    return page
