"""The layer that caused a measurement."""

import pytest

from app.doctor.diagnosis import diagnose
from app.doctor.findings import Finding, failed, report
from app.doctor.path import FRAMES, PAUSE_MS, PathProbe, Read, StreamProbe

SENT = tuple(float(number * PAUSE_MS) for number in range(FRAMES))
GOOD = StreamProbe(200, tuple(Read(at, (at,)) for at in SENT), server="nginx")
HELD = StreamProbe(200, (Read(0, SENT),), server="nginx")
ZIPPED = StreamProbe(200, (Read(0, SENT),), encoding="gzip", server="nginx")
REFUSED = StreamProbe(503, server="nginx")
BUSY = StreamProbe(503, code="busy")
JITTER = StreamProbe(200, (Read(0, SENT[:3]), *(Read(at, (at,)) for at in SENT[3:])))
UNREACHED = StreamProbe(0, cut_s=0.1, problem="ConnectError: nobody")


def way(
    plain: StreamProbe = GOOD,
    uncompressed: StreamProbe = GOOD,
    silent: StreamProbe = GOOD,
    parallel: tuple[StreamProbe, ...] = (GOOD,) * 10,
) -> PathProbe:
    return PathProbe(plain, uncompressed, silent, parallel, 17)


@pytest.mark.parametrize("good", [GOOD, JITTER])
def test_a_good_way_is_one_line(good: StreamProbe) -> None:
    (finding,) = diagnose(way(good))
    assert finding.verdict == "ok"


def test_the_application_being_busy_is_no_limit_of_the_way() -> None:
    assert diagnose(way(parallel=(GOOD, BUSY)))[0].verdict == "ok"


@pytest.mark.parametrize(
    ("measured", "layer", "line"),
    [
        (way(ZIPPED), "compression (Content-Encoding: gzip)", "gzip off;"),
        (way(ZIPPED, HELD), "a proxy buffer", "proxy_buffering off;"),
        (way(HELD, HELD), "a proxy buffer", "proxy_buffering off;"),
        (
            way(silent=StreamProbe(200, (Read(0, (0.0,)),), server="nginx", cut_s=5.2)),
            "an idle timeout after about 5 s",
            "proxy_read_timeout 1h;",
        ),
        (way(parallel=(GOOD,) * 4 + (REFUSED,) * 6), "6 of 10 streams at once", "limit_conn ZONE"),
        (way(UNREACHED), "nothing comes through: ConnectError", "/health/stream"),
        (way(StreamProbe(421, code="unknown_host")), "the answer is 421", "ALLOWED_HOSTS"),
        (way(StreamProbe(404)), "nothing comes through: the answer is 404", "/health/stream"),
    ],
)
def test_a_layer_is_named_with_the_line_that_mends_it(
    measured: PathProbe, layer: str, line: str
) -> None:
    (finding,) = diagnose(measured)
    assert finding.verdict == "FAIL"
    assert layer in finding.text
    assert line in " ".join(finding.remedy)


def test_each_kind_of_proxy_gets_its_own_line() -> None:
    caddy = StreamProbe(200, HELD.reads, server="Caddy")
    unknown = StreamProbe(200, HELD.reads)
    assert "flush_interval -1" in diagnose(way(caddy, caddy))[0].remedy[0]
    assert "X-Accel-Buffering" in diagnose(way(unknown, unknown))[0].remedy[0]


def test_the_report_is_aligned_and_fails_with_its_findings() -> None:
    findings = [Finding("ok", "path", "fine"), Finding("FAIL", "database", "gone", ("start it",))]
    assert report(findings) == (
        "ok    path        fine\nFAIL  database    gone\n                  → start it"
    )
    assert failed(findings)
    assert not failed(findings[:1])


def test_what_others_say_does_nothing_to_the_terminal() -> None:
    hostile = "\x1b[2J\x9b1m\u202e\r\nok    database    all is well"
    shown = report([Finding("FAIL", "model", hostile, (hostile,))])
    assert [c for c in shown if not c.isprintable() and c != "\n"] == []
    assert len(shown.splitlines()) == 2
