"""Who may talk to the bot, and where: the operator's lists, what admins decide, guests and others; and what they are told."""

from __future__ import annotations

from dataclasses import replace

import pytest

from adapters.slack.people import Home, standing_of
from bot.access import Lists, refusal, welcome_for
from bot.chat import Author, Invocation, Place, Standing
from bot.errors import ConfigError
from bot.notices import TEXTS
from bot.ports import REFUSED, Button, Levels, Outcome, Press
from bot.preferences import OPTIONS, Deny, Preferences, Switch, Talk, Welcome, resolve
from bot.settings import read_settings
from storage.stores import Stores
from tests.desk import Desk
from tests.fakes import ADA, CHANNEL, GRACE, ROOT, incoming
from tests.test_engine import Bot, Start, start

__all__ = ["start"]
pytest_plugins = ["tests.databases"]

DIRECT = replace(CHANNEL, channel="D1")
KEEPER = Author("U3", "Kim", roles=("R1",))
GUEST = Author("U6", "Gus", standing=Standing.GUEST)
EXTERNAL = Author("U7", "Eve", standing=Standing.EXTERNAL)
UNKNOWN = Author("U8", "Who", standing=Standing.UNKNOWN)
NOTHING = Lists()


def lists(allow: str = "", deny: str = "") -> Lists:
    return Lists(frozenset(allow.split()), frozenset(deny.split()))


def refuses(
    lists: Lists, author: Author = ADA, place: Place = CHANNEL, *, mentioned: bool = True, **holds: object
) -> Outcome | None:
    preferences = replace(Preferences(), **holds)  # type: ignore[arg-type]
    direct = place.channel.startswith("D")
    return refusal(lists, preferences, place, author, direct=direct, mentioned=mentioned)


@pytest.mark.parametrize(
    ("allow", "deny", "author", "place", "outcome"),
    [
        ("", "", ADA, CHANNEL, None),
        ("", "fake:user:U1", ADA, CHANNEL, Outcome.DENIED),
        ("", "slack:user:U1", ADA, CHANNEL, None),
        ("", "fake:role:R1", KEEPER, CHANNEL, Outcome.DENIED),
        ("", "fake:user:U9", ROOT, CHANNEL, Outcome.DENIED),
        ("", "fake:channel:C1", ADA, replace(CHANNEL, thread="t1"), Outcome.NOT_HERE),
        ("", "fake:workspace:T1", ADA, DIRECT, Outcome.NOT_HERE),
        ("fake:user:U1", "", ADA, CHANNEL, None),
        ("fake:user:U1", "", GRACE, CHANNEL, Outcome.DENIED),
        ("fake:user:U1", "fake:user:U1", ADA, CHANNEL, Outcome.DENIED),
        ("fake:user:U1 fake:role:R1", "", KEEPER, CHANNEL, None),
        ("slack:user:U2", "", ADA, CHANNEL, None),
        ("fake:channel:C1", "", ADA, CHANNEL, None),
        ("fake:channel:C1", "", ADA, replace(CHANNEL, channel="C2"), Outcome.NOT_HERE),
        ("fake:channel:C1", "", ADA, DIRECT, None),
        ("fake:workspace:T1 fake:channel:C1", "", ADA, replace(CHANNEL, installation="T2"), Outcome.NOT_HERE),
        ("fake:workspace:T1 fake:user:U1", "", ADA, DIRECT, None),
    ],
)  # fmt: skip
def test_a_denial_wins_and_an_allowance_names_all_of_its_kind(
    allow: str, deny: str, author: Author, place: Place, outcome: Outcome | None
) -> None:
    assert refuses(lists(allow, deny), author, place) is outcome


def test_what_admins_decide_counts_beside_the_lists() -> None:
    assert refuses(NOTHING, deny=Deny(("U1",))) is Outcome.DENIED
    assert refuses(NOTHING, KEEPER, deny=Deny(("&R1",)), talk=Talk(("&R1",))) is Outcome.DENIED
    assert refuses(NOTHING, ROOT, deny=Deny(("U9",))) is Outcome.DENIED
    assert refuses(NOTHING, talk=Talk(("U2",))) is Outcome.NOT_ADMITTED
    assert refuses(NOTHING, ROOT, talk=Talk((), nobody=True)) is Outcome.NOT_ADMITTED
    assert refuses(NOTHING, place=DIRECT, direct=Switch.OFF) is Outcome.NO_DIRECT
    assert refuses(NOTHING, direct=Switch.OFF) is None


