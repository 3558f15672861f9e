"""Source code, settings and logs: kept verbatim under their definition or section."""

from collections.abc import Sequence
from typing import Final

from app.ingest.loaders.decoding import decode
from app.ingest.loaders.extracted_text import ExtractedText
from app.ingest.parsed_document import ParsedDocument


def _set(words: str) -> frozenset[str]:
    return frozenset(words.split())


_MODIFIERS: Final = _set(
    "export default public private protected internal static final abstract async pub unsafe "
    "extern override virtual sealed partial open data inline const synchronized readonly "
    "pub(crate) pub(super) create or replace temporary unique materialized local declare"
)
_KEYWORDS: Final = _set(
    "def class function function* func fn struct enum interface trait impl type module namespace "
    "sub record protocol object fun union macro_rules! table view procedure trigger index schema "
    "resource message service rpc defmodule defp defn extension actor mod"
)
_STATEMENTS: Final = _set(
    "if for foreach while switch catch else do return try using lock elif until select case when "
    "with match loop unless throw new await yield"
)
_COMMENTS: Final = ("#", "//", "/*", "*", "--", ";;", "@", "[", "%", '"""', "'''")
_MAX_NAME: Final = 120  # characters of a definition's line used as its name
_MIN_NESTED: Final = 6  # lines a settings key must contain to become a heading
_MAX_DEPTH: Final = 20

_Marks = dict[int, str]
"""Heading names by the number of the line where their section begins."""


def load_code(data: bytes) -> ParsedDocument:
    """Each definition is a section under its first line, with the comments directly above it."""
    lines = decode(data).split("\n")
    return _read(lines, _definitions(lines))


def load_yaml(data: bytes) -> ParsedDocument:
    """Kept as written, comments included, under the path of its keys."""
    lines = decode(data).split("\n")
    return _read(lines, _keys(lines))


def load_settings(data: bytes) -> ParsedDocument:
    """INI, TOML and similar formats, under their `[sections]`."""
    lines = decode(data).split("\n")
    marks = {at: name for at, line in enumerate(lines) if (name := _section(line))}
    return _read(lines, marks, nested=False)


def load_log(data: bytes) -> ParsedDocument:
    """One row per entry; indented lines (a traceback) belong to the entry above."""
    out = ExtractedText()
    entry: list[str] = []
    for line in decode(data).split("\n"):
        if entry and line[:1] not in (" ", "\t"):
            out.add_block("\n".join(entry), "row")
            entry = []
        if line.strip():
            entry.append(line.rstrip())
    out.add_block("\n".join(entry), "row")
    return out.document(None)


def add_code(out: ExtractedText, source: str) -> None:
    """Add code under the open heading, without splitting it into definitions."""
    _add_lines(out, source.split("\n"))


def _read(lines: Sequence[str], marks: _Marks, *, nested: bool = True) -> ParsedDocument:
    """A section continues until the next mark. With `nested`, it also ends at a statement that
    is indented no further than its first line.
    """
    out = ExtractedText()
    open_at: list[int] = []
    part: list[str] = []
    for at, line in enumerate(lines):
        indent = _indent(line)
        begins = at in marks
        if begins or (nested and open_at and indent <= open_at[-1] and _is_statement(line, indent)):
            above = _comments_above(part) if begins else []
            _add_lines(out, part)
            while open_at and open_at[-1] >= indent:
                open_at.pop()
            out.add_section(marks.get(at, ""), len(open_at) + 1)
            part = above
            if begins and len(open_at) < _MAX_DEPTH:
                open_at.append(indent)
        part.append(line)
    _add_lines(out, part)
    return out.document(None)


def _add_lines(out: ExtractedText, lines: Sequence[str]) -> None:
    """Add each run of non-empty lines as a block."""
    run: list[str] = []
    for line in [*lines, ""]:
        if line.strip():
            run.append(line)
        elif run:
            out.add_block("\n".join(run), "code")
            run = []


def _comments_above(lines: list[str]) -> list[str]:
    """Remove trailing comments and decorators from `lines` and return them."""
    at = len(lines)
    while at and lines[at - 1].lstrip().startswith(_COMMENTS):
        at -= 1
    above = lines[at:]
    del lines[at:]
    return above


def _indent(line: str) -> int:
    return len(line) - len(line.lstrip())


def _is_statement(line: str, indent: int) -> bool:
    """Whether a line is a statement, not a closing bracket or a comment for what follows."""
    return line[indent : indent + 1].isalnum() or line[indent : indent + 1] == "_"


def _definitions(lines: Sequence[str]) -> _Marks:
    """Definitions in any language that uses a keyword, or braces after a parameter list."""
    marks: _Marks = {}
    for at, line in enumerate(lines):
        text = line[: 10 * _MAX_NAME].strip()
        following = lines[at + 1].strip()[:1] if at + 1 < len(lines) else ""
        if text and _is_definition(text, indented=line[:1].isspace(), opens=following == "{"):
            marks[at] = text[:_MAX_NAME].rstrip("{(: \t")
    return marks


def _is_definition(text: str, *, indented: bool, opens: bool) -> bool:
    words = text.split(None, 8)
    leading = 0
    while leading < len(words) - 1 and words[leading].lower() in _MODIFIERS:
        leading += 1
    first = words[leading].lower()
    if first in _KEYWORDS and leading < len(words) - 1 and _is_name(words[leading + 1]):
        return True
    if text.endswith((";", ",")) or first.split("(")[0] in _STATEMENTS:
        return False
    head, bracket, _ = text.partition("(")
    called = bool(bracket) and "=" not in head and bool(head) and _ends_in_name(head)
    if indented and not leading:
        return False
    return called and (text.endswith("{") or opens) and (leading > 0 or text[0].isalpha())


def _is_name(word: str) -> bool:
    """Whether the text after a keyword is a name, not an operator as in `type = 3`."""
    return word[0].isalpha() or word[0] in "_(<\"'`[$"


def _ends_in_name(head: str) -> bool:
    last = head.rstrip()[-1:]
    return last.isalnum() or last in ("_", ">", "~")


def _keys(lines: Sequence[str]) -> _Marks:
    """Keys with several lines below them. Lines are scanned from the last one up."""
    marks: _Marks = {}
    ends: list[tuple[int, int]] = [(-1, len(lines))]  # (indent, line), nearest last
    for at in range(len(lines) - 1, -1, -1):
        text = lines[at].strip()
        if not text or text.startswith("#"):
            continue
        indent = _indent(lines[at]) + text.startswith("-")  # a list may align with its key
        while ends[-1][0] > indent:
            ends.pop()
        key, colon, rest = text[: 10 * _MAX_NAME].partition(":")
        opens = colon and (not rest.strip() or rest.strip()[0] in "|>&!") and text[0] != "-"
        if opens and ends[-1][1] - at > _MIN_NESTED:
            marks[at] = key.strip("'\" ")[:_MAX_NAME]
        ends.append((indent, at))
    return marks


def _section(line: str) -> str:
    text = line.strip()
    if text.startswith("[") and text.endswith("]") and "," not in text and not line[:1].isspace():
        return text.strip("[]").strip()[:_MAX_NAME]
    return ""
