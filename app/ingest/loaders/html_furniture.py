"""Detects parts of a page that belong to the site: menus, adverts, controls, hidden elements."""

import re
from typing import Final

from bs4.element import NavigableString, PageElement, Tag

_NEVER_SHOWN: Final = frozenset(
    {"script", "style", "template", "noscript", "iframe", "object", "canvas", "head", "datalist"}
    | {"audio", "video", "nav", "search", "del", "s", "strike"}
)
_SOMETIMES: Final = frozenset({"aside", "button", "dialog", "footer", "header"})
_FURNITURE_ROLES: Final = frozenset({"navigation", "contentinfo", "search", "menubar", "menu"})
_ROLES: Final = {"banner": "header", "complementary": "aside", "dialog": "dialog"}
_NOTE_ROLES: Final = frozenset(
    {"doc-footnote", "doc-footnotes", "doc-endnote", "doc-endnotes", "doc-tip", "doc-notice"}
    | {"note", "alert", "status", "alertdialog"}
)
_NOTE_TYPES: Final = frozenset({"footnote", "footnotes", "endnote", "endnotes", "rearnotes"})
_ADVERTS: Final = re.compile(
    r"\b(?:ads?|adverts?|advertisements?|banner|cookies?|consent|newsletter|promo|related|"
    r"share|sharing|sidebar|social|sponsored?|subscribe|toc|menu|navigation)\b",
    re.IGNORECASE,
)
_SECTIONS: Final = ("article", "section", "main", "blockquote", "figure")
_TARGETS: Final = (
    *("aria-controls", "aria-owns", "aria-details", "aria-describedby", "data-target"),
    *("data-bs-target", "popovertarget", "commandfor", "href"),
)
_DISCLOSURE: Final = ("aria-expanded", "aria-controls", "data-toggle", "data-bs-toggle")
_MOSTLY: Final = 0.6  # share of letters in links, from which an element is a link list


class Furniture:
    """Classifies the elements of one page."""

    def __init__(self, page: Tag, *, book: bool = False) -> None:
        """In a `book`, headers, footers and asides are text."""
        self._book = book
        self._opened = frozenset(_opened_ids(page))

    def is_left_out(self, tag: Tag) -> bool:
        """Whether the element, with everything inside it, is not part of the text."""
        role = tag.get("role")
        if tag.name in _NEVER_SHOWN or role in _FURNITURE_ROLES:
            return True
        if tag.attrs and _is_hidden(tag):
            return not self._is_opened(tag)
        name = _ROLES.get(str(role), tag.name) if role else tag.name
        if name not in _SOMETIMES or is_note(tag):
            return False
        if name == "button":
            return not (_is_disclosure(tag) or tag.find_parent(_HEADINGS) is not None)
        if name == "dialog":
            return not (tag.has_attr("open") or self._is_opened(tag)) or _is_advert(tag)
        return not self._book and _is_of_site(tag, name)

    def _is_opened(self, tag: Tag) -> bool:
        """Whether something on the page reveals the element, such as an accordion or tab."""
        if self._book and tag.name == "aside":
            return True  # a pop-up note
        before = tag.find_previous_sibling()
        opened = (
            tag.get("id") in self._opened
            or tag.get("role") == "tabpanel"
            or tag.get("hidden") == "until-found"
            or (isinstance(before, Tag) and _opens_next(before))
        )
        return opened and not _is_mostly_links(tag) and not _is_advert(tag)


_HEADINGS: Final = ("h1", "h2", "h3", "h4", "h5", "h6", "summary", "dt")


def is_note(tag: Tag) -> bool:
    """Whether this is a footnote or alert, which is text anywhere on the page."""
    types = str(tag.get("epub:type") or "").split()
    return tag.get("role") in _NOTE_ROLES or not _NOTE_TYPES.isdisjoint(types)


def _is_disclosure(tag: Tag) -> bool:
    """Whether a button reveals a part of the page; it is then the title of that part."""
    if any(tag.has_attr(name) for name in _DISCLOSURE):
        return True
    after = tag.find_next_sibling()
    return isinstance(after, Tag) and _is_hidden(after) and after.name not in _NEVER_SHOWN


def _opens_next(tag: Tag) -> bool:
    return _is_switch(tag) or tag.find(_is_switch) is not None


def _is_switch(tag: Tag) -> bool:
    return tag.name == "button" or tag.get("role") == "button" or tag.has_attr("aria-expanded")


def _opened_ids(page: Tag) -> set[str]:
    found: set[str] = set()
    for tag in page.descendants:
        if isinstance(tag, Tag) and tag.attrs:
            for name in _TARGETS:
                if value := tag.attrs.get(name):
                    text = str(value)
                    if name != "href" or text.startswith("#"):
                        found.update(one.removeprefix("#") for one in text.split())
    return found


def _is_hidden(tag: Tag) -> bool:
    if tag.has_attr("hidden") or tag.get("aria-hidden") == "true":
        return True
    style = str(tag.get("style") or "").replace(" ", "").lower()
    return "display:none" in style or "visibility:hidden" in style


def _is_of_site(tag: Tag, name: str) -> bool:
    if tag.find(is_note) is not None:
        return False
    if name == "header":
        has_text = tag.find(["h1", "h2", "h3", "p"]) is not None
        inside = tag.find_parent(_SECTIONS) is not None
        return not inside and (not has_text or (tag.find("h1") is None and _is_mostly_links(tag)))
    if name == "footer":
        return tag.find_parent(_SECTIONS) is None or _is_mostly_links(tag)
    if tag.find_parent(_SECTIONS) is None and not _says_something(tag):
        return True
    return _is_advert(tag) or _is_mostly_links(tag)


def _says_something(tag: Tag) -> bool:
    """Whether there is more than one word, or a sentence in a script without spaces."""
    words = tag.get_text(" ").split()
    return len(words) > 1 or (bool(words) and words[0].endswith((".", "!", "?", "。")))


def _is_advert(tag: Tag) -> bool:
    classes = tag.get("class") or ()
    names = [
        *([classes] if isinstance(classes, str) else classes),
        tag.get("id"),
        tag.get("aria-label"),
    ]
    written = " ".join(str(name)[:200] for name in names[:20] if name)
    return _ADVERTS.search(written.replace("_", " ").replace("-", " ")) is not None


def _is_mostly_links(tag: Tag) -> bool:
    """Computed in one pass, however deeply links are nested."""
    whole = linked = 0
    waiting: list[tuple[PageElement, bool]] = [(tag, False)]
    while waiting:
        node, in_link = waiting.pop()
        if isinstance(node, Tag):
            in_link = in_link or node.name == "a"
            waiting += [(child, in_link) for child in node.children]
        elif type(node) is NavigableString:
            letters = len("".join(node.split()))
            whole += letters
            linked += letters if in_link else 0
    return linked > _MOSTLY * whole
