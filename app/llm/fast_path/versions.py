"""The versions of the libraries whose internals are overridden in this package.

Every module here lists its libraries in `WRITTEN_FOR`. Any other version of one of them disables
the whole package: the stock path is slower but works with every version.
"""

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import metadata
from typing import Final

from packaging.specifiers import SpecifierSet

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Library:
    """A distribution and the versions of it that an override was written for."""

    name: str
    versions: str  # a PEP 440 specifier


AIOHTTP: Final = Library("aiohttp", ">=3.14,<3.15")
LANGCHAIN_CORE: Final = Library("langchain-core", ">=1.7,<1.8")
LANGCHAIN_OPENAI: Final = Library("langchain-openai", ">=1.7,<1.8")
OPENAI: Final = Library("openai", ">=3.51,<3.53")
PYDANTIC: Final = Library("pydantic", ">=2.14,<2.15")

LIBRARIES: Final = (AIOHTTP, LANGCHAIN_CORE, LANGCHAIN_OPENAI, OPENAI, PYDANTIC)


def is_usable(wanted: bool) -> bool:
    """Whether to take the fast path: `wanted` is the setting `LLM_FAST_PATH`."""
    return wanted and _is_supported()


@cache
def _is_supported() -> bool:
    """Checks the versions, and logs a warning, once per process."""
    found = mismatches()
    if found:
        log.warning(
            "LLM_FAST_PATH is off: it was not written for %s. Answers stream by the stock path, "
            "which takes more processor time per token",
            ", ".join(found),
        )
    return not found


def mismatches(
    libraries: Sequence[Library] = LIBRARIES,
    *,
    installed: Callable[[str], str] = metadata.version,
) -> list[str]:
    """The libraries with an unsupported version, as `name version`."""
    found: list[str] = []
    for library in libraries:
        try:
            version = installed(library.name)
        except metadata.PackageNotFoundError:
            version = "(not installed)"
        else:
            if SpecifierSet(library.versions).contains(version):
                continue
        found.append(f"{library.name} {version} (but {library.versions})")
    return found
