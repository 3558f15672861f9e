"""Answers what is asked about whole sources or the library; everything else goes to search."""

import asyncio
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Final

from app.domain.models import Candidate, LibraryCounts, Passage, Source
from app.domain.ports import Library, PassageSearch
from app.domain.token_estimate import estimated_tokens
from app.graph import composition, talk
from app.graph.comparison import comparison
from app.graph.composed_text import Composed
from app.graph.contextualizer import Contextualizer
from app.graph.query_contextualization import is_talk
from app.graph.question_kind import TALK, AskedFor, asked_for
from app.graph.question_parts import SplitQuestion, split
from app.graph.source_finder import Similarity, SourceFinder
from app.graph.source_matching import (
    MIN_NAMED_SHARE,
    Section,
    in_category,
    main_title,
    named,
    numbered_section,
    sections,
    under_heading,
)
from app.graph.state import AnswerState, Node, Plan
from app.runs.ports import Question
from app.text.tokens import content_terms

SCANNED_PASSAGES: Final = 1_000
SECTION_CANDIDATES: Final = 50
MAX_SECTIONS: Final = 3
SUMMARISED_TOGETHER: Final = 5
EVIDENCE_TOKENS: Final = 6_000
"""Estimated tokens of the passages that a model gets about a whole source."""
_MORE: Final = frozenset(
    ("more", "show more", "next", "show the next ones", "go on", "the rest", "show the rest")
)


@dataclass(frozen=True, slots=True)
class Planner:
    """What the node needs. `quotes_only`: no model writes answers."""

    library: Library
    search: PassageSearch
    similarity: Similarity
    quotes_only: bool
    answers_by: str  # the sentence that names the model
    clock: Callable[[], float]


_Answer = Composed | str | Sequence[Passage] | None
"""A text, with or without passages; passages for a model to answer from; None: search."""


def make_plan(planner: Planner, contextualizer: Contextualizer) -> Node:
    """Sets `plan`, and `composed` or `kept` when no search is needed, `queries` for several."""

    async def plan(state: AnswerState) -> AnswerState:
        began = planner.clock()
        question = state["question"]
        calls = 0
        if not _is_whole(question):
            if (parts := await split(question, contextualizer)) is not None:
                searches = _searches(parts, quotes_only=planner.quotes_only)
                return searches | {"ms": (planner.clock() - began) * 1000}
            found = await contextualizer.standalone(question)
            question, calls = replace(question, text=found.text), found.model_calls
        made = _Planning(planner, question, planned_question(question))
        answer = await made.answer()
        kind = "lookup" if answer is None else made.asked.kind
        update: AnswerState = {
            "standalone": question.text,
            "plan": Plan(kind, tuple((s.source_id, s.title) for s in made.sources)),
            "ms": (planner.clock() - began) * 1000,
        }
        if calls:
            update["model_calls"] = calls
        if isinstance(answer, str):
            return update | {"composed": answer, "kept": ()}
        if isinstance(answer, Composed):
            return update | {"composed": answer.text, "kept": _kept(answer.passages)}
        return update if answer is None else update | {"kept": _kept(answer)}

    return plan


def _searches(parts: SplitQuestion, *, quotes_only: bool) -> AnswerState:
    update: AnswerState = {
        "standalone": parts.standalone,
        "queries": parts.queries,
        "plan": Plan("multi_step"),
    }
    return update if quotes_only else update | {"model_calls": parts.model_calls}


def _is_whole(question: Question) -> bool:
    """Whether earlier turns cannot change what is asked: small talk, "show more"."""
    asked = planned_question(question)
    if asked.kind in TALK:
        return not question.history or is_talk(question.text)
    return asked.kind == "inventory" and _is_more(question.text)


def planned_question(question: Question) -> AskedFor:
    """The kind of the question; "show more" continues a list of sources."""
    if _is_more(question.text):
        for turn in reversed(question.history):
            if not _is_more(turn.question):
                earlier = asked_for(turn.question)
                return earlier if earlier.kind == "inventory" else asked_for(question.text)
    return asked_for(question.text)


