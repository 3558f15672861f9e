"""Finds what pronouns refer to in the questions and answers before. Pure."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from app.graph.ellipsis import Titles
from app.text.markers import find_markers
from app.text.noun_phrases import Phrase, is_telegraphic, noun_phrases
from app.text.pronouns import Reference
from app.text.tokens import normalized_words

_NAME: Final = re.compile(
    r"\b[A-Z][a-zà-ÿ'’-]+(?: [A-Z][a-zà-ÿ'’-]+)+|(?m:^)[A-Z][\wà-ÿ'’-]+(?=: )"
)
_CIRCUMSTANCES: Final = frozenset(
    "in on at during after before since until by from with without to while".split()  # noqa: SIM905
)
_FIRST: Final = frozenset({"first", "former"})


@dataclass(frozen=True, slots=True)
class Said:
    """What an earlier question was about, in full words.

    `is_substitution`: it is the question before with another phrase.
    """

    text: str
    answer: str
    answered: bool
    is_substitution: bool = False


class Antecedents:
    """The things that the conversation was about, newest first."""

    def __init__(self, said: Sequence[Said], titles: Titles) -> None:
        """`said` is oldest first."""
        self._titles = titles
        known = [one for one in reversed(said) if one.answered or self._names(one)]
        # What could not be answered is referred to only when nothing else was talked about.
        self._said = [one for one in known if one.answered] or known

    @property
    def last(self) -> Said | None:
        return self._said[0] if self._said else None

    def resolve(self, question: str, reference: Reference) -> str | None:
        """Its replacement; None when there is nothing to refer to."""
        if self.last is None:
            return None
        match reference.kind:
            case "person":
                found = self._person()
            case "place":
                found = self._place()
            case "things":
                found = self._things()
            case "pair":
                pair = self.pair()
                found = " and ".join(pair) if len(pair) > 1 else self._things()
            case "member":
                found = self._member(reference.detail)
            case "noun":
                found = self._noun(reference.detail)
            case _:
                found = self.focus()
        return found or None

    def focus(self) -> str:
        """What the newest question that names something is about."""
        for one in self._said:
            if chain := self._chain(one.text):
                return chain
        return ""

    def pair(self) -> list[str]:
        """The two things asked about last, oldest first."""
        found: list[str] = []
        for one in self._said:
            names = self._names(one)
            if not found and len(names) > 1:
                return names
            found += [name for name in reversed(names) if name not in found]
            if len(found) > 1:
                return found[1::-1]
        return found

    def _names(self, said: Said) -> list[str]:
        """The names in one question: words of titles if there are any, else capitals and codes."""
        phrases = list(self._parts(noun_phrases(said.text)))
        titled = [phrase for phrase in phrases if phrase.norms & self._titles.titled]
        proper = titled or [phrase for phrase in phrases if phrase.is_name and not phrase.codes]
        named = proper or [phrase for phrase in phrases if self._titles.is_subject(phrase)]
        texts = [self._name(phrase) for phrase in named]
        return list(dict.fromkeys(texts))

    def _name(self, phrase: Phrase) -> str:
        part = self._titles.named_part(phrase) if is_telegraphic(phrase.text) else None
        return _text(part or phrase)

    def _parts(self, phrases: Sequence[Phrase]) -> Iterator[Phrase]:
        for phrase in phrases:
            yield from phrase.joined or (phrase,)

    def _chain(self, text: str) -> str:
        """The last noun phrase with what follows by "of", from its first name on."""
        chains = _chains(noun_phrases(text))
        core = [chain for chain in chains if self._is_core(chain)]
        chains = core or chains
        named = [chain for chain in chains if any(map(self._titles.is_subject, chain))]
        if not chains:
            return ""
        chain = named[-1] if named else chains[-1]
        first = next((p for p in chain if self._titles.is_subject(p)), chain[0])
        if first.joined:
            return _text(first.joined[-1])
        if is_telegraphic(text) and (part := self._titles.named_part(first)):
            return _text(part)
        return _from(first, chain[-1])

    def _is_core(self, chain: Sequence[Phrase]) -> bool:
        """Whether it says what is asked about, not when, where or how."""
        if any(phrase.norms & self._titles.titled for phrase in chain):
            return True
        return not chain[0].is_time and chain[0].preposition not in _CIRCUMSTANCES

    def _things(self) -> str:
        for at, one in enumerate(self._said):
            phrases = noun_phrases(one.text)
            joined = [phrase for phrase in phrases if phrase.joined]
            if joined and any(map(self._titles.is_subject, joined)):
                return _text(joined[-1])
            if at == 0 and one.is_substitution and (titled := self._titled_pair()):
                return titled
            plural = [
                chain for chain in _chains(phrases) if chain[0].is_plural and self._is_core(chain)
            ]
            if plural:
                return _from(plural[-1][0], plural[-1][-1])
            if self._names(one):
                break
        return self.focus()

    def _titled_pair(self) -> str:
        """The two sources asked about last, the second by "And of …?"."""
        pair = self.pair()
        titled = [name for name in pair if frozenset(normalized_words(name)) & self._titles.titled]
        return " and ".join(pair) if len(titled) > 1 else ""

    def _person(self) -> str:
        for one in self._said:
            named = [phrase for phrase in noun_phrases(one.text) if phrase.is_name]
            people = [phrase for phrase in named if not phrase.norms & self._titles.titled]
            if people:
                return _text(people[-1])
            if found := _NAME.search(_plain(one.answer)):
                return found.group()
        return self.focus()

    def _place(self) -> str:
        last = self.last
        phrases = noun_phrases(last.text) if last else ()
        placed = [p for p in phrases if p.preposition in ("in", "at", "on", "from", "to")]
        if placed and last:
            return last.text[placed[-1].prefix : placed[-1].end]
        focus = self.focus()
        return f"at {focus}" if focus else ""

    def _member(self, which: str) -> str:
        pair = self.pair()
        if len(pair) < 2:
            return ""
        if which == "other":
            recent = self._names(self._said[0])
            return next((name for name in pair if name not in recent), pair[-1])
        return pair[0] if which in _FIRST else pair[-1]

    def _noun(self, noun: str) -> str:
        """ "That valve" is the valve spoken of; "this medicine" is named beside the word."""
        [asked] = noun_phrases(f"the {noun}")[:1] or [None]
        for one in self._said:
            for phrase in reversed(noun_phrases(one.text)):
                if asked is not None and phrase.head == asked.head:
                    return _from(phrase, phrase)
        return f"{noun} {self.focus()}".strip()


def _chains(phrases: Sequence[Phrase]) -> list[list[Phrase]]:
    """Noun phrases with those that follow them by "of"."""
    chains: list[list[Phrase]] = []
    for phrase in phrases:
        previous = chains[-1][-1] if chains else None
        if previous and phrase.preposition == "of" and _touches(previous, phrase):
            chains[-1].append(phrase)
        else:
            chains.append([phrase])
    return chains


def _touches(one: Phrase, following: Phrase) -> bool:
    return not one.text[one.end : following.prefix].strip()


def _from(first: Phrase, last: Phrase) -> str:
    """The text of phrases that were spoken of: "a pump" is the pump now."""
    article = "the " if first.determiner in {"the", "a", "an"} else ""
    return f"{article}{first.text[first.start : last.end]}"


def _text(phrase: Phrase) -> str:
    return phrase.text[phrase.start : phrase.end]


def _plain(answer: str) -> str:
    for marker in reversed(find_markers(answer)):
        answer = answer[: marker.start] + answer[marker.end :]
    return answer
