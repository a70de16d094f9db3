"""Who may talk to the bot, and where: what the operator allows and denies, and what the admins of a place decided (pure).

A denial wins, whoever says it. An allowance names all there are of its kind: where the operator allows channels, there are no others.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Final

from bot.chat import Author, Place, Standing
from bot.ports import Outcome
from bot.preferences import Preferences, Switch, Welcome

KINDS: Final = ("user", "role", "channel", "workspace")


@dataclass(frozen=True, slots=True)
class Lists:
    """What the operator allows and denies, as `platform:kind:id`."""

    allow: Collection[str] = ()
    deny: Collection[str] = ()

    def refuses(self, place: Place, author: Author, *, direct: bool) -> Outcome | None:
        """A person's roles stand for them; direct messages are no channels."""
        platform = place.platform
        who = _named(platform, "user", [author.id]) | _named(platform, "role", author.roles)
        where = _named(platform, "workspace", [place.installation])
        where |= set() if direct else _named(platform, "channel", [place.channel])
        if who & set(self.deny):
            return Outcome.DENIED
        if where & set(self.deny) or not self._allowed(
            where, ("workspace", *(() if direct else ("channel",)))
        ):
            return Outcome.NOT_HERE
        named = [one for one in self.allow if one.startswith((f"{platform}:user:", f"{platform}:role:"))]
        return Outcome.DENIED if named and not who & set(named) else None

    def _allowed(self, where: set[str], kinds: Iterable[str]) -> bool:
        """Whether each kind that is named for that platform names this one."""
        platform = next(iter(where)).partition(":")[0]
        for kind in kinds:
            named = {one for one in self.allow if one.startswith(f"{platform}:{kind}:")}
            if named and not named & where:
                return False
        return True


def refusal(
    lists: Lists, holds: Preferences, place: Place, author: Author, *, direct: bool, mentioned: bool
) -> Outcome | None:
    """Why somebody is not answered there; None: they are. `mentioned`: the bot is spoken to by name, or by a command."""
    if (listed := lists.refuses(place, author, direct=direct)) is not None:
        return listed
    if direct and holds.direct is Switch.OFF:
        return Outcome.NO_DIRECT
    if holds.deny.lists(author):
        return Outcome.DENIED
    if not holds.talk.admits(author):
        return Outcome.NOT_ADMITTED
    match welcome_for(author, holds):
        case Welcome.OFF:
            return _STRANGERS[author.standing]
        case Welcome.MENTION if direct or not mentioned:
            return Outcome.MENTION_ONLY
    return None


def welcome_for(author: Author, holds: Preferences) -> Welcome:
    """How people of that standing are answered; where it could not be found out, as the stricter policy says."""
    match author.standing:
        case Standing.MEMBER:
            return Welcome.ON
        case Standing.GUEST:
            return holds.guests
        case Standing.EXTERNAL:
            return holds.externals
        case Standing.UNKNOWN:
            return max(holds.guests, holds.externals, key=list(Welcome).index)


_STRANGERS: Final = {
    Standing.GUEST: Outcome.GUEST,
    Standing.EXTERNAL: Outcome.EXTERNAL,
    Standing.UNKNOWN: Outcome.UNKNOWN_PERSON,
}


def _named(platform: str, kind: str, ids: Iterable[str]) -> set[str]:
    return {f"{platform}:{kind}:{one}" for one in ids}
