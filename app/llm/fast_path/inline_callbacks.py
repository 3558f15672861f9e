"""Calls callbacks inline, where LangChain starts a task for each (some forty per run)."""

from typing import Final

from langchain_core.callbacks import AsyncCallbackManager, BaseCallbackHandler
from typing_extensions import override

from app.llm.fast_path.event_queue import EventQueue
from app.llm.fast_path.versions import LANGCHAIN_CORE

WRITTEN_FOR: Final = (LANGCHAIN_CORE,)


class InlineCallbackManager(AsyncCallbackManager):
    """Calls its handlers one after another; that of `astream_events` gets an `EventQueue`."""

    @override
    def add_handler(self, handler: BaseCallbackHandler, inherit: bool = True) -> None:
        handler.run_inline = True
        if hasattr(handler, "send_stream") and hasattr(handler, "receive_stream"):
            handler.send_stream = handler.receive_stream = EventQueue()
        super().add_handler(handler, inherit)


def make_callbacks() -> InlineCallbackManager:
    """For one run of a graph."""
    return InlineCallbackManager([])
