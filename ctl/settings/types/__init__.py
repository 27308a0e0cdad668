"""Types of settings: what a value may be, and the one form in which it goes on.

Each type is one class with all of its behaviour: reading a value, its JSON Schema, the words on a command line that
mean a value of it, the keys inside it, and which of them are secret. A new type needs no change elsewhere.
"""

from __future__ import annotations

from ctl.settings.types.addresses import (
    MOST_ADDRESSES,
    AbsolutePath,
    Address,
    Extent,
    ListenAddress,
    Network,
    Url,
)
from ctl.settings.types.base import INVALID, Parameter, Type, read_value
from ctl.settings.types.choices import Either, Enum, OneOf, OnOff, Words
from ctl.settings.types.containers import Free, ListOf, MapOf
from ctl.settings.types.expressions import Expression
from ctl.settings.types.numbers import Bool, Integer, Number, port
from ctl.settings.types.pem import Content, Pem
from ctl.settings.types.quantities import (
    CronExpression,
    CronField,
    Duration,
    Lifetime,
    NginxTime,
    Size,
    lifetime_seconds,
)
from ctl.settings.types.records import Schema
from ctl.settings.types.textual import Printable, Scalar, Snippet, Text, account, email, hostname
