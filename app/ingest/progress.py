"""The output of `python -m app.ingest`: a progress bar per file, then a table."""

from collections import Counter
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from time import monotonic
from typing import Final

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn
from rich.table import Table
from rich.text import Text

from app.domain.encoding import counted, printable
from app.domain.errors import RunFailure
from app.domain.library_ports import Change
from app.domain.models import FidelityNote
from app.domain.principals import Principal
from app.ingest import pipeline as ingesting
from app.ingest.fidelity_report import describe
from app.ingest.file_discovery import Discovered
from app.ingest.ingest_request import IngestRequest
from app.ingest.parsed_document import IngestError
from app.ingest.pipeline import Ingested, Ingestor

_SHARES: Final = {"read": 0.02, "cut": 0.05, "embed": 0.95, "store": 1.0}
_VERBS: Final = {"read": "reading", "cut": "cutting", "embed": "embedding", "store": "storing"}

Done = Callable[[str, Ingested | str], Awaitable[None]]
"""Called with a file's name and its result, or the reason of its failure as a string."""


LINE_EVERY_S: Final = 10.0
"""Without a terminal, progress is a line now and then."""
MAX_NAMED: Final = 20
MAX_LISTED: Final = 100
"""Files in the closing table; laying out thousands of rows takes longer than ingesting them."""


class ProgressDisplay:
    """Shows progress on one console."""

    def __init__(self, console: Console, *, clock: Callable[[], float] = monotonic) -> None:
        self._console = console
        self._clock = clock
        self._next_line = clock() + LINE_EVERY_S

    async def ingest_all(
        self,
        ingestor: Ingestor,
        principal: Principal,
        found: Discovered,
        *,
        done: Done,
        expect: Callable[[int], Awaitable[None]],
    ) -> int:
        """Ingests the files one by one; a failure is reported and does not stop the others.

        `done` is awaited after each, `expect` with how many more are inside of one. Returns 1
        when a file or a folder could not be read.
        """
        stored: list[tuple[IngestRequest, Ingested]] = []
        files, failed = found.files, len(found.unreadable)
        for folder, reason in found.unreadable:
            self._complain(folder, f"the folder cannot be read ({reason})")
        began = self._clock()
        with self._bar() as bar:
            task = bar.add_task("", total=len(files))
            for number, file in enumerate(files):
                async with ingestor.expanded(file) as expansion:
                    await expect(expansion.total - 1)
                    for name, reason in expansion.failures:
                        failed += 1
                        await done(name, reason)
                        self._complain(_shown_path(file, name), reason)
                    for one in expansion.files:
                        path = _shown_path(file, one.name)
                        try:
                            report = _reporting(bar, task, number, path)
                            ingested = await ingestor.ingest(principal, one, report=report)
                            stored.append((one, ingested))
                            await done(one.name, ingested)
                        except (IngestError, RunFailure) as error:
                            failed += 1
                            await done(one.name, str(error))
                            self._complain(path, str(error))
                self._say_progress(number + 1, len(files), failed)
            bar.update(task, completed=len(files), description="")
        self._summarise(stored, failed, self._clock() - began)
        return 1 if failed else 0

    def report_gone(self, names: Sequence[str], *, removed: bool) -> None:
        """Say which sources have lost their file; `removed`: and are no longer in the library."""
        if not names:
            return
        shown = ", ".join(names[:MAX_NAMED]) + (", …" if len(names) > MAX_NAMED else "")
        count = counted(len(names), "source")
        says = "removed" if removed else "of missing files kept (--sync removes them)"
        line = f"{count} {says}: {shown}"
        self._console.print(printable(line), markup=False, soft_wrap=True)

    def _complain(self, path: Path, reason: str) -> None:
        line = printable(f"{path}: {reason}")
        self._console.print(line, style="red", markup=False, soft_wrap=True)

    def _say_progress(self, done: int, total: int, failed: int) -> None:
        if self._console.is_terminal or self._clock() < self._next_line or done == total:
            return
        self._next_line = self._clock() + LINE_EVERY_S
        failures = f", {failed} failed" if failed else ""
        self._console.print(f"{done:,} of {total:,} files{failures}", highlight=False)

    @contextmanager
    def reembedding(self) -> Iterator[Callable[[int, int], None]]:
        """A progress bar over the sources."""
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
        )

    def _summarise(
        self, done: Sequence[tuple[IngestRequest, Ingested]], failed: int, seconds: float
    ) -> None:
        if done:
            table = Table("File", "Title", "Kind", "Passages", "")
            for file, one in done[:MAX_LISTED]:
                cells = (file.name, one.title, one.kind, str(one.passages), _change(one))
                table.add_row(*map(_cell, cells))
            self._console.print(table)
        if len(done) > MAX_LISTED:
            self._console.print(f"… and {len(done) - MAX_LISTED:,} more")
        self._list_notes([(file.name, one.notes) for file, one in done if one.notes])
        passages = sum(one.passages for _, one in done if one.change != "unchanged")
        self._console.print(
            f"{_counts([one.change for _, one in done], failed)}; "
            f"{counted(passages, 'passage')} embedded in {seconds:.1f} s"
        )

    def _list_notes(self, noted: Sequence[tuple[str, Sequence[FidelityNote]]]) -> None:
        """What of the files is not in the text, one line for each."""
        for name, notes in noted[:MAX_LISTED]:
            line = printable(f"{name}: {describe(notes)}")
            self._console.print(line, markup=False, soft_wrap=True)
        if len(noted) > MAX_LISTED:
            self._console.print(
                f"… and {len(noted) - MAX_LISTED:,} more files that are not all text"
            )


def _shown_path(file: IngestRequest, name: str) -> Path:
    """Where a member of the file would be if the file were a folder."""
    inside = name.removeprefix(file.name).lstrip("/")
    return file.path / inside if inside else file.path


def _counts(changes: Sequence[Change], failed: int) -> str:
    """A table of the results of this call's files only."""
    counts = Counter[str](changes) + Counter(failed=failed)
    kinds = ("added", "replaced", "unchanged", "failed")
    return ", ".join(f"{counts[kind]} {kind}" for kind in kinds if counts[kind]) or "no files"


def _cell(text: str) -> Text:
    """Escapes control characters and rich's markup in names."""
    return Text(printable(text))


def _change(one: Ingested) -> str:
    if one.same_as is not None:
        return f"{one.change}: same as {one.same_as}"
    if one.similar:
        return f"{one.change}; {one.similar[0].similarity:.0%} like {one.similar[0].title}"
    return one.change


def _reporting(bar: Progress, task: TaskID, number: int, path: Path) -> ingesting.Report:
    def report(progress: ingesting.Progress) -> None:
        share = _SHARES[progress.stage]
        if progress.stage == "embed":
            embedded = progress.done / max(1, progress.total)
            share = _SHARES["cut"] + (share - _SHARES["cut"]) * embedded
        bar.update(
            task,
            completed=number + share,
            description=f"{_VERBS[progress.stage]} {printable(path.name)}",
        )

    return report