def test_a_channels_denials_come_on_top_of_those_of_everywhere() -> None:
    levels = Levels(
        channel={"deny": "<@U1> <@&5>", "talk": "everyone"}, installation={"deny": "<@U2>", "talk": "nobody"}
    )
    holds, _ = resolve(Preferences(deny=Deny()), levels)
    assert holds.deny == Deny(("U2", "U1", "&5"))
    assert holds.talk == Talk()
    for name, texts in {
        "talk": ["everyone", "admins", "nobody", "<@U1> <@&5>"],
        "deny": ["nobody", "<@U1>"],
        "guests": ["small"],
    }.items():
        assert [OPTIONS[name].write(OPTIONS[name].read(text)) for text in texts] == texts


@pytest.mark.parametrize(
    ("policy", "mentioned", "unmentioned", "direct"),
    [
        (Welcome.ON, None, None, None),
        (Welcome.SMALL, None, None, None),
        (Welcome.MENTION, None, Outcome.MENTION_ONLY, Outcome.MENTION_ONLY),
        (Welcome.OFF, Outcome.GUEST, Outcome.GUEST, Outcome.GUEST),
    ],
)
def test_guests_and_people_from_elsewhere_are_answered_by_policy(
    policy: Welcome, mentioned: Outcome | None, unmentioned: Outcome | None, direct: Outcome | None
) -> None:
    assert refuses(NOTHING, GUEST, guests=policy) is mentioned
    assert refuses(NOTHING, GUEST, guests=policy, mentioned=False) is unmentioned
    assert refuses(NOTHING, GUEST, DIRECT, guests=policy) is direct
    other = Outcome.EXTERNAL if mentioned is Outcome.GUEST else mentioned
    assert refuses(NOTHING, EXTERNAL, externals=policy) is other
    assert refuses(NOTHING, ADA, guests=policy, externals=policy, mentioned=False) is None
    assert refuses(NOTHING, EXTERNAL, guests=policy) is refuses(NOTHING, GUEST, externals=policy) is None


def test_who_could_not_be_found_out_is_treated_as_the_stricter_policy_says() -> None:
    assert refuses(NOTHING, UNKNOWN) is None
    assert refuses(NOTHING, UNKNOWN, guests=Welcome.OFF) is Outcome.UNKNOWN_PERSON
    assert (
        welcome_for(UNKNOWN, Preferences(guests=Welcome.SMALL, externals=Welcome.MENTION)) is Welcome.MENTION
    )


@pytest.mark.parametrize(
    ("user", "standing"),
    [
        ({"team_id": "T1"}, Standing.MEMBER),
        ({}, Standing.MEMBER),
        ({"team_id": "T1", "is_restricted": True}, Standing.GUEST),
        ({"team_id": "T1", "is_restricted": True, "is_ultra_restricted": True}, Standing.GUEST),
        ({"team_id": "T1", "is_stranger": True}, Standing.EXTERNAL),
        ({"team_id": "T9"}, Standing.EXTERNAL),
        ({"team_id": "T9", "is_restricted": True}, Standing.EXTERNAL),
        ({"team_id": "T5", "enterprise_user": {"enterprise_id": "E1"}}, Standing.MEMBER),
        ({"team_id": "T5", "enterprise_user": {"enterprise_id": "E2"}}, Standing.EXTERNAL),
        ({"team_id": "E1"}, Standing.MEMBER),
    ],
)
def test_slack_tells_guests_by_flags_and_people_from_elsewhere_by_their_team(
    user: dict[str, object], standing: Standing
) -> None:
    assert standing_of(user, Home("T1", "E1")) is standing
    assert standing_of(user, None) is Standing.UNKNOWN


