"""Office Open XML packages: parts, relationships, and names in strict or transitional form."""

import posixpath
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import unquote

from lxml import etree

from app.ingest.loaders.archives import Archive, check_xml
from app.ingest.parsed_document import IngestError

Element = Any
"""An lxml element; lxml ships no types."""

_SCHEMAS: Final = "http://schemas.openxmlformats.org"
_STRICT: Final = "http://purl.oclc.org/ooxml"
_MICROSOFT: Final = "http://schemas.microsoft.com/office"
_NAMESPACES: Final = {
    "w": (f"{_SCHEMAS}/wordprocessingml/2006/main", f"{_STRICT}/wordprocessingml/main"),
    "p": (f"{_SCHEMAS}/presentationml/2006/main", f"{_STRICT}/presentationml/main"),
    "a": (f"{_SCHEMAS}/drawingml/2006/main", f"{_STRICT}/drawingml/main"),
    "s": (f"{_SCHEMAS}/spreadsheetml/2006/main", f"{_STRICT}/spreadsheetml/main"),
    "xdr": (
        f"{_SCHEMAS}/drawingml/2006/spreadsheetDrawing",
        f"{_STRICT}/drawingml/spreadsheetDrawing",
    ),
    "tc": ("http://schemas.microsoft.com/office/spreadsheetml/2018/threadedcomments",),
    "c": (f"{_SCHEMAS}/drawingml/2006/chart", f"{_STRICT}/drawingml/chart"),
    "dgm": (f"{_SCHEMAS}/drawingml/2006/diagram", f"{_STRICT}/drawingml/diagram"),
    "pic": (f"{_SCHEMAS}/drawingml/2006/picture", f"{_STRICT}/drawingml/picture"),
    "wp": (
        f"{_SCHEMAS}/drawingml/2006/wordprocessingDrawing",
        f"{_STRICT}/drawingml/wordprocessingDrawing",
    ),
    "m": (f"{_SCHEMAS}/officeDocument/2006/math", f"{_STRICT}/officeDocument/math"),
    "r": (
        f"{_SCHEMAS}/officeDocument/2006/relationships",
        f"{_STRICT}/officeDocument/relationships",
    ),
    "mc": (f"{_SCHEMAS}/markup-compatibility/2006",),
    "rel": (f"{_SCHEMAS}/package/2006/relationships",),
    "cx": (f"{_MICROSOFT}/drawing/2014/chartex",),
    "p188": (f"{_MICROSOFT}/powerpoint/2018/8/main",),
    "v": ("urn:schemas-microsoft-com:vml",),
    "o": ("urn:schemas-microsoft-com:office:office",),
    "dc": ("http://purl.org/dc/elements/1.1/",),
}
_PREFIXES: Final = {uri: prefix for prefix, uris in _NAMESPACES.items() for uri in uris}
_WITH_TEXT: Final = frozenset({"w:t", "a:t", "m:t", "v:textpath"})
MAX_NAMES: Final = 10_000


class _Names(dict[str, str]):
    """Maps `{namespace}name` to `prefix:name`, or to `name` for unknown namespaces."""

    def __missing__(self, tag: str) -> str:
        uri, _, local = tag.removeprefix("{").rpartition("}")
        prefix = _PREFIXES.get(uri)
        if len(self) > MAX_NAMES:
            self.clear()
        self[tag] = f"{prefix}:{local}" if prefix else local
        return self[tag]


_NAMES: Final = _Names()


def kind(node: Element) -> str:
    """The element's name with its usual prefix, such as `w:p`."""
    return _NAMES[node.tag]


def attribute(node: Element, name: str) -> str | None:
    """`name` has the usual prefix, or none."""
    prefix, _, local = name.rpartition(":")
    if not prefix:
        value: str | None = node.get(local)
        return value
    found = (node.get(f"{{{uri}}}{local}") for uri in _NAMESPACES[prefix])
    return next((value for value in found if value is not None), None)


def children(node: Element) -> Iterator[Element]:
    """The displayed children; of alternate content, one alternative."""
    for child in node:
        if kind(child) == "mc:AlternateContent":
            alternative = _alternative(child)
            if alternative is not None:
                yield from children(alternative)
        else:
            yield child


