"""The filter as it holds in a place: what is found in words, what becomes of it there, and what of it is put back for its people.

Whatever is stored, logged or sent to a model has come through here. Originals are in the vault alone.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import Final

from bot.chat import Place
from bot.ports import Numbered, Original, Source, Vault
from bot.preferences import Decided
from bot.privacy.answers import AnswerFilter
from bot.redaction import (
    Found,
    Piece,
    Policy,
    Redactor,
    SortedOut,
    escaped,
    kind_and_number,
    name,
    named_in,
    restore,
    sort_out,
)

LARGE: Final = 10_000
"""Characters that are searched where they stand; more of them would keep everybody waiting."""


@dataclass(frozen=True, slots=True)
class Filtered:
    """`texts` as they may go on, the kinds that were `masked` for good, and those for which all is held back: then there are no texts."""

    texts: tuple[str, ...]
    masked: tuple[str, ...] = ()
    blocked: tuple[str, ...] = ()


class Filtering:
    def __init__(self, redactor: Redactor, vault: Vault, decided: Decided) -> None:
        self._redactor, self._vault, self._decided = redactor, vault, decided
        # One thread: large texts wait for each other, and nobody else for them.
        self._aside = ThreadPoolExecutor(1, "filter")

    async def words(
        self, place: Place, texts: Sequence[str], source: Source, whose: Sequence[str] = ()
    ) -> Filtered:
        """What a person wrote. `whose` are the people who are quoted, text by text; empty: the person's own words."""
        return await self._filtered(place, texts, source, await self.policy(place), whose)

    async def name(self, place: Place, text: str, source: Source) -> str:
        """What somebody or something is called: that alone holds nothing back."""
        policy = (await self.policy(place)).never_blocking
        return (await self._filtered(place, [text], source, policy)).texts[0]

    async def lasting(self, place: Place, text: str) -> Filtered:
        """What an admin has written for a place, beside any conversation: nothing of it will be put back."""
        policy = (await self.policy(place)).for_good
        found = sort_out(await self._pieces(text, policy), policy)
        return Filtered((found.text({}),), found.masked, found.blocked)

    async def answer(self, place: Place, source: Source, originals: dict[str, str]) -> AnswerFilter:
        """For an answer to that source while it grows. `originals` are those that its model was told the placeholders of; the answer
        adds those that it brings up."""

        async def named(wanted: Sequence[Found]) -> Mapping[Found, str]:
            return await self._names(place, wanted, source)

        return AnswerFilter(self._redactor, await self.policy(place), named, originals=originals)

    async def retold(self, place: Place, text: str, told: str) -> str:
        """What a model has made of what it was `told`: placeholders from there stay, whatever else is found is masked."""
        originals = dict.fromkeys(named_in(told), "")
        return AnswerFilter(self._redactor, await self.policy(place), originals=originals).whole(text)

    async def originals(self, place: Place, *texts: str) -> Mapping[str, str]:
        """What the placeholders in these texts stand for, as far as it is kept."""
        wanted = {given: Numbered(*kind_and_number(given)) for text in texts for given in named_in(text)}
        if not wanted:
            return {}
        found = await self._vault.originals(place, wanted.values())
        return {given: found[number] for given, number in wanted.items() if number in found}

    async def restored(self, place: Place, text: str) -> str:
        """The text for the people of that place."""
        return restore(text, await self.originals(place, text))

    async def forget(self, key: str) -> None:
        """A message was not taken after all."""
        if self._vault.open:
            await self._vault.forget_message(key)

    async def policy(self, place: Place) -> Policy:
        """What is done with each kind there."""
        return Policy((await self._decided.at(place)).filter, reversible=self._vault.open)

    async def _filtered(
        self, place: Place, texts: Sequence[str], source: Source, policy: Policy, whose: Sequence[str] = ()
    ) -> Filtered:
        found = [sort_out(escaped(await self._pieces(text, policy)), policy) for text in texts]
        masked, blocked = _all(found, "masked"), _all(found, "blocked")
        if blocked:
            return Filtered((), masked, blocked)
        wanted: dict[str, list[Found]] = {
            "": []
        }  # own words first: what stands there, too, stays when whoever is quoted goes
        for one, person in zip(found, whose or [""] * len(found), strict=True):
            wanted.setdefault(person, []).extend(one.wanted)
        names: dict[Found, str] = {}
        for person, theirs in wanted.items():
            names |= await self._names(place, theirs, replace(source, person=person or source.person))
        return Filtered(tuple(one.text(names) for one in found), masked)

    async def _pieces(self, text: str, policy: Policy) -> list[Piece]:
        redactor = self._redactor.without(policy.off)
        if len(text) < LARGE:
            return redactor.pieces(text)
        return await asyncio.get_running_loop().run_in_executor(self._aside, redactor.pieces, text)

    async def _names(self, place: Place, wanted: Sequence[Found], source: Source) -> Mapping[Found, str]:
        originals = {found: Original(found.kind, found.original) for found in wanted if found.original}
        if not originals:
            return {}
        numbers = await self._vault.number(place, list(originals.values()), source)
        given = {found: numbers[original] for found, original in originals.items()}
        return {found: name(number.kind, number.number) for found, number in given.items()}


def _all(found: Sequence[SortedOut], which: str) -> tuple[str, ...]:
    """The kinds of all of them, in order."""
    return tuple(dict.fromkeys(kind for one in found for kind in getattr(one, which)))
