"""The questions with checkable answers: reading, judging, and the scripted model."""

from pathlib import Path

import pytest

from app.graph.prompts import ANSWER, CONTEXTUALIZE, GRADE
from bench.answers.judging import Reply, folded, judge
from bench.answers.libraries import PACKAGES, SAMPLES, library_files
from bench.answers.questions import Form, Item, read_questions
from bench.answers.report import Judged, gate_rows, kind_rows, passed, shortfalls, write_section
from bench.answers.scripted_model import DECLINED, reply

TEXTS = {".md", ".rst", ".txt", ".html", ".csv", ".vtt"}
PROMPT = """\
Passages:

[1] Zoo > Opening
<passage>
The zoo opens at nine.
</passage>

[2] Zoo > Prices
<passage>
Tickets of the zoo cost four euros.
</passage>

Question: """


def item(*must: str, form: Form = "answer", must_not: tuple[str, ...] = ()) -> Item:
    wordings = tuple(tuple(one.split(" // ")) for one in must)
    return Item("tuned", "zoo", "lookup", form, ("Asked?",), wordings, must_not)


def said(text: str, *evidence: str) -> Reply:
    return Reply(text, refused=False, evidence=evidence)


REFUSED = Reply("I found nothing.", refused=True)


def test_each_row_is_a_question_of_a_library_that_there_is(tmp_path: Path) -> None:
    items = read_questions()
    assert len(items) > 200
    assert len({(one.library, one.turns) for one in items}) == len(items)
    for library in {one.library for one in items}:
        assert library == SAMPLES or library_files(library, tmp_path / library)


def test_what_an_answer_must_say_stands_in_the_files(tmp_path: Path) -> None:
    for library in ("office", PACKAGES):
        files = [one for one in library_files(library, tmp_path) if one.suffix in TEXTS]
        text = folded(" ".join(one.read_text(errors="replace") for one in files))
        for one in read_questions(["tuned", "held_out"]):
            if one.library == library and one.kind in ("lookup", "list", "procedure", "table"):
                missing = [w for w in one.must if not any(folded(o) in text for o in w)]
                assert not missing, (one.turns, missing)


def test_a_row_that_says_nothing_is_named(tmp_path: Path) -> None:
    head = "library\tkind\tform\tquestion\tmust\tmustnot\n"
    (tmp_path / "tuned.tsv").write_text(f"{head}zoo\tlookup\tanswer\tWhen?\t\t\n")
    with pytest.raises(ValueError, match=r"tuned\.tsv:2: must"):
        read_questions(["tuned"], tmp_path)
    (tmp_path / "tuned.tsv").write_text(f"{head}zoo\tlookup\tsong\tWhen?\tnine\t\n")
    with pytest.raises(ValueError, match=r"tuned\.tsv:2: form: got 'song'"):
        read_questions(["tuned"], tmp_path)


def test_an_answer_is_right_that_says_everything_in_one_of_its_wordings() -> None:
    asked = item("at nine // 9:00", "zoo")
    assert judge(asked, said("The **zoo** opens [1] at\nnine. [1]")) == "right"
    assert judge(asked, said("Zoo: 9:00 [1]")) == "right"
    assert judge(asked, said("The zoo opens early. [1]")) == "partly"
    assert judge(asked, said("Cats sleep. [1]", "The zoo opens at nine.")) == "partly"
    assert judge(asked, said("Cats sleep. [1]")) == "wrong"
    assert judge(asked, REFUSED) == "wrongly refused"


def test_an_answer_that_also_says_what_it_must_not_is_partly_right() -> None:
    asked = item("nine", must_not=("four euros",))
    assert judge(asked, said("At nine. Tickets cost four euros.")) == "partly"


def test_steps_are_right_in_their_order_only() -> None:
    asked = item("open", "close", form="ordered")
    assert judge(asked, said("1. Open it. 2. Close it.")) == "right"
    assert judge(asked, said("1. Close it. 2. Open it.")) == "partly"


def test_what_is_foreign_must_be_refused_and_talk_cites_nothing() -> None:
    assert judge(item(form="declined"), REFUSED) == "right"
    assert judge(item(form="declined"), said("Ulan Bator. [1]")) == "wrong"
    assert judge(item("hello", form="uncited"), said("Hello.")) == "right"
    assert judge(item("hello", form="uncited"), said("print('hello') [1]", "x")) == "wrong"


def test_a_gate_is_missed_over_all_sets_and_held_out_answers_are_not_shown(tmp_path: Path) -> None:
    held_out = Item("held_out", "zoo", "lookup", "answer", ("When?",), (("nine",),), ())
    judged = [
        Judged(one, "quoting", reply, judge(one, reply))
        for one, reply in ((item("nine"), said("nine")), (held_out, said("ten")))
    ]
    gates = gate_rows(judged, "quoting")
    assert [row for row in gates if row[0] == "lookups right"] == [
        ("lookups right", "held_out", "1", "0.0%", "≥ 85%", "NO"),
        ("lookups right", "tuned", "1", "100.0%", "≥ 85%", "yes"),
        ("lookups right", "all", "2", "50.0%", "≥ 85%", "NO"),
    ]
    assert not passed(gates)
    assert passed(gate_rows(judged[:1], "quoting"))
    assert not list(shortfalls(judged))
    file = tmp_path / "measurements.md"
    for _ in range(2):
        made = {"at": "2026-11-30T", "command": "it", "versions": "Python"}
        write_section(file, made, (kind_rows(judged), gates))
    assert file.read_text().count("| quoting | held_out | lookup | 1 | 0 | 0 | 1 | 0 |") == 1


def test_the_scripted_model_quotes_the_passages_with_the_words_of_the_question() -> None:
    def answered(question: str) -> str:
        system = {"role": "system", "content": ANSWER}
        return reply([system, {"role": "user", "content": PROMPT + question}])

    assert answered("What do tickets cost?") == "Tickets of the zoo cost four euros. [2]"
    assert answered("What is the capital of Mongolia?") == DECLINED
    assert "[1]" in answered("What is this about?")
    grading = [{"role": "system", "content": GRADE}]
    asked = {"role": "user", "content": f"{PROMPT}When does the zoo open?"}
    assert reply([*grading, asked]) == '{"relevant": [1], "answerable": true}'


def test_the_scripted_model_completes_a_follow_up_from_the_question_before() -> None:
    messages = [
        {"role": "system", "content": CONTEXTUALIZE},
        {"role": "user", "content": "When does the zoo open?"},
        {"role": "assistant", "content": "At nine. [1]"},
        {"role": "user", "content": "Follow-up question: And on Sundays?"},
    ]
    assert reply(messages) == "And on Sundays (When does the zoo open)?"
