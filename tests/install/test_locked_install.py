"""Every installation takes what its lock names, from an index that has newer versions."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

from scripts.image_build import parse
from tests.install.package_index import PackageIndex, installed_uv, made_up, package_index

ROOT = Path(__file__).parents[2]
NAMES = ("lichen", "moss", "stone")
LOCKED = dict.fromkeys(NAMES, "1.0")
PYTHON_LOCKS = sorted(path.name for path in ROOT.glob("requirements*.lock"))
NPM = """#!/bin/sh
case "$1" in
  ci) mkdir -p node_modules/thing && echo '{}' > node_modules/thing/package.json ;;
  run) mkdir -p dist && touch dist/index.html ;;
esac
"""


@dataclass(frozen=True)
class Project:
    """A copy of the installation scripts, with locks of made-up packages."""

    folder: Path
    index: PackageIndex
    environment: Mapping[str, str]

    def run(self, *command: str | Path, **environment: str) -> str:
        done = subprocess.run(
            command,
            cwd=self.folder,
            env={**self.environment, **environment},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout
        return done.stdout

    def prepare(self, command: str) -> str:
        return self.run(sys.executable, "scripts/prepare.py", command)

    def installed(self, venv: str = ".venv") -> dict[str, str]:
        """The versions of an environment's made-up packages, as they report them."""
        found = {}
        for path in (self.folder / venv).glob("lib/python*/site-packages/*.dist-info"):
            name, version = path.name.removesuffix(".dist-info").split("-")
            if name in NAMES:
                found[name] = version
        return found


@pytest.fixture
def project(tmp_path: Path) -> Iterator[Project]:
    folder = tmp_path / "project"
    shutil.copytree(ROOT / "scripts", folder / "scripts", ignore=shutil.ignore_patterns("__py*"))
    shutil.copytree(ROOT / "deploy/databricks", folder / "deploy/databricks")
    for name in ("Makefile", "Dockerfile", "pyproject.toml"):
        shutil.copy(ROOT / name, folder)
    old = [made_up(name, "1.0") for name in NAMES]
    uv = installed_uv()
    for name in PYTHON_LOCKS:
        locked = [uv] if name == "requirements-uv.lock" else old
        (folder / name).write_text("".join(wheel.locked for wheel in locked))
    page = folder / "frontend"
    page.mkdir()
    (page / "package.json").write_text("{}")
    (page / "package-lock.json").write_text('{"packages": {"": {}, "node_modules/thing": {}}}')
    programs = tmp_path / "programs"
    programs.mkdir()
    (programs / "npm").write_text(NPM)
    (programs / "npm").chmod(0o755)
    new = [made_up(name, "2.0") for name in NAMES]
    with package_index(*old, *new, uv) as index:
        yield Project(folder, index, environment_of(tmp_path, index, programs))


def environment_of(folder: Path, index: PackageIndex, programs: Path) -> dict[str, str]:
    """A user who has configured only pip for an index of their own."""
    settings = folder / "home" / ".config" / "pip" / "pip.conf"
    settings.parent.mkdir(parents=True)
    others = "extra-index-url =\nfind-links ="  # those of the machine's own pip.conf
    settings.write_text(f"[global]\nindex-url = {index.url}\n{others}\n")
    foreign = re.compile(r"^(PIP|UV|XDG|COV|VIRTUAL_ENV|PYTHON|npm|.*_proxy)", re.IGNORECASE)
    kept = {name: value for name, value in os.environ.items() if not foreign.match(name)}
    path = f"{programs}{os.pathsep}{kept.get('PATH', os.defpath)}"
    return kept | {"HOME": str(folder / "home"), "PATH": path}


def assert_only_what_is_locked(project: Project, venv: str = ".venv") -> None:
    assert project.installed(venv) == LOCKED
    assert [name for name in project.index.taken if "-2.0-" in name] == []


