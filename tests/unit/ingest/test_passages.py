"""Passages: split at good places, within the model's limit, verbatim from the extracted text."""

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import app
from app.ingest.loaders.markdown import load_markdown
from app.ingest.loaders.plain_text import load_text
from app.ingest.loaders.registry import loader_for, title_from
from app.ingest.loaders.webvtt_transcript import load_webvtt
from app.ingest.parsed_document import Block, ParsedDocument, Utterance
from app.ingest.passages import TARGET, context, cut_passages, embedded_text
from app.ingest.segmentation import FORCED, cut, cut_evenly

SAMPLES = sorted(
    path
    for path in (Path(app.__file__).parent / "ingest" / "samples").glob("*/*")
    if path.suffix != ".mp3"
)


def words(text: str) -> int:
    """Counts every word as one word piece."""
    return len(text.split())


def pieces(text: str) -> int:
    return len(re.findall(r"\w{1,4}|[^\w\s]", text))


def document(text: str, *, title: str = "Title") -> list[str]:
    return [p.text for p in cut_passages(load_markdown(text.encode()), title=title, count=words)]


def test_parts_that_fit_stay_together() -> None:
    assert cut([50, 50, 50], [FORCED, 0, 0], limit=200) == [(0, 3)]


def test_passages_are_even() -> None:
    assert cut([40] * 6, [FORCED, 0, 0, 0, 0, 0], limit=200) == [(0, 3), (3, 6)]


def test_a_dear_cut_is_avoided() -> None:
    assert cut([90, 90, 90], [FORCED, 5, 0], limit=200) == [(0, 2), (2, 3)]
    assert cut([90, 90, 90], [FORCED, 0, 5], limit=200) == [(0, 1), (1, 3)]


def test_a_forced_cut_is_made() -> None:
    assert cut([10, 10, 10], [FORCED, FORCED, 0], limit=200) == [(0, 1), (1, 3)]


def test_a_part_above_the_limit_stands_alone() -> None:
    assert cut([10, 500, 10], [FORCED, 0, 0], limit=200) == [(0, 1), (1, 2), (2, 3)]
    assert cut([], [], limit=200) == []


PRICES = st.sampled_from([FORCED, 0.0, 1.5, 4.0])


@given(
    parts=st.lists(st.tuples(st.integers(1, 300), PRICES), max_size=60),
    limit=st.integers(20, 250),
)
def test_cuts_cover_everything_within_the_limit(parts: list[tuple[int, float]], limit: int) -> None:
    sizes, prices = [p[0] for p in parts], [p[1] for p in parts]
    ranges = cut(sizes, prices, limit=limit)
    assert [i for begin, end in ranges for i in range(begin, end)] == list(range(len(parts)))
    assert all(sum(sizes[b:e]) <= limit or e - b == 1 for b, e in ranges)
    starts = {begin for begin, _ in ranges}
    assert all(i in starts for i, price in enumerate(prices) if price == FORCED)


def test_sections_are_not_mixed() -> None:
    passages = cut_passages(
        load_markdown(b"# Tea\n\nGreen.\n\n## Brewing\n\nThree minutes.\n\n### Cold\n\nA night."),
        title="Tea",
        count=words,
    )
    assert [(p.heading, p.text) for p in passages] == [
        (None, "Green."),
        ("Brewing", "Three minutes."),
        ("Brewing > Cold", "A night."),
    ]


def test_a_list_stays_with_the_line_that_introduces_it() -> None:
    filler = "word " * 130
    items = "\n".join(f"- item {n} {'x ' * 8}" for n in range(8))
    passages = document(f"{filler}\n\nYou need:\n\n{items}\n")
    assert len(passages) == 2
    assert passages[1].startswith("You need:\n\n- item 0")


def test_a_long_paragraph_is_cut_between_sentences() -> None:
    sentence = "This sentence has exactly seven words here. "
    passages = document(sentence * 60)
    assert len(passages) == 2
    assert all(p.startswith("This") and p.endswith("here.") for p in passages)


def test_a_sentence_without_end_is_cut_between_words() -> None:
    text = " ".join(f"w{n}" for n in range(700))
    passages = document(text)
    assert " ".join(passages) == text
    assert all(words(p) < TARGET for p in passages)


def test_text_without_spaces_is_cut_too() -> None:
    text = "雨" * 900
    source = ParsedDocument("document", text, blocks=(Block(0, len(text)),))
    passages = cut_passages(source, title="雨", count=len)
    assert "".join(p.text for p in passages) == text
    assert all(len(p.text) <= TARGET for p in passages)


MARKUP = ["# A\n", "## B\n", "- item. ", "\n", "\n\n", "Some words here. ", "x" * 40]
CHARACTERS = st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"])


@given(
    st.lists(
        st.sampled_from(MARKUP) | st.text(alphabet=CHARACTERS, max_size=30),
        min_size=1,
        max_size=80,
    )
)
def test_every_passage_is_a_slice_of_the_text(pieces: list[str]) -> None:
    source = load_markdown(("Start.\n\n" + "".join(pieces)).encode())
    passages = cut_passages(source, title="Title", count=words)
    assert passages
    end = 0
    for passage in passages:
        assert passage.text == source.text[passage.char_start : passage.char_end]
        assert passage.text.strip()
        assert passage.char_start >= end
        end = passage.char_end
        assert words(embedded_text("Title", passage.heading, passage.text, words)) <= TARGET
    kept = "".join("".join(p.text for p in passages).split())
    assert kept == "".join("".join(source.text[b.start : b.end] for b in source.blocks).split())


