"""Independent readers by file suffix. Those that are not installed are skipped."""

import shutil
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

import openpyxl

TIMEOUT_S: Final = 60.0

Reader = Callable[[Path], str]


class Unreadable(Exception):
    """The independent reader cannot read the file either."""


def pdftotext(path: Path) -> str:
    """Keeps one copy of running headers and footers, as ingestion does."""
    pages = _output("pdftotext", "-q", "-enc", "UTF-8", path, "-").split("\f")
    lines = [[line.strip() for line in page.splitlines()] for page in pages]
    counts = Counter(line for page in lines for line in set(page))
    limit = max(3, len(pages) * 0.4)
    once = dict.fromkeys(line for line in counts if counts[line] >= limit)
    kept = [line for page in lines for line in page if line not in once]
    return "\n".join([*once, *kept])


def pandoc(path: Path) -> str:
    form = _PANDOC_FORMS[path.suffix.lower()]
    return _output("pandoc", "--from", form, "--to", "plain", "--wrap", "none", str(path))


def workbook(path: Path) -> str:
    """Strings only, because numbers are displayed by their formats."""
    try:
        book = openpyxl.load_workbook(path, read_only=True, data_only=True)
        rows = [row for sheet in book.worksheets for row in sheet.iter_rows(values_only=True)]
    except Exception as error:
        raise Unreadable(str(error)) from error
    return "\n".join(" ".join(one for one in row if isinstance(one, str)) for row in rows)


def libreoffice(path: Path) -> str:
    """Converted to a PDF, which shows all slides, and read by pdftotext."""
    with tempfile.TemporaryDirectory() as folder:
        profile = f"-env:UserInstallation=file://{folder}/profile"
        _output("soffice", profile, "--headless", "--convert-to", "pdf", "--outdir", folder, path)
        return pdftotext(Path(folder) / f"{path.stem}.pdf")


_PANDOC_FORMS: Final = {
    ".docx": "docx",
    ".epub": "epub",
    ".html": "html",
    ".htm": "html",
    ".md": "markdown",
    ".rst": "rst",
    ".odt": "odt",
    ".rtf": "rtf",
    ".ipynb": "ipynb",
    ".org": "org",
    ".tex": "latex",
}
_NEEDED: Final[Mapping[Reader, str]] = {
    pdftotext: "pdftotext",
    pandoc: "pandoc",
    libreoffice: "soffice",
}
READERS: Final[Mapping[str, Reader]] = {
    ".pdf": pdftotext,
    **dict.fromkeys(_PANDOC_FORMS, pandoc),
    **dict.fromkeys((".xlsx", ".xlsm"), workbook),
    **dict.fromkeys((".pptx", ".ppsx", ".odp", ".ods", ".doc", ".ppt", ".xls"), libreoffice),
}


def reader_for(path: Path) -> Reader | None:
    """None when there is no reader, or its program is not installed."""
    reader = READERS.get(path.suffix.lower())
    program = _NEEDED.get(reader) if reader else None
    return reader if program is None or shutil.which(program) else None


def _output(*command: str | Path) -> str:
    try:
        done = subprocess.run(command, capture_output=True, timeout=TIMEOUT_S, check=True)
    except (OSError, subprocess.SubprocessError) as error:
        raise Unreadable(str(error)) from error
    return done.stdout.decode(sys.getdefaultencoding(), "replace")
