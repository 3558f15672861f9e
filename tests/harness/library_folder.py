"""A folder of many small files of every format, deterministic for a seed."""

import json
import random
from collections.abc import Callable
from pathlib import Path
from typing import Final

from tests.harness.documents import docx, epub, flowing, pdf, pptx, xlsx

SUBJECTS: Final = (
    "kettle",
    "turbine",
    "ledger",
    "harbour",
    "antenna",
    "orchard",
    "pump",
    "charter",
)
VERBS: Final = ("needs", "follows", "replaces", "delays", "checks", "feeds", "names", "closes")
THINGS: Final = (
    "the valve",
    "a permit",
    "its budget",
    "the rota",
    "two crews",
    "a sample",
    "the log",
)


def write_library(folder: Path, *, files: int, seed: int = 7) -> int:
    """Write that many files into 20 folders; returns their size in bytes."""
    chance = random.Random(seed)
    total = 0
    makers = list(MAKERS.items())
    for number in range(files):
        suffix, make = makers[number % len(makers)]
        path = folder / f"part {number % 20}" / f"file {number}{suffix}"
        path.parent.mkdir(parents=True, exist_ok=True)
        data = make(chance)
        path.write_bytes(data)
        total += len(data)
    return total


def sentences(chance: random.Random, count: int) -> list[str]:
    return [
        f"The {chance.choice(SUBJECTS)} {chance.randrange(10_000)} {chance.choice(VERBS)} "
        f"{chance.choice(THINGS)} before day {chance.randrange(365)}."
        for _ in range(count)
    ]


def _prose(chance: random.Random, *, longest: int = 40) -> str:
    return " ".join(sentences(chance, chance.randint(5, longest)))


def _markdown(chance: random.Random) -> bytes:
    return f"# {_title(chance)}\n\n{_prose(chance)}\n\n## More\n\n{_prose(chance)}\n".encode()


def _title(chance: random.Random) -> str:
    return f"On the {chance.choice(SUBJECTS)} {chance.randrange(10_000)}"


def _html(chance: random.Random) -> bytes:
    items = "".join(f"<li>{one}</li>" for one in sentences(chance, 5))
    return (
        f"<!doctype html><title>{_title(chance)}</title><nav>Home</nav><h1>{_title(chance)}</h1>"
        f"<p>{_prose(chance)}</p><ul>{items}</ul><footer>Imprint</footer>"
    ).encode()


def _pdf(chance: random.Random) -> bytes:
    return pdf(flowing(sentences(chance, 40)) for _ in range(chance.randint(1, 3)))


def _docx(chance: random.Random) -> bytes:
    return docx([("Title", _title(chance)), *(("Normal", _prose(chance)) for _ in range(2))])


def _pptx(chance: random.Random) -> bytes:
    return pptx([(_title(chance), sentences(chance, 4), _prose(chance)) for _ in range(2)])


def _xlsx(chance: random.Random) -> bytes:
    rows = [["Name", "Note"], *([_title(chance), one] for one in sentences(chance, 20))]
    return xlsx({"Sheet": rows})


def _csv(chance: random.Random) -> bytes:
    return "\n".join(["name,note", *(f"a,{one}" for one in sentences(chance, 20))]).encode()


def _epub(chance: random.Random) -> bytes:
    return epub([f"<h1>{_title(chance)}</h1><p>{_prose(chance)}</p>"] * 2, title=_title(chance))


def _srt(chance: random.Random) -> bytes:
    cues = [
        f"{n + 1}\n00:{n // 60:02d}:{n % 60:02d},000 --> 00:{n // 60:02d}:{n % 60:02d},900\n{one}\n"
        for n, one in enumerate(sentences(chance, 30))
    ]
    return "\n".join(cues).encode()


def _json(chance: random.Random) -> bytes:
    spoken = enumerate(sentences(chance, 30))
    return json.dumps(
        {"segments": [{"start": n, "end": n + 0.9, "text": t, "speaker": "A"} for n, t in spoken]}
    ).encode()


MAKERS: Final[dict[str, Callable[[random.Random], bytes]]] = {
    ".md": _markdown,
    ".txt": lambda chance: _prose(chance).encode(),
    ".html": _html,
    ".pdf": _pdf,
    ".docx": _docx,
    ".pptx": _pptx,
    ".xlsx": _xlsx,
    ".csv": _csv,
    ".epub": _epub,
    ".srt": _srt,
    ".json": _json,
}
