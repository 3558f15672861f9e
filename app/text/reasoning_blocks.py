"""Separates reasoning from the answer in text that arrives in pieces.

Models without a reasoning field write it into the answer: `<think>…</think>`, or only `</think>`
when the chat template has opened the block. A piece may end anywhere inside a tag.
"""

import re
from collections.abc import Iterator
from typing import Final, Literal, NamedTuple

_AT_START: Final = (
    ("<think>", "</think>"),
    ("<thinking>", "</thinking>"),
    ("<thought>", "</thought>"),
    ("<reasoning>", "</reasoning>"),
    ("[think]", "[/think]"),
    ("◁think▷", "◁/think▷"),
    ("<|channel|>analysis<|message|>", "<|channel|>final<|message|>"),
)
"""Blocks at the start of an answer. Later only those of `_ANYWHERE` are recognized."""
_ANYWHERE: Final = _AT_START[:2]
_CLOSERS: Final = tuple(closer for _, closer in _ANYWHERE)
_TAGS: Final = tuple(tag for block in _ANYWHERE for tag in block)
_FIRST: Final = frozenset(opener[0] for opener, _ in _AT_START)
_SLICE: Final = 4_096
"""Characters processed at a time; the remainder is copied after each block."""
_MAX_TAG_LENGTH: Final = max(len(tag) for block in _AT_START for tag in block)

_REASONING_OPENER: Final = re.compile(
    r"(?:okay|ok,|alright|hmm+|wait,|let me|let's|first,|so,|we (?:need|are|have|should|must)"
    r"|i (?:need|should|must|think|have to|will|am)|i'll|the user|the question)",
    re.IGNORECASE,
)
_REASONING_PREFIXES: Final = ("okay", "alright", "hmm", "let me", "let's", "first,")
_MAX_HELD: Final = 600
"""Characters. Text that looks like reasoning without an opening tag is held up to this length, then
emitted, and retracted if a closing tag follows."""

Kind = Literal["text", "thought", "retract"]


class Piece(NamedTuple):
    """`retract`: all text so far was reasoning; the following `thought` is the rest of it."""

    kind: Kind
    text: str


