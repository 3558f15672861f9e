"""Makes follow-up questions standalone: by rules, by the model where rules had to guess."""

from typing import NamedTuple

from app.domain.ports import WordLookup
from app.graph.model_replies import search_query
from app.graph.prompts import contextualize_messages
from app.graph.query_contextualization import standalone, words_to_look_up
from app.graph.state import Judge
from app.runs.ports import Question


class Contextualized(NamedTuple):
    """A question in full words, and how many calls of the model it took."""

    text: str
    model_calls: int = 0


class Contextualizer:
    """Queries the library's words once for a follow-up, never for other questions."""

    def __init__(self, words: WordLookup, judge: Judge | None) -> None:
        self._words = words
        self._judge = judge

    async def standalone(self, question: Question, *, same_message: bool = False) -> Contextualized:
        """The question in full words. Raises `StoreUnavailable`.

        `same_message`: the last turn is an earlier question of the same message. Rules are enough.
        """
        asked, earlier = words_to_look_up(question.text, question.history)
        if not asked and not earlier:
            return Contextualized(question.text)
        use = await self._words.word_use(question.principal, asked, earlier)
        done = standalone(question.text, question.history, use, same_message=same_message)
        if done.certain or self._judge is None or same_message:
            return Contextualized(done.text)
        reply = await self._judge(contextualize_messages(question))
        return Contextualized(search_query(reply or "") or done.text, model_calls=1)
