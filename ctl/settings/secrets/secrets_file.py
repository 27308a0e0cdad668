"""gitlab-secrets.json: secrets that are made once and kept for ever.

The file is the Linux package's: a JSON object with an object for each component. What other components keep
there, and keys of ours that are not known here, stay as they are.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ctl.errors import CtlError, no_right_to_read
from ctl.settings.attributes import Deferred
from ctl.settings.secrets.token_pair import PairMaker, TokenPair, certificate_for

HTTP_SECRET_BYTES = 64
_STRINGS = ("http_secret", "internal_key", "internal_certificate")


class Secrets:
    """The secrets as the file has them, and what this run adds.

    Args:
        path: the file, for errors.
        data: its content.
        raw: its bytes, or None where there is no file (or it may not be read).

    Attributes:
        persistent: whether what is made may be written (package["generate_secrets_json_file"]).
        unseen: whether the file is not looked at (another node's, or another user's): what is missing may well be
            there.
        taking_up: whether what the file has lost is taken from what is deployed: for who deploys, or asks about it.
        taken_up: the secrets that the file has lost and that are deployed, by name, with the file that has each.
    """

    def __init__(self, path: Path, data: dict[str, Any] | None = None, raw: bytes | None = None) -> None:
        self.path = path
        self.persistent = True
        self.unseen = False
        self.taking_up = False
        self.taken_up: dict[str, Path] = {}
        self._data = data or {}
        self._raw = raw
        self._made: dict[tuple[str, str], Any] = {}
        self._pair: PairMaker | None = None

    @classmethod
    def read(cls, path: Path, *, required: bool = True) -> Secrets:
        """Read the file. A missing one is an empty one, and one without content (of a full disk) a missing one.

        Args:
            path: the file.
            required: whether a file that may not be read is an error; else it counts as missing.

        Raises:
            CtlError: it cannot be read, or is not what it should be. Nothing was changed.
        """
        try:
            raw = path.read_bytes()
        except FileNotFoundError:
            return cls(path)
        except PermissionError:
            if not required:
                found = cls(path)
                found.unseen = True
                return found
            raise no_right_to_read(path) from None
        return cls(path, _checked(path, _parsed(path, raw)), raw) if raw.strip() else cls(path)

    @property
    def new(self) -> tuple[str, ...]:
        """Names of the secrets that this run makes, as "registry.http_secret"."""
        names = (f"{section}.{name}" for section, name in self._made if section == "registry")
        return tuple(name for name in names if name not in self.taken_up)

    @property
    def lost(self) -> bool:
        """Whether what the file lacks has been lost. Who wants new secrets deletes the section of the registry."""
        return not self.unseen and (self._raw is None or "registry" in self._data)

    @property
    def letsencrypt_auto_enabled(self) -> bool:
        """Whether an earlier run has turned Let's Encrypt on by itself."""
        section = self._data.get("letsencrypt")
        return isinstance(section, dict) and section.get("auto_enabled") is True

    def stored(self, name: str) -> str | None:
        """A secret of the registry that the file holds, or None."""
        found = self._data.get("registry", {}).get(name)
        return found if isinstance(found, str) and found else None

    def prepare_pair(self) -> None:
        """Begin to make the pair now, if the file holds none: most runs without one will need it."""
        if not self.stored("internal_key") and not self.stored("internal_certificate"):
            self._maker().start()

    def take_up(self, name: str, text: str, path: Path) -> None:
        """Keep a secret of the registry that is deployed.

        Args:
            name: as "http_secret".
            text: the secret.
            path: the file that has it.
        """
        self._made["registry", name] = text
        self.taken_up[f"registry.{name}"] = path

    def make_http_secret(self) -> str:
        """A new http_secret, to be kept."""
        made: str = self._made.setdefault(("registry", "http_secret"), new_http_secret())
        return made

    def make_pair(self) -> tuple[Deferred, Deferred]:
        """A new key and certificate, to be kept, still being made."""
        maker = self._maker()
        return self._keep_pair(maker)

    def make_certificate(self, key: str) -> tuple[str, Deferred]:
        """A new certificate for a key that the file holds alone, to be kept beside it."""
        maker = PairMaker(lambda: TokenPair(key, certificate_for(key)))
        _, certificate = self._keep_pair(maker, only_certificate=True)
        return key, certificate

    def remember_letsencrypt(self) -> None:
        """Keep in mind that Let's Encrypt turned itself on: its certificates must not turn it off again."""
        if not self.letsencrypt_auto_enabled:
            self._made["letsencrypt", "auto_enabled"] = True

    def content(self) -> bytes | None:
        """What the file must hold; waits for what is still being made.

        Returns:
            None where it must not be written (package["generate_secrets_json_file"]); the bytes of the file
            itself where nothing is new.
        """
        if not self.persistent:
            return None
        if self._raw is not None and not self._made:
            return self._raw
        data = {section: dict(one) if isinstance(one, dict) else one for section, one in self._data.items()}
        for (section, name), value in self._made.items():
            data.setdefault(section, {})[name] = value.get() if isinstance(value, Deferred) else value
        return _text(data)

    def with_registry(self, changes: Mapping[str, str | None]) -> bytes:
        """What the file holds with other secrets of the registry; everything else in it stays.

        Args:
            changes: by name, as "registry.internal_key"; None takes one away.
        """
        registry = dict(self._data.get("registry", {}))
        for name, value in changes.items():
            registry[name.removeprefix("registry.")] = value
        kept = {name: value for name, value in registry.items() if value is not None}
        return _text({**self._data, "registry": kept})

    def _maker(self) -> PairMaker:
        if self._pair is None:
            self._pair = PairMaker()
        return self._pair

    def _keep_pair(self, maker: PairMaker, *, only_certificate: bool = False) -> tuple[Deferred, Deferred]:
        key, certificate = Deferred(lambda: maker.result().key), Deferred(lambda: maker.result().certificate)
        self._made["registry", "internal_certificate"] = certificate
        if not only_certificate:
            self._made["registry", "internal_key"] = key
        return key, certificate


