"""The settings of Python's garbage collector after the start."""

import gc
import sys
from pathlib import Path

import pytest

from app.config import Settings
from app.embeddings.minilm import MiniLM
from app.main import create_app
from app.server.garbage_collection import YOUNG_THRESHOLD
from app.server.process import SWITCH_S


async def test_a_full_collection_does_not_look_at_what_was_imported(
    database_dsn: str, embedder: MiniLM, tmp_path: Path
) -> None:
    about = {"data_dir": tmp_path, "database_url": database_dsn, "sample_library": False}
    settings = Settings.model_validate({**about, "llm_provider": "extractive"})
    app = create_app(settings, embedder=embedder)
    async with app.router.lifespan_context(app):
        assert gc.isenabled()
        assert gc.get_freeze_count() > 100_000
        assert gc.get_threshold()[0] == YOUNG_THRESHOLD
        assert sys.getswitchinterval() == pytest.approx(SWITCH_S)
