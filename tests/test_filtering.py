"""The filter in a place: what its policy makes of words, of names and of a growing answer, and what is put back for its people."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from bot.errors import StoreUnavailable
from bot.growing import Growing
from bot.ports import Change, Source, Who
from bot.preferences import Decided, Preferences
from bot.privacy.answers import AnswerFilter
from bot.privacy.filtering import LARGE, Filtering
from bot.redaction import Policy, Redactor, parse_actions, restore
from storage.stores import Stores, open_stores
from tests.fakes import CHANNEL, FakeClock
from tests.test_redaction_stream import POSITIVES

THREAD = replace(CHANNEL, thread="t1")
ELSEWHERE = replace(CHANNEL, channel="C2")
MAIL, OTHER = "ada" + "@example.org", "bob" + "@example.org"
REDACTOR = Redactor(ip_addresses=True)
CARD, KEY = "4111 1111 1111 1111", "ghp_" + "a1B2" * 9


@dataclass
class Rig:
    stores: Stores
    filtering: Filtering
    clock: FakeClock
    messages: int = 0

    def source(self, person: str = "U1") -> Source:
        self.messages += 1
        return Source(f"m{self.messages}", person, self.clock.now)

    async def said(self, text: str, place: object = CHANNEL) -> str:
        """What goes on of a person's words."""
        return (await self.filtering.words(place, [text], self.source())).texts[0]  # type: ignore[arg-type]

    async def answered(self, pieces: list[str], told: str = "") -> tuple[str, str, list[str]]:
        """An answer of a model that was told this: as it is kept, as it is shown, and everything that was shown on the way."""
        originals = dict(await self.filtering.originals(CHANNEL, told))
        growing = Growing(await self.filtering.answer(CHANNEL, self.source(), originals), "")
        seen = []
        for piece in pieces:
            await growing.add(piece)
            seen.append(restore(growing.shown, originals))
        kept = await growing.finish()
        return kept, restore(kept, originals), seen


Open = Callable[..., Awaitable[Rig]]


@pytest.fixture
async def opened(tmp_path: Path) -> AsyncIterator[Open]:
    running: list[Stores] = []

    async def begin(actions: str = "", *, keys: str = "a key") -> Rig:
        clock = FakeClock()
        stores = open_stores(f"sqlite:///{tmp_path / 'bot.db'}", clock, keys=keys)
        running.append(stores)
        await stores.upgrade()
        decided = Decided(stores.preferences, lambda _: Preferences(filter=parse_actions(actions)))
        return Rig(stores, Filtering(Redactor(), stores.vault, decided), clock)

    yield begin
    for stores in running:
        await stores.aclose()


async def test_personal_data_is_exchanged_and_secrets_are_masked(opened: Open) -> None:
    rig = await opened()
    found = await rig.filtering.words(CHANNEL, [f"{MAIL} pays with {CARD}", f"{KEY}.txt"], rig.source())
    assert found.texts == ("<EMAIL_1> pays with [FILTERED:card]", "[FILTERED:api_key].txt")
    assert (found.masked, found.blocked) == (("card", "api_key"), ())
    assert await rig.said(f"not {OTHER}, {MAIL}", THREAD) == "not <EMAIL_2>, <EMAIL_1>"
    assert await rig.said(OTHER, ELSEWHERE) == "<EMAIL_1>"
    assert await rig.filtering.restored(THREAD, "<EMAIL_2> and <EMAIL_1>") == f"{OTHER} and {MAIL}"
    assert await rig.filtering.restored(ELSEWHERE, "<EMAIL_1>, <EMAIL_2>") == f"{OTHER}, <EMAIL_2>"


async def test_what_is_quoted_is_its_own_peoples(opened: Open) -> None:
    """So it goes when they are forgotten; unless the one who quoted it said it, too."""
    rig = await opened()
    source = rig.source()
    quoted = [f"{MAIL} or {OTHER}", f"not {OTHER}"]
    found = await rig.filtering.words(CHANNEL, quoted, source, ["U2", ""])
    assert found.texts == ("<EMAIL_2> or <EMAIL_1>", "not <EMAIL_1>")
    await rig.stores.privacy.begin_erasing(Who("fake", "T1", "U2"), "", rig.clock.now)
    while (await rig.stores.privacy.erase(rig.clock.advance(1), 10)).left:
        pass
    assert await rig.filtering.restored(CHANNEL, " ".join(found.texts)) == f"<EMAIL_2> or {OTHER} not {OTHER}"


