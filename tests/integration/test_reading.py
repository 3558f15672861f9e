"""I16.9: answers, readiness and the page report a running ingestion."""

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
from numpy.typing import NDArray

from app.cli.ingest import main
from app.config import Settings
from app.db.job_log import PostgresJobLog
from app.db.pool import Database
from app.domain.library_ports import EncodedPassage
from app.domain.models import Reading
from app.embeddings.minilm import MiniLM
from app.ingest.sample_library import sample_files
from tests.harness.serving import Serving, serving
from tests.stream.conftest import embedder

__all__ = ["embedder"]

SAMPLES = len(sample_files())
NOTE = f"Your library is still being read: 1 of {SAMPLES} files so far."


class Halting:
    """The model; reading anything but the first file waits for permission."""

    def __init__(self, model: MiniLM) -> None:
        self._model = model
        self._titles: set[str] = set()
        self.first_is_in = asyncio.Event()
        self.may_go_on = asyncio.Event()
        self.name, self.dimensions, self.max_pieces = model.name, model.dimensions, model.max_pieces
        self.count, self.embed_query = model.count, model.embed_query
        self.encode_query = model.encode_query

    async def encode_passages(self, texts: Sequence[str]) -> list[EncodedPassage]:
        self._titles.add(texts[0].split("\n")[0])
        if len(self._titles) > 1:
            self.first_is_in.set()
            await self.may_go_on.wait()
            # Only the first file is searched here; computing the others takes a minute.
            vector = np.eye(1, self.dimensions, dtype=np.float32)[0]
            return [EncodedPassage(vector, None)] * len(texts)
        return await self._model.encode_passages(texts)

    async def embed_passages(self, texts: Sequence[str]) -> NDArray[np.float32]:
        return np.stack([one.vector for one in await self.encode_passages(texts)])


async def test_the_first_question_of_a_first_start(
    database_dsn: str, embedder: MiniLM, tmp_path: Path
) -> None:
    settings = _settings(database_dsn, tmp_path)
    halting = Halting(embedder)
    async with (
        serving(settings, halting) as server,
        serving(_settings(database_dsn, tmp_path / "other"), embedder) as other,
        httpx.AsyncClient(timeout=30) as http,
    ):
        await halting.first_is_in.wait()
        for replica in (server, other):
            await _shown(http, replica, Reading(done=1, total=SAMPLES))
            refused = await _ask(http, replica, "What is the INR range of warfarin for a valve?")
            assert refused["finish_reason"] == "no_evidence"
            assert "found nothing that answers the question." in refused["answer"]
            assert f"{NOTE} Ask again when it is complete." in refused["answer"]
        answered = await _ask(http, server, "What are the side effects of amoxicillin?")
        assert answered["finish_reason"] == "stop"
        assert "[1]" in answered["answer"]
        assert answered["answer"].endswith(f"\n\n{NOTE} Ask again when it is complete.")
        halting.may_go_on.set()
        assert server.runtime.samples is not None
        await server.runtime.samples
        for replica in (server, other):
            await _shown(http, replica, None)
        answered = await _ask(http, other, "What are the side effects of amoxicillin?")
        assert "still being read" not in answered["answer"]


async def test_a_start_that_is_cut_short_closes_its_job(
    database: Database, database_dsn: str, embedder: MiniLM, tmp_path: Path
) -> None:
    halting = Halting(embedder)
    async with serving(_settings(database_dsn, tmp_path), halting):
        await halting.first_is_in.wait()
    assert await PostgresJobLog(database).reading(None) is None


async def test_files_that_are_added_by_the_command_are_counted(
    database: Database, database_dsn: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = [tmp_path / name for name in ("one.md", "two.zip", "three.md")]
    files[0].write_text("Tea is served at 80 degrees.")
    files[1].write_bytes(b"nothing that can be read")
    files[2].write_text("Coffee is served at 90 degrees.")
    monkeypatch.setenv("DATABASE_URL", database_dsn)
    monkeypatch.setenv("DATA_DIR", str(tmp_path / "data"))
    assert await asyncio.to_thread(main, ["--shared", *map(str, files)]) == 1
    [job] = await database.fetch("SELECT files, files_done, shared, ended FROM ingest_jobs")
    assert tuple(job) == (3, 3, True, True)


def _settings(dsn: str, data_dir: Path) -> Settings:
    return Settings.model_validate(
        {
            "database_url": dsn,
            "data_dir": data_dir,
            "sample_library": True,
            "llm_provider": "extractive",
            "extractive_tokens_per_s": 0,
        }
    )


async def _ask(http: httpx.AsyncClient, server: Serving, question: str) -> dict[str, Any]:
    response = await http.post(
        f"{server.url}/chat", json={"message": question}, headers={"Accept": "application/json"}
    )
    told: dict[str, Any] = response.json()
    return told


async def _shown(http: httpx.AsyncClient, server: Serving, reading: Reading | None) -> None:
    """Readiness and the page's route agree."""
    expected = None if reading is None else reading.model_dump()
    ready = (await http.get(f"{server.url}/health/ready")).json()
    assert ready["status"] == "ready"
    assert ready["library"] == ("ready" if reading is None else "loading")
    assert ready["reading"] == expected
    assert (await http.get(f"{server.url}/jobs")).json() == {"reading": expected}
