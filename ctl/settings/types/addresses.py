"""Types of settings that name places: URLs, addresses, paths, networks."""

from __future__ import annotations

import posixpath
import re
from enum import Enum as Enumeration
from typing import ClassVar
from urllib.parse import SplitResult, urlsplit

from ctl.distribution.find import KNOWN
from ctl.settings.place import Place, Refused
from ctl.settings.types.base import Node, Type
from ctl.settings.types.textual import Text

_LINE = Text(empty=False)
_DNS_NAME = r"[A-Za-z0-9_](?:[A-Za-z0-9_.-]{0,251}[A-Za-z0-9_])?"
_HOST_AND_PORT = r"(\[[0-9A-Fa-f:.]+\]|[^\[\]:/\s]*):([0-9]{1,5})"
_SCHEME = r"(?i)https?://"


class Extent(Enumeration):
    """How much of a URL a setting may give."""

    ORIGIN = "scheme, host and port, without a path"
    BASE = "scheme, host, port and path"
    WHOLE = "any URL"


class Url(Type):
    """An http or https URL. A trailing slash is dropped, so that a path can be put behind it.

    Args:
        extent: which parts it may have.
    """

    label = "URL"
    literals = (str,)
    schema: ClassVar[Node] = {"type": "string", "format": "uri", "pattern": "^https?://"}

    def __init__(self, extent: Extent = Extent.WHOLE) -> None:
        self._extent = extent

    def read(self, value: object, place: Place) -> str:
        """The URL, without a trailing slash unless all of it counts."""
        text = _LINE.read(value, place)
        url = self._split(text, place)
        self._check_parts(url, text, place)
        if self._extent is Extent.WHOLE:
            return text
        return f"{url.scheme}://{url.netloc}{url.path.rstrip('/')}"

    def _split(self, text: str, place: Place) -> SplitResult:
        try:
            url = urlsplit(text)
            port = url.port
        except ValueError as error:
            raise Refused(f"is no valid URL ({error}){_got(text, place)}") from None
        if url.scheme not in ("http", "https"):
            bare = re.sub(r"(?i)^https?(?:[:/]+|$)", "", text).lstrip("/")
            hint = "" if "://" in text or "@" in text or not bare else f'Write "https://{bare}".'
            raise Refused(
                f"must begin with http:// or https://{_got(text, place)}", "" if place.secret else hint
            )
        if not url.hostname or not _is_host(url.hostname) or any(c.isspace() for c in text):
            raise Refused(f"must name a host{_got(text, place)}", _ascii_hint(url.hostname))
        if port == 0 or url.netloc.endswith(":"):
            raise Refused(f"must name a port from 1 to 65535 behind the colon, or none{_got(text, place)}")
        return url

    def _check_parts(self, url: SplitResult, text: str, place: Place) -> None:
        if self._extent is Extent.WHOLE:
            return
        if self._extent is Extent.ORIGIN and url.path not in ("", "/"):
            raise Refused(
                f"must have no path{place.got(text)}",
                f'A registry answers below / of its host: write "{url.scheme}://{url.netloc}".',
            )
        if "@" in url.netloc:
            raise Refused("must not hold a user name or password")
        if "?" in text or "#" in text:
            raise Refused(f"must have no query and no fragment{place.got(text)}")


class Address(Type):
    """Host and port on which a program listens: "127.0.0.1:5000". A leading scheme is dropped."""

    label = "host:port"
    literals = (str,)

    def read(self, value: object, place: Place) -> str:
        """The address; ":5000" (every address, in Go) is written out, because NGINX cannot connect to it."""
        text = re.sub(_SCHEME, "", _LINE.read(value, place), count=1).rstrip("/")
        found = re.fullmatch(_HOST_AND_PORT, text)
        if (
            not found
            or not 0 < int(found[2]) < 65536
            or not (found[1] == "" or _is_host(found[1].strip("[]")))
        ):
            raise Refused(f"must be an address with a port{place.got(value)}", 'Write "127.0.0.1:5000".')
        return f"{found[1] or '0.0.0.0'}:{int(found[2])}"  # noqa: S104 - what the administrator asked for


MOST_ADDRESSES = 100
"""Addresses on which one server listens: each is compared with each of the others."""


