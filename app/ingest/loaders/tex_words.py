"""What TeX commands stand for, and how many of their arguments are not text."""

import unicodedata
from typing import Final

SECTIONS: Final = {
    "part": 1,
    "chapter": 1,
    "section": 2,
    "subsection": 3,
    "subsubsection": 4,
    "paragraph": 5,
    "subparagraph": 6,
    "frametitle": 4,
    "framesubtitle": 5,
}
CHARACTERS: Final = {
    "ldots": "…",
    "dots": "…",
    "textellipsis": "…",
    "LaTeX": "LaTeX",
    "TeX": "TeX",
    "LaTeXe": "LaTeX2e",
    "XeLaTeX": "XeLaTeX",
    "BibTeX": "BibTeX",
    "textbackslash": "\\",
    "textasciitilde": "~",
    "textasciicircum": "^",
    "textbar": "|",
    "textless": "<",
    "textgreater": ">",
    "textunderscore": "_",
    "S": "§",
    "P": "¶",
    "copyright": "©",
    "textregistered": "®",
    "texttrademark": "™",
    "pounds": "£",
    "euro": "€",
    "texteuro": "€",
    "dag": "†",
    "ddag": "‡",
    "ss": "ß",
    "ae": "æ",
    "AE": "Æ",
    "oe": "œ",
    "OE": "Œ",
    "o": "ø",
    "O": "Ø",
    "aa": "å",
    "AA": "Å",
    "l": "ł",
    "L": "Ł",
    "i": "\u0131",
    "j": "\u0237",
    "dh": "ð",
    "th": "þ",
    "DH": "Ð",
    "TH": "Þ",
    "textdegree": "°",
    "degree": "°",
    "textendash": "–",
    "textemdash": "—",
    "textquotedblleft": "“",
    "textbullet": "•",
    "textquotedblright": "”",
    "textquoteleft": "‘",
    "textquoteright": "’",
    "lq": "‘",
    "rq": "’",
    "guillemotleft": "«",
    "guillemotright": "»",
    "og": "« ",
    "fg": " »",
    **dict.fromkeys(("quad", "qquad", "space", "thinspace", "hfill", "enspace", "and"), " "),
    **dict.fromkeys(("newline", "linebreak"), "\n"),
}
SIGNS: Final = {
    "&": "&",
    "%": "%",
    "$": "$",
    "#": "#",
    "_": "_",
    "{": "{",
    "}": "}",
    "\\": "\n",
    " ": " ",
    ",": " ",
    ";": " ",
    ":": " ",
    "!": "",
    "/": "",
    "-": "",
    "@": "",
    "\n": " ",
}
ACCENTS: Final = {
    '"': "\u0308",
    "'": "\u0301",
    "`": "\u0300",
    "^": "\u0302",
    "~": "\u0303",
    "=": "\u0304",
    ".": "\u0307",
    "c": "\u0327",
    "v": "\u030c",
    "u": "\u0306",
    "H": "\u030b",
    "k": "\u0328",
    "r": "\u030a",
    "d": "\u0323",
    "b": "\u0331",
}
LEFT_OUT: Final = {
    **dict.fromkeys(
        """
        label vspace hspace usepackage RequirePackage documentclass bibliographystyle
        bibliography input include includeonly addbibresource pagestyle thispagestyle
        pagenumbering color hypersetup graphicspath index glossary hyphenation newcounter
        newlength newif lstset tikzset pgfplotsset phantom vphantom hphantom cline cmidrule
        usetikzlibrary usetheme usecolortheme nocite setmainfont setsansfont setmonofont
        fontfamily stepcounter refstepcounter subfile externaldocument include bibdata
        selectlanguage captionsetup geometry theoremstyle lstinputlisting verbatiminput
        includesvg textcolor colorbox parbox scalebox rotatebox raisebox foreignlanguage
        hyperlink hypertarget colorlet newglossary setbeamertemplate linespread vskip hskip href
        """.split(),  # noqa: SIM905
        1,
    ),
    **dict.fromkeys(
        """
        setlength addtolength setcounter addtocounter DeclareMathOperator fontsize rule
        resizebox fcolorbox multirow multicolumn mdfsetup numberwithin addcontentsline
        newacronym setdefaultlanguage
        """.split(),  # noqa: SIM905
        2,
    ),
    **dict.fromkeys("definecolor newenvironment renewenvironment inputminted".split(), 3),  # noqa: SIM905
}
"""The number of leading braced arguments to drop; further ones are text."""
ENVIRONMENT_ARGUMENTS: Final = {
    **dict.fromkeys(("minipage", "multicols", "subfigure", "subtable", "thebibliography"), 1),
    **dict.fromkeys(("tabular", "longtable", "array", "supertabular", "adjustbox", "columns"), 1),
    **dict.fromkeys(("tabular*", "tabularx", "tabulary", "wrapfigure", "wraptable"), 2),
    "column": 1,
    "otherlanguage": 1,
    "spacing": 1,
    "longtabu": 1,
    "tabu": 1,
    "tblr": 1,
}
TABLES: Final = frozenset(
    "tabular tabular* tabularx tabulary longtable supertabular longtabu tabu tblr".split()  # noqa: SIM905
)
MATH: Final = frozenset(
    name + star
    for name in "equation align gather multline eqnarray displaymath math flalign alignat".split()  # noqa: SIM905
    for star in ("", "*")
)
CODE: Final = frozenset("verbatim verbatim* Verbatim BVerbatim lstlisting minted alltt".split())  # noqa: SIM905
DROPPED: Final = frozenset(
    ["comment", "filecontents", "filecontents*", "tikzpicture", "pgfpicture", "picture"]
)
PICTURES: Final = ("tikzpicture", "pgfpicture", "picture")
LISTS: Final = ("itemize", "enumerate", "description", "compactitem", "compactenum", "inparaenum")
REFERENCES: Final = (
    "ref", "eqref", "autoref", "cref", "Cref", "pageref", "nameref", "vref", "subref", "fref",
)  # fmt: skip
_LIGATURES: Final = (("---", "—"), ("--", "–"), ("``", "“"), ("''", "”"), ("`", "‘"), ("'", "’"))


def typeset(text: str) -> str:
    """Convert TeX dashes and quotes to the printed characters."""
    for written, printed in _LIGATURES:
        text = text.replace(written, printed)
    return text


def accented(accent: str, letter: str) -> str:
    """Compose into one character where Unicode has one."""
    plain = {"\u0131": "i", "\u0237": "j"}.get(letter[:1], letter[:1])
    return unicodedata.normalize("NFC", plain + ACCENTS[accent]) + letter[1:] if plain else ""


def printed_line(text: str) -> str:
    """Replace line ends by spaces."""
    return typeset(text.replace("\n", " "))


def unwrapped(text: str) -> str:
    """Join source lines, except after `\\\\`."""
    return "\n".join(" ".join(line.split()) for line in text.split("\n"))
