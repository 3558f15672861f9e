"""PDFs truncated or altered anywhere are read as far as possible, or refused in one line."""

import random
from functools import cache

import pytest

from app.domain.models import FidelityNote
from app.embeddings.word_pieces import estimated_pieces
from app.ingest.loaders.pdf_document import load_pdf
from app.ingest.parsed_document import IngestError
from app.ingest.reading import ParserError, read_document
from tests.harness.pdf_files import Page, form, pdf_file, stream

SEEDS = 60


@cache
def whole() -> bytes:
    """A file with everything that the loader reads: text, a form, annotations, an attachment."""
    widget = b"<< /Type /Annot /Subtype /Widget /Rect [200 690 400 710]"
    made = {
        20: widget + b" /FT /Tx /T (name) /V (Zenobia Quist) >>",
        21: widget + b" /FT /Ch /Ff 131072 /T (town) /V (2) /Opt [[(1) (Oslo)] [(2) (Lund)]] >>",
        22: b"<< /Type /Filespec /F (prices.txt) /EF << /F 23 0 R >> >>",
        23: stream(b"Hose: 12 crowns\n"),
    }
    catalog, objects = form(made)
    names = "/Names << /EmbeddedFiles << /Names [(prices.txt) 22 0 R] >> >>"
    notes = (
        "20 0 R",
        "21 0 R",
        "<< /Subtype /Text /T (Ann) /Contents (Not before the 9th) /Rect [60 600 80 620] >>",
        "<< /Subtype /Highlight /Contents (Which?) /QuadPoints [60 712 90 712 60 698 90 698] "
        "/Rect [60 696 90 712] >>",
        "<< /Subtype /Link /Rect [60 696 90 712] /A << /S /URI /URI (https://a.example) >> >>",
        "<< /Subtype /FileAttachment /FS 22 0 R /Rect [60 400 80 420] >>",
    )
    lines = [(60, 700 - 14 * at, f"Line {at} of the guide to pumps.") for at in range(9)]
    rows = [(200 * at, 500, f"{at},00") for at in range(1, 3)]
    arabic = [(60, 400, "מאה 450 שקל", 11, "U")]
    pages = [Page([*lines, *rows], notes), Page(arabic), Page(lines, notes[2:])]
    return pdf_file(pages, catalog=f"{catalog} {names}", objects=objects)


def read(data: bytes) -> None:
    """Raises `ParserError` for a refusal without a reason."""
    try:
        text = read_document("a.pdf", data, estimated_pieces).passages[0].text
    except ParserError:
        raise
    except IngestError as error:
        text = str(error).replace("\n", "")
    assert text


@pytest.mark.parametrize("tenth", range(11))
def test_a_file_that_is_cut_off_is_read_or_refused(tenth: int) -> None:
    data = whole()
    read(data[: len(data) * tenth // 10])


@pytest.mark.parametrize("seed", range(SEEDS))
def test_a_file_with_changed_bytes_is_read_or_refused(seed: int) -> None:
    read(changed(whole(), seed))


def changed(data: bytes, seed: int) -> bytes:
    """Some bytes replaced, some numbers enlarged, some stretches removed or repeated."""
    chance = random.Random(seed)
    out = bytearray(data)
    for _ in range(chance.randint(1, 12)):
        at = chance.randrange(len(out))
        match chance.randrange(4):
            case 0:
                out[at] = chance.randrange(256)
            case 1:
                end = min(len(out), at + chance.randrange(40))
                del out[at:end]
            case 2:
                out[at:at] = out[at : at + chance.randrange(200)]
            case _:
                figure = next((n for n in range(at, len(out)) if 48 <= out[n] < 58), at)
                out[figure : figure + 1] = chance.choice((b"-1", b"99999999", b"0", b"1e9"))
    return bytes(out)


def test_one_damaged_page_costs_one_page() -> None:
    data = pdf_file([Page([(60, 700, "Page one.")]), Page([(60, 700, "Page two.")])])
    source = load_pdf(data.replace(b"/Kids [20 0 R 22 0 R]", b"/Kids [20 0 R 99 0 R]"))
    assert source.text == "Page one."
    assert source.notes == (FidelityNote("damaged_pages", 1, 2),)
    with pytest.raises(IngestError, match="no page can be read"):
        load_pdf(data.replace(b"/Kids [20 0 R 22 0 R]", b"/Kids [98 0 R 99 0 R]"))
