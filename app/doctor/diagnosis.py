"""From what was measured to the layer that is to blame, and the line that mends it. Pure."""

from collections.abc import Mapping
from typing import Final, Literal

from app.doctor.findings import Finding
from app.doctor.path import FRAMES, PAUSE_MS, Passage, PathProbe

HELD_MS = 4 * PAUSE_MS  # a busy machine gathers two or three frames now and then
Layer = Literal["gzip", "buffer", "idle", "limit"]

REMEDIES: Final[Mapping[Layer, Mapping[str, str]]] = {
    "gzip": {
        "nginx": "nginx: gzip off;   in the location of the streams, "
        "or no text/event-stream in gzip_types",
        "caddy": "Caddy: in `encode`, a `match` of the types to compress, no text/event-stream",
        "other": "no compression for Content-Type: text/event-stream",
    },
    "buffer": {
        "nginx": "nginx: proxy_buffering off;   in the location of the streams, "
        "and no proxy_ignore_headers X-Accel-Buffering; the same in each proxy behind",
        "caddy": "Caddy: flush_interval -1   in reverse_proxy",
        "other": "no response buffering (X-Accel-Buffering: no says so with every stream)",
    },
    "idle": {
        "nginx": "nginx: proxy_read_timeout 1h;   in the location of the streams",
        "caddy": "Caddy: read_timeout 1h   in `transport http` of reverse_proxy",
        "other": "haproxy: timeout server 1h, timeout client 1h; elsewhere the idle timeout",
    },
    "limit": {
        "nginx": "nginx: limit_conn ZONE 30;   (or more, or none) for the streams",
        "caddy": "more connections for each address",
        "other": "haproxy: maxconn, and sc_conn_cur in its rules; elsewhere the connection limit",
    },
}
UNKNOWN_HOST = "ALLOWED_HOSTS: add the name in this address"
ELSEWHERE = "is this the address of Citestream, and is it running? Its probe is at /health/stream"
HEARTBEAT = "or HEARTBEAT_S: less than {seconds:.0f}"


def judge(way: PathProbe) -> list[Finding]:
    """One finding when all is well, else one for each layer that is not."""
    if way.plain.status != 200 or not way.plain.frames:
        return [_unreachable(way.plain)]
    found = [finding for finding in (_flow(way), _silence(way), _crowd(way)) if finding]
    if found:
        return found
    text = (
        f"{FRAMES} frames one by one, {way.silence_s:g} s of silence and "
        f"{len(way.parallel)} streams at once: nothing held back or cut"
    )
    return [Finding("ok", "path", text)]


def held_back(passage: Passage) -> bool:
    """Most frames came in company, and one of them waited long for it."""
    together = sum(len(read.sent_ms) for read in passage.reads if len(read.sent_ms) > 2)
    return passage.held_ms >= HELD_MS and together >= passage.frames / 2


def _unreachable(passage: Passage) -> Finding:
    why = passage.problem or f"the answer is {passage.status}"
    remedy = (UNKNOWN_HOST if passage.code == "unknown_host" else ELSEWHERE,)
    return Finding("FAIL", "path", f"nothing comes through: {why}", remedy)


def _flow(way: PathProbe) -> Finding | None:
    plain = way.plain
    if held_back(plain):
        late = f"frames are held back for {plain.held_ms / 1000:.1f} s"
        if plain.encoding and not held_back(way.uncompressed):
            text = f"{late} by compression (Content-Encoding: {plain.encoding})"
            return Finding("FAIL", "path", text, (_line("gzip", plain),))
        text = f"{late} by a proxy buffer"
        return Finding("FAIL", "path", text, (_line("buffer", plain),))
    if plain.cut_s is not None:
        text = f"a stream was cut after {plain.cut_s:.1f} s, with {plain.frames} frames"
        return Finding("FAIL", "path", text, (_line("idle", plain),))
    return None


def _silence(way: PathProbe) -> Finding | None:
    cut = way.silent.cut_s
    if way.silent.status not in {0, 200} or cut is None or held_back(way.plain):
        return None
    text = f"a silent stream is cut by an idle timeout after about {cut:.0f} s"
    heartbeat = HEARTBEAT.format(seconds=max(1, cut))
    return Finding("FAIL", "path", text, (_line("idle", way.silent), heartbeat))


def _crowd(way: PathProbe) -> Finding | None:
    refused = [p for p in way.parallel if p.status != 200 and p.code != "busy"]
    if not refused:
        return None
    how = f"status {refused[0].status}" if refused[0].status else refused[0].problem
    text = (
        f"a connection limit: {len(refused)} of {len(way.parallel)} streams at once were refused "
        f"({how})"
    )
    return Finding("FAIL", "path", text, (_line("limit", refused[0]),))


def _line(layer: Layer, passage: Passage) -> str:
    name = passage.server.lower()
    kind = next((known for known in ("nginx", "caddy") if known in name), "other")
    if not name and kind == "other":
        return f"{REMEDIES[layer]['nginx']}; {REMEDIES[layer]['other']}"
    return REMEDIES[layer][kind]
