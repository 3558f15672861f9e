"""Quoting mode: verbatim, cited, in order, word by word."""

import asyncio
import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from app.domain.models import Cue, Passage, Span
from app.llm.answering import answer_text, usage_of
from app.llm.extractive import ExtractiveChatModel
from app.llm.extractive_answer import NOTHING, quote, quote_answer
from app.text.citations import cite

DOCUMENTS = Path("app/ingest/samples/documents")
SIDE_EFFECTS = "What are the side effects of aripiprazole?"


def library(*names: str) -> list[Passage]:
    """The sections of sample documents, in order."""
    passages: list[Passage] = []
    for name in names:
        text = (DOCUMENTS / name).read_text(encoding="utf-8")
        title, *sections = re.split(r"\n## ", text)
        for position, section in enumerate(sections):
            heading, _, body = section.partition("\n")
            passages.append(
                Passage(
                    f"{name}-{position}", name, title.splitlines()[0].lstrip("# "), "document",
                    position, body.strip(), heading=heading,
                )
            )  # fmt: skip
    return passages


def passage(text: str) -> Passage:
    return Passage("p", "s", "Title", "document", 0, text)


def quoted(answer: str) -> list[tuple[str, int]]:
    """The sentences and list items of an answer with their markers."""
    return [
        (text.removeprefix("- ").strip(), int(number))
        for text, number in re.findall(r"(.+?) \[(\d+)\](?=\s|$)", answer)
    ]


async def stream(
    model: ExtractiveChatModel, passages: Sequence[Passage], question: str, prefix: str = ""
) -> list[str]:
    bound = model.bind(passages=passages, question=question, prefix=prefix)
    return [answer_text(chunk) async for chunk in bound.astream("ignored")]


def test_the_side_effects_of_aripiprazole() -> None:
    passages = library("aripiprazole.md")
    answer = quote_answer(SIDE_EFFECTS, passages)
    for effect in (
        "nausea",
        "akathisia",
        "insomnia",
        "neuroleptic malignant",
        "tardive",
        "seizures",
    ):
        assert effect in answer
    assert "breast milk" not in answer
    assert len(answer) < 2_000
    for text, number in quoted(answer):
        assert text in passages[number - 1].text
    citations = cite(answer, passages)
    assert citations
    assert all(c.verified for c in citations)


@pytest.mark.parametrize(
    ("question", "document", "says"),
    [
        ("How long are daily backups kept?", "backup-policy.md", "35 days"),
        ("What is the maximum dose of aripiprazole?", "aripiprazole.md", "30 mg a day"),
        ("Does aripiprazole interact with fluoxetine?", "aripiprazole.md", "CYP2D6"),
        ("What is metformin?", "metformin.md", "Metformin is "),
        (
            "How many days of annual leave do full-time employees have?",
            "leave-policy.md",
            "28 days",
        ),
    ],
)
def test_answers_from_the_sample_library(question: str, document: str, says: str) -> None:
    passages = library(document, "sertraline.md")
    answer = quote_answer(question, passages)
    assert says in answer
    for text, number in quoted(answer):
        assert text.removeprefix("- ") in passages[number - 1].text
    assert all(c.verified for c in cite(answer, passages))


def test_sentences_come_in_reading_order_and_once() -> None:
    passages = [
        passage("Cats sleep a lot. Cats hunt mice at dawn. Dogs bark."),
        passage("Cats hunt mice at dawn. Kittens hunt cats' toys and mice."),
    ]
    answer = quote_answer("When do cats hunt mice?", passages)
    assert answer.count("Cats hunt mice at dawn.") == 1
    assert "Dogs bark" not in answer


def test_a_sentence_that_leans_on_the_one_before_brings_it() -> None:
    answer = quote_answer(
        "How much does the heron weigh?",
        [passage("The grey heron is a tall bird. It can weigh 2 kilos. Rain is wet.")],
    )
    assert answer == "The grey heron is a tall bird. [1] It can weigh 2 kilos. [1]"


def test_a_list_keeps_what_introduces_it() -> None:
    text = "Rain is wet.\n\nThe heron eats:\n\n- fish and frogs;\n- mice. Also voles.\n\nIt sleeps."
    answer = quote_answer("What does the heron eat?", [passage(text)])
    assert answer == "The heron eats:\n\n- fish and frogs; [1]\n- mice. Also voles. [1]"


