"""Linux distributions: what differs from one to the next, one class each."""

from ctl.distribution.base import Distribution
from ctl.distribution.find import distribution

__all__ = ["Distribution", "distribution"]
