"""What people are told of files that were not read, or not wholly."""

from __future__ import annotations

from collections.abc import Sequence

from bot.errors import Why
from bot.files.limits import FileLimits
from bot.files.reader import Unread
from bot.notices import notice


def unread_texts(unread: Sequence[Unread], limits: FileLimits, language: str) -> list[str]:
    """A sentence for each reason, with the names of its files."""
    texts = []
    for why in dict.fromkeys(one.why for one in unread):
        names = listed([one.name for one in unread if one.why is why], language)
        texts.append(notice(f"unread_{why}", language, names=names, most=_most(why, limits)))
    return texts


def listed(names: Sequence[str], language: str) -> str:
    """The names as code, so that nothing in them is taken for more than a name."""
    plain = (" ".join(name.replace("`", "'").split()) for name in names)
    return notice("and_so_on", language).join(f"`{name}`" for name in plain)


def _most(why: Why, limits: FileLimits) -> int:
    match why:
        case Why.TOO_LARGE:
            return limits.most // 1_000_000
        case Why.TOO_MANY:
            return limits.number
        case _:
            return limits.pictures
