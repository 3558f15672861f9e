"""Maps characters of symbol fonts to Unicode."""

from typing import Final

_GREEK: Final = dict(
    zip(
        "ABGDEZHQIKLMNXOPRSTUFCYWabgdezhqiklmnxoprVstufcywJj",
        "ΑΒΓΔΕΖΗΘΙΚΛΜΝΞΟΠΡΣΤΥΦΧΨΩαβγδεζηθικλμνξοπρςστυφχψωϑϕ",
        strict=True,
    )
)


def _table(codes: str, characters: str) -> dict[int, str]:
    return dict(zip(bytes.fromhex(codes), characters, strict=True))


_SYMBOL: Final = _table(
    "A3 B3 B9 BB B1 B4 B8 A5 B0 B7 D7 D6 B6 F2 E5 D5 AE AC AD AF AB DE DC DB CE CF C7 C8 "
    "CC C6 22 24 D1 A2 B2 BC 2D D2 D3 D4 A0 BA 40 5E D0 D9 DA D8",
    "≤≥≠≈±×÷∞°•⋅√∂∫∑∏→←↑↓↔⇒⇐⇔∈∉∩\u222a⊂∅∀∃∇\u2032″…−®©™€≡≅⊥∠∧\u2228¬",
)
_WINGDINGS: Final = _table(
    "FC FB FE FD A8 6F 71 78 E0 DF E1 E2 E8 F0 4A 4C 28 2A A7 6E 6C 9F 76 D8",
    "✓✗☑☒☐☐☐☒→←↑↓→⇨☺☹☎✉▪■●•❖➢",
)
_WINGDINGS_2: Final = _table(
    "50 4F 52 51 A3 2A",
    "✓✗☑☒☐☐",
)


def symbol(code: str, font: str) -> str:
    """Look up by hexadecimal code. Empty for unknown ornaments."""
    try:
        number = int(code, 16)
    except ValueError:
        return ""
    if 0xF000 <= number <= 0xF0FF:
        number -= 0xF000
    match font.lower():
        case "symbol" | "":
            return _SYMBOL.get(number) or _plain(_GREEK.get(chr(number), ""), number)
        case "wingdings":
            return _WINGDINGS.get(number, "")
        case "wingdings 2":
            return _WINGDINGS_2.get(number, "")
        case "wingdings 3" | "webdings" | "marlett":
            return ""
        case _:
            return _plain("", number)


def _plain(known: str, number: int) -> str:
    is_character = 0x20 <= number < 0xD800 or 0xF900 <= number < 0xFFFE
    return known or (chr(number) if is_character else "")
