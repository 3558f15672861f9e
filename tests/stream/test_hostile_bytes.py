"""Malicious requests: slow ones, bombs, wrong types, path traversal."""

import asyncio
import re
from collections.abc import AsyncIterator

import httpx
import pytest
import uvicorn

from app.server.http_protocol import MAX_HEAD_BYTES, TimeoutProtocol
from tests.harness.serving import Serving
from tests.harness.sse import frames

BOUNDARY = b"----bound"
MULTIPART = {"Content-Type": f"multipart/form-data; boundary={BOUNDARY.decode()}"}
CLIMBING = (
    "../../../etc/passwd",
    "..\\..\\windows\\win.ini",
    "/etc/passwd",
    "....//....//etc/passwd",
    "a/../../b.md",
    "%2e%2e%2fetc%2fpasswd",
    "..%c0%af..%c0%afetc/passwd",
    ".ssh/authorized_keys",
    "CON.md",
    "a\x00.md",
    "a\r\nSet-Cookie: x=1.md",
    '"><script>alert(1)</script>.md',
    "\u202egnp.md",
)


class Impatient(TimeoutProtocol):
    head_s = 0.2
    unread_s = 0.2


@pytest.fixture
async def port() -> AsyncIterator[int]:
    """A server with short limits, with one long answer."""

    async def app(scope, receive, send) -> None:  # type: ignore[no-untyped-def]
        await send({"type": "http.response.start", "status": 200, "headers": []})
        for _ in range(1_000 if scope["path"] == "/long" else 0):
            await send({"type": "http.response.body", "body": b"x" * 65_536, "more_body": True})
            await asyncio.sleep(0)
        await send({"type": "http.response.body", "body": b"ok"})

    config = uvicorn.Config(app, port=0, log_config=None, lifespan="off", http=Impatient)
    server = uvicorn.Server(config)
    task = asyncio.ensure_future(server._serve())
    async with asyncio.timeout(10):
        while not server.started:
            await asyncio.sleep(0.005)
    yield server.servers[0].sockets[0].getsockname()[1]
    server.should_exit = True
    await task


