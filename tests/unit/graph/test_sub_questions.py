"""I20.1k: the questions of one message are separated, lists of nouns are not."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.graph.sub_questions import MAX_PARTS, sub_questions


@pytest.mark.parametrize(
    "message",
    [
        "What is the dose of ibuprofen | and who must not take it?",
        "what is the dose of ibuprofen | and who must not take it",
        "dose of ibuprofen | and who must not take it",
        "What are the side effects of warfarin? | And of ibuprofen?",
        "What is the maximum dose of ibuprofen? | Who must not take it?",
        "Who approves travel | and who approves expenses?",
        "What is the limit for hotels, | and do I need a receipt?",
        "Is there a limit for hotels, | and if so, how high is it?",
        "Can you tell me what the dose of it is | and how often it should be taken?",
        "Tell me the dose of metformin | and who must not take it.",
        "How much leave do I have | and how do I request it?",
        "Can warfarin be taken with food | and does it interact with alcohol?",
        "What is metformin | and what is it used for?",
        "Who runs the battery bank, | and how often is it inspected?",
        "I am pregnant. May I take ibuprofen? | And warfarin?",
        "What is the retention of backups, | and who tests them, and how often?",
        "What are the limits, | how are they checked, | and who checks them?",
        "Where are the keys | and who has them?",
        "Which vaccine is given first | and is ibuprofen safe afterwards?",
        "Wie hoch ist die Dosis von Ibuprofen | und wer darf es nicht nehmen?",
        "Was wird gesichert | und wie lange werden die Daten aufbewahrt?",
        "Explain how to reset the breaker | and how to log it",
        "How do I request leave | and what happens if it is refused?",
        "How long is the battery warranty | and what voids it?",
        "who wrote the policy | but when was it approved",
        "Where are the keys kept?\n| Who has access to them?",
    ],
)
def test_several_things_are_asked(message: str) -> None:
    joining = {"", "and", "but", "und", "and if so,"}
    expected = [part.strip(" ,\n") for part in message.split("|")]
    found = sub_questions(message.replace("| ", ""))
    assert len(found) == len(expected)
    for part, written in zip(found, expected, strict=True):
        assert written.endswith(part)
        assert written.removesuffix(part).strip().lower() in joining


@pytest.mark.parametrize(
    "message",
    [
        "What is the dose of ibuprofen?",
        "What is the use of salt and pepper?",
        "What is the difference between sertraline and aripiprazole?",
        "Compare warfarin and ibuprofen and list the differences",
        "What are the side effects of ibuprofen and warfarin?",
        "Which medicines treat pain and fever?",
        "List all medicines and their doses",
        "Who is the person who runs the battery bank and who owns the policy?",
        "What happens when the alarm sounds and when the power fails?",
        "When the alarm sounds, who must be called?",
        "In case of fire, who is responsible?",
        "If the battery is hot, what should I do?",
        "What drug treats pain and can cause bleeding?",
        "Which team maintains and is responsible for the microgrid?",
        "Is it safe or is it dangerous?",
        "Which documents describe what to do in an outage and how to report it?",
        "Do children and adults get the same dose?",
        "What is and is not allowed on a company laptop?",
        "What is the dose of ibuprofen, right?",
        "The dose is 400 mg. Is that right? Correct?",
        "What did Dana say about when the meeting starts and where it is held?",
        "What must I do before, during and after an outage?",
        "Where and when does the team meet?",
        "What is the dose? What is the dose?",
        "What does “Who? What? Where?” mean?",
        "What does the report say about what went wrong and what went well?",
        "What is the difference between what was planned and what was done?",
        "When was the battery bank built and by whom?",
        "Which suppliers failed the audit, and why?",
        "When was the battery bank built? By whom?",
        "If the pump fails, who is called?",
        "According to the policy, what is the limit for hotels?",
        "Along with solar panels, what supplies the island?",
        "As the battery gets older, what does the warranty cover?",
        "Although the storm was over, when did the power come back?",
        "Given the weakness of the grid, what did the team do?",
        "The harbour has two generators, what are they for?",
        "When forces are acting on a body, what do you need?",
        "What month, every four years, are the elections held in?",
        "What rule, found by Watt, was later found by others?",
        "In what year of the war, did the school close?",
        "Who runs the battery bank, which is in the Boathouse?",
        "What resources are used by models and are typically scarce?",
    ],
)
def test_one_thing_is_asked(message: str) -> None:
    assert sub_questions(message) == ()


@pytest.mark.parametrize(
    "message",
    [
        "Hello! What is the dose of ibuprofen? Who must not take it? Thanks!",
        "Hi. Thank you. What is the dose of ibuprofen? And who must not take it?",
    ],
)
def test_talk_is_no_question(message: str) -> None:
    first, second = sub_questions(message)
    assert first == "What is the dose of ibuprofen?"
    assert second.lower().endswith("who must not take it?")


@pytest.mark.parametrize(
    "message",
    [
        "Can you help me? What is the dose of ibuprofen?",
        "What documents do you have? What is the dose of ibuprofen?",
        "Summarise the leave policy. Who approves leave?",
    ],
)
def test_what_is_not_searched_is_left_as_it_is(message: str) -> None:
    assert sub_questions(message) == ()


def test_more_questions_than_can_be_searched_are_one() -> None:
    questions = [f"Who owns policy {number}?" for number in range(MAX_PARTS + 1)]
    assert len(sub_questions(" ".join(questions[:-1]))) == MAX_PARTS
    assert sub_questions(" ".join(questions)) == ()


@given(st.text(alphabet="aW h?.!,;and\n“”(who is it", max_size=200))
def test_parts_are_pieces_of_the_message(message: str) -> None:
    said = "".join(message.split())
    for part in sub_questions(message):
        assert "".join(part.split()) in said
