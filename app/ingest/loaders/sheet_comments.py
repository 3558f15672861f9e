"""Comments on worksheet cells, with author and position."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from app.ingest.loaders.open_xml import Element, Package, descendants
from app.ingest.loaders.sheet_cells import cell_place
from app.ingest.loaders.table_headers import filled, is_value

_MAX_PART: Final = 80  # characters quoted from a neighbouring cell


@dataclass(frozen=True, slots=True)
class Comment:
    """`cell` is a reference such as B2."""

    cell: str
    author: str
    text: str


def read_comments(package: Package, sheet: str) -> list[Comment]:
    """Comments in file order. Threaded comments replace the legacy notes that repeat them."""
    people = _people(package)
    threads = [
        Comment(one.get("ref") or "", people.get(one.get("personId") or "", ""), _words(one))
        for name in package.related(sheet, "threadedComment")
        for one in _parts(package.optional(name), "tc:threadedComment")
    ]
    threaded = {one.cell for one in threads}
    notes = [
        note
        for name in package.related(sheet, "comments")
        for note in _notes(package.optional(name))
        if note.cell not in threaded
    ]
    return [one for one in (*threads, *notes) if one.text]


def _people(package: Package) -> dict[str, str]:
    """Authors of threaded comments by id."""
    name, _ = package.main("s:workbook")
    return {
        person.get("id") or "": " ".join((person.get("displayName") or "").split())
        for part in package.related(name, "person")
        for person in _parts(package.optional(part), "tc:person")
    }


def _notes(tree: Element | None) -> Iterator[Comment]:
    authors = [" ".join((one.text or "").split()) for one in _parts(tree, "s:author")]
    for one in _parts(tree, "s:comment"):
        index = one.get("authorId") or ""
        at = int(index) if index.isdecimal() and len(index) < 7 else len(authors)
        author = authors[at] if at < len(authors) else ""
        yield Comment(one.get("ref") or "", author, _words(one).removeprefix(f"{author}: "))


def _parts(tree: Element | None, name: str) -> Iterator[Element]:
    yield from () if tree is None else descendants(tree, name)


def _words(comment: Element) -> str:
    words = (one.text or "" for one in descendants(comment, "s:t", "tc:text"))
    return " ".join("".join(words).split())


class Places:
    """Records the row and column labels of commented cells while rows pass through."""

    def __init__(self, comments: Sequence[Comment]) -> None:
        self.comments = comments
        self._wanted: dict[int, set[int]] = defaultdict(set)
        for one in comments:
            row, column = cell_place(one.cell)
            self._wanted[row].add(column)
        self._found: dict[tuple[int, int], str] = {}
        self._names: dict[int, str] = {}  # first text in each column of the table

    def noting(self, rows: Iterable[tuple[int, list[str]]]) -> Iterator[list[str]]:
        """Yield the rows unchanged while recording labels."""
        for number, row in rows:
            if self._wanted:
                self._note(number, row)
            yield row

    def _note(self, number: int, row: Sequence[str]) -> None:
        if not any(row):
            self._names.clear()
        for column in self._wanted.get(number, ()):
            label = next((cell for cell in row[:column] if cell and not is_value(cell)), "")
            parts = dict.fromkeys((label, self._names.get(column, "")))
            self._found[number, column] = ", ".join(part[:_MAX_PART] for part in parts if part)
        if filled(row) > 1:
            for column, cell in enumerate(row):
                if cell and not is_value(cell):
                    self._names.setdefault(column, " ".join(cell.split()))

    def described(self) -> Iterator[str]:
        """Yield lines such as `Comment (Ann) on B2 (North, Tonnes): Weighed twice.`"""
        for one in self.comments:
            beside = self._found.get(cell_place(one.cell), "")
            author = f" ({one.author})" if one.author else ""
            place = f" on {one.cell}" if one.cell else ""
            yield f"Comment{author}{place}{f' ({beside})' if beside else ''}: {one.text}"
