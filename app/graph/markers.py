"""Keeps a citation marker in one piece while the answer streams.

Only a trailing, possibly unfinished marker (an opening bracket and up to three digits, outside
code) is withheld; it is released unchanged when it cannot become one, or when the text ends.
"""

import re

_OPEN = re.compile(r"\[\d{0,3}\Z")


class MarkerHold:
    """Feed pieces in order, then `flush`. What comes out is what went in, cut differently."""

    def __init__(self) -> None:
        self._held = ""
        self._in_code = False

    @property
    def held(self) -> str:
        """What is withheld now."""
        return self._held

    def feed(self, piece: str) -> str:
        """What may be shown now; may be empty."""
        text = self._held + piece
        in_code = self._in_code ^ (text.count("`") % 2 == 1)
        unfinished = None if in_code else _OPEN.search(text)
        cut = unfinished.start() if unfinished else len(text)
        self._held = text[cut:]
        self._in_code = in_code
        return text[:cut]

    def flush(self) -> str:
        """What is still withheld."""
        held, self._held = self._held, ""
        return held
