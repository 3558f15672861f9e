"""Questions that need two passages: `python -m bench.multi_hop`.

Each question of `two_hop/questions.json` needs two passages, over the sample library and the files
of `two_hop/documents`. It runs through the application's graph with a scripted model that follows
its prompts: it searches for what its passages do not say, and uses a name only if one of them
contains it. The measure is recall@5 of the needed passages among those graded last.
"""

from app.server.process import prepare_libraries

prepare_libraries()

import argparse
import asyncio
import json
import re
import shutil
import tempfile
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from langchain_core.messages import BaseMessage
from rich.console import Console

from app.config import reader_environment
from app.db.embedded.server import EmbeddedServer
from app.domain.models import Candidate, Filters
from app.domain.principals import LOCAL
from app.embeddings.minilm import MiniLM
from app.graph.nodes.rerank import KEPT
from app.graph.nodes.retrieve import CANDIDATES
from app.graph.parallel_search import interleaved
from app.graph.prompts import DECOMPOSE, GRADE
from app.graph.state import AnswerState, Node
from app.ingest.file_discovery import discover
from app.ingest.file_reader import FileReader
from app.ingest.files import FileStore
from app.ingest.pipeline import Ingestor
from app.ingest.sample_library import ingest_samples
from app.runs.ports import Question as Asked
from bench.retrieval_cache import CachedEncoder
from bench.retrieval_measures import estimate
from bench.retrieval_report import Rows, show
from bench.retrieval_systems import Library, open_library

FOLDER: Final = Path(__file__).parent / "two_hop"
TOP: Final = 5
_PASSAGE: Final = re.compile(r"<passage>\n(.*?)\n</passage>", re.DOTALL)


@dataclass(frozen=True, slots=True)
class TwoHop:
    """A question, a string of each passage it needs, and what a model would search.

    `steps`: from the question alone; `then`: for the second passage, once the first is known.
    """

    question: str
    needs: tuple[str, ...]
    steps: tuple[str, ...]
    then: str

    def found(self, texts: Sequence[str]) -> list[bool]:
        """Which of the needed passages are among these."""
        folded = [_folded(text) for text in texts]
        return [any(_folded(need) in text for text in folded) for need in self.needs]

    def missing(self, texts: Sequence[str]) -> Sequence[str]:
        """What a model that has read these passages searches next."""
        match self.found(texts):
            case [True, True]:
                return ()
            case [True, False]:
                return (self.then,)
            case [False, True]:
                return self.steps[:1]
            case _:
                return self.steps


@dataclass(slots=True)
class Asking:
    """One question on its way through the graph: the model's calls and the last ranking."""

    asked: TwoHop
    may_take_steps: bool
    calls: int = 0
    searches: int = 0
    ranked: Sequence[Candidate] = field(default_factory=tuple)

    async def judge(self, messages: Sequence[BaseMessage]) -> str | None:
        """A model that knows what is needed, and only what its prompt says."""
        self.calls += 1
        task = messages[0].content
        texts = _PASSAGE.findall(str(messages[-1].content))
        if task == DECOMPOSE:
            return "\n".join(self.asked.missing(texts) if self.may_take_steps else ()) or "NONE"
        if task == GRADE:
            relevant = [n for n, text in enumerate(texts, 1) if any(self.asked.found([text]))]
            return json.dumps({"relevant": relevant, "answerable": bool(relevant)})
        return None

    def watch(self, name: str, node: Node) -> Node:
        """Keeps what `rerank` puts first."""
        if name != "rerank":
            return node

        async def watched(state: AnswerState) -> AnswerState:
            update = await node(state)
            self.ranked = update["ranked"]
            self.searches += len(state.get("queries", ())) or 1
            return update

        return watched


def read_questions() -> list[TwoHop]:
    """The questions of the set."""
    rows = json.loads((FOLDER / "questions.json").read_text())
    return [
        TwoHop(row["question"], tuple(row["needs"]), tuple(row["steps"]), row["then"])
        for row in rows
    ]


def _folded(text: str) -> str:
    return " ".join(text.casefold().split())


