"""Mail: a message (EML, MSG) or mailbox (MBOX) as text. Attachments are listed by name."""

import re
from collections.abc import Iterator
from email import message_from_bytes
from email.errors import HeaderParseError, MessageError
from email.header import Header, decode_header
from email.message import Message
from typing import Final, TypeAlias

from app.ingest.loaders.decoding import decode
from app.ingest.loaders.extracted_text import ExtractedText
from app.ingest.loaders.members import Member, is_picture
from app.ingest.loaders.plain_text import add_text
from app.ingest.parsed_document import IngestError, ParsedDocument

MAX_MESSAGES: Final = 20_000
_FIELDS: Final = ("From", "To", "Cc", "Date", "Subject")
_MAX_FIELD: Final = 2_000  # characters; lists of thousands of recipients carry no information
_MAX_DEPTH: Final = 50
_SIGNATURES: Final = ("application/pkcs7-signature", "application/x-pkcs7-signature")
_UNSHOWN: Final = (*_SIGNATURES, "application/pgp-signature", "application/pgp-encrypted")
_LOCKED: Final = ("application/pkcs7-mime", "application/x-pkcs7-mime", "multipart/encrypted")
_RICH_TEXT: Final = "text/rtf"
_TEXTS: Final = ("text/html", "text/plain", _RICH_TEXT)
_SEPARATOR: Final = re.compile(rb"^From [^\n]*+\n", re.MULTILINE)
_HEADER: Final = re.compile(rb"[!-9;-~]++[ \t]*+:")

Mail: TypeAlias = "Message[str, str]"


def load_eml(data: bytes) -> ParsedDocument:
    """Title: the subject."""
    return message_document(parse_message(data))


def message_document(message: Mail) -> ParsedDocument:
    """One message without its attachments. Title: the subject."""
    out = ExtractedText()
    add_message(out, message, level=0)
    return out.document(header(message, "Subject"))


def load_mbox(data: bytes) -> ParsedDocument:
    """Each message is a section under its subject."""
    out = ExtractedText()
    for number, message in enumerate(_messages(data), 1):
        out.add_heading(header(message, "Subject") or f"Message {number}", 1)
        add_message(out, message, level=1)
    return out.document(None)


def eml_members(data: bytes) -> Iterator[Member]:
    """The attached files and messages."""
    return attached(parse_message(data), "")


def mbox_members(data: bytes) -> Iterator[Member]:
    """The attachments of all messages, one folder per message."""
    for number, message in enumerate(_messages(data), 1):
        yield from attached(message, f"{number}/")


def parse_message(data: bytes) -> Mail:
    """Raises `IngestError` when the data is not a message."""
    data = data.lstrip(b"\xef\xbb\xbf\r\n")
    if data.startswith(b"From "):
        data = data.partition(b"\n")[2]
    if not _HEADER.match(data):
        raise IngestError("this is not a mail message (it has no headers)")
    try:
        return message_from_bytes(data)
    except RecursionError as error:
        raise IngestError("the message is nested too deeply") from error
    except (MessageError, ValueError, LookupError) as error:
        raise IngestError("the message is damaged") from error


def add_message(out: ExtractedText, message: Mail, *, level: int) -> None:
    """Add the fields in one row, then the text. An encrypted message has only its fields."""
    pairs = ((name, header(message, name)[:_MAX_FIELD]) for name in _FIELDS)
    out.add_block("; ".join(f"{name}: {value}" for name, value in pairs if value), "row")
    pictures = sum(map(_is_picture, _attached_parts(message)))
    locked = 0
    for part in _shown(message, 0):
        locked += part.get_content_type() in _LOCKED
        pictures += part.get_content_maintype() == "image"
        if part.get_content_maintype() == "text":
            _add_body(out, part, level)
    out.add_note("pictures", pictures)
    out.add_note("encrypted_messages", locked)


def header(message: Mail, name: str) -> str:
    """The decoded header on one line; empty when missing."""
    value = message.get(name)
    if value is None:
        return ""
    return _decoded(value)


def _decoded(value: Header | str) -> str:
    """Decode encoded words and undeclared non-ASCII bytes."""
    try:
        parts = decode_header(value)
    except (HeaderParseError, ValueError):
        parts = [(str(value), None)]
    text = "".join(part if isinstance(part, str) else _word(part, name) for part, name in parts)
    return " ".join(text.split())


def _word(data: bytes, charset: str | None) -> str:
    for encoding in (charset or "utf-8", "utf-8", "cp1252"):
        try:
            return data.decode(encoding)
        except (LookupError, ValueError):  # also raised for a charset name that contains NUL
            continue
    return data.decode("latin-1")


def _add_body(out: ExtractedText, part: Mail, level: int) -> None:
    if part.get_content_type() == _RICH_TEXT and _payload(part).lstrip().startswith(b"{\\rtf"):
        from app.ingest.loaders.rich_text import add_rtf

        add_rtf(out, _payload(part))
        return
    text = _text(part)
    if not text.strip():
        return
    if part.get_content_type() != "text/html":
        add_text(out, text)
        return
    from app.ingest.loaders.html_page import HtmlExtractor, parse_html

    HtmlExtractor(out, None, base_level=level).page(parse_html(text))


