"""`python -m bench.fidelity FOLDER`: word recall and garbage of each file, the worst first.

Compares the stored text of a file with the output of `pdftotext`, `pandoc`, `openpyxl` and
LibreOffice, where they are installed.
"""

import argparse
import asyncio
import hashlib
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

from app.embeddings.word_pieces import estimated_pieces
from app.ingest.file_reader import FileReader
from app.ingest.parsed_document import IngestError
from app.ingest.reader_frames import Request
from bench.fidelity.comparison import Compared, compare, summary
from bench.fidelity.readers import Unreadable, reader_for


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.fidelity", description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--worst", type=int, default=40, help="files to list (default: 40)")
    parser.add_argument("--max-mb", type=float, default=20, help="larger files are left out")
    parser.add_argument("--suffix", help="only files of this ending, such as .pdf")
    options = parser.parse_args()
    results = asyncio.run(_compare_all(options.folder, options.max_mb, options.suffix))
    results.sort(key=lambda one: (one.recall, -one.words))
    for one in results[: options.worst]:
        reason = one.refusal or one.missing
        figures = f"{one.recall:.3f} {one.garbage:.3f} {one.words:>7}"
        sys.stdout.write(f"{figures} {one.name}: {reason}\n")
    sys.stdout.write("\n".join(["", *summary(results), ""]))


async def _compare_all(folder: Path, max_mb: float, suffix: str | None) -> list[Compared]:
    with closing(FileReader(estimated_pieces)) as reader:
        files = _files(folder, max_mb, suffix)
        compared = [await _compare(reader, folder, path, digest) for path, digest in files]
    return [one for one in compared if one is not None]


def _files(folder: Path, max_mb: float, suffix: str | None) -> Iterator[tuple[Path, str]]:
    """The files without duplicates, with their hashes."""
    seen = set()
    for path in sorted(folder.rglob("*")):
        if not path.is_file() or (suffix and path.suffix.lower() != suffix):
            continue
        if reader_for(path) is None or path.stat().st_size > max_mb * 2**20:
            continue
        digest = hashlib.sha256(path.read_bytes()).hexdigest()
        if digest not in seen:
            seen.add(digest)
            yield path, digest


async def _compare(reader: FileReader, folder: Path, path: Path, digest: str) -> Compared | None:
    """None when the other reader finds no text."""
    independent = reader_for(path)
    assert independent is not None
    try:
        expected = await asyncio.to_thread(independent, path)
    except Unreadable:
        return None
    if not expected.strip():
        return None
    name = str(path.relative_to(folder))
    try:
        document = await reader.read(Request(str(path), path.name, digest))
    except IngestError as error:
        return compare(name, "", expected, refusal=str(error))
    stored = "\n".join(one.text for one in document.passages)
    return compare(name, stored, expected)


if __name__ == "__main__":
    main()
