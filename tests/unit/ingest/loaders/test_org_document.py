"""Org documents are read with their structure."""

import pytest

from app.domain.models import FidelityNote
from app.ingest.loaders.registry import loader_for
from app.ingest.parsed_document import IngestError, ParsedDocument
from tests.unit.ingest.loaders.test_mail import blocks

DOCUMENT = """\
#+TITLE: Tea *pots*
#+AUTHOR: Ana Ng
#+OPTIONS: toc:nil
#+INCLUDE: "/etc/hostname"
# a comment
Intro with *bold*, /italic/, =co*de=, ~verb~, snake_case, a/b/c and a note [fn:1][fn:: in line].

* TODO [#A] Cleaning                    :wash:hot:
  SCHEDULED: <2026-11-02 Mon>
  :PROPERTIES:
  :ID: secret
  :END:
- one
- [X] two
  continued
  1. inner
  2. [@2] inner two

  more of two
- term :: its meaning

After the list.
** Prices
#+CAPTION: A caption
| Name | Price |
|------+-------|
| Mug  | 3.50  |
| Pot  |       |
#+TBLFM: $2=1
#+BEGIN_SRC python :results output
  x = 1
    y = *2*
#+END_SRC
: fixed
#+begin_quote
Quoted.
#+end_quote
#+begin_verse
one
two
#+end_verse
#+BEGIN_COMMENT
secret
#+END_COMMENT
* COMMENT Secret heading
secret
** below it
* Storing
See [[https://x.example][the /site/]] and [[Cleaning]]. Math $a^2$, \\(b\\). Line\\\\
break.
[fn:1] The footnote.
"""


def load(text: str) -> ParsedDocument:
    loader = loader_for("a.org", text.encode())
    assert loader.format == "org"
    return loader.load(text.encode())


def test_a_document_is_read_with_its_structure() -> None:
    source = load(DOCUMENT)
    assert source.title == "Tea pots"
    assert "secret" not in source.text.lower()
    assert blocks(source) == [
        ("row", None, "author: Ana Ng"),
        (
            "paragraph",
            None,
            "Intro with bold, italic, co*de, verb, snake_case, a/b/c and a note [1] [2].",
        ),
        ("paragraph", None, "Footnote 2: in line"),
        ("row", "Cleaning", "SCHEDULED: <2026-11-02 Mon>"),
        ("item", "Cleaning", "- one"),
        ("item", "Cleaning", "- two continued"),
        ("item", "Cleaning", "  1. inner"),
        ("item", "Cleaning", "  2. inner two"),
        ("item", "Cleaning", "  more of two"),
        ("item", "Cleaning", "- term: its meaning"),
        ("paragraph", "Cleaning", "After the list."),
        ("paragraph", "Cleaning > Prices", "A caption"),
        ("row", "Cleaning > Prices", "Name: Mug; Price: 3.50"),
        ("row", "Cleaning > Prices", "Name: Pot"),
        ("code", "Cleaning > Prices", "x = 1\n  y = *2*"),
        ("code", "Cleaning > Prices", "fixed"),
        ("paragraph", "Cleaning > Prices", "Quoted."),
        ("paragraph", "Cleaning > Prices", "one\ntwo"),
        ("paragraph", "Storing", "See the site and Cleaning. Math a^2, b. Line\nbreak."),
        ("paragraph", "Storing", "[1] The footnote."),
    ]


@pytest.mark.parametrize(
    ("markup", "shown"),
    [
        ("*not bold", "*not bold"),
        ("2 * 3 * 4 and a_b_c", "2 * 3 * 4 and a_b_c"),
        ("+struck+ _under_ *bold* end", "struck under bold end"),
        ("{{{macro(words)}}} <<target>>there", "words there"),
        ("\\[x\n  y\\] and \\( open", "x y and \\( open"),
        ("costs $5 or $6.50", "costs $5 or $6.50"),
        ("[[a][b]] [[c]]", "b c"),
        (":NODRAWER:\nwords", ":NODRAWER: words"),
        ("a) one\n", "a) one"),
    ],
)
def test_marks_are_taken_off(markup: str, shown: str) -> None:
    assert [" ".join(text.split()) for _, _, text in blocks(load(markup))] == [shown]


def test_a_first_heading_is_the_title_of_a_document_without_one() -> None:
    source = load("* Tea\nWords.\n* Cups\nMore.\n")
    assert source.title == "Tea"
    assert blocks(source) == [("paragraph", None, "Words."), ("paragraph", "Cups", "More.")]


def test_pictures_are_counted() -> None:
    assert load("See [[file:cup.png]] there.").notes == (FidelityNote("pictures", 1),)


def test_nothing_is_followed() -> None:
    with pytest.raises(IngestError, match="contains no text"):
        load('#+INCLUDE: "/etc/hostname"\n#+SETUPFILE: /etc/hostname\n')


@pytest.mark.parametrize("end", ["#+begin_src\nx", "#+begin_quote\nx", "| x", ":A:\nx"])
def test_what_is_never_closed_is_read_to_the_end(end: str) -> None:
    assert "x" in load(f"Words.\n{end}").text
