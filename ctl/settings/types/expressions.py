"""The type of settings that are regular expressions for texts of others, which must take linear time."""

from __future__ import annotations

from ctl.errors import UsageFault
from ctl.images.cleanup.policy import compiled_whole, loose_alternatives
from ctl.settings.place import Place, Refused
from ctl.settings.types.textual import Text


class Expression(Text):
    """A regular expression in the syntax of RE2, as GitLab's policies have it."""

    def __init__(self) -> None:
        super().__init__(form="a regular expression", label="regular expression")

    def read(self, value: object, place: Place) -> str:
        """The text as given."""
        text = super().read(value, place)
        try:
            compiled_whole("it", text)
        except UsageFault as error:
            raise Refused(
                f"must be a regular expression as RE2 has them: {error.message.partition(': ')[2]}"
            ) from None
        if loose_alternatives(text):
            place.warning(
                "has alternatives without a group, of which each is anchored at one end only, as in GitLab",
                f'Write "({text})" for whole names.',
            )
        return text
