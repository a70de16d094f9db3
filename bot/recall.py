"""What a model sees of a conversation, and where that begins from now on."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass

from bot.chat import Exchange, Message, Picture, Place, Role, Turn
from bot.context import LOW_WATER, Fitted, fit
from bot.files.gallery import SHARE_AGAIN, Gallery, shown_to
from bot.ports import Beginning, Cached, Memory
from bot.preferences import Decided, Scope
from bot.voice import Voice

Due = Callable[[Turn], None]
"""Something of that turn's conversation is told no more, and not summed up yet."""


def nothing_due(turn: Turn) -> None:
    """Where nothing is summed up."""


@dataclass(frozen=True, slots=True)
class View:
    """What the next prompt of a place would hold, and how many older turns it would not."""

    fitted: Fitted
    beginning: Beginning
    left_out: int
    cached: Cached | None


class Recall:
    def __init__(self, memory: Memory, decided: Decided, due: Due = nothing_due, *, gallery: Gallery) -> None:
        self._memory, self._decided, self._gallery, self._due = memory, decided, gallery, due

    async def prompt_for(
        self,
        turn: Turn,
        voice: Voice,
        *,
        usual: bool,
        cut: bool = False,
        pictures: Sequence[Picture] = (),
    ) -> Fitted:
        """The conversation up to a question, fitted into the voice's window (which was `cut` to a lower mark already, maybe). Where it
        begins is remembered for the `usual` one: others stand in with windows of their own. Who can see is shown the `pictures`."""
        beginning = await self._memory.beginning(turn.place, before=turn, alone=await self._alone(turn.place))
        named = not turn.direct and not turn.place.person
        name = turn.author.name if named else ""
        question = Message(Role.USER, turn.text, name, shown_to(voice, pictures))
        low = LOW_WATER if usual and not cut else 1.0
        fitted = await self._fit(turn.place, beginning, question, voice, named=named, low=low)
        if usual:
            await self._remember(turn, beginning, fitted)
        return fitted

    async def view(self, place: Place, voice: Voice, *, direct: bool) -> View:
        """The same for a question that is not asked yet."""
        beginning = await self._memory.beginning(place, alone=await self._alone(place))
        named = not direct and not place.person
        question = Message(Role.USER, "")
        fitted = await self._fit(place, beginning, question, voice, named=named, low=LOW_WATER)
        since = fitted.since or beginning.since
        left_out = await self._memory.left_out(beginning, since) if fitted.dropped and since else 0
        return View(fitted, beginning, left_out, await self._memory.cached(beginning))

    async def _fit(
        self,
        place: Place,
        beginning: Beginning,
        question: Message,
        voice: Voice,
        *,
        named: bool,
        low: float,
    ) -> Fitted:
        async with aclosing(self._memory.history(beginning, since=beginning.since)) as history:  # type: ignore[type-var]
            newest = await _first(history, self._gallery.limits.turns if voice.model.images else 0)
            return await fit(
                _joined(newest, history),
                question,
                beginning=beginning,
                system=voice.system,
                window=voice.window,
                counter=voice.counter,
                named=named,
                low=low,
                shown=await self._shown_again(place, newest, voice),
            )

    async def _shown_again(
        self, place: Place, newest: Sequence[Exchange], voice: Voice
    ) -> Mapping[int, tuple[Picture, ...]]:
        """The pictures of the newest turns, by turn, as far as they fit into their share."""
        found = [
            (exchange.turn, picture)
            for exchange in newest
            if exchange.pictures
            for picture in await self._gallery.again(place, exchange.pictures)
        ]
        fitting = len(shown_to(voice, [picture for _, picture in found], SHARE_AGAIN))
        shown: dict[int, tuple[Picture, ...]] = {}
        for turn, picture in found[:fitting]:
            shown[turn] = (*shown.get(turn, ()), picture)
        return shown

    async def _remember(self, turn: Turn, beginning: Beginning, fitted: Fitted) -> None:
        since = (fitted.since or turn.mark) if fitted.moved else beginning.since
        if since is None:
            return
        if fitted.moved or beginning.adopted:
            await self._memory.begin_at(turn, since, beginning.summary)
        if beginning.summary is None or beginning.summary.until < since:
            self._due(turn)

    async def _alone(self, place: Place) -> bool:
        return (await self._decided.at(place)).scope is Scope.THREAD


async def _first(history: AsyncIterator[Exchange], most: int) -> list[Exchange]:
    found: list[Exchange] = []
    while len(found) < most and (exchange := await anext(history, None)) is not None:
        found.append(exchange)
    return found


async def _joined(first: Sequence[Exchange], more: AsyncIterator[Exchange]) -> AsyncIterator[Exchange]:
    for exchange in first:
        yield exchange
    async for exchange in more:
        yield exchange
