"""The text of one Word paragraph, and what is anchored in it: boxes, notes, pictures."""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, Literal

from app.ingest.loaders.charts import drawn_text
from app.ingest.loaders.formulas import office_formula
from app.ingest.loaders.open_xml import (
    Element,
    attribute,
    child,
    children,
    descendants,
    kind,
    value,
)
from app.ingest.loaders.raised_text import LOOK_BACK, lowered, raised
from app.ingest.loaders.symbols import symbol

if TYPE_CHECKING:
    from collections.abc import Callable

AsideKind = Literal["box", "text", "footnote", "endnote", "comment", "part", "picture", "file"]

_CHARACTERS: Final = {
    "w:tab": "\t",
    "w:ptab": "\t",
    "w:br": "\n",
    "w:cr": "\n",
    "w:noBreakHyphen": "-",
}
_SKIPPED: Final = frozenset(
    {"w:pPr", "w:rPr", "w:sdtPr", "w:sdtEndPr", "w:del", "w:moveFrom", "w:delText", "w:tcPr"}
    | {"w:trPr", "w:tblPr", "w:delInstrText", "w:smartTagPr", "w:customXmlPr"}
)
_NOTES: Final[dict[str, AsideKind]] = {
    "w:footnoteReference": "footnote",
    "w:endnoteReference": "endnote",
    "w:commentReference": "comment",
}
_PAGE_FIELDS: Final = ("PAGE", "NUMPAGES", "SECTIONPAGES")


@dataclass(frozen=True, slots=True)
class Aside:
    """`text` holds the text of a `text` or `picture`, a note's id, or a `part`'s relationship."""

    kind: AsideKind
    text: str = ""
    element: Element | None = None


@dataclass(slots=True)
class _Field:
    instruction: str = ""
    shows: bool = False  # the result follows the instruction


@dataclass(slots=True)
class Fields:
    """Fields that are open across paragraphs."""

    open: list[_Field] = field(default_factory=list)

    def end_paragraph(self) -> None:
        """An instruction that continues past its paragraph is treated as never closed."""
        self.open = [one for one in self.open if one.shows]

    @property
    def hide(self) -> bool:
        """Whether the current text is not part of a field result."""
        return any(not one.shows for one in self.open)


class WordText:
    """Reads one paragraph at a time."""

    def __init__(self, fields: Fields, *, without_page_numbers: bool = False) -> None:
        self._fields = fields
        self._without_page_numbers = without_page_numbers
        self._words: list[str] = []
        self._readings: list[str] = []
        self.asides: list[Aside] = []
        self.has_page_number = False
        self._forms: dict[str, Callable[[Element], None]] = {
            "w:t": lambda node: self._add(_of_font(node)),
            "w:sym": lambda node: self._add(
                symbol(attribute(node, "w:char") or "", attribute(node, "w:font") or "")
            ),
            "w:fldChar": self._field_character,
            "w:fldSimple": self._simple_field,
            "w:instrText": self._instruction,
            "w:r": self._run,
            "w:ruby": self._ruby,
            "m:oMath": lambda node: self._add(office_formula(node)),
            "m:oMathPara": lambda node: self._add(office_formula(node)),
            "w:txbxContent": lambda node: self._aside("box", element=node),
            "a:p": lambda node: self._aside("text", drawn_text(node)),
            "v:textpath": lambda node: self._aside("text", node.get("string") or ""),
            "wp:docPr": lambda node: self._picture_text(node, "descr"),
            "pic:cNvPr": lambda node: self._picture_text(node, "descr"),
            "v:shape": self._shape,
            "pic:pic": self._picture,
            "v:imagedata": self._picture,
            "o:OLEObject": lambda node: self._aside("file"),
            "c:chart": self._part,
            "cx:chart": self._part,
            "dgm:relIds": self._part,
        }

    def read(self, paragraph: Element) -> str:
        """Return the words. `asides` then holds what is anchored in the paragraph, in order."""
        self._children(paragraph)
        self._fields.end_paragraph()
        if self._readings:
            self._aside("text", " ".join(self._readings))
        return "".join(self._words)

    def _children(self, node: Element) -> None:
        for one in children(node):
            self._node(one)

    def _node(self, node: Element) -> None:
        name = kind(node)
        if name in _SKIPPED:
            return
        if name in _CHARACTERS:
            self._add(_CHARACTERS[name])
        elif name in _NOTES:
            if not self._fields.hide:
                self._aside(_NOTES[name], attribute(node, "w:id") or "")
        elif name in self._forms:
            self._forms[name](node)
        else:
            self._children(node)

    def _run(self, node: Element) -> None:
        begin = len(self._words)
        self._children(node)
        place = value(node, "w:rPr", "w:vertAlign")
        if place in ("superscript", "subscript") and begin:
            written = "".join(self._words[begin:])
            before = "".join(self._words[max(0, begin - LOOK_BACK) : begin])
            shown = raised if place == "superscript" else lowered
            self._words[begin:] = [shown(before, written)]

    def _add(self, text: str) -> None:
        if text and not self._fields.hide:
            self._words.append(text)

    def _aside(self, what: AsideKind, text: str = "", *, element: Element | None = None) -> None:
        self.asides.append(Aside(what, text, element))

    def _field_character(self, node: Element) -> None:
        match attribute(node, "w:fldCharType"):
            case "begin":
                self._add(_form_value(node))
                self._fields.open.append(_Field())
            case "separate" if self._fields.open:
                last = self._fields.open[-1]
                last.shows = not self._is_page_number(last.instruction)
            case "end" if self._fields.open:
                self._fields.open.pop()

    def _instruction(self, node: Element) -> None:
        if self._fields.open and not self._fields.open[-1].shows:
            self._fields.open[-1].instruction += (node.text or "")[:1000]

    def _simple_field(self, node: Element) -> None:
        if not self._is_page_number(attribute(node, "w:instr") or ""):
            self._children(node)

    def _is_page_number(self, instruction: str) -> bool:
        is_number = instruction.strip().upper().startswith(_PAGE_FIELDS)
        self.has_page_number |= is_number
        return is_number and self._without_page_numbers

    def _ruby(self, node: Element) -> None:
        """Keep the base text in the sentence; its reading follows the paragraph."""
        begin = len(self._words)
        base = child(node, "w:rubyBase")
        if base is not None:
            self._children(base)
        written = "".join(self._words[begin:])
        top = child(node, "w:rt")
        reading = "" if top is None else "".join(t.text or "" for t in descendants(top, "w:t"))
        if reading and written:
            self._readings.append(f"{written}({reading})")

    def _picture(self, node: Element) -> None:
        self._aside("picture")
        self._children(node)

    def _shape(self, node: Element) -> None:
        self._picture_text(node, "alt")
        self._children(node)

    def _picture_text(self, node: Element, name: str) -> None:
        if text := described(node.get(name)):
            self._aside("text", text)

    def _part(self, node: Element) -> None:
        relation = attribute(node, "r:id") or attribute(node, "r:dm")
        self._aside("part", relation or "")


