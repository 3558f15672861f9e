"""Progress of npm: installed packages of `package-lock.json` and their size."""

import json
import os
import platform
import sys
from collections.abc import Mapping
from pathlib import Path

from scripts.progress import MB

_CPU = {"x86_64": "x64", "amd64": "x64", "aarch64": "arm64", "i686": "ia32"}


class PagePackages:
    """The packages that npm installs on this machine."""

    def __init__(self, page: Path) -> None:
        lock = json.loads((page / "package-lock.json").read_text(encoding="utf-8"))
        entries = lock["packages"].items()
        self._missing = {page / name for name, entry in entries if name and _fits(entry)}
        self._bytes = 0
        self.wanted = len(self._missing)

    def measure(self) -> str:
        """As in "120 of 482 packages, 61 MB on disk"."""
        arrived = {folder for folder in self._missing if (folder / "package.json").exists()}
        self._missing -= arrived
        self._bytes += sum(_size(folder) for folder in arrived)
        done = self.wanted - len(self._missing)
        return f"{done} of {self.wanted} packages, {self._bytes / MB:.0f} MB on disk"


def _fits(entry: Mapping[str, object]) -> bool:
    machine = platform.machine().lower()
    here = {"os": sys.platform, "cpu": _CPU.get(machine, machine), "libc": "glibc"}
    return all(_allows(entry.get(name), value) for name, value in here.items())


def _allows(listed: object, value: str) -> bool:
    return not isinstance(listed, list) or value in listed


def _size(folder: Path) -> int:
    """A package's own files, without those of packages nested in it."""
    total = 0
    for path, folders, names in os.walk(folder):
        folders[:] = [name for name in folders if name != "node_modules"]
        total += sum(os.lstat(os.path.join(path, name)).st_size for name in names)
    return total