def test_a_long_list_is_whole_or_says_how_much_is_missing() -> None:
    text = "The kit must contain:\n\n" + "\n".join(f"- thing {n}" for n in range(1, 13))
    answer = quote_answer("What must the kit contain?", [passage(text)])
    assert [item for item, _ in quoted(answer)][-1] == "thing 12"
    text = "The kit must contain:\n\n" + "\n".join(f"- thing {n}" for n in range(1, 51))
    answer = quote_answer("What must the kit contain?", [passage(text)])
    assert answer.endswith("- thing 40 [1]\n- … 10 more in the source")


def test_steps_keep_their_numbers() -> None:
    text = "To restart the pump:\n\n1. Close valve V1.\n2. Wait 30 seconds.\n3. Open valve V1."
    answer = quote_answer("How do I restart the pump?", [passage(text)])
    assert answer == (
        "To restart the pump:\n\n1. Close valve V1. [1]\n2. Wait 30 seconds. [1]\n"
        "3. Open valve V1. [1]"
    )
    alone = "1. Close valve V1.\n2. Wait 30 seconds, then restart the pump.\n3. Open valve V1."
    answer = quote_answer("How do I restart the pump?", [passage(alone)])
    assert "2. Wait 30 seconds, then restart the pump. [1]" in answer


@pytest.mark.parametrize(
    "text",
    [
        "Registration closes on 4 May",
        "Customer: North Mill\nTotal due: 450",
        "Item: Pump; Cost: 12",
    ],
)
def test_headings_forms_and_rows_can_be_quoted(text: str) -> None:
    assert quote_answer("What is due, costs or closes?", [passage(text)]) != NOTHING


def test_what_follows_a_colon_belongs_to_what_introduces_it() -> None:
    text = "The vault code is as follows:\n\n9917-QX\n\nThe vault is on the second floor."
    answer = quote_answer("What is the vault code?", [passage(text)])
    assert answer.startswith("The vault code is as follows:\n\n- 9917-QX [1]")


def test_a_short_label_with_its_value_is_an_answer() -> None:
    here = passage("- Site name: Orlestone Quay\n- Opening date: 2019-08-23\n- Berths: 40")
    there = passage("- Site name: Gannet Quay\n- Opening date: 23 August 2020\n- Berths: 12")
    answer = quote_answer("What is the opening date of Orlestone Quay?", [here, there])
    assert "- Opening date: 2019-08-23 [1]" in answer


def recording(*turns: tuple[str, str]) -> Passage:
    """Speaker and words of each turn, ten seconds long."""
    text, cues = "", []
    for number, (speaker, said) in enumerate(turns):
        text += f"{chr(10) if text else ''}{speaker}: "
        start, text = len(text), text + said
        cues.append(Cue(start, len(text), 10.0 * number, 10.0 * number + 10, speaker))
    return replace(passage(text), kind="recording", cues=tuple(cues))


def test_a_recording_is_quoted_with_its_speakers_and_not_by_its_questions() -> None:
    talk = recording(
        ("Dana", "How long does it stay in the body?"), ("Priya", "Its half-life is 75 hours.")
    )
    answer = quote_answer("How long does it stay in the body?", [talk])
    assert answer == "Priya: Its half-life is 75 hours. [1]"
    assert all(citation.verified for citation in cite(answer, [talk]))


def test_two_speakers_are_never_one_sentence() -> None:
    talk = recording(
        ("Ada", "Fine. We decided to buy the pump in May."),
        ("Ben", "I will only sign when the permit is here."),
        ("Cem", "Also, we decided to sell the old boiler."),
    )
    answer = quote_answer("What was decided?", [talk])
    assert answer == (
        "Ada: Fine. We decided to buy the pump in May. [1]\n\n"
        "Cem: Also, we decided to sell the old boiler. [1]"
    )
    claimed = "Ben: We decided to buy the pump in May. [1]"
    assert [citation.verified for citation in cite(claimed, [talk])] == [False]


