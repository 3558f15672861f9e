"""The questions that need two passages, and their scripted model."""

import json

from langchain_core.messages import BaseMessage, HumanMessage, SystemMessage

from app.graph.bridge_questions import may_need_steps
from app.graph.prompts import DECOMPOSE, GRADE
from app.graph.sub_questions import sub_questions
from bench.multi_hop import Asking, TwoHop, read_questions

ASKED = TwoHop(
    "In which room does the owner work?",
    ("Owner: Jonas", "works in room 2.11"),
    ("owner of the policy", "room of the owner"),
    "Jonas room",
)


def prompt(task: str, *texts: str) -> list[BaseMessage]:
    passages = "\n\n".join(f"[1] Title\n<passage>\n{text}\n</passage>" for text in texts)
    return [SystemMessage(task), HumanMessage(f"Passages:\n\n{passages}")]


def test_there_are_enough_questions_and_each_is_one_of_its_kind() -> None:
    questions = read_questions()
    assert len({one.question for one in questions}) == len(questions) >= 60
    told = [may_need_steps(one.question) or bool(sub_questions(one.question)) for one in questions]
    assert sum(told) / len(told) > 0.8


async def test_the_model_uses_a_name_only_where_a_passage_gives_it() -> None:
    model = Asking(ASKED, may_take_steps=True)
    assert (
        await model.judge(prompt(DECOMPOSE, "Nothing.")) == "owner of the policy\nroom of the owner"
    )
    assert await model.judge(prompt(DECOMPOSE, "Owner:  Jonas.")) == "Jonas room"
    assert await model.judge(prompt(DECOMPOSE, "He works in room 2.11.")) == "owner of the policy"
    both = prompt(DECOMPOSE, "Owner: Jonas", "works in room 2.11")
    assert await model.judge(both) == "NONE"
    assert model.calls == 4


async def test_a_model_without_steps_grades_all_the_same() -> None:
    model = Asking(ASKED, may_take_steps=False)
    assert await model.judge(prompt(DECOMPOSE, "Nothing.")) == "NONE"
    reply = await model.judge(prompt(GRADE, "Nothing.", "Owner: Jonas"))
    assert json.loads(reply or "") == {"relevant": [2], "answerable": True}
