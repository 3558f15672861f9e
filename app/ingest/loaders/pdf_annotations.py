"""Annotations of a PDF page: form fields, notes, link targets and attached files."""

import ctypes
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Final

import pypdfium2
from pypdfium2 import raw

from app.ingest.loaders.pdf_text import Cell

_HIDDEN: Final = 0x02 | 0x20  # annotation flags: hidden, not shown on screen
_PASSWORD_FIELD: Final = 1 << 13
_MAX_CHARACTERS: Final = 200_000
_MAX_MARKED_LINES: Final = 100
_MARKED: Final = frozenset(
    (
        raw.FPDF_ANNOT_HIGHLIGHT,
        raw.FPDF_ANNOT_UNDERLINE,
        raw.FPDF_ANNOT_SQUIGGLY,
        raw.FPDF_ANNOT_STRIKEOUT,
    )
)
_UNSEEN: Final = frozenset((raw.FPDF_ANNOT_POPUP, raw.FPDF_ANNOT_LINK, raw.FPDF_ANNOT_WIDGET))
_TICKS: Final = frozenset((raw.FPDF_FORMFIELD_CHECKBOX, raw.FPDF_FORMFIELD_RADIOBUTTON))
_CHOICES: Final = frozenset((raw.FPDF_FORMFIELD_COMBOBOX, raw.FPDF_FORMFIELD_LISTBOX))
_GENERATED_NAMES: Final = ("text", "textfield", "field", "check box", "checkbox", "undefined")


@dataclass(slots=True)
class Annotations:
    """Annotations of one page. `fields` are positioned as text cells."""

    fields: list[Cell] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    links: list[tuple[str, str]] = field(default_factory=list)  # text, address
    files: list[tuple[str, bytes]] = field(default_factory=list)
    linked: set[str] = field(default_factory=set)  # addresses seen on this page and earlier ones


def annotations(
    page: pypdfium2.PdfPage,
    text: pypdfium2.PdfTextPage,
    document: pypdfium2.PdfDocument,
    linked: set[str],
) -> Annotations:
    """Read the page's annotations in file order, without hidden ones and links in `linked`."""
    out = Annotations(linked=linked)
    for at in range(raw.FPDFPage_GetAnnotCount(page)):
        handle = raw.FPDFPage_GetAnnot(page, at)
        if not handle:
            continue
        try:
            if not raw.FPDFAnnot_GetFlags(handle) & _HIDDEN:
                _Annotation(handle, text, document).read(out)
        finally:
            raw.FPDFPage_CloseAnnot(handle)
    return out


def attached_files(document: pypdfium2.PdfDocument) -> Iterator[tuple[str, bytes]]:
    """Name and content of each file in the document's embedded-file list."""
    for at in range(document.count_attachments()):
        yield _file(raw.FPDFDoc_GetAttachment(document, at))