def test_an_item_that_is_asked_for_is_quoted_with_its_introduction() -> None:
    text = "The kit must contain:\n\n- rope\n- insulin\n- a map"
    answer = quote_answer("Is there insulin in the kit?", [passage(text)])
    assert answer == "The kit must contain:\n\n- insulin [1]\n- … 2 more in the source"
    assert all(citation.verified for citation in cite(answer, [passage(text)]))


def test_a_row_is_quoted_under_its_header() -> None:
    text = "Valve | Limit (bar) | Owner\nV1 | 4 | Ann\nV2 | 6 | Bob"
    answer = quote_answer("What is the limit of valve V2?", [passage(text)])
    assert answer == "| Valve | Limit (bar) | Owner |\n|---|---|---|\n| V2 | 6 | Bob [1] |"
    [citation] = cite(answer, [passage(text)])
    assert (citation.quote, citation.verified) == ("V2 | 6 | Bob", True)


def test_rows_that_name_their_columns_are_a_table() -> None:
    first = "Order: A-1; Customer: Zelte; Status: cancelled\nOrder: A-2; Status: sent"
    spans = (Span("row", 0, 46), Span("row", 47, len(first)))
    orders = replace(passage(first), structure=spans)
    answer = quote_answer("Which orders were cancelled?", [orders])
    assert answer == (
        "| Order | Customer | Status |\n|---|---|---|\n| A-1 | Zelte | cancelled [1] |"
    )


def test_code_is_quoted_as_code() -> None:
    text = "Install it with:\n\npip install citestream\n\nIt runs on Linux and macOS."
    code = replace(passage(text), structure=(Span("code", 18, 40),))
    answer = quote_answer("How do I install it?", [code])
    assert answer == "Install it with: [1]\n\n```\npip install citestream\n```"


def test_one_sentence_is_enough_for_one_fact() -> None:
    text = (
        "The depot has 41 berths and two cranes. The depot was painted in 2020. "
        "Ships may use the berths of the depot at night."
    )
    other = replace(passage("The harbour has 12 berths."), source_id="o", title="Harbour")
    answer = quote_answer("How many berths does the depot have?", [passage(text), other])
    assert answer == "The depot has 41 berths and two cranes. [1]"


def test_a_number_belongs_to_its_neighbours() -> None:
    text = (
        "Each employee has 5 days a year of leave for a sick child. "
        "After 5 years of service the leave rises to 30 days."
    )
    answer = quote_answer("How much leave do I get after 5 years?", [passage(text)])
    assert answer == "After 5 years of service the leave rises to 30 days. [1]"


def test_an_item_that_is_a_statement_is_enough_for_one_fact() -> None:
    text = "- Passwords have at least 14 characters.\n- A second factor is needed for mail."
    rules = replace(passage(text), heading="Passwords")
    answer = quote_answer("How long must a password be?", [rules])
    assert answer == "- Passwords have at least 14 characters. [1]"


def test_several_answers_are_quoted_when_several_are_asked_for() -> None:
    text = "Noise is a risk of the plant. Dust is a risk, too. The plant is painted green."
    answer = quote_answer("What are the risks of the plant?", [passage(text)])
    assert answer == "Noise is a risk of the plant. [1] Dust is a risk, too. [1]"


def section(heading: str, text: str, name: str = "p", title: str = "Handbook") -> Passage:
    return Passage(name, title, title, "document", 0, text, heading=heading)


KIT = section("What you need", "- a helmet\n- the key\n- a charged phone", "kit", "Bicycles")
CHECK = section("Before each ride", "1. Check the brakes.\n2. Light the lamp.", "check", "Bicycles")
PARTY = section("Party", "Bring a cake. The helmet stays at home.", "party", "Bicycles")


def test_a_list_whose_heading_is_what_is_asked_is_quoted_whole() -> None:
    answer = quote_answer("What do I need for a ride on bicycles?", [CHECK, KIT, PARTY])
    assert quoted(answer)[:3] == [("a helmet", 2), ("the key", 2), ("a charged phone", 2)]
    answer = quote_answer("What should I do before a ride?", [KIT, CHECK, PARTY])
    assert [text for text, _ in quoted(answer)][:2] == [
        "1. Check the brakes.",
        "2. Light the lamp.",
    ]
    pages = [section("Best practices", "- Allow no entities\n- Limit the depth\n\nSeen in a talk.")]
    pages.append(section("XML", "XML has vulnerabilities that people avoid.", "other"))
    answer = quote_answer("What are the best practices to avoid vulnerabilities?", pages)
    assert answer.startswith("- Allow no entities [1]\n- Limit the depth [1]")


