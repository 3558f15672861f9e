"""Merges frames that arrived together: cuts anywhere change nothing, and nothing waits."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, cast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from typing_extensions import override

from app.domain.ports import DELTAS
from app.llm.sse_coalescer import Chunk, FrameMerger


@dataclass
class Answer:
    """The result for a reader of all chunks."""

    text: str = ""
    reasoning: str = ""
    arguments: str = ""
    roles: list[str] = field(default_factory=list)
    finish: list[str] = field(default_factory=list)
    usage: list[dict[str, int]] = field(default_factory=list)
    errors: list[object] = field(default_factory=list)
    order: list[str] = field(default_factory=list)  # of the kinds, without repeats
    deltas: int = 0

    def add(self, chunk: Chunk) -> None:
        if chunk.get("usage"):
            self.usage.append(chunk["usage"])
        if chunk.get("error"):
            self.errors.append(chunk["error"])
        for choice in chunk.get("choices", ()):
            self._delta(choice["delta"], chunk.get(DELTAS, 1))
            if choice.get("finish_reason"):
                self.finish.append(choice["finish_reason"])
                self._came("finish")

    def _delta(self, delta: dict[str, Any], deltas: int) -> None:
        if delta.get("role"):
            self.roles = list(dict.fromkeys([*self.roles, delta["role"]]))
        if delta.get("reasoning_content"):
            self.reasoning += delta["reasoning_content"]
            self._came("reasoning")
        if delta.get("content"):
            self.text += delta["content"]
            self.deltas += deltas
            self._came("text")
        for call in delta.get("tool_calls") or ():
            self.arguments += call["function"]["arguments"]
            self._came("tool")

    def _came(self, kind: str) -> None:
        if not self.order or self.order[-1] != kind:
            self.order.append(kind)


def chunk(delta: dict[str, Any], **other: Any) -> Chunk:
    choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": None}
    return {"id": "c1", "choices": [choice | other], "usage": None}


TEXT = st.text(min_size=1, max_size=6) | st.sampled_from(
    ["é", "😀", "\u2028", "\r\n", "data: ", "[1]"]
)
CHUNKS = st.one_of(
    TEXT.map(lambda text: chunk({"content": text})),
    TEXT.map(lambda text: chunk({"content": text})),
    TEXT.map(lambda text: chunk({"role": "assistant", "content": text, "tool_calls": None})),
    TEXT.map(lambda text: chunk({"content": text}, logprobs={"content": [{"token": text}]})),
    TEXT.map(lambda text: chunk({"reasoning_content": text})),
    TEXT.map(lambda text: chunk({"content": text, "reasoning_content": text})),
    TEXT.map(lambda text: chunk({"tool_calls": [{"index": 0, "function": {"arguments": text}}]})),
    st.just(chunk({"role": "assistant", "content": ""})),
    st.just(chunk({}, finish_reason="stop")),
    st.just({"id": "c1", "choices": [], "usage": {"completion_tokens": 7}}),
    st.just({"error": {"message": "overloaded"}}),
)
FRAMES = st.lists(CHUNKS | st.just(": keep-alive"), max_size=30)
ENDS = st.sampled_from(["\n", "\r\n", "\r"])


def written(frames: Sequence[Chunk | str], end: str, *, ascii_only: bool = False) -> list[bytes]:
    """Each frame as it is sent."""
    lines = [
        f if isinstance(f, str) else f"data: {json.dumps(f, ensure_ascii=ascii_only)}"
        for f in frames
    ]
    return [f"{line}{end}{end}".encode() for line in lines]


def pieces(data: bytes, cuts: Sequence[int]) -> list[bytes]:
    places = sorted({cut % (len(data) + 1) for cut in cuts})
    return [data[a:b] for a, b in zip([0, *places], [*places, len(data)], strict=True)]


def folded(chunks: Sequence[Chunk | str]) -> Answer:
    answer = Answer()
    for one in chunks:
        if not isinstance(one, str):
            answer.add(one)
    return answer


CUTS = st.lists(st.integers(0, 10_000), max_size=20)


@given(FRAMES, ENDS, CUTS, st.booleans())
@settings(max_examples=150)
def test_a_stream_that_is_cut_anywhere_says_the_same(
    frames: list[Chunk | str], end: str, cuts: list[int], ascii_only: bool
) -> None:
    data = b"".join(written(frames, end, ascii_only=ascii_only))
    merger = FrameMerger()
    out = [one for piece in pieces(data, cuts) for one in merger.feed(piece)]
    assert folded(out) == folded(frames)
    assert (merger.done, merger.error) == (False, None)


@given(FRAMES, ENDS, CUTS)
@settings(max_examples=75)
def test_nothing_that_is_whole_waits(frames: list[Chunk | str], end: str, cuts: list[int]) -> None:
    sent = written(frames, end)
    merger, out, seen = FrameMerger(), list[Chunk](), 0
    for piece in pieces(b"".join(sent), cuts):
        out += merger.feed(piece)
        seen += len(piece)
        count, whole = 0, 0
        # A line feed after a carriage return is not waited for.
        slack = 1 if end == "\r\n" else 0
        while count < len(sent) and whole + len(sent[count]) - slack <= seen:
            whole += len(sent[count])
            count += 1
        assert folded(out) == folded(frames[:count])


@given(FRAMES, CUTS, st.sampled_from([b"data: [DONE]\n\n", b"data: {broken\n\n"]))
@settings(max_examples=75)
def test_what_came_before_the_end_or_a_broken_frame_is_kept(
    frames: list[Chunk | str], cuts: list[int], last: bytes
) -> None:
    data = b"".join([*written(frames, "\n"), last])
    merger, out = FrameMerger(), list[Chunk]()
    for piece in pieces(data, cuts):
        out += merger.feed(piece)
    assert folded(out) == folded(frames)
    assert merger.done == (b"DONE" in last)
    assert (merger.error is not None) == (not merger.done)


def test_pieces_of_text_that_came_together_are_one_chunk() -> None:
    sent = written([chunk({"content": c}) for c in "merged"], "\n")
    (one,) = FrameMerger().feed(b"".join(sent))
    assert (one["choices"][0]["delta"]["content"], one[DELTAS]) == ("merged", 6)


@pytest.mark.parametrize(
    "other",
    [
        pytest.param({"id": "c2"}, id="another answer"),
        pytest.param({"choices": [{"index": 1, "delta": {"content": "b"}}]}, id="another choice"),
        pytest.param({"usage": {"completion_tokens": 1}}, id="usage"),
    ],
)
def test_what_does_not_belong_together_is_not_merged(other: dict[str, Any]) -> None:
    first = chunk({"content": "a"})
    sent = written([first, first | other], "\n")
    assert len(FrameMerger().feed(b"".join(sent))) == 2


def test_half_a_surrogate_pair_is_read_as_it_is() -> None:
    sent = [json.dumps(chunk({"content": half})) for half in ("\ud83d", "\ude00")]
    data = b"".join(b"data: %b\n\n" % one.encode() for one in sent)
    assert folded(FrameMerger().feed(data)).text == "\ud83d\ude00"


def test_data_over_several_lines_is_one_frame() -> None:
    data = b'event: x\ndata: {"choices":\ndata:[]}\nid: 7\n\n'
    assert FrameMerger().feed(data) == [{"choices": []}]


def test_a_long_frame_is_searched_once() -> None:
    """Bytes are joined when the frame is whole, never while it grows."""

    class Counted(bytes):
        searched = 0

        @override
        def __contains__(self, part: object) -> bool:
            Counted.searched += len(self)
            return super().__contains__(cast("bytes", part))

    text = "a" * 100_000
    sent = written([chunk({"content": text})], "\n")[0]
    merger, out = FrameMerger(), list[Chunk]()
    for at in range(0, len(sent), 100):
        out += merger.feed(Counted(sent[at : at + 100]))
    assert folded(out).text == text
    assert 0 < Counted.searched <= 4 * len(sent)


def test_a_frame_without_an_end_is_no_answer() -> None:
    merger = FrameMerger()
    merger.feed(b"data: ")
    while merger.error is None:
        merger.feed(b"a" * 2**20)
    assert merger.feed(b"") == []


@pytest.mark.parametrize("value", ["7", "null", "[]", '"text"'])
def test_a_frame_that_is_no_object_says_nothing(value: str) -> None:
    merger = FrameMerger()
    sent = written([chunk({"content": "a"})], "\n")[0]
    out = merger.feed(f"data: {value}\n\n".encode() + sent)
    assert (folded(out).text, merger.error) == ("a", None)
