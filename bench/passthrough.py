"""A bare pass-through: aiohttp in, aiohttp out, each token parsed and sent again as a frame.

The minimum, without graph, retrieval, log or database. Frozen like the baseline.
`python -m bench.passthrough PORT UPSTREAM_URL`.
"""

import sys

import aiohttp
import orjson
import uvloop
from aiohttp import web

REQUEST = {
    "model": "fake",
    "stream": True,
    "stream_options": {"include_usage": True},
}
UPSTREAM: web.AppKey[str] = web.AppKey("upstream", str)
SESSION: web.AppKey[aiohttp.ClientSession] = web.AppKey("session", aiohttp.ClientSession)


async def ready(request: web.Request) -> web.Response:
    return web.json_response({"status": "ready"})


async def chat(request: web.Request) -> web.StreamResponse:
    asked = orjson.loads(await request.read())
    body = {**REQUEST, "messages": [{"role": "user", "content": asked["message"]}]}
    response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
    await response.prepare(request)
    url = f"{request.app[UPSTREAM]}/chat/completions"
    async with request.app[SESSION].post(url, data=orjson.dumps(body)) as upstream:
        async for line in upstream.content:
            if not line.startswith(b"data: {"):
                continue
            for choice in orjson.loads(line[6:])["choices"]:
                text = choice["delta"].get("content")
                if text:
                    frame = orjson.dumps({"type": "token", "content": text})
                    await response.write(b"data: %b\n\n" % frame)
    await response.write(b'data: {"type":"done"}\n\n')
    await response.write_eof()
    return response


async def make_app(upstream: str) -> web.Application:
    """The application with its client."""
    app = web.Application()
    app[UPSTREAM] = upstream
    app[SESSION] = aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(limit=0),
        timeout=aiohttp.ClientTimeout(total=None),
        headers={"Content-Type": "application/json"},
    )
    app.on_cleanup.append(lambda app: app[SESSION].close())
    app.add_routes([web.get("/health/ready", ready), web.post("/chat", chat)])
    return app


if __name__ == "__main__":
    web.run_app(
        make_app(sys.argv[2]),
        host="127.0.0.1",
        port=int(sys.argv[1]),
        loop=uvloop.new_event_loop(),
        print=None,
        access_log=None,
    )