def test_a_list_of_what_is_not_does_not_answer_what_is() -> None:
    refused = section("Refused", "We do not take:\n\n- young dogs\n- wild dogs\n- old dogs", "a")
    bring = section("What to bring", "- a lead\n- the blanket", "b")
    pages = [refused, bring]
    assert "young dogs" not in quote_answer("What should I take and bring?", pages)
    assert "young dogs" in quote_answer("Which dogs do you not take?", pages)


def test_a_few_words_above_a_list_introduce_it() -> None:
    text = "Reports are read by people.\n\nWhat we do not want\n\n- archives\n- screenshots"
    answer = quote_answer("What do you not want?", [passage(text)])
    assert answer == "What we do not want\n\n- archives [1]\n- screenshots [1]"


def test_why_is_answered_with_the_reason_that_follows() -> None:
    text = "Reports may hold a lock for minutes. The cause is a missing index. It is known."
    answer = quote_answer("Why do reports hold a lock?", [passage(text)])
    assert [said for said, _ in quoted(answer)] == [
        "Reports may hold a lock for minutes.",
        "The cause is a missing index.",
    ]
    text = "The inverter shut down in July. A nest had blocked the air. It is new. Rust was found."
    answer = quote_answer("Why did the inverter shut down?", [passage(text)])
    assert len(quoted(answer)) == 2
    text = "The pump stopped because of a leak. It is repaired."
    assert len(quoted(quote_answer("Why did the pump stop?", [passage(text)]))) == 1


def test_reasons_that_are_listed_answer_why() -> None:
    text = (
        "The queue uses the timer. It runs hourly.\n\n"
        "The timer of the queue is preferable for two reasons:\n\n"
        "1. Overlapping runs fail.\n2. Old requests are seen, too."
    )
    answer = quote_answer("Why does the queue use the timer?", [passage(text)])
    assert "1. Overlapping runs fail. [1]\n2. Old requests are seen, too. [1]" in answer


def test_what_goes_on_after_the_sentence_that_answers_is_quoted() -> None:
    """A list that belongs to it, and the next steps; not code that was not asked for."""
    text = "Code isn't the only way to contribute to Press. You can also:\n\n- translate\n- draw"
    answer = quote_answer("How can I contribute to Press without code?", [passage(text)])
    assert answer.endswith("You can also:\n\n- translate [1]\n- draw [1]")
    text = (
        "To install Press from source, get the tools:\n\n```\napt install tools\n```\n\n"
        "Then build it:\n\n```\nmake press\n```\n\nPress is free."
    )
    answer = quote_answer("How do I install Press from source?", [passage(text)])
    assert "apt install tools" in answer
    assert "make press" in answer
    assert "free" not in answer
    text = "Press needs Python 3.9. Install it:\n\n```\npip install press\n```"
    answer = quote_answer("Which Python does Press need?", [passage(text)])
    assert answer == "Press needs Python 3.9. [1]"


def test_code_is_quoted_with_the_sentence_that_refers_to_it() -> None:
    text = (
        "Users log in. One way for all new users is:\n\n```\ntouch .login\n```\n\n"
        "This will create an empty login file for new users."
    )
    answer = quote_answer("How do I create an empty login file for users?", [passage(text)])
    assert "touch .login" in answer


def test_the_list_that_stops_something_is_no_opposite_of_it() -> None:
    text = (
        "See press(1) for more about managing agents.\n\n"
        "Users who do not want Press to manage agents should do:\n\n- mask the agents"
    )
    answer = quote_answer("How do I stop Press from managing agents?", [passage(text)])
    assert answer.endswith("- mask the agents [1]")


