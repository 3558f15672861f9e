"""Separates what a model thinks from what it answers, in text that arrives in pieces.

Models without a reasoning field write their thoughts into the answer: `<think>…</think>`, or only
`</think>` where the chat template has opened the block. A block may be cut anywhere.
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
"""Blocks that an answer may begin with. Later only those of `_ANYWHERE` are blocks."""
_ANYWHERE: Final = _AT_START[:2]
_CLOSERS: Final = tuple(closer for _, closer in _ANYWHERE)
_TAGS: Final = tuple(tag for block in _ANYWHERE for tag in block)
_FIRST: Final = frozenset(opener[0] for opener, _ in _AT_START)
_SLICE: Final = 4_096
"""Characters looked at together: after each block the rest of them is copied."""
_LONGEST: Final = max(len(tag) for block in _AT_START for tag in block)

_MUSING: Final = re.compile(
    r"(?:okay|ok,|alright|hmm+|wait,|let me|let's|first,|so,|we (?:need|are|have|should|must)"
    r"|i (?:need|should|must|think|have to|will|am)|i'll|the user|the question)",
    re.IGNORECASE,
)
_MUSING_STARTS: Final = ("okay", "alright", "hmm", "let me", "let's", "first,")
_MAX_MUSING: Final = 600
"""Characters. What begins as thoughts do is held as long, should nothing have opened them; beyond
that it is shown, and taken back if they end after all."""

Kind = Literal["text", "thought", "retract"]


class Piece(NamedTuple):
    """`retract`: all text so far was a thought, the `thought` that follows is the rest of it."""

    kind: Kind
    text: str


class ThoughtSplitter:
    """Feed pieces in order, then `close`. `opened`: the template opens a block, as it did before.

    The text of such an answer is held until the block is closed; it is the answer when it never is.
    """

    def __init__(self, *, opened: bool = False) -> None:
        self._mode: Literal["start", "opened", "thinking", "again", "answer"] = (
            "opened" if opened else "start"
        )
        self._rest = ""  # not decided yet
        self._held: list[str] = []  # of a block that may turn out to be text
        self._most: int | None = None  # characters held
        self._block = _AT_START[0]
        self._opener = ""  # of a block that is not the first, as it was written
        self._trim = False  # blank space after a block belongs to neither
        self._in_code = False
        self._begun = False  # more than blank space has come
        self._said = False
        self._closed = False
        self.unopened = False  # a block was closed that nothing had opened

    def passes(self, text: str) -> bool:
        """Whether this piece is text as a whole; it counts as fed then."""
        if self._mode != "answer" or self._rest or self._trim or "<" in text:
            return False
        if "`" in text:
            self._see_code(text)
        self._said = True
        return True

    def feed(self, text: str) -> list[Piece]:
        """What is decided now; may be nothing."""
        pieces: list[Piece] = []
        for start in range(0, max(1, len(text)), _SLICE):
            self._rest += text[start : start + _SLICE]
            while self._step(pieces):
                pass
        return pieces

    def close(self) -> list[Piece]:
        """What is left. A block that was opened at the start and never closed is a thought."""
        rest, self._rest = "".join((*self._held, self._rest)), ""
        if self._mode == "again":
            rest = self._opener + rest
        self._held = []
        kind: Kind = "thought" if self._mode == "thinking" else "text"
        self._mode = "answer"
        return [Piece(kind, rest)] if rest else []

    def _step(self, pieces: list[Piece]) -> bool:
        match self._mode:
            case "start" | "opened" if not self._begun:
                return self._begin()
            case "answer":
                return self._answer(pieces)
            case _:
                return self._think(pieces)

    def _begin(self) -> bool:
        """Look for a block at the start of the answer."""
        text = self._rest.lstrip()
        if not text:
            self._held.append(self._rest)
            self._rest = ""
            return False
        if self._held:
            self._rest = "".join((*self._held, self._rest))
            self._held = []
        if text[0] in _FIRST:
            for block in _AT_START:
                opener = block[0]
                if _is(text, opener):
                    self._mode, self._block, self._rest = "thinking", block, text[len(opener) :]
                    self._begun = True
                    return True
            if any(opener.startswith(text.lower()) for opener, _ in _AT_START):
                return False
        if self._mode == "start":
            start = text.lower()
            # "A" begins answers far more often than "Alright", and they are not held up for that.
            if start != "a" and any(one.startswith(start) for one in _MUSING_STARTS):
                return False
            musing = _MUSING.match(text) is not None
            self._mode, self._most = ("opened", _MAX_MUSING) if musing else ("answer", None)
        self._begun = True
        return True

    def _think(self, pieces: list[Piece]) -> bool:
        # What opened a block that is not in the text may have been any of them.
        closers = _CLOSERS if self._mode == "opened" else self._block[1:]
        ends = [(at, tag) for tag in closers if (at := _find(self._rest, tag)) is not None]
        if not ends:
            kept = max(_unfinished(self._rest, tag) for tag in closers)
            cut = len(self._rest) - kept
            self._thought(self._rest[:cut], pieces)
            self._rest = self._rest[cut:]
            return self._tired()
        at, closer = min(ends)
        self.unopened |= self._mode == "opened"
        self._thought(self._rest[:at], pieces)
        if self._held:
            pieces.append(Piece("thought", "".join(self._held)))
            self._held = []
        self._answer_after(at + len(closer))
        return True

    def _tired(self) -> bool:
        """Whether what was held long enough counts as text from now on."""
        if self._mode != "opened" or self._most is None:
            return False
        if sum(map(len, self._held)) + len(self._rest) <= self._most:
            return False
        self._mode, self._rest = "answer", "".join((*self._held, self._rest))
        self._held = []
        return True

    def _thought(self, text: str, pieces: list[Piece]) -> None:
        if not text:
            return
        if self._mode == "thinking":
            pieces.append(Piece("thought", text))
        else:
            self._held.append(text)

    def _answer(self, pieces: list[Piece]) -> bool:
        if self._trim:
            self._rest = self._rest.lstrip()
            self._trim = not self._rest
        for at, tag in self._tags():
            if tag is None:  # perhaps the beginning of one
                self._say(at, pieces)
                return False
            if tag.startswith("</"):
                self._unopened(at, tag, pieces)
            else:
                self._say(at, pieces)
                self._opener, self._rest = self._rest[: len(tag)], self._rest[len(tag) :]
                self._mode = "again"
                self._block = next(block for block in _ANYWHERE if block[0] == tag)
            return True
        self._say(len(self._rest), pieces)
        return False

    def _tags(self) -> Iterator[tuple[int, str | None]]:
        """The tags outside code, and where a tag may begin that is not whole yet."""
        text, at = self._rest, self._rest.find("<")
        in_code, seen = self._in_code, 0
        while at >= 0:
            in_code ^= text.count("`", seen, at) % 2 == 1
            seen = at
            if not in_code:
                found = next((tag for tag in _TAGS if _is(text, tag, at)), None)
                if found is not None:
                    yield at, found
                elif len(text) - at < _LONGEST and _begins(text[at:].lower()):
                    yield at, None
            at = text.find("<", at + 1)

    def _unopened(self, at: int, tag: str, pieces: list[Piece]) -> None:
        """The end of a block that the template has opened: what came before it was no answer."""
        if self._closed:
            self._say(at, pieces)
            self._rest = self._rest[len(tag) :]
            return
        if self._said:
            pieces.append(Piece("retract", ""))
        if at:
            pieces.append(Piece("thought", self._rest[:at]))
        self.unopened = True
        self._in_code = False
        self._answer_after(at + len(tag))

    def _answer_after(self, at: int) -> None:
        if self._mode != "again" or not self._said:
            self._trim, self._said = True, False
        self._closed = True
        self._mode = "answer"
        self._rest = self._rest[at:]

    def _say(self, at: int, pieces: list[Piece]) -> None:
        text, self._rest = self._rest[:at], self._rest[at:]
        if text:
            self._see_code(text)
            self._said = True
            pieces.append(Piece("text", text))

    def _see_code(self, text: str) -> None:
        self._in_code ^= text.count("`") % 2 == 1


def _is(text: str, tag: str, at: int = 0) -> bool:
    return text[at : at + len(tag)].lower() == tag


def _begins(text: str) -> bool:
    return any(tag.startswith(text) for tag in _TAGS)


def _find(text: str, tag: str) -> int | None:
    at = text.find(tag[0])
    while at >= 0:
        if _is(text, tag, at):
            return at
        at = text.find(tag[0], at + 1)
    return None


def _unfinished(text: str, tag: str) -> int:
    """How many characters at the end may be the beginning of `tag`."""
    end = text[-len(tag) + 1 :].lower()
    return next((len(end) - at for at in range(len(end)) if tag.startswith(end[at:])), 0)


class Split(NamedTuple):
    """A whole text. `unopened`: its thoughts had an end but no beginning."""

    thoughts: str
    answer: str
    unopened: bool


def split_thoughts(text: str) -> Split:
    """What was thought and what was answered in a whole text."""
    splitter = ThoughtSplitter()
    thoughts: list[str] = []
    said: list[str] = []
    for kind, piece in (*splitter.feed(text), *splitter.close()):
        if kind == "retract":
            thoughts, said = [*thoughts, *said], []
        else:
            (said if kind == "text" else thoughts).append(piece)
    return Split("".join(thoughts), "".join(said), splitter.unopened)


def without_thoughts(text: str) -> str:
    """The answer in a whole text."""
    if "<" not in text and text.lstrip()[:1] not in _FIRST:
        return text
    return split_thoughts(text).answer
