"""Directives and roles unknown to docutils (Sphinx and others), so that their text is kept.

Directives are not executed: their contents are read and references are not followed.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, Final

from docutils import nodes
from docutils.parsers.rst import Directive, directives, roles
from typing_extensions import override

_CODE: Final = frozenset(
    """
        code-block sourcecode prompt doctest testcode testoutput productionlist ipython console
        graphviz digraph graph mermaid uml plantuml jupyter-execute highlight-code parsed-code
        tab-code terminal command-output literal
        """.split()  # noqa: SIM905
)
_LEFT_OUT: Final = frozenset(
    """
        toctree include literalinclude raw highlight index default-domain program tabularcolumns
        module currentmodule sectionauthor codeauthor contents meta sectnum default-role
        restructuredtext-test-directive bibliography autosummary testsetup testcleanup
        """.split()  # noqa: SIM905
)
_MARKED: Final[Mapping[str, str]] = {
    "versionadded": "Added in version",
    "versionchanged": "Changed in version",
    "deprecated": "Deprecated since version",
    "versionremoved": "Removed in version",
    "seealso": "See also",
    "todo": "To do",
}
_SIGNATURES: Final = frozenset(
    """
        function class method staticmethod classmethod attribute data exception decorator
        property option cmdoption confval envvar describe object type macro member struct enum
        enumerator var setting directive role get post put patch delete glossary-entry opcode
        """.split()  # noqa: SIM905
)


class _AnyOption(dict[str, Any]):
    """Accepts options of any name."""

    def __missing__(self, name: str) -> Any:  # noqa: ANN401 - a conversion function
        return str


class _Unknown(Directive):
    """Any directive that docutils does not define."""

    optional_arguments = 1
    final_argument_whitespace = True
    has_content = True
    option_spec = _AnyOption({"class": str})

    def run(self) -> Sequence[nodes.Node]:
        domain, _, name = self.name.lower().rpartition(":")
        argument = " ".join(self.arguments[0].split()) if self.arguments else ""
        if name in _LEFT_OUT or name.startswith("auto"):
            return []
        if name in _CODE or (not domain and name.endswith("code")):
            text = "\n".join(self.content)
            return [nodes.literal_block(text, text)]
        if domain or name in _SIGNATURES:
            return [self._definition(self.arguments[0] if self.arguments else "")]
        if name in _MARKED:
            return [self._marked(name, argument)]
        inner = nodes.container()
        if argument:
            inner += self._paragraph(argument)
        self._parse(inner)
        return [inner]

    def _marked(self, name: str, argument: str) -> nodes.Node:
        """Prefix the text with its label, such as the version that introduced a feature."""
        label, text = _MARKED[name], argument
        if name.startswith(("version", "deprecated")):
            version, _, text = argument.partition(" ")
            label = f"{label} {version}".strip()
        if not text:
            return self._definition(label)
        inner = nodes.container("", self._paragraph(f"{label}: {text}"))
        self._parse(inner)
        return inner

    def _paragraph(self, text: str) -> nodes.Node:
        words, _ = self.state.inline_text(text, self.lineno)
        return nodes.paragraph(text, "", *words)

    def _definition(self, signatures: str) -> nodes.Node:
        """Keep the signatures as they are, with their description below."""
        terms = ", ".join(" ".join(line.split()) for line in signatures.split("\n") if line.strip())
        body = nodes.definition()
        self._parse(body)
        return nodes.definition_list(
            "", nodes.definition_list_item("", nodes.term(terms, terms), body)
        )

    def _parse(self, into: nodes.Element) -> None:
        self.state.nested_parse(self.content, self.content_offset, into, match_titles=True)


class _Code(_Unknown):
    """Replaces docutils' code directive, which tokenizes the code."""

    @override
    def run(self) -> Sequence[nodes.Node]:
        text = "\n".join(self.content)
        return [nodes.literal_block(text, text)]


def _unknown_role(
    name: str, rawtext: str, text: str, *rest: object, **options: object
) -> tuple[list[nodes.Node], list[nodes.Node]]:
    """Show `title <target>` as the title, `~a.b.c` as its last part."""
    title, bracket, _ = text.rpartition(" <")
    if bracket and text.endswith(">"):
        text = title
    elif text.startswith("~"):
        text = text[1:].rpartition(".")[2]
    text = text.removeprefix("!").replace("\0", "")
    return [nodes.inline(rawtext, text)], []


@contextmanager
def all_known() -> Iterator[None]:
    """Within this context, docutils knows every directive and role."""
    find_directive, find_role = directives.directive, roles.role

    def directive(name: str, *rest: object) -> tuple[Any, list[nodes.Node]]:
        if name.lower() in ("code", "sourcecode", "code-block"):
            return _Code, []
        found, messages = find_directive(name, *rest)
        return (found, messages) if found is not None and name not in _LEFT_OUT else (_Unknown, [])

    def role(name: str, *rest: object) -> tuple[Any, list[nodes.Node]]:
        found, messages = find_role(name, *rest)
        return (found, messages) if found is not None else (_unknown_role, [])

    directives.directive, roles.role = directive, role
    try:
        yield
    finally:
        directives.directive, roles.role = find_directive, find_role