@asynccontextmanager
async def filled_library(
    server: EmbeddedServer, encoder: CachedEncoder, files: Path
) -> AsyncIterator[Library]:
    """The samples and the files made for the questions. Raises `ValueError` if these miss one."""
    async with open_library(server, "two hops", encoder) as library:
        with closing(FileReader(encoder.count, environment=reader_environment())) as reader:
            ingestor = Ingestor(
                library.store, encoder, FileStore(files), reader, now=lambda: datetime.now(UTC)
            )
            await ingest_samples(ingestor)
            for request in discover([FOLDER / "documents"], shared=True).files:
                await ingestor.ingest(LOCAL, request)
        await _check(library)
        yield library


async def _check(library: Library) -> None:
    sources = (await library.store.sources(LOCAL)).items
    passages = [await library.store.passages(LOCAL, source.source_id) for source in sources]
    texts = [one.text for of_source in passages for one in of_source]
    for asked in read_questions():
        if not all(asked.found(texts)):
            raise ValueError(f"no passage has what is needed: {asked.question}")


async def measure(library: Library) -> Rows:
    """One row per way of searching."""
    questions = read_questions()
    single = [await _ask(library, one, may_take_steps=False) for one in questions]
    several = [await _ask(library, one, may_take_steps=True) for one in questions]
    alone = [await _from_question_alone(library, one) for one in questions]
    head = ("search", f"recall@{TOP}", f"all needed in {TOP}", f"all needed in {KEPT}")
    return [
        (*head, "searches", "model calls"),
        _row("single step", single),
        _row("steps named from the question alone", alone),
        _row("steps named after the first search", several),
    ]


async def _ask(library: Library, asked: TwoHop, *, may_take_steps: bool) -> Asking:
    asking = Asking(asked, may_take_steps)
    graph = library.graph_with(asking.judge, asking.watch)
    await graph.ainvoke(AnswerState(question=_question(asked)))
    return asking


async def _from_question_alone(library: Library, asked: TwoHop) -> Asking:
    """The scripted model's queries without passages, in place of the question."""
    ranked = []
    for query in asked.steps:
        found = await library.timed.search(LOCAL, query, filters=Filters(), limit=CANDIDATES)
        ranked.append((await library.timed.rerank(query, found.candidates)).candidates)
    made = interleaved(ranked)[:KEPT]
    return Asking(asked, may_take_steps=True, calls=1, searches=len(ranked), ranked=made)


def _question(asked: TwoHop) -> Asked:
    return Asked("r", "evaluation", "m", LOCAL, asked.question, Filters())


def _row(name: str, asked: Sequence[Asking]) -> Sequence[str]:
    def found(one: Asking, top: int) -> list[bool]:
        return one.asked.found([each.passage.text for each in one.ranked[:top]])

    shares = [sum(found(one, TOP)) / len(one.asked.needs) for one in asked]
    recall = estimate(shares)
    return (
        name,
        f"{recall.mean:.3f} ({recall.low:.3f}–{recall.high:.3f})",
        *(f"{sum(all(found(one, top)) for one in asked) / len(asked):.1%}" for top in (TOP, KEPT)),
        f"{sum(one.searches for one in asked) / len(asked):.2f}",
        f"{sum(one.calls for one in asked) / len(asked):.2f}",
    )


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure and print the table."""
    parser = argparse.ArgumentParser(prog="python -m bench.multi_hop", description=__doc__)
    parser.add_argument(
        "--cache", type=Path, default=Path(tempfile.gettempdir()) / "citestream-eval"
    )
    options = parser.parse_args(arguments)
    model = MiniLM.load()
    home = Path(tempfile.mkdtemp(prefix="citestream-hops-"))
    home.chmod(0o755)
    server = EmbeddedServer.start(home)
    try:
        encoder = CachedEncoder(model, options.cache)
        rows = asyncio.run(_measured(server, encoder, home / "files"))
    finally:
        server.release()
        shutil.rmtree(home, ignore_errors=True)
        model.close()
    show(Console(), rows)


async def _measured(server: EmbeddedServer, encoder: CachedEncoder, files: Path) -> Rows:
    async with filled_library(server, encoder, files) as library:
        return await measure(library)


if __name__ == "__main__":
    main()
