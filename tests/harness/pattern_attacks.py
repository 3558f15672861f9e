"""Generates worst-case inputs for backtracking patterns from their syntax trees."""

import re
from collections.abc import Iterator, Sequence
from importlib import import_module
from typing import Any, Final, NamedTuple

_PARSER: Final = import_module("re._parser")
_COMPILER: Final = import_module("re._compiler")
_UNIVERSE: Final = "a1 \n-.:;,<>[](){}`#!?\"'_*=/\\|%&@+~^$\tAzZ\r…。漢é\x00\x85\u2028\ud800–•😀€"
_MANY: Final = 5  # repetitions from which a repeat can be expensive
_VARIANTS: Final = 6
_SUFFIXES: Final = ("", "\x00", "\n\nx")


class Attack(NamedTuple):
    """`prefix`, then `pump` repeated, then `suffix`."""

    prefix: str
    pump: str
    suffix: str

    def text(self, size: int) -> str:
        """About `size` characters."""
        return self.prefix + self.pump * max(1, size // len(self.pump)) + self.suffix


def attacks(pattern: re.Pattern[Any]) -> list[Attack]:
    """For each repeat: a pump, a prefix that reaches it, and a suffix that fails the match."""
    tree = _PARSER.parse(pattern.pattern, pattern.flags & ~re.DEBUG)
    reader = _Reader(pattern, tree)
    found = dict.fromkeys(one for repeat in reader.repeats(tree, "") for one in repeat)
    return [one for one in found if one.pump]


class _Reader:
    """Samples of the parts of one pattern."""

    def __init__(self, pattern: re.Pattern[Any], tree: Any) -> None:
        self._flags = pattern.flags
        self._binary = isinstance(pattern.pattern, bytes)
        self._state = tree.state
        self._groups: dict[int, str] = {}
        self._chars: dict[str, list[str]] = {}
        self._alphabet = self._singles(tree)

    def repeats(self, nodes: Any, prefix: str) -> Iterator[Iterator[Attack]]:
        """The attacks on each repeat below `nodes`, which `prefix` leads to."""
        for operator, argument in nodes:
            name = str(operator)
            if name in ("MAX_REPEAT", "MIN_REPEAT", "POSSESSIVE_REPEAT"):
                _, most, body = argument
                if most >= _MANY:
                    yield self._on(prefix, body)
                yield from self.repeats(body, prefix)
            for inner in _children(name, argument):
                if not name.endswith("REPEAT"):
                    yield from self.repeats(inner, prefix)
            prefix += self._sample([(operator, argument)], 0)

    def _on(self, prefix: str, body: Any) -> Iterator[Attack]:
        bodies = list(dict.fromkeys(self._sample(body, n) for n in range(_VARIANTS)))
        pumps = [*bodies, *self._alphabet]
        pumps += [lead + one for lead in (prefix, f"\n{prefix}") for one in ("", *bodies)]
        pumps += [a + b for a in bodies[:2] for b in self._alphabet]
        for pump in dict.fromkeys(pumps):
            for suffix in _SUFFIXES:
                yield Attack(prefix, pump, suffix)
                yield Attack("", pump, suffix)

    def _sample(self, nodes: Any, variant: int) -> str:
        return "".join(self._one(str(op), argument, op, variant) for op, argument in nodes)

    def _one(self, name: str, argument: Any, operator: Any, variant: int) -> str:
        if name in ("LITERAL", "NOT_LITERAL", "IN", "ANY", "CATEGORY"):
            chars = self._matching(operator, argument)
            return chars[variant % len(chars)] if chars else ""
        if name == "BRANCH":
            branches = list(argument[1])
            return self._sample(branches[variant % len(branches)], variant)
        if name in ("MAX_REPEAT", "MIN_REPEAT", "POSSESSIVE_REPEAT"):
            least, most, body = argument
            times = max(least, 0 if variant % 2 else min(1, most))
            return self._sample(body, variant // 2) * int(times)
        if name == "SUBPATTERN":
            group, _, _, body = argument
            self._groups[group] = self._sample(body, variant)
            return self._groups[group]
        if name == "ATOMIC_GROUP":
            return self._sample(argument, variant)
        if name == "GROUPREF":
            return self._groups.get(argument, "")
        return ""

    def _matching(self, operator: Any, argument: Any) -> list[str]:
        """The characters that this node takes."""
        key = repr((str(operator), argument))
        if key not in self._chars:
            node = _PARSER.SubPattern(self._state, [(operator, argument)])
            compiled = _COMPILER.compile(node, self._flags)
            named = chr(argument) if str(operator) == "LITERAL" else ""
            self._chars[key] = [c for c in named or _UNIVERSE if self._takes(compiled, c)]
        return self._chars[key]

    def _takes(self, compiled: re.Pattern[Any], char: str) -> bool:
        if not self._binary:
            return compiled.match(char) is not None
        return ord(char) < 256 and compiled.match(char.encode("latin-1")) is not None

    def _singles(self, nodes: Any) -> list[str]:
        """One or two characters of each kind that occurs in the pattern."""
        found: dict[str, None] = {}
        for operator, argument in nodes:
            name = str(operator)
            if name in ("LITERAL", "NOT_LITERAL", "IN", "ANY", "CATEGORY"):
                found |= dict.fromkeys(self._matching(operator, argument)[:3])
            for inner in _children(name, argument):
                found |= dict.fromkeys(self._singles(inner))
        return list(found)


def _children(name: str, argument: Any) -> Sequence[Any]:
    match name:
        case "BRANCH":
            return list(argument[1])
        case "MAX_REPEAT" | "MIN_REPEAT" | "POSSESSIVE_REPEAT":
            return [argument[2]]
        case "SUBPATTERN":
            return [argument[3]]
        case "ATOMIC_GROUP":
            return [argument]
        case "ASSERT" | "ASSERT_NOT":
            return [argument[1]]
        case _:
            return []
