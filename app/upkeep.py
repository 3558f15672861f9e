"""What a running process looks after: its embedded database, and what was deleted."""

import asyncio
import logging
from collections.abc import Callable
from datetime import timedelta

from app.db.conversation_store import ConversationStore
from app.db.library_store import LibraryStore
from app.db.pool import Database
from app.domain.errors import SettingError, StoreUnavailable
from app.domain.indexing import Discard
from app.runs.ports import Clock

log = logging.getLogger(__name__)

LOOK_S = 5.0
PURGE_EVERY = 60  # looks between two purges
KEEP_SOURCES = timedelta(seconds=40)  # undo is possible for 30 s of it
KEEP_DELETED = timedelta(minutes=5)  # undo is possible for 30 s of it


async def keep_up(
    database: Database,
    *,
    revive: Callable[[], None] | None,
    clock: Clock,
    discard: Discard | None = None,
) -> None:
    """Look every `LOOK_S`: call `revive` (blocks) when the database is gone, purge now and then.

    `revive` starts an embedded server again that died under us; None when it is not ours.
    `discard` removes the files of sources that are gone.
    """
    looks = 0
    library = LibraryStore(database)
    while True:
        await clock.sleep(LOOK_S)
        try:
            await library.purge(deleted_before=clock.now() - KEEP_SOURCES, discard=discard)
            if looks % PURGE_EVERY == 0:
                await ConversationStore(database).purge(deleted_before=clock.now() - KEEP_DELETED)
            looks += 1
        except StoreUnavailable:
            if revive is not None:
                await _revive(revive)


async def _revive(revive: Callable[[], None]) -> None:
    try:
        await asyncio.to_thread(revive)
    except (StoreUnavailable, SettingError) as error:
        log.warning("The embedded database does not start: %s", error)