class _Annotation:
    def __init__(
        self, handle: object, text: pypdfium2.PdfTextPage, document: pypdfium2.PdfDocument
    ) -> None:
        self._handle = handle
        self._text = text
        self._document = document
        self._form = document.formenv
        rectangle = raw.FS_RECTF()
        raw.FPDFAnnot_GetRect(handle, rectangle)
        self._left, self._right = sorted((rectangle.left, rectangle.right))
        self._bottom, self._top = sorted((rectangle.bottom, rectangle.top))

    def read(self, out: Annotations) -> None:
        """Add this annotation to `out`."""
        subtype = raw.FPDFAnnot_GetSubtype(self._handle)
        if subtype == raw.FPDF_ANNOT_WIDGET:
            out.fields += self._fields() if self._form is not None else self._loose_field()
            return
        if subtype == raw.FPDF_ANNOT_LINK:
            address = self._address().removeprefix("mailto:")
            if address and address not in out.linked:
                out.linked.add(address)
                out.links.append((self._covered(), address))
            return
        if subtype == raw.FPDF_ANNOT_FILEATTACHMENT:
            out.files.append(_file(raw.FPDFAnnot_GetFileAttachment(self._handle)))
        note = self._string("Contents").strip()
        if note and subtype not in _UNSEEN:
            out.notes.append(self._note(note, subtype))

    def _note(self, note: str, subtype: int) -> str:
        if subtype == raw.FPDF_ANNOT_FREETEXT:
            return note
        covered = self._covered() if subtype in _MARKED else ""
        author = self._string("T").strip()
        head = f"Note ({author})" if author else "Note"
        on = f" on “{covered}”" if covered and covered != note else ""
        return f"{head}{on}: {note}"

    def _fields(self) -> Iterator[Cell]:
        form, handle = self._form, self._handle
        kind = raw.FPDFAnnot_GetFormFieldType(form, handle)
        if kind in _TICKS:
            # PDFium knows the state only for pages whose fields it has drawn.
            mark = "[ ]" if self._string("AS") in ("", "Off") else "[x]"
            yield self._cell(mark, self._top, self._bottom, alone=f"{mark} {self._name()}".strip())
            return
        if kind not in _CHOICES and kind != raw.FPDF_FORMFIELD_TEXTFIELD:
            return
        if raw.FPDFAnnot_GetFormFieldFlags(form, handle) & _PASSWORD_FIELD:
            return
        lines = self._value(kind).splitlines()
        lines = [" ".join(line.split()) for line in lines if line.strip()]
        height = min(self._top - self._bottom, 14.0) if len(lines) > 1 else self._top - self._bottom
        for at, line in enumerate(lines):
            top = self._top - at * height
            name = self._name() if at == 0 else ""
            yield self._cell(line, top, top - height, alone=f"{name}: {line}" if name else line)

    def _loose_field(self) -> Iterator[Cell]:
        """Read a field on a page that was extracted from its form."""
        value = " ".join(self._string("V").split())
        if value and raw.FPDFAnnot_GetValueType(self._handle, b"V") == raw.FPDF_OBJECT_STRING:
            name = _field_name(self._string("TU"), self._string("T"))
            alone = f"{name}: {value}" if name else value
            yield self._cell(value, self._top, self._bottom, alone=alone)

    def _value(self, kind: int) -> str:
        form, handle = self._form, self._handle
        if kind in _CHOICES:
            chosen = [
                _wide(raw.FPDFAnnot_GetOptionLabel, form, handle, at)
                for at in range(raw.FPDFAnnot_GetOptionCount(form, handle))
                if raw.FPDFAnnot_IsOptionSelected(form, handle, at)
            ]
            if any(chosen):
                return ", ".join(chosen)
        return _wide(raw.FPDFAnnot_GetFormFieldValue, form, handle)

    def _name(self) -> str:
        return _field_name(
            _wide(raw.FPDFAnnot_GetFormFieldAlternateName, self._form, self._handle),
            _wide(raw.FPDFAnnot_GetFormFieldName, self._form, self._handle),
        )

    def _cell(self, text: str, top: float, bottom: float, *, alone: str) -> Cell:
        size = max(6.0, min(12.0, 0.7 * (top - bottom)))
        return Cell(
            text=text,
            left=self._left,
            right=self._right,
            bottom=(top + bottom) / 2 - 0.35 * size,
            size=size,
            first=0.0,
            alone=alone,
        )

    def _covered(self) -> str:
        """The page text under the annotation."""
        count = raw.FPDFAnnot_CountAttachmentPoints(self._handle)
        parts = [self._under(at) for at in range(min(count, _MAX_MARKED_LINES))]
        if not parts:
            parts = [_bounded(self._text, self._left, self._top, self._right, self._bottom)]
        return " ".join(" ".join(parts).split()).strip(" .,;:")

    def _under(self, at: int) -> str:
        points = raw.FS_QUADPOINTSF()
        raw.FPDFAnnot_GetAttachmentPoints(self._handle, at, points)
        xs = (points.x1, points.x2, points.x3, points.x4)
        ys = (points.y1, points.y2, points.y3, points.y4)
        return _bounded(self._text, min(xs), max(ys), max(xs), min(ys))

    def _address(self) -> str:
        link = raw.FPDFAnnot_GetLink(self._handle)
        action = raw.FPDFLink_GetAction(link) if link else None
        if not action or raw.FPDFAction_GetType(action) != raw.PDFACTION_URI:
            return ""
        size = raw.FPDFAction_GetURIPath(self._document, action, None, 0)
        if not 0 < size <= _MAX_CHARACTERS:
            return ""
        buffer = ctypes.create_string_buffer(size)
        raw.FPDFAction_GetURIPath(self._document, action, buffer, size)
        return buffer.value.decode("utf-8", "replace").strip()

    def _string(self, key: str) -> str:
        return _wide(raw.FPDFAnnot_GetStringValue, self._handle, key.encode())


def _field_name(shown: str, name: str) -> str:
    """The field's label, else its name unless a program generated it."""
    if shown.strip():
        return " ".join(shown.split())
    name = name.rpartition(".")[2].partition("[")[0].replace("_", " ").strip()
    bare = name.rstrip("0123456789 ").lower()
    return "" if len(bare) < 3 or bare in _GENERATED_NAMES else name


def _wide(function: Callable[..., int], *arguments: object) -> str:
    """Call a PDFium function that writes UTF-16 into a buffer."""
    size = function(*arguments, None, 0)
    if size <= 2:
        return ""
    buffer = ctypes.create_string_buffer(size)
    target = ctypes.cast(buffer, ctypes.POINTER(ctypes.c_ushort))
    function(*arguments, target, size)
    return buffer.raw[: size - 2].decode("utf-16-le", "replace")[:_MAX_CHARACTERS]


def _bounded(
    text: pypdfium2.PdfTextPage, left: float, top: float, right: float, bottom: float
) -> str:
    bounded: str = text.get_text_bounded(left=left, bottom=bottom, right=right, top=top)
    return bounded


def _file(handle: object) -> tuple[str, bytes]:
    if not handle:
        return "", b""
    name = _wide(raw.FPDFAttachment_GetName, handle)
    size = ctypes.c_ulong()
    raw.FPDFAttachment_GetFile(handle, None, 0, size)
    if not size.value:
        return name, b""
    buffer = ctypes.create_string_buffer(size.value)
    raw.FPDFAttachment_GetFile(handle, buffer, size.value, size)
    return name, buffer.raw
