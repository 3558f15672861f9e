"""Runs every documented command as printed; the list of exceptions is complete."""

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from app.config import Settings
from app.db.embedded.server import EmbeddedServer
from tests.documents.commands import ROOT, block_commands, blocks, inline_commands
from tests.harness.databases import Databases
from tests.harness.documents import flowing, pdf
from tests.harness.process import ServerProcess
from tests.harness.serving import free_port

pytestmark = pytest.mark.timeout(180)

VTT = "WEBVTT\n\n00:00.000 --> 00:04.000\n<v Ann>We decided to repair the roof in spring.\n"
# Programs that are not here, and where their files are checked instead.
ELSEWHERE = {
    "docker": "tests/deploy/test_manifests.py",
    "kubectl": "tests/deploy/test_manifests.py",
    "cd deploy/databricks && databricks": "tests/unit/deploy/test_databricks_bundle.py",
    "npm --prefix frontend ci": "tests/install/test_locked_install.py",
    ".venv/bin/pip": "tests/install/test_locked_install.py",
    ".venv-databricks/bin/pip": "tests/install/test_locked_install.py",
    "nginx -s reload": "tests/load/test_rolling_restart.py",
    "curl $OPENAI_BASE_URL/models": "tests/unit/fakes/test_fakes_server.py",
    ".venv/bin/python -m scripts.client_models": "tests/clients/test_client_distribution.py",
    "pip install ./clients/python": "tests/clients/test_client_distribution.py",
    'pip install "citestream-client @ git': "tests/clients/test_client_distribution.py",
    ".venv/bin/ruff": "Makefile",  # make check runs these four
    ".venv/bin/python -m mypy": "Makefile",
    ".venv/bin/python -m pytest": "Makefile",
    "npm --prefix frontend": "Makefile",
}


@dataclass
class Folder:
    """A copy that commands take for the project's folder, with the files they name."""

    path: Path
    environment: dict[str, str]
    server: ServerProcess | None = None
    known: dict[str, str] = field(default_factory=dict)

    @property
    def settings(self) -> dict[str, str]:
        """The settings of a server for the same library."""
        names = ("DATABASE_URL", "DATA_DIR", "LLM_PROVIDER")
        return {name: self.environment[name] for name in names}

    def run(self, command: str) -> str:
        """In a shell, with this test's ids and ports instead of the document's."""
        for name, value in self.known.items():
            command = command.replace(name, value)
        if self.server is not None:
            command = command.replace("localhost:8000", f"localhost:{self.server.port}")
        with tempfile.TemporaryFile("w+") as output:  # nginx keeps it open
            done = subprocess.run(
                ["sh", "-c", command],
                cwd=self.path,
                env=self.environment,
                stdout=output,
                stderr=subprocess.STDOUT,
                check=False,
                timeout=120,
            )
            output.seek(0)
            said = output.read()
        assert done.returncode == 0, f"{command}\n{said}"
        return said


@pytest.fixture
def folder(tmp_path: Path, database_dsn: str) -> Folder:
    return make_folder(tmp_path, database_dsn)


def make_folder(tmp_path: Path, dsn: str) -> Folder:
    place = tmp_path / "citestream"
    place.mkdir()
    for name in ("app", "deploy", "scripts", "specs", "Makefile", "pyproject.toml"):
        (place / name).symlink_to(ROOT / name)
    (place / ".venv").symlink_to(sys.prefix)
    home = tmp_path / "home"
    (home / "meetings").mkdir(parents=True)
    (home / "notes").mkdir()
    (home / ".curlrc").write_text("fail-with-body\nsilent\nshow-error\n")
    page = pdf([flowing(["Handbook", "The office opens at nine and closes at six."])])
    for path, content in {
        home / "notes" / "garden.md": b"# Garden\n\nTomatoes are watered every evening.\n",
        home / "meetings" / "2026-11-20.vtt": VTT.replace("roof", "gate").encode(),
        place / "notes.md": b"# Notes\n\nThe boiler is checked every October.\n",
        place / "handbook" / "rules.md": b"# Rules\n\nVisitors sign the book at the door.\n",
        place / "handbook.pdf": page,
        place / "meeting.vtt": VTT.encode(),
        place / "meeting.mp3": b"ID3 sound",
    }.items():
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(content)
    own = {"HOME": str(home), "DATABASE_URL": dsn, "DATA_DIR": str(tmp_path / "data")}
    return Folder(place, os.environ | own | {"LLM_PROVIDER": "extractive"})