def test_a_number_that_holds_on_a_condition_answers_only_a_question_with_one() -> None:
    text = (
        "If no acknowledgement of a report comes in 6 days, write to us.\n\n"
        "Normally a report is acknowledged within 5 days."
    )
    answer = quote_answer("How soon is a report acknowledged?", [passage(text)])
    assert answer.startswith("Normally")
    answer = quote_answer("How long do I wait if no acknowledgement comes?", [passage(text)])
    assert answer.startswith("If no")


def test_who_is_answered_with_a_name() -> None:
    text = "Read the updated cups document. The document was updated by Ada Byron."
    answer = quote_answer("Who updated the cups document?", [passage(text)])
    assert "The document was updated by Ada Byron. [1]" in answer


def test_a_section_whose_heading_is_the_question_answers() -> None:
    good = section("What is it good for?", "Anything that needs parsing. Checkers use it.", "g")
    plain = section("Design", "Press is good at easy things.", "d")
    answer = quote_answer("What is Press good for?", [plain, replace(good, title="Press")])
    assert "Anything that needs parsing." in answer
    assert "easy" not in answer


def test_words_written_apart_are_one_name() -> None:
    text = "Docs are at example.org. Soup Sieve is a library of selectors."
    answer = quote_answer("What is soupsieve?", [passage(text)])
    assert answer == "Soup Sieve is a library of selectors. [1]"


def test_labels_of_links_are_no_sentence() -> None:
    text = (
        "Donate via PayPal Coverage Press Version PyPI Downloads Python License\n\nIt is under MIT."
    )
    answer = quote_answer("What is the license of Press?", [passage(text)])
    assert "Donate" not in answer


def test_an_item_that_is_a_question_is_quoted_with_its_answer() -> None:
    text = (
        "1. Can it read tapes?\n\n   Not by itself. See the tool in contrib.\n\n"
        "2. Why is there no installer?\n\n   Because the library is small.\n\n3. Is it new?"
    )
    answer = quote_answer("Can it read tapes?", [passage(text)])
    assert "Not by itself. See the tool in contrib. [1]" in answer
    assert "installer" not in answer
    answer = quote_answer("Why is there no installer?", [passage(text)])
    assert "Because the library is small. [1]" in answer


def test_items_below_one_are_quoted_with_it() -> None:
    text = "Do this:\n\n1. Choose the port parameters:\n   - speed\n   - parity\n2. Try it out."
    answer = quote_answer("Which port parameters are there?", [passage(text)])
    assert "speed" in answer
    assert "parity" in answer


@pytest.mark.parametrize(
    ("question", "says", "others"),
    [
        ("How many dogs fit?", "The hall has room for 38.", ["Dogs must fit their collars."]),
        ("When is the hall open?", "It is locked until noon.", ["The open hall is a big hall."]),
        (
            "What does it cost to board a cat?",
            "Cats: 16 euros a night.",
            ["We board 12 cats in the house."],
        ),
    ],
)
def test_a_number_a_time_or_a_price_is_preferred(
    question: str, says: str, others: list[str]
) -> None:
    pages = [section("Dogs fit open cat board hall", says, "a"), section("Notes", others[0], "b")]
    assert says.rstrip(".") in quote_answer(question, pages[::-1])


def test_a_title_that_shares_a_word_does_not_hide_the_answer() -> None:
    rules = section("Tenancy", "The rent is due in May.", "a", "Rules of the allotments")
    floor = section("Shop floor", "- Wear goggles\n- Tie your hair", "b", "Visitors")
    answer = quote_answer("Which rules apply on the shop floor?", [rules, floor])
    assert answer == "- Wear goggles [2]\n- Tie your hair [2]"


def test_other_subjects_are_not_quoted() -> None:
    """Also if the name is misspelt and the limit is worded differently."""
    sheets = [
        replace(passage(text), passage_id=name, source_id=name, title=name)
        for name, text in (
            ("Metformin", "The maximum dose of metformin is 2,550 mg a day."),
            ("Ibuprofen", "The daily dose of ibuprofen should not exceed 3,200 mg."),
        )
    ]
    answer = quote_answer("maximum recomended dose ibuprofin", sheets)
    assert answer == "The daily dose of ibuprofen should not exceed 3,200 mg. [2]"


