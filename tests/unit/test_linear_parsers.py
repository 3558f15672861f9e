"""Reading untrusted text takes time proportional to its length, whatever it repeats."""

import json
from collections.abc import Callable
from functools import partial
from typing import Final

import pytest

from app.api.openai.requests import SOURCES_HEADING, CompletionBody
from app.embeddings.word_pieces import estimated_pieces
from app.graph.marker_buffer import MarkerBuffer
from app.ingest.loaders.markup_tags import without_tags
from app.ingest.loaders.registry import LOADERS
from app.ingest.loaders.sniffing import text_format
from app.ingest.parsed_document import IngestError
from app.ingest.reading import read_document
from app.text.markers import find_markers
from app.text.minhash_sketch import sketch
from app.text.sentences import split_sentences
from app.text.snippets import snippet
from app.text.tokens import words
from tests.harness.growth import Growth, growth

pytestmark = pytest.mark.no_cover  # line coverage would distort the timing

SIZE: Final = 800
HOPELESS_S: Final = 10.0  # cutting thousands of sentences takes a second
UNITS: Final = (
    *" a1.\n\r\t-*_`#>|<[](){}!\"'\\:;,=~&%/…。漢é\x00\x85•",
    *("a.", "a. ", ". ", "- ", "- x\n", "1. ", "* ", "> ", "  ", "\n\n", "a\n", "a b ", "A. "),
    *("*a ", "**a", "_a_", "**_", "[a](", "[a][b]", "[1]", "[1, ", "![", "](", "``", "~~~\n"),
    *("<a", "<a ", "<b>", "<p>x", "<div>", "</p>", "<!--", "<!-- -->", "-->", "<?xml ?>"),
    *("<v ", "<v.", "<v a>", "NOTE title: ", "\nNOTE title: ", "title: ", "---\n", "|a|b\n"),
    *("{\\", "{\\a}", "00:01 --> 00:02\n", "1\n", '"a":', '{"a":', "[[", "&amp;", "&#"),
    *("# a\n", "=\n", "a\n===\n", "a\n\n", "\ta\n", "    a\n", "```\n", "||", "a,", "a;b\n"),
    *("http://a", "a@b", "charset=", "charset ", "<passage", "< /", "'s", "’", "1,000", "1.1."),
    *("From a\nb: c\n", "\\par ", "{\\u1 ", "=?utf-8?Q?a?= ", "a: b\n", " - a: b\n", "def a(\n"),
    *("Ana: a\n", "no. ", "e.g. ", "Dr. ", "?!", "“a” ", "***** ", "- [1] ", SOURCES_HEADING),
)
STARTS: Final = {
    "vtt": "WEBVTT\n\n00:01.000 --> 00:03.000\n",
    "srt": "1\n00:00:01,000 --> 00:00:03,000\n",
    "html": "<html><body>",
    "md": "---\n",
    "rtf": r"{\rtf1 ",
    "eml": "Subject: ",
    "mbox": "From a\nSubject: a\n\n",
    "xml": "<a>",
}
FORMATS: Final = [loader.format for loader in LOADERS if not loader.binary]


def _load(form: str, unit: str, size: int) -> None:
    text = STARTS.get(form, "") + unit * (size // len(unit))
    data = json.dumps([{"start": 1, "text": text}]) if form == "json" else text
    try:
        read_document(f"a.{form}", data.encode(), estimated_pieces)
    except IngestError:
        return


def _history(text: str) -> object:
    body = {"role": "assistant", "content": f"a{SOURCES_HEADING}{text}\n\nx"}
    messages = [{"role": "user", "content": "q"}, body, {"role": "user", "content": "q"}]
    return CompletionBody.model_validate({"model": "m", "messages": messages}).turns()


def _held(text: str) -> str:
    hold = MarkerBuffer()
    return "".join(hold.feed(text[at : at + 4]) for at in range(0, len(text), 4)) + hold.flush()


WORK: Final[dict[str, Callable[[str], object]]] = {
    "an answer in the history of a foreign client": _history,
    "the sentences of a text": split_sentences,
    "the markers of an answer": find_markers,
    "the markers of an answer as it streams": _held,
    "the words of a text": words,
    "what a text is by its content": lambda text: text_format(text.encode()),
    "a text without its tags": without_tags,
    "what an excerpt shows": lambda text: snippet(text, ["zebra"]),
    "the sketch of a text": sketch,
}


def _slow(work: Callable[[str, int], object]) -> dict[str, Growth]:
    grown = {unit: growth(partial(work, unit), size=SIZE, hopeless_s=HOPELESS_S) for unit in UNITS}
    return {unit: one for unit, one in grown.items() if not one.linear}


@pytest.mark.parametrize("form", FORMATS)
def test_every_loader_and_the_cutting_take_linear_time(form: str) -> None:
    assert not _slow(partial(_load, form))


@pytest.mark.parametrize("name", WORK)
def test_what_is_done_with_text_takes_linear_time(name: str) -> None:
    assert not _slow(lambda unit, size: WORK[name](unit * (size // len(unit))))
