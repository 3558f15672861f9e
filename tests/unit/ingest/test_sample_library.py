"""The sample library contains what its README and its evaluation questions claim."""

import itertools
import json
import re
from collections import Counter
from functools import cache
from pathlib import Path
from typing import Literal, TypedDict

import pytest
import webvtt

import app

SAMPLES = Path(app.__file__).parent / "ingest" / "samples"
DOCUMENTS = sorted((SAMPLES / "documents").iterdir())
RECORDINGS = sorted((SAMPLES / "recordings").glob("*.vtt"))
AUDIO = sorted((SAMPLES / "recordings").glob("*.mp3"))
NOT_ADVICE = "Sample, not medical advice."
FICTIONAL = "is a fictional organisation invented for the Citestream sample library"
MEDICINES = {
    "amoxicillin",
    "aripiprazole",
    "ibuprofen",
    "levothyroxine",
    "lisinopril",
    "metformin",
    "sertraline",
    "warfarin",
}
MAX_AUDIO_BYTES = 2_000_000
MP3_BYTES_PER_SECOND = 16_000 / 8

Kind = Literal["fact", "aspect", "recording", "followup", "unanswerable"]


class Question(TypedDict, total=False):
    id: str
    question: str
    answerable: bool
    source: str | None
    expected: list[str]
    kind: Kind
    recording: str | None
    after: str


@cache
def questions() -> list[Question]:
    loaded: list[Question] = json.loads((SAMPLES / "questions.json").read_text("utf-8"))
    return loaded


@cache
def passages(source: str) -> tuple[str, ...]:
    """The units a quote can come from whole: paragraphs and list items, or cues."""
    path = SAMPLES / source
    if path.suffix == ".vtt":
        return tuple(cue.text for cue in webvtt.read(str(path)).captions)
    return tuple(path.read_text("utf-8").splitlines())


def medicine_sheets() -> list[Path]:
    return [path for path in DOCUMENTS if path.stem in MEDICINES]


def organisation_papers() -> list[Path]:
    return [path for path in DOCUMENTS if path.stem not in MEDICINES]


def test_the_library_has_its_documents_and_recordings() -> None:
    assert {path.stem for path in medicine_sheets()} == MEDICINES
    assert len(organisation_papers()) == 8
    assert {path.suffix for path in DOCUMENTS} == {".md", ".txt"}
    assert len(RECORDINGS) == 3


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.name)
def test_a_document_is_short_and_starts_with_its_title(path: Path) -> None:
    text = path.read_text("utf-8")
    title, blank, first = text.splitlines()[:3]
    assert title.startswith("# ") is (path.suffix == ".md")
    assert not blank
    assert first
    assert 300 <= len(text.split()) <= 900


@pytest.mark.parametrize("path", medicine_sheets(), ids=lambda path: path.name)
def test_a_medicine_sheet_is_no_advice_and_names_its_sources(path: Path) -> None:
    text = path.read_text("utf-8")
    body, heading, sources = re.split(r"^(?:## )?(SOURCES)$", text, flags=re.I | re.M)
    assert NOT_ADVICE in body
    assert heading
    for publisher in ("FDA", "MedlinePlus", "NHS"):
        assert publisher in sources


@pytest.mark.parametrize("path", organisation_papers(), ids=lambda path: path.name)
def test_an_invented_organisation_says_so(path: Path) -> None:
    assert FICTIONAL in path.read_text("utf-8")


@pytest.mark.parametrize("path", RECORDINGS, ids=lambda path: path.name)
def test_a_transcript_has_a_title_speakers_and_rising_times(path: Path) -> None:
    assert path.read_text("utf-8").startswith("WEBVTT\n\nNOTE title: ")
    cues = webvtt.read(str(path)).captions
    assert 40 <= len(cues) <= 90
    assert all(cue.voice and cue.text for cue in cues)
    times = [time.in_milliseconds() for cue in cues for time in (cue.start_time, cue.end_time)]
    assert all(earlier <= later for earlier, later in itertools.pairwise(times))
    assert 180_000 <= times[-1] <= 480_000


def test_a_recording_speaks_what_its_transcript_says() -> None:
    assert [path.stem for path in AUDIO] == [path.stem for path in RECORDINGS]
    for audio, transcript in zip(AUDIO, RECORDINGS, strict=True):
        last_cue_end = webvtt.read(str(transcript)).captions[-1].end_time.in_milliseconds() / 1000
        assert audio.stat().st_size / MP3_BYTES_PER_SECOND == pytest.approx(last_cue_end, abs=1.5)


def test_all_audio_together_stays_small() -> None:
    assert 0 < sum(path.stat().st_size for path in AUDIO) <= MAX_AUDIO_BYTES


def test_the_questions_are_many_distinct_and_of_every_kind() -> None:
    kinds = Counter(question["kind"] for question in questions())
    assert kinds.total() >= 70
    assert kinds["unanswerable"] >= 15
    assert min(kinds[kind] for kind in ("fact", "aspect", "recording", "followup")) >= 5
    for key in ("id", "question"):
        assert len({question[key] for question in questions()}) == kinds.total()


def test_every_document_and_recording_is_asked_about() -> None:
    asked = {question["source"] for question in questions()} - {None}
    assert asked == {
        path.relative_to(SAMPLES).as_posix() for path in itertools.chain(DOCUMENTS, RECORDINGS)
    }


@pytest.mark.parametrize("question", questions(), ids=lambda question: question["id"])
def test_what_a_question_expects_is_verbatim_in_its_source(question: Question) -> None:
    source = question["source"]
    assert question["answerable"] is (source is not None)
    if source is None:
        assert (question["kind"], question["expected"]) == ("unanswerable", [])
        return
    assert question["expected"]
    for expected in question["expected"]:
        assert any(expected in passage for passage in passages(source))


def test_a_question_names_its_recording_and_the_turn_before_it() -> None:
    ids = [question["id"] for question in questions()]
    for question in questions():
        source = Path(question["source"] or "")
        stem = source.stem if source.suffix == ".vtt" else None
        assert question["recording"] == stem
        assert ("after" in question) is (question["kind"] == "followup")
        if "after" in question:
            assert ids.index(question["after"]) < ids.index(question["id"])