class ReasoningSplitter:
    """Feed pieces in order, then `close`. `opened`: the chat template opens a block.

    The text of such an answer is held until the block is closed; if it never is, it is the answer.
    """

    def __init__(self, *, opened: bool = False) -> None:
        self._mode: Literal["start", "opened", "thinking", "again", "answer"] = (
            "opened" if opened else "start"
        )
        self._pending = ""  # not classified yet
        self._held: list[str] = []  # text of a block that may turn out to be the answer
        self._max_held: int | None = None  # characters held
        self._block = _AT_START[0]
        self._opener = ""  # opening tag of a later block, as written
        self._trim = False  # drop white space after a block
        self._in_code = False
        self._begun = False  # something other than white space has arrived
        self._has_text = False
        self._closed = False
        self.unopened = False  # a closing tag without an opening tag was found

    def passes_through(self, text: str) -> bool:
        """Whether the whole piece is answer text; if so, it counts as fed."""
        if self._mode != "answer" or self._pending or self._trim or "<" in text:
            return False
        if "`" in text:
            self._track_code(text)
        self._has_text = True
        return True

    def feed(self, text: str) -> list[Piece]:
        """The pieces that can be classified now; may be empty."""
        pieces: list[Piece] = []
        for start in range(0, max(1, len(text)), _SLICE):
            self._pending += text[start : start + _SLICE]
            while self._step(pieces):
                pass
        return pieces

    def close(self) -> list[Piece]:
        """The rest. A block opened at the start and never closed is reasoning."""
        pending, self._pending = "".join((*self._held, self._pending)), ""
        if self._mode == "again":
            pending = self._opener + pending
        self._held = []
        kind: Kind = "thought" if self._mode == "thinking" else "text"
        self._mode = "answer"
        return [Piece(kind, pending)] if pending else []

    def _step(self, pieces: list[Piece]) -> bool:
        match self._mode:
            case "start" | "opened" if not self._begun:
                return self._read_start()
            case "answer":
                return self._read_answer(pieces)
            case _:
                return self._read_reasoning(pieces)

    def _read_start(self) -> bool:
        """Detect a block at the start of the answer."""
        text = self._pending.lstrip()
        if not text:
            self._held.append(self._pending)
            self._pending = ""
            return False
        if self._held:
            self._pending = "".join((*self._held, self._pending))
            self._held = []
        if text[0] in _FIRST:
            for block in _AT_START:
                opener = block[0]
                if _starts_with_tag(text, opener):
                    self._mode, self._block, self._pending = "thinking", block, text[len(opener) :]
                    self._begun = True
                    return True
            if any(opener.startswith(text.lower()) for opener, _ in _AT_START):
                return False
        if self._mode == "start":
            start = text.lower()
            # "A" starts answers far more often than "Alright": do not delay those answers.
            if start != "a" and any(one.startswith(start) for one in _REASONING_PREFIXES):
                return False
            looks_like_reasoning = _REASONING_OPENER.match(text) is not None
            self._mode, self._max_held = (
                ("opened", _MAX_HELD) if looks_like_reasoning else ("answer", None)
            )
        self._begun = True
        return True

    def _read_reasoning(self, pieces: list[Piece]) -> bool:
        # The opening tag is not in the text, so any closing tag may match.
        closers = _CLOSERS if self._mode == "opened" else self._block[1:]
        ends = [(at, tag) for tag in closers if (at := _find(self._pending, tag)) is not None]
        if not ends:
            kept = max(_partial_suffix(self._pending, tag) for tag in closers)
            cut = len(self._pending) - kept
            self._emit_reasoning(self._pending[:cut], pieces)
            self._pending = self._pending[cut:]
            return self._give_up_holding()
        at, closer = min(ends)
        self.unopened |= self._mode == "opened"
        self._emit_reasoning(self._pending[:at], pieces)
        if self._held:
            pieces.append(Piece("thought", "".join(self._held)))
            self._held = []
        self._resume_answer(at + len(closer))
        return True

    def _give_up_holding(self) -> bool:
        """Whether the held text is long enough to be treated as the answer from now on."""
        if self._mode != "opened" or self._max_held is None:
            return False
        if sum(map(len, self._held)) + len(self._pending) <= self._max_held:
            return False
        self._mode, self._pending = "answer", "".join((*self._held, self._pending))
        self._held = []
        return True

    def _emit_reasoning(self, text: str, pieces: list[Piece]) -> None:
        if not text:
            return
        if self._mode == "thinking":
            pieces.append(Piece("thought", text))
        else:
            self._held.append(text)

    def _read_answer(self, pieces: list[Piece]) -> bool:
        if self._trim:
            self._pending = self._pending.lstrip()
            self._trim = not self._pending
        for at, tag in self._tags():
            if tag is None:  # possibly the start of a tag
                self._emit_text(at, pieces)
                return False
            if tag.startswith("</"):
                self._retract_answer(at, tag, pieces)
            else:
                self._emit_text(at, pieces)
                self._opener, self._pending = self._pending[: len(tag)], self._pending[len(tag) :]
                self._mode = "again"
                self._block = next(block for block in _ANYWHERE if block[0] == tag)
            return True
        self._emit_text(len(self._pending), pieces)
        return False

    def _tags(self) -> Iterator[tuple[int, str | None]]:
        """Tags outside code; (offset, None) where an incomplete tag may start."""
        text, at = self._pending, self._pending.find("<")
        in_code, seen = self._in_code, 0
        while at >= 0:
            in_code ^= text.count("`", seen, at) % 2 == 1
            seen = at
            if not in_code:
                found = next((tag for tag in _TAGS if _starts_with_tag(text, tag, at)), None)
                if found is not None:
                    yield at, found
                elif len(text) - at < _MAX_TAG_LENGTH and _may_start_tag(text[at:].lower()):
                    yield at, None
            at = text.find("<", at + 1)

    def _retract_answer(self, at: int, tag: str, pieces: list[Piece]) -> None:
        """A closing tag of a block that the template opened: the text before it was reasoning."""
        if self._closed:
            self._emit_text(at, pieces)
            self._pending = self._pending[len(tag) :]
            return
        if self._has_text:
            pieces.append(Piece("retract", ""))
        if at:
            pieces.append(Piece("thought", self._pending[:at]))
        self.unopened = True
        self._in_code = False
        self._resume_answer(at + len(tag))

    def _resume_answer(self, at: int) -> None:
        if self._mode != "again" or not self._has_text:
            self._trim, self._has_text = True, False
        self._closed = True
        self._mode = "answer"
        self._pending = self._pending[at:]

    def _emit_text(self, at: int, pieces: list[Piece]) -> None:
        text, self._pending = self._pending[:at], self._pending[at:]
        if text:
            self._track_code(text)
            self._has_text = True
            pieces.append(Piece("text", text))

    def _track_code(self, text: str) -> None:
        self._in_code ^= text.count("`") % 2 == 1


def _starts_with_tag(text: str, tag: str, at: int = 0) -> bool:
    return text[at : at + len(tag)].lower() == tag


def _may_start_tag(text: str) -> bool:
    return any(tag.startswith(text) for tag in _TAGS)


def _find(text: str, tag: str) -> int | None:
    at = text.find(tag[0])
    while at >= 0:
        if _starts_with_tag(text, tag, at):
            return at
        at = text.find(tag[0], at + 1)
    return None


def _partial_suffix(text: str, tag: str) -> int:
    """Length of the longest suffix of `text` that is a prefix of `tag`."""
    end = text[-len(tag) + 1 :].lower()
    return next((len(end) - at for at in range(len(end)) if tag.startswith(end[at:])), 0)


class SplitText(NamedTuple):
    """A complete text. `unopened`: its reasoning had a closing tag but no opening tag."""

    reasoning: str
    answer: str
    unopened: bool


def split_reasoning(text: str) -> SplitText:
    """Reasoning and answer of a complete text."""
    splitter = ReasoningSplitter()
    reasoning: list[str] = []
    answer: list[str] = []
    for kind, piece in (*splitter.feed(text), *splitter.close()):
        if kind == "retract":
            reasoning, answer = [*reasoning, *answer], []
        else:
            (answer if kind == "text" else reasoning).append(piece)
    return SplitText("".join(reasoning), "".join(answer), splitter.unopened)


def without_reasoning(text: str) -> str:
    """The answer of a complete text."""
    if "<" not in text and text.lstrip()[:1] not in _FIRST:
        return text
    return split_reasoning(text).answer
