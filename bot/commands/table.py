"""The commands, as one table. Adapters only render it: as slash commands, and as the exact text `@bot reset`.

Slack has no slash commands inside threads, so the text form works everywhere the bot is addressed.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from typing import Final

from bot.chat import Invocation
from bot.commands.limits import WORDS as LIMITS_WORDS
from bot.commands.limits import LimitsCommand
from bot.commands.limits import takes as limits_takes
from bot.commands.memory import MemoryCommands, turns_word
from bot.commands.privacy import WORDS as PRIVACY_WORDS
from bot.commands.privacy import PrivacyCommand
from bot.commands.privacy import takes as privacy_takes
from bot.commands.settings import WORDS as SETTINGS_WORDS
from bot.commands.settings import SettingsCommand
from bot.commands.settings import takes as settings_takes
from bot.commands.usage import WORDS as USAGE_WORDS
from bot.commands.usage import UsageCommand
from bot.commands.usage import takes as usage_takes
from bot.commands.why import Why, names_a_message
from bot.notices import notice
from bot.ports import Clock, Conversations, Said, Slash, Word


def nothing(argument: str) -> bool:
    return not argument


def a_number(argument: str) -> bool:
    return not argument or argument.isdecimal()


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
    Command("pin", private=False, inside=True, words=(Word("note"),)),
    Command("unpin", private=False, inside=True, takes=a_number, words=(Word("pin"),)),
    Command("usage", takes=usage_takes, words=USAGE_WORDS),
    Command("leave", private=False, inside=True),
    Command("settings", takes=settings_takes, words=SETTINGS_WORDS),
    Command("limits", takes=limits_takes, words=LIMITS_WORDS),
    Command("privacy", takes=privacy_takes, words=PRIVACY_WORDS),
    Command("why", takes=names_a_message, word=True, words=(Word("message"),)),
)

VERBS: Final = {command.verb: command for command in COMMANDS}


def spoken_command(text: str, *, called: bool = True) -> tuple[str, str] | None:
    """Verb and argument, when a text addressed to the bot is a command: `reset`, `/reset` or `!reset`, in any case. `called`: by its
    name.

    A colon or a slash says that all of it is meant as one: `pin: we deploy on Fridays`.
    """
    if not text.strip():
        return None
    word, *rest = text.lower().split(maxsplit=1)
    argument = text.strip()[len(word) :].strip() if rest else ""
    verb = word.removeprefix("/").removeprefix("!").removesuffix(":")
    command = VERBS.get(verb)
    if command is None or (command.word and word == verb and not called):
        return None
    meant = word != verb and bool(command.words)
    return (verb, argument) if meant or command.takes(argument) else None


class Commands:
    """Runs a command and says what came of it."""

    def __init__(
        self,
        conversations: Conversations,
        memory: MemoryCommands,
        usage: UsageCommand,
        settings: SettingsCommand,
        limits_command: LimitsCommand,
        privacy: PrivacyCommand,
        why: Why,
        clock: Clock,
    ) -> None:
        self._why, self._privacy = why, privacy
        self._conversations, self._clock = conversations, clock
        self._settings = settings
        self._runs: dict[str, Callable[[Invocation, str], Awaitable[str | Said]]] = {
            "help": self._help,
            "reset": self._reset,
            "context": memory.context,
            "pin": memory.pin,
            "unpin": memory.unpin,
            "usage": usage.run,
            "leave": self._leave,
            "settings": settings.run,
            "limits": limits_command.run,
            "privacy": privacy.run,
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
        forgotten = await self._conversations.reset(invocation.place, self._clock(), invocation.given_at)
        if forgotten.turns == 0:
            return notice("reset_nothing", language)
        return notice(
            "reset_done", language, turns=forgotten.turns, turns_word=turns_word(forgotten.turns, language)
        )

    async def _leave(self, invocation: Invocation, language: str) -> str:
        if not invocation.place.thread:
            return notice("leave_outside", language)
        changed = await self._conversations.follow(invocation.place, False)
        return notice("left" if changed else "left_already", language)

    async def _tell_why(self, invocation: Invocation, language: str) -> str:
        asked = invocation.about or invocation.argument
        if not asked and await self._privacy.wants_nothing(invocation):
            return "\n- ".join([notice("why_head", language), notice("why_opted_out", language)])
        return await self._why.tell(invocation.place, invocation.author, asked, language)


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
