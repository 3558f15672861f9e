"""The sentences of a passage for quoting and comparing."""

from app.domain.models import Passage
from app.text.sentences import Span, split_sentences


def passage_sentences(passage: Passage) -> tuple[Span, ...]:
    """Spans of `passage.text` in order, without the speaker labels of utterances."""
    spans = split_sentences(passage.text)
    if passage.kind != "recording":
        return spans
    names = {cue.speaker for cue in passage.cues} | {passage.speaker}
    labels = tuple(f"{name}:" for name in names if name)
    shorter = (_without_label(passage.text, span, labels) for span in spans)
    return tuple(span for span in shorter if span.end > span.start)


def _without_label(text: str, span: Span, labels: tuple[str, ...]) -> Span:
    for label in labels:
        if text.startswith(label, span.start):
            words = text[span.start + len(label) : span.end]
            return Span(span.end - len(words.lstrip()), span.end)
    return span