async def test_without_a_key_everything_is_masked(opened: Open) -> None:
    rig = await opened("phone=pseudonymise", keys="")
    assert await rig.said(f"{MAIL} or <EMAIL_1>") == "[FILTERED:email] or <EMAIL_1>"
    kept, shown, _ = await rig.answered(["Ask ", OTHER, " or <EMAIL_1>, not <EMAIL_1"])
    assert kept == shown == "Ask [FILTERED:email] or <EMAIL_1>, not <EMAIL_1"


async def test_what_is_blocked_leaves_no_trace(opened: Open) -> None:
    rig = await opened("card=block, iban=block")
    found = await rig.filtering.words(CHANNEL, [f"{MAIL} pays with {CARD}"], rig.source())
    assert (found.texts, found.blocked) == ((), ("card",))
    assert await rig.filtering.originals(CHANNEL, "<EMAIL_1>") == {}
    assert await rig.filtering.name(CHANNEL, f"Ada {CARD}", rig.source()) == "Ada [FILTERED:card]"
    kept, shown, seen = await rig.answered(["It was ", "4111 1111", " 1111 1111", "."])
    assert kept == shown == "It was [FILTERED:card]."
    assert not any("4111" in one for one in seen)


async def test_a_kind_that_is_off_stays_and_the_places_word_goes_before_the_operators(opened: Open) -> None:
    rig = await opened("phone=off, email=mask")
    decide = Change(CHANNEL, "U9", "settings", "filter", "email=off, card=pseudonymise")
    await rig.stores.preferences.change(decide, rig.clock.now)
    text = f"{MAIL}, +1 415 555 2671, {CARD}"
    assert await rig.said(text) == f"{MAIL}, +1 415 555 2671, <CARD_1>"
    assert await rig.said(text, ELSEWHERE) == "[FILTERED:email], +1 415 555 2671, [FILTERED:card]"


async def test_an_admins_words_for_a_place_are_masked_for_good(opened: Open) -> None:
    rig = await opened("card=block")
    found = await rig.filtering.lasting(CHANNEL, f"Send complaints to {MAIL}.")
    assert (found.texts, found.masked) == (("Send complaints to [FILTERED:email].",), ("email",))
    assert (await rig.filtering.lasting(CHANNEL, CARD)).blocked == ("card",)


ANSWER = f"Write to <email_1>, EMAIL_1 or {OTHER}; use {KEY}, never <EMAIL_9> or {CARD}!"
SHOWN = f"Write to {MAIL}, {MAIL} or {OTHER}; use [FILTERED:api_key], never <EMAIL_9> or [FILTERED:card]!"


@pytest.mark.parametrize("step", [1, 2, 3, 7, len(ANSWER)])
async def test_an_answer_is_restored_exactly_however_it_comes(opened: Open, step: int) -> None:
    rig = await opened()
    told = await rig.said(f"Who is {MAIL}?")
    pieces = [ANSWER[start : start + step] for start in range(0, len(ANSWER), step)]
    kept, shown, seen = await rig.answered(pieces, told)
    assert shown == SHOWN
    assert all(SHOWN.startswith(one) for one in seen)
    assert not any(words in kept for words in (MAIL, OTHER, KEY, CARD))
    assert kept.startswith(
        "Write to <EMAIL_1>, <EMAIL_1> or <EMAIL_2>; use [FILTERED:api_key], never <TYPED_1>"
    )
    assert await rig.filtering.restored(CHANNEL, kept) == SHOWN


async def test_split_at_every_position_nothing_shows_in_part(opened: Open) -> None:
    rig = await opened()
    told = await rig.said(f"Who is {MAIL}?")
    for at in range(len(ANSWER) + 1):
        _, shown, seen = await rig.answered([ANSWER[:at], ANSWER[at:]], told)
        assert shown == SHOWN
        assert all(SHOWN.startswith(one) for one in seen)


async def test_broken_at_every_position_and_gone_on_with_nothing_shows_in_part(opened: Open) -> None:
    """Where a call breaks off the model is told what it said; what comes then goes through the same filter."""
    rig = await opened()
    told = await rig.said(f"Who is {MAIL}?")
    originals = dict(await rig.filtering.originals(CHANNEL, told))
    for at in range(len(ANSWER) + 1):
        growing = Growing(await rig.filtering.answer(CHANNEL, rig.source(), originals), "")
        await growing.add(ANSWER[:at])
        await growing.break_off()
        assert not any(words in growing.told for words in (MAIL, OTHER, KEY, CARD))
        growing._join._joined = True
        await growing.add(ANSWER[at:])
        shown = restore(await growing.finish(), originals)
        assert shown == SHOWN


