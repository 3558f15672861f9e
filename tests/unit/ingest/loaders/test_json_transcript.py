"""The formats of speech recognisers, reduced to what distinguishes them."""

import json

import pytest

from app.ingest.loaders.json_transcript import load_json_transcript

Said = list[tuple[str, str | None, float, float]]
HELLO_BYE: Said = [("Hello there.", None, 0.1, 0.9), ("Bye.", None, 2.0, 2.5)]


def said(content: object) -> Said:
    source = load_json_transcript(json.dumps(content).encode())
    return [
        (source.text[u.start : u.end], u.speaker, round(u.start_s, 3), round(u.end_s, 3))
        for u in source.utterances
    ]


def word(text: str, start: float, end: float, **more: object) -> dict[str, object]:
    return {"word": text, "start": start, "end": end, **more}


def item(text: str, start: object, end: object, **more: object) -> dict[str, object]:
    """A word of AWS and Speechmatics."""
    choice = {"content": text, **more}
    return {"type": "word", "start_time": start, "end_time": end, "alternatives": [choice]}


def spoken(text: str, start: float, end: float, *, speaker: int) -> dict[str, object]:
    """A word of ElevenLabs."""
    kind = "word" if text.strip() else "spacing"
    return {
        "text": text,
        "start": start,
        "end": end,
        "type": kind,
        "speaker_id": f"speaker_{speaker}",
    }


def google(text: str, start: float, end: float, *, speaker: int | None = None) -> dict[str, object]:
    told = {} if speaker is None else {"speakerTag": speaker}
    return {"word": text, "startTime": f"{start}s", "endTime": f"{end}s", **told}


