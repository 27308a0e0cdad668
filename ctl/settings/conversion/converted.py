"""What a conversion comes to."""

from __future__ import annotations

from dataclasses import dataclass

from ctl.language.source import Diagnostic


@dataclass(frozen=True)
class Converted:
    """A converted file.

    Args:
        text: the Python form.
        remarks: what a person should know of it, each a sentence.
        problems: what is not converted, and is in the text as a comment.
    """

    text: str
    remarks: tuple[str, ...] = ()
    problems: tuple[Diagnostic, ...] = ()
