"""Messages of the registry, NGINX, runit and the token issuer that administrators meet: the cause, and what to do.

From the troubleshooting section of GitLab container registry administration, and from the programs themselves.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from ctl.distribution import distribution


@dataclass(frozen=True)
class Known:
    """A message that is known.

    Args:
        pattern: in the line.
        cause: in a sentence.
        remedy: what to do.
    """

    pattern: re.Pattern[str]
    cause: str
    remedy: str


def _known(pattern: str, cause: str, remedy: str) -> Known:
    return Known(re.compile(pattern, re.IGNORECASE), cause, remedy)


KNOWN = (
    _known(
        r"token signed by untrusted key",
        "tokens are signed with another key than the registry's certificate belongs to",
        "which side is wrong: ctl doctor token login --user NAME",
    ),
    _known(
        r"token (?:is )?not to be used before|token used before|\bnbf\b|not valid yet",
        "tokens are refused as not yet good: the clocks of GitLab and of this machine differ",
        "ctl doctor clock",
    ),
    _known(
        r"token (?:is|not).{0,20}expired|token expired|exp not satisfied",
        "tokens have ended before they were used: slow pushes, or clocks that differ",
        "longer tokens in GitLab (container_registry_token_expire_delay), or ctl doctor clock",
    ),
    _known(
        r"token from untrusted issuer|untrusted issuer",
        "GitLab signs as another issuer than the registry trusts",
        'the same gitlab_rails["registry_issuer"] on both nodes',
    ),
    _known(
        r"token intended for another audience|untrusted audience",
        "tokens are for another service",
        "ctl doctor login --user NAME",
    ),
    _known(
        r"unexpected EOF",
        "uploads ended early: the client or a proxy closed the connection, or S3 wants larger parts",
        'with S3: registry["storage"]["s3"]["chunksize"] = 25000000; else time limits of what is in front',
    ),
    _known(
        r"AccessDenied|status code: 403|InvalidAccessKeyId|SignatureDoesNotMatch",
        "the object storage refuses the registry: keys, or their permissions",
        "permissions one by one: ctl registry-check-storage",
    ),
    _known(r"NoSuchBucket|bucket.{0,30}does not exist", "the bucket does not exist", 'registry["storage"]'),
    _known(
        r"RequestTimeTooSkewed|RequestExpired",
        "the clocks of this machine and of the object storage differ",
        "ctl doctor clock",
    ),
    _known(
        r"SlowDown|status code: 503|TooManyRequests",
        "the object storage asks for fewer requests",
        'registry["storage"]["s3"]["maxrequestspersecond"] (GitLab\'s registry), or fewer clients at a time',
    ),
    _known(r"no space left on device", "a disk is full", "ctl doctor space"),
    _known(r"permission denied", "an account may not read or write something", "ctl doctor storage files"),
    _known(
        r"too many open files",
        "a process has all the files open that it may",
        "raise the limit of open files of the supervisor",
    ),
    _known(
        r"error(?: connecting to| dialing)? redis|redis: |dial tcp [^ ]*:6379",
        "the cache in Redis does not answer",
        "ctl doctor redis",
    ),
    _known(
        r"error writing (?:event|to)|retryingsink|httpSink|unable to write event",
        "an endpoint of notifications does not take events",
        "ctl doctor notifications",
    ),
    _known(
        r"manifest schema version|schema1|unsupported manifest",
        "an old Docker client (1.9 or older) pushes or pulls",
        'a newer client; or registry["compatibility_schema1_enabled"] = True where the program can',
    ),
    _known(
        r"blob upload unknown|upload resumed at wrong offset",
        "uploads were continued at a registry that does not know them: a restart, or several with different secrets",
        'the same registry["http_secret"] on all of them; clients retry',
    ),
    _known(
        r"\bblob unknown\b",
        "images cannot be pulled: a layer of theirs is not in the storage",
        "ctl registry-fsck",
    ),
    _known(
        r"invalid checksum digest format|unsupported digest algorithm|unexpected end of JSON input",
        "a file of the storage is damaged",
        "ctl registry-fsck",
    ),
    _known(
        r"connect\(\) (?:to \S+ )?failed|connect\(\) failed",
        "NGINX did not reach the registry: it was stopped or started anew",
        "ctl status; ctl tail registry",
    ),
    _known(r"upstream timed out", "the registry or its storage took too long", "ctl doctor storage space"),
    _known(r"upstream prematurely closed", "the registry ended while it answered", "ctl tail registry"),
    _known(
        r"client intended to send too large body",
        "a layer is larger than NGINX allows",
        "client_max_body_size 0",
    ),
    _known(
        r"limiting requests|limiting connections",
        "a client asks for more tokens than NGINX passes on",
        "fewer clients at a time; or higher limits of the token issuer (docs/accounts.md)",
    ),
    _known(
        r"SSL_do_handshake\(\) failed|ssl routines",
        "clients break off TLS: most often they do not trust the certificate",
        "ctl doctor tls; on clients: ctl trust",
    ),
    _known(
        r"certificate signed by unknown authority|x509:",
        "the registry does not trust a certificate of a server that it calls",
        f"let this machine trust its authority ({distribution().ca_command})",
    ),
    _known(
        r"invalid character|repository name must|invalid repository name",
        "a repository's name has characters that clients refuse (leading _, trailing -, --)",
        "rename the group, project or branch",
    ),
    _known(r"gitlab-registry\.key", "GitLab's key of the registry is missing", "ctl reconfigure"),
    _known(
        r"database-in-use|metadata database",
        "a registry without the metadata database serves storage that has one",
        'give registry["database"] again',
    ),
    _known(
        r"svlogd: (?:pausing|warning|fatal)|unable to (?:write|rename|open) current",
        "svlogd cannot write a log",
        "ctl doctor services space",
    ),
    _known(
        r"panic:|fatal error:", "the registry has crashed", "ctl tail registry; report it with these lines"
    ),
)


def explain(line: str) -> Known | None:
    """The first known message in a line."""
    return next((one for one in KNOWN if one.pattern.search(line)), None)


_SPECIFIC = re.compile(
    r'"(?:[^"\\]|\\.)*"|\b(?:sha256:)?[0-9a-f]{8,}\b|[0-9a-f]{8}-[0-9a-f-]{27}|\b\d+(?:[.:]\d+)*\b|(?<=[ =])/\S+',
    re.IGNORECASE,
)


def shape(message: str) -> str:
    """A message without what differs each time: numbers, digests, paths, quoted texts."""
    return " ".join(_SPECIFIC.sub("…", message).split())
