"""What a request asks of the run service, and its handle on the run it started."""

from collections.abc import Callable
from dataclasses import dataclass

from app.domain.models import Filters, OnDisconnect, Turn
from app.domain.principals import Principal
from app.runs.cursors import LiveCursor, StoredCursor
from app.runs.ports import Route, RunRecord


@dataclass(frozen=True, slots=True)
class Ask:
    """A question to answer. `text` None: the question `question_id` is already stored."""

    principal: Principal
    session_id: str
    route: Route
    text: str | None
    filters: Filters
    on_disconnect: OnDisconnect
    request_hash: str
    model: str | None = None  # by name; None: the engine's default
    remember_model: bool = False  # also for the conversation's next question
    run_id: str | None = None
    idempotency_key: str | None = None
    question_id: str | None = None
    question_text: str = ""  # the stored question's text when `text` is None
    continues: str | None = None  # message_id
    reuses: str | None = None  # message_id of the answer whose passages are reused
    history: tuple[Turn, ...] | None = None  # earlier turns; None: read them from the store
    is_ephemeral: bool = False  # the conversation is unlisted and kept only as long as its events


class RunHandle:
    """A POST request's handle on its run. Call `close` when the connection ends."""

    def __init__(
        self, record: RunRecord, cursor: LiveCursor | StoredCursor, release: Callable[[], None]
    ) -> None:
        self.record = record
        self.cursor = cursor
        self._release: Callable[[], None] | None = release

    def close(self) -> None:
        """Release the run. Idempotent."""
        if self._release is not None:
            self._release()
            self._release = None
