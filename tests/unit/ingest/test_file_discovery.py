"""Folders are walked without blocking, omissions or repeats."""

import os
from pathlib import Path

import pytest

from app.ingest.file_discovery import discover, origin_of


def test_a_path_is_the_same_source_however_it_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "d").mkdir()
    (tmp_path / "d" / "p.md").write_text("Tea.")
    monkeypatch.chdir(tmp_path / "d")
    paths = [Path("p.md"), Path("../d/p.md"), Path("./p.md"), tmp_path / "d" / "p.md", Path("..")]
    found = discover(paths)
    assert [file.origin for file in found.files] == [f"file:{tmp_path}/d/p.md"]


def test_names_that_are_not_utf_8_are_names_of_their_own(tmp_path: Path) -> None:
    folder = os.fsencode(tmp_path)
    for name in (b"caf\xe9.md", b"caf\xe8.md", "café.md".encode()):
        Path(os.fsdecode(folder + b"/" + name)).write_text("Tea.")
    found = discover([tmp_path])
    assert len({file.origin for file in found.files}) == 3
    assert all(file.origin.isprintable() for file in found.files)
    for file in found.files:
        file.name.encode()


def test_pipes_hidden_and_lock_files_are_passed_over(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.md")
    (tmp_path / ".git").mkdir()
    (tmp_path / ".git" / "a.md").write_text("x")
    (tmp_path / "~$a.docx").write_text("x")
    (tmp_path / "dangling.md").symlink_to(tmp_path / "nowhere")
    (tmp_path / "[a] (b).md").write_text("x")
    assert [file.name for file in discover([tmp_path]).files] == ["[a] (b).md"]


def test_a_folder_that_cannot_be_read_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "closed").mkdir()
    (tmp_path / "open.md").write_text("x")
    scandir = os.scandir

    def closed(path: str) -> object:  # the tests may run as root, who may read everything
        if str(path).endswith("closed"):
            raise PermissionError(13, "Permission denied", str(path))
        return scandir(path)

    monkeypatch.setattr("os.scandir", closed)
    found = discover([tmp_path])
    assert found.unreadable == [(tmp_path / "closed", "Permission denied")]
    assert [file.name for file in found.files] == ["open.md"]


def test_the_root_folder_has_an_origin() -> None:
    assert origin_of(Path("/")) == "file:/"