def test_a_section_that_is_asked_for_is_quoted_and_no_other() -> None:
    risks = replace(passage("A storm may flood hall 1. A wall was ordered."), heading="11 Risks")
    other = replace(passage("There is a risk of fire."), source_id="o", heading="Warnings")
    answer = quote_answer("What are the risks?", [other, risks])
    assert answer == "A storm may flood hall 1. [2] A wall was ordered. [2]"


def test_markers_count_what_is_cited() -> None:
    passages = [
        replace(passage(text), passage_id=text, source_id=text)
        for text in ("Dogs bark.", "The depot is old.", "The depot has 41 berths.")
    ]
    quotes = quote("How many berths does the depot have?", passages)
    assert (quotes.text, quotes.cited) == ("The depot has 41 berths. [1]", (2,))
    assert quote("Why?", []).text == NOTHING


def test_markers_and_code_of_the_source_cannot_pose_as_ours() -> None:
    answer = quote_answer("What do herons eat?", [passage("Herons eat fish[7][8]. Herons `eat.")])
    assert answer == "Herons eat fish. [1]"


@pytest.mark.parametrize("passages", [[], [passage("###")], [passage("| a | b |")]])
def test_nothing_to_quote(passages: list[Passage]) -> None:
    assert quote_answer("What?", passages) == NOTHING


async def test_it_streams_word_by_word_and_says_how_it_ended() -> None:
    bound = ExtractiveChatModel().bind(passages=library("aripiprazole.md"), question=SIDE_EFFECTS)
    chunks = [chunk async for chunk in bound.astream("ignored")]
    pieces = [answer_text(chunk) for chunk in chunks]
    assert "".join(pieces) == quote_answer(SIDE_EFFECTS, library("aripiprazole.md"))
    assert all(len(piece.split()) <= 1 for piece in pieces)
    reasons = [c.response_metadata["finish_reason"] for c in chunks if c.response_metadata]
    assert reasons == ["stop"]
    usage = usage_of(chunks[-1])
    assert usage is not None
    assert usage.output_tokens == len("".join(pieces).split())


async def test_without_streaming_it_says_the_same() -> None:
    passages = library("aripiprazole.md")
    bound = ExtractiveChatModel().bind(passages=passages, question=SIDE_EFFECTS)
    message = await bound.ainvoke("ignored", stream=False)
    assert message.text == quote_answer(SIDE_EFFECTS, passages)
    assert message.response_metadata["finish_reason"] == "stop"


async def test_it_goes_on_after_what_was_said() -> None:
    passages = library("aripiprazole.md")
    whole = "".join(await stream(ExtractiveChatModel(), passages, SIDE_EFFECTS))
    said = whole[:100]
    rest = "".join(await stream(ExtractiveChatModel(), passages, SIDE_EFFECTS, said))
    assert said + rest == whole


async def test_what_was_said_is_not_repeated_when_the_choice_is_another_one() -> None:
    bound = ExtractiveChatModel().bind(
        passages=[],
        question="",
        quote="Cats purr. [1]\n\nDogs bark. [2]",
        prefix="Cats purr. [1]\n\nDo",
    )
    assert "".join([answer_text(chunk) async for chunk in bound.astream("")]) == "gs bark. [2]"
    other = bound.bind(prefix="Cats purr. [1]\n\nHens")
    said = "".join([answer_text(chunk) async for chunk in other.astream("")])
    assert said == "\n\nDogs bark. [2]"


async def test_it_keeps_its_pace() -> None:
    loop = asyncio.get_running_loop()
    began = loop.time()
    pieces = await stream(
        ExtractiveChatModel(tokens_per_s=100), [passage("Cats sleep well.")], "Cats"
    )
    words = len([piece for piece in pieces if piece])
    assert loop.time() - began >= (words - 1) / 100


async def test_it_is_cancelled_at_once_and_lets_others_run() -> None:
    model = ExtractiveChatModel(tokens_per_s=0)
    long = [passage(" ".join(f"Cats sleep {n} hours{n}." for n in range(200)))]
    bound = model.bind(passages=long, question="cats")
    seen = 0

    async def read() -> None:
        nonlocal seen
        async for _ in bound.astream("ignored"):
            seen += 1

    task = asyncio.create_task(read())
    while seen < 3:
        await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert seen < 10
