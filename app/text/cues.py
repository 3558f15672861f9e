"""Recognizes fixed phrases that open a question or are all of it. Pure, in linear time."""

import re
from typing import Final

_WORD: Final = re.compile(r"[^\W_]+(?:['’-][^\W_]+)*")


class Cues:
    """Phrases in lower case, several between slashes. The longest that fits counts."""

    def __init__(self, phrases: str) -> None:
        split = {tuple(one.split()) for line in phrases.splitlines() for one in line.split("/")}
        self._phrases = split - {()}
        self._longest = max(map(len, self._phrases))

    def is_all_of(self, text: str) -> bool:
        """Whether the text is one of the phrases and signs."""
        return tuple(_words(text, self._longest + 1)) in self._phrases

    def after(self, text: str) -> str | None:
        """What follows a phrase, from its first word on; None without one, or without words."""
        found = _spans(text, self._longest + 1)
        for length in range(min(self._longest, len(found) - 1), 0, -1):
            if tuple(word for word, _, _ in found[:length]) in self._phrases:
                return text[found[length][1] :]
        return None

    def stripped(self, text: str) -> str:
        """The text without such phrases at its beginning, as many as there are."""
        while (rest := self.after(text)) is not None:
            text = rest
        return text


def _words(text: str, most: int) -> list[str]:
    return [word for word, _, _ in _spans(text, most)]


def _spans(text: str, most: int) -> list[tuple[str, int, int]]:
    found = zip(_WORD.finditer(text), range(most), strict=False)
    return [(m.group().lower().replace("’", "'"), m.start(), m.end()) for m, _ in found]
