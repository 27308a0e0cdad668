"""`registry["notifications"]`: endpoints that get pushes, pulls and deletions."""

from __future__ import annotations

from ctl.settings.types import Bool, Duration, Integer, ListOf, MapOf, Parameter, Schema, Text, Url

HEADERS = MapOf(
    ListOf(Text(), remark=False), key=r"[A-Za-z0-9!#$%&'*+.^_`|~-]+", form="the name of an HTTP header"
)
"""Each header has a list of values; a single one is a list of one."""

_WORDS = ListOf(Text(), remark=False)

ENDPOINT = Schema(
    "a notification endpoint",
    [
        Parameter(
            "name", Text(empty=False), "what the endpoint is called in logs and metrics", required=True
        ),
        Parameter("url", Url(), "where events are sent", required=True),
        Parameter("timeout", Duration(), "how long to wait for an answer"),
        Parameter(
            "maxretries", Integer(), "failures after which a delivery is given up, of GitLab's registry"
        ),
        Parameter(
            "threshold",
            Integer(),
            "failures before a pause, of Distribution; there maxretries means the same",
        ),
        Parameter("backoff", Duration(), "wait after that many failures"),
        Parameter(
            "queuepurgetimeout", Duration(), "how long events are still sent at the end, of GitLab's registry"
        ),
        Parameter("queuesizelimit", Integer(), "most events that wait, of GitLab's registry"),
        Parameter("headers", HEADERS, "HTTP headers, each with a list of values", secret=True),
        Parameter("disabled", Bool(), "whether nothing is sent"),
        Parameter("ignoredmediatypes", _WORDS, "media types of which nothing is sent"),
        Parameter(
            "ignore",
            Schema(
                "ignore",
                [
                    Parameter("mediatypes", _WORDS, "media types of which nothing is sent"),
                    Parameter("actions", _WORDS, "actions of which nothing is sent"),
                ],
            ),
            "events that are not sent",
        ),
    ],
    form='{"name": "…", "url": "https://…"}',
)

ENDPOINTS = ListOf(ENDPOINT, single=False)
