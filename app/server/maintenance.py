"""Background maintenance: restarts the embedded database and purges deleted items."""

import asyncio
import logging
from collections.abc import Callable
from datetime import timedelta

from app.db.conversation_store import ConversationStore
from app.db.library_store import LibraryStore
from app.db.pool import Database
from app.domain.errors import SettingError, StoreUnavailable
from app.domain.library_ports import Discard
from app.runs.ports import Clock
from app.runs.supervisor import BackgroundLoop

log = logging.getLogger(__name__)

SOURCES_EVERY_S = 5.0
CONVERSATIONS_EVERY_S = 300.0
KEEP_SOURCES = timedelta(seconds=40)  # longer than the 30 s in which undo is possible
KEEP_DELETED = timedelta(minutes=5)  # longer than the 30 s in which undo is possible


def maintenance_loops(
    database: Database,
    *,
    restart: Callable[[], None] | None,
    clock: Clock,
    discard: Discard | None = None,
) -> tuple[BackgroundLoop, ...]:
    """Loops that purge deleted items and call `restart` when the database is unreachable.

    `restart` (blocking) starts a dead embedded server again; None for an external database.
    `discard` removes the files of purged sources.
    """
    library, conversations = LibraryStore(database), ConversationStore(database)

    async def purge_sources() -> None:
        try:
            await library.purge(deleted_before=clock.now() - KEEP_SOURCES, discard=discard)
        except StoreUnavailable:
            if restart is not None:
                await _restart(restart)
            raise

    async def purge_conversations() -> None:
        await conversations.purge(deleted_before=clock.now() - KEEP_DELETED)

    return tuple(
        BackgroundLoop(name=name, step=step, every_s=every_s, first_after_s=SOURCES_EVERY_S)
        for name, step, every_s in (
            ("deleted sources", purge_sources, SOURCES_EVERY_S),
            ("deleted conversations", purge_conversations, CONVERSATIONS_EVERY_S),
        )
    )


async def _restart(restart: Callable[[], None]) -> None:
    try:
        await asyncio.to_thread(restart)
    except (StoreUnavailable, SettingError) as error:
        log.warning("The embedded database does not start: %s", error)
