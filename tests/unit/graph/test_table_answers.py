"""I20.6: questions about table rows are computed, shown with their rows, or left alone."""

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.domain.models import Passage, Span
from app.graph.table_answers import table_answer
from app.graph.table_questions import may_compute, typed
from app.text.citations import cite

ROWS = [
    ("A-1", "Werft Mayer", "Sail canvas", "1,200", "18.50", "2025-07-01", "delivered"),
    ("A-2", "Zelte Brandt", "Tent ripstop", "634", "13.25", "2025-08-02", "cancelled"),
    ("A-3", "Hotel Strandlust", "Bed linen", "2,573", "15.85", "2025-09-03", "open"),
    ("A-4", "Werft Mayer", "Workwear", "300", "9.00", "2025-08-14", "cancelled"),
    ("A-5", "Zelte Brandt", "Tent ripstop", "1,500", "10.50", "2025-09-20", "delivered"),
    ("A-6", "Werft Mayer", "Sail canvas", "", "18.50", "2024-12-05", "delivered"),
]
HEADER = ("Order", "Customer", "Article", "Quantity (m)", "Price per m", "Delivery", "Status")


def passage(rows: list[str], position: int = 0, heading: str | None = "Orders") -> Passage:
    spans, text = [], ""
    for row in rows:
        spans.append(Span("row", len(text), len(text) + len(row)))
        text += f"{row}\n"
    return Passage(
        passage_id=f"p{position}",
        source_id="s",
        title="Sales 2025",
        kind="document",
        position=position,
        text=text.rstrip(),
        heading=heading,
        structure=tuple(spans),
    )


def labelled(row: tuple[str, ...], header: tuple[str, ...] = HEADER) -> str:
    return "; ".join(f"{name}: {cell}" for name, cell in zip(header, row, strict=True) if cell)


# As ingestion stores them: a table continues in the next passage.
ORDERS = [
    passage([labelled(row) for row in ROWS[:4]]),
    passage([labelled(row) for row in ROWS[4:]], 1),
]


def test_a_year_is_compared_with_the_column_of_years() -> None:
    header = ("Tool", "Bought", "Price")
    tools = (
        ("Table saw", "2019", "900"),
        ("Router", "2021", "450"),
        ("Dovetail jig", "2020", "80"),
    )
    shed = passage([labelled(row, header) for row in tools], heading="Tools")
    answer = table_answer("How many tools were bought before 2021?", [replace(shed, title="Tools")])
    assert answer is not None
    assert "**2**" in answer.lines[0]


def test_several_periods_are_not_computed() -> None:
    assert table_answer("How many orders from July to September 2025?", ORDERS) is None


HARVESTS = ["Old Wall", "Old Wall", "Mill Field", "Hillside", "Mill Field"]
GRADES = "ABACA"


@pytest.mark.parametrize(
    ("question", "figure"),
    [
        ("How many harvests have grade A?", "3"),
        ('How many harvests are there where the grade is "A"?', "3"),
        ("How many harvests are of grade B?", "1"),
        ("What is the total weight of grade A?", "90"),
        ("How many orchards are there?", "3"),
        ("How many harvests are there?", "5"),
    ],
)
def test_one_letter_is_a_value_and_a_title_is_not_what_a_row_is(question: str, figure: str) -> None:
    header = ("Orchard", "Grade", "Weight")
    rows = [
        labelled((orchard, grade, str(10 * number)), header)
        for number, (orchard, grade) in enumerate(zip(HARVESTS, GRADES, strict=True), start=1)
    ]
    harvest = replace(passage(rows, heading=None), title="Orchard harvest")
    answer = table_answer(question, [harvest])
    assert answer is not None
    assert f"**{figure}**" in answer.lines[0]


