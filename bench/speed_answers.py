"""The figures F3, F4 and the growth of F6: time to the first token."""

import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, replace
from functools import partial
from typing import IO, Any, Final, cast

import orjson

from bench.speed_asker import Asking
from bench.speed_client import Spec
from bench.speed_figures import (
    RATE,
    Row,
    Run,
    held_streams,
    light,
    memory,
    throughput,
    undisturbed,
    upstream_alone,
    workers,
)
from bench.speed_library import questions
from bench.speed_search import Searching
from bench.speed_servers import MEASURED, OTHERS, ROOT, Server, pin

LIBRARY: Final = 10_000
SIZES: Final = (1_000, 10_000, 100_000)
BACKGROUND: Final = 60
FIRST_MS: Final = 40.0
PARTS: Final = (
    *("accepting", "retrieval", "reranking", "grading"),
    "generation to token",
)


def _asked(run: Run, server: Server, asking: Asking) -> dict[str, Any]:
    pids = {
        "server": server.pid,
        "upstream": run.bench.upstream.pid,
        "database": run.bench.database_pid,
    }
    asking = replace(asking, port=server.port, pids=pids)
    asking = replace(asking, questions=asking.questions or run.bench.questions)
    return _process("bench.speed_asker", asdict(asking), OTHERS)


def _process(module: str, spec: dict[str, Any], processors: set[int]) -> dict[str, Any]:
    command = [sys.executable, "-m", module, orjson.dumps(spec).decode()]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE) as process:
        pin(process.pid, processors)
        told = cast("IO[bytes]", process.stdout).read()
    return cast("dict[str, Any]", orjson.loads(told))


def first_token(run: Run) -> None:
    """F3 and F4: one question after another, and again beside other streams."""
    with run.bench.serving("ours") as server:
        run.bench.upstream.plan(tokens=20, rate=0)
        _asked(run, server, Asking(runs=40))  # warm
        judged = run.bench.upstream.stats()["judged"]
        runs = max(1000, int(run.seconds * 20)) if run.seconds >= 5 else int(run.seconds * 50)
        measure = partial(_asked, run, server, Asking(runs=runs))
        first = undisturbed(run, measure, lambda told: _p50(told) <= FIRST_MS)
        told = run.keep("F3", first)
        told["judged"] = run.bench.upstream.stats()["judged"] - judged
        busy = _beside_streams(run, server)
    with run.bench.serving("baseline") as server:
        run.bench.upstream.plan(tokens=20, rate=0)
        _asked(run, server, Asking(runs=40))
        base = run.keep("F3 baseline", _asked(run, server, Asking(runs=200)))
    _first_token_rows(run, base, told, busy)


def _p50(told: dict[str, Any]) -> float:
    return float(told["times"]["first token"]["p50"])


def _beside_streams(run: Run, server: Server) -> dict[str, Any]:
    """The same beside `BACKGROUND` paced streams."""
    tokens = int(RATE * (10 + run.seconds))
    run.bench.upstream.plan(tokens=tokens, rate=RATE)
    spec = Spec(BACKGROUND, spread_s=3.0, tokens=tokens, limit_s=60)
    others = threading.Thread(target=run.bench.load, args=(server, spec))
    others.start()
    try:
        time.sleep(6)  # streams already started keep their plan
        run.bench.upstream.plan(tokens=20, rate=0)
        runs = int(run.seconds * 8)
        return run.keep("F4 beside streams", _asked(run, server, Asking(runs=runs)))
    finally:
        others.join()


def _first_token_rows(
    run: Run, base: dict[str, Any], told: dict[str, Any], busy: dict[str, Any]
) -> None:
    def p(result: dict[str, Any], name: str, share: str) -> float:
        return float(result["times"].get(name, {}).get(share, 0.0))

    for share, gate, goal in (("p50", FIRST_MS, 25.0), ("p99", None, 60.0)):
        ours = p(told, "first token", share)
        run.rows.append(
            Row(
                "F3",
                f"first token, {told['runs']:,} runs over {LIBRARY:,} passages, {share}",
                f"{p(base, 'first token', share):.1f} ms (no retrieval, nothing kept)",
                f"{ours:.1f} ms",
                "",
                f"≤ {gate:g} ms" if gate else "",
                f"≤ {goal:g} ms",
                ours <= gate if gate else None,
            )
        )
    for part in PARTS:
        value = f"{p(told, part, 'p50'):.1f} / {p(told, part, 'p99'):.1f} ms"
        run.rows.append(Row("F3", f"of which {part}, p50 / p99", "", value))
    wire = "event to reader"
    for where, result in (("", told), (f", beside {BACKGROUND} streams", busy)):
        late = p(result, wire, "p99")
        what = f"stage transition to the reader, p99{where}"
        run.rows.append(Row("F4", what, "", f"{late:.1f} ms", "", "≤ 20 ms", "≤ 10 ms", late <= 20))


def search_growth(run: Run) -> None:
    """F6: search at three sizes, all and filtered."""
    for size in SIZES:
        if size not in run.databases:
            continue
        asked = questions(size)[: 40 + int(run.seconds * 20)]
        for tags in ([], ["even"]):
            spec = asdict(Searching(run.databases[size], asked, tags))
            told = _process("bench.speed_search", spec, MEASURED)
            name = f"F6 search {size}{' filtered' if tags else ''}"
            run.raw[name] = [told]
            gate = size == SIZES[-1] and not tags
            found, rerank = told["search"], told["rerank"]
            run.rows.append(
                Row(
                    "F6",
                    f"search of {size:,} passages{' under a filter' if tags else ''}, p50 / p99",
                    "",
                    f"{found['p50']:.1f} / {found['p99']:.1f} ms "
                    f"(embedding {told['embed']['p50']:.1f}; then reranking {rerank['p50']:.1f})",
                    "",
                    "p50 ≤ 40 ms" if gate else "",
                    "p50 ≤ 15 ms" if gate else "",
                    found["p50"] <= 40 if gate else None,
                )
            )


def conversation_growth(run: Run) -> None:
    """F6: the first token of the 200th turn beside that of the 20th."""
    with run.bench.serving("ours") as server:
        run.bench.upstream.plan(tokens=20, rate=0)
        told = run.keep(
            "F6 conversation", _asked(run, server, Asking(runs=200, one_conversation=True))
        )
    early, late = told["first"]["p50"], told["last"]["p50"]
    run.rows.append(
        Row(
            "F6",
            "first token, turns 180 to 200 beside turns 10 to 30, p50",
            f"{early:.1f} ms",
            f"{late:.1f} ms",
            f"{late / early:.2f} ×",
            "flat",
        )
    )


FIGURES: Final[dict[str, Sequence[Callable[[Run], None]]]] = {
    "F1": (throughput, upstream_alone),
    "F2": (held_streams,),
    "F2b": (light,),
    "F3": (first_token,),
    "F5": (memory,),
    "F6": (workers, search_growth, conversation_growth),
}
"""F4 is measured with F3."""
