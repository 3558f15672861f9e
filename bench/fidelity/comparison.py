"""Compares the words of two texts."""

import re
import unicodedata
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median
from typing import Final

LOW: Final = 0.9
# In scripts without spaces each letter counts as a word.
_WORD: Final = re.compile(
    "[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]"
    "|[^\\W\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]+"
)


@dataclass(frozen=True, slots=True)
class Compared:
    """`recall`: share of the reference's words that are stored. `garbage`: stored, not in it."""

    name: str
    suffix: str
    words: int
    recall: float
    garbage: float
    refusal: str = ""
    missing: str = ""


def compare(name: str, stored: str, expected: str, *, refusal: str = "") -> Compared:
    """Compares multisets of words, ignoring Unicode composition and hyphenation."""
    ours, theirs = _words(stored), _words(expected)
    lost, extra = theirs - ours, ours - theirs
    return Compared(
        name=name,
        suffix=name[name.rfind(".") :].lower(),
        words=theirs.total(),
        recall=1 - lost.total() / max(1, theirs.total()),
        garbage=extra.total() / max(1, ours.total()),
        refusal=refusal,
        missing=" ".join(word for word, _ in lost.most_common(8)),
    )


def _words(text: str) -> Counter[str]:
    text = unicodedata.normalize("NFKC", text).casefold()
    return Counter(_WORD.findall(text.replace("\u00ad", "").replace("-\n", "").replace("-", "")))


def summary(results: Sequence[Compared]) -> list[str]:
    """One line per format."""
    lines = ["format   files   median   below .9   refused   garbage"]
    for suffix in sorted({one.suffix for one in results}):
        some = [one for one in results if one.suffix == suffix]
        low = sum(one.recall < LOW for one in some) / len(some)
        refused = sum(bool(one.refusal) for one in some)
        lines.append(
            f"{suffix:<8} {len(some):>5} {median(one.recall for one in some):>8.3f} {low:>10.1%} "
            f"{refused:>9} {median(one.garbage for one in some):>9.3f}"
        )
    return lines