class _Planning:
    """One question being planned; `sources` are those it is about."""

    def __init__(self, planner: Planner, question: Question, asked: AskedFor) -> None:
        self._planner = planner
        self._question = question
        self._finder = SourceFinder(planner.library, planner.similarity, question)
        self.asked = asked
        self.sources: list[Source] = []

    async def answer(self) -> _Answer:
        match self.asked.kind:
            case "greeting" | "about" | "thanks" | "farewell" | "unclear":
                return await self._talk()
            case "task":
                return await self._task()
            case "inventory":
                return await self._inventory()
            case "mentions":
                return await self._mentions()
            case "details":
                return await self._details()
            case "whole":
                return await self._whole()
            case "section":
                return await self._section()
            case "comparison":
                return await self._comparison()
            case _:
                return None

    async def _talk(self) -> str:
        match self.asked.kind:
            case "thanks":
                return talk.thanks()
            case "farewell":
                return talk.farewell()
            case "unclear":
                return talk.unclear()
            case _:
                pass
        counts, examples = await asyncio.gather(self._counts(), self._examples())
        if self.asked.kind == "greeting":
            return talk.greeting(examples, counts)
        return talk.about(examples, counts, answers_by=self._planner.answers_by)

    async def _counts(self) -> LibraryCounts:
        return await self._planner.library.counts(self._question.principal)

    async def _examples(self) -> list[str]:
        """Three questions that can be asked of this library."""
        page = await self._planner.library.sources(self._question.principal, limit=3)
        titles = [main_title(source.title) for source in page.items]
        if not titles:
            return []
        examples = ["Which documents do you have?", f"Summarise “{titles[0]}”"]
        if len(titles) > 1:
            return [*examples, f"Compare “{titles[0]}” and “{titles[1]}”"]
        return [*examples, f"What are the key points of “{titles[0]}”?"]

    async def _task(self) -> str | None:
        if not self._planner.quotes_only:
            return None
        subject = self.asked.subject
        about = named(subject, await self._finder.readable()) if subject else []
        return talk.cannot_create(subject, about)

    async def _inventory(self) -> _Answer:
        everything = await self._finder.readable()
        if not everything:
            return talk.nothing_to_list()
        if self.asked.source_kind is not None:
            everything = [one for one in everything if one.kind == self.asked.source_kind]
        topic, by_meaning = self.asked.subject, False
        listed = everything
        if topic:
            listed = in_category(topic, everything)
            if not listed:
                listed, by_meaning = await self._finder.about_topic(topic, everything), True
            if len(listed) < 1 + (not self.asked.is_certain):
                return None
        listed = sorted(listed, key=lambda one: (one.kind, one.title.lower()))
        if self.asked.counts_only and not topic:
            return composition.counts(everything)
        offset = _listed_before(self._question) if _is_more(self._question.text) else 0
        shown = listed[offset : offset + composition.LISTED_SOURCES]
        self.sources = shown
        openings = await self._finder.openings(shown)
        return composition.inventory(
            shown,
            openings,
            total=len(listed),
            of=len(everything),
            topic=topic,
            by_meaning=by_meaning,
            offset=offset,
        )

    async def _mentions(self) -> _Answer:
        subject, filters = self.asked.subject, self._question.filters
        if self.asked.source_kind is not None:
            filters = filters.model_copy(update={"kinds": (self.asked.source_kind,)})
        terms = content_terms(subject)
        found = await self._planner.search.search(
            self._question.principal, subject, filters=filters, limit=SCANNED_PASSAGES
        )
        if not terms or found.reading is not None:
            return None
        naming = [
            one.passage
            for one in found.candidates
            if terms <= content_terms(f"{one.passage.title} {one.passage.text}")
            and terms & content_terms(one.passage.text)
        ]
        if not naming and not self.asked.is_certain:
            return None
        per_source = Counter(one.source_id for one in naming)
        return composition.mentions(
            subject,
            naming,
            total=len(naming),
            sources=len(per_source),
            searched=found.searched_sources,
            is_yes_no=self.asked.is_yes_no,
        )

    async def _details(self) -> _Answer:
        sources = await self._finder.asked_about(
            self.asked.subject, is_certain=self.asked.is_certain
        )
        if len(sources) != 1:
            return None
        self.sources = sources
        opening = (await self._finder.openings(sources)).get(sources[0].source_id, ())
        return composition.details(sources[0], self.asked.other, opening[:1])

    async def _whole(self) -> _Answer:
        sources = await self._finder.asked_about(
            self.asked.subject, is_certain=self.asked.is_certain
        )
        if not sources:
            return None
        if len(sources) > SUMMARISED_TOGETHER:
            if not self.asked.is_certain:
                return None
            self.asked = AskedFor("inventory")
            return await self._inventory()
        self.sources = sources
        texts = await self._finder.texts(sources)
        if not self._planner.quotes_only:
            return _within_budget(texts)
        if len(sources) == 1:
            return composition.overview(sources[0], texts[0])
        return composition.overviews(sources, texts)

    async def _section(self) -> _Answer:
        if self.asked.subject.rstrip(".").isdigit():
            return await self._numbered_section()
        found = await self._planner.search.search(
            self._question.principal,
            self.asked.subject,
            filters=self._question.filters,
            limit=SECTION_CANDIDATES,
        )
        headed = Counter(
            (one.passage.source_id, heading)
            for one in found.candidates
            if (heading := under_heading(self.asked.subject, one.passage))
        )
        if not 0 < len(headed) <= MAX_SECTIONS:
            return await self._whole_if_named()
        groups = []
        for source_id, heading in headed:
            passages = await self._planner.library.passages(self._question.principal, source_id)
            under = tuple(
                one for one in passages if one.heading and heading in one.heading.split(" > ")
            )
            if under:
                groups.append(Section(heading, under))
        if not groups:
            return None
        if not self._planner.quotes_only:
            return _within_budget([group.passages for group in groups])
        return composition.whole_section(groups)

    async def _whole_if_named(self) -> _Answer:
        """ "Tell me about metformin" is about a source; other subjects are searched."""
        about = await self._finder.named_closely(self.asked.subject)
        if len(about) != 1:
            return None
        self.asked = replace(self.asked, kind="whole")
        return await self._whole()

    async def _numbered_section(self) -> _Answer:
        sources = await self._finder.asked_about(self.asked.other, is_certain=self.asked.is_certain)
        if len(sources) != 1:
            return None
        passages = await self._planner.library.passages(
            self._question.principal, sources[0].source_id
        )
        under = numbered_section(self.asked.subject, passages)
        if not under:
            return None
        self.sources = sources
        if not self._planner.quotes_only:
            return _within_budget([under])
        return composition.whole_section(sections(under))

    async def _comparison(self) -> _Answer:
        readable = await self._finder.readable()
        pair = [
            named(subject, readable, min_share=0.0 if self.asked.is_certain else MIN_NAMED_SHARE)
            for subject in (self.asked.subject, self.asked.other)
        ]
        if any(len(found) != 1 for found in pair):
            return None
        one, other = pair[0][0], pair[1][0]
        if one.source_id == other.source_id:
            return (
                f"Both names stand for “{one.title}”, so there is nothing to compare. "
                "Name two sources, or ask what this one says."
            )
        self.sources = [one, other]
        texts = await self._finder.texts(self.sources)
        if not self._planner.quotes_only:
            return _within_budget(texts)
        return comparison((one, other), (texts[0], texts[1]))


def _is_more(text: str) -> bool:
    return text.lower().strip(" .!?…") in _MORE


def _listed_before(question: Question) -> int:
    """The sources that the answers just before this question listed."""
    listed = 0
    for turn in reversed(question.history):
        listed += sum(line.startswith("- ") for line in turn.answer.splitlines())
        if not _is_more(turn.question):
            break
    return listed


def _within_budget(texts: Sequence[Sequence[Passage]]) -> list[Passage]:
    """Passages for a model: all, or as many of each text, spread evenly, as fit."""
    chosen: list[Passage] = []
    for passages in texts:
        budget = EVIDENCE_TOKENS // len(texts)
        total = sum(estimated_tokens(one.text) for one in passages)
        step = max(1, -(-total // budget))
        chosen += passages[::step]
    return chosen


def _kept(passages: Sequence[Passage]) -> tuple[Candidate, ...]:
    return tuple(
        Candidate(passage=one, score=1.0, cosine=1.0, bm25=0.0, coverage=1.0) for one in passages
    )
