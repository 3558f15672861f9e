"""Outlook messages (MSG): compound files with properties, read as the equivalent MIME message."""

import base64
import re
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email import message_from_bytes
from email.message import Message
from email.utils import format_datetime
from typing import Final

from app.ingest.loaders.compound_file import CompoundFile
from app.ingest.loaders.mail import Mail, attached, message_document
from app.ingest.loaders.members import Member
from app.ingest.loaders.outlook_rtf import decompressed_rtf, is_converted
from app.ingest.parsed_document import IngestError, ParsedDocument

_MAX_DEPTH: Final = 10  # nested messages
_PROPERTIES: Final = "__properties_version1.0"
_ATTACHMENT: Final = "__attach_version1.0_#"
_RECIPIENT: Final = "__recip_version1.0_#"
_ENTRY: Final = struct.Struct("<HHI8s")
_TEXTS: Final = ("001f", "001e", "0102")
_EPOCH: Final = datetime(1601, 1, 1, tzinfo=UTC)
_MIME: Final = re.compile(r"[\w.+-]{1,100}/[\w.+-]{1,100}")
_SUBJECT, _BODY, _HTML, _RTF = 0x0037, 0x1000, 0x1013, 0x1009
_SENDERS: Final = ((0x0042, (0x5D02, 0x0065)), (0x0C1A, (0x5D01, 0x0C1F)))
"""Name properties, each with its address properties: sent on behalf of, then sender."""
_DATES: Final = (0x0039, 0x0E06)  # sent, received
_DISPLAYED: Final = {1: ("To", 0x0E04), 2: ("Cc", 0x0E03)}
_ADDRESSES: Final = (0x39FE, 0x3003)
_NAME, _DATA, _CLASS = 0x3001, 0x3701, 0x001A
_FILE_NAMES: Final = (0x3707, 0x3704, _NAME)
_MESSAGE_CODEPAGE, _INTERNET_CODEPAGE = 0x3FFD, 0x3FDE
_RECIPIENT_TYPE, _METHOD = 0x0C15, 0x3705
_EMBEDDED: Final = 5
_MIME_TYPE, _CONTENT_ID, _HEADERS = 0x370E, 0x3712, 0x007D
_INLINE_CODEPAGES: Final = {65001: "utf-8", 1200: "utf-16-le", 20127: "ascii", 28591: "latin-1"}


