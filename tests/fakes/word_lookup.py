"""A library with given words."""

from collections.abc import Sequence

from app.domain.models import WordUse
from app.domain.principals import Principal


class FixedWords:
    """Implements `WordLookup`."""

    def __init__(self, use: WordUse | None = None) -> None:
        self.use = use or WordUse()
        self.lookups: list[tuple[Sequence[str], Sequence[str]]] = []

    async def word_use(
        self, principal: Principal, asked: Sequence[str], earlier: Sequence[str]
    ) -> WordUse:
        self.lookups.append((asked, earlier))
        return self.use
