"""How many tokens a text is at most likely to be, without the model's tokenizer.

Four ASCII letters are about one token, signs and digits fewer; outside ASCII a token is about two
and a half bytes of UTF-8, which is on the safe side for Chinese, Japanese and Korean, where
counting characters as if they were English is wrong by a factor of five.
"""

import re
from typing import Final

_SIGNS: Final = re.compile(r"[!-/:-@\[-`{-~]")


def estimated_tokens(text: str) -> int:
    """Rounded up; 0 for nothing."""
    if text.isascii():
        plain, wide = len(text), 0
    else:
        size = len(text.encode(errors="replace"))
        plain = sum(map(str.isascii, text))
        wide = size - plain
    signs = len(_SIGNS.findall(text))
    return -(-(5 * (plain - signs) + 10 * signs + 8 * wide) // 20)


def cut_to_tokens(text: str, most: int) -> str:
    """The beginning of the text that is about `most` tokens."""
    total = estimated_tokens(text)
    while total > most:
        text = text[: min(len(text) - 1, len(text) * most // total)]
        total = estimated_tokens(text)
    return text
