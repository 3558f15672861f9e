"""The metrics of several workers of one server, and the sampling of frame gaps."""

import os
from collections.abc import AsyncGenerator
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from app.api.frame_gap_sampler import ONE_IN, GapSampler
from app.observability.exposition import Exposition, LiveCollector, workers_folder
from app.observability.metrics import Metrics
from app.observability.run_metrics import RunMetrics

DEAD = 2**22  # beyond the largest process id


def exposition(folder: Path | None, *, started: int) -> Exposition:
    figures = Metrics()
    figures.runs_started.labels("chat").inc(started)
    runs = RunMetrics(figures, log_text=False)
    return Exposition(LiveCollector(figures, runs, lambda: (3, 2, 16)), folder)


def samples(text: bytes, name: str) -> dict[str, float]:
    families = text_string_to_metric_families(text.decode())
    found = (sample for family in families for sample in family.samples if sample.name == name)
    return {sample.labels.get("worker", ""): sample.value for sample in found}


def test_one_process_tells_its_own_without_a_label() -> None:
    text, content_type = exposition(None, started=2).render(None)
    assert samples(text, "citestream_runs_started_total") == {"": 2}
    assert samples(text, "citestream_pool_idle") == {"": 2}
    assert content_type.startswith("text/plain")


def test_whoever_is_asked_tells_those_of_all_that_live(tmp_path: Path) -> None:
    other = exposition(tmp_path, started=5)
    other.write()
    (tmp_path / f"{os.getpid()}.prom").rename(tmp_path / f"{os.getppid()}.prom")
    (tmp_path / f"{DEAD}.prom").write_text("")
    here = exposition(tmp_path, started=2)
    here.write()
    text, _ = here.render("text/plain")
    expected = {str(os.getpid()): 2.0, str(os.getppid()): 5.0}
    assert samples(text, "citestream_runs_started_total") == expected
    assert samples(text, "citestream_pool_limit") == dict.fromkeys(expected, 16.0)
    assert not (tmp_path / f"{DEAD}.prom").exists()
    newer, content_type = here.render("application/openmetrics-text; version=1.0.0")
    assert newer.endswith(b"# EOF\n")
    assert "openmetrics" in content_type


def test_figures_that_cannot_be_written_disturb_nobody(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    exposition(tmp_path / "file" / "below", started=1).write()


def test_the_only_process_has_no_folder() -> None:
    assert workers_folder() is None


def test_workers_share_a_private_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Parent:
        pid = os.getppid()

    monkeypatch.setattr("multiprocessing.parent_process", Parent)
    monkeypatch.setattr("tempfile.gettempdir", lambda: str(tmp_path))
    own = tmp_path / f"citestream-{os.getuid()}"
    (own / f"figures-{DEAD}").mkdir(parents=True)
    folder = workers_folder()
    assert folder == own / f"figures-{os.getppid()}"
    assert not (own / f"figures-{DEAD}").exists()
    monkeypatch.setattr("os.getuid", lambda: 12_345)
    (tmp_path / "citestream-12345").symlink_to(own)
    assert workers_folder() is None


async def test_one_stream_in_sixteen_is_measured_and_none_is_changed() -> None:
    gaps: list[float] = []
    sampler = GapSampler(gaps.append)
    sent = [b'id: 1\ndata: {"type":"token","content":"a"}\n\n'] * 3
    sent += [b": ping\n\n", b"id: 4\nevent: token\ndata: {}\n\n", b"id: 5\nevent: token\n\n"]

    async def frames() -> AsyncGenerator[bytes, None]:
        for frame in sent:
            yield frame

    for number in range(ONE_IN + 1):
        plain = frames()
        watched = sampler(plain)
        assert (watched is plain) == (0 < number < ONE_IN)
        assert [frame async for frame in watched] == sent
    assert len(gaps) == 2 * 3
