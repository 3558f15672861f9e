"""WebVTT and SubRip as meeting tools and video sites write them."""

import pytest

from app.ingest.loaders.srt_transcript import load_srt
from app.ingest.loaders.webvtt_transcript import load_webvtt
from app.ingest.parsed_document import ParsedDocument

Said = list[tuple[str, str | None, float, float]]


def said(source: ParsedDocument) -> Said:
    return [
        (source.text[u.start : u.end], u.speaker, u.start_s, u.end_s) for u in source.utterances
    ]


def vtt(body: str) -> Said:
    return said(load_webvtt(f"WEBVTT\n\n{body}".encode()))


def srt(body: str) -> Said:
    return said(load_srt(body.encode()))


def test_times_need_no_fraction_and_no_hours() -> None:
    assert vtt("00:01 --> 00:04\nHello\n\n1:02:03 --> 1:02:04,5\nBye\n") == [
        ("Hello", None, 1, 4),
        ("Bye", None, 3723, 3724.5),
    ]


def test_text_may_follow_an_empty_line() -> None:
    assert vtt("00:01.000 --> 00:04.000\n\nLate text.\n\n00:05.000 --> 00:06.000\nnext") == [
        ("Late text.", None, 1, 4),
        ("next", None, 5, 6),
    ]


@pytest.mark.parametrize("name", ["7", "intro", "6f1c-22", "a b"])
def test_identifiers_of_cues_are_not_said(name: str) -> None:
    body = f"{name}\n00:01.000 --> 00:02.000\nHello\n\n{name}\n00:03.000 --> 00:04.000\nBye\n"
    assert [words for words, *_ in vtt(body)] == ["Hello", "Bye"]


def test_comments_and_styles_are_not_said() -> None:
    body = (
        "STYLE\n::cue { color: red }\n\n00:01.000 --> 00:02.000\nHello\n\n"
        "NOTE to self\nsecond line\n\n"
        "00:03.000 --> 00:04.000\nNOTE that this is said\n"
    )
    assert [words for words, *_ in vtt(body)] == ["Hello", "NOTE that this is said"]


def test_a_number_that_is_said_is_kept() -> None:
    cues = "1\n00:00:01,000 --> 00:00:02,000\nHow many?\n\n2\n00:00:03,000 --> 00:00:04,000\n42\n"
    assert [words for words, *_ in srt(cues)] == ["How many?", "42"]
    unnumbered = "00:00:01,000 --> 00:00:02,000\n41\n\n00:00:03,000 --> 00:00:04,000\n42\n"
    assert [words for words, *_ in srt(unnumbered)] == ["41", "42"]


ROLLING = [
    (0, 3, ["so today we"]),
    (3, 3.01, ["so today we"]),
    (3.01, 6, ["so today we", "descale the kettle"]),
    (6, 6.01, ["descale the kettle"]),
    (6.01, 9, ["descale the kettle", "with vinegar"]),
]


def stamp(seconds: float) -> str:
    return f"00:00:{seconds:06.3f}"


def test_rolling_captions_stand_once() -> None:
    body = "\n\n".join(
        f"{stamp(start)} --> {stamp(end)}\n" + "\n".join(lines) for start, end, lines in ROLLING
    )
    spoken = vtt(body)
    assert " ".join(words for words, *_ in spoken) == "so today we descale the kettle with vinegar"
    assert [start for _, _, start, _ in spoken] == [0, 3.01, 6.01]


def test_captions_that_grow_stand_once() -> None:
    texts = ["The kettle", "The kettle needs", "The kettle needs cleaning."]
    body = "\n\n".join(f"{stamp(n)} --> {stamp(n + 1)}\n{text}" for n, text in enumerate(texts))
    assert " ".join(words for words, *_ in vtt(body)) == "The kettle needs cleaning."


def test_what_people_repeat_is_kept() -> None:
    texts = ["Yes.", "Yes.", "We have to go now.", "Where to?", "To the harbour.", "Good."]
    body = "\n\n".join(f"{stamp(n)} --> {stamp(n + 1)}\n{text}" for n, text in enumerate(texts))
    assert [words for words, *_ in vtt(body)] == texts


NAMED = """1
00:00:01,000 --> 00:00:04,000
Ann Berg: Good morning everyone.

2
00:00:04,000 --> 00:00:06,000
Are we complete?

3
00:00:06,000 --> 00:00:08,000
Dr. Ben Dahl: The rule is: no phones.

4
00:00:08,000 --> 00:00:09,000
Ann Berg: Agreed.
"""


def test_names_before_a_colon_are_speakers() -> None:
    assert [(words, speaker) for words, speaker, *_ in srt(NAMED)] == [
        ("Good morning everyone.", "Ann Berg"),
        ("Are we complete?", "Ann Berg"),
        ("The rule is: no phones.", "Dr. Ben Dahl"),
        ("Agreed.", "Ann Berg"),
    ]


def test_names_may_say_where_people_are_from() -> None:
    body = (
        "00:01.000 --> 00:03.000\nJohn Smith (Facilities): We paint block R.\n\n"
        "00:04.000 --> 00:05.000\nMary Doe: Who pays for it?\n\n"
        "00:06.000 --> 00:07.000\nJohn Smith (Facilities): The board.\n"
    )
    assert [speaker for _, speaker, *_ in vtt(body)] == [
        "John Smith (Facilities)",
        "Mary Doe",
        "John Smith (Facilities)",
    ]


def test_two_speakers_in_one_cue_are_told_apart() -> None:
    body = (
        "00:01.000 --> 00:03.000\nAnn: Ready?\nBen: Ready.\n\n00:04.000 --> 00:05.000\nAnn: Go.\n"
    )
    assert [(words, speaker) for words, speaker, *_ in vtt(body)] == [
        ("Ready?", "Ann"),
        ("Ready.", "Ben"),
        ("Go.", "Ann"),
    ]


def test_a_colon_alone_makes_no_speaker() -> None:
    texts = [
        "Remember one thing: water first.",
        "Then we go on.",
        "It boils at 10:30.",
        "See http://x.org",
    ]
    body = "\n\n".join(f"{stamp(n)} --> {stamp(n + 1)}\n{text}" for n, text in enumerate(texts))
    assert [(words, speaker) for words, speaker, *_ in vtt(body)] == [
        (text, None) for text in texts
    ]


@pytest.mark.parametrize(
    "line", ["[unknown]: No.", "(unidentified): No.", "???: No.", ": No.", ">> No.", "- No."]
)
def test_who_is_not_named_is_not_the_speaker_before(line: str) -> None:
    body = (
        "00:01.000 --> 00:03.000\nAnn: Shall we?\n\n00:04.000 --> 00:05.000\n{}\n\n"
        "00:06.000 --> 00:07.000\nwe never did.\n\n00:08.000 --> 00:09.000\nAnn: Fine.\n"
    )
    assert [(words, speaker) for words, speaker, *_ in vtt(body.format(line))] == [
        ("Shall we?", "Ann"),
        ("No.", None),
        ("we never did.", None),
        ("Fine.", "Ann"),
    ]
