"""P10, M15: a viewer whose connection accepts nothing, with hand-written `receive` and `send`."""

import asyncio

from starlette.types import Message, Scope

from app.api.streaming import EventStreamResponse, sse_frames
from tests.contract.scenario_runner import SILENCE_S, Script, scenario_run, stream
from tests.contract.scenarios import PIECES
from tests.harness.sse import Viewer, parse

SCOPE: Scope = {"type": "http", "asgi": {"version": "3.0", "spec_version": "2.4"}}


class Connection:
    """Accepts the first frames, then nothing until `opened`; `gone` means the client left."""

    def __init__(self, takes: int) -> None:
        self._takes = takes
        self.opened = asyncio.Event()
        self.gone = asyncio.Event()
        self.frames: list[bytes] = []

    async def receive(self) -> Message:
        await self.gone.wait()
        return {"type": "http.disconnect"}

    async def send(self, message: Message) -> None:
        if len(self.frames) >= self._takes:
            await self.opened.wait()
        if message["type"] == "http.response.body" and message["body"]:
            self.frames.append(message["body"])


def seen_on(connection: Connection) -> Viewer:
    viewer = Viewer()
    for frame in connection.frames:
        viewer.take(parse(frame.removesuffix(b"\n\n")))
    return viewer


async def test_a_blocked_viewer_holds_nobody_up_and_gets_the_rest_merged() -> None:
    released: list[bool] = []
    async with scenario_run() as scenario:
        slow = Connection(takes=3)
        response = EventStreamResponse(
            sse_frames(scenario.live(), heartbeat_s=SILENCE_S),
            headers={},
            released=lambda: released.append(True),
        )
        serving = scenario.tasks.spawn(response(SCOPE, slow.receive, slow.send), name="slow viewer")
        scenario.start(Script(PIECES))
        quick = await stream(scenario.live())
        assert quick.count(b'"type":"token"') == len(PIECES)
        assert len(slow.frames) == 3
        slow.opened.set()
        await serving
    late = seen_on(slow)
    assert late.terminal is not None
    assert late.text == "".join(PIECES)
    assert sum(b'"type":"token"' in frame for frame in slow.frames) == 1
    assert released == [True]


async def test_a_blocked_viewer_that_leaves_is_let_go() -> None:
    released: list[bool] = []
    async with scenario_run() as scenario:
        slow = Connection(takes=1)
        response = EventStreamResponse(
            sse_frames(scenario.live(), heartbeat_s=SILENCE_S),
            headers={},
            released=lambda: released.append(True),
        )
        serving = scenario.tasks.spawn(response(SCOPE, slow.receive, slow.send), name="slow viewer")
        scenario.start(Script(PIECES))
        await scenario.run.closed.wait()
        slow.gone.set()
        await serving
    assert len(slow.frames) == 1
    assert released == [True]