def test_a_long_title_leaves_room_for_the_text() -> None:
    title = "very " * 400 + "long"
    shortened = context(title, "Section > " + "deep " * 300, words)
    assert words(shortened) <= TARGET * 0.4
    assert shortened.startswith("very")
    assert "deep" in shortened
    passages = document("word " * 300, title=title)
    assert sum(map(words, passages)) == 300
    assert all(words(embedded_text(title, None, text, words)) <= TARGET for text in passages)


TALK = """WEBVTT

00:00.000 --> 00:02.000
<v Ana>Hello there.

00:02.000 --> 00:04.000
<v Ana>Shall we begin?

00:04.500 --> 00:06.000
<v Ben>Yes.
"""


def test_a_recording_reads_as_lines_of_speakers() -> None:
    source = load_webvtt(TALK.encode())
    (passage,) = cut_passages(source, title="Talk", count=words)
    assert passage.text == "Ana: Hello there. Shall we begin?\nBen: Yes."
    assert (passage.start_s, passage.end_s, passage.speaker) == (0, 6, None)
    said = [(passage.text[c.start : c.end], c.start_s, c.speaker) for c in passage.cues]
    assert said == [("Hello there.", 0, "Ana"), ("Shall we begin?", 2, "Ana"), ("Yes.", 4.5, "Ben")]
    assert source.text[passage.char_start : passage.char_end].startswith("Hello there.")


def test_windows_of_a_recording_begin_with_the_speaker() -> None:
    text = ". ".join(f"sentence {n} of many words in here" for n in range(90)) + "."
    said = tuple(
        Utterance(i, i + len(part), float(n), float(n + 1), "Ana")
        for n, part in enumerate(text.split(". "))
        for i in [text.index(part)]
    )
    source = ParsedDocument("recording", text, utterances=said)
    passages = cut_passages(source, title="Talk", count=words)
    assert len(passages) == 3
    assert all(p.text.startswith("Ana: sentence") and p.speaker == "Ana" for p in passages)
    assert [p.start_s for p in passages[1:]] == [p.end_s for p in passages[:-1]]
    assert sum(len(p.cues) for p in passages) == 90


def test_an_endless_cue_is_shared_out() -> None:
    text = "word " * 600
    source = ParsedDocument("recording", text, utterances=(Utterance(0, 2999, 10.0, 610.0, None),))
    passages = cut_passages(source, title="Talk", count=words)
    assert all(words(p.text) < TARGET for p in passages)
    starts = [p.start_s or 0.0 for p in passages]
    assert starts == sorted(starts)
    assert starts[0] == 10
    assert passages[-1].end_s == pytest.approx(610)


@pytest.mark.parametrize("path", SAMPLES, ids=lambda path: path.name)
def test_samples_fit_the_model(path: Path) -> None:
    data = path.read_bytes()
    source = loader_for(path.name, data).load(data)
    title = source.title or title_from(path.name)
    for passage in cut_passages(source, title=title, count=pieces):
        assert pieces(embedded_text(title, passage.heading, passage.text, pieces)) <= TARGET
        for cue in passage.cues:
            assert passage.text[cue.start : cue.end] in source.text


@pytest.mark.parametrize("limit", [1, 7, 20])
def test_even_cuts_are_few_and_no_larger_than_they_may_be(limit: int) -> None:
    sizes = [(n * 7) % 5 + 1 for n in range(200)]
    ranges = cut_evenly(sizes, limit=limit)
    assert [end for _, end in ranges[:-1]] == [begin for begin, _ in ranges[1:]]
    assert (ranges[0][0], ranges[-1][1]) == (0, 200)
    sums = [sum(sizes[begin:end]) for begin, end in ranges]
    assert all(
        size <= limit or end == begin + 1 for size, (begin, end) in zip(sums, ranges, strict=True)
    )
    assert len(ranges) <= 1.5 * -(-sum(sizes) // limit) or limit < max(sizes)
    assert cut_evenly([], limit=limit) == []


@pytest.mark.parametrize(
    "line",
    [
        "ห้องสมุดประจำหมู่บ้านเปิดทำการทุกวันยกเว้นวันจันทร์",
        "コンピュータネットワークシステムアーキテクチャ",
        "បណ្ណាល័យបើកជារៀងរាល់ថ្ងៃ",
        "ຫ້ອງສະໝຸດເປີດທຸກມື້",
    ],
)
def test_scripts_without_spaces_become_passages_that_the_model_sees(line: str) -> None:
    """A tokenizer makes one unknown piece of a "word" of more than a hundred characters."""
    passages = cut_passages(load_text((line * 100).encode()), title="T", count=lambda _: 1)
    assert "".join(passage.text for passage in passages) == line * 100
    assert max(len(passage.text) for passage in passages) <= 2 * TARGET


def test_the_structure_of_each_passage_is_kept_beside_its_text() -> None:
    source = (
        "# Tea\n\nSteps:\n\n1. Boil water.\n2. Pour it. Wait.\n\n"
        "| Tea | Minutes |\n| --- | --- |\n| Green | 2 |\n| Black | 4 |\n\n"
        "```\nbrew(tea)\n```\n\n" + "\n".join(f"- Item {n} of a long list." for n in range(90))
    )
    loaded = load_markdown(source.encode())
    passages = cut_passages(loaded, title="Tea", count=words)
    assert len(passages) > 2
    shown = [
        (span.kind, passage.text[span.start : span.end])
        for passage in passages
        for span in passage.structure
    ]
    blocks = [
        (block.kind, loaded.text[block.start : block.end])
        for block in loaded.blocks
        if block.kind != "paragraph"
    ]
    assert shown == blocks
    assert shown[:2] == [("item", "1. Boil water."), ("item", "2. Pour it. Wait.")]
    assert ("code", "brew(tea)") in shown
    assert "row" in dict(shown)