def new_http_secret() -> str:
    """What signs the state of uploads, which clients carry."""
    return os.urandom(HTTP_SECRET_BYTES).hex()


def _text(data: Mapping[str, Any]) -> bytes:
    return (json.dumps(data, indent=2, ensure_ascii=False) + "\n").encode()


def _parsed(path: Path, raw: bytes) -> object:
    try:
        return json.loads(raw)
    except json.JSONDecodeError as error:
        where = f"{path}:{error.lineno}:{error.colno}"
        raise CtlError(f"{where}: is not valid JSON: {error.msg}", hint=_REPAIR) from None
    except UnicodeDecodeError:
        raise CtlError(f"{path}: is not UTF-8 text", hint=_REPAIR) from None
    except RecursionError:
        raise CtlError(f"{path}: is nested too deeply", hint=_REPAIR) from None


_REPAIR = (
    "Repair it, or put back a copy from a backup (ctl restore). Or move it away: the next `ctl reconfigure` then takes "
    "up what is deployed. Nothing was changed."
)


def _checked(path: Path, data: object) -> dict[str, Any]:
    """The content, if it has the form of a secrets file. Raises CtlError."""
    if not isinstance(data, dict):
        raise CtlError(f"{path}: must hold a JSON object", hint=_REPAIR)
    for section in ("registry", "letsencrypt"):
        if not isinstance(data.get(section, {}), dict):
            raise CtlError(f"{path}: {section} must be an object", hint=_REPAIR)
    for name in _STRINGS:
        if not isinstance(data.get("registry", {}).get(name), str | None):
            raise CtlError(f"{path}: registry.{name} must be a string", hint=_REPAIR)
    return data
