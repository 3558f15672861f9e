"""PDFs with form fields, annotations, attachments and any script, in raw syntax."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from tests.harness.documents import numbered

Drawn = (
    tuple[float, float, str]
    | tuple[float, float, str, float]
    | tuple[float, float, str, float, str]
)
"""x, y, text, size and font; "U" writes any script."""

FONTS: Final = {"F1": "Helvetica", "F2": "Courier", "F3": "Helvetica-Bold"}


@dataclass(frozen=True, slots=True)
class Page:
    """The drawing instructions, in order."""

    drawn: Sequence[Drawn] = ()
    annotations: Sequence[str] = ()
    extra: str = ""  # more keys of the page
    matrix: str = "1 0 0 1"  # of the text


@dataclass(slots=True)
class _Codes:
    """The codes of the characters of the font "U"; its ToUnicode map decodes them."""

    known: dict[str, int] = field(default_factory=dict)

    def of(self, text: str) -> str:
        return "".join(f"{self.known.setdefault(one, len(self.known) + 1):04X}" for one in text)

    def map(self) -> bytes:
        pairs = "\n".join(
            f"<{code:04X}> <{one.encode('utf-16-be').hex()}>" for one, code in self.known.items()
        )
        return (
            "/CIDInit /ProcSet findresource begin 12 dict begin begincmap /CMapName /A def "
            "/CMapType 2 def 1 begincodespacerange <0000> <FFFF> endcodespacerange "
            f"{len(self.known)} beginbfchar\n{pairs}\nendbfchar endcmap end end"
        ).encode()


def pdf_file(
    pages: Sequence[Page],
    *,
    catalog: str = "",
    objects: Sequence[bytes] = (),
    mapped: bool = True,
    title: str = "",
    width: int = 500,
) -> bytes:
    """`objects` are numbered from 20. With `mapped` off the font "U" does not say its characters.

    `width` is that of each character of "U", in thousandths of its size.
    """
    codes = _Codes()
    contents = [_content(page, codes) for page in pages]
    first = 20 + len(objects)
    kids = " ".join(f"{first + 2 * at} 0 R" for at in range(len(pages)))
    to_unicode = "/ToUnicode 9 0 R" if mapped else ""
    fixed = [
        f"<< /Type /Catalog /Pages 2 0 R {catalog} >>",
        f"<< /Type /Pages /Kids [{kids}] /Count {len(pages)} >>",
        _font(FONTS["F1"]),
        f"<< /Title ({title}) >>",
        _font(FONTS["F2"]),
        _font(FONTS["F3"]),
        "<< /Type /Font /Subtype /Type0 /BaseFont /Any /Encoding /Identity-H "
        f"/DescendantFonts [8 0 R] {to_unicode} >>",
        "<< /Type /Font /Subtype /CIDFontType2 /BaseFont /Any /CIDSystemInfo << /Registry (Adobe) "
        f"/Ordering (Identity) /Supplement 0 >> /DW {width} /FontDescriptor 10 0 R >>",
        stream(codes.map()).decode("latin-1"),
        "<< /Type /FontDescriptor /FontName /Any /Flags 4 /FontBBox [0 -200 1000 900] "
        "/ItalicAngle 0 /Ascent 900 /Descent -200 /CapHeight 700 /StemV 80 >>",
    ]
    made = [one.encode("latin-1") for one in fixed]
    made += [b"null"] * (19 - len(made)) + list(objects)
    for at, (page, content) in enumerate(zip(pages, contents, strict=True)):
        annots = " ".join(page.annotations)
        number = first + 2 * at + 1
        made += [
            (
                f"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents {number} 0 R "
                "/Resources << /Font << /F1 3 0 R /F2 5 0 R /F3 6 0 R /U 7 0 R >> >> "
                f"/Annots [{annots}] {page.extra} >>"
            ).encode(),
            stream(content),
        ]
    return numbered(made)


def stream(content: bytes, keys: str = "") -> bytes:
    return b"<< /Length %d %b >>\nstream\n%b\nendstream" % (len(content), keys.encode(), content)


def form(fields: Mapping[int, bytes]) -> tuple[str, list[bytes]]:
    """The catalog's entry and the objects of an AcroForm; fields by number, from 20 on."""
    numbers = " ".join(f"{number} 0 R" for number in fields)
    return f"/AcroForm << /Fields [{numbers}] /DA (/F1 0 Tf) >>", list(fields.values())


def _font(name: str) -> str:
    return f"<< /Type /Font /Subtype /Type1 /BaseFont /{name} /Encoding /WinAnsiEncoding >>"


def _content(page: Page, codes: _Codes) -> bytes:
    lines = []
    for one in page.drawn:
        x, y, words = one[0], one[1], one[2]
        size = one[3] if len(one) > 3 else 11
        font = one[4] if len(one) > 4 else "F1"
        if font == "U":
            shown = f"<{codes.of(words)}>"
        else:
            escaped = words.replace("\\", "\\\\").replace("(", "\\(").replace(")", "\\)")
            shown = f"({escaped})"
        lines.append(f"BT /{font} {size} Tf {page.matrix} {x} {y} Tm {shown} Tj ET")
    return "\n".join(lines).encode("cp1252")
