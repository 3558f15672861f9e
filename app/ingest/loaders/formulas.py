"""Formulas of Office files (OMML) and web pages (MathML) as one line of text."""

from collections.abc import Callable, Sequence
from typing import Final

from app.ingest.loaders.open_xml import Element, children, kind, value

_PROPERTIES: Final = "Pr"  # suffix of elements that only describe appearance
_OPERATORS: Final = frozenset("+-−=<>≤≥·×/ ,")


def office_formula(node: Element) -> str:
    """A Word or PowerPoint formula: (a+b)/2, x^2, √(x)."""
    name = kind(node)
    if name in ("m:t", "w:t", "a:t"):
        return node.text or ""
    if name.endswith(_PROPERTIES) or name in ("w:del", "w:moveFrom"):
        return ""
    parts = [one for one in children(node) if not kind(one).endswith(_PROPERTIES)]
    if name in _OFFICE_FORMS:
        return _OFFICE_FORMS[name](node, [office_formula(one) for one in parts])
    return "".join(office_formula(one) for one in parts)


def _grouped(text: str) -> str:
    """Add parentheses if the text contains an operator."""
    text = text.strip()
    return f"({text})" if len(text) > 1 and any(char in _OPERATORS for char in text) else text


def _fraction(parts: Sequence[str]) -> str:
    return "/".join(_grouped(part) for part in parts)


def _raised(base: str, exponent: str) -> str:
    return f"{base}^{_grouped(exponent)}" if exponent.strip() else base


def _lowered(base: str, index: str) -> str:
    return f"{base}_{_grouped(index)}" if index.strip() else base


def _root(base: str, degree: str = "") -> str:
    return f"{degree.strip()}√({base.strip()})"


def _at(parts: Sequence[str], index: int) -> str:
    return parts[index] if index < len(parts) else ""


def _brackets(node: Element, parts: Sequence[str]) -> str:
    begin, end = value(node, "m:dPr", "m:begChr"), value(node, "m:dPr", "m:endChr")
    between = value(node, "m:dPr", "m:sepChr")
    inner = ("|" if between is None else between).join(parts)
    return f"{'(' if begin is None else begin}{inner}{')' if end is None else end}"


def _large_operator(node: Element, parts: Sequence[str]) -> str:
    sign = value(node, "m:naryPr", "m:chr")
    sign = "∫" if sign is None else sign
    return f"{_raised(_lowered(sign, _at(parts, 0)), _at(parts, 1))} {_at(parts, 2)}"


def _with_accent(node: Element, parts: Sequence[str]) -> str:
    return _at(parts, 0) + (value(node, "m:accPr", "m:chr") or "\u0302")


_OFFICE_FORMS: Final[dict[str, Callable[[Element, Sequence[str]], str]]] = {
    "m:f": lambda node, parts: _fraction(parts),
    "m:sSup": lambda node, parts: _raised(_at(parts, 0), _at(parts, 1)),
    "m:sSub": lambda node, parts: _lowered(_at(parts, 0), _at(parts, 1)),
    "m:sSubSup": lambda node, parts: _raised(_lowered(_at(parts, 0), _at(parts, 1)), _at(parts, 2)),
    "m:sPre": lambda node, parts: (
        _lowered("", _at(parts, 0)) + _raised("", _at(parts, 1)) + _at(parts, 2)
    ),
    "m:rad": lambda node, parts: _root(_at(parts, 1), _at(parts, 0)),
    "m:nary": _large_operator,
    "m:d": _brackets,
    "m:func": lambda node, parts: f"{_at(parts, 0)} {_at(parts, 1)}",
    "m:limLow": lambda node, parts: _lowered(_at(parts, 0), _at(parts, 1)),
    "m:limUpp": lambda node, parts: _raised(_at(parts, 0), _at(parts, 1)),
    "m:acc": _with_accent,
    "m:mr": lambda node, parts: ", ".join(parts),
    "m:m": lambda node, parts: f"[{'; '.join(parts)}]",
    "m:eqArr": lambda node, parts: "; ".join(parts),
    "m:oMathPara": lambda node, parts: "\n".join(parts),
}

_MATHML_FORMS: Final[dict[str, Callable[[Sequence[str]], str]]] = {
    "mfrac": _fraction,
    "msup": lambda parts: _raised(_at(parts, 0), _at(parts, 1)),
    "msub": lambda parts: _lowered(_at(parts, 0), _at(parts, 1)),
    "msubsup": lambda parts: _raised(_lowered(_at(parts, 0), _at(parts, 1)), _at(parts, 2)),
    "munder": lambda parts: _lowered(_at(parts, 0), _at(parts, 1)),
    "mover": lambda parts: _raised(_at(parts, 0), _at(parts, 1)),
    "munderover": lambda parts: _raised(_lowered(_at(parts, 0), _at(parts, 1)), _at(parts, 2)),
    "msqrt": lambda parts: _root("".join(parts)),
    "mroot": lambda parts: _root(_at(parts, 0), _at(parts, 1)),
    "mfenced": lambda parts: f"({','.join(parts)})",
    "mtr": ", ".join,
    "mlabeledtr": ", ".join,
    "mtable": "; ".join,
}


def mathml_form(name: str, parts: Sequence[str]) -> str:
    """Write a MathML element from the text of its children."""
    form = _MATHML_FORMS.get(name)
    return form(parts) if form is not None else "".join(parts)
