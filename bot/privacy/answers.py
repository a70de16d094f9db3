"""Filters an answer while it grows: what may still become something sensitive, or a placeholder, is held back until it is certain.

The answer keeps its placeholders: they are put back where it is shown, and nowhere else. A placeholder that the model was told of stands
in it as it was given, however the model wrote it. Any other that it makes up is an original of its own, so that it comes back as it
was written, and never as something that this model was not told of.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping, Sequence

from bot.errors import StoreUnavailable
from bot.redaction import (
    TYPED,
    Found,
    Mention,
    MentionStream,
    Piece,
    Policy,
    Redactor,
    mentions,
    sort_out,
)

log = logging.getLogger(__name__)

Naming = Callable[[Sequence[Found]], Awaitable[Mapping[Found, str]]]
"""Gives each of them its placeholder."""


async def nameless(wanted: Sequence[Found]) -> Mapping[Found, str]:
    """Where nothing is kept."""
    return {}


class AnswerFilter:
    """`originals` are those whose placeholders the model was told, and those that the answer brought up."""

    def __init__(
        self,
        redactor: Redactor,
        policy: Policy,
        naming: Naming = nameless,
        *,
        originals: dict[str, str],
    ) -> None:
        self._redactor, self._policy, self._naming = redactor.without(policy.off), policy, naming
        self._originals = originals
        self._names: dict[Found, str] = {}
        self.begin_anew()

    def begin_anew(self) -> None:
        """What was fed so far counts no more."""
        self._pieces, self._mentions = self._redactor.taking_apart(), MentionStream()

    async def feed(self, text: str) -> str:
        """Add a piece; what of the answer is certain in addition to what was given before."""
        return await self._given(self._growing(self._pieces.feed(text)))

    async def finish(self) -> str:
        """The rest, when no more comes."""
        rest = [*self._growing(self._pieces.finish()), *map(self._known, self._mentions.finish())]
        return await self._given(rest)

    def begin_with(self, said: str) -> int:
        """Take what stands of an answer already; how many characters of it are certain, whatever it is gone on with. The others are
        given out with what comes."""
        self._pieces.feed(said)
        self._mentions.feed(said[: len(said) - self._pieces.waiting])
        return len(said) - self._pieces.waiting - self._mentions.waiting

    def whole(self, text: str, before: str = "") -> str:
        """All of a text at once, now, standing behind `before`: whatever has no placeholder yet is masked."""
        pieces: list[Piece] = []
        for piece in self._redactor.pieces(before + text, len(before)):
            pieces += map(self._known, mentions(piece)) if isinstance(piece, str) else [piece]
        return self._text(pieces)

    def _growing(self, pieces: Iterable[Piece]) -> Iterator[Piece]:
        for piece in pieces:
            if isinstance(piece, str):
                yield from map(self._known, self._mentions.feed(piece))
            else:
                yield from map(self._known, self._mentions.finish())
                self._mentions = MentionStream()
                yield piece

    def _known(self, piece: str | Mention) -> Piece:
        if isinstance(piece, str):
            return piece
        return piece.name if piece.name in self._originals else Found(TYPED, piece.written)

    async def _given(self, pieces: Iterable[Piece]) -> str:
        pieces = list(pieces)
        wanted = [found for found in sort_out(pieces, self._policy).wanted if found not in self._names]
        if wanted:
            try:
                fresh = await self._naming(wanted)
            except StoreUnavailable:
                log.warning("the database does not answer: what an answer brings up is masked")
                fresh = {}
            self._names |= fresh
            self._originals.update({fresh[one]: one.original for one in fresh if one.original})
        return self._text(pieces)

    def _text(self, pieces: Iterable[Piece]) -> str:
        return sort_out(pieces, self._policy).text(self._names)