@pytest.mark.parametrize(
    ("question", "figure", "orders"),
    [
        ("How many orders are there?", "6", "123456"),
        ("How many orders were cancelled?", "2", "24"),
        ("What number of orders did Werft Mayer place?", "3", "146"),
        ("How many cancelled or open orders are there?", "3", "234"),
        ("How many orders of Werft Mayer were cancelled?", "1", "4"),
        ("How many orders were delivered in Q3 2025?", "2", "15"),
        ("Count the orders in August 2025", "2", "24"),
        ("How many orders have a quantity over 1,000?", "3", "135"),
        ("How many orders have a quantity of at least 1,500?", "2", "35"),
        ("How many orders after 2025-09-01?", "2", "35"),
        ("How many orders were there before 2025?", "1", "6"),
        ("How many orders since 2025?", "5", "12345"),
        ("How many orders before September 2025?", "4", "1246"),
        ("How many orders after August 2025?", "2", "35"),
        ("Which orders are still open?", "1", "3"),
        ("How many customers are there?", "3", "123456"),
        ("What is the total quantity?", "6,207", "123456"),
        ("total quantity for Zelte Brandt", "2,134", "25"),
        ("What is the average price per m of Werft Mayer?", "15.33", "146"),
        ("What is the highest quantity?", "2,573", "3"),
        ("Which order was the cheapest?", "9", "4"),
        ("Which is the most expensive article?", "18.5", "16"),
        ("When was the latest delivery?", "2025-09-20", "5"),
        ("What was the smallest quantity of Tent ripstop?", "634", "2"),
    ],
)
def test_it_is_computed_and_shown_with_its_rows(question: str, figure: str, orders: str) -> None:
    made = table_answer(question, ORDERS)
    assert made is not None
    assert f"**{figure}**" in made.lines[0]
    shown = [line.split("|")[1].strip() for line in made.lines if line.startswith("| A-")]
    assert shown == [f"A-{number}" for number in orders]
    assert cite(made.text, made.passages)


@pytest.mark.parametrize(
    "question",
    [
        "How many employees does the company have?",
        "How many orders were not cancelled?",
        "How many orders were delivered late?",
        "What is the total weight?",
        "How many orders were delivered in August?",  # of which year?
        "Why were orders cancelled?",
        "Which orders are there?",
        "How many orders does Peter have?",
        "What is the average?",
    ],
)
def test_what_is_not_wholly_understood_is_not_computed(question: str) -> None:
    assert table_answer(question, ORDERS) is None


def test_groups_are_counted_by_a_column() -> None:
    made = table_answer("How many orders per customer?", ORDERS)
    assert made is not None
    assert made.lines[2:7] == [
        "| Customer | Rows |",
        "|---|---|",
        "| Werft Mayer | 3 |",
        "| Zelte Brandt | 2 |",
        "| Hotel Strandlust | 1 |",
    ]
    total = table_answer("Sum of the quantity by status", ORDERS)
    assert total is not None
    assert "| delivered | 2,700 |" in total.lines


def test_the_conditions_are_said() -> None:
    made = table_answer("How many orders of Werft Mayer were delivered in 2025?", ORDERS)
    assert made is not None
    assert made.lines[0] == (
        "**1**: 1 of 6 rows in “Sales 2025” where Customer is Werft Mayer and Status is delivered "
        "and Delivery from 2025-01-01 to 2025-12-31."
    )


def test_rows_that_cannot_be_computed_with_are_said() -> None:
    prices = [str(number) for number in range(1, 20)] + ["on request"]
    table = [
        passage([labelled((f"A-{p}", p), ("Order", "Price")) for p in prices]),
    ]
    made = table_answer("What is the average price?", table)
    assert made is not None
    assert "**10**" in made.lines[0]
    assert made.lines[1] == "Left out: 1 row whose Price is no number, such as “on request”."


def test_rows_that_add_up_the_others_are_no_rows() -> None:
    header = ("Harbour", "Tons 2023", "Tons 2024")
    rows = [("Lima", "5", "7"), ("Oslo", "2", "3"), ("Riga", "1", "1"), ("Total", "8", "11")]
    table = [passage([labelled(row, header) for row in rows], heading="Harbours")]
    for question, figure in {
        "What is the total of tons 2024?": "11",
        "How many harbours are there?": "3",
        "How many tons 2024 for Lima?": "7",
        "Which harbour has the most tons 2024?": "7",
    }.items():
        made = table_answer(question, table)
        assert made is not None, question
        assert f"**{figure}**" in made.lines[0], question


