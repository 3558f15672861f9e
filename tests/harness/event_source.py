"""The browser's `EventSource` as specified, without the page's own logic."""

from dataclasses import dataclass

import httpx
from httpx_sse import aconnect_sse

from tests.harness.sse import Viewer, parse


@dataclass
class EventSource:
    """Reconnects to one URL whenever the stream ends, until 204."""

    url: str
    connections: int = 0

    async def run(self, http: httpx.AsyncClient, *, drop_after: int) -> Viewer:
        """Until the server says 204; the first connection is lost after so many events."""
        viewer, last_id = Viewer(), ""
        while True:
            headers = {"Last-Event-ID": last_id} if last_id else {}
            self.connections += 1
            async with aconnect_sse(http, "GET", self.url, headers=headers) as source:
                if source.response.status_code == 204:
                    return viewer
                left = drop_after if self.connections == 1 else -1
                async for event in source.aiter_sse():
                    if not event.data:  # this client's event for a comment
                        continue
                    last_id = event.id
                    viewer.take(parse(f"id: {event.id}\ndata: {event.data}".encode()))
                    left -= 1
                    if left == 0:
                        break
