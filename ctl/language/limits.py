"""What a settings file may cost: steps, sizes, files. Sizes are checked before anything is made.

Every number here is far above what settings need and far below what a machine feels; together they keep the
reading of any input below one second and 200 MB.
"""

from __future__ import annotations

import math
from typing import Final

from ctl.language.faults import Fault, LimitReached, computed

MAX_STEPS: Final = 250_000
"""Steps of one reading: one for each expression evaluated, element copied, and 64 characters of text made."""

MAX_FILE_BYTES: Final = 1_048_576
"""Size of a settings file, and of a file read by read_file()."""

MAX_TOKENS: Final = 160_000
"""Words and signs in all settings files together; 1,000 notification endpoints written out are 80,000."""

MAX_BRACES: Final = 12_000
"""Opening braces in a file: the time that Python 3.11 takes grows with the square of an f-string's fields."""

MAX_FILES: Final = 200
"""Files that are read, from_file() and read_file() together."""

MAX_ENTRIES: Final = 10_000
"""Entries of a folder that from_file() looks for files in."""

MAX_INCLUDE_DEPTH: Final = 10
"""Settings files that include each other, counted from the first."""

MAX_TEXT: Final = 1_048_576
"""Characters of one string."""

MAX_ELEMENTS: Final = 100_000
"""Elements of one list or dictionary."""

MAX_BITS: Final = 1_024
"""Size of a whole number."""

MAX_NESTING: Final = 40
"""Lists and dictionaries inside each other."""

MAX_WIDTH: Final = 1_000
"""Width and precision in an f-string, and places in round()."""

MAX_DIAGNOSTICS: Final = 50
"""Errors, and warnings, of one reading; with one error more it stops."""

_CHARACTERS_A_STEP: Final = 6
"""2 ** 6 = 64 characters of text cost one step."""


class Budget:
    """What is left of the limits of one reading.

    Attributes:
        steps: evaluation steps left.
    """

    __slots__ = ("_files", "_tokens", "steps")

    def __init__(self) -> None:
        self.steps = MAX_STEPS
        self._tokens = MAX_TOKENS
        self._files = MAX_FILES

    def spend(self, steps: int) -> None:
        """Spend steps. Raises LimitReached when too few are left."""
        self.steps -= steps
        if self.steps < 0:
            raise LimitReached(
                f"the settings take more than {MAX_STEPS:,} steps to read",
                "Make fewer or smaller loops, or write the values out.",
            )

    def spend_text(self, characters: int) -> None:
        """Spend the steps of working on so much text. Raises LimitReached."""
        self.spend(characters >> _CHARACTERS_A_STEP)

    def spend_new_text(self, length: int) -> None:
        """Spend the steps of making a text of so many characters. Raises Fault if that is too long."""
        check_text(length)
        self.spend_text(length)

    def spend_new_elements(self, count: int) -> None:
        """Spend the steps of making so many elements. Raises Fault if there are too many."""
        check_elements(count)
        self.spend(count)

    def spend_tokens(self, tokens: int) -> None:
        """Spend words and signs of a settings file. Raises LimitReached."""
        self._tokens -= tokens
        if self._tokens < 0:
            raise LimitReached(
                f"the settings files have more than {MAX_TOKENS:,} words and signs",
                "Make values that are alike in a for loop.",
            )

    def spend_file(self) -> None:
        """Spend one file. Raises LimitReached."""
        self._files -= 1
        if self._files < 0:
            raise LimitReached(f"the settings read more than {MAX_FILES} files", "Put them together.")

    def spend_on(self, value: object, depth: int = 0) -> int:
        """Spend the steps of reading a whole value, before that is done; returns how many.

        Raises:
            LimitReached: too few steps are left.
            Fault: lists and dictionaries are nested too deeply (or contain themselves).
            Poisoned: there is a value in it that was not computed.
        """
        if isinstance(value, str):
            steps = 1 + (len(value) >> _CHARACTERS_A_STEP)
            self.spend(steps)
            return steps
        if isinstance(value, (list, tuple, dict)):
            return self._spend_on_container(value, depth)
        computed(value)
        self.spend(1)
        return 1

    def _spend_on_container(
        self, value: list[object] | tuple[object, ...] | dict[str, object], depth: int
    ) -> int:
        if depth >= MAX_NESTING:
            raise Fault(f"lists and dictionaries are nested more than {MAX_NESTING} levels deep")
        self.spend(1)
        total = 1 + sum(self.spend_on(child, depth + 1) for child in value)
        if isinstance(value, dict):
            total += sum(self.spend_on(child, depth + 1) for child in value.values())
        return total


def check_text(length: int) -> None:
    """Raises Fault if a string of so many characters would be too long."""
    if length > MAX_TEXT:
        raise Fault(f"the text would be longer than {MAX_TEXT:,} characters")


def check_elements(count: int) -> None:
    """Raises Fault if a list or dictionary of so many elements would be too large."""
    if count > MAX_ELEMENTS:
        raise Fault(f"there would be more than {MAX_ELEMENTS:,} elements")


def check_number(value: object) -> object:
    """Returns a number that is usable: whole and not too large, or finite. Raises Fault for any other."""
    if isinstance(value, int) and value.bit_length() > MAX_BITS:
        raise Fault(f"the number has more than {MAX_BITS} bits")
    if isinstance(value, complex) or (isinstance(value, float) and not math.isfinite(value)):
        raise Fault("the result is not a usable number (it is infinite or imaginary)")
    return value
