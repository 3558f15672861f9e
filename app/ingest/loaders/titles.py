"""Recognises title properties that a person wrote rather than a program."""

import re
from typing import Final

_INVENTED: Final = re.compile(
    r"(?i)(?:microsoft (?:word|powerpoint|excel)\b|[(\[]?(?:anonymous|unspecified)"
    r"|(?:no |un)title|sans titre|ohne titel|unbenannt|sin t.tulo"
    r"|powerpoint[- ]pr|présentation powerpoint|layout ?\d"
    r"|(?:document|dokument|slide|folie|presentation|präsentation|présentation|workbook)? ?\d*\Z"
    r"|(?:title|titel|print|main|book1|mappe1|about:blank)\Z|https?://|file:|[a-z]:\\"
    r"|word document\Z|python-docx\b|\[?(?:document |type (?:the |your )?)(?:document )?title\]?\Z)"
)
_FILE_NAME: Final = re.compile(
    r"(?i)\.(?:docx?|dotx?|odt|rtf|pptx?|xlsx?|pdf|tex|dvi|indd|qxd|html?"
    r"|txt|pages|fm|pub|ai|eps|ps|cdr|vsd|md|png|jpe?g|tiff?)\Z"
)


def useful_title(title: str | None) -> str | None:
    """None for generated titles: many programs write the file's, a template's or their own name."""
    title = " ".join((title or "").split())
    letters = sum(map(str.isalnum, title))
    if letters < 2 or "\ufffd" in title or _INVENTED.match(title) or _FILE_NAME.search(title):
        return None
    return title
