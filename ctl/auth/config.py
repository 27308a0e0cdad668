"""The configuration of the token issuer: a JSON file that `ctl reconfigure` writes. It holds no secret."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, fields
from pathlib import Path

from ctl.errors import CtlError


@dataclass(frozen=True)
class Config:
    """The configuration of the service.

    Args:
        listen: "host:port"; "" for the socket that the environment names (ctl.graceful).
        realm: URL of the registry, as challenges name it.
        service: audience of the tokens, as config.yml of the registry has it.
        issuer: who signs, as config.yml has it.
        key_file: the registry's internal key, PEM.
        accounts_file: users, groups, rights and deploy tokens.
        lifetime: of a token, in seconds.
        failed_per_account: failed attempts at one account from one address within the period; 0 for no limit.
        failed_per_address: the same, at any accounts; 0 for no limit.
        failed_period: in seconds.
        signers: processes that sign; 0 for one a CPU.
    """

    listen: str
    realm: str
    service: str
    issuer: str
    key_file: str
    accounts_file: str
    lifetime: int
    failed_per_account: int
    failed_per_address: int
    failed_period: int
    signers: int = 0

    def render(self) -> str:
        """The content of the file."""
        return json.dumps(asdict(self), indent=2) + "\n"


def read_config(path: Path) -> Config:
    """The configuration of a file.

    Raises:
        CtlError: it cannot be read, or is none.
    """
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise CtlError(f"{path}: cannot be read: {error.strerror}") from error
    except ValueError as error:
        raise CtlError(f"{path}: is not JSON") from error
    try:
        config = Config(**content)
    except TypeError as error:
        raise CtlError(f"{path}: is not a configuration of the token issuer") from error
    for one in fields(Config):
        kind = int if one.type == "int" else str
        if not isinstance(getattr(config, one.name), kind):
            raise CtlError(f"{path}: {one.name} is of the wrong type")
    return config
