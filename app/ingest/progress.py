"""The output of `python -m app.ingest`: a progress bar per file, then a table."""

from collections import Counter
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePath
from time import monotonic
from typing import Final

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn
from rich.table import Table
from rich.text import Text

from app.domain.encoding import counted, printable
from app.domain.library_ports import Change
from app.domain.models import FidelityNote
from app.domain.principals import Principal
from app.ingest import pipeline as ingesting
from app.ingest.batching import batches
from app.ingest.expansion import Expansion, is_container
from app.ingest.fidelity_report import describe
from app.ingest.file_discovery import Discovered
from app.ingest.ingest_request import IngestRequest
from app.ingest.pipeline import Ingested, Ingestor

_SHARES: Final = {"read": 0.02, "cut": 0.05, "embed": 0.95, "store": 1.0}
_VERBS: Final = {"read": "reading", "cut": "cutting", "embed": "embedding", "store": "storing"}

Done = Callable[[Sequence[tuple[str, Ingested | str]]], Awaitable[None]]
"""Called with file names and their results, or failure reasons as strings."""


BAR_EVERY_S: Final = 0.1
LINE_EVERY_S: Final = 10.0
"""Interval of progress lines when the output is not a terminal."""
MAX_NAMED: Final = 20
MAX_LISTED: Final = 100
"""Files in the closing table; laying out thousands of rows takes longer than ingesting them."""


@dataclass(frozen=True, slots=True)
class Ended:
    """`code` is 1 when a file or folder could not be read. `expansions`: of container files."""

    code: int
    expansions: Sequence[Expansion]


class ProgressDisplay:
    """Shows progress on one console."""

    def __init__(self, console: Console, *, clock: Callable[[], float] = monotonic) -> None:
        self._console = console
        self._is_terminal = console.is_terminal
        self._clock = clock
        self._next_shown = clock() + (BAR_EVERY_S if self._is_terminal else LINE_EVERY_S)

    async def ingest_all(
        self,
        ingestor: Ingestor,
        principal: Principal,
        found: Discovered,
        *,
        done: Done,
        expect: Callable[[int], Awaitable[None]],
    ) -> "Ended":
        """Ingest the files in order. A failure is reported and does not stop the others.

        `done` is awaited after each batch, `expect` with the number of files found in a container.
        """
        for folder, reason in found.unreadable:
            self.complain(folder, f"the folder cannot be read ({reason})")
        began = self._clock()
        with self._bar() as bar:
            run = _Run(self, bar, done, total=len(found.files), failed=len(found.unreadable))
            for batch in batches(found.files):
                if not is_container(batch[0]):
                    await run.ingest(ingestor, principal, batch, inside=None)
                    continue
                async with ingestor.expanded(batch[0]) as expansion:
                    await expect(expansion.total - 1)
                    await run.ingest_expanded(ingestor, principal, batch[0], expansion)
        self._summarise(run, self._clock() - began)
        return Ended(1 if run.failed else 0, run.expansions)

    def report_gone(self, names: Sequence[str], *, removed: bool) -> None:
        """Report sources whose file is gone; `removed`: they have been removed from the library."""
        if not names:
            return
        shown = ", ".join(names[:MAX_NAMED]) + (", …" if len(names) > MAX_NAMED else "")
        count = counted(len(names), "source")
        says = "removed" if removed else "of missing files kept (--sync removes them)"
        line = f"{count} {says}: {shown}"
        self._console.print(printable(line), markup=False, soft_wrap=True)

    def complain(self, path: Path, reason: str) -> None:
        """Report why a file is not ingested."""
        line = printable(f"{path}: {reason}")
        self._console.print(line, style="red", markup=False, soft_wrap=True)

    def is_due(self) -> bool:
        """Whether to show progress now, since most updates are too frequent."""
        if self._clock() < self._next_shown:
            return False
        self._next_shown = self._clock() + (BAR_EVERY_S if self._is_terminal else LINE_EVERY_S)
        return True

    def say_progress(self, done: int, total: int, failed: int, doing: str = "") -> None:
        """Print a progress line when the output is not a terminal."""
        if self._is_terminal or done == total:
            return
        failures = f", {failed:,} failed" if failed else ""
        line = f"{done:,} of {total:,} files{failures}{doing}"
        self._console.print(line, highlight=False, markup=False, soft_wrap=True)

    @contextmanager
    def reembedding(self) -> Iterator[Callable[[int, int], None]]:
        """Show a progress bar over the sources."""
        with self._bar() as bar:
            task = bar.add_task("embedding anew", total=None)
            yield lambda done, total: bar.update(task, completed=done, total=total)

    def _bar(self) -> Progress:
        return Progress(
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.description}", markup=False),
            console=self._console,
            transient=True,
            disable=not self._is_terminal,  # else rich lays it out even without a terminal
        )

    def _summarise(self, run: "_Run", seconds: float) -> None:
        done = list(run.stored.items())
        if done:
            table = Table("File", "Title", "Kind", "Passages", "")
            for file, one in done[:MAX_LISTED]:
                cells = (file.name, one.title, one.kind, str(one.passages), _change(one))
                table.add_row(*map(_cell, cells))
            self._console.print(table)
        if len(done) > MAX_LISTED:
            self._console.print(f"… and {len(done) - MAX_LISTED:,} more")
        self._list_notes(
            [(name, [FidelityNote("pictures", count)]) for name, count in run.pictures.items()]
            + [(file.name, one.notes) for file, one in done if one.notes]
        )
        passages = sum(one.passages for _, one in done if one.change != "unchanged")
        self._console.print(
            f"{_counts([one.change for _, one in done], run.failed)}; "
            f"{counted(passages, 'passage')} embedded in {seconds:.1f} s"
        )

    def _list_notes(self, noted: Sequence[tuple[str, Sequence[FidelityNote]]]) -> None:
        """List content missing from the text, one line per file."""
        for name, notes in noted[:MAX_LISTED]:
            line = printable(f"{name}: {describe(notes)}")
            self._console.print(line, markup=False, soft_wrap=True)
        if len(noted) > MAX_LISTED:
            self._console.print(
                f"… and {len(noted) - MAX_LISTED:,} more files that are not all text"
            )