@pytest.mark.parametrize("text", POSITIVES, ids=range(len(POSITIVES)))
async def test_an_answer_that_ended_anywhere_and_is_gone_on_with_later_shows_nothing_in_two_halves(
    text: str,
) -> None:
    """It was cut at its length, say, and somebody presses Continue: another filter, which is given what stands there."""
    whole, everything = REDACTOR.mask(text).text, Policy(parse_actions("all=mask"))
    for at in range(1, len(text), max(1, len(text) // 8)):
        if not {*REDACTOR.find(text[:at])} <= {*REDACTOR.find(text)}:
            continue  # the half was found by itself, and is gone
        first = Growing(AnswerFilter(REDACTOR, everything, originals={}), "")
        await first.add(text[:at])
        begun = await first.finish()
        later = Growing(AnswerFilter(REDACTOR, everything, originals={}), begun)
        assert begun.startswith(later.shown) and whole.startswith(later.shown)
        assert later.told == begun
        later._join._joined = True
        for piece in text[at:]:
            await later.add(piece)
            assert whole.startswith(later.shown)
        assert later.told == whole
        assert await later.finish() == whole


async def test_what_was_begun_stands_when_nothing_more_comes() -> None:
    for kept, shown in ((0, "Ask "), (7, "Ask ada")):
        growing = Growing(AnswerFilter(REDACTOR, Policy(), originals={}), "Ask ada@exam", kept)
        assert (growing.shown, growing.told) == (shown, "Ask ada@exam")
        assert await growing.finish() == "Ask ada@exam"
        growing = Growing(AnswerFilter(REDACTOR, Policy(), originals={}), "Ask ada@exam", kept)
        await growing.add("ada@exam, please: ask ada@exam")  # repeats what it said last, and goes on
        assert growing.told == await growing.finish() == "Ask ada@exam, please: ask ada@exam"


async def test_a_model_brings_out_only_what_it_was_told(opened: Open) -> None:
    """Not what was said in another thread, though the placeholder is the channel's."""
    rig = await opened()
    told = await rig.said(f"Who is {MAIL}?", THREAD)
    await rig.said(OTHER, replace(CHANNEL, thread="t2"))
    kept, shown, _ = await rig.answered(["<EMAIL_1> is not <EMAIL_2>, and ", "EMAIL_2 nobody."], told)
    assert shown == f"{MAIL} is not <EMAIL_2>, and EMAIL_2 nobody."
    assert await rig.filtering.restored(CHANNEL, kept) == shown
    retold = await rig.filtering.retold(CHANNEL, f"<EMAIL_1> is not <EMAIL_2>, nor {OTHER}", told)
    assert retold == "<EMAIL_1> is not [FILTERED:typed], nor [FILTERED:email]"


async def test_a_typed_placeholder_comes_back_as_it_was_typed(opened: Open) -> None:
    rig = await opened()
    await rig.said(MAIL)
    told = await rig.said("Repeat <EMAIL_1> and email 1!")
    assert told == "Repeat <TYPED_1> and email 1!"
    kept, shown, _ = await rig.answered([told.removeprefix("Repeat ")], told)
    assert (kept, shown) == ("<TYPED_1> and email 1!", "<EMAIL_1> and email 1!")


async def test_what_an_answer_brings_up_is_masked_while_the_database_is_away(opened: Open) -> None:
    rig = await opened()
    answer = await rig.filtering.answer(CHANNEL, rig.source(), {})

    async def away(*_: object) -> object:
        raise StoreUnavailable("away")

    answer._naming = away  # type: ignore[assignment]
    assert (
        await answer.feed(f"Ask {MAIL} about it, ") + await answer.finish()
        == "Ask [FILTERED:email] about it, "
    )


async def test_a_large_text_does_not_keep_others_waiting(opened: Open) -> None:
    rig = await opened()
    large = f"{MAIL} " + "1234 5678 " * LARGE
    filtering = asyncio.create_task(rig.said(large))
    turns = 0
    while not filtering.done():
        await asyncio.sleep(0)
        turns += 1
    assert (await filtering).startswith("<EMAIL_1> 1234")
    assert turns > 10
