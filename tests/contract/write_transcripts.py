"""Writes the golden transcripts: `python -m tests.contract.write_transcripts`."""

import asyncio

from tests.contract.scenarios import FOLDER, NAMED_EVENT_SCENARIOS, SCENARIOS, path_of


async def write() -> None:
    """Writes every transcript, and removes those without a scenario."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    kept = {path_of(scenario) for scenario in (*SCENARIOS, *NAMED_EVENT_SCENARIOS)}
    for stale in set(FOLDER.glob("*.sse")) - kept:
        stale.unlink()
    for scenario in (*SCENARIOS, *NAMED_EVENT_SCENARIOS):
        path_of(scenario).write_bytes(await scenario())


if __name__ == "__main__":
    asyncio.run(write())
