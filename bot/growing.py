"""An answer while it grows, in one call or in several: what the model said, and what of it may be shown."""

from __future__ import annotations

from contextlib import suppress

from bot.continuation import Doubtful, Join
from bot.redaction import Redactor


class Growing:
    """`begun` is what an earlier attempt has shown for good. `shown` is safe to show: what may still become a secret is held back.

    One mask goes over all calls, so that nothing slips through where an answer broke off in the middle of a secret.
    """

    def __init__(self, redactor: Redactor, begun: str) -> None:
        self._redactor, self._mask = redactor, redactor.stream()
        self._begun, self._more = begun, ""
        self._join = Join(begun)
        self.shown = begun

    @property
    def told(self) -> str:
        """All that was said so far, masked: what a model is told that it said, and what is kept when no more comes."""
        return self._begun + self._redactor.mask(self._more).text

    def go_on(self) -> str:
        """Another call goes on with the answer: with what was told of it. What has no word yet (a mark of Markdown's) is forgotten, since
        nothing in it could show where its continuation begins."""
        if not any(character.isalnum() for character in self.told):
            self._mask = self._redactor.stream()
            self._begun = self._more = self.shown = ""
        self._join = Join(self.told)
        return self.told

    def add(self, piece: str) -> bool:
        """Take more of the answer; whether there is more to show. Raises `Doubtful`."""
        return self._take(self._join.add(piece))

    def end(self) -> None:
        """The call has ended well. Raises `Doubtful`."""
        self._take(self._join.finish())

    def break_off(self) -> None:
        """The call broke off: what was held back counts, unless it is doubtful."""
        with suppress(Doubtful):
            self.end()

    def finish(self) -> str:
        """No more comes: the whole answer, to be shown."""
        self.shown += self._mask.finish()
        return self.shown

    def _take(self, new: str) -> bool:
        self._more += new
        more = self._mask.feed(new)
        self.shown += more
        return bool(more)
