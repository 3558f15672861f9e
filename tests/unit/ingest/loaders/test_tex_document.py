"""LaTeX documents are read as printed."""

import pytest

from app.domain.models import FidelityNote
from app.ingest.loaders.registry import loader_for
from app.ingest.parsed_document import IngestError, ParsedDocument
from tests.unit.ingest.loaders.test_mail import blocks

DOCUMENT = r"""
\documentclass[a4paper]{article} % comment
\usepackage{graphicx}
\newcommand{\sys}{Kettle \textbf{3000}}
\newcommand{\two}[2]{#1 and #2}
\newtheorem{thm}{Theorem}[section]
\title{Tea \emph{pots}\thanks{Funded by nobody.}}
\author{Ana Ng \and Ben \\ Tea Works}
\date{\today}
never seen
\begin{document}
\maketitle
\begin{abstract}
We study \sys{} and 50\% of tea --- ``quoted''.
\end{abstract}
\section{Cleaning\label{sec:c}}
% a comment
Rinse it~\cite[p.~3]{ng2026,ben}, see~\ref{sec:s}.\footnote{Not \textit{hot}.}
Price $p < 3$ and \(x^2\). Line one\\
line two.

\begin{itemize}
  \item one
  \item two
  \begin{enumerate}
    \item inner
  \end{enumerate}
  more of two
\end{itemize}
\begin{description}\item[Pot] for tea\end{description}
\begin{equation}\label{eq:1}
  E = mc^2
\end{equation}
\begin{table}[ht]\centering
\caption[short]{Prices of cups}
\begin{tabular}{l|r}
\toprule
Name & Price \\ \cmidrule(lr){1-2}
Mug & 3.50 \\
Pot \& lid & \textbf{4}\\[2pt]
\bottomrule
\end{tabular}
\end{table}
\begin{verbatim}
x = 1 % kept \textbf{
\end{verbatim}
\begin{thm}[Ng] Tea is hot.\end{thm}
\input{/etc/hostname}
\subsection*{Storing}
Keep \verb|a{b| dry, \href{https://x}{the site}, \url{https://y.example/a_b}.
\two{A}{B} \textcolor{red}{red} \unknown[opt]{kept}.
\begin{comment}
never seen
\end{comment}
\begin{thebibliography}{9}
\bibitem{ng2026} Ana Ng, Tea, 2026.
\end{thebibliography}
\end{document}
never seen
"""


def load(text: str) -> ParsedDocument:
    loader = loader_for("a.tex", text.encode())
    assert loader.format == "tex"
    return loader.load(text.encode())


def test_a_document_is_read_with_its_structure() -> None:
    source = load(DOCUMENT)
    assert source.title == "Tea pots"
    assert "never seen" not in source.text
    assert blocks(source) == [
        ("row", None, "author: Ana Ng, Ben, Tea Works"),
        ("paragraph", None, "Funded by nobody."),
        ("paragraph", "Abstract", "We study Kettle 3000 and 50% of tea — “quoted”."),
        (
            "paragraph",
            "Cleaning",
            "Rinse it [ng2026, ben], see sec:s. [1] Price p < 3 and x^2. Line one\nline two.",
        ),
        ("paragraph", "Cleaning", "Footnote 1: Not hot."),
        ("item", "Cleaning", "- one"),
        ("item", "Cleaning", "- two"),
        ("item", "Cleaning", "  1. inner"),
        ("item", "Cleaning", "  more of two"),
        ("item", "Cleaning", "- Pot: for tea"),
        ("paragraph", "Cleaning", "E = mc^2"),
        ("paragraph", "Cleaning", "Prices of cups"),
        ("row", "Cleaning", "Name: Mug; Price: 3.50"),
        ("row", "Cleaning", "Name: Pot & lid; Price: 4"),
        ("code", "Cleaning", "x = 1 % kept \\textbf{"),
        ("paragraph", "Cleaning", "Theorem (Ng). Tea is hot."),
        (
            "paragraph",
            "Cleaning > Storing",
            "Keep a{b dry, the site, https://y.example/a_b. AB red kept.",
        ),
        ("paragraph", "References", "[ng2026] Ana Ng, Tea, 2026."),
    ]


@pytest.mark.parametrize(
    ("markup", "shown"),
    [
        (r"Gr\"o{\ss}e \'{e}t\'e \v{c}aj \o re na\"{\i}ve \^{}", "Größe été čaj øre naïve"),
        (r"50\% \& \$3 \#1 a\_b \{c\}", "50% & $3 #1 a_b {c}"),
        (r"a---b--c `x' ``y''", "a—b–c ‘x’ “y”"),
        ("one% comment\n   two", "onetwo"),
        (r"It costs $5 only.", "It costs $5 only."),
        (r"\[ x +\nonumber\label{a} y \]", "x + y"),
        ("$$a$$", "a"),
        (r"\textbf{a \emph{b \underline{c}}}", "a b c"),
        (r"\def\x{y}\x{} \def\z#1{w}\z{v}", "y v"),
        (r"\lstinline!a b! \mintinline{py}|c|", "a b c"),
        (r"\begin{frame}{Title}Words\end{frame}", "Words"),
        (r"\hspace{1cm}a\vspace*{2em} \rule{1cm}{2cm}b", "a b"),
        (r"\multicolumn{2}{c}{Both}", "Both"),
        ("\\begin{tabular}{c}a \\begin{tabular}{c}b\\end{tabular}\\end{tabular}", "a b"),
    ],
)
def test_commands_become_what_they_print(markup: str, shown: str) -> None:
    assert [" ".join(text.split()) for _, _, text in blocks(load(markup))] == [shown]


def test_macros_that_grow_without_end_are_not_followed() -> None:
    macros = "".join(
        f"\\def\\{name}" + "{" + f"\\{inner}" * 50 + "}"
        for name, inner in zip("abcdefgh", "bcdefghi", strict=True)
    )
    assert len(load(f"{macros}Words. \\a \\a").text) < 10_000_000


def test_pictures_are_counted() -> None:
    drawn = r"\begin{tikzpicture}\draw (0,0);\end{tikzpicture}"
    source = load(rf"See \includegraphics[width=3cm]{{a.png}} {drawn} there.")
    assert source.notes == (FidelityNote("pictures", 2),)
    assert "draw" not in source.text


def test_nothing_is_followed() -> None:
    with pytest.raises(IngestError, match="contains no text"):
        load(r"\input{/etc/hostname}\include{a}\verbatiminput{b}\lstinputlisting{c}")


@pytest.mark.parametrize(
    "end",
    [r"\section{x", r"\footnote{x", r"\begin{tabular}{l} x", r"\begin{verbatim} x", "{x", "$x"],
)
def test_what_is_never_closed_is_read_to_the_end(end: str) -> None:
    assert "x" in load(f"Words.\n\n{end}").text