class _Run:
    """The counts of one call and its progress bar."""

    def __init__(
        self, display: ProgressDisplay, bar: Progress, done: Done, *, total: int, failed: int
    ) -> None:
        self._display = display
        self._bar = bar
        self._task = bar.add_task("", total=total)
        self._done = done
        self._ended = 0
        self._shares: dict[IngestRequest, float] = {}
        self.total = total
        self.failed = failed
        self.stored: dict[IngestRequest, Ingested] = {}
        self.pictures: dict[str, int] = {}
        self.expansions: list[Expansion] = []

    async def ingest_expanded(
        self,
        ingestor: Ingestor,
        principal: Principal,
        file: IngestRequest,
        expansion: Expansion,
    ) -> None:
        """Ingest a container file and its members."""
        self.total += expansion.total - 1
        self.pictures |= expansion.pictures
        outcomes: dict[str, Ingested | str] = dict(expansion.failures)
        for name, reason in expansion.failures:
            self._complain(file, name, reason)
        await self._end(expansion.failures)
        for members in batches(expansion.files, whole=True):
            outcomes |= await self.ingest(ingestor, principal, members, inside=file)
        noted = await ingestor.note_attachments(principal, expansion, outcomes)
        self.stored |= {one: noted[one.name] for one in expansion.files if one.name in noted}
        expansion.files.clear()  # about to be removed
        self.expansions.append(expansion)

    async def ingest(
        self,
        ingestor: Ingestor,
        principal: Principal,
        batch: Sequence[IngestRequest],
        *,
        inside: IngestRequest | None,
    ) -> dict[str, Ingested | str]:
        """The results by name. `inside`: the container of these files."""
        self._shares.clear()
        outcomes = await ingestor.ingest_batch(principal, batch, report=self._report)
        ended: list[tuple[str, Ingested | str]] = []  # names may repeat across folders
        for file, outcome in zip(batch, outcomes, strict=True):
            if isinstance(outcome, Ingested):
                self.stored[file] = outcome
                ended.append((file.name, outcome))
            else:
                self._complain(inside or file, file.name, str(outcome))
                ended.append((file.name, str(outcome)))
        await self._end(ended)
        return dict(ended)

    def _complain(self, file: IngestRequest, name: str, reason: str) -> None:
        self.failed += 1
        self._display.complain(_shown_path(file, name), reason)

    async def _end(self, ended: Sequence[tuple[str, Ingested | str]]) -> None:
        await self._done(ended)
        self._ended += len(ended)
        self._shares.clear()
        self._bar.update(self._task, total=self.total, completed=self._ended, description="")
        if self._display.is_due():
            self._display.say_progress(self._ended, self.total, self.failed)

    def _report(self, file: IngestRequest, progress: ingesting.Progress) -> None:
        share = _SHARES[progress.stage]
        if progress.stage == "embed":
            embedded = progress.done / max(1, progress.total)
            share = _SHARES["cut"] + (share - _SHARES["cut"]) * embedded
        self._shares[file] = share
        if not self._display.is_due():
            return
        doing = f"{_VERBS[progress.stage]} {printable(PurePath(file.name).name)}"
        self._bar.update(
            self._task,
            total=self.total,
            completed=self._ended + sum(self._shares.values()),
            description=doing,
        )
        if progress.stage == "embed":
            doing += f" ({progress.done:,} of {progress.total:,} passages)"
        self._display.say_progress(self._ended, self.total, self.failed, f"; {doing}")


def _shown_path(file: IngestRequest, name: str) -> Path:
    """The path a member would have if the container were a folder."""
    inside = name.removeprefix(file.name).lstrip("/")
    return file.path / inside if inside else file.path


def _counts(changes: Sequence[Change], failed: int) -> str:
    """Count the results of this call."""
    counts = Counter[str](changes) + Counter(failed=failed)
    kinds = ("added", "replaced", "unchanged", "failed")
    return ", ".join(f"{counts[kind]} {kind}" for kind in kinds if counts[kind]) or "no files"


def _cell(text: str) -> Text:
    """Escape control characters and rich markup in names."""
    return Text(printable(text))


def _change(one: Ingested) -> str:
    if one.same_as is not None:
        return f"{one.change}: same as {one.same_as}"
    if one.similar:
        return f"{one.change}; {one.similar[0].similarity:.0%} like {one.similar[0].title}"
    return one.change
