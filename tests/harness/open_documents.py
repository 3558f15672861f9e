"""Small OpenDocument files."""

from collections.abc import Mapping
from typing import Final

from tests.harness.documents import archive

_NAMES: Final = "office text table style presentation manifest meta"
_URI: Final = "urn:oasis:names:tc:opendocument:xmlns"
SPACES: Final = " ".join(f'xmlns:{n}="{_URI}:{n}:1.0"' for n in _NAMES.split()) + (
    f' xmlns:draw="{_URI}:drawing:1.0" xmlns:svg="{_URI}:svg-compatible:1.0" xmlns:dc="http://purl.org/dc/elements/1.1/"'
    ' xmlns:xlink="http://www.w3.org/1999/xlink"'
)


def content(body: str, *, styles: str = "") -> str:
    """`content.xml` with that in its body."""
    return (
        f'<?xml version="1.0" encoding="UTF-8"?><office:document-content {SPACES}>'
        f"<office:automatic-styles>{styles}</office:automatic-styles>"
        f"<office:body>{body}</office:body></office:document-content>"
    )


def open_document(
    body: str, *, styles: str = "", title: str = "", parts: Mapping[str, str] | None = None
) -> bytes:
    """An archive as LibreOffice writes it; `parts` replace or add entries."""
    meta = f"<office:document-meta {SPACES}><office:meta><dc:title>{title}</dc:title>"
    return archive(
        {
            "mimetype": "application/vnd.oasis.opendocument.text",
            "content.xml": content(body, styles=styles),
            "meta.xml": f"{meta}</office:meta></office:document-meta>",
            **(parts or {}),
        }
    )
