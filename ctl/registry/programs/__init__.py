"""Registry programs: what differs from one to the next, one class each."""

from ctl.registry.programs.base import RegistryProgram
from ctl.registry.programs.distribution2 import Distribution2
from ctl.registry.programs.distribution3 import Distribution3
from ctl.registry.programs.gitlab import GitlabRegistry
from ctl.registry.programs.identify import identify, installed, program_at

__all__ = [
    "Distribution2",
    "Distribution3",
    "GitlabRegistry",
    "RegistryProgram",
    "identify",
    "installed",
    "program_at",
]
