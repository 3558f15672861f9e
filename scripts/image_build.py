"""Executes the Dockerfile without Docker, in a folder, as an ordinary user.

Absolute paths of the image are below the folder (`/venv` is `FOLDER/venv`). Instructions that need
root (creating the user) are skipped and reported.
"""

import json
import os
import re
import shlex
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
NEEDS_ROOT = re.compile(r"\b(useradd|install -d -o)\b")
OUR_PATHS = re.compile(r"(?<![\w./-])/(venv|build|srv|data)\b")


@dataclass
class Stage:
    """A build stage; `workdir` and environment are those at its end."""

    name: str
    steps: list[tuple[str, str]] = field(default_factory=list)


def parse(text: str) -> list[Stage]:
    """The stages with their instructions, continued lines joined, comments dropped."""
    lines = [line for line in text.splitlines() if not line.lstrip().startswith("#")]
    joined = re.sub(r"\\\n\s*", " ", "\n".join(lines))
    stages: list[Stage] = []
    for line in joined.splitlines():
        if not line.strip():
            continue
        word, _, rest = line.strip().partition(" ")
        if word == "FROM":
            _, _, name = rest.partition(" AS ")
            stages.append(Stage(name or "final"))
        else:
            stages[-1].steps.append((word, rest.strip()))
    return stages


def fields_of(stage: Stage, word: str) -> list[str]:
    """The arguments of every instruction of a kind."""
    return [rest for each, rest in stage.steps if each == word]


def environment_of(stage: Stage) -> dict[str, str]:
    """ENV of a stage."""
    pairs = (pair for rest in fields_of(stage, "ENV") for pair in shlex.split(rest))
    return dict(pair.split("=", 1) for pair in pairs)


def command_of(stage: Stage, word: str) -> list[str]:
    """CMD, or the command of HEALTHCHECK, in its list form."""
    (rest,) = fields_of(stage, word)
    command: list[str] = json.loads(rest[rest.index("[") :].replace('\\"', '\\"'))
    return command


@dataclass(frozen=True)
class Builder:
    """Executes stages below `folder`; calls `say` with each step."""

    context: Path
    folder: Path
    say: Callable[[str], None]
    user: dict[str, int | list[int]]  # arguments of subprocess: the user that runs the commands
    programs: Path  # a folder with the base image's `python`

    def build(self, stages: list[Stage]) -> Path:
        """Executes all stages in order; returns the root folder of the last."""
        root = self.folder
        for stage in stages:
            root = self.folder / stage.name
            for part in ("build", "srv", "data", "tmp"):
                (root / part).mkdir(parents=True, exist_ok=True)
            self._own(root)
            self._stage(stage, root)
        return root

    def _stage(self, stage: Stage, root: Path) -> None:
        workdir = root
        for word, rest in stage.steps:
            if word == "WORKDIR":
                workdir = root / rest.lstrip("/")
                workdir.mkdir(parents=True, exist_ok=True)
                self._own(workdir)
            elif word == "COPY":
                self._copy(rest, root, workdir)
            elif word == "RUN":
                self._run(rest, root, workdir)

    def _copy(self, rest: str, root: Path, workdir: Path) -> None:
        words = shlex.split(rest)
        source_root = self.context
        if words[0].startswith("--from="):
            source_root = self.folder / words.pop(0).removeprefix("--from=")
        *sources, target = words
        dropped = ignored(self.context) if source_root == self.context else nothing_ignored
        into = root / target.lstrip("/") if target.startswith("/") else workdir / target
        for name in sources:
            source = source_root / name.lstrip("/")
            if source.is_dir():
                shutil.copytree(source, into, dirs_exist_ok=True, ignore=dropped, symlinks=True)
            else:
                place = into / source.name if target.endswith("/") else into
                place.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(source, place)
        self._own(root)

    def _run(self, rest: str, root: Path, workdir: Path) -> None:
        if NEEDS_ROOT.search(rest):
            self.say(f"left out, it needs root: {rest}")
            return
        command = OUR_PATHS.sub(lambda match: f"{root}/{match[1]}", rest)
        self.say(f"RUN {rest}")
        path = f"{self.programs}:{os.environ.get('PATH', os.defpath)}"
        home = {"HOME": str(root / "tmp"), "PATH": path, "TMPDIR": str(root / "tmp")}
        kept = {k: v for k, v in os.environ.items() if k.startswith(("PIP_", "npm_config_"))}
        done = subprocess.run(
            ["/bin/sh", "-ec", command],
            cwd=workdir,
            env={**kept, **home},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
            **self.user,  # type: ignore[call-overload]
        )
        if done.returncode:
            raise SystemExit(f"failed: {rest}\n" + "\n".join(done.stdout.splitlines()[-25:]))

    def _own(self, folder: Path) -> None:
        """Gives files copied by root to the user that runs the commands."""
        if "user" not in self.user:
            return
        uid = int(str(self.user["user"]))
        for path in (folder, *folder.rglob("*")):
            if path.lstat().st_uid != uid:
                os.chown(path, uid, uid, follow_symlinks=False)


def nothing_ignored(_: str, __: list[str]) -> set[str]:
    """Copies between stages without .dockerignore."""
    return set()


def ignored(context: Path) -> Callable[[str, list[str]], set[str]]:
    """The names in .dockerignore as an `ignore` function of `copytree`."""
    path = context / ".dockerignore"
    lines = path.read_text().splitlines() if path.exists() else []
    names = {line.strip("/ ").removeprefix("**/") for line in lines if line.strip()}
    last = {name.rsplit("/", 1)[-1] for name in names}
    return lambda _, found: {name for name in found if name in last or name == "__pycache__"}