async def said(port: int, *parts: bytes, pace_s: float = 0.0) -> bytes:
    """The server's response until it closes the connection."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        async with asyncio.timeout(8):
            for part in parts:
                writer.write(part)
                await asyncio.sleep(pace_s)
            return await reader.read()
    except ConnectionError:
        return b""
    finally:
        writer.close()


async def test_a_connection_that_says_nothing_is_closed(port: int) -> None:
    assert b" 408 " in await said(port)


async def test_a_head_that_comes_byte_by_byte_is_not_waited_for(port: int) -> None:
    head = (b"GET / HTTP/1.1\r\nHost: localhost\r\nX-Slow: ", *(b"a" for _ in range(200)))
    assert b" 200 " not in await said(port, *head, pace_s=0.01)


async def test_a_second_head_on_one_connection_is_not_waited_for(port: int) -> None:
    whole = b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"
    answer = await said(port, whole, b"GET / HT", pace_s=0.05)
    assert b" 200 " in answer
    assert b" 408 " in answer


async def test_a_head_without_an_end_is_cut_off(port: int) -> None:
    flood = b"GET / HTTP/1.1\r\nHost: localhost\r\n" + b"X-Flood: aaaaaaaaaaaaaaaa\r\n" * 5_000
    assert len(flood) > MAX_HEAD_BYTES
    assert b" 200 " not in await said(port, flood)


async def test_a_reader_that_does_not_read_is_let_go(port: int) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=2**27)
    writer.write(b"GET /long HTTP/1.1\r\nHost: localhost\r\n\r\n")
    async with asyncio.timeout(10):
        await reader.read(1)
        transport = writer.transport
        transport.pause_reading()  # type: ignore[attr-defined]
        await asyncio.sleep(0.6)
        transport.resume_reading()  # type: ignore[attr-defined]
        with pytest.raises((ConnectionError, asyncio.IncompleteReadError)):
            await reader.readexactly(1_000 * 65_536)
    writer.close()


def part(head: bytes, content: bytes = b"x") -> bytes:
    return b"--" + BOUNDARY + b"\r\n" + head + b"\r\n\r\n" + content + b"\r\n"


FILE = b'Content-Disposition: form-data; name="file"; filename="a.md"'
BOMBS = {
    "a header without an end": part(FILE + b"\r\nX-Bomb: " + b"b" * 200_000),
    "headers without an end": part(FILE + b"\r\nX-Bomb: b" * 20_000),
    "parts without an end": part(b'Content-Disposition: form-data; name="tags"', b"") * 10_000,
    "files without an end": part(FILE, b"") * 500,
    "a tag without an end": part(b'Content-Disposition: form-data; name="tags"', b"t" * 100_000),
}


async def test_multipart_bombs_are_refused(client: httpx.AsyncClient) -> None:
    for name, bomb in BOMBS.items():
        content = bomb + b"--" + BOUNDARY + b"--\r\n"
        response = await client.post("/sources", content=content, headers=MULTIPART)
        assert response.status_code in {413, 422}, name
        assert response.json()["error"]["code"] in {"too_large", "invalid_input"}, name


async def test_a_boundary_without_an_end_is_refused(client: httpx.AsyncClient) -> None:
    headers = {"Content-Type": f"multipart/form-data; boundary={'b' * 1_000}"}
    response = await client.post("/sources", content=b"--bbb", headers=headers)
    assert response.status_code == 422


async def uploaded(client: httpx.AsyncClient, name: str, content: bytes) -> str | None:
    """The id of the ingested source; None when the file was refused."""
    head = b'Content-Disposition: form-data; name="file"; filename="%b"' % (
        name.replace("\r\n", "%0D%0A").replace('"', "%22").encode()
    )
    body = part(head, content) + b"--" + BOUNDARY + b"--\r\n"
    response = await client.post("/sources", content=body, headers=MULTIPART)
    if response.status_code != 202:
        assert response.status_code == 422, response.text
        return None
    url = f"/jobs/{response.json()['job_id']}/events"
    async with client.stream("GET", url) as stream:
        told = [frame async for frame in frames(stream)]
    of_file = next(frame.content for frame in told if frame.type == "file")
    source_id: str | None = of_file.get("source_id")
    return source_id


async def test_names_that_climb_are_only_names(client: httpx.AsyncClient, server: Serving) -> None:
    folder = server.runtime.services.files
    taken = 0
    for number, name in enumerate(CLIMBING):
        source_id = await uploaded(client, name, f"# Note {number}\n\nWater boils.\n".encode())
        if source_id is None:
            continue
        taken += 1
        file = await client.get(f"/sources/{source_id}/file")
        assert file.content.startswith(b"# Note")
        assert "set-cookie" not in file.headers
        assert file.headers["content-disposition"].startswith("attachment")
    assert taken >= 6
    given = {"passwd", "win.ini", "authorized_keys", ".ssh", "etc", "b.md", "con.md"}
    assert not given & {path.name.casefold() for path in folder.parent.rglob("*")}


PAGE = b"<!doctype html><html><body><h1>Tea</h1><p>Green tea is steeped.</p>"
DRAWING = b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>'
DISGUISED = {
    "page.html": PAGE,
    "page.pdf": PAGE,
    "page.mp3": PAGE,
    "page.md": PAGE + b"<script>alert(1)</script>",
    "page.txt": PAGE,
    "drawing.svg": DRAWING,
    "drawing.pdf": DRAWING,
    "polyglot.pdf": b"%PDF-1.7\n" + PAGE,
    "polyglot.gif.html": b"GIF89a/*" + PAGE,
}


async def test_no_upload_is_shown_as_a_page(client: httpx.AsyncClient) -> None:
    taken = 0
    for name, content in DISGUISED.items():
        source_id = await uploaded(client, name, content)
        if source_id is None:
            continue
        taken += 1
        for accept in ("text/html", "*/*"):
            url = f"/sources/{source_id}/file"
            file = await client.get(url, headers={"Accept": accept, "Range": "bytes=0-"})
            assert file.headers["content-type"] == "application/octet-stream", name
            assert file.headers["content-disposition"].startswith("attachment"), name
            assert file.headers["x-content-type-options"] == "nosniff"
            assert "default-src 'none'" in file.headers["content-security-policy"]
    assert taken >= 2


RANGES = (
    "bytes=" + ",".join(f"{n}-{n}" for n in range(5_000)),
    "bytes=" + ",".join("0-" for _ in range(1_000)),
    "bytes=" + "9" * 4_000 + "-",
    "bytes=-0",
    "bytes=5-2",
    "lines=1-2",
    "bytes=",
    "\xff",
)


async def test_range_bombs_cost_nothing(client: httpx.AsyncClient) -> None:
    source_id = await uploaded(client, "tea.md", b"# Tea\n\nGreen tea is steeped.\n" * 50)
    for wanted in RANGES:
        headers = {b"Range": wanted.encode("latin-1")}
        response = await client.get(f"/sources/{source_id}/file", headers=headers)
        assert response.status_code in {200, 206, 400, 416}, wanted[:40]
        assert len(response.content) <= 4_000, wanted[:40]


@pytest.mark.parametrize(
    ("wanted", "status", "code"),
    [
        ("bytes=0-9", 206, None),
        ("bytes=-9", 206, None),
        ("lines=1-2", 200, None),  # an unknown unit is ignored
        ("nonsense", 200, None),
        ("bytes=nonsense", 400, "invalid_range"),
        ("bytes=", 400, "invalid_range"),
        ("bytes=5-2", 400, "invalid_range"),
        ("bytes=999999-", 416, "range_not_satisfiable"),
        ("bytes=" + ",".join("0-" for _ in range(50)), 416, "range_not_satisfiable"),
    ],
)
async def test_a_range_is_served_or_refused_like_everything_else(
    client: httpx.AsyncClient, wanted: str, status: int, code: str | None
) -> None:
    source_id = await uploaded(client, "tea.md", b"# Tea\n\nGreen tea is steeped.\n")
    response = await client.get(f"/sources/{source_id}/file", headers={"Range": wanted})
    assert response.status_code == status
    if code is not None:
        assert response.headers["content-type"] == "application/json"
        assert response.json()["error"]["code"] == code
    if wanted == "bytes=999999-":
        assert response.headers["content-range"].startswith("bytes */")


ODD = (
    *("%00", "a%00b", "x" * 300, "x" * 8_000, "%2e%2e%2f", "..%2f..%2fetc%2fpasswd", "%ff%fe"),
    *("%ed%a0%80", "%c2%85", "%0d%0aX: y", "%25%30%30", "%F0%9F%98%80" * 80, "a%2Fb", "~", "%"),
)
PARAMETER = re.compile(r"\{[^}]+\}")


async def test_no_address_is_a_mistake_of_the_server(
    client: httpx.AsyncClient, server: Serving
) -> None:
    paths = {"/assets/{name}", "/assets/{name}.js", "/{name}", "/c/{name}", "/docs/{name}"}
    operations = [("get", path) for path in sorted(paths)]
    for path, methods in server.app.openapi()["paths"].items():
        operations += [(method, path) for method in methods if "{" in path]
    assert len(operations) >= 20
    for method, path in operations:
        for odd in ODD:
            raw = odd.join(PARAMETER.split(path)).encode()
            response = await client.request(method, client.base_url.copy_with(raw_path=raw))
            assert response.status_code < 500, (method, path, odd)
            if response.status_code >= 400:
                assert response.json()["error"]["code"], (method, path, odd)
