"""The commands, as one table. Adapters only render it: as slash commands, and as the exact text `@bot reset`.

Slack has no slash commands inside threads, so the text form works everywhere the bot is addressed.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from typing import Final

from bot.chat import Invocation, Message, Role
from bot.context import Fitted, fit
from bot.limit_texts import spent_text
from bot.limits import Limits
from bot.limits_command import WORDS as LIMITS_WORDS
from bot.limits_command import LimitsCommand
from bot.limits_command import takes as limits_takes
from bot.notices import notice
from bot.ports import Clock, Conversations, Said, Slash, Word
from bot.preferences import Decided, Scope
from bot.settings_command import WORDS as SETTINGS_WORDS
from bot.settings_command import SettingsCommand
from bot.settings_command import takes as settings_takes
from bot.voice import Voice, Voices
from bot.why import Why, names_a_message


def nothing(argument: str) -> bool:
    return not argument


@dataclass(frozen=True, slots=True)
class Command:
    """`private`: the answer is for the asker's eyes only. `inside`: it is about the conversation, so only for those who may talk here.
    `takes` says whether words said after the verb are its argument, and not the rest of a question that happens to begin with it.
    `word`: the verb is a word that people use; said without a slash it is the command only where the bot is called by its name."""

    verb: str
    private: bool = True
    inside: bool = False
    takes: Callable[[str], bool] = nothing
    word: bool = False
    words: tuple[Word, ...] = ()

    def summary(self, language: str) -> str:
        return notice(f"help_{self.verb}", language)


COMMANDS: Final[tuple[Command, ...]] = (
    Command("help"),
    Command("reset", private=False, inside=True),
    Command("context", inside=True),
    Command("usage"),
    Command("leave", private=False, inside=True),
    Command("settings", takes=settings_takes, words=SETTINGS_WORDS),
    Command("limits", takes=limits_takes, words=LIMITS_WORDS),
    Command("why", takes=names_a_message, word=True, words=(Word("message"),)),
)

VERBS: Final = {command.verb: command for command in COMMANDS}


def spoken_command(text: str, *, called: bool = True) -> tuple[str, str] | None:
    """Verb and argument, when a text addressed to the bot is a command: `reset`, `/reset` or `!reset`, in any case. `called`: by its
    name."""
    if not text.strip():
        return None
    word, *rest = text.split(maxsplit=1)
    verb, argument = word.lower().removeprefix("/").removeprefix("!"), "".join(rest).strip()
    command = VERBS.get(verb)
    if command is None or not command.takes(argument):
        return None
    return None if command.word and word.lower() == verb and not called else (verb, argument)


class Commands:
    """Runs a command and says what came of it."""

    def __init__(
        self,
        conversations: Conversations,
        limits: Limits,
        voices: Voices,
        decided: Decided,
        settings: SettingsCommand,
        limits_command: LimitsCommand,
        why: Why,
        clock: Clock,
    ) -> None:
        self._decided, self._why = decided, why
        self._conversations, self._limits = conversations, limits
        self._voices, self._clock = voices, clock
        self._settings = settings
        self._runs: dict[str, Callable[[Invocation, str], Awaitable[str | Said]]] = {
            "help": self._help,
            "reset": self._reset,
            "context": self._context,
            "usage": self._usage,
            "leave": self._leave,
            "settings": settings.run,
            "limits": limits_command.run,
            "why": self._tell_why,
        }

    async def run(self, invocation: Invocation, language: str) -> Said:
        command = VERBS.get(invocation.verb)
        if command is None:
            return Said(notice("unknown_command", language, verb=invocation.verb[:40].replace("`", "")))
        said = await self._runs[command.verb](invocation, language)
        return said if isinstance(said, Said) else Said(said, command.private)

    def complete(self, invocation: Invocation) -> Sequence[str]:
        """What the argument could become."""
        return self._settings.complete(invocation.argument) if invocation.verb == "settings" else ()

    async def _help(self, invocation: Invocation, language: str) -> str:
        rows = "\n".join(f"- `{command.verb}`: {command.summary(language)}" for command in COMMANDS)
        return notice("help", language, commands=rows)

    async def _reset(self, invocation: Invocation, language: str) -> str:
        forgotten = await self._conversations.reset(invocation.place, self._clock())
        if forgotten.turns == 0:
            return notice("reset_nothing", language)
        return notice(
            "reset_done", language, turns=forgotten.turns, turns_word=_turns_word(forgotten.turns, language)
        )

    async def _leave(self, invocation: Invocation, language: str) -> str:
        if not invocation.place.thread:
            return notice("leave_outside", language)
        changed = await self._conversations.follow(invocation.place, False)
        return notice("left" if changed else "left_already", language)

    async def _tell_why(self, invocation: Invocation, language: str) -> str:
        asked = invocation.about or invocation.argument
        return await self._why.tell(invocation.place, invocation.author, asked, language)

    async def _context(self, invocation: Invocation, language: str) -> str:
        voice = (await self._voices.candidates(invocation.place))[0]
        alone = (await self._decided.at(invocation.place)).scope is Scope.THREAD
        history = self._conversations.history(invocation.place, alone=alone)
        fitted = await fit(
            history,
            Message(Role.USER, ""),
            system=voice.system,
            window=voice.window,
            counter=voice.counter,
            named=not invocation.direct,
        )
        left_out = int(fitted.dropped) + len([older async for older in history])
        return _context_text(fitted, left_out, voice, language)

    async def _usage(self, invocation: Invocation, language: str) -> str:
        spent = await self._limits.spent(invocation.place, invocation.author, self._clock())
        if not spent:
            return notice("usage_none", language)
        return "\n".join([notice("usage_head", language), *(spent_text(one, language) for one in spent)])


def _turns_word(turns: int, language: str) -> str:
    return notice("turn_one" if turns == 1 else "turn_many", language)


def _context_text(fitted: Fitted, left_out: int, voice: Voice, language: str) -> str:
    question = voice.window.prompt - fitted.system - fitted.history
    counting = notice("context_exact" if voice.counter.exact else "context_estimate", language)
    lines = [
        notice("context_head", language, model=voice.model.name, counting=counting),
        notice("context_system", language, tokens=fitted.system),
        notice(
            "context_history",
            language,
            turns=fitted.turns,
            turns_word=_turns_word(fitted.turns, language),
            tokens=fitted.history,
        ),
        notice("context_question", language, tokens=question),
        notice("context_total", language, tokens=voice.window.prompt),
        notice("context_answer", language, tokens=voice.window.answer),
        "",
        notice("context_dropped", language, turns=left_out, turns_word=_turns_word(left_out, language))
        if left_out
        else notice("context_whole", language),
    ]
    return "\n".join(lines)


def command_list(language: str = "en") -> Sequence[Slash]:
    """For adapters that register or complete commands."""
    return [
        Slash(
            command.verb,
            command.summary(language),
            tuple(replace(word, summary=notice(f"word_{word.name}", language)) for word in command.words),
        )
        for command in COMMANDS
    ]
