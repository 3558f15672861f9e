"""Tables suggest questions that count and compare."""

from app.domain.models import Passage, Span
from app.text.row_questions import row_questions


def table(*rows: str) -> Passage:
    spans, at = [], 0
    for row in rows:
        spans.append(Span("row", at, at + len(row)))
        at += len(row) + 1
    return Passage("p", "s", "Orders", "document", 0, "\n".join(rows), structure=tuple(spans))


def questions(*rows: str) -> list[str]:
    return [question for question, _ in row_questions([table(*rows)])]


def test_rows_are_compared_grouped_and_counted() -> None:
    kinds = ["paid", "open", "open"] * 2
    rows = [
        f"Order: A-{n}; Customer: C{n}; Price per m (EUR): {n}.5; Status: {kind}"
        for n, kind in enumerate(kinds)
    ]
    assert questions(*rows) == [
        "Which order has the highest price per m?",
        "How many orders have the status open?",
        "How many orders are there?",
    ]


def test_small_tables_codes_and_unnamed_rows_suggest_nothing() -> None:
    assert questions("Item: Pump; Cost: 12", "Item: Valve; Cost: 3") == []
    assert questions(*[f"x_id: {n}; y: {n}" for n in range(9)]) == []
    assert questions(*["City: Lund; Mayor: Ek"] * 9) == []