def test_every_refusal_can_be_told() -> None:
    for texts in TEXTS.values():
        assert all(outcome in texts and f"why_{outcome}" in texts for outcome in REFUSED)


def outcome(bot: Bot) -> Outcome:
    """What became of the last message."""
    return bot.receipt.outcome


async def why(bot: Bot, **who: object) -> str:
    return await bot.command("why", **who)  # type: ignore[arg-type]


async def test_a_refusal_is_told_once_to_whoever_speaks_to_the_bot_and_why_knows_it(start: Start) -> None:
    bot = await start(lists=lists(deny="fake:user:U2"))
    await bot.say("may I?", author=GRACE)
    assert bot.receipt.outcome is Outcome.DENIED and bot.receipt.said is not None
    assert bot.receipt.said.private and "I may not answer you here" in bot.receipt.said.text
    again = await bot.desk.said(incoming("and now?", message="M50", author=GRACE, sent_at=bot.clock.now))
    assert (again.outcome, again.said) == (Outcome.DENIED, None)
    elsewhere = incoming(
        "here?", message="M51", author=GRACE, place=replace(CHANNEL, channel="C2"), sent_at=bot.clock.now
    )
    assert (await bot.desk.said(elsewhere)).said is not None
    assert "my operator, has decided so" in await why(bot, author=GRACE)
    assert "I may not answer you" in await bot.command("reset", author=GRACE)
    edited = incoming("edited", message="M50", author=GRACE, sent_at=bot.clock.now, revision="1")
    assert (await bot.desk.edited(edited)).outcome is Outcome.DENIED
    pressed = await bot.desk.pressed(Invocation("P1", CHANNEL, GRACE, "stop"), Press(Button.STOP, 1, 0))
    assert pressed.said is not None and "I may not answer you" in pressed.said.text
    assert "privacy export" in await bot.command("privacy", author=GRACE)
    await bot.ask("Ada may", author=ADA)
    assert len(bot.provider.prompts) == 1


async def test_refusals_may_be_silent(start: Start) -> None:
    bot = await start(lists=lists(deny="fake:channel:C1"), silent=True)
    await bot.say("hello?")
    assert (bot.receipt.outcome, bot.receipt.said) == (Outcome.NOT_HERE, None)
    assert "my operator has decided so" in await why(bot)


async def test_direct_messages_and_guests_as_admins_decide(start: Start) -> None:
    bot = await start()
    for said in ("--everywhere direct off", "guests mention", "deny <@U1>", "talk everyone"):
        assert "now" in (told := await bot.command("settings", said, author=ROOT)) or "already" in told
    assert "no small model" in await bot.command("settings", "guests small", author=ROOT)
    await bot.say("psst", place=DIRECT, direct=True, mentioned=False)
    assert outcome(bot) is Outcome.NO_DIRECT
    assert "switched off" in await why(bot, place=DIRECT)
    await bot.say("I am denied")
    assert outcome(bot) is Outcome.DENIED
    thread = replace(CHANNEL, thread="t1")
    await bot.ask("a guest asks", author=GUEST, place=thread)
    await bot.say("and goes on", author=GUEST, place=thread, mentioned=False)
    assert (bot.receipt.outcome, bot.receipt.said) == (Outcome.MENTION_ONLY, None)
    assert "only where they mention me" in await why(bot, author=GUEST, place=thread)
    assert len(bot.provider.prompts) == 1


@pytest.mark.parametrize(
    ("variable", "value", "wrong"),
    [
        ("REJOINDER_ALLOW", "U1", "platform:kind:id"),
        ("REJOINDER_DENY", "slack:users:U1", "platform:kind:id"),
        ("REJOINDER_GUESTS", "perhaps", "Input should be"),
        ("REJOINDER_GUESTS", "small", "is missing"),
    ],
)
def test_settings_of_access_are_checked(
    variable: str, value: str, wrong: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(variable, value)
    with pytest.raises(ConfigError, match=wrong):
        read_settings()


async def test_a_turn_remembers_whose_its_asker_is(desk: Desk, stores: Stores) -> None:
    await desk.ask(author=GUEST)
    turn = await desk.claimed()
    assert turn.author.standing is Standing.GUEST
