"""Extracts the commands in the documents from code blocks and text."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
DOCUMENTS = tuple(
    sorted(
        [
            *(ROOT / name for name in ("README.md", "QUICKSTART.md", "CONTRIBUTING.md")),
            *(ROOT / "docs").glob("*.md"),
            *(ROOT / "deploy").glob("**/*.md"),
            *(ROOT / "tests").glob("**/README.md"),
        ]
    )
)
PROGRAMS = (
    "cd|cp|curl|databricks|docker|haproxy|kubectl|make|mkdir|nginx|node|npm|npx|openssl"
    r"|pip3?|python3?|uv|uvicorn|\S*\.venv[\w-]*/bin/\S+"
)
COMMAND = re.compile(rf"(?:[A-Z_]+=\S+ )*(?:{PROGRAMS})(?: .*)?")
FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
INLINE = re.compile(r"`([^`\n]+)`")


@dataclass(frozen=True)
class Block:
    """A code block; `language` as given by the fence."""

    document: str
    language: str
    text: str

    @property
    def commands(self) -> tuple[str, ...]:
        """Its lines that are commands, continued lines joined, comments dropped."""
        if self.language not in ("", "sh", "bash"):
            return ()
        lines = self.text.replace("\\\n", " ").splitlines()
        stripped = [re.sub(r"\s+#\s.*$", "", line).strip() for line in lines]
        return tuple(line for line in stripped if COMMAND.fullmatch(line))


def blocks(*names: str) -> list[Block]:
    """The code blocks of these documents, or of all documents."""
    found: list[Block] = []
    for path in DOCUMENTS:
        name = str(path.relative_to(ROOT))
        if not names or name in names:
            fences = FENCE.finditer(path.read_text(encoding="utf-8"))
            found.extend(Block(name, fence[1], fence[2]) for fence in fences)
    return found


def block_commands(*names: str) -> list[str]:
    """Every command of a code block, in the order of the documents."""
    return [command for block in blocks(*names) for command in block.commands]


def inline_commands() -> Iterator[tuple[str, str]]:
    """Yields document and command for commands within the text."""
    for path in DOCUMENTS:
        text = FENCE.sub("", path.read_text(encoding="utf-8"))
        for match in INLINE.finditer(text):
            if COMMAND.fullmatch(match[1]) and " " in match[1]:
                yield str(path.relative_to(ROOT)), match[1]
