"""A conversation as one Markdown document: questions, answers and the sources of each answer."""

import re
from collections.abc import Iterator, Sequence
from typing import Final, Literal
from urllib.parse import quote

from app.domain.conversation_models import Conversation, Message
from app.domain.models import QUOTING_MODEL, Citation
from app.text.markers import renumbered

Language = Literal["en", "de"]

_WORDS: Final[dict[Language, dict[str, str]]] = {
    "en": {
        "sources": "Sources",
        "page": "page {}",
        "at": "at {}",
        "unverified": "not verified",
        "unchecked": "not checked",
        "stopped": "This answer was stopped.",
        "error": "This answer was broken off: {}",
        "streaming": "This answer is still being written.",
        "another": "Another answer",
    },
    "de": {
        "sources": "Quellen",
        "page": "Seite {}",
        "at": "bei {}",
        "unverified": "nicht bestätigt",
        "unchecked": "nicht geprüft",
        "stopped": "Diese Antwort wurde angehalten.",
        "error": "Diese Antwort wurde abgebrochen: {}",
        "streaming": "Diese Antwort wird noch geschrieben.",
        "another": "Eine andere Antwort",
    },
}
_LIVE: Final = re.compile(r"[\\`*_{}\[\]<>#|!]")
"""Characters that start inline markup."""
_CODE: Final = re.compile(r"(```.*?(?:```|\Z)|`[^`\n]*`)", re.DOTALL)
_ACTIVE: Final = re.compile(r"<(?=[A-Za-z/!?])|!(?=\[)")
"""Markup that could run or load something in a viewer: tags and images."""
_UNNAMED: Final = re.compile(r"[^\w .,()-]+")
_MAX_NAME_LENGTH: Final = 80


def markdown(
    conversation: Conversation, messages: Sequence[Message], *, language: Language = "en"
) -> str:
    """The document. `messages` must be in stored order, oldest first.

    Titles, questions and quotes are escaped, so they render as plain text. Answers are Markdown
    without tags and images.
    """
    lines = [f"# {_plain(conversation.title)}", ""]
    answered: set[str] = set()
    for message in messages:
        if message.role == "user":
            lines += [f"## {_plain(_line(message.content))}", ""]
            if "\n" in message.content.strip():
                lines += [*_quoted(message.content), ""]
            continue
        if message.question_id in answered:
            lines += [f"### {_WORDS[language]['another']}", ""]
        answered.add(message.question_id)
        lines += _answer(message, _WORDS[language])
    return "\n".join(lines).rstrip() + "\n"


def disposition(title: str) -> str:
    """The `Content-Disposition` of a download named after the title (RFC 6266)."""
    name = " ".join(_UNNAMED.sub(" ", title).split())[:_MAX_NAME_LENGTH].strip(" .")
    if not name:
        return 'attachment; filename="conversation.md"'
    encoded = quote(f"{name}.md", safe="")
    return f"attachment; filename=\"conversation.md\"; filename*=UTF-8''{encoded}"


def _answer(message: Message, words: dict[str, str]) -> Iterator[str]:
    cited = [one for one in message.citations if one.passage_id is not None]
    numbers = {one.marker: number for number, one in enumerate(cited, start=1)}
    if message.content.strip():
        yield _without_active_markup(renumbered(message.content.strip(), numbers))
        yield ""
    if message.status == "error":
        why = _plain(message.error_message or message.error_code or "")
        yield f"*{words['error'].format(why)}*"
        yield ""
    elif message.status != "complete":
        yield f"*{words[message.status]}*"
        yield ""
    if cited:
        is_quoted = message.model == QUOTING_MODEL
        yield f"**{words['sources']}**"
        yield ""
        for citation in cited:
            yield from _source(citation, numbers[citation.marker], words, is_quoted=is_quoted)
        yield ""


def _source(
    citation: Citation, number: int, words: dict[str, str], *, is_quoted: bool
) -> Iterator[str]:
    where = [
        words["page"].format(citation.page) if citation.page is not None else "",
        citation.speaker or "",
        words["at"].format(_clock(citation.start_s)) if citation.start_s is not None else "",
        citation.url or "",
    ]
    place = ", ".join(_plain(part) for part in (citation.title or "", *where) if part)
    doubt = words["unchecked" if citation.support is None else "unverified"]
    verdict = "" if citation.verified or is_quoted else f" ({doubt})"
    # Escaped: the renderer would renumber the items of a Markdown list.
    yield f"\\[{number}\\] {place}{verdict}"
    yield ""
    if citation.quote:
        yield from _quoted(citation.quote)
        yield ""


def _quoted(text: str) -> Iterator[str]:
    for line in text.strip().splitlines():
        yield f"> {_plain(line)}".rstrip()


def _line(text: str) -> str:
    """The first line, followed by the rest if there is any."""
    return text.strip().splitlines()[0] if text.strip() else "…"


def _plain(text: str) -> str:
    """Escape and join the text on one line."""
    return _LIVE.sub(r"\\\g<0>", " ".join(text.split()))


def _without_active_markup(text: str) -> str:
    """Escape tags and images; code is unchanged."""
    parts = _CODE.split(text)
    return "".join(
        part if number % 2 else _ACTIVE.sub(r"\\\g<0>", part) for number, part in enumerate(parts)
    )


def _clock(seconds: float) -> str:
    minutes, second = divmod(int(seconds), 60)
    hours, minute = divmod(minutes, 60)
    return f"{hours}:{minute:02}:{second:02}" if hours else f"{minute}:{second:02}"
