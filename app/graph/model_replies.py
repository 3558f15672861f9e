"""Parses verdicts and queries in replies of models, leniently.

Replies may contain reasoning, introductions, code fences, numbering and labels. The last verdict or
labelled query is used.
"""

import json
import re
from typing import Final

from app.text.reasoning_blocks import without_reasoning
from app.text.tokens import content_terms

MAX_QUERY_LENGTH: Final = 500
_MAX_REPLY: Final = 50_000
_VERDICT: Final = re.compile(
    r"""(?<![a-z])relevant(?:[ _]?passages)?["'*`]{0,3}[ ]?[:=]["'*`]{0,3}[ ]?"""
    r"(\[[^\[\]{}]*\]|\d{1,3}\b|null|none)"
)
_BARE: Final = re.compile(r"\[[\d,;\s\"']*\]")
_EMPTY: Final = frozenset(("", "null", "none"))
_LABEL: Final = re.compile(
    r"quer(?:y|ies)(?: is| would be| to use| could be)?\W{0,3}:",
    re.IGNORECASE,
)
_PREAMBLE: Final = re.compile(
    r"(?:here(?:'s|’s| is| are)|sure|okay|ok|certainly|of course|absolutely|great|alright|"
    r"this is|the following|let me|i (?:would|will|suggest|need|think|should)"
    r"|we (?:need|should))\b",
    re.IGNORECASE,
)
_ITEM: Final = re.compile(r"(?:[-*•]|\d{1,2}[.)])\s+")
_NUMBERED_LABEL: Final = re.compile(
    r"(?:search |sub-?)?(?:query|question|step|search) ?\d{1,2}\W{0,3}[:.)]\s*", re.IGNORECASE
)
_REFERENCE: Final = re.compile(r"#\d{1,2}\b|[\[<{(](?:answer|query|result|step)[ _]?\d{1,2}[\]>})]")
"""A placeholder for the result of another query, which is not known."""
_NO_QUERY: Final = frozenset(("none", "no", "nothing", "n/a", "null", "none needed", "no queries"))
MAX_QUERIES: Final = 3
_QUOTES: Final = "\"'`“”„«»‘’* \t"


def relevant_numbers(reply: str, *, passages: int) -> set[int] | None:
    """The passage numbers in the last verdict; None without a usable verdict."""
    text = " ".join(without_reasoning(reply[-_MAX_REPLY:]).split())
    found = _VERDICT.findall(text.lower())
    listed = found[-1] if found else _bare_list(text)
    if listed is None:
        return None
    items = [item.strip(" \"'[]#") for item in listed.strip("[] ").replace(";", ",").split(",")]
    if items in ([""], ["null"], ["none"]):
        return set()
    numbers = {_number(item) for item in items if item not in _EMPTY}
    if None in numbers:
        return None
    known = {number for number in numbers if number is not None and 1 <= number <= passages}
    return known or None


def _number(item: str) -> int | None:
    """`3` or `passage 3`; None for anything else."""
    digits = item.removeprefix("passages").removeprefix("passage").strip(" #")
    return int(digits) if digits.isdecimal() and len(digits) <= 3 else None


def _bare_list(text: str) -> str | None:
    """The list, if the reply consists of a list only, perhaps fenced."""
    bare = text.strip(" `").removeprefix("json").strip()
    return bare if _BARE.fullmatch(bare) else None


def search_query(reply: str) -> str:
    """The query in a reply; empty without one."""
    text = without_reasoning(reply[-_MAX_REPLY:])
    lines = [line for line in (_clean(line) for line in text.splitlines()) if line]
    labelled = [query for line in lines if (query := _after_label(line))]
    plain = (line for line in lines if not _introduces(line))
    query = labelled[-1] if labelled else next(plain, "")
    return query if len(query) <= MAX_QUERY_LENGTH else ""


def search_queries(reply: str, *, asked: str) -> tuple[str, ...]:
    """The queries in a reply, one a line or as JSON, at most `MAX_QUERIES`; empty for none.

    The question itself is no new query, nor is one that says the same as another.
    """
    text = without_reasoning(reply[-_MAX_REPLY:])
    lines = _json_strings(text) or text.splitlines()
    known, queries = [content_terms(asked)], list[str]()
    for line in lines:
        query = _REFERENCE.sub("", _query_of(line)).strip(_QUOTES)
        terms = content_terms(query)
        if terms and terms not in known and len(query) <= MAX_QUERY_LENGTH and not _is_none(query):
            known.append(terms)
            queries.append(query)
    return tuple(queries[:MAX_QUERIES])


def _json_strings(text: str) -> list[str]:
    """The strings of the list in a reply; empty without one."""
    begin, end = text.find("["), text.rfind("]")
    try:
        found = json.loads(text[begin : end + 1]) if begin >= 0 else None
    except (ValueError, RecursionError):
        return []
    return [one for one in found if isinstance(one, str)] if isinstance(found, list) else []


def _query_of(line: str) -> str:
    """Without item marks, labels and introductions."""
    line = _NUMBERED_LABEL.sub("", _clean(line))
    return _after_label(line) or ("" if not line or _introduces(line) else line)


def _is_none(query: str) -> bool:
    return query.strip(" .!").lower() in _NO_QUERY or query.startswith(("NONE", "None"))


def _clean(line: str) -> str:
    """Without fences, JSON, item marks and quotes."""
    line = line.strip()
    if line.startswith(("```", "~~~", "---")):
        return ""
    line = line.strip("{}[], ")
    item = _ITEM.match(line)
    return (line[item.end() :] if item else line).strip(_QUOTES)


def _after_label(line: str) -> str:
    """`Query: …`, `"query": "…"`, `Here is the search query: …`."""
    label = _LABEL.search(line[:200])
    if label is not None:
        return line[label.end() :].strip(_QUOTES)
    return line.partition(":")[2].strip(_QUOTES) if _PREAMBLE.match(line) else ""


def _introduces(line: str) -> bool:
    return (
        line.endswith((":", ":**"))
        or line.startswith("<")
        or (_PREAMBLE.match(line) is not None and line[-1] in ".!,:")
    )
