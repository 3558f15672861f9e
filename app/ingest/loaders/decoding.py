"""Decodes bytes to text. Binary data is rejected rather than ingested as noise."""

import re
from collections import Counter
from functools import lru_cache
from itertools import islice
from typing import Final, NamedTuple

from chardet import detect

from app.ingest.parsed_document import IngestError

_BINARY: Final = {
    b"%PDF-": "a PDF",
    b"PK\x03\x04": "a ZIP archive or an Office file",
    b"\x89PNG": "a picture",
    b"\xff\xd8\xff": "a picture",
    b"GIF8": "a picture",
    b"ID3": "an audio file",
    b"OggS": "an audio file",
    b"\x1f\x8b": "a compressed file",
    b"\xd0\xcf\x11\xe0": "an old Office file",
}
_MARKS: Final = {
    b"\xef\xbb\xbf": "utf-8-sig",
    b"\xff\xfe\x00\x00": "utf-32",
    b"\x00\x00\xfe\xff": "utf-32",
    b"\xff\xfe": "utf-16",
    b"\xfe\xff": "utf-16",
}
_UNREADABLE: Final = re.compile(r"[\x00-\x08\x0e-\x1f\x7f]")
_NEWLINES: Final = re.compile(r"\r\n?|\x0b|\x0c|\x85|\u2028|\u2029")
_UTF8: Final = re.compile(
    rb"[\xc2-\xdf][\x80-\xbf]|[\xe1-\xef][\x80-\xbf]{2}|[\xf0-\xf4][\x80-\xbf]{3}"
)
_HIGH: Final = re.compile(rb"[\x80-\xff]")
_WINDOWS: Final = re.compile(r"(?:cp|windows-)(125\d)", re.IGNORECASE)
_SAMPLE_BYTES: Final = 32_768  # bytes used to guess an encoding; each candidate decodes all of them
_SAMPLE_LINES: Final = 2_000
_FEW: Final = 3  # characters that can look like UTF-8 by chance
_FEW_LETTERS: Final = 2  # up to this many non-ASCII bytes, many encodings fit
_DOUBTFUL: Final = 0.1  # confidence below which a guess is little better than the default
_CJK: Final = re.compile("[\u3000-\u30ff\u4e00-\u9fff\uac00-\ud7a3\uff01-\uff5e \n]")
_COMMON_CJK: Final = re.compile(
    "[ \n\u3001\u3002\u3041-\u30ff\uff01\uff0c\uff1a\uff1f"
    "的一是不了在人有我他这這个個们們中来來上大为為和国國地到以说說时時要就出会會可也你对對生能而子那得于於着著下自之年"
    "过過发發后後作里裡用道行所然家种種事成方多经經么麼去法学學如都同现現当當没沒动動面起看定天分还還进進好小部其些主样樣"
    "日本月時間"
    "이다는에의을가고하지를은로사기도한리나인자대어들시서정부아해수라그일과전스제여게있장주보구면할안않]"
)
"""Punctuation, kana, and the most frequent characters and syllables."""
_ESCAPE_SEQUENCE: Final = re.compile(
    r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)|[@-Z\\^_])"
)
_WESTERN_LETTERS: Final = frozenset(
    "àâäáãåçéèêëíìîïñóòôöõøúùûüœæßšžÿÀÂÄÁÃÅÇÉÈÊËÍÌÎÏÑÓÒÔÖÕØÚÙÛÜŒÆŠŽŸ"
)
_WESTERN_SIGNS: Final = frozenset("“”‘’„‚–—…€£§°©®«»¿¡²³½¼¾µ·•º™´×±¢¥¶†ª\xa0")
_SUPERSETS: Final = {
    "iso-8859-1": "cp1252",
    "iso8859-1": "cp1252",
    "gb2312": "gb18030",
    "gbk": "gb18030",
    "shift_jis": "cp932",
    "euc-kr": "cp949",
    "tis-620": "cp874",
}
"""Encodings whose files are usually labelled with the name of an older subset."""
_WINDOWS_AND_ISO: Final = ("windows", "iso", "utf", "koi8", "cp125")
_NOISE: Final = 0.02  # share of control characters above which data is not text


class Guess(NamedTuple):
    """An encoding that decodes the bytes; `doubtful` when others are about as likely."""

    encoding: str
    doubtful: bool


def decode(data: bytes) -> str:
    """Decode to text with `\\n` line ends. Raises `IngestError` for empty or binary data."""
    if not data.strip():
        raise IngestError("the file is empty")
    for magic, what in _BINARY.items():
        if data.startswith(magic):
            raise IngestError(f"this is {what}, not text")
    text = _NEWLINES.sub("\n", _ESCAPE_SEQUENCE.sub("", _decoded(data)))
    controls = len(_UNREADABLE.findall(text))
    if controls > _NOISE * len(text):
        raise IngestError("this is a binary file, not text")
    text = _UNREADABLE.sub("", text)
    if not text.strip():
        raise IngestError("the file is empty")
    return text


def doubtful_encoding(data: bytes) -> str | None:
    """The encoding that `decode` picks, when others are about as likely; None otherwise."""
    if _unicode(data) is not None:
        return None
    guess = _guess(data)
    return shown_encoding(guess.encoding) if guess.doubtful else None


def shown_encoding(name: str) -> str:
    """The name as editors show it: `Windows-1250`, `ISO-8859-2`."""
    windows = _WINDOWS.fullmatch(name)
    return f"Windows-{windows[1]}" if windows else name.upper()


def _decoded(data: bytes) -> str:
    text = _unicode(data)
    return data.decode(_guess(data).encoding, "replace") if text is None else text


