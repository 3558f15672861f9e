"""The environment that `make` passes to its commands."""

import os
import subprocess
from pathlib import Path

ROOT = Path(__file__).parents[3]


def test_python_keeps_what_it_compiled_also_where_a_container_forbids_it(tmp_path: Path) -> None:
    shown = tmp_path / "shown.mk"
    shown.write_text("shown:\n\t@env\n")
    done = subprocess.run(
        ["make", "-f", "Makefile", "-f", shown, "shown"],
        cwd=ROOT,
        env=os.environ | {"PYTHONDONTWRITEBYTECODE": "1", "KEPT": "1"},
        capture_output=True,
        text=True,
        check=True,
    )
    names = {line.partition("=")[0] for line in done.stdout.splitlines()}
    assert "KEPT" in names
    assert "PYTHONDONTWRITEBYTECODE" not in names
