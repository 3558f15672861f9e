"""reStructuredText is read with its structure, including Sphinx extensions."""

import pytest

from app.domain.models import FidelityNote
from app.ingest.loaders.registry import loader_for
from app.ingest.loaders.restructured_text import MAX_LINE, MAX_PARSED
from app.ingest.parsed_document import ParsedDocument
from tests.unit.ingest.loaders.test_mail import blocks

DOCUMENT = """\
.. a comment
   of two lines

==========
Tea *pots*
==========

:Author: Ana Ng

Intro with **bold**, ``code``, a `link <https://x.example>`_, :ref:`a label <lbl>`,
:func:`~tea.pots.brew`, |version| and a note [1]_ [#auto]_.

.. _lbl:

Cleaning
========

a) first
b) second

   more of it

   - inner *item*

term
   Its definition.

.. note:: Be careful.

Prices
------

+------+-------+
| Name | Price |
+======+=======+
| Mug  | 3.50  |
|      +-------+
|      | 4     |
+------+-------+

::

    literal
      block

.. [1] Footnote words.
.. [#auto] Auto words.

Storing
=======

| line one
| line two

-f FILE  the file
"""


def load(text: str) -> ParsedDocument:
    loader = loader_for("a.rst", text.encode())
    assert loader.format == "rst"
    return loader.load(text.encode())


def texts(text: str) -> list[str]:
    return [text for _, _, text in blocks(load(text))]


def test_a_document_is_read_with_its_structure() -> None:
    source = load(DOCUMENT)
    assert source.title == "Tea pots"
    assert blocks(source) == [
        ("row", None, "author: Ana Ng"),
        (
            "paragraph",
            None,
            "Intro with bold, code, a link, a label, brew, |version| and a note [1] [2].",
        ),
        ("item", "Cleaning", "a) first"),
        ("item", "Cleaning", "b) second"),
        ("item", "Cleaning", "   more of it"),
        ("item", "Cleaning", "  - inner item"),
        ("row", "Cleaning", "term: Its definition."),
        ("row", "Cleaning", "Note: Be careful."),
        ("row", "Cleaning > Prices", "Name: Mug; Price: 3.50"),
        ("row", "Cleaning > Prices", "Name: Mug; Price: 4"),
        ("code", "Cleaning > Prices", "literal\n  block"),
        ("paragraph", "Cleaning > Prices", "[1] Footnote words."),
        ("paragraph", "Cleaning > Prices", "[2] Auto words."),
        ("paragraph", "Storing", "line one\nline two"),
        ("row", "Storing", "-f FILE: the file"),
    ]


@pytest.mark.parametrize(
    ("markup", "shown"),
    [
        (".. code-block:: python\n   :linenos:\n\n   x = 1\n", ["x = 1"]),
        (".. versionadded:: 1.2\n   New thing.\n", ["Added in version 1.2: New thing."]),
        (".. deprecated:: 2.0\n\n   Use *x*.\n", ["Deprecated since version 2.0: Use x."]),
        (".. seealso:: The *other* part.\n", ["See also: The other part."]),
        (
            ".. py:function:: brew(pot)\n              boil()\n\n   Brews.\n\n   :param pot: it\n",
            ["brew(pot), boil(): Brews.", "param pot: it"],
        ),
        (".. tabs::\n\n   .. tab:: Linux\n\n      Words.\n", ["Linux", "Words."]),
        (".. image:: x.png\n   :alt: A cup\n   :nonsense: lazy\n\nEnd.\n", ["End."]),
        (".. figure:: x.png\n\n   Caption.\n", ["Caption."]),
        (".. csv-table:: T\n   :header: a,b\n\n   1,2\n", ["T", "a: 1; b: 2"]),
        (".. math:: a^2\n\nInline :math:`b`.\n", ["a^2", "Inline b."]),
        (".. |x| replace:: words\n\nSee |x|.\n", ["See words."]),
        (".. glossary::\n\n   tea\n      A drink.\n", ["tea: A drink."]),
    ],
)
def test_contents_of_directives_are_kept(markup: str, shown: list[str]) -> None:
    assert texts(markup) == shown


@pytest.mark.parametrize(
    "markup",
    [
        ".. include:: /etc/hostname\n",
        ".. literalinclude:: /etc/hostname\n",
        ".. raw:: html\n   :file: /etc/hostname\n",
        ".. csv-table::\n   :file: /etc/hostname\n",
        ".. raw:: html\n\n   <b>/etc/hostname</b>\n",
        ".. toctree::\n\n   hostname\n",
        ".. contents::\n\n.. comment hostname\n",
    ],
)
def test_nothing_is_followed(markup: str) -> None:
    assert texts(f"{markup}\nWords.\n") == ["Words."]


def test_pictures_are_counted() -> None:
    assert load(".. image:: x.png\n   :alt: A cup\n").notes == (FidelityNote("pictures", 1),)


@pytest.mark.parametrize(
    "text",
    [
        "> " * 300 + "deep words",
        "".join(f"{'  ' * depth}- deep\n\n" for depth in range(300)) + "words",
        "words\n" * (MAX_PARSED // 6 + 1),
        "words " * (MAX_LINE // 6 + 1),
        "Title\n==\n\n***\n`` words *unclosed `x\n",
    ],
)
def test_what_docutils_cannot_read_is_read_as_text(text: str) -> None:
    assert "words" in load(text).text
