"""Answers to what needs no search: greetings, thanks, questions about this application."""

from collections.abc import Sequence

from app.domain.encoding import counted
from app.domain.models import LibraryCounts, Source
from app.text.markers import shown_name


def greeting(examples: Sequence[str], counts: LibraryCounts) -> str:
    """A greeting with examples of what can be asked."""
    return _with_examples(
        f"Hello. I answer questions from {_library(counts)} and cite the passage for "
        f"everything I say.{_if_empty(counts)}",
        examples,
    )


def about(examples: Sequence[str], counts: LibraryCounts, *, answers_by: str) -> str:
    """`answers_by`: the sentence about the model."""
    return _with_examples(
        f"I am Citestream. I answer questions from {_library(counts)}: I search it, and every "
        "statement is cited to the passage it comes from, which opens where it stands. "
        f"{answers_by}{_if_empty(counts)} You can ask about a fact, have a source summarised, "
        "compare two of them, or ask which sources there are.",
        examples,
    )


def thanks() -> str:
    return "You're welcome. Ask whenever there is something else to look up."


def farewell() -> str:
    return "Goodbye. This conversation stays here; you can go on with it at any time."


def nothing_to_list() -> str:
    return "The library is empty. Add files to it, and ask again."


def unclear() -> str:
    return "Please ask a question in words, for example “Which documents do you have?”."


def cannot_create(subject: str, sources: Sequence[Source]) -> str:
    """Quoting mode writes no texts of its own."""
    text = (
        "No model is connected, so I can only quote your sources; I cannot write a text of my own."
    )
    if sources:
        titles = "; ".join(f"“{shown_name(source.title)}”" for source in sources[:3])
        return f"{text} About {subject} I have {titles}. Ask me what it says."
    return f"{text} Ask me for something that your sources say."


def _with_examples(text: str, examples: Sequence[str]) -> str:
    if not examples:
        return text
    return "\n".join((text, "", "For example:", "", *(f"- {one}" for one in examples)))


def _library(counts: LibraryCounts) -> str:
    parts = [
        counted(number, noun)
        for number, noun in ((counts.documents, "document"), (counts.recordings, "recording"))
        if number
    ]
    return f"your library ({' and '.join(parts)})" if parts else "your library"


def _if_empty(counts: LibraryCounts) -> str:
    is_empty = counts.documents + counts.recordings == 0
    return " The library is empty: add files to it first." if is_empty else ""