HELLO = "Hello there."
TENTH = {"nanos": 100_000_000}
STOP = {"type": "punctuation", "alternatives": [{"content": "."}]}
WORDS = [word("Hello", 0.1, 0.5), word("there.", 0.5, 0.9), word("Bye.", 2.0, 2.5)]
AWS_WORDS = [
    item("Hello", "0.1", "0.5"),
    item("there", "0.5", "0.9"),
    STOP,
    item("Bye", "2.0", "2.5"),
    STOP,
]
AWS_TURNS = [
    {"speaker_label": "spk_0", "items": [{"start_time": "0.1", "speaker_label": "spk_0"}]},
    {"speaker_label": "spk_0", "items": [{"start_time": "0.5", "speaker_label": "spk_0"}]},
    {"speaker_label": "spk_1", "items": [{"start_time": "2.0", "speaker_label": "spk_1"}]},
]
TWO: Said = [("Hello there.", "Speaker 0", 0.1, 0.9), ("Bye.", "Speaker 1", 2.0, 2.5)]


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        pytest.param({"result": WORDS, "text": "…"}, HELLO_BYE, id="Vosk"),
        pytest.param({"text": "Hello there. Bye.", "words": WORDS}, HELLO_BYE, id="OpenAI words"),
        pytest.param(
            {
                "words": [
                    {"text": "Hello", "start": 100, "end": 500},
                    {"text": "there.", "start": 500, "end": 900},
                    {"text": "Bye.", "start": 2000, "end": 2500},
                ],
                "utterances": None,
            },
            HELLO_BYE,
            id="AssemblyAI words",
        ),
        pytest.param({"results": {"items": AWS_WORDS}}, HELLO_BYE, id="AWS words"),
        pytest.param(
            {"results": {"items": AWS_WORDS, "speaker_labels": {"segments": AWS_TURNS}}},
            [("Hello there.", "spk_0", 0.1, 0.9), ("Bye.", "spk_1", 2.0, 2.5)],
            id="AWS words with speakers beside them",
        ),
        pytest.param(
            {
                "results": {
                    "channels": [
                        {
                            "alternatives": [
                                {
                                    "transcript": "hello there bye",
                                    "words": [
                                        word("hello", 0.1, 0.5, punctuated_word="Hello", speaker=0),
                                        word(
                                            "there", 0.5, 0.9, punctuated_word="there.", speaker=0
                                        ),
                                        word("bye", 2.0, 2.5, punctuated_word="Bye.", speaker=1),
                                    ],
                                }
                            ]
                        }
                    ]
                }
            },
            TWO,
            id="Deepgram words",
        ),
        pytest.param(
            {
                "results": [
                    {
                        "alternatives": [
                            {
                                "transcript": "Hello there.",
                                "words": [
                                    google("Hello", 0.100, 0.5),
                                    google("there.", 0.5, 0.9),
                                ],
                            }
                        ]
                    },
                    {
                        "alternatives": [
                            {
                                "words": [
                                    google("Hello", 0.1, 0.5, speaker=0),
                                    google("there.", 0.5, 0.9, speaker=0),
                                    google("Bye.", 2, 2.5, speaker=1),
                                ]
                            }
                        ]
                    },
                ]
            },
            TWO,
            id="Google with a summary of speakers",
        ),
        pytest.param(
            {
                "results": [
                    {
                        "alternatives": [
                            {
                                "transcript": "Hello there.",
                                "words": [
                                    {
                                        "startOffset": TENTH,
                                        "endOffset": "0.9s",
                                        "word": "Hello there.",
                                    }
                                ],
                            }
                        ],
                        "resultEndOffset": "0.900s",
                    }
                ]
            },
            HELLO_BYE[:1],
            id="Google v2",
        ),
        pytest.param(
            {
                "combinedRecognizedPhrases": [{"display": "Hello there. Bye."}],
                "recognizedPhrases": [
                    {
                        "offset": "PT0.1S",
                        "duration": "PT0.8S",
                        "speaker": 0,
                        "nBest": [{"lexical": "hello there", "display": "Hello there."}],
                    },
                    {
                        "offsetInTicks": 20_000_000.0,
                        "durationInTicks": 5_000_000.0,
                        "speaker": 1,
                        "nBest": [{"display": "Bye."}],
                    },
                ],
            },
            TWO,
            id="Azure batch",
        ),
        pytest.param(
            {
                "durationMilliseconds": 3000,
                "phrases": [
                    {"offsetMilliseconds": 100, "durationMilliseconds": 800, "text": HELLO},
                    {"offsetMilliseconds": 2000, "durationMilliseconds": 500, "text": "Bye."},
                ],
            },
            HELLO_BYE,
            id="Azure fast",
        ),
        pytest.param(
            {
                "speakers": [{"id": 0, "name": "Ann"}, {"id": 1, "name": "Ben"}],
                "monologues": [
                    {
                        "speaker": 0,
                        "elements": [
                            {"type": "text", "value": "Hello", "ts": 0.1, "end_ts": 0.5},
                            {"type": "punct", "value": " "},
                            {"type": "text", "value": "there", "ts": 0.5, "end_ts": 0.9},
                            {"type": "punct", "value": "."},
                        ],
                    },
                    {
                        "speaker": 1,
                        "elements": [
                            {"type": "text", "value": "Bye", "ts": 2.0, "end_ts": 2.5},
                            {"type": "punct", "value": "."},
                        ],
                    },
                ],
            },
            [("Hello there.", "Ann", 0.1, 0.9), ("Bye.", "Ben", 2.0, 2.5)],
            id="Rev",
        ),
        pytest.param(
            {
                "text": "Hello there. Bye.",
                "words": [
                    spoken("Hello", 0.1, 0.5, speaker=0),
                    spoken(" ", 0.5, 0.5, speaker=0),
                    spoken("there.", 0.5, 0.9, speaker=0),
                    spoken(" ", 0.9, 2.0, speaker=0),
                    spoken("Bye.", 2.0, 2.5, speaker=1),
                ],
            },
            [("Hello there.", "speaker_0", 0.1, 0.9), ("Bye.", "speaker_1", 2.0, 2.5)],
            id="ElevenLabs",
        ),
        pytest.param(
            {
                "version": "1.0.0",
                "segments": [
                    {"speaker": "Ann", "startTime": 0.1, "endTime": 0.9, "body": "Hello there."},
                    {"startTime": 2.0, "endTime": 2.5, "body": "Bye."},
                ],
            },
            [("Hello there.", "Ann", 0.1, 0.9), ("Bye.", None, 2.0, 2.5)],
            id="Podcasting 2.0",
        ),
        pytest.param(
            {
                "events": [
                    {"tStartMs": 0, "dDurationMs": 9000, "id": 1},
                    {
                        "tStartMs": 100,
                        "dDurationMs": 800,
                        "segs": [{"utf8": "Hello"}, {"utf8": " there.", "tOffsetMs": 400}],
                    },
                    {"tStartMs": 900, "dDurationMs": 100, "aAppend": 1, "segs": [{"utf8": "\n"}]},
                    {"tStartMs": 2000, "dDurationMs": 500, "segs": [{"utf8": "Bye."}]},
                ]
            },
            HELLO_BYE,
            id="YouTube json3",
        ),
        pytest.param(
            {"chunks": [{"timestamp": [2.0, None], "text": " Bye."}]},
            [("Bye.", None, 2.0, 2.0)],
            id="Hugging Face without an end",
        ),
        pytest.param(
            {
                "results": [
                    item("Hello", 0.1, 0.5, speaker="S1"),
                    item("there", 0.5, 0.9, speaker="S1"),
                    STOP,
                    item("Bye", 2.0, 2.5, speaker="S2"),
                ]
            },
            [("Hello there.", "S1", 0.1, 0.9), ("Bye", "S2", 2.0, 2.5)],
            id="Speechmatics",
        ),
    ],
)
def test_what_recognisers_write_is_read_with_times_and_speakers(
    content: object, expected: Said
) -> None:
    assert said(content) == expected


def test_words_of_scripts_without_spaces_are_joined_without_them() -> None:
    words = [word("図書館", 0, 1), word("です", 1, 2), word("。", 2, 2)]
    assert said({"words": words}) == [("図書館です。", None, 0, 2)]


def test_words_of_nobody_known_are_not_those_of_the_speaker_before() -> None:
    speakers = ["Ann", "Ann", None, None, "Ann"]
    texts = ["Shall", "we", "no", ",", "fine"]
    words = [
        {"word": text, "start": at, "end": at + 1, "speaker": speaker}
        for at, (text, speaker) in enumerate(zip(texts, speakers, strict=True))
    ]
    assert [(text, speaker) for text, speaker, *_ in said({"words": words})] == [
        ("Shall we", "Ann"),
        ("no,", None),
        ("fine", "Ann"),
    ]