def clear_prompts(root: Element) -> Element:
    """Empty content controls that only show a prompt ("Click to enter text")."""
    for control in descendants(root, "w:sdt"):
        prompt = child(control, "w:sdtPr", "w:showingPlcHdr")
        if prompt is None or attribute(prompt, "w:val") in ("0", "false", "off"):
            continue
        waiting = [control]
        while waiting:
            for one in waiting.pop():
                if kind(one) == "w:t":
                    one.text = ""
                elif kind(one) != "w:sdt":  # which has its own flag
                    waiting.append(one)
    return root


def described(text: str | None) -> str:
    """Alternative text that a person wrote, not a file name or generated text."""
    lines = [line.strip() for line in (text or "").splitlines()]
    written = " ".join(line for line in lines if line and line not in _AUTOMATIC)
    last = written.rpartition(".")[2].lower()
    is_file = last in _PICTURE_ENDINGS and " " not in written
    return "" if is_file or not any(char.isalnum() for char in written) else written


_AUTOMATIC: Final = (
    "Description automatically generated",
    "AI-generated content may be incorrect.",
)
_PICTURE_ENDINGS: Final = ("png", "jpg", "jpeg", "gif", "bmp", "emf", "wmf", "tif", "tiff", "svg")


def _of_font(node: Element) -> str:
    """Map private-use characters of symbol fonts, which mean nothing without the font."""
    text: str = node.text or ""
    if not any("\uf000" <= char <= "\uf0ff" for char in text):
        return text
    fonts = child(node.getparent(), "w:rPr", "w:rFonts")
    font = "" if fonts is None else attribute(fonts, "w:ascii") or ""
    return "".join(
        symbol(f"{ord(char):X}", font) if "\uf000" <= char <= "\uf0ff" else char for char in text
    )


def _form_value(node: Element) -> str:
    """The selected value of a form field that has no text of its own."""
    form = child(node, "w:ffData")
    box = child(form, "w:checkBox")
    if box is not None:
        state = child(box, "w:checked")
        state = child(box, "w:default") if state is None else state
        off = state is None or attribute(state, "w:val") in ("0", "false", "off")
        return "☐" if off else "☒"
    choices = child(form, "w:ddList")
    if choices is None:
        return ""
    entries = [attribute(one, "w:val") or "" for one in choices if kind(one) == "w:listEntry"]
    chosen = child(choices, "w:result")
    index = "0" if chosen is None else attribute(chosen, "w:val") or "0"
    at = int(index) if index.isdecimal() and len(index) < 5 else 0
    return entries[at] if at < len(entries) else ""
