from pathlib import Path

import pytest

from app.ingest.batching import MAX_BATCH_BYTES, MAX_BATCH_FILES, batches
from app.ingest.ingest_request import IngestRequest


def requests(folder: Path, sizes: dict[str, int]) -> list[IngestRequest]:
    for name, size in sizes.items():
        (folder / name).write_bytes(b"x" * size)
    return [IngestRequest(folder / name, name, name) for name in sizes]


def names(files: list[IngestRequest], *, whole: bool = False) -> list[list[str]]:
    return [[file.name for file in batch] for batch in batches(files, whole=whole)]


def test_small_files_are_put_together_in_order(tmp_path: Path) -> None:
    files = requests(tmp_path, {"a.md": 10, "b.md": 0, "c.md": MAX_BATCH_BYTES, "d.md": 10})
    assert names(files) == [["a.md", "b.md"], ["c.md"], ["d.md"]]
    assert names([]) == []


def test_a_batch_has_a_largest_number_of_files(tmp_path: Path) -> None:
    files = requests(tmp_path, {f"{number}.md": 1 for number in range(MAX_BATCH_FILES + 1)})
    assert [len(batch) for batch in batches(files)] == [MAX_BATCH_FILES, 1]


@pytest.mark.parametrize("whole", [False, True])
def test_files_that_hold_files_are_on_their_own(tmp_path: Path, whole: bool) -> None:
    files = requests(tmp_path, {"a.md": 1, "b.zip": 1, "c.eml": 1, "d.md": 1})
    alone = [["a.md"], ["b.zip"], ["c.eml"], ["d.md"]]
    assert names(files, whole=whole) == ([["a.md", "b.zip", "c.eml", "d.md"]] if whole else alone)


def test_what_cannot_be_read_or_has_audio_is_on_its_own(tmp_path: Path) -> None:
    a, talk = requests(tmp_path, {"a.md": 1, "talk.vtt": 1})
    missing = IngestRequest(tmp_path / "no.md", "no.md", "no.md")
    recorded = IngestRequest(talk.path, "talk.vtt", "talk.vtt", audio=a.path)
    assert names([a, missing, recorded, a]) == [["a.md"], ["no.md"], ["talk.vtt"], ["a.md"]]