def _unicode(data: bytes) -> str | None:
    """Decode UTF-8, UTF-16 or UTF-32; None when the bytes are in another encoding."""
    encoding = next((name for mark, name in _MARKS.items() if data.startswith(mark)), "utf-8")
    if encoding == "utf-8" and (unmarked := _utf16_without_mark(data)):
        return data.decode(unmarked, "replace")
    try:
        return data.decode(encoding)
    except UnicodeDecodeError as error:
        if encoding != "utf-8":
            raise IngestError(f"the text is not {encoding} as its first bytes say") from error
    if unmarked := _cjk_utf16_without_mark(data):
        return data.decode(unmarked, "replace")
    return None


def _guess(data: bytes) -> Guess:
    """Guess the encoding of text that is not Unicode."""
    if b"\0" in data[:4096]:
        raise IngestError("this is a binary file, not text")
    if _is_mixed(data):
        raise IngestError("the file mixes encodings; save it as UTF-8")
    guess = guess_encoding(data)
    if guess is None:
        raise IngestError("the encoding is unknown; save the file as UTF-8")
    return guess


def guess_encoding(data: bytes) -> Guess | None:
    """Guess the encoding of text that is not UTF-8, from its non-ASCII lines."""
    sample = b"\n".join(islice(filter(_HIGH.search, data.split(b"\n")), _SAMPLE_LINES))
    sample = sample[:_SAMPLE_BYTES]
    encoding, confidence = _detect(sample)
    doubtful = confidence < _DOUBTFUL or len(_HIGH.findall(sample)) <= _FEW_LETTERS
    usual = encoding is not None and encoding.lower().startswith(_WINDOWS_AND_ISO)
    if (doubtful or not usual) and _is_western(sample):
        return Guess("cp1252", doubtful=doubtful)
    if encoding is None:
        return None
    encoding = _SUPERSETS.get(encoding.lower(), encoding)
    try:
        data.decode(encoding)
    except (UnicodeDecodeError, LookupError):
        return Guess(detect(data)["encoding"] or encoding, doubtful=True)
    return Guess(encoding, doubtful=doubtful)


@lru_cache(maxsize=1)
def _detect(sample: bytes) -> tuple[str | None, float]:
    """The encoding and the confidence. Cached because `doubtful_encoding` follows `decode`."""
    found = detect(sample)
    return found["encoding"], found["confidence"]


def _is_western(data: bytes) -> bool:
    """Whether the bytes are plausible Windows-1252: accents and symbols in usual positions."""
    try:
        text = data.decode("cp1252")
    except UnicodeDecodeError:
        return False
    padded = f"  {text} "
    return all(
        char.isascii() or _belongs(char, padded[at : at + 2], padded[at + 3])
        for at, char in enumerate(text)
    )


def _belongs(char: str, before: str, after: str) -> bool:
    """Whether a non-ASCII character is plausible here.

    Not after two accented letters, not as a capital inside a word, and for symbols not between
    letters.
    """
    if char in _WESTERN_LETTERS:
        accents = sum(not one.isascii() for one in before)
        return accents < 2 and not (char.isupper() and before[-1].islower())
    if char in "’´·":
        return True
    inside = before[-1].isalpha() and after.isalpha()
    starts = char in "£¿¡«„" and before[-1].isalpha()
    return char in _WESTERN_SIGNS and not inside and not starts


def _utf16_without_mark(data: bytes) -> str | None:
    """Detect UTF-16 without a byte order mark: the high bytes of an alphabet take few values."""
    head = data[:_SAMPLE_BYTES]
    if len(data) % 2 or len(head) < 4:
        return None
    upper = {"utf-16-be": _commonest(head[0::2]), "utf-16-le": _commonest(head[1::2])}
    likely = max(upper, key=lambda name: upper[name])
    if upper[likely] > 0.9 and min(upper.values()) < 0.75 and _is_printable(head, likely):
        return likely
    return None


def _cjk_utf16_without_mark(data: bytes) -> str | None:
    """Detect UTF-16 Chinese, Japanese or Korean without a byte order mark.

    High bytes vary widely there, but common characters are frequent. Pairs of Latin letters also
    decode as Chinese characters, but rarely as common ones.
    """
    head = data[: _SAMPLE_BYTES - _SAMPLE_BYTES % 2]
    if len(data) % 2:
        return None
    texts = {name: head.decode(name, "replace") for name in ("utf-16-le", "utf-16-be")}
    shares = {name: _share(_CJK, text) for name, text in texts.items()}
    likely = max(shares, key=lambda name: _share(_COMMON_CJK, texts[name]))
    found = shares[likely] > 0.9 and _share(_COMMON_CJK, texts[likely]) > 0.2
    return likely if found else None


def _commonest(half: bytes) -> float:
    """The share of the three most common bytes; 0 unless zero (the high byte of ASCII) is one."""
    common = Counter(half).most_common(3)
    return sum(count for _, count in common) / len(half) if 0 in dict(common) else 0.0


def _is_printable(data: bytes, encoding: str) -> bool:
    text = data.decode(encoding, "replace")
    return sum(one.isprintable() or one.isspace() for one in text) > 0.95 * len(text)


def _share(characters: re.Pattern[str], text: str) -> float:
    return len(characters.findall(text)) / len(text)


def _is_mixed(data: bytes) -> bool:
    """Whether the bytes are mostly UTF-8 with other encodings in between.

    Text in another encoding matches UTF-8 by chance, but not more often than not.
    """
    rest, as_utf8 = _UTF8.subn(b"", data)
    return as_utf8 >= _FEW and as_utf8 > len(_HIGH.findall(rest))
