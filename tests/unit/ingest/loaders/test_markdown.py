"""Markdown: markup is removed, all text stays."""

import pytest

from app.ingest.loaders.markdown import load_markdown


def blocks(text: str) -> list[tuple[str, str]]:
    source = load_markdown(text.encode())
    return [(b.kind, source.text[b.start : b.end]) for b in source.blocks]


def texts(text: str) -> list[str]:
    return [one for _, one in blocks(text)]


def fields(text: str) -> tuple[str | None, list[str]]:
    source = load_markdown(f"{text}\nText.\n".encode())
    assert source.text.endswith("Text.")
    return source.title, [source.text[b.start : b.end] for b in source.blocks if b.kind == "row"]


@pytest.mark.parametrize(
    ("front", "title", "expected"),
    [
        ("---\ntitle: 'Tea'\nauthor: Ann Berg\n---", "Tea", ["author: Ann Berg"]),
        ("---\ntags: [tea, 'hot']\n---", None, ["tags: tea, hot"]),
        ("---\ntags:\n  - tea\n  - hot\n---", None, ["tags: tea, hot"]),
        ("---\nfee: >\n  450\n  crowns\n---", None, ["fee: 450 crowns"]),
        ("---\nowner:\n  name: Ann\n  city: Lund\n---", None, ["owner: name: Ann, city: Lund"]),
        ("---\n# comment\ndate: 2024-05-01\nnone:\n...", None, ["date: 2024-05-01"]),
        ("--- \nurl: https://example.org/a\n---", None, ["url: https://example.org/a"]),
        ('+++\ntitle = "Tea"\nweight = 3\n+++', "Tea", ["weight: 3"]),
    ],
)
def test_front_matter_is_read_as_fields(front: str, title: str | None, expected: list[str]) -> None:
    assert fields(front) == (title, expected)


def test_a_heading_is_one_line() -> None:
    assert load_markdown(b"## Tea<br>time\n\nx").blocks[0].heading == "Tea time"


def test_text_between_rules_is_no_front_matter() -> None:
    assert "Only a sentence." in load_markdown(b"---\nOnly a sentence.\n---\n\nx").text
    assert texts("---\nNote: closed.\n---\n\nx") == ["Note: closed.", "x"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("5 ml<br>twice", ["5 ml\ntwice"]),
        (
            "| Dose | For |\n|--|--|\n| 5 ml<br/>twice | adults |",
            ["Dose: 5 ml twice; For: adults"],
        ),
        ("Run <project-id> in <Region>.", ["Run <project-id> in <Region>."]),
        ("<your name> writes `<b>`", ["<your name> writes <b>"]),
        ("<project-id>", ["<project-id>"]),
        ("<div>\n<project-id> &amp;\nmore<br>next\n</div>", ["<project-id> & more\nnext"]),
        ("Bold <b>and</b> <kbd>Ctrl</kbd>", ["Bold and Ctrl"]),
        ('See <img src="a" alt="A kettle"> and ![steam](b)', ["See A kettle and steam"]),
        ('<p align="center"><img alt=Logo src=x></p>', ["Logo"]),
        ("<script>\nalert(1 < 2)\n</script>\n\nx", ["x"]),
        ("<!-- hidden -->\n\nx", ["x"]),
        ("a <!-- hidden --> b", ["a  b"]),
        ("<table><tr><td>a<td>b</table>", ["a | b"]),
        ("<details><summary>When?</summary>\n\nAt nine.\n\n</details>", ["When?", "At nine."]),
        ("Free[^1].\n\n[^1]: Sundays", ["Free[^1].", "[^1]: Sundays"]),
        ("| a | b |\n|--|--|\n| 1 | 2 | 3 |\n| 4 |", ["a: 1; b: 2; 3", "a: 4"]),
        ("It costs ~~12~~ 15 crowns.", ["It costs  15 crowns."]),
        ("about ~5 <del>or *six* x</del><s>seven", ["about ~5 seven"]),
        ("x [text]\n\n[text]: http://example.org", ["x text"]),
    ],
)
def test_what_was_written_stays(text: str, expected: list[str]) -> None:
    assert texts(text) == expected
