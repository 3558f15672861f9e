"""Reads a cursor to its end and returns the whole answer as one JSON object."""

from contextlib import aclosing

from app.api.response_models import Answer, FailedAnswer, FailureDetail
from app.domain.answer_fold import AnswerFold
from app.domain.events import DonePayload, ErrorPayload
from app.runs.asking import RunHandle
from app.runs.log_entries import step_of
from app.runs.ports import RunRecord

SILENCE_S = 3600.0
DELETED = FailureDetail(code="INTERRUPTED", message="The answer was deleted.")


async def collect(handle: RunHandle) -> Answer | FailedAnswer:
    """Wait for the run's end and return the answer."""
    fold = AnswerFold()
    async with aclosing(handle.cursor.frames(silence_s=SILENCE_S)) as entries:
        async for entry in entries:
            if entry is not None:
                fold.add(step_of(entry))
    return _answer(handle.record, fold)


def status_of(answer: Answer | FailedAnswer) -> int:
    """200; 502 or 504 for an answer that failed."""
    if isinstance(answer, Answer):
        return 200
    return 504 if answer.error.code == "TIMEOUT" else 502


def _answer(record: RunRecord, fold: AnswerFold) -> Answer | FailedAnswer:
    match fold.ending:
        case DonePayload() as done:
            return Answer(
                run_id=record.run_id,
                session_id=record.session_id,
                message_id=record.message_id,
                answer=fold.text,
                citations=fold.citations,
                finish_reason=done.finish_reason,
                usage=done.usage,
                timings=done.timings,
            )
        case ErrorPayload() as failed:
            error = FailureDetail(code=failed.code, message=failed.message)
            return _failed(record, fold, error)
        case None:
            return _failed(record, fold, DELETED)


def _failed(record: RunRecord, fold: AnswerFold, error: FailureDetail) -> FailedAnswer:
    return FailedAnswer(
        error=error,
        partial=fold.text,
        citations=None if error is DELETED else fold.citations,
        run_id=record.run_id,
        session_id=record.session_id,
        message_id=record.message_id,
    )
