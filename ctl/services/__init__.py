"""Services under runit: their definitions, their supervisor, and what sv says about them.

`ctl.services.Runit` and `ctl.services.runit_service` are loaded when they are asked for: `ctl status` needs
neither the resources nor the templates.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ctl.node.runit_service import runit_service
    from ctl.services.runit import Runit

__all__ = ["Runit", "runit_service"]


def __getattr__(name: str) -> object:
    if name == "Runit":
        from ctl.services.runit import Runit

        return Runit
    if name == "runit_service":
        from ctl.node.runit_service import runit_service

        return runit_service
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
