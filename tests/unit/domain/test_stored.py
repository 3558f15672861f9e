"""P16: data of a newer version is read without the parts that this one does not know."""

import gc
import sys
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel

from app.domain.models import Citation, Feedback, FidelityNote, Filters, Span, Timings, Usage
from app.domain.stored import (
    known_failure_code,
    known_finish_reason,
    known_kind,
    read_stored,
    stored_citations,
    stored_filters,
    stored_notes,
    stored_passages,
    stored_spans,
    stored_step,
)

CITATION: dict[str, Any] = {
    "marker": 1,
    "passage_id": "p1",
    "source_id": "s1",
    "title": "Leave policy",
    "kind": "document",
    "quote": "20 days",
    "quote_start": 3,
    "quote_end": 10,
    "page": 2,
    "start_s": None,
    "end_s": None,
    "speaker": None,
    "url": None,
    "verified": True,
    "support": "entailed",
}
MARKED = {
    "marker": 1,
    "passage_id": "p1",
    "source_id": "s1",
    "title": "Leave policy",
    "kind": "document",
    "text": "20 days",
    "heading": None,
    "page": 2,
    "start_s": None,
    "speaker": None,
}
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@given(JSON)
def test_notes_are_read_from_whatever_is_stored(value: Any) -> None:
    stored_notes(value)
    newer = {"kind": "pictures", "count": 2, "total": "many", "pages": [3]}
    assert stored_notes([value, newer])[-1] == FidelityNote("pictures", 2)


@given(JSON)
def test_spans_are_read_from_whatever_is_stored(value: Any) -> None:
    stored_spans(value)
    assert stored_spans([value, ["row", 0, 4, "newer"]])[-1] == Span("row", 0, 4)


def test_unknown_fields_are_ignored_at_any_depth() -> None:
    newer = CITATION | {"confidence": 0.9, "region": {"page": 2, "box": [1, 2, 3, 4]}}
    assert stored_citations([newer]) == (Citation.model_validate(CITATION),)
    assert read_stored(Usage, {"input_tokens": 1, "output_tokens": 2, "estimated": False, "x": 1})


def test_an_unknown_value_is_null_where_it_may_be() -> None:
    read = stored_citations([CITATION | {"kind": "image", "page": {"of": 3}}])
    assert read == (Citation.model_validate(CITATION | {"kind": None, "page": None}),)


def test_an_unknown_restriction_is_dropped_and_the_others_hold() -> None:
    newer = {"source_ids": ["s1"], "kinds": ["document", "image"], "after": "soon", "regions": [1]}
    assert stored_filters(newer) == Filters(source_ids=("s1",), kinds=("document",))
    assert stored_filters("everything") == Filters()


def test_what_lacks_too_much_is_left_out() -> None:
    assert stored_citations([CITATION, {"marker": 2}, "x", None]) == (
        Citation.model_validate(CITATION),
    )
    assert stored_citations(None) == stored_citations({"a": 1}) == ()
    assert read_stored(Feedback, {"rating": "meh", "comment": ""}) is None
    assert read_stored(Timings, {"total_ms": "long"}) is None


def test_a_word_that_is_not_known_is_replaced_by_one_that_is() -> None:
    assert [known_finish_reason(word) for word in ("stop", "verified", None)] == [
        "stop",
        None,
        None,
    ]
    codes = [known_failure_code(word) for word in ("TIMEOUT", "QUOTA", None)]
    assert codes == ["TIMEOUT", "INTERNAL", None]
    assert [known_kind(word) for word in ("recording", "image")] == ["recording", "document"]


def test_no_passage_is_left_out_because_its_number_is_its_place() -> None:
    marked = [MARKED | {"kind": "image", "new": 1}, {"text": "half"}, "odd", MARKED]
    read = stored_passages({"passages": marked, "new": True})
    assert [(p.text, p.kind) for p in read] == [
        ("20 days", "document"),
        ("half", "document"),
        ("", "document"),
        ("20 days", "document"),
    ]
    assert stored_passages({}) == stored_passages("odd") == stored_passages(None) == ()


@pytest.mark.parametrize("model", [Citation, Filters, Usage, Timings, Feedback])
@given(value=JSON)
def test_nothing_that_is_stored_makes_reading_raise(model: type[BaseModel], value: object) -> None:
    read = read_stored(model, value)
    assert read is None or isinstance(read, model)


@given(
    changes=st.dictionaries(st.sampled_from(sorted(CITATION)), JSON, max_size=4),
    more=st.dictionaries(st.text(), JSON, max_size=2),
)
def test_any_change_to_a_citation_keeps_what_is_still_understood(
    changes: dict[str, Any], more: dict[str, Any]
) -> None:
    for read in stored_citations([{**more, **CITATION, **changes}]):
        kept = read.model_dump()
        for name in CITATION.keys() - changes.keys():
            assert kept[name] == CITATION[name]


def test_reading_stored_events_keeps_no_text_of_them() -> None:
    def kept_by_reading(first: int, last: int) -> int:
        events = [
            f'{{"type": "token", "content": "w{n}", "timestamp": "t{n}"}}'.encode()
            for n in range(first, last)
        ]
        gc.collect()
        before = sys.getallocatedblocks()
        for event in events:
            stored_step("token", event)
        return sys.getallocatedblocks() - before

    kept_by_reading(0, 10)  # what is made once
    assert kept_by_reading(10, 1_010) < 100
    assert kept_by_reading(1_010, 3_010) < 100
