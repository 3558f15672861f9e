"""Words that refer to earlier turns."""

import pytest

from app.text.pronouns import references


@pytest.mark.parametrize(
    "question",
    [
        "Can they be taken together?",
        "What is its dose?",
        "How is it taken?",
        "Why is that?",
        "How does this work?",
        "Is that safe?",
        "How is this medicine taken?",
        "What did she decide?",
        "Who works there?",
        "Which one is safer?",
        "Which is safer?",
        "Which of them is cheaper?",
        "What about the second one?",
        "What does that mean?",
        "Does alcohol change its effect?",
        "How long do they last?",
        "Does alcohol affect it?",
        "And is it safe in pregnancy?",
        "Can I take it with food?",
        "How long does it take to work?",
        "Who should not take it?",
        "Does that include weekends?",
        "When was this decided?",
        "Where is it stored?",
        "Is it safe?",
        "What if those fail?",
        "Tell me about the other one",
        "What is the difference between them?",
        "Do they interact?",
        "How often must it be serviced?",
        "Is it allowed?",
        "Who approved that?",
        "Are both safe?",
        "How much does it cost?",
        "Who is responsible for it?",
        "Is that valve tested every year?",
        "Does it contain lactose?",
        "What happens when it stops?",
    ],
)
def test_it_refers_back(question: str) -> None:
    assert references(question)


@pytest.mark.parametrize(
    "question",
    [
        "Is there insulin in the emergency kit?",
        "How many valves are there?",
        "What about the patient that forgets a dose?",
        "Is it possible to restart the pump?",
        "Is it safe to take ibuprofen with alcohol?",
        "How long does it take to restart the pump?",
        "Which pump has one alarm limit?",
        "Is it true that employees may work from home?",
        "How do employees claim their expenses?",
        "What is this document about?",
        "What are the main points of this report?",
        "What did Imran say about his budget?",
        "Does Harbour Textile publish its emissions?",
        "Are there any risks?",
        "Who is the person that approves leave?",
        "What happens to goods that arrive late?",
        "How many tablets can one take?",
        "What is taken at the same time as calcium?",
        "Should patients stop if they feel dizzy?",
        "If the pump fails, how is it restarted?",
        "Is there a rule that says who signs?",
        "What time is it?",
        "Does warfarin interact with ibuprofen when it is taken late?",
        "Is one of the valves closed?",
        "What must a manager do before he signs?",
        "How many employees said that the policy is unclear?",
        "Who decided that the pump is replaced?",
        "What is planned for this year?",
        "Is it allowed to bring dogs?",
    ],
)
def test_it_is_complete(question: str) -> None:
    assert references(question) == []


@pytest.mark.parametrize(
    ("question", "expected"),
    [
        ("Can they be taken together?", [("they", "pair", "")]),
        ("Why did they fall?", [("they", "things", "")]),
        ("Which one is safer?", [("Which one", "pair", "which")]),
        ("What about the second one?", [("the second one", "member", "second")]),
        ("Is that valve tested?", [("that valve", "noun", "valve")]),
        ("When did she say that?", [("she", "person", ""), ("that", "matter", "")]),
        ("What’s it’s dose?", [("it", "thing", "")]),
    ],
)
def test_what_kind_of_thing_is_meant(question: str, expected: list[tuple[str, str, str]]) -> None:
    found = references(question)
    assert [(question[one.start : one.end], one.kind, one.detail) for one in found] == expected
