"""The files of each library."""

import shutil
from collections.abc import Iterator
from email.parser import BytesParser
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from pathlib import Path
from typing import Final

SAMPLES: Final = "samples"
PACKAGES: Final = "packages"
HERE: Final = Path(__file__).parent
_SUFFIXES: Final = {"text/markdown": ".md", "text/x-rst": ".rst"}

DESCRIBED: Final = (
    *("annotated-types", "asyncpg", "chardet", "coverage", "defusedxml", "distro", "fasteners"),
    *("frozenlist", "h11", "httpx-sse", "idna", "jiter", "multidict", "olefile", "pathspec"),
    *("pgvector", "platformdirs", "psutil", "pyjwt", "pyrate-limiter", "pytest-timeout"),
    *("python-dotenv", "requests-toolbelt", "sniffio", "sortedcontainers", "starlette"),
    *("tiktoken", "tomli", "tqdm", "truststore", "urllib3", "uvicorn", "uvloop", "websockets"),
    *("xlrd", "xxhash"),
)
"""Packages that the lock files pin, whose descriptions are read."""
LICENSED: Final = ("hypothesis", "typing_extensions", "orjson", "idna", "certifi")
"""... and whose licences are read too."""


def library_files(name: str, folder: Path) -> list[Path]:
    """The files of a library; those of packages are written into `folder`.

    `samples` has none: the server brings them. Any other name is a folder of `bench/answers`, or a
    file in one of them.
    """
    if name == SAMPLES:
        return []
    if name == PACKAGES:
        return sorted(_package_files(folder))
    if (HERE / name).is_dir():
        return sorted((HERE / name).iterdir())
    found = [file for file in HERE.glob(f"*/{name}") if file.is_file()]
    if not found:
        raise FileNotFoundError(f"no library or file is called {name}")
    return found


def _package_files(folder: Path) -> Iterator[Path]:
    """Descriptions and licences as separate files, named after their package."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in DESCRIBED:
        yield _description(distribution(name), folder)
    for name in LICENSED:
        yield _licence(distribution(name), folder)


def _description(package: Distribution, folder: Path) -> Path:
    message = BytesParser().parsebytes((package.read_text("METADATA") or "").encode())
    media_type = (message["Description-Content-Type"] or "").partition(";")[0].strip()
    file = folder / f"{package.name}{_SUFFIXES.get(media_type, '.txt')}"
    payload = message.get_payload(decode=True)
    file.write_bytes(payload if isinstance(payload, bytes) else b"")
    return file


def _licence(package: Distribution, folder: Path) -> Path:
    found = [
        one
        for one in package.files or ()
        if ".dist-info" in str(one.parent) and one.name.upper().startswith(("LICEN", "COPYING"))
    ]
    if not found:
        raise PackageNotFoundError(f"{package.name} ships no licence")
    file = folder / f"{package.name}-licence.txt"
    shutil.copyfile(str(found[0].locate()), file)
    return file
