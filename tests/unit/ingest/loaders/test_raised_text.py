"""Exponents, footnote marks and indices are distinguished."""

import pytest

from app.ingest.loaders.html_page import load_html
from app.ingest.loaders.markdown import load_markdown


@pytest.mark.parametrize(
    ("markup", "expected"),
    [
        ("x<sup>2</sup> + y<sup>10</sup>", "x² + y¹⁰"),
        ("120 m<sup>2</sup>, 3 km<sup>2</sup>", "120 m², 3 km²"),
        ("5 m s<sup>-1</sup>", "5 m s⁻¹"),
        ("(a + b)<sup>2</sup> = c", "(a + b)² = c"),
        ("sin<sup>2</sup> and x<sup>n</sup>", "sin² and xⁿ"),
        ("Ca<sup>2+</sup> and Na<sup>+</sup>", "Ca²⁺ and Na⁺"),
        ("10<sup>5</sup> and 10<sup>-3</sup>", "10^5 and 10^-3"),
        ("Sales<sup>3</sup> rose", "Sales [3] rose"),
        ("rose.<sup>12</sup> Then", "rose. [12] Then"),
        ("shown before<sup>1, 2</sup>.", "shown before [1, 2]."),
        ("(in thousands)<sup>2</sup>", "(in thousands) [2]"),
        ("the 1<sup>st</sup> of M<sup>me</sup> Roy", "the 1st of Mme Roy"),
        ("<sup>14</sup>C", "14C"),
        ("H<sub>2</sub>O and x<sub>1</sub>", "H2O and x1"),
        ("1011<sub>2</sub>", "1011₂"),
    ],
)
def test_what_stands_above_or_below_the_line(markup: str, expected: str) -> None:
    assert load_html(f"<p>{markup}</p>".encode()).text == expected
    assert load_markdown(markup.encode()).text == expected
