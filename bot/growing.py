"""An answer while it grows, in one call or in several: what the model said, and what of it may be shown."""

from __future__ import annotations

from contextlib import suppress

from bot.continuation import Doubtful, Join
from bot.privacy.answers import AnswerFilter


class Growing:
    """`begun` is what an earlier attempt has shown for good. `shown` is safe to show: what may still become a secret is held back.

    One filter goes over all calls, so that nothing slips through where an answer broke off in the middle of a secret. What ended there
    in an earlier attempt goes through it once more, together with what comes now, but that the first characters, so many as are `kept`,
    stand as they are.
    """

    def __init__(self, answer: AnswerFilter, begun: str, kept: int = 0) -> None:
        certain = answer.begin_with(begun)
        stands = max(kept, certain)
        self._answer = answer
        self._begun = self.shown = begun[:stands]
        self._more, self._again = begun[stands:], begun[certain:stands]
        self._join = Join(begun)

    @property
    def told(self) -> str:
        """All that was said so far, filtered: what a model is told that it said, and what is kept when no more comes."""
        return self._begun + self._answer.whole(self._more, self._begun)

    def go_on(self) -> str:
        """Another call goes on with the answer: with what was told of it. What has no word yet (a mark of Markdown's) is forgotten, since
        nothing in it could show where its continuation begins."""
        if not any(character.isalnum() for character in self.told):
            self._answer.begin_anew()
            self._begun = self._more = self._again = self.shown = ""
        self._join = Join(self.told)
        return self.told

    async def add(self, piece: str) -> bool:
        """Take more of the answer; whether there is more to show. Raises `Doubtful`."""
        return await self._take(self._join.add(piece))

    async def end(self) -> None:
        """The call has ended well. Raises `Doubtful`."""
        await self._take(self._join.finish())

    async def break_off(self) -> None:
        """The call broke off: what was held back counts, unless it is doubtful."""
        with suppress(Doubtful):
            await self.end()

    def drop_held(self) -> None:
        """It was called off: what is held back may be half of something sensitive, and nobody has seen it."""
        self._begun, self._more = self.shown, ""

    async def finish(self) -> str:
        """No more comes: the whole answer, to be shown."""
        self.shown += self._new(await self._answer.finish())
        return self.shown

    async def _take(self, new: str) -> bool:
        self._more += new
        more = self._new(await self._answer.feed(new))
        self.shown += more
        return bool(more)

    def _new(self, certain: str) -> str:
        """Without what stands already."""
        again = self._again
        if again.startswith(certain):
            self._again = again[len(certain) :]
            return ""
        self._again = ""
        return certain.removeprefix(again)
