"""Finds the layer that causes a problem, and its fix, from measurements. Pure."""

from collections.abc import Mapping
from typing import Final, Literal

from app.doctor.findings import Finding
from app.doctor.path import FRAMES, PAUSE_MS, PathProbe, StreamProbe

MAX_HELD_MS = 4 * PAUSE_MS  # a busy machine sometimes delivers two or three frames together
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


def diagnose(path_probe: PathProbe) -> list[Finding]:
    """One finding if everything works, else one per faulty layer."""
    if path_probe.plain.status != 200 or not path_probe.plain.frames:
        return [_unreachable(path_probe.plain)]
    found = [
        finding
        for finding in (_buffering(path_probe), _idle_timeout(path_probe), _parallel(path_probe))
        if finding
    ]
    if found:
        return found
    text = (
        f"{FRAMES} frames one by one, {path_probe.silence_s:g} s of silence and "
        f"{len(path_probe.parallel)} streams at once: nothing held back or cut"
    )
    return [Finding("ok", "path", text)]


def is_buffered(stream_probe: StreamProbe) -> bool:
    """Whether most frames arrived in groups, with a long delay."""
    together = sum(len(read.sent_ms) for read in stream_probe.reads if len(read.sent_ms) > 2)
    return stream_probe.held_ms >= MAX_HELD_MS and together >= stream_probe.frames / 2


def _unreachable(stream_probe: StreamProbe) -> Finding:
    why = stream_probe.problem or f"the answer is {stream_probe.status}"
    remedy = (UNKNOWN_HOST if stream_probe.code == "unknown_host" else ELSEWHERE,)
    return Finding("FAIL", "path", f"nothing comes through: {why}", remedy)


def _buffering(path_probe: PathProbe) -> Finding | None:
    plain = path_probe.plain
    if is_buffered(plain):
        late = f"frames are held back for {plain.held_ms / 1000:.1f} s"
        if plain.encoding and not is_buffered(path_probe.uncompressed):
            text = f"{late} by compression (Content-Encoding: {plain.encoding})"
            return Finding("FAIL", "path", text, (_remedy("gzip", plain),))
        text = f"{late} by a proxy buffer"
        return Finding("FAIL", "path", text, (_remedy("buffer", plain),))
    if plain.cut_s is not None:
        text = f"a stream was cut after {plain.cut_s:.1f} s, with {plain.frames} frames"
        return Finding("FAIL", "path", text, (_remedy("idle", plain),))
    return None


def _idle_timeout(path_probe: PathProbe) -> Finding | None:
    cut = path_probe.silent.cut_s
    if path_probe.silent.status not in {0, 200} or cut is None or is_buffered(path_probe.plain):
        return None
    text = f"a silent stream is cut by an idle timeout after about {cut:.0f} s"
    heartbeat = HEARTBEAT.format(seconds=max(1, cut))
    return Finding("FAIL", "path", text, (_remedy("idle", path_probe.silent), heartbeat))


def _parallel(path_probe: PathProbe) -> Finding | None:
    refused = [p for p in path_probe.parallel if p.status != 200 and p.code != "busy"]
    if not refused:
        return None
    how = f"status {refused[0].status}" if refused[0].status else refused[0].problem
    text = (
        f"a connection limit: {len(refused)} of {len(path_probe.parallel)} "
        f"streams at once were refused ({how})"
    )
    return Finding("FAIL", "path", text, (_remedy("limit", refused[0]),))


def _remedy(layer: Layer, stream_probe: StreamProbe) -> str:
    name = stream_probe.server.lower()
    kind = next((known for known in ("nginx", "caddy") if known in name), "other")
    if not name and kind == "other":
        return f"{REMEDIES[layer]['nginx']}; {REMEDIES[layer]['other']}"
    return REMEDIES[layer][kind]