@pytest.fixture(scope="module")
def served(
    postgres: EmbeddedServer,
    databases: Databases,
    migrated_template: str,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Folder]:
    """A project folder, with a server of the sample library."""
    name = databases.lease(migrated_template)
    folder = make_folder(tmp_path_factory.mktemp("served"), postgres.dsn_of(name))
    library = {"SAMPLE_LIBRARY": "true", "EXTRACTIVE_TOKENS_PER_S": "0"}
    with ServerProcess(
        port=None, plain_uvicorn=False, forked=True, **library | folder.settings
    ) as server:
        folder.server = server
        wait_for_samples(folder)
        yield folder
    databases.give_back(name, migrated_template)


def wait_for_samples(folder: Folder) -> None:
    while json.loads(folder.run("curl localhost:8000/health/ready"))["library"] != "ready":
        time.sleep(0.2)


def of(commands: list[str], *starts: str) -> list[str]:
    found = [command for command in commands if command.startswith(starts)]
    assert found
    return found


def test_curl_and_ingest_lines_work_as_printed(served: Folder) -> None:
    commands = [*block_commands("README.md"), *block_commands("QUICKSTART.md")]
    for command in of(commands, ".venv/bin/python -m app.ingest"):
        assert "failed" not in served.run(command)
    plain = [
        command
        for command in of(commands, "curl")
        if "$TOKEN" not in command and "localhost:8080" not in command
    ]
    inline = [command for _, command in inline_commands() if command.startswith("curl -X")]
    assert len(plain) >= 12
    for command in [*plain, *inline]:
        output = served.run(command)
        learn(served.known, output)
        if "/chat" in command and "-N" in command:
            assert '"type":"done"' in output
        if "aripiprazole" in command:
            assert "aripiprazole" in output.lower()
    source = json.loads(served.run("curl localhost:8000/sources"))
    assert "Handbook 2026" not in json.dumps(source)  # renamed and deleted, as printed


def learn(known: dict[str, str], output: str) -> None:
    """The ids that later lines name in capitals."""
    for name, pattern in {
        "RUN_ID": r'"run_id":"([^"]+)"',
        "JOB_ID": r'"job_id":"([^"]+)"',
        "SOURCE_ID": r'"source_id":"([^"]+)"[^}]*handbook|handbook[^}]*"source_id":"([^"]+)"',
    }.items():
        if name not in known and (match := re.search(pattern, output)):
            known[name] = match[1] or match[2]


def test_python_scripts_work_where_the_text_says(served: Folder, tmp_path: Path) -> None:
    streaming, inside = (
        block.text for block in blocks("QUICKSTART.md") if block.language == "python"
    )
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    assert served.server is not None
    port = f"localhost:{served.server.port}"
    (elsewhere / "ask.py").write_text(streaming.replace("localhost:8000", port))
    told = served.run(f"cd '{elsewhere}' && '{served.path}/.venv/bin/python' ask.py")
    assert "aripiprazole" in told.lower()
    assert "[retrieval: complete]" in told
    (served.path / "ask.py").write_text(inside)
    assert "aripiprazole" in served.run(".venv/bin/python ask.py").lower()


def test_tokens_are_made_listed_and_revoked_as_printed(folder: Folder) -> None:
    commands = block_commands("QUICKSTART.md")
    (create,) = of(commands, ".venv/bin/python -m app.tokens create")
    (ask,) = [command for command in of(commands, "curl") if "$TOKEN" in command]
    settings = folder.settings
    with ServerProcess(
        port=None, plain_uvicorn=False, forked=True, AUTH="token", **settings
    ) as server:
        folder.server = server
        token = re.search(r"\bcst_\S+|[A-Za-z0-9_-]{32,}", folder.run(create))
        assert token is not None
        folder.environment["TOKEN"] = token[0]
        assert '"type":"done"' in folder.run(ask)
        listed = folder.run(".venv/bin/python -m app.tokens list")
        assert "ann@example.org" in listed
        folder.run(".venv/bin/python -m app.tokens block ann@example.org")