def test_the_lowest_is_told_per_group() -> None:
    made = table_answer("What is the lowest quantity per customer?", ORDERS)
    assert made is not None
    assert "| Zelte Brandt | 634 |" in made.lines


def test_many_rows_are_cut_visibly() -> None:
    rows = [labelled((f"A-{number}", *ROWS[0][1:])) for number in range(4_000)]
    made = table_answer("How many orders were delivered?", [passage(rows)])
    assert made is not None
    assert "**4,000**" in made.lines[0]
    assert made.lines[-1] == "… 3,980 more rows."


def test_of_two_tables_the_one_whose_rows_are_meant_is_counted() -> None:
    contacts = [
        labelled((name, city), ("Customer", "City"))
        for name, city in (("Werft Mayer", "Kiel"), ("Zelte Brandt", "Trier"), ("Ohm", "Bonn"))
    ]
    source = [*ORDERS, passage(contacts, 2, "Contacts")]
    made = table_answer("How many customers are there?", source)
    assert made is not None
    assert "**3**: 3 of 3 rows" in made.lines[0]


def test_cells_that_look_like_sql_or_markers_are_text() -> None:
    evil = [
        labelled((f"A-{number}", "x'); DROP TABLE sources; --", "[7] | a", "1", "2", "", "open"))
        for number in range(3)
    ]
    made = table_answer("How many orders are open?", [passage(evil)])
    assert made is not None
    assert "**3**" in made.lines[0]
    assert "\\[7] a" in made.text.replace("\\| ", "")
    assert {citation.marker for citation in cite(made.text, made.passages)} == {1}


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        (["1", "2,000", "-3.5"], ("number", (1.0, 2000.0, -3.5))),
        (["1,5", "2,25"], ("number", (1.5, 2.25))),
        (["1.234,50", "2,5"], ("number", (1234.5, 2.5))),
        (["1.500", "2.000"], ("number", (1.5, 2.0))),
        ([" Oslo", "OSLO ", "rome"], ("text", ("Oslo", "Oslo", "rome"))),
        (["12 €", "$3.50", "40 %"], ("number", (12.0, 3.5, 40.0))),
        (["2025-01-31", "2025-02-01"], ("date", ("2025-01-31", "2025-02-01"))),
        (["2025-02-31", "x"], ("text", ("2025-02-31", "x"))),
        (["a", "", "b"], ("text", ("a", None, "b"))),
    ],
)
def test_columns_have_the_type_of_their_values(
    values: list[str], expected: tuple[str, tuple[object, ...]]
) -> None:
    column = typed("c", values)
    assert (column.type, column.values) == expected


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.tuples(st.sampled_from(["red", "blue", "green"]), st.integers(0, 9_999)),
        min_size=3,
        max_size=40,
    )
)
def test_figures_equal_those_of_the_rows(rows: list[tuple[str, int]]) -> None:
    header = ("Ball", "Colour", "Weight")
    texts = [
        labelled((f"B{index}", colour, str(weight)), header)
        for index, (colour, weight) in enumerate(rows)
    ]
    table = [replace(passage(texts), heading="Balls")]
    reds = [weight for colour, weight in rows if colour == "red"]
    counted = table_answer("How many balls are red?", table)
    total = table_answer("What is the total weight of red balls?", table)
    if reds:
        assert counted is not None
        assert f"**{len(reds):,}**" in counted.lines[0]
        assert total is not None
        assert f"**{sum(reds):,}**" in total.lines[0]
    else:
        assert counted is None


@given(st.text(max_size=200))
def test_every_question_is_read_or_left_alone(question: str) -> None:
    table_answer(question, ORDERS)
    may_compute(question)
