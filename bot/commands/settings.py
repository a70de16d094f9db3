"""The `settings` command: shows what holds at a place, and lets the admins of that place change it.

settings                        what holds here, and who decided it
settings NAME                   what one of them means
settings NAME VALUE             change it for this channel
settings NAME default           decide nothing here: what holds elsewhere holds here too
settings --everywhere …         the same for the whole workspace or server
settings history                who changed what
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from bot.chat import Invocation
from bot.commands.form import DEFAULT, EVERYWHERE, WHERE, form_offer, settings_form
from bot.commands.menu import Menu
from bot.notices import notice
from bot.ports import Change, Clock, Form, PreferenceStore, Said, Word
from bot.preferences import OPTIONS, Decided, Level, Option, Unfit, Welcome, written
from bot.privacy.filtering import Filtering

ACTION: Final = "settings"
HISTORY: Final = "history"
MOST_CHANGES: Final = 10
GLANCE: Final = 200
"""Characters of a long value that are shown at a glance."""

WORDS: Final = (
    Word("setting", choices=(*OPTIONS, HISTORY)),
    Word("value", proposed=True),
    Word("everywhere", flag=True),
)

_EVERYWHERE = re.compile(r"(?:--|—|–)everywhere\b\s*", re.IGNORECASE)
"""Phones and word processors make a dash of two hyphens."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What an argument asks for."""

    name: str = ""
    value: str = ""
    everywhere: bool = False


def parse(argument: str) -> Asked:
    rest, everywhere = _EVERYWHERE.subn("", argument.strip(), count=1)
    name, _, value = re.sub(r"\s+", " ", rest[:80]).partition(" ")
    value = rest[len(name) :].strip() if value else ""
    return Asked(name.lower().replace("-", "_"), value, bool(everywhere))


def takes(argument: str) -> bool:
    """Whether those words, said after `settings`, belong to the command and are not the rest of a question."""
    name = parse(argument).name
    return not name or name == HISTORY or name in OPTIONS


