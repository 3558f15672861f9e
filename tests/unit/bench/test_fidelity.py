"""The comparison of stored text with that of other readers."""

from pathlib import Path

from bench.fidelity.comparison import compare, summary
from bench.fidelity.readers import READERS, reader_for


def test_words_count_as_often_as_they_occur() -> None:
    one = compare("a/b.PDF", "tea tea milk extra", "Tea milk milk sugar")
    assert (one.suffix, one.words, one.recall, one.garbage) == (".pdf", 4, 0.5, 0.5)
    assert set(one.missing.split()) == {"milk", "sugar"}


def test_composition_and_hyphens_do_not_count() -> None:
    assert (
        compare("a.pdf", "ﬁle self-cleaning information", "file selfcleaning infor-\nmation").recall
        == 1
    )
    assert compare("a.pdf", "图书馆关闭", "图书馆\n关闭").recall == 1


def test_the_summary_has_a_line_for_each_format() -> None:
    results = [
        compare("a.pdf", "tea", "tea"),
        compare("b.pdf", "", "tea", refusal="damaged"),
        compare("c.docx", "tea", "tea"),
    ]
    _, docx, pdf = summary(results)
    assert docx.split()[:4] == [".docx", "1", "1.000", "0.0%"]
    assert pdf.split()[:5] == [".pdf", "2", "0.500", "50.0%", "1"]


def test_formats_without_another_reader_are_left_out() -> None:
    assert reader_for(Path("a.vtt")) is None
    assert reader_for(Path("a.XLSX")) is READERS[".xlsx"]
