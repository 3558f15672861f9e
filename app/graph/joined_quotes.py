"""Makes one answer of the quotes for several questions. Pure."""

from collections.abc import Sequence

from app.domain.models import Quotes
from app.text.markers import renumbered


def joined_quotes(quotes: Sequence[Quotes]) -> Quotes:
    """A paragraph or more for each; the markers count the passages of the whole answer.

    All are of the same passages. What is said already is not said again.
    """
    numbers: dict[int, int] = {}  # by passage
    unfinished: dict[int, None] = {}
    paragraphs: list[str] = []
    for one in quotes:
        for passage in one.cited:
            numbers.setdefault(passage, len(numbers) + 1)
        text = renumbered(one.text, {n: numbers[p] for n, p in enumerate(one.cited, start=1)})
        unfinished |= dict.fromkeys(one.unfinished)
        paragraphs += _unsaid(text, paragraphs)
    return Quotes("\n\n".join(paragraphs), tuple(numbers), tuple(unfinished))


def _unsaid(text: str, said: Sequence[str]) -> list[str]:
    """Its paragraphs that have not been shown yet."""
    paragraphs = [text] if "```" in text else text.split("\n\n")
    return [one for one in paragraphs if not any(one in other for other in said)]
