"""A conversation as Markdown: complete, and with nothing executable."""

from dataclasses import fields, replace
from datetime import UTC, datetime
from typing import Any
from urllib.parse import unquote

import pytest

from app.api.markdown_export import disposition, markdown
from app.domain.conversation_models import Conversation, Message
from app.domain.models import Citation, Filters

NOW = datetime(2026, 11, 21, 9, tzinfo=UTC)
TALK = Conversation("s", "Tea & <b>kettles</b> # 1", Filters(), NOW, NOW, None, None)
NOTHING: dict[str, Any] = {field.name: None for field in fields(Message)}
QUESTION = Message(
    **NOTHING
    | {
        "message_id": "q",
        "role": "user",
        "content": "How is tea made?",
        "status": "complete",
        "citations": (),
        "evidence": (),
        "question_id": "q",
        "filters": Filters(),
        "created_at": NOW,
    }
)
CITED = Citation(
    marker=1,
    passage_id="p",
    source_id="s",
    title="Tea_book",
    kind="recording",
    quote="Boil it.\nThen <wait>.",
    quote_start=0,
    quote_end=8,
    page=None,
    start_s=75.4,
    end_s=80.0,
    speaker="Ana",
    url=None,
    verified=True,
    support="the passage says the same",
)
ANSWER = replace(QUESTION, message_id="a", role="assistant", content="Boil it [1].")


def test_it_has_questions_answers_and_sources() -> None:
    answer = replace(
        ANSWER,
        citations=(CITED, CITED.model_copy(update={"marker": 2, "page": 3, "verified": False})),
    )
    assert markdown(TALK, [QUESTION, answer]) == (
        "# Tea & \\<b\\>kettles\\</b\\> \\# 1\n\n"
        "## How is tea made?\n\n"
        "Boil it [1].\n\n"
        "**Sources**\n\n"
        "\\[1\\] Tea\\_book, Ana, at 1:15\n\n"
        "> Boil it.\n> Then \\<wait\\>.\n\n"
        "\\[2\\] Tea\\_book, page 3, Ana, at 1:15 (not verified)\n\n"
        "> Boil it.\n> Then \\<wait\\>.\n"
    )


def test_it_says_what_became_of_an_answer_in_the_readers_language() -> None:
    answers = [
        replace(ANSWER, status="stopped"),
        replace(ANSWER, status="error", error_code="TIMEOUT", error_message="Too slow."),
        replace(ANSWER, status="streaming", content=""),
        replace(
            ANSWER,
            citations=(CITED.model_copy(update={"quote": None, "verified": False}),),
        ),
    ]
    text = markdown(TALK, [QUESTION, *answers], language="de")
    for said in (
        "*Diese Antwort wurde angehalten.*",
        "*Diese Antwort wurde abgebrochen: Too slow.*",
        "*Diese Antwort wird noch geschrieben.*",
        "Ana, bei 1:15 (nicht bestätigt)",
    ):
        assert said in text
    assert text.count("### Eine andere Antwort") == 3


def test_it_says_which_quotes_were_not_checked() -> None:
    unchecked = CITED.model_copy(update={"verified": False, "support": None})
    answer = replace(ANSWER, citations=(unchecked,))
    assert "Ana, at 1:15 (not checked)\n" in markdown(TALK, [QUESTION, answer])
    assert "bei 1:15 (nicht geprüft)\n" in markdown(TALK, [QUESTION, answer], language="de")


def test_sources_are_numbered_as_they_are_cited_and_marks_without_one_are_text() -> None:
    cited = tuple(
        CITED.model_copy(update={"marker": marker, "passage_id": passage, "quote": None})
        for marker, passage in ((5, "p"), (9, None), (2, "q"))
    )
    answer = replace(ANSWER, content="Boil [5] it [9] now [2][5]. `[5]`", citations=cited)
    text = markdown(TALK, [QUESTION, answer])
    assert "Boil [1] it [9] now [2][1]. `[5]`\n" in text
    assert [line[:5] for line in text.splitlines() if line.startswith("\\[")] == [
        "\\[1\\]",
        "\\[2\\]",
    ]


def test_quotes_are_neither_verified_nor_doubted() -> None:
    answer = replace(
        ANSWER, model="extractive", citations=(CITED.model_copy(update={"verified": False}),)
    )
    assert "(not" not in markdown(TALK, [QUESTION, answer])


def test_nothing_of_it_runs_or_loads() -> None:
    evil = "<script>a()</script> ![x](http://evil/?) <!-- c --> 1 < 2 `<b>` \n```html\n<b>\n```\n"
    question = replace(QUESTION, content="<img src=x>\n![a](http://evil)")
    text = markdown(TALK, [question, replace(ANSWER, content=evil)])
    assert "\\<script>a()\\</script> \\![x](http://evil/?) \\<!-- c --> 1 < 2 `<b>`" in text
    assert "```html\n<b>\n```" in text
    assert "## \\<img src=x\\>\n\n> \\<img src=x\\>\n> \\!\\[a\\](http://evil)" in text


@pytest.mark.parametrize(
    ("title", "name"),
    [
        ("Tea: how?", "Tea how.md"),
        ("../../etc/passwd\r\nX: y", "etc passwd X y.md"),
        ("Über Grünen Tee", "Über Grünen Tee.md"),
        ("🫖🫖", None),
        ('"; x="', "x.md"),
        ("x" * 300, "x" * 80 + ".md"),
    ],
)
def test_the_file_is_named_after_the_title(title: str, name: str | None) -> None:
    header = disposition(title)
    assert header.isascii()
    assert "\n" not in header
    assert header.startswith('attachment; filename="conversation.md"')
    encoded = header.partition("filename*=UTF-8''")[2]
    assert unquote(encoded) == (name or "")
