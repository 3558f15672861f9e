"""The fault proxy as a separate process, controlled over HTTP.

`python -m tests.fakes.fault_proxy_process --listen 0 --upstream 127.0.0.1:9000 --control 0`
prints one ready line. `POST /_control` takes any of `script` (a list of faults), `default`
(faults), `cut_all` ("fin" or "rst"), `stall_all`, `release` and `refuse` (true or false);
`GET /_stats` gives the counters.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
from typing import TYPE_CHECKING, Any

import orjson

from tests.fakes.fault_proxy import FaultProxy, Faults
from tests.fakes.http_wire import Connection, HttpRequest, ProtocolError, listen, send_json

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tests.fakes.proxied import Address

_ORDERS = frozenset({"script", "default", "cut_all", "stall_all", "release", "refuse"})


async def control(proxy: FaultProxy, order: Mapping[str, Any]) -> None:
    """Executes a control message. Raises `ValueError` or `TypeError` if it is invalid."""
    unknown = set(order) - _ORDERS
    if unknown:
        raise ValueError(f"unknown control fields: {sorted(unknown)}")
    proxy.script(*(Faults.from_json(faults) for faults in order.get("script", ())))
    if "default" in order:
        proxy.default = Faults.from_json(order["default"])
    if order.get("stall_all"):
        proxy.stall_all()
    if order.get("release"):
        proxy.release()
    if "refuse" in order:
        await proxy.refuse(bool(order["refuse"]))
    if "cut_all" in order:
        proxy.cut_all(order["cut_all"])


async def serve_control(proxy: FaultProxy, *, port: int) -> asyncio.Server:
    """Listens for control messages on 127.0.0.1; the caller closes the server."""

    async def answer(request: HttpRequest) -> tuple[int, bytes]:
        if (request.method, request.path) == ("GET", "/_stats"):
            return 200, orjson.dumps(proxy.stats())
        if (request.method, request.path) != ("POST", "/_control"):
            return 404, b"{}"
        try:
            await control(proxy, orjson.loads(request.body))
        except (ValueError, TypeError) as error:
            return 400, orjson.dumps({"error": str(error)})
        return 200, orjson.dumps(proxy.stats())

    async def serve(connection: Connection) -> None:
        try:
            while (request := await connection.read_request()) is not None:
                await send_json(connection, *await answer(request))
        except (ConnectionError, ProtocolError, asyncio.IncompleteReadError):
            connection.reset()
        finally:
            await connection.close()

    return await listen(serve, port=port)


async def _serve_for_ever(arguments: argparse.Namespace) -> None:
    async with FaultProxy(upstream=arguments.upstream, listen=arguments.listen) as proxy:
        server = await serve_control(proxy, port=arguments.control)
        where = proxy.port if isinstance(arguments.listen, int) else arguments.listen
        control_port = server.sockets[0].getsockname()[1]
        sys.stdout.write(f"fault proxy ready listen={where} control={control_port}\n")
        sys.stdout.flush()
        try:
            await asyncio.Event().wait()
        finally:
            server.close()


def _upstream(text: str) -> Address:
    host, _, port = text.rpartition(":")
    return (host, int(port)) if port.isdigit() else text


def main() -> None:
    """Serves until SIGINT."""
    parser = argparse.ArgumentParser(prog="python -m tests.fakes.fault_proxy_process")
    parser.add_argument("--upstream", type=_upstream, required=True, help="host:port or a path")
    parser.add_argument("--listen", type=_listen, default=0, help="port (0: any) or a path")
    parser.add_argument("--control", type=int, default=0, help="port of the control route")
    try:
        asyncio.run(_serve_for_ever(parser.parse_args()))
    except KeyboardInterrupt:
        return


def _listen(text: str) -> int | str:
    return int(text) if text.isdigit() else text


if __name__ == "__main__":
    main()
