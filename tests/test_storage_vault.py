"""The vault: one placeholder for one original in a conversation, nothing readable in the tables, and nothing kept longer than its
messages."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest
from sqlalchemy import select

from bot.chat import Cancel, Place
from bot.ports import Numbered, Original, Source
from storage.stores import Stores, open_stores
from storage.tables import sources, vault
from tests.desk import THREAD, Desk
from tests.fakes import CHANNEL, FakeClock

pytest_plugins = ["tests.databases"]

ADA_MAIL = Original("email", "ada@example.org")
BOB_MAIL = Original("email", "bob@example.org")
ADA_PHONE = Original("phone", "+49 30 123456")
EMAIL_1, EMAIL_2, PHONE_1 = Numbered("email", 1), Numbered("email", 2), Numbered("phone", 1)
ALL = (EMAIL_1, EMAIL_2, PHONE_1)
OTHER_THREAD = replace(CHANNEL, thread="t2")
ELSEWHERE = replace(CHANNEL, channel="C2")


@pytest.fixture
async def stores(store_url: str, clock: FakeClock) -> AsyncIterator[Stores]:
    opened = open_stores(store_url, clock, keys="first key")
    yield opened
    await opened.aclose()


def said(clock: FakeClock, key: str = "m1", person: str = "U1") -> Source:
    return Source(key, person, clock.now)


async def kept(stores: Stores, place: Place = CHANNEL) -> list[str]:
    return sorted((await stores.vault.originals(place, ALL)).values())


async def test_the_same_original_has_the_same_placeholder_in_a_channel_and_its_threads(
    stores: Stores, clock: FakeClock
) -> None:
    first = await stores.vault.number(CHANNEL, [ADA_MAIL, BOB_MAIL, ADA_PHONE], said(clock))
    assert first == {ADA_MAIL: EMAIL_1, BOB_MAIL: EMAIL_2, ADA_PHONE: PHONE_1}
    carol = Original("email", "carol@example.org")
    again = await stores.vault.number(THREAD, [carol, BOB_MAIL, carol], said(clock, "m2"))
    assert again == {BOB_MAIL: EMAIL_2, carol: Numbered("email", 3)}
    assert await stores.vault.number(ELSEWHERE, [BOB_MAIL], said(clock, "m3")) == {BOB_MAIL: EMAIL_1}
    own = replace(CHANNEL, person="U1")
    assert await stores.vault.number(own, [BOB_MAIL], said(clock, "m4")) == {BOB_MAIL: EMAIL_1}
    assert await stores.vault.originals(THREAD, [EMAIL_1, EMAIL_2, Numbered("email", 9)]) == {
        EMAIL_1: ADA_MAIL.words,
        EMAIL_2: BOB_MAIL.words,
    }


async def test_processes_that_meet_the_same_originals_at_once_agree(store_url: str, clock: FakeClock) -> None:
    houses = [open_stores(store_url, clock, keys="k") for _ in range(1 if "sqlite" in store_url else 3)]
    many = [Original("email", f"{number}@example.org") for number in range(5)]
    found = await asyncio.gather(
        *(
            houses[turn % len(houses)].vault.number(CHANNEL, many[turn % 3 :], said(clock, f"m{turn}"))
            for turn in range(12)
        )
    )
    agreed = {one: number for numbers in found for one, number in numbers.items()}
    assert all(agreed[one] == number for numbers in found for one, number in numbers.items())
    assert sorted(number.number for number in agreed.values()) == [1, 2, 3, 4, 5]
    for house in houses:
        await house.aclose()


async def test_hundreds_of_originals_are_numbered_and_found(stores: Stores, clock: FakeClock) -> None:
    many = [Original("email", f"{number}@example.org") for number in range(250)]
    numbers = await stores.vault.number(CHANNEL, many, said(clock))
    found = await stores.vault.originals(CHANNEL, set(numbers.values()))
    assert {found[numbers[one]] for one in many} == {one.words for one in many}
    assert await stores.vault.forget_message("m1") == 250


async def test_no_original_can_be_read_in_the_tables(stores: Stores, clock: FakeClock) -> None:
    odd = Original("word", "\0\ud800 Straße 7")
    numbers = await stores.vault.number(CHANNEL, [ADA_MAIL, odd], said(clock))
    assert await stores.vault.originals(CHANNEL, numbers.values()) == {
        numbers[ADA_MAIL]: ADA_MAIL.words,
        numbers[odd]: odd.words,
    }
    async with stores.database.reading() as sql:
        rows = [*await sql.execute(select(vault)), *await sql.execute(select(sources))]
    assert not any(word in repr(row) for row in rows for word in ("ada", "example", "Straße"))
    assert ADA_MAIL.words not in repr(ADA_MAIL)


async def test_a_new_key_encrypts_while_the_old_one_still_opens(store_url: str, clock: FakeClock) -> None:
    async def under(keys: str, *wanted: Original) -> list[str]:
        house = open_stores(store_url, clock, keys=keys)
        await house.vault.number(CHANNEL, wanted, said(clock))
        found = await kept(house)
        await house.aclose()
        return found

    assert await under("old", ADA_MAIL) == [ADA_MAIL.words]
    assert await under("new, old", ADA_MAIL, BOB_MAIL) == [ADA_MAIL.words, BOB_MAIL.words]
    assert await under("new") == [BOB_MAIL.words]
    assert await under("other") == []


async def test_without_a_key_nothing_is_kept(store_url: str, clock: FakeClock) -> None:
    house = open_stores(store_url, clock)
    assert not house.vault.open
    assert await kept(house) == []
    with pytest.raises(ValueError, match="without a key"):
        await house.vault.number(CHANNEL, [ADA_MAIL], said(clock))
    await house.aclose()


async def test_an_original_goes_with_the_last_message_that_it_came_from(
    stores: Stores, clock: FakeClock
) -> None:
    await stores.vault.number(CHANNEL, [ADA_MAIL, BOB_MAIL], said(clock, "m1"))
    await stores.vault.number(CHANNEL, [BOB_MAIL], said(clock, "m2"))
    assert await stores.vault.forget_message("m1") == 1
    assert await kept(stores) == [BOB_MAIL.words]
    assert await stores.vault.forget_message("m2") == 1
    assert await kept(stores) == []


async def test_a_number_is_never_given_to_another_original(stores: Stores, clock: FakeClock) -> None:
    await stores.vault.number(CHANNEL, [ADA_MAIL, BOB_MAIL], said(clock, "m1"))
    await stores.vault.forget_message("m1")
    assert await stores.vault.number(CHANNEL, [ADA_MAIL], said(clock, "m2")) == {
        ADA_MAIL: Numbered("email", 3)
    }
    async with stores.database.reading() as sql:
        numbers = sorted((await sql.execute(select(vault.c.number))).scalars())
    assert numbers == [2, 3]  # the highest given, and no heap of empty rows
    await stores.vault.forget_message("m2")
    async with stores.database.reading() as sql:
        assert (await sql.execute(select(vault.c.number, vault.c.original))).all()[-1:] == [(3, None)]


async def test_a_reset_takes_along_what_was_said_there(stores: Stores, clock: FakeClock) -> None:
    for place, original, key in (
        (CHANNEL, ADA_MAIL, "m1"),
        (THREAD, BOB_MAIL, "m2"),
        (OTHER_THREAD, ADA_PHONE, "m3"),
        (THREAD, ADA_MAIL, "m4"),
        (ELSEWHERE, ADA_MAIL, "m5"),
    ):
        await stores.vault.number(place, [original], said(clock, key))
    await stores.conversations.reset(THREAD, clock.now)
    assert await kept(stores) == [ADA_PHONE.words, ADA_MAIL.words]
    await stores.conversations.reset(CHANNEL, clock.now)
    assert (await kept(stores), await kept(stores, ELSEWHERE)) == ([], [ADA_MAIL.words])


async def test_a_deleted_question_takes_its_originals_along(stores: Stores, clock: FakeClock) -> None:
    desk = Desk(stores, clock)
    question = desk.question()
    await desk.accept(question)
    await stores.vault.number(CHANNEL, [ADA_MAIL], said(clock, question.key))
    await stores.inbox.cancel(Cancel.DELETED, place=CHANNEL, message=question.message)
    assert await kept(stores) == []
