"""Which services a command is about: all enabled ones, or those named on its command line."""

from __future__ import annotations

from collections.abc import Sequence

from ctl.errors import CtlError, UsageFault
from ctl.paths import Layout
from ctl.services.definition import defined_names, enabled_names

NONE_ENABLED = "no service is enabled"


def select(layout: Layout, given: Sequence[str]) -> list[str]:
    """The services that a command is about, in the order given, each once; all enabled ones if none is given.

    Raises:
        UsageFault: there is no such service; names the nearest.
        CtlError: it is not enabled.
    """
    enabled = enabled_names(layout)
    for name in given:
        if name not in enabled:
            raise _refusal(layout, name, enabled)
    return list(dict.fromkeys(given)) or enabled


def _refusal(layout: Layout, name: str, enabled: Sequence[str]) -> CtlError:
    from difflib import get_close_matches

    defined = defined_names(layout)
    if name in defined:
        return CtlError(f"service {name} is not enabled", hint="Enable it in the settings: `ctl reconfigure`")
    known = sorted({*defined, *enabled})
    near = get_close_matches(name, known, n=1)
    if near:
        return UsageFault(f"no service {name!r}; did you mean {near[0]!r}?")
    return UsageFault(f"no service {name!r}", hint=f"Services: {', '.join(known) or 'none yet'}")
