"""Takes the tags out of markup in one pass, whatever is left open."""

from collections.abc import Iterator


def without_tags(markup: str, *, gap: str = "") -> str:
    """The text with `gap` for each comment and each tag; what is never closed stays text."""
    return gap.join(_between_tags(markup))


def _between_tags(markup: str) -> Iterator[str]:
    begin = 0
    comments = True
    while (start := markup.find("<", begin)) >= 0:
        end = -1
        if comments and markup.startswith("<!--", start):
            end = markup.find("-->", start + 4)
            comments = end >= 0  # looked for once: there is no other end further on
            end = end + 3 if comments else -1
        if end < 0:
            end = markup.find(">", start) + 1
        if end <= 0:
            break
        yield markup[begin:start]
        begin = end
    yield markup[begin:]