@pytest.mark.parametrize(
    "command",
    [
        command
        for command in block_commands()
        if re.fullmatch(r"(?:[A-Z_]+=\S+ )+make run", command)
    ],
)
def test_settings_before_make_run_start_a_server(command: str, folder: Folder) -> None:
    """What `make run` starts in the end, with these variables; where there is a database to ask."""
    given = dict(word.split("=", 1) for word in command.split()[:-2])
    assert {name.lower() for name in given} <= Settings.model_fields.keys()
    with ServerProcess(
        port=None, plain_uvicorn=False, forked=True, **given | folder.settings
    ) as server:
        assert "Traceback" not in server.log


@pytest.mark.nginx
def test_nginx_lines_work_as_printed(served: Folder) -> None:
    begin = next(block for block in blocks("QUICKSTART.md") if "-s quit" in block.text)
    assert served.server is not None
    ports = {"8000": str(served.server.port), "8080": str(free_port()), "8443": str(free_port())}
    text = (ROOT / "deploy/nginx.conf").read_text(encoding="utf-8")
    (served.path / "deploy").unlink()
    shutil.copytree(ROOT / "deploy", served.path / "deploy")
    (served.path / "deploy/nginx.conf").write_text(replaced(text, ports))
    served.known["localhost:8080"] = f"localhost:{ports['8080']}"
    served.environment["PATH"] += ":/usr/sbin:/usr/local/sbin"
    first, start, ask, stop = begin.commands
    served.run(first)
    served.run(start)
    try:
        assert '"type":"done"' in served.run(ask)
    finally:
        served.run(stop)


def replaced(text: str, ports: Mapping[str, str]) -> str:
    return re.sub(r"\b(8000|8080|8443)\b", lambda match: ports[match[1]], text)


def test_backup_lines_work_as_printed(folder: Folder, empty_dsn: str) -> None:
    backup, restore = of(block_commands("docs/operations.md"), "make")
    folder.run(".venv/bin/python -m app.ingest notes.md")
    folder.run(backup)
    folder.environment |= {"DATABASE_URL": empty_dsn, "DATA_DIR": str(folder.path / "other")}
    folder.run(restore)
    assert "unchanged" in folder.run(".venv/bin/python -m app.ingest notes.md")


def test_every_make_target_exists_and_every_module_can_be_run() -> None:
    commands = {*block_commands(), *(command for _, command in inline_commands())}
    targets = {target for one in commands for target in re.findall(r"\bmake ([a-z-]+)", one)}
    dry = ["make", "-n", *sorted(targets), "FILE=x.tar"]
    subprocess.run(dry, cwd=ROOT, stdout=subprocess.DEVNULL, check=True)
    for command in commands:
        for module in re.findall(r"python -m ((?:app|bench|tests)[\w.]+)", command):
            assert command.startswith(".venv/bin/python -m "), f"not as printed: {command}"
            path = ROOT / module.replace(".", "/")
            assert path.with_suffix(".py").exists() or (path / "__main__.py").exists(), command
        for script in re.findall(r"\bnode (\S+\.mjs)", command):
            assert (ROOT / script).exists(), command


@pytest.mark.parametrize(
    "module", ["app.doctor", "app.ingest", "app.main", "app.tokens", "app.contracts"]
)
def test_the_wrong_python_is_told_which_one_is_right(module: str, tmp_path: Path) -> None:
    """As with a system Python, which has none of the packages: one line, no traceback."""
    bare = [sys.executable, "-S", "-E", "-s", "-m", module]
    done = subprocess.run(bare, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert done.stderr == f"This Python lacks Citestream's packages. Type: {RIGHT} -m {module}\n"


RIGHT = ".venv/bin/python"


def test_nothing_printed_is_left_out() -> None:
    """A new command runs here, or is listed in ELSEWHERE with the place that checks it."""
    run_here = (
        *("curl", "make", "mkdir", "nginx -p", ".venv/bin/python -m app."),
        *(".venv/bin/python -m bench.", ".venv/bin/python -m tests.", "node frontend/e2e"),
        *("cp deploy/databricks/app.yaml", "python3 -m venv", "npm run gen", "npm test"),
        *("npm install", "uvicorn --workers", "P=", "PICTURES=", "SOAK_S=", "SOAK_RATE="),
    )
    settings = re.compile(r"(?:[A-Z_]+=\S+ )+make run")
    left_out = [
        command
        for command in [*block_commands(), *(command for _, command in inline_commands())]
        if not command.startswith((*run_here, *ELSEWHERE)) and not settings.fullmatch(command)
    ]
    assert left_out == []
    for place in ELSEWHERE.values():
        assert (ROOT / place).exists()
