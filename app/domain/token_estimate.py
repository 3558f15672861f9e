"""Estimates an upper bound of a text's tokens without the model's tokenizer.

Assumes four ASCII letters per token, fewer signs and digits, and 2.5 bytes of UTF-8 outside ASCII.
That is safe for Chinese, Japanese and Korean, where four characters per token would be wrong by a
factor of five.
"""

import re
from typing import Final

_SIGNS: Final = re.compile(r"[!-/:-@\[-`{-~]")


def estimated_tokens(text: str) -> int:
    """The estimate, rounded up; 0 for an empty text."""
    if text.isascii():
        plain, wide = len(text), 0
    else:
        size = len(text.encode(errors="replace"))
        plain = sum(map(str.isascii, text))
        wide = size - plain
    signs = len(_SIGNS.findall(text))
    return -(-(5 * (plain - signs) + 10 * signs + 8 * wide) // 20)


def cut_to_tokens(text: str, most: int) -> str:
    """The beginning of the text, about `most` tokens long."""
    total = estimated_tokens(text)
    while total > most:
        text = text[: min(len(text) - 1, len(text) * most // total)]
        total = estimated_tokens(text)
    return text