class ListenAddress(Type):
    """An address of this machine, without a port, as `listen` of NGINX takes it: "*", "127.0.0.1", "[::]"."""

    label = "address"
    literals = (str,)

    def read(self, value: object, place: Place) -> str:
        """The address; IPv6 in brackets."""
        text = _LINE.read(value, place)
        bare = text[1:-1] if text.startswith("[") and text.endswith("]") else text
        if ":" in bare and is_ip(bare):
            return f"[{bare}]"
        if text == "*" or _is_host(text):
            return text
        with_port = re.fullmatch(_HOST_AND_PORT, text)
        raise Refused(
            f"must be an address of this machine{place.got(text)}",
            "The port is a setting of its own." if with_port else 'Write "*", "127.0.0.1" or "[::]".',
        )


class Network(Type):
    """An IP address or a network: "10.0.0.5", "10.0.0.0/8"."""

    label = "address or network"
    literals = (str,)

    def read(self, value: object, place: Place) -> str:
        """The text as given."""
        import ipaddress

        text = _LINE.read(value, place)
        if text == "unix:":
            return text
        try:
            ipaddress.ip_network(text, strict=False)
        except ValueError:
            raise Refused(f'must be an address or a network such as "10.0.0.0/8"{place.got(text)}') from None
        return text


_TOP = "bin boot dev etc home lib lib64 opt proc root run sbin srv sys tmp usr var"
_BELOW = "etc/ssl usr/bin usr/lib usr/local usr/sbin var/lib var/log var/opt"
_SYSTEM_FOLDERS = frozenset(["/", *(f"/{name}" for name in f"{_TOP} {_BELOW}".split())])
"""Folders of the Filesystem Hierarchy Standard that many share: `ctl` must not make them one component's own."""
_CODE = (
    "bin boot lib lib32 lib64 libx32 proc sbin sys usr/bin usr/include usr/lib usr/libexec usr/sbin usr/share"
)
_OBEYED = (
    "cron.d cron.daily cron.hourly cron.monthly cron.weekly init.d ld.so.conf.d modprobe.d network pam.d "
    "profile.d security ssh sudoers.d systemd sysctl.d udev"
)
_SYSTEM_TREES = (
    *(f"/{name}/" for name in f"{_CODE} var/spool/cron".split()),
    *(f"/etc/{name}/" for name in _OBEYED.split()),
    *(tree for kind in KNOWN for tree in kind.trees),
)
"""Whole trees in which the system runs, or obeys, whatever is put there."""
_FILES = (
    "crontab environment fstab group gshadow hosts ld.so.conf ld.so.preload nsswitch.conf passwd profile resolv.conf "
    "shadow subgid subuid sudoers"
)
_SYSTEM_FILES = frozenset(f"/etc/{name}" for name in _FILES.split())
_MEMORY = "/dev/shm/"  # noqa: S108 - a place for temporary files, not a device


class AbsolutePath(Type):
    """An absolute path.

    Args:
        managed: whether `ctl` keeps this path, so that it moves below --root.
        owned: whether its owner and mode are set, so that it must be no folder of the system's.
    """

    label = "path"
    literals = (str,)

    def __init__(self, *, managed: bool = False, owned: bool = False) -> None:
        self.managed = managed
        self.owned = managed or owned

    def read(self, value: object, place: Place) -> str:
        """The path, without `..`, doubled and trailing slashes."""
        text = _LINE.read(value, place)
        if not text.startswith("/"):
            raise Refused(f"must be an absolute path, one that begins with /{place.got(text)}")
        path = posixpath.normpath("/" + text.lstrip("/"))
        if self.owned and _is_systems(path):
            raise Refused(f"must be a path of its own: {path} belongs to the system")
        return path


def _is_systems(path: str) -> bool:
    device = path.startswith("/dev/") and not path.startswith(_MEMORY)
    return device or path in _SYSTEM_FOLDERS | _SYSTEM_FILES or f"{path}/".startswith(_SYSTEM_TREES)


def _got(url: str, place: Place) -> str:
    """As Place.got, without the user and password that a URL may hold."""
    return place.got(re.sub(r"//[^/]*@", "//…@", url))


def _is_host(text: str) -> bool:
    return bool(re.fullmatch(_DNS_NAME, text)) or (":" in text and is_ip(text))


def is_ip(text: str) -> bool:
    """Whether a text is an IP address."""
    import ipaddress

    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True


def _ascii_hint(host: str | None) -> str:
    """How a name with letters beyond ASCII is written in DNS (RFC 3490)."""
    if not host or host.isascii():
        return ""
    try:
        return f'Write the name as DNS holds it: "{host.encode("idna").decode("ascii")}".'
    except UnicodeError:
        return ""
