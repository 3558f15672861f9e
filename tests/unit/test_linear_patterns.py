"""Untrusted text is never matched by a pattern that takes more than linear time."""

import ast
import importlib
import pkgutil
import re
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from functools import cache, partial
from pathlib import Path
from typing import Any, Final

import pytest

import app
from app.api.openai.requests import SOURCES_HEADING, CompletionBody
from app.ingest.loaders.markdown import load_markdown
from app.ingest.loaders.markup_tags import without_tags
from app.ingest.loaders.sniffing import text_format
from app.ingest.loaders.srt_transcript import load_srt
from app.ingest.loaders.webvtt_transcript import load_webvtt
from tests.harness.growth import Growth, growth
from tests.harness.pattern_attacks import Attack, attacks

pytestmark = pytest.mark.no_cover  # line coverage would distort the timing

ROOT: Final = Path(app.__file__).parent
SIZE: Final = 400
ANCHORED: Final = {"match", "fullmatch"}
METHODS: Final = ANCHORED | {"search", "sub", "subn", "split", "findall", "finditer"}
MAX_DEPTH: Final = 4

# Former patterns of app/. Each froze a worker with less text than a request or file may have.
OLD: Final = {
    "sources of an answer": r"\n\n\*\*Sources\*\*\n(?:- \[\d+\] [^\n]*\n?)+\Z",
    "HTML": r"(?is)\s*(?:<\?xml[^>]*\?>\s*)?(?:<!--.*?-->\s*)*<(?:!doctype\s+html|html)\b",
    "front matter title": r"(?m)^title:[ \t]*(.+?)[ \t]*$",
    "WebVTT title": r"(?mi)^NOTE[ \t]+title:[ \t]*(.+?)[ \t]*$",
    "WebVTT voice": r"<v(?:\.[^\s>]*)?[ \t]+([^>]+)>",
    "Markdown tag": r"(?s)<!--.*?-->|<[^>]*>",
    "SubRip tag": r"(?i)</?[a-z][^>\n]*>|\{\\[^}\n]*\}",
    "SubRip number": r"\n[ \t]*\d+[ \t]*\n?\s*\Z",
    "fence of a passage": r"(?i)<\s*/?\s*passage\b[^>]*>?",
    "charset": r"(?i)charset\s*=\s*[\"']?\s*([\w.:-]+)",
    "word and blanks": r"\s*\S+\s*\Z|\s*\S+",
    "end of a sentence": r"""(?P<stop>[.!?…]+)["'”’»)\]*_]*(?=\s|$)""",
    "last word": r"(\S+)\Z",
}


@cache
def patterns() -> dict[str, re.Pattern[Any]]:
    """Every compiled pattern of the application, by its location."""
    found: dict[tuple[Any, int], str] = {}
    named: dict[str, re.Pattern[Any]] = {}
    for module in pkgutil.walk_packages(app.__path__, "app."):
        if module.name.endswith("__main__"):
            continue
        for name, value in vars(importlib.import_module(module.name)).items():
            for place, pattern in _within(f"{module.name}:{name}", value, 0):
                key = (pattern.pattern, pattern.flags)
                if key not in found:
                    found[key] = place
                    named[place] = pattern
    return named


def _within(place: str, value: object, depth: int) -> Iterator[tuple[str, re.Pattern[Any]]]:
    if isinstance(value, re.Pattern):
        yield place, value
    elif depth < MAX_DEPTH and isinstance(value, (dict, list, tuple)):
        items = value.items() if isinstance(value, dict) else enumerate(value)
        for key, item in list(items):
            yield from _within(f"{place}[{key}]", item, depth + 1)
    elif depth < MAX_DEPTH and is_dataclass(value) and not isinstance(value, type):
        for field in fields(value):
            yield from _within(f"{place}.{field.name}", getattr(value, field.name), depth + 1)


@cache
def uses() -> dict[str, set[str]]:
    """The methods called on each name anywhere in the application."""
    called: dict[str, set[str]] = defaultdict(set)
    for node in (node for tree in trees().values() for node in ast.walk(tree)):
        if isinstance(node, ast.Attribute) and node.attr in METHODS:
            owner = node.value
            name = owner.id if isinstance(owner, ast.Name) else getattr(owner, "attr", "")
            called[name].add(node.attr)
    return called


@cache
def trees() -> dict[Path, ast.Module]:
    return {file: ast.parse(file.read_text()) for file in sorted(ROOT.rglob("*.py"))}


def worst(pattern: re.Pattern[Any], *, anchored: bool) -> tuple[Attack, Growth] | None:
    """An attack for which the pattern takes more than linear time."""
    for attack in attacks(pattern):
        grown = growth(partial(_run, pattern, attack, anchored), size=SIZE)
        if not grown.linear:
            return attack, grown
    return None


def _run(pattern: re.Pattern[Any], attack: Attack, anchored: bool, size: int) -> None:
    text: Any = attack.text(size)
    if isinstance(pattern.pattern, bytes):
        text = text.encode("latin-1", "replace")
    if anchored:
        pattern.match(text)
        pattern.fullmatch(text)
    else:
        for _ in pattern.finditer(text):
            pass