def _alternative(alternate: Element) -> Element | None:
    """The first alternative with text: others may only be a picture of it."""
    own = [one for one in alternate if kind(one) in ("mc:Choice", "mc:Fallback")]
    return next((one for one in own if _has_text(one)), own[0] if own else None)


def _has_text(node: Element) -> bool:
    return any(kind(one) in _WITH_TEXT for one in node.iter())


def child(node: Element | None, *path: str) -> Element | None:
    """Follow the path, taking the first child with each name."""
    for name in path:
        if node is None:
            return None
        node = next((one for one in children(node) if kind(one) == name), None)
    return node


def value(node: Element | None, *path: str) -> str | None:
    """`w:val` (or `val`) of the element at this path below the node."""
    found = child(node, *path)
    if found is None:
        return None
    named = attribute(found, "w:val")
    return attribute(found, "m:val") or attribute(found, "val") if named is None else named


def descendants(node: Element, *names: str) -> Iterator[Element]:
    """All elements below the node with one of these names, in order; one alternative of each."""
    for one in children(node):
        if kind(one) in names:
            yield one
        else:
            yield from descendants(one, *names)


@dataclass(frozen=True, slots=True)
class Relationship:
    """A link to the part `target`; `type` is the last segment of its type URI."""

    id: str
    type: str
    target: str


class Package:
    """The parts of an Office file. Only requested parts are unpacked."""

    def __init__(self, data: bytes, what: str) -> None:
        """`what` completes "the file is damaged (it is not a complete ...)"."""
        self._archive = Archive(data)
        self._what = what
        self._names = {_normal(name): name for name in self._archive.names}
        self.unreadable = 0  # optional parts that are damaged

    def damaged(self) -> IngestError:
        """The error for a missing or damaged part that the text depends on."""
        return IngestError(f"the file is damaged (it is not a complete {self._what})")

    def main(self, root: str) -> tuple[str, Element]:
        """The main part of the package, whose root element has this name."""
        name = next(iter(self.related("", "officeDocument")), "")
        if _normal(name) not in self._names:
            raise self.damaged()
        tree = self.part(name)
        if kind(tree) != root:
            raise self.damaged()
        return name, tree

    def part(self, name: str) -> Element:
        """Raises `IngestError` when the part is missing or damaged."""
        data = self.content(name)
        check_xml(data)
        parser = etree.XMLParser(
            resolve_entities=False, no_network=True, remove_comments=True, remove_pis=True
        )
        try:
            return etree.fromstring(data, parser)
        except (etree.LxmlError, ValueError) as error:
            raise self.damaged() from error

    def optional(self, name: str) -> Element | None:
        """None for a missing or damaged part; damaged ones are counted."""
        if _normal(name) not in self._names:
            return None
        try:
            return self.part(name)
        except IngestError:
            self.unreadable += 1
            return None

    def content(self, name: str) -> bytes:
        """The raw part. Raises `IngestError`."""
        return self._archive.read(self._names.get(_normal(name), name))

    def relationships(self, name: str) -> dict[str, Relationship]:
        """Relationships to parts of the package, by id. External targets are ignored."""
        folder, base = posixpath.split(name)
        tree = self.optional(posixpath.join(folder, "_rels", f"{base}.rels"))
        found: dict[str, Relationship] = {}
        for one in [] if tree is None else tree:
            id_, type_, target = one.get("Id"), one.get("Type") or "", one.get("Target") or ""
            if id_ is not None and one.get("TargetMode") != "External":
                path = posixpath.normpath(posixpath.join("/", folder, unquote(target)))
                found[id_] = Relationship(id_, type_.rpartition("/")[2], path.lstrip("/"))
        return found

    def related(self, name: str, type_: str) -> list[str]:
        """Names of the parts this part refers to with a relationship of this type."""
        return [one.target for one in self.relationships(name).values() if one.type == type_]

    def title(self) -> str | None:
        """The title property."""
        for name in [*self.related("", "core-properties"), "docProps/core.xml"]:
            tree = self.optional(name)
            if tree is not None:
                found = next((one.text for one in tree if kind(one) == "dc:title"), None)
                return " ".join((found or "").split()) or None
        return None


def _normal(name: str) -> str:
    return name.replace("\\", "/").lstrip("/").lower()
