"""The commands about what the model sees of a conversation: `context` shows it, `pin` keeps something in it, `unpin` lets it go."""

from __future__ import annotations

from typing import Final

from bot.chat import Exchange, Invocation, Note, Pin, Place
from bot.marking import neutral
from bot.notices import kinds_text, notice
from bot.ports import Clock, Memory, Source
from bot.privacy.filtering import Filtering
from bot.recall import Recall, View
from bot.voice import Voice, Voices

MOST_PINS: Final = 20
GLANCE: Final = 100
"""Characters of a pin that are shown."""


class MemoryCommands:
    def __init__(
        self, memory: Memory, recall: Recall, voices: Voices, filtering: Filtering, clock: Clock
    ) -> None:
        self._memory, self._recall, self._voices = memory, recall, voices
        self._filtering, self._clock = filtering, clock

    async def context(self, invocation: Invocation, language: str) -> str:
        voice = (await self._voices.candidates(invocation.place))[0]
        view = await self._recall.view(invocation.place, voice, direct=invocation.direct)
        return await self._filtering.restored(invocation.place, context_text(view, voice, language))

    async def pin(self, invocation: Invocation, language: str) -> str:
        """Words of one's own, the exchange that is replied to, or the newest."""
        place, author = invocation.place, invocation.author.id
        what: Note | str = invocation.about
        if invocation.argument:
            source = Source(invocation.key, author, self._clock())
            filtered = await self._filtering.words(place, [invocation.argument], source)
            if filtered.blocked:
                return notice("blocked", language, kinds=kinds_text(filtered.blocked, language))
            counter, words = (await self._voices.candidates(place))[0].counter, neutral(filtered.texts[0])
            what = Note(words, counter.measure(words), counter.name)
        pin = await self._memory.pin(place, author, what, self._clock(), MOST_PINS)
        if pin is None:
            full = len((await self._memory.beginning(place)).pins) >= MOST_PINS
            return notice("pin_full" if full else "pin_nothing", language, most=MOST_PINS)
        return notice("pin_done", language, what=await self._glance(place, pin))

    async def unpin(self, invocation: Invocation, language: str) -> str:
        """The one with that number in `context`, or the last of them."""
        pins = (await self._memory.beginning(invocation.place)).pins
        argument = invocation.argument or str(len(pins))
        number = int(argument) if argument.isdecimal() and len(argument) < 6 else 0
        if not 1 <= number <= len(pins):
            return notice("unpin_nothing", language)
        await self._memory.unpin(pins[number - 1].id)
        return notice("unpin_done", language, what=await self._glance(invocation.place, pins[number - 1]))

    async def _glance(self, place: Place, pin: Pin) -> str:
        return await self._filtering.restored(place, _glance(pin))


def turns_word(turns: int, language: str) -> str:
    return notice("turn_one" if turns == 1 else "turn_many", language)


def context_text(view: View, voice: Voice, language: str) -> str:
    fitted, beginning = view.fitted, view.beginning
    counting = notice("context_exact" if voice.counter.exact else "context_estimate", language)
    lines = [
        notice("context_head", language, model=voice.model.name, counting=counting),
        notice("context_system", language, tokens=fitted.system),
    ]
    if fitted.pinned:
        lines.append(notice("context_pinned", language, tokens=fitted.pinned))
    if fitted.summary:
        lines.append(notice("context_summary", language, tokens=fitted.summary))
    earlier = {"turns": fitted.turns, "turns_word": turns_word(fitted.turns, language)}
    question = voice.window.prompt - fitted.total + fitted.question
    lines += [
        notice("context_history", language, **earlier, tokens=fitted.history),
        notice("context_question", language, tokens=question),
        notice("context_total", language, tokens=voice.window.prompt),
        notice("context_answer", language, tokens=voice.window.answer),
        "",
        _left_out(view, language),
    ]
    if view.cached is not None:
        cached = {"prompt": view.cached.prompt, "cached": view.cached.cached}
        lines.append(notice("context_cached", language, **cached))
    if beginning.pins:
        lines += ["", notice("context_pins", language)]
        lines += [f"{number}. {_glance(pin)}" for number, pin in enumerate(beginning.pins, 1)]
    if beginning.summary is not None:
        lines += ["", notice("context_gist", language)]
        lines += [f"> {line}" for line in beginning.summary.note.text.splitlines()]
    return "\n".join(lines)


def _left_out(view: View, language: str) -> str:
    if not view.left_out:
        return notice("context_whole", language)
    turns = {"turns": view.left_out, "turns_word": turns_word(view.left_out, language)}
    return notice("context_dropped", language, **turns)


def _glance(pin: Pin) -> str:
    words = pin.pinned.question if isinstance(pin.pinned, Exchange) else pin.pinned.text
    line = " ".join(words.split()).replace("`", "'")
    return f"`{line if len(line) <= GLANCE else line[: GLANCE - 1] + '…'}`"
