"""What surprises about storage drivers, though each of the parameters alone is well-formed.

An error says what cannot work, a warning what works on some machines only.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from ctl.settings.place import Place

S3_REQUESTS = 3_500
"""PUT, COPY, POST and DELETE requests a second that S3 takes for one prefix (Amazon S3 user guide, 'Best
practices design patterns: optimizing Amazon S3 performance')."""
GCS_CHUNK = 256 * 1024
"""The gcs driver takes multiples of this only (Distribution, 'Google Cloud Storage driver')."""
_S3 = ("s3", "s3_v2")
AZURE = ("azure", "azure_v2")
_PATH_STYLES = ("pathstyle", "forcepathstyle")
_ENDPOINTS = {"s3": "regionendpoint", "s3_v2": "regionendpoint", "oss": "endpoint"} | dict.fromkeys(
    AZURE, "serviceurl"
)
_AWS = (".amazonaws.com", ".amazonaws.com.cn", ".api.aws")
_LOCAL_NAMES = (".localhost", ".local", ".internal", ".lan", ".home.arpa")


@dataclass(frozen=True, eq=False, repr=False)
class Driver:
    """One driver as the settings give it.

    Args:
        name: the driver.
        read: its parameters, each in its one form.
        given: the same as the settings file has them, which knows their places.
        place: the place of the driver.
        storage: all of `storage`, in its one form.
    """

    name: str
    read: Mapping[str, Any]
    given: object
    place: Place
    storage: Mapping[str, Any]

    def at(self, parameter: str) -> Place:
        """The place of a parameter."""
        return self.place.inside(self.given, parameter)

    @property
    def endpoint(self) -> str:
        """The address of the service as given, or ""."""
        return str(self.read.get(_ENDPOINTS.get(self.name, ""), ""))

    @property
    def host(self) -> str:
        """The host of that address in small letters, or ""."""
        address = self.endpoint if "://" in self.endpoint else f"//{self.endpoint}"
        try:
            return urlsplit(address).hostname or ""
        except ValueError:  # as "http://[::1": the driver will say so
            return ""

    @property
    def at_amazon(self) -> bool:
        """Whether the service is AWS itself, VPC endpoints included."""
        return not self.endpoint or self.host.endswith(_AWS)


def check(driver: Driver) -> None:
    """Say what will surprise about a driver."""
    for trap in _TRAPS:
        trap(driver)


def _path_style_fits(driver: Driver) -> None:
    """'Set to false for AWS S3'; other services rarely have a host name for each bucket."""
    if driver.name not in _S3:
        return
    for name in _PATH_STYLES:
        style = driver.read.get(name)
        if style is True and driver.at_amazon:
            driver.at(name).warning(
                "is True, but AWS gives paths of the form host/bucket/object up: it wants bucket.host/object",
                f'Write "{name}": False, for VPC endpoints too; True is for other services.',
            )
        elif style is False and not driver.at_amazon and _is_complete(driver.host):
            driver.at(name).warning(
                f"is False, so requests go to {driver.read.get('bucket', 'BUCKET')}.{driver.host}, a name that "
                "services other than AWS rarely have",
                f'Write "{name}": True unless that name leads to the service.',
            )


def _is_complete(host: str) -> bool:
    return "." in host or ":" in host or host == "localhost"


def _rate_is_possible(driver: Driver) -> None:
    """'set maxrequestspersecond to a number within the S3 request rate threshold'."""
    rate = driver.read.get("maxrequestspersecond")
    if rate is None:
        return
    if rate <= 0:
        driver.at("maxrequestspersecond").warning(
            f"is {rate}, which is no limit that requests could keep to",
            "Write a number above 0, as 100, or leave it out.",
        )
    elif rate > S3_REQUESTS:
        driver.at("maxrequestspersecond").warning(
            f"is {rate}: S3 answers 503 above {S3_REQUESTS} writes a second, so this limit prevents none of them",
            f"Write a number up to {S3_REQUESTS}.",
        )


def _signatures_are_current(driver: Driver) -> None:
    if driver.read.get("v4auth") is False:
        driver.at("v4auth").warning(
            "is False: AWS refuses signatures of version 2, and with them downloads are sent to addresses "
            "without a host",
            "Leave it out.",
        )


def _scheme_is_one(driver: Driver) -> None:
    """A scheme in the address wins over `secure`."""
    secure = driver.read.get("secure")
    if driver.name not in _S3 or secure is None:
        return
    scheme = driver.endpoint.partition("://")[0] if "://" in driver.endpoint else ""
    if (secure, scheme) in ((False, "https"), (True, "http")):
        driver.at("secure").warning(
            f"is {secure}, but regionendpoint begins with {scheme}://, and that holds",
            f'Leave "secure" out, or write {"http" if scheme == "https" else "https"}:// there.',
        )
    elif secure is False and driver.at_amazon and not scheme:
        driver.at("secure").warning("is False: images travel to and from AWS unencrypted", "Leave it out.")


def _key_encrypts(driver: Driver) -> None:
    if driver.name in _S3 and "keyid" in driver.read and driver.read.get("encrypt") is not True:
        driver.at("keyid").warning(
            "has no effect without encrypt: objects are stored as the bucket has it", 'Add "encrypt": True.'
        )


def _static_keys_are_two(driver: Driver) -> None:
    """With one of them the driver takes neither, and asks for the machine's role."""
    if driver.name not in _S3:
        return
    given = [name for name in ("accesskey", "secretkey") if driver.read.get(name)]
    if len(given) == 1:
        other = "secretkey" if given == ["accesskey"] else "accesskey"
        driver.at(given[0]).warning(
            f"is given without {other}: neither is used then, but the machine's IAM role",
            f'Give "{other}" too, or neither of them for an IAM role.',
        )


def _chunks_fit_google(driver: Driver) -> None:
    size = driver.read.get("chunksize")
    if driver.name == "gcs" and size is not None and (size % GCS_CHUNK or not size):
        driver.at("chunksize").error(
            f"must be a multiple of {GCS_CHUNK} bytes (256 KiB), which is what Google Cloud Storage takes, not "
            f"{size}",
            f"Write {max(1, round(size / GCS_CHUNK)) * GCS_CHUNK}.",
        )


def _azure_root_is_chosen(driver: Driver) -> None:
    """'Moving to Azure Object Storage'."""
    if driver.name not in AZURE:
        return
    trim, legacy = driver.read.get("trimlegacyrootprefix"), driver.read.get("legacyrootprefix")
    if trim is None and legacy is None:
        driver.place.note(
            "does not give trimlegacyrootprefix: registries that then begin paths with // instead of / do not "
            "find images that were moved to Azure from other storage",
            'Write "trimlegacyrootprefix": True when moving to Azure or starting afresh, False where images are '
            "below // already.",
        )
    elif trim is not None and trim == legacy:
        driver.at("trimlegacyrootprefix").error(
            f"and legacyrootprefix are both {trim}, and each is the opposite of the other",
            'Leave "legacyrootprefix" out.',
        )


def _clients_reach_the_endpoint(driver: Driver) -> None:
    """'Disable redirect for storage driver': clients fetch blobs from the storage itself."""
    disabled = driver.storage.get("redirect", {}).get("disable") is True
    if disabled or not _is_private(driver.host):
        return
    driver.at(_ENDPOINTS[driver.name]).warning(
        f"is the private address {driver.host}, and downloads are redirected there: clients elsewhere cannot pull",
        'Add "redirect": {"disable": True} to storage, so that downloads go through the registry.',
    )


def _is_private(host: str) -> bool:
    if host == "localhost" or host.endswith(_LOCAL_NAMES):
        return True
    try:
        return not ipaddress.ip_address(host).is_global
    except ValueError:  # a name, which may lead anywhere
        return False


_TRAPS: tuple[Callable[[Driver], None], ...] = (
    _path_style_fits,
    _rate_is_possible,
    _signatures_are_current,
    _scheme_is_one,
    _key_encrypts,
    _static_keys_are_two,
    _chunks_fit_google,
    _azure_root_is_chosen,
    _clients_reach_the_endpoint,
)