@pytest.mark.parametrize("place", patterns())
def test_every_pattern_takes_linear_time_on_any_repeat(place: str) -> None:
    name = re.split(r"[.:\[]", place.rpartition(":")[2].rstrip("]"))[-1]
    anchored = bool(uses()[name]) and uses()[name] <= ANCHORED
    assert worst(patterns()[place], anchored=anchored) is None


@pytest.mark.parametrize("name", OLD)
def test_patterns_that_froze_a_worker_are_found_out(name: str) -> None:
    assert worst(re.compile(OLD[name]), anchored=name == "HTML") is not None


def test_no_pattern_escapes_the_check() -> None:
    """Patterns are compiled only where modules can be searched for them."""
    assert len(patterns()) > 80
    for file, tree in trees().items():
        calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call)]
        of_re = {ast.unparse(call): call for call in calls if _is_of_re(call)}
        for text, call in of_re.items():
            assert text.startswith("re.compile"), f"{file}:{call.lineno}: compile it as a constant"
        assert not any(
            isinstance(node, ast.ImportFrom) and node.module == "re" for node in ast.walk(tree)
        ), file
        if of_re and file.stem != "__main__":
            assert len(_constants(file)) >= len(of_re), f"{file}: a pattern is no constant"


def _is_of_re(call: ast.Call) -> bool:
    function = call.func
    return (
        isinstance(function, ast.Attribute)
        and isinstance(function.value, ast.Name)
        and function.value.id == "re"
        and function.attr in METHODS | {"compile"}
    )


def _constants(file: Path) -> set[tuple[Any, int]]:
    """The patterns in module constants that are compiled there."""
    module = ".".join(("app", *file.relative_to(ROOT).with_suffix("").parts))
    values = vars(importlib.import_module(module.removesuffix(".__init__")))
    own = {
        target.id
        for node in trees()[file].body
        if isinstance(node, (ast.Assign, ast.AnnAssign)) and "re.compile" in ast.unparse(node)
        for target in (node.targets if isinstance(node, ast.Assign) else [node.target])
        if isinstance(target, ast.Name)
    }
    found = (one for name in own for _, one in _within(name, values[name], 0))
    return {(one.pattern, one.flags) for one in found}


def test_a_source_list_is_taken_off_an_answer_of_the_history() -> None:
    listed = f"Tea is hot. [1]{SOURCES_HEADING}- [1] Tea: “hot”\n- [2] Milk"
    assert _answer_in_history(listed) == "Tea is hot. [1]"
    for kept in (f"a{SOURCES_HEADING}- [1] b\n\nMore words.", f"a{SOURCES_HEADING}none", "a"):
        assert _answer_in_history(kept) == kept


def _answer_in_history(text: str) -> str:
    messages = [
        {"role": "user", "content": "q"},
        {"role": "assistant", "content": text},
        {"role": "user", "content": "q"},
    ]
    body = CompletionBody.model_validate({"model": "m", "messages": messages})
    return body.turns()[0].answer


@pytest.mark.parametrize(
    ("head", "form"),
    [
        ("<!DOCTYPE html><p>x", "html"),
        ("<?xml version='1.0'?>\n<!-- a -->\n<!-- b -->\n<HTML>", "html"),
        ("<!-- a --><p>x", None),
        ("<!-- never closed <html>", None),
        ("<?xml never closed", None),
        ("<!---->" * 30, None),
        ('[ {"start": 1}', "json"),
    ],
)
def test_what_text_is_by_its_beginning(head: str, form: str | None) -> None:
    assert text_format(head.encode()) == form


@pytest.mark.parametrize(
    ("markup", "text"),
    [
        ("a <b>c</b> d", "a c d"),
        ("a <!-- <b> --> c", "a  c"),
        ("a <!-- b > c", "a  c"),
        ("1 < 2 and <i>so", "1 so"),
        ("a < b", "a < b"),
        ("", ""),
    ],
)
def test_tags_are_taken_out(markup: str, text: str) -> None:
    assert without_tags(markup) == text


def test_titles_and_voices_are_read_as_before() -> None:
    front = load_markdown(b"---\ntitle:   'Tea  time'   \nx: 1\n---\nText.\n")
    assert front.title == "Tea  time"
    assert load_markdown(b"---\ntitle:   \n---\nText.\n").title is None
    cues = "NOTE  title:  A talk  \n\n00:01.000 --> 00:03.000\n<v.loud Ana Ng>Hi <b>you\n"
    talk = load_webvtt(f"WEBVTT\n\n{cues}".encode())
    assert (talk.title, talk.speakers, talk.text) == ("A talk", ("Ana Ng",), "Ana Ng: Hi you")
    first = "1\n00:00:01,000 --> 00:00:02,000\n- <i>Hi</i> 2\n\n"
    subtitles = f"{first}2\n00:00:03,000 --> 00:00:04,000\nso\n"
    assert load_srt(subtitles.encode()).text.split() == ["Hi", "2", "so"]