class SettingsCommand:
    """`operators` are the admins that the operator named, as `platform:id`."""

    def __init__(
        self,
        decided: Decided,
        store: PreferenceStore,
        menu: Menu,
        filtering: Filtering,
        operators: Collection[str],
        clock: Clock,
    ) -> None:
        self._decided, self._store, self._menu = decided, store, menu
        self._filtering, self._operators, self._clock = filtering, operators, clock

    async def run(self, invocation: Invocation, language: str) -> str | Said:
        asked = parse(invocation.argument)
        if not asked.name:
            offer = form_offer(language) if invocation.author.admin else None
            return Said(await self._show(invocation, language), offer=offer)
        if asked.name == HISTORY:
            return await self._history(invocation, language)
        option = OPTIONS.get(asked.name)
        if option is None:
            names = ", ".join(f"`{name}`" for name in OPTIONS)
            return notice("settings_unknown", language, name=_plain(asked.name), names=names)
        if not asked.value:
            return await self._explain(invocation, option, language)
        try:
            return await self.change(invocation, option, asked, language)
        except Unfit as unfit:
            return notice(unfit.code, language, **unfit.parameters)

    async def change(self, invocation: Invocation, option: Option, asked: Asked, language: str) -> str:
        """Decide it. Raises `Unfit` for a value that can't be, and for somebody who may not."""
        self._allow(invocation, option)
        text, masked = await self._text(invocation, option, asked.value)
        changed = await self._store.change(
            Change(
                invocation.place, invocation.author.id, ACTION, option.name, text, everywhere=asked.everywhere
            ),
            self._clock(),
        )
        preferences, levels = await self._decided.explained(invocation.place)
        if not changed:
            code = "settings_same"
        elif text is None:
            code = "settings_back_everywhere" if asked.everywhere else "settings_back"
        else:
            code = "settings_done_everywhere" if asked.everywhere else "settings_done"
        said = notice(
            code,
            language,
            name=option.name,
            value=_shown(option, written(preferences)[option.name] if text is None else text),
        )
        if asked.everywhere and levels[option.name] is Level.CHANNEL:
            said += " " + notice("settings_but_here", language, name=option.name)
        return said + (" " + notice("masked_setting", language) if masked else "")

    def complete(self, argument: str) -> Sequence[str]:
        """What is worth proposing to somebody who has typed so far, as whole arguments."""
        everywhere = "--everywhere " if _EVERYWHERE.search(argument) else ""
        name, space, typed = _EVERYWHERE.sub("", argument).lstrip().lower().partition(" ")
        if not space:
            return [everywhere + one for one in (*OPTIONS, HISTORY) if name in one]
        option = OPTIONS.get(name)
        values = [*self.values(option), DEFAULT] if option is not None else []
        return [f"{everywhere}{name} {value}" for value in values if typed.strip() in value.lower()]

    def values(self, option: Option) -> Sequence[str]:
        """What is worth proposing."""
        return self._menu.names() if option.name == "model" else option.choices

    async def form(self, invocation: Invocation, language: str) -> Form | Said:
        """All that may be decided, as it holds, for the admins of the place."""
        if not invocation.author.admin:
            return Said(notice("settings_not_admin", language))
        return settings_form(written(await self._decided.at(invocation.place)), self.values, language)

    async def submitted(
        self, invocation: Invocation, values: Mapping[str, str], language: str
    ) -> Said | Mapping[str, str]:
        """Decide what was filled in: all of it, or nothing where one value can't be."""
        everywhere = values.get(WHERE) == EVERYWHERE
        asked = {
            name: Asked(name, value.strip() or DEFAULT, everywhere)
            for name, value in values.items()
            if name in OPTIONS
        }
        wrong: dict[str, str] = {}
        for name, one in asked.items():
            try:
                self._allow(invocation, OPTIONS[name])
                await self._text(invocation, OPTIONS[name], one.value)
            except Unfit as unfit:
                wrong[name] = notice(unfit.code, language, **unfit.parameters)
        if wrong:
            return wrong
        lines = [await self.change(invocation, OPTIONS[name], one, language) for name, one in asked.items()]
        return Said("\n".join(lines) or notice("settings_nothing_changed", language))

    def _allow(self, invocation: Invocation, option: Option) -> None:
        author = invocation.author
        operator = f"{invocation.place.platform}:{author.id}" in self._operators
        if not operator and (option.operator or not author.admin):
            raise Unfit("settings_not_operator" if option.operator else "settings_not_admin")

    async def _text(self, invocation: Invocation, option: Option, value: str) -> tuple[str | None, bool]:
        """The text to be stored (None: nothing is), and whether something private in it was masked. Raises `Unfit`."""
        if value.lower() == DEFAULT:
            return None, False
        if option.name == "model":
            return self._menu.choose(value.strip("`")), False
        text = option.write(option.read(value))
        if option.name in ("guests", "externals") and text == Welcome.SMALL and not self._menu.small:
            raise Unfit("setting_no_small_model")
        if not option.long:
            return text, False
        filtered = await self._filtering.lasting(invocation.place, text)
        if filtered.blocked:
            raise Unfit("blocked_setting", kinds=", ".join(f"`{kind}`" for kind in filtered.blocked))
        return option.write(option.read(filtered.texts[0])), bool(filtered.masked)

    async def _show(self, invocation: Invocation, language: str) -> str:
        preferences, levels = await self._decided.explained(invocation.place)
        texts = written(preferences)
        rows = [
            notice(
                "settings_row",
                language,
                name=name,
                value=_glance(option, texts[name]),
                level=notice(f"level_{levels[name]}", language),
            )
            for name, option in OPTIONS.items()
        ]
        how = "settings_how" if invocation.author.admin else "settings_how_not"
        return "\n".join([notice("settings_head", language), *rows, "", notice(how, language)])

    async def _explain(self, invocation: Invocation, option: Option, language: str) -> str:
        preferences, levels = await self._decided.explained(invocation.place)
        lines = [
            f"`{option.name}`: {notice(f'setting_{option.name}', language)}",
            notice(
                "settings_now",
                language,
                value=_shown(option, written(preferences)[option.name]),
                level=notice(f"level_{levels[option.name]}", language),
            ),
        ]
        if values := self.values(option):
            lines.append(
                notice("settings_choices", language, choices=", ".join(f"`{value}`" for value in values[:20]))
            )
        return "\n".join(lines)

    async def _history(self, invocation: Invocation, language: str) -> str:
        if not invocation.author.admin:
            return notice("settings_not_admin", language)
        changes = await self._store.changes(invocation.place, MOST_CHANGES)
        if not changes:
            return notice("settings_no_history", language)
        return "\n".join(
            [notice("settings_history", language), *(_change_row(one, language) for one in changes)]
        )


def _change_row(change: Change, language: str) -> str:
    option = OPTIONS.get(change.subject)

    def value(text: str | None) -> str:
        return notice("settings_nothing", language) if text is None else _glance(option, text)

    return notice(
        "settings_history_row",
        language,
        when=f"{change.at:%Y-%m-%d %H:%M}",
        who=f"<@{change.actor}>" if change.actor else notice("report_forgotten", language),
        name=change.subject,
        old=value(change.old),
        new=value(change.new),
        level=notice("level_installation" if change.everywhere else "level_channel", language),
    )


def _glance(option: Option | None, text: str) -> str:
    """A value in one line."""
    line = " ".join(text.split())
    return _marked(option, line if len(line) <= GLANCE else line[: GLANCE - 1] + "…")


def _shown(option: Option, text: str) -> str:
    """A value as it is."""
    if option.long and "\n" in text:
        return "\n" + "\n".join(f"> {line}" for line in text.splitlines()) + "\n"
    return _marked(option, text)


def _marked(option: Option | None, line: str) -> str:
    """People and roles are to be read by their names, which the platform puts in; all else is shown to the letter."""
    return line if option is not None and "<@" in line and not option.long else f"`{_plain(line)}`"


def _plain(text: str) -> str:
    return text.replace("`", "'")
