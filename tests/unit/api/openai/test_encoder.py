"""Citations as sent to clients of OpenAI's API."""

from typing import Final

from app.api.openai.encoder import MAX_ANNOTATIONS, Completion
from app.domain.encoding import compact_json
from app.domain.models import Citation

CITED: Final = Citation(
    marker=1,
    passage_id="p",
    source_id="s",
    title="Tea",
    kind="document",
    quote="Boil it.",
    quote_start=0,
    quote_end=8,
    page=3,
    start_s=None,
    end_s=None,
    speaker=None,
    url=None,
    verified=True,
    support="the passage says the same",
)


def completion() -> Completion:
    return Completion(
        completion_id="c",
        created=1,
        model="citestream",
        link=lambda citation: f"http://here/{citation.passage_id}",
        append_sources=True,
    )


def test_each_marker_has_its_place_and_its_passage() -> None:
    other = CITED.model_copy(update={"marker": 2, "passage_id": "q"})
    annotations = completion().annotations("A [1] b [2][1] [7]", (CITED, other))
    places = [one.url_citation for one in annotations]
    assert [(p.start_index, p.end_index, p.url) for p in places] == [
        (2, 5, "http://here/p"),
        (8, 11, "http://here/q"),
        (11, 14, "http://here/p"),
    ]
    assert list(places[0].model_dump())[:4] == ["url", "title", "start_index", "end_index"]
    assert places[0].quote == "Boil it."


def test_markers_without_end_make_no_frame_without_end() -> None:
    told = completion().annotations("[1]" * 50_000, (CITED,))
    assert len(told) == MAX_ANNOTATIONS
    assert len(compact_json(told)) < 1_000 * MAX_ANNOTATIONS


def test_the_list_says_what_was_not_confirmed_and_what_was_not_checked() -> None:
    doubtful = {"marker": 2, "verified": False, "support": "the figure 9 is not in the passage"}
    unchecked = {"marker": 3, "verified": False, "support": None}
    lines = (
        completion()
        .sources((CITED, *(CITED.model_copy(update=update) for update in (doubtful, unchecked))))
        .splitlines()
    )
    assert lines[-3:] == [
        "- [1] Tea, page 3: “Boil it.”",
        "- [2] Tea, page 3: “Boil it.” (not confirmed by the passage)",
        "- [3] Tea, page 3: “Boil it.” (not checked)",
    ]
