"""Starting `ctl` brings in what every command needs, and nothing of any other command."""

from __future__ import annotations

import subprocess
import sys

NEEDED = {
    "ctl",
    "ctl.cli",
    "ctl.cli.context",
    "ctl.cli.framework",
    "ctl.errors",
    "ctl.output",
    "ctl.paths",
    "ctl.registry",
    "ctl.registry.repair",
}
"""Of ctl itself; each is small, and imports the standard library and click only."""


def test_the_command_line_is_known_without_the_commands() -> None:
    code = "import sys; before = set(sys.modules); import ctl.cli.framework, click; print(*set(sys.modules) - before)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    found = set(done.stdout.split())
    assert {name for name in found if name.partition(".")[0] == "ctl"} == NEEDED
    others = {name.partition(".")[0] for name in found} - set(sys.stdlib_module_names)
    assert others == {"ctl", "click"}
