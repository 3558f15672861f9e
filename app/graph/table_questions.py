"""Reads questions that count, add up, compare or sort the rows of a table. Pure.

A question is read only if every word of it is understood: as what is computed, as the name of a
column, as a value that stands in the table, as a bound, or as what a row is called. What is left
over would have to be guessed, and a number that is guessed is worse than rows that are shown.
"""

import re
from calendar import monthrange
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final, Literal

from app.text.stop_words import FUNCTION_WORDS
from app.text.tokens import norm, words

Operation = Literal["count", "sum", "average", "highest", "lowest", "list"]
Comparison = Literal["=", ">", ">=", "<", "<="]
Cell = str | float | None

MAX_WORDS: Final = 40
MAX_VALUES: Final = 5_000
"""Distinct values of a column that are compared with the words of a question."""
_MIN_TYPED_SHARE: Final = 0.8
"""Share of a column's values that must be numbers or dates for it to be of that type."""


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a table; the values of numbers are floats, those of dates ISO text."""

    name: str
    type: Literal["text", "number", "date"]
    values: tuple[Cell, ...]


@dataclass(frozen=True, slots=True)
class Table:
    """A table; `noun`: words for what one row is, such as "orders"."""

    columns: tuple[Column, ...]
    noun: frozenset[str]

    @property
    def height(self) -> int:
        return len(self.columns[0].values) if self.columns else 0


@dataclass(frozen=True, slots=True)
class Condition:
    """Rows whose cell in `column` compares like this with `value`."""

    column: int
    comparison: Comparison
    value: str | float


@dataclass(frozen=True, slots=True)
class TableQuestion:
    """What is computed from the rows that meet all conditions (several values of a column: any)."""

    operation: Operation
    column: int | None  # that is added up, compared or sorted by
    conditions: tuple[Condition, ...]
    group_by: int | None = None


def _normal(text: str) -> frozenset[str]:
    return frozenset(map(norm, text.split()))


_COUNT: Final = _normal("count many number")
_SUM: Final = _normal("total sum altogether")
_AVERAGE: Final = _normal("average mean")
_HIGHEST: Final = _normal(
    "highest largest biggest most maximum max greatest longest latest newest top expensive"
)
_LOWEST: Final = _normal(
    "lowest smallest least minimum min fewest shortest earliest oldest cheapest cheap"
)
_OF_TIME: Final = _normal("latest newest earliest oldest")
_OF_PRICE: Final = _normal("expensive cheapest cheap")
_PRICE_NAMES: Final = _normal("price cost amount")
_LIST: Final = _normal("list show which what all every name give")
_LISTING: Final = _normal("list show which")
_ABOVE: Final = _normal("more over above exceed exceeding greater after later")
_BELOW: Final = _normal("less under below fewer before earlier")
_FROM: Final = _normal("since from")
_TO: Final = _normal("until to")
_NOT: Final = _normal("not no never without except n't")
_IGNORED: Final = FUNCTION_WORDS | _normal(
    """row rows entry entries record records line lines item items table sheet spreadsheet there
    than per by in on for of with have has had value values given please overall each find me us
    worth column where whose together place places placed make made get got come came receive
    received buy bought sell sold belong belongs go went happen happened exist exists contain
    was were is are do does did still currently now already"""
)
_EQUALS: Final = _normal("is are was were be equal equals of the")
_MONTHS: Final = {
    name: number
    for number, names in enumerate(
        (
            *("january jan", "february feb", "march mar", "april apr", "may", "june jun"),
            *("july jul", "august aug", "september sep sept", "october oct", "november nov"),
            "december dec",
        ),
        start=1,
    )
    for name in map(norm, names.split())
}
_QUARTER: Final = re.compile(r"q([1-4])")
_CELL_NUMBER: Final = re.compile(
    r"[-+]?(?:\d{1,3}(?:,\d{3})+(?:\.\d+)?|\d{1,3}(?:\.\d{3})+,\d+|\d+(?:[.,]\d+)?)"
)
_THOUSANDS: Final = 3
"""Digits between separators of thousands."""
_ISO_DAY: Final = re.compile(r"(\d{4})-(\d{2})-(\d{2})(?:[T ].*)?")
_DATE_DASHES: Final = re.compile(r"\b(\d{4})-(\d{2})-(\d{2})\b")
_UNIT: Final = re.compile(r"[€$£%]|\b(?:EUR|USD|GBP|CHF)\b")


def may_compute(question: str) -> bool:
    """Whether the question may ask for something to be computed."""
    said = _norms(question)
    asks = _COUNT | _SUM | _AVERAGE | _HIGHEST | _LOWEST | _LISTING
    return len(said) <= MAX_WORDS and not asks.isdisjoint(said)


def typed(name: str, values: Sequence[str]) -> Column:
    """A column with the type that nearly all its values have."""
    filled = [value for value in values if value.strip()]
    for kind, read in (("date", _day), ("number", _number)):
        found = [read(value) for value in filled]
        if filled and sum(one is not None for one in found) >= _MIN_TYPED_SHARE * len(filled):
            cells = tuple(read(value) if value.strip() else None for value in values)
            return Column(name, "date" if kind == "date" else "number", cells)
    return Column(name, "text", _one_spelling(values))


def _is_year(value: Cell) -> bool:
    return isinstance(value, float) and value.is_integer() and 1900 <= value <= 2100


def _one_spelling(values: Sequence[str]) -> tuple[str | None, ...]:
    """Without spaces around them; values that differ in case only are written like the first."""
    first: dict[str, str] = {}
    plain = [" ".join(value.split()) for value in values]
    return tuple(first.setdefault(value.casefold(), value) or None for value in plain)


def read_question(question: str, table: Table) -> TableQuestion | None:
    """What the question asks of the table; None when a word of it is not understood."""
    return _Reader(question, table).read()


class _Reader:
    def __init__(self, question: str, table: Table) -> None:
        self._table = table
        self._words = _norms(question)
        self._used: set[int] = set()
        self._is_clear = True
        self._conditions: list[Condition] = []
        self._names = [frozenset(_norms(one.name)) - _IGNORED for one in table.columns]

    def read(self) -> TableQuestion | None:
        if not self._words or len(self._words) > MAX_WORDS:
            return None
        operation = self._operation()
        if operation is None and not _LISTING.isdisjoint(self._words):
            operation = "list"
        if operation is None:
            return None
        self._read_values()
        self._read_periods()
        self._read_bounds()
        column = self._column(operation)
        if (
            operation == "count"
            and column is not None
            and self._table.columns[column].type == "number"
        ):
            operation = "sum"  # "how many tons"
        if operation in ("sum", "average", "highest", "lowest") and column is None:
            return None
        self._read_nouns()
        left = [
            word
            for place, word in enumerate(self._words)
            if place not in self._used and word not in _IGNORED and word not in _LIST
        ]
        negates = not _NOT.isdisjoint(self._words)
        lists_everything = operation == "list" and not self._conditions
        if left or negates or lists_everything or not self._is_clear:
            return None
        grouped = self._grouped_by()
        return TableQuestion(operation, column, tuple(self._conditions), grouped)

    def _operation(self) -> Operation | None:
        orders: tuple[tuple[Operation, frozenset[str]], ...] = (
            ("average", _AVERAGE),
            ("highest", _HIGHEST),
            ("lowest", _LOWEST),
            ("sum", _SUM),
            ("count", _COUNT),
        )
        found: Operation | None = None
        for operation, named in orders:
            places = [
                i
                for i, word in enumerate(self._words)
                if word in named and self._words[max(0, i - 1)] != "at"  # a bound: at least 5
            ]
            if places and found in (None, "sum") and operation != found:
                # "The total number of": the number is what is asked for.
                found = operation
            if places and (found == operation or operation in ("sum", "count")):
                self._used.update(places)
        return found

    def _read_values(self) -> None:
        """Values of text columns that the question says, the longest first."""
        phrases = [
            (said, column, value)
            for column, one in enumerate(self._table.columns)
            if one.type == "text"
            for value in _distinct(one.values)
            if (said := tuple(_norms(value)))
        ]
        for said, column, value in sorted(phrases, key=lambda one: -len(one[0])):
            # "A" is an article, except in "grade A".
            after = self._names[column] if set(said) <= _IGNORED else None
            at = self._find(said, after)
            if at is not None and set(said) not in self._names:
                self._used.update(range(at, at + len(said)))
                self._conditions.append(Condition(column, "=", value))

    def _find(self, said: tuple[str, ...], after: frozenset[str] | None = None) -> int | None:
        """Where these words stand; with `after`, only right after one of those."""
        for at in range(len(self._words) - len(said) + 1):
            here = range(at, at + len(said))
            if tuple(self._words[at : at + len(said)]) != said or not self._used.isdisjoint(here):
                continue
            if after is None or self._word_before(at) in after:
                return at
        return None

    def _word_before(self, place: int) -> str | None:
        """The word before, without "is" and its like."""
        before = [word for word in self._words[:place] if word not in _EQUALS]
        return before[-1] if before else None

    def _read_periods(self) -> None:
        """A month, quarter or year of the only column of dates."""
        dates = [i for i, one in enumerate(self._table.columns) if one.type == "date"]
        if len(dates) != 1:
            return
        years = sorted({str(day)[:4] for day in self._table.columns[dates[0]].values if day})
        year = next((word for word in self._words if word in years), None)
        months: tuple[int, int] | None = None
        places: list[int] = []
        named: str | None = None
        for place, word in enumerate(self._words):
            quarter = _QUARTER.fullmatch(word)
            if quarter is not None:
                last = int(quarter[1]) * 3
                months = (last - 2, last)
            elif word in _MONTHS and (word != "may" or self._words[max(0, place - 1)] == "in"):
                months = (_MONTHS[word], _MONTHS[word])
            elif word != year:
                continue
            self._is_clear &= word == year or named is None  # not "from July to September"
            named = named if word == year else word
            self._used.add(place)
            places.append(place)
        if months is None and year is None:
            return
        if year is None and len(years) == 1:
            year = years[0]
        if year is None:
            self._is_clear = False  # which year, is not said
            return
        first, last = months or (1, 12)
        begin, end = f"{year}-{first:02}-01", f"{year}-{last:02}-{monthrange(int(year), last)[1]}"
        bounds: dict[Comparison | None, tuple[Condition, ...]] = {
            None: (Condition(dates[0], ">=", begin), Condition(dates[0], "<=", end)),
            "<": (Condition(dates[0], "<", begin),),
            "<=": (Condition(dates[0], "<=", end),),
            ">": (Condition(dates[0], ">", end),),
            ">=": (Condition(dates[0], ">=", begin),),
        }
        self._conditions += bounds[self._comparison_before(min(places))]

    def _read_bounds(self) -> None:
        """`more than 1,000`, `at least 5`, `before 2025-08-01`."""
        for place, word in enumerate(self._words):
            value = _day(word) or _number(word)
            if value is None or place in self._used:
                continue
            comparison = self._comparison_before(place)
            kind = "date" if isinstance(value, str) else "number"
            columns = [i for i, one in enumerate(self._table.columns) if one.type == kind]
            named = [i for i in columns if self._is_named(i)]
            of_years = [i for i in columns if _is_year(value) and self._has_years(i)]
            chosen = named or of_years or columns
            if comparison is None or len(chosen) != 1:
                continue
            self._used.add(place)
            self._conditions.append(Condition(chosen[0], comparison, value))

    def _comparison_before(self, place: int) -> Comparison | None:
        before = self._words[max(0, place - 2) : place]
        signs: tuple[tuple[Comparison, frozenset[str]], ...] = (
            (">", _ABOVE),
            ("<", _BELOW),
            (">=", _FROM),
            ("<=", _TO),
        )
        for at in range(place - 1, max(0, place - 2) - 1, -1):
            for sign, named in signs:
                if self._words[at] in named:
                    self._used.add(at)
                    return sign
        limits: dict[str, Comparison] = {norm("least"): ">=", norm("most"): "<="}
        if before[:1] == ["at"] and before[-1] in limits:
            self._used.add(place - 1)
            return limits[before[-1]]
        return None

    def _is_number(self, column: int | None) -> bool:
        return column is not None and self._table.columns[column].type == "number"

    def _is_text(self, column: int) -> bool:
        return self._table.columns[column].type == "text"

    def _has_years(self, column: int) -> bool:
        values = [value for value in self._table.columns[column].values if value is not None]
        return bool(values) and all(map(_is_year, values))

    def _repeats(self, column: int) -> bool:
        """Whether several rows have the same text in the column."""
        values = [value for value in self._table.columns[column].values if value is not None]
        return self._is_text(column) and len(set(values)) < len(values)

    def _is_named(self, column: int) -> bool:
        return not self._names[column].isdisjoint(self._words)

    def _grouped_by(self) -> int | None:
        """`per customer`, `by status`, `for each customer`."""
        for place, word in enumerate(self._words[:-1]):
            if word in ("per", "by", "each"):
                for column, names in enumerate(self._names):
                    if self._is_text(column) and self._words[place + 1] in names:
                        return column
        return None

    def _counted(self) -> int | None:
        """The column of the things that are counted, when these are not the rows."""
        places = [i for i, word in enumerate(self._words) if word in _COUNT]
        following = self._words[places[-1] + 1 :] if places else []
        noun = next((word for word in following if word not in _IGNORED), None)
        if noun is None:
            return None
        # "Orchard harvest" has orchards in its name, but a row is no orchard.
        own = [i for i, names in enumerate(self._names) if names == {noun} and self._repeats(i)]
        if len(own) == 1:
            return own[0]
        if noun in self._table.noun:
            return None
        asked = set(self._words)
        said = {i: len(names & asked) for i, names in enumerate(self._names) if noun in names}
        best = [i for i, share in said.items() if share == max(said.values())]
        return best[0] if len(best) == 1 else None

    def _column(self, operation: Operation) -> int | None:
        """The column that is computed with: the one that is named, of the fitting type."""
        if operation in ("count", "list"):
            return self._counted() if operation == "count" else None
        if operation in ("highest", "lowest") and not _OF_TIME.isdisjoint(self._words):
            dates = [i for i, one in enumerate(self._table.columns) if one.type == "date"]
            return dates[0] if len(dates) == 1 else None
        types = ("number",) if operation in ("sum", "average") else ("number", "date")
        fitting = [i for i, one in enumerate(self._table.columns) if one.type in types]
        asked = set(self._words)
        if not _OF_PRICE.isdisjoint(asked):
            asked |= _PRICE_NAMES
        said = {i: len(self._names[i] & asked) for i in fitting if self._names[i] & asked}
        best = [i for i, share in said.items() if share == max(said.values())]
        return best[0] if len(best) == 1 else None

    def _read_nouns(self) -> None:
        """What a row is called, and the names of columns."""
        known = self._table.noun.union(*self._names)
        self._used.update(i for i, word in enumerate(self._words) if word in known)


def _distinct(values: Sequence[Cell]) -> list[str]:
    found = dict.fromkeys(value for value in values if isinstance(value, str))
    return list(found)[:MAX_VALUES]


def _norms(text: str) -> list[str]:
    """The words as they are compared; `2025-08-01` is one word."""
    joined = _DATE_DASHES.sub(r"\1\2\3", text)
    return [word.norm for word in words(joined) if word.norm != "%"]


def _day(text: str) -> str | None:
    found = _ISO_DAY.fullmatch(text.strip())
    digits = text.strip()
    if found is None and len(digits) == 8 and digits.isdigit():
        found = _ISO_DAY.fullmatch(f"{digits[:4]}-{digits[4:6]}-{digits[6:]}")
    if found is None:
        return None
    try:
        return date(int(found[1]), int(found[2]), int(found[3])).isoformat()
    except ValueError:
        return None


def _number(text: str) -> float | None:
    plain = _UNIT.sub("", text).strip().replace("\u00a0", "").replace(" ", "")
    if not _CELL_NUMBER.fullmatch(plain):
        return None
    is_decimal_comma = plain.rfind(",") > plain.rfind(".") and (
        "." in plain or len(plain.rpartition(",")[2]) != _THOUSANDS
    )
    if is_decimal_comma:
        return float(plain.replace(".", "").replace(",", "."))
    return float(plain.replace(",", ""))
