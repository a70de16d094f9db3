"""Which buttons stand under an answer (pure).

Every answer keeps its row as long as its message stands: to take it away from earlier ones would cost a call to the platform per
answer, and edits of old messages are what platforms like least.
"""

from __future__ import annotations

from collections.abc import Sequence

from bot.chat import Finish
from bot.ports import Button, Control


def row(
    version: int,
    others: Sequence[int],
    finish: Finish | None,
    *,
    full: bool,
    rated: bool | None = None,
) -> tuple[Control, ...]:
    """Under an answer that is there. `full`: also what is good to have, and not only what is needed."""
    buttons = [Control(Button.CONTINUE, version)] if finish is Finish.LENGTH else []
    if full:
        buttons += [
            Control(Button.REGENERATE, version),
            Control(Button.UP, version, chosen=rated is True),
            Control(Button.DOWN, version, chosen=rated is False),
        ]
    return (*buttons, *arrows(version, others))


def after_failure(version: int, others: Sequence[int], *, said: bool) -> tuple[Control, ...]:
    """Under an answer that broke off, or that never began."""
    begun = (Control(Button.CONTINUE, version),) if said else ()
    return (*begun, Control(Button.RETRY, version), *arrows(version, others))


def arrows(version: int, others: Sequence[int]) -> tuple[Control, ...]:
    """To the answers before and after this one, with their place among all: `1/3` and `3/3` under the second of three."""
    numbers = sorted({version, *others})
    place, all_of_them = numbers.index(version) + 1, len(numbers)
    leading = [(Button.EARLIER, place - 1)] if place > 1 else []
    leading += [(Button.LATER, place + 1)] if place < all_of_them else []
    return tuple(Control(button, version, mark=f"{leads}/{all_of_them}") for button, leads in leading)
