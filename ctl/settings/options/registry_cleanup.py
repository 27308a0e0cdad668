"""`registry_cleanup[…]`: old tags removed by policies, by hand or by time."""

from __future__ import annotations

from typing import Any

from ctl.settings.option import Option
from ctl.settings.options.common import scheduled_options
from ctl.settings.types import (
    Enum,
    Expression,
    Integer,
    Lifetime,
    ListOf,
    Parameter,
    Schema,
    Text,
    Type,
)

_TASK, _COMMAND = "timer: registry-cleanup", "ctl registry-cleanup"
_MINUTE, _LONGEST = 60, 100 * 366 * 86_400

POLICY = Schema(
    'registry_cleanup["policies"]',
    [
        Parameter(
            "repositories",
            Text(r"[a-z0-9._/*-]+", "a pattern of repositories' names", label="pattern"),
            "pattern of the repositories that it is for: * is any text without a slash, ** any text",
            required=True,
        ),
        Parameter("name_regex", Expression(), "tags that it matches may go", required=True),
        Parameter("name_regex_keep", Expression(), "tags of these that stay"),
        Parameter("keep_n", Integer(), "how many of the newest of the rest stay"),
        Parameter(
            "older_than",
            Lifetime(unit=_MINUTE, minimum=_MINUTE, maximum=_LONGEST),
            "what is younger stays",
        ),
        Parameter(
            "date",
            Enum("created", "pushed"),
            "which date counts: that of the image [default], or of the last push of the tag",
        ),
    ],
    form='{"repositories": "team/**", "name_regex": ".*", "keep_n": 10, "older_than": "30d"}',
)


def _option(name: str, kind: Type, description: str, default: Any, example: str, reaches: str) -> Option:  # noqa: ANN401
    return Option(
        f"registry_cleanup.{name}",
        kind,
        description,
        default,
        example=example,
        reaches=(reaches,),
        added=True,
    )


OPTIONS = (
    *scheduled_options(
        "registry_cleanup",
        "Tags are removed by themselves, as by `ctl registry-cleanup`",
        "0 2 * * *",
        example='"0 2 * * 6"',
        task=_TASK,
    ),
    _option(
        "policies",
        ListOf(POLICY, remark=False, single=False),
        "Which tags go: as the clean-up policies of GitLab, whose steps and words these are. The first policy for a "
        "repository holds; one without any is left alone.",
        [],
        '[{"repositories": "team/**", "name_regex": ".*", "keep_n": 10, "older_than": "30d"}]',
        _COMMAND,
    ),
    _option(
        "max_share",
        Integer(0, 100),
        "Percent of the tags of a repository: one that would lose more is left alone until somebody says --yes.",
        50,
        "80",
        _COMMAND,
    ),
)
