"""The names that a settings file may give values to."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field


def _nothing(_section: str, _key: str) -> bool:
    return False


@dataclass(frozen=True)
class Names:
    """What the language must know of the settings: their names, and how each is written.

    Args:
        sections: names that are subscripted: `registry["log_level"] = …`.
        settings: names that have one value: `external_url("…")` or `external_url = "…"`.
        foreign: whether a name belongs to a component that is not managed here ("postgresql"); such a name is
            accepted as a section and as a setting.
        foreign_key: whether a key of one of our sections is another component's: ("gitlab_rails",
            "ldap_servers"), ("registry.nginx", "proxy_cache").
        followed: keys of other components that settings of ours follow: {"postgresql": {"port"}}.
    """

    sections: frozenset[str]
    settings: frozenset[str]
    foreign: Callable[[str], bool]
    foreign_key: Callable[[str, str], bool] = _nothing
    followed: Mapping[str, frozenset[str]] = field(default_factory=dict)

    def is_foreign(self, name: str, keys: Sequence[str]) -> bool:
        """Whether nothing of ours depends on the setting `name[key][key]…`, as it is another component's.

        Args:
            name: the name at the top.
            keys: its keys, as far as they are known.
        """
        if self.foreign(name):
            followed = self.followed.get(name)
            return not followed or bool(keys and keys[0] not in followed)
        path = [name, *keys]
        return any(self.foreign_key(".".join(path[:end]), path[end]) for end in range(1, len(path)))
