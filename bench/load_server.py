"""The load test's own server, if no URL is given."""

import asyncio
import shutil
import socket
import sys
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

import aiohttp

ROOT: Final = Path(__file__).resolve().parent.parent
START_S: Final = 90.0
_OUT: Final = 40.0


@asynccontextmanager
async def own_server(tokens_per_s: float) -> AsyncIterator[str]:
    """Yields its address once the sample library is ready; removes server and folder at the end."""
    data = await asyncio.to_thread(_folder)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    process = await asyncio.create_subprocess_exec(
        "env",
        f"DATA_DIR={data}",
        f"PORT={port}",
        "LLM_PROVIDER=extractive",
        f"EXTRACTIVE_TOKENS_PER_S={tokens_per_s:g}",
        "LOG_LEVEL=WARNING",
        sys.executable,
        "-m",
        "app.main",
        cwd=ROOT,
    )
    try:
        await _ready(process, f"http://127.0.0.1:{port}")
        yield f"http://127.0.0.1:{port}"
    finally:
        if process.returncode is None:
            process.terminate()
            await asyncio.wait_for(process.wait(), _OUT)
        await asyncio.to_thread(shutil.rmtree, data, ignore_errors=True)


async def _ready(process: asyncio.subprocess.Process, url: str) -> None:
    async with asyncio.timeout(START_S), aiohttp.ClientSession() as http:
        while process.returncode is None:
            try:
                async with http.get(f"{url}/health/ready") as response:
                    told = await response.json()
                    if response.status == 200 and told["library"] == "ready":
                        return
            except aiohttp.ClientError:
                pass
            await asyncio.sleep(0.2)
    raise RuntimeError("the server of the load test ended at once")


def _folder() -> str:
    """A new folder that every account can enter: a server started by root runs as another user."""
    folder = Path(tempfile.mkdtemp(prefix="citestream-load-"))
    folder.chmod(0o755)
    return str(folder)
