"""Formats spreadsheet numbers as their number formats display them."""

import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Final

_BUILT_IN: Final = {
    0: "General", 1: "0", 2: "0.00", 3: "#,##0", 4: "#,##0.00", 9: "0%", 10: "0.00%",
    11: "0.00E+00", 12: "# ?/?", 13: "# ??/??", 14: "yyyy-mm-dd", 15: "d-mmm-yy", 16: "d-mmm",
    17: "mmm-yy", 18: "h:mm AM/PM", 19: "h:mm:ss AM/PM", 20: "h:mm", 21: "h:mm:ss",
    22: "yyyy-mm-dd h:mm", 37: "#,##0;-#,##0", 38: "#,##0;-#,##0", 39: "#,##0.00;-#,##0.00",
    40: "#,##0.00;-#,##0.00", 41: "#,##0", 42: "#,##0", 43: "#,##0.00", 44: "#,##0.00",
    45: "mm:ss", 46: "[h]:mm:ss", 47: "mm:ss", 48: "##0.0E+0", 49: "@",
}  # fmt: skip
_MAX_DECIMALS: Final = 30
_TOKEN: Final = re.compile(
    r'"(?P<quoted>[^"]*)"?|\\(?P<escaped>.)|_.|\*.|\[\$(?P<currency>[^\[\]-]{0,60})[^\[\]]{0,60}\]'
    r"|\[(?P<elapsed>h{1,9}|m{1,9}|s{1,9})\]|\[[^\[\]]{0,60}\]|(?P<number>[0#?][0#?,.]*(?:E[+-][0#?]+)?)"
    r"|(?P<general>General|@)|AM/PM|A/P|(?P<date>[ymdhs]+)|(?P<other>.)",
    re.IGNORECASE,
)
_FRACTION: Final = re.compile(r"[0#?] ?/ ?[0-9#?]")
_EPOCH: Final = datetime(1899, 12, 30)  # noqa: DTZ001 - sheets know no time zones
_DAYS: Final = 2_958_466  # day numbers up to the year 9999
_DAYS_1904: Final = 1_462


@dataclass(frozen=True, slots=True)
class _Section:
    """One section of a format code: for positive, negative or zero numbers."""

    before: str
    after: str
    digits: str | None  # placeholders; None for a text-only section
    percent: int
    dates: str  # which of the letters y, m, d, h and s occur
    elapsed: str
    general: bool


def code_of(format_id: int, own: dict[int, str]) -> str:
    """The format code for an id: from the file (`own`) or built in."""
    return own.get(format_id) or _BUILT_IN.get(format_id) or "General"


def shown_number(value: float, code: str, *, since_1904: bool = False) -> str:
    """`value` as displayed in the cell; dates in ISO 8601."""
    sections = _sections(code)
    section = sections[0]
    if value < 0 and len(sections) > 1:
        section, value = sections[1], -value
    elif value == 0 and len(sections) > 2:
        section = sections[2]
    if section.elapsed:
        return _elapsed(value, section)
    if section.dates:
        return _date(value + _DAYS_1904 * since_1904, section)
    if section.general:
        return f"{section.before}{value:.12g}{section.after}".strip()
    if section.digits is None:
        return section.before.strip()
    sign = "-" if value < 0 else ""
    number = _digits(abs(value) * 100**section.percent, section.digits)
    return f"{sign}{section.before}{number}{section.after}".strip()


def is_date(code: str) -> bool:
    """Whether the format displays numbers as dates."""
    return bool(_sections(code)[0].dates)


@lru_cache(maxsize=1_000)
def _sections(code: str) -> tuple[_Section, ...]:
    parts, begin, quoted = [], 0, False
    for at, char in enumerate(code):
        quoted ^= char == '"'
        if char == ";" and not quoted:
            parts.append(code[begin:at])
            begin = at + 1
    return tuple(_section(part) for part in [*parts, code[begin:]][:4])


def _section(code: str) -> _Section:
    before = after = dates = elapsed = ""
    digits: str | None = None
    percent, general = 0, _FRACTION.search(code) is not None
    for token in _TOKEN.finditer(code):
        literal = token["quoted"] or token["escaped"] or token["currency"] or ""
        if general:
            continue
        if token["number"] and digits is None:
            digits = token["number"]
        elif token["general"]:
            general = True
        elif token["elapsed"]:
            elapsed += token["elapsed"].lower()
        elif token["date"]:
            dates += token["date"].lower()
        elif token["other"]:
            percent += token["other"] == "%"
            literal = token["other"]
        if digits is None:
            before += literal
        else:
            after += literal
    return _Section(before, after, digits, percent, dates, elapsed, general)


def _digits(value: float, code: str) -> str:
    """Fill in the placeholders: decimals, thousands, leading zeros, exponents."""
    mantissa, exponent, _ = code.partition("E")
    scaled = len(mantissa) - len(mantissa.rstrip(","))
    whole, _, fraction = mantissa.rstrip(",").partition(".")
    needed, most = fraction.count("0"), min(len(fraction), _MAX_DECIMALS)
    if exponent:
        return f"{value:.{most}E}"
    thousands = "," if "," in whole else ""
    front, _, rest = f"{value / 1000**scaled:{thousands}.{most}f}".partition(".")
    rest = rest[:needed] + rest[needed:].rstrip("0")
    front = front.zfill(min(whole.count("0"), _MAX_DECIMALS))
    return f"{front}.{rest}" if rest else front


def _elapsed(value: float, section: _Section) -> str:
    seconds = round(value * 86_400)
    if "h" in section.elapsed:
        text = f"{seconds // 3600}:{seconds // 60 % 60:02}"
    elif "m" in section.elapsed:
        return f"{seconds // 60}:{seconds % 60:02}"
    else:
        return str(seconds)
    return f"{text}:{seconds % 60:02}" if "s" in section.dates else text


def _date(value: float, section: _Section) -> str:
    if not 0 <= value < _DAYS:
        return f"{value:.12g}"
    moment = _EPOCH + timedelta(days=value)
    seconds = "s" in section.dates
    if seconds or moment.microsecond >= 500_000:
        moment += timedelta(microseconds=500_000)
    moment = moment.replace(microsecond=0)
    day = "d" in section.dates or "y" in section.dates
    hour = "h" in section.dates or seconds
    clock = f"{moment:%H:%M:%S}" if seconds else f"{moment:%H:%M}"
    if day and (not hour or value == int(value)) and not (hour and seconds):
        return moment.date().isoformat()
    if day:
        return f"{moment.date().isoformat()} {clock}"
    return clock if hour else moment.date().isoformat()
