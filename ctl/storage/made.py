"""Makes the client of a storage from the registry's own `storage` section, as the registry's drivers read it.

Sources: Distribution, registry/storage/driver/{s3-aws,gcs,azure}; OpenDAL, the options of s3, gcs and azblob.
"""

from __future__ import annotations

import base64
import json
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from ctl.errors import PreflightError
from ctl.storage.cloud import CloudStore
from ctl.storage.filesystem import FilesystemStore
from ctl.storage.store import Store

Options = dict[str, str]
Given = Mapping[str, Any]

_CREDENTIALS = ("AWS_", "GOOGLE_", "AZURE_")
"""Begin the variables by which the libraries of the drivers find credentials."""
_AMBIENT = (*_CREDENTIALS, "SSL_CERT_", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY")
"""Likewise, and certificates and the way."""
_NO_HOME = "/nonexistent"
_ROOTS = "/var/lib/registry"
"""rootdirectory of the filesystem driver where none is given."""
_CLOUD = "core.windows.net"


def open_store(driver: str, given: Given, environment: Mapping[str, str]) -> Store:
    """Make the client of a storage. Nothing is asked of it yet.

    Args:
        driver: the registry's name of it.
        given: its parameters, as the registry gets them.
        environment: the registry's own. What of it leads to credentials takes the place of the caller's.

    Raises:
        PreflightError: there is no client for that driver, or for one of the parameters.
        StorageError: a parameter is refused.
    """
    if driver == "filesystem":
        return FilesystemStore(str(given.get("rootdirectory") or _ROOTS))
    if driver not in _CLOUDS:
        known = ", ".join(("filesystem", *_CLOUDS))
        raise PreflightError(
            f"there is no client for the storage driver {driver}", hint=f"There is for: {known}"
        )
    _refuse_unsupported(driver, given)
    _adopt(environment)
    service, options = _CLOUDS[driver]
    root = str(given.get("rootdirectory") or "").strip("/")
    return CloudStore(driver, service, _name(given), f"{root}/" if root else "", options(given, environment))


@contextmanager
def environment_restored() -> Iterator[None]:
    """For a process that goes on to other work: what clients of storages put into its environment is gone at the end.

    OpenDAL finds credentials there, and so open_store() changes it.
    """
    before = dict(os.environ)
    try:
        yield
    finally:
        if dict(os.environ) != before:
            os.environ.clear()
            os.environ.update(before)


def _adopt(environment: Mapping[str, str]) -> None:
    """Find credentials as the registry does: by its variables and its home, and by none of the caller's."""
    for name in [name for name in os.environ if name.startswith(_CREDENTIALS)]:
        del os.environ[name]
    home = environment.get("HOME", _NO_HOME)
    os.environ["AWS_SHARED_CREDENTIALS_FILE"] = f"{home}/.aws/credentials"
    os.environ["AWS_CONFIG_FILE"] = f"{home}/.aws/config"
    os.environ.update({name: value for name, value in environment.items() if name.startswith(_AMBIENT)})


def _name(given: Given) -> str:
    kind = "container" if "container" in given else "bucket"
    at = next((given[name] for name in ("regionendpoint", "serviceurl") if given.get(name)), "")
    return f'{kind} "{given.get(kind, "")}"{f" at {at}" if at else ""}'


def _refuse_unsupported(driver: str, given: Given) -> None:
    why = {
        "v4auth": "False" if given.get("v4auth") is False else "",
        "skipverify": "True: put the CA's certificate into this machine's trusted ones instead"
        if given.get("skipverify") is True
        else "",
        "trimlegacyrootprefix": "False: its keys begin with /" if _legacy(driver, given) else "",
    }
    for name, value in why.items():
        if value:
            raise PreflightError(f"{_name(given)}: ctl's client of {driver} cannot do {name} = {value}")


def _legacy(driver: str, given: Given) -> bool:
    return driver.startswith("azure") and (
        given.get("trimlegacyrootprefix") is False or given.get("legacyrootprefix") is True
    )


def _s3(given: Given, environment: Mapping[str, str]) -> Options:
    options = {
        "bucket": given.get("bucket"),
        "region": given.get("region"),
        "endpoint": _endpoint(given),
        "access_key_id": given.get("accesskey") or environment.get("AWS_ACCESS_KEY_ID"),
        "secret_access_key": given.get("secretkey") or environment.get("AWS_SECRET_ACCESS_KEY"),
        "session_token": given.get("sessiontoken") or environment.get("AWS_SESSION_TOKEN"),
        "default_storage_class": given.get("storageclass") if given.get("storageclass") != "NONE" else None,
    }
    if given.get("accesskey"):  # a token of the environment belongs to the keys of the environment
        options["session_token"] = given.get("sessiontoken")
    if _by_host(given):
        options["enable_virtual_host_style"] = "true"
    if given.get("encrypt") is True:
        options["server_side_encryption"] = "aws:kms" if given.get("keyid") else "AES256"
        options["server_side_encryption_aws_kms_key_id"] = given.get("keyid")
    return _as_text(options)


def _by_host(given: Given) -> bool:
    """Whether the bucket is in the host's name: for AWS, unless something else is asked for."""
    by_path = given.get("pathstyle", given.get("forcepathstyle", bool(given.get("regionendpoint"))))
    return not by_path


def _endpoint(given: Given) -> str:
    """The address of the service; `secure` says by which scheme, where none is given."""
    at = str(given.get("regionendpoint") or f"s3.{given.get('region')}.amazonaws.com")
    if "://" in at:
        return at
    return f"{'http' if given.get('secure') is False else 'https'}://{at}"


def _gcs(given: Given, environment: Mapping[str, str]) -> Options:
    options = {"bucket": given.get("bucket"), "credential_path": given.get("keyfile")}
    if credentials := given.get("credentials"):
        options["credential"] = base64.b64encode(json.dumps(credentials).encode()).decode()
    if emulator := environment.get("STORAGE_EMULATOR_HOST"):  # Google's library then asks for no credentials
        at = emulator if "://" in emulator else f"http://{emulator}"
        anybody = {"allow_anonymous": "true", "disable_vm_metadata": "true", "disable_config_load": "true"}
        options = {"bucket": given.get("bucket"), "endpoint": at, **anybody}
    return _as_text(options)


def _azure(given: Given, _environment: Mapping[str, str]) -> Options:
    realm = given.get("realm") or _CLOUD
    service = given.get("serviceurl") or f"https://{given.get('accountname')}.blob.{realm}"
    _client_secret(given.get("credentials") or given)
    return _as_text(
        {
            "container": given.get("container"),
            "account_name": given.get("accountname"),
            "account_key": given.get("accountkey"),
            "endpoint": service,
        }
    )


def _client_secret(given: Given) -> None:
    """A service principal goes the way of the environment."""
    names = {"tenantid": "AZURE_TENANT_ID", "clientid": "AZURE_CLIENT_ID", "secret": "AZURE_CLIENT_SECRET"}
    os.environ.update({variable: str(given[name]) for name, variable in names.items() if given.get(name)})


def _as_text(options: Mapping[str, object]) -> Options:
    return {name: str(value) for name, value in options.items() if value}


_CLOUDS: dict[str, tuple[str, Callable[[Given, Mapping[str, str]], Options]]] = {
    "s3": ("s3", _s3),
    "s3aws": ("s3", _s3),
    "s3_v2": ("s3", _s3),
    "gcs": ("gcs", _gcs),
    "azure": ("azblob", _azure),
    "azure_v2": ("azblob", _azure),
}