def _text(part: Mail) -> str:
    """Decode with the declared charset when it is plausible."""
    data = _payload(part)
    charset = part.get_content_charset()
    try:
        if charset:
            data = data.decode(charset).encode()
    except (LookupError, ValueError):  # also raised for a charset name that contains NUL
        pass  # fall back to detection
    return decode(data) if data.strip() else ""


def _payload(part: Mail) -> bytes:
    try:
        data = part.get_payload(decode=True)
    except (ValueError, LookupError):
        data = None
    return data if isinstance(data, bytes) else b""


def _shown(part: Mail, depth: int) -> Iterator[Mail]:
    """The parts that make up the message body; of alternatives, the richest with text."""
    if depth > _MAX_DEPTH:
        raise IngestError("the message is nested too deeply")
    kind = part.get_content_type()
    if kind in _LOCKED:
        yield part
    elif kind == "multipart/alternative":
        yield from _best(_parts(part), depth)
    elif part.is_multipart() and kind != "message/rfc822":
        for one in _parts(part):
            yield from _shown(one, depth + 1)
    elif not _is_attached(part, outermost=depth == 0):
        yield part


def _best(parts: list[Mail], depth: int) -> Iterator[Mail]:
    """The last alternative with text. Calendar entries are skipped."""
    for one in reversed(parts):
        shown = list(_shown(one, depth + 1))
        if any(part.get_content_type() in _TEXTS and _payload(part).strip() for part in shown):
            yield from shown
            return


def _is_attached(part: Mail, *, outermost: bool) -> bool:
    if part.get_content_type() in _UNSHOWN:
        return False
    if part.get_content_type() == "message/rfc822" or _file_name(part):
        return not _is_inline_picture(part)
    attached = part.get_content_disposition() == "attachment"
    return (attached or part.get_content_maintype() not in ("text", "image")) and not outermost


def _is_inline_picture(part: Mail) -> bool:
    """Whether this is an image shown in the text by its id, such as a logo in a signature."""
    inline = part.get_content_disposition() != "attachment" and "Content-ID" in part
    return part.get_content_maintype() == "image" and inline


def attached(message: Mail, folder: str) -> Iterator[Member]:
    """The files and messages attached to one message, as members of `folder`."""
    unnamed = 0
    for part in _attached_parts(message):
        if _is_picture(part):
            continue  # it is counted
        name = _file_name(part)
        unnamed += not name
        yield Member(f"{folder}{name or _invented_name(part, unnamed)}", _content(part))


def _attached_parts(message: Mail) -> Iterator[Mail]:
    waiting = [message]
    while waiting:
        part = waiting.pop()
        if part.is_multipart() and part.get_content_type() != "message/rfc822":
            waiting += reversed(_parts(part))
        elif part is not message and _is_attached(part, outermost=False):
            yield part


def _is_picture(part: Mail) -> bool:
    return part.get_content_maintype() == "image" or is_picture(_file_name(part), b"")


def _content(part: Mail) -> bytes:
    if part.get_content_type() != "message/rfc822":
        return _payload(part)
    inner = next(iter(_parts(part)), None)
    return inner.as_bytes() if inner is not None else _payload(part)


def _file_name(part: Mail) -> str:
    try:
        return _decoded(part.get_filename() or "")
    except (LookupError, ValueError, TypeError):
        return ""


def _invented_name(part: Mail, number: int) -> str:
    """Name a message by its subject, any other part by its type."""
    if part.get_content_type() == "message/rfc822":
        inner = next(iter(_parts(part)), None)
        subject = header(inner, "Subject") if inner is not None else ""
        return f"{subject.replace('/', ' ')[:100] or f'message {number}'}.eml"
    endings = {"application/pdf": "pdf", "text/html": "html", "text/plain": "txt"}
    ending = endings.get(part.get_content_type(), part.get_content_subtype())
    return f"attachment {number}.{ending}"


def _parts(part: Mail) -> list[Mail]:
    payload = part.get_payload()
    return [one for one in payload if isinstance(one, Message)] if isinstance(payload, list) else []


def _messages(data: bytes) -> Iterator[Mail]:
    """Split at lines that begin with "From " and are followed by a header."""
    data = data.replace(b"\r\n", b"\n")
    starts = [found for found in _SEPARATOR.finditer(data) if _HEADER.match(data, found.end())]
    if not starts or data[: starts[0].start()].strip():
        raise IngestError("this is not a mailbox (it does not begin with a message)")
    if len(starts) > MAX_MESSAGES:
        raise IngestError(f"the mailbox has more than {MAX_MESSAGES:,} messages; divide it")
    ends = [found.start() for found in starts[1:]] + [len(data)]
    for start, end in zip(starts, ends, strict=True):
        yield parse_message(data[start.end() : end])
