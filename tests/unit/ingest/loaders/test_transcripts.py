"""SubRip and JSON transcripts: who said what and when, in any time notation."""

import json

import pytest

from app.ingest.loaders.json_transcript import load_json_transcript
from app.ingest.loaders.srt_transcript import load_srt
from app.ingest.loaders.webvtt_transcript import load_webvtt
from app.ingest.parsed_document import ParsedDocument
from app.text.minhash import estimate_similarity
from app.text.minhash_sketch import sketch

Said = list[tuple[str, str | None, float, float]]


def said(source: ParsedDocument) -> Said:
    return [
        (source.text[u.start : u.end], u.speaker, u.start_s, u.end_s) for u in source.utterances
    ]


SRT = """1
00:00:01,000 --> 00:00:02,500 X1:40
<i>Good</i> morning,
{\\an8}all &amp; everyone.

2
00:00:02,000 --> 00:00:04,000
- Yes?
- No.

01:00:00.5 --> 00:59:00,000
late
"""


def test_subrip_is_read_with_its_times() -> None:
    source = load_srt(SRT.encode())
    assert source.kind == "recording"
    assert said(source) == [
        ("Good morning, all & everyone.", None, 1.0, 2.5),
        ("Yes? No.", None, 2.0, 4.0),
        ("late", None, 3600.5, 3600.5),
    ]
    assert source.duration_s == 3600.5


HELLO = {"start": 0, "end": 1.5, "text": " Hello."}
BYE = {"start": 1.5, "end": 3, "text": "Bye."}
PLAIN: Said = [("Hello.", None, 0, 1.5), ("Bye.", None, 1.5, 3)]


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ({"text": "Hello. Bye.", "segments": [HELLO, BYE], "language": "en"}, PLAIN),
        ([HELLO, BYE], PLAIN),
        (
            {"segments": [{**HELLO, "speaker": "Ana"}, {**BYE, "speaker": 1}]},
            [("Hello.", "Ana", 0, 1.5), ("Bye.", "Speaker 1", 1.5, 3)],
        ),
        (
            {"results": {"utterances": [{"start": 0, "end": 1.5, "transcript": "Hello."}]}},
            PLAIN[:1],
        ),
        (
            {
                "results": {
                    "audio_segments": [
                        {
                            "start_time": "0.0",
                            "end_time": "1.5",
                            "transcript": "Hello.",
                            "speaker_label": "spk_0",
                        }
                    ]
                }
            },
            [("Hello.", "spk_0", 0, 1.5)],
        ),
        (
            {"utterances": [{"start": 250, "end": 1500, "speaker": "A", "text": "Hello there."}]},
            [("Hello there.", "A", 0.25, 1.5)],
        ),
        ([{"start": "00:01:02.5", "end": "1:03", "text": "x"}], [("x", None, 62.5, 63)]),
        (
            [{"start": 1, "text": "a"}, {"text": "b"}, {"start": 5, "end": 6, "text": "c"}],
            [("a", None, 1, 1), ("b", None, 1, 5), ("c", None, 5, 6)],
        ),
        (
            [{"start": 4, "end": 9, "text": "later"}, {"start": 2, "end": 6, "text": "sooner"}],
            [("sooner", None, 2, 6), ("later", None, 4, 9)],
        ),
        ([{"start": 5, "end": 2, "text": "backwards"}], [("backwards", None, 5, 5)]),
        (
            [{"start": 1, "end": 2, "text": "a", "speaker": {"id": 7, "name": "Ben"}}],
            [("a", "Ben", 1, 2)],
        ),
    ],
)
def test_the_usual_shapes_are_read(content: object, expected: Said) -> None:
    assert said(load_json_transcript(json.dumps(content).encode())) == expected


def test_without_any_time_it_is_a_document() -> None:
    content = {"title": "A talk", "segments": [{"text": "Hello.", "speaker": "Ana"}]}
    source = load_json_transcript(json.dumps(content).encode())
    assert (source.kind, source.title, source.text) == ("document", "A talk", "Ana: Hello.")


@pytest.mark.parametrize("start", ["NaN", "-1", '"soon"', "true", "1e99"])
def test_a_time_that_is_none_counts_as_missing(start: str) -> None:
    data = f'[{{"start": 3, "end": 4, "text": "a"}}, {{"start": {start}, "text": "b"}}]'
    assert said(load_json_transcript(data.encode()))[1] == ("b", None, 4, 4)


def test_a_cue_that_ends_before_it_begins_has_no_duration() -> None:
    assert said(load_webvtt(b"WEBVTT\n\n00:05.000 --> 00:02.000\nx\n")) == [("x", None, 5, 5)]


def test_lone_surrogates_and_controls_never_reach_the_library() -> None:
    source = load_json_transcript(b'[{"start": 1, "end": 2, "text": "a\\ud800b\\u0000c"}]')
    assert source.text == "a b c"


TEXT = " ".join(f"Sentence {n} says that kettle {n * 7} is hot." for n in range(200))


def test_alike_texts_have_alike_sketches() -> None:
    changed = TEXT.replace("kettle 7", "cup 7")
    assert estimate_similarity(sketch(TEXT), sketch(TEXT.upper())) == 1
    assert 0.8 < estimate_similarity(sketch(TEXT), sketch(changed)) < 1
    assert estimate_similarity(sketch(TEXT), sketch(TEXT[: len(TEXT) // 2])) == pytest.approx(
        0.5, abs=0.15
    )
    other = " ".join(f"Line {n} is about cup {n * 3} and its colour." for n in range(200))
    assert estimate_similarity(sketch(TEXT), sketch(other)) < 0.05


@pytest.mark.parametrize("text", ["", "one", "Just a few words that say little."])
def test_short_texts_are_compared_with_nothing(text: str) -> None:
    assert sketch(text) == ()
    assert estimate_similarity((), ()) == 0
