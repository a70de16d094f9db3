"""The settings of a place as a form, for platforms that have such."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Final

from bot.notices import notice
from bot.ports import Field, Form, Offer
from bot.preferences import LONGEST_PROMPT, OPTIONS, Option

FORM: Final = "settings"
WHERE: Final = "where"
HERE: Final = "here"
EVERYWHERE: Final = "everywhere"
DEFAULT: Final = "default"
"""As a value: nothing is decided at that level."""


def settings_form(
    texts: Mapping[str, str], proposed: Callable[[Option], Sequence[str]], language: str
) -> Form:
    """All options with what holds (`texts`), and whether to decide for the channel or for everywhere."""
    where = Field(
        WHERE, notice("form_where", language), notice("form_where_hint", language), HERE, (HERE, EVERYWHERE)
    )
    fields = [_field(option, texts[option.name], proposed(option), language) for option in OPTIONS.values()]
    title, submit = notice("form_settings", language), notice("form_save", language)
    return Form(FORM, title, submit, tuple(fields), (where,))


def form_offer(language: str) -> Offer:
    fields = tuple((name, _meaning(name, language)) for name in OPTIONS)
    return Offer(FORM, notice("form_open", language), fields)


def _field(option: Option, value: str, proposed: Sequence[str], language: str) -> Field:
    """A menu where there is something to choose from; what holds is in it, whatever it is."""
    choices = () if option.long else tuple(dict.fromkeys([value, *proposed, DEFAULT]))
    most = LONGEST_PROMPT if option.long else 0
    return Field(option.name, option.name, _meaning(option.name, language), value, choices, most)


def _meaning(name: str, language: str) -> str:
    return notice(f"setting_{name}", language).replace("`", "")