@pytest.mark.timeout(300)
def test_every_command_installs_what_is_locked(project: Project) -> None:
    told = project.prepare("run")
    assert_only_what_is_locked(project)
    assert re.search(r"1 of 6: Python environment", told)
    assert "3 of 3 packages" in told
    before = list(project.index.taken)
    assert before.count(installed_uv().file_name) == 1

    assert project.prepare("run").endswith("Everything is in place; loading Citestream\n")
    assert project.index.taken == before

    for command in ("test", "lock"):
        project.prepare(command)
        assert_only_what_is_locked(project)
    for command in ("databricks", "open-webui", "audit"):
        project.prepare(command)
        assert_only_what_is_locked(project, f".venv-{command}")


@pytest.mark.timeout(300)
def test_the_lines_that_people_type_install_what_is_locked(project: Project) -> None:
    project.prepare("lock")
    lines = {
        match[1]
        for path in tracked_files()
        if path.suffix in {".md", ".py"} and "tests" not in path.parts
        for match in re.finditer(r"\b(pip install [^\n`\"']*-r [^\n`\"']*\.lock)\b", read(path))
    }
    assert any("tracing" in line for line in lines)
    for line in lines:
        for name in NAMES:
            project.run(".venv/bin/uv", "pip", "uninstall", "--python", ".venv/bin/python", name)
        project.run("sh", "-c", f".venv/bin/{line}")
        assert_only_what_is_locked(project)


@pytest.mark.timeout(300)
def test_the_image_and_the_databricks_app_install_what_is_locked(project: Project) -> None:
    stages = [stage for stage in parse(read(ROOT / "Dockerfile")) if stage.name == "packages"]
    image, programs = project.folder / "image", project.folder / "programs"
    programs.mkdir()
    (programs / "python").symlink_to(sys.executable)
    assert len(stages) == 1
    arguments = (ROOT, project.folder, image, programs)
    project.run(sys.executable, "-c", BUILD, *arguments, PIP_INDEX_URL=project.index.url)
    assert_only_what_is_locked(project, "image/packages/venv")

    app = project.folder / "app"
    app.mkdir()
    (app / "main.py").write_text("import lichen, moss, stone\nprint('served')\n")
    project.run(sys.executable, "-m", "venv", "platform")
    start = f"PATH={project.folder}/platform/bin:$PATH sh deploy/databricks/start.sh"
    assert project.run("sh", "-c", start).endswith("served\n")
    assert_only_what_is_locked(project, "platform")


BUILD = """
import sys
from pathlib import Path
sys.path.insert(0, sys.argv[1])
from scripts.image_build import Builder, parse
context, folder, programs = map(Path, sys.argv[2:])
stages = [each for each in parse((context / "Dockerfile").read_text()) if each.name == "packages"]
Builder(context, folder, print, {}, programs).build(stages)
"""


CLIENT = re.compile(r'pip install (\./clients/python|"citestream-client @ git\+\S+")')


def test_nothing_installs_without_a_complete_lock() -> None:
    """Also not what is added later: each `pip install` of this repository has both options.

    The client is installed by others, into environments of their own.
    """
    wrong = [
        f"{path.relative_to(ROOT)}: {line.strip()}"
        for path in tracked_files()
        if path.suffix in {"", ".md", ".py", ".sh", ".yml", ".yaml"} and "tests" not in path.parts
        for line in read(path).replace("\\\n", " ").splitlines()
        if re.search(r"\b(pip3?|uv) install\b|\bnpm (--prefix \S+ )?(install|i)\b", line)
        and not ("--no-deps" in line and "--require-hashes" in line)
        and not (path.suffix == ".md" and CLIENT.search(line))
        and not re.search(r"npm run dev|`npm install` for|make lock", line)
    ]
    assert wrong == []


def tracked_files() -> list[Path]:
    done = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, stdout=subprocess.PIPE, check=True)
    return [ROOT / name for name in done.stdout.decode().split("\0") if name]


def read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (UnicodeDecodeError, FileNotFoundError):
        return ""