@dataclass(frozen=True, slots=True)
class _Object:
    """A message, attachment or recipient: a storage with properties."""

    file: CompoundFile
    path: tuple[str, ...]
    fixed: dict[int, bytes]  # eight-byte values by property id
    codepage: str

    def text(self, property_id: int) -> str:
        """The text property; empty when missing."""
        for kind in _TEXTS:
            data = self.file.read(*self.path, f"__substg1.0_{property_id:04x}{kind}")
            if data is not None:
                encoding = "utf-16-le" if kind == "001f" else self.codepage
                return data.decode(encoding, "replace").rstrip("\0")
        return ""

    def line(self, *property_ids: int) -> str:
        """The first of these properties that has text, on one line."""
        lines = (" ".join(self.text(one).split()) for one in property_ids)
        return next((one for one in lines if one), "")

    def data(self, property_id: int) -> bytes:
        """The binary property; empty when missing."""
        return self.file.read(*self.path, f"__substg1.0_{property_id:04x}0102") or b""

    def number(self, property_id: int) -> int:
        """The integer property; zero when missing."""
        return int.from_bytes(self.fixed.get(property_id, b"")[:4], "little")

    def date(self) -> str:
        """The sent date, else the received date; empty when unknown."""
        for one in _DATES:
            ticks = int.from_bytes(self.fixed.get(one, b""), "little")
            try:
                if ticks:
                    return format_datetime(_EPOCH + timedelta(microseconds=ticks // 10))
            except OverflowError:
                continue
        return ""


def load_msg(data: bytes) -> ParsedDocument:
    """Title: the subject."""
    return message_document(_parsed(data))


def msg_members(data: bytes) -> Iterator[Member]:
    """The attached files, and messages as EML."""
    return attached(_parsed(data), "")


def _parsed(data: bytes) -> Mail:
    file = CompoundFile(data)
    return _message(_object(file, (), header=32, codepage="cp1252"), 0)


def _object(file: CompoundFile, path: tuple[str, ...], *, header: int, codepage: str) -> _Object:
    stored = file.read(*path, _PROPERTIES) or b""
    whole = len(stored) - (len(stored) - header) % _ENTRY.size if len(stored) > header else header
    entries = _ENTRY.iter_unpack(stored[header:whole])
    fixed = {property_id: value for _, property_id, _, value in entries}
    number = int.from_bytes(fixed.get(_MESSAGE_CODEPAGE, b"")[:4], "little")
    return _Object(file, path, fixed, _encoding(number) or codepage)


def _encoding(codepage: int) -> str | None:
    name = _INLINE_CODEPAGES.get(codepage, f"cp{codepage}")
    try:
        "".encode(name)
    except LookupError:
        return None
    return name


def _message(found: _Object, depth: int) -> Mail:
    if depth > _MAX_DEPTH:
        raise IngestError("the message is nested too deeply")
    made: Mail = Message()
    for name, value in _fields(found):
        if value:
            made[name] = value
    made["Content-Type"] = "multipart/mixed"
    made.set_payload([])
    body = _body(found)
    if body is not None:
        made.attach(body)
    for part in _attachments(found, depth):
        made.attach(part)
    return made


def _fields(found: _Object) -> Iterator[tuple[str, str]]:
    """Header fields from the properties, else from the transport headers."""
    came = message_from_bytes(found.text(_HEADERS).encode())
    senders = (_address(found, name, addresses) for name, addresses in _SENDERS)
    yield "From", next((one for one in senders if one), "") or _came(came, "From")
    receivers: dict[int, list[str]] = {1: [], 2: []}
    for one in _storages(found, _RECIPIENT):
        address = _address(one, _NAME, _ADDRESSES)
        if address:
            receivers.setdefault(one.number(_RECIPIENT_TYPE) & 0xF, []).append(address)
    for kind, (name, displayed) in _DISPLAYED.items():
        yield name, ", ".join(receivers[kind]) or found.line(displayed) or _came(came, name)
    yield "Date", found.date() or _came(came, "Date")
    yield "Subject", found.line(_SUBJECT) or _came(came, "Subject")


def _came(headers: Mail, name: str) -> str:
    return " ".join(str(headers.get(name, "")).split())


def _address(found: _Object, name: int, addresses: tuple[int, ...]) -> str:
    """`Name <address>`. Directory addresses ("/O=…") are omitted."""
    known = (found.line(one) for one in addresses)
    address = next((one for one in known if "@" in one), "")
    named = found.line(name).strip("'")
    if not address or not named or named == address:
        return named or address
    return f"{named} <{address}>"


def _body(found: _Object) -> "Mail | None":
    """The HTML body, else native RTF, else the plain text."""
    page = found.data(_HTML)
    if page.strip():
        return _part("text/html", page, charset=_encoding(found.number(_INTERNET_CODEPAGE)))
    if (page_text := found.text(_HTML)).strip():
        return _part("text/html", page_text.encode("utf-8", "replace"), charset="utf-8")
    text = found.text(_BODY)
    rich = decompressed_rtf(found.data(_RTF))
    if rich and not (text.strip() and is_converted(rich)):
        return _part("text/rtf", rich)
    return _part("text/plain", text.encode("utf-8", "replace"), charset="utf-8") if text else None


def _attachments(found: _Object, depth: int) -> Iterator[Mail]:
    signed = found.line(_CLASS).lower().startswith("ipm.note.smime")
    for one in _storages(found, _ATTACHMENT):
        if one.number(_METHOD) == _EMBEDDED:
            inner = (*one.path, f"__substg1.0_{_DATA:04x}000d")
            message = _object(found.file, inner, header=24, codepage=found.codepage)
            wrapper: Mail = Message()
            wrapper["Content-Type"] = "message/rfc822"
            wrapper.set_payload([_message(message, depth + 1)])
            yield wrapper
            continue
        mime = one.line(_MIME_TYPE).lower()
        data = one.data(_DATA)
        if signed and mime in ("multipart/signed", ""):
            yield message_from_bytes(data)
        elif signed:
            yield _part("application/pkcs7-mime", data)
        else:
            yield _file(one, mime, data)


def _file(attachment: _Object, mime: str, data: bytes) -> Mail:
    part = _part(mime if _MIME.fullmatch(mime) else "application/octet-stream", data)
    content_id = attachment.line(_CONTENT_ID)
    if content_id:
        part["Content-ID"] = f"<{content_id}>"
    shown = "inline" if content_id else "attachment"
    part.add_header("Content-Disposition", shown, filename=attachment.line(*_FILE_NAMES))
    return part


def _part(mime: str, data: bytes, *, charset: str | None = None) -> Mail:
    part: Mail = Message()
    part["Content-Type"] = f'{mime}; charset="{charset}"' if charset else mime
    part["Content-Transfer-Encoding"] = "base64"
    part.set_payload(base64.encodebytes(data).decode("ascii"))
    return part


def _storages(found: _Object, prefix: str) -> Iterator[_Object]:
    for name in sorted(found.file.names(found.path)):
        if name.startswith(prefix):
            path = (*found.path, name)
            yield _object(found.file, path, header=8, codepage=found.codepage)
