"""The story of a turn, told with a real database, a scripted model and a platform that shows what it is given."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path

import pytest

from bot.access import Lists
from bot.chat import Author, Finish, Invocation, Message, Place, Role, State, Text, Turn, Usage
from bot.commands.limits import LimitsCommand
from bot.commands.memory import MemoryCommands
from bot.commands.privacy import PrivacyCommand
from bot.commands.settings import SettingsCommand
from bot.commands.table import Commands
from bot.commands.usage import UsageCommand
from bot.commands.why import Why
from bot.context import Window
from bot.engine import Engine
from bot.errors import (
    CutOff,
    EmptyAnswer,
    Overloaded,
    PlaceRefused,
    PlatformUnreachable,
    QuotaExhausted,
    StoreUnavailable,
)
from bot.inbox import Held, Workers
from bot.limits.alarms import Alarms
from bot.limits.rules import Rulebook, Scope
from bot.models.catalogue import Model
from bot.notebook import Notebook
from bot.ports import Button, Level, Outcome, Press, Pressed
from bot.preferences import Decided, Preferences
from bot.pressing import Pressing
from bot.privacy.erasing import Eraser
from bot.privacy.filtering import Filtering
from bot.recall import Recall
from bot.reception import FrontDesk
from bot.redaction import Redactor, parse_actions
from bot.speaking import Continuing, Speaker
from bot.telemetry import Meters
from bot.tokens.counting import Exact
from bot.tokens.texts import tokenizer_for
from bot.voice import SameEverywhere, Voice
from storage.stores import Stores, open_stores
from tests.desk import workers_of
from tests.fakes import (
    ADA,
    CHANNEL,
    GRACE,
    HERE,
    ROOT,
    FakeClock,
    FakePlatform,
    Gate,
    ScriptedProvider,
    Shown,
    a_menu,
    answer,
    incoming,
)
from tests.files_rig import open_files
from tests.limits_rig import open_limits

NO_LIMITS = Rulebook()
NO_LISTS = Lists()
ROOMY = Window(4_000, 500)
ADMINS, ELSEWHERE = Place("fake", "T1", "C-admins"), Place("fake", "T2", "C-others")
EMAIL = "ada" + "@" + "example.org"


@dataclass
class Bot:
    """The whole bot but for its platform and its model."""

    clock: FakeClock
    stores: Stores
    provider: ScriptedProvider
    platform: FakePlatform
    desk: FrontDesk
    workers: Workers
    said: int = 0

    async def say(
        self,
        text: str,
        *,
        author: Author = ADA,
        place: Place = CHANNEL,
        mentioned: bool = True,
        direct: bool = False,
    ) -> str:
        """Somebody says something; the message's id."""
        self.said += 1
        message = f"M{self.said}"
        sent_at = self.clock.advance(1)
        branched_at = self.clock.now if place.thread else None
        self.receipt = await self.desk.said(
            incoming(
                text,
                message=message,
                author=author,
                place=place,
                sent_at=sent_at,
                mentioned=mentioned,
                direct=direct,
                branched_at=branched_at,
            )
        )
        return message

    def shown(self, message: str) -> Shown:
        return self.platform.shown.setdefault(message, Shown())

    async def until(self, condition: Callable[[], bool]) -> None:
        async with asyncio.timeout(10):
            while not condition():  # noqa: ASYNC110 - whatever the condition looks at
                await asyncio.sleep(0.005)

    async def ask(self, text: str, **who: object) -> Shown:
        """Say it, and wait for what comes of it."""
        message = await self.say(text, **who)  # type: ignore[arg-type]
        await self.settled()
        return self.shown(message)

    async def settled(self) -> None:
        async with asyncio.timeout(10):
            while await self.stores.inbox.unfinished():  # noqa: ASYNC110 - the database tells nobody
                await asyncio.sleep(0.005)

    async def command(
        self, verb: str, argument: str = "", *, author: Author = ADA, place: Place = CHANNEL
    ) -> str:
        self.said += 1
        said = await self.desk.invoked(Invocation(f"K{self.said}", place, author, verb, argument))
        return said.text

    async def press(
        self, button: Button, turn: int = 1, version: int = 0, *, author: Author = ADA, key: str = ""
    ) -> Pressed:
        """Somebody presses a button under that version of an answer."""
        self.said += 1
        by = Invocation(key or f"K{self.said}", CHANNEL, author, button.value)
        return await self.desk.pressed(by, Press(button, turn, version))

    @property
    def heard(self) -> list[str]:
        """The words of the last prompt."""
        return [message.text for message in self.provider.prompts[-1].messages]


Start = Callable[..., Awaitable[Bot]]


@pytest.fixture
async def start(tmp_path: Path) -> AsyncIterator[Start]:
    running: list[tuple[asyncio.Task[None], Bot]] = []

    async def begin(
        *scripts: object,
        rules: Rulebook = NO_LIMITS,
        window: Window = ROOMY,
        continuations: int = 2,
        whispering: bool = False,
        working: bool = True,
        keys: str = "",
        actions: str = "",
        lease: float = 4,
        lists: Lists = NO_LISTS,
        silent: bool = False,
    ) -> Bot:
        clock = FakeClock()
        stores = open_stores(f"sqlite:///{tmp_path / 'bot.db'}", clock, keys=keys)
        await stores.upgrade()
        provider = ScriptedProvider(*scripts)  # type: ignore[arg-type]
        platform = FakePlatform(whispering=whispering)
        counter = Exact(tokenizer_for("gpt-4o"))
        limits = open_limits(stores, rules, clock, sleep=no_wait)
        voices = SameEverywhere(Voice(provider, Model("openai", "test"), "Be kind.", window, counter))
        decided = Decided(
            stores.preferences,
            lambda _: Preferences("openai:test", "Be kind.", filter=parse_actions(actions)),
        )
        filtering = Filtering(Redactor(), stores.vault, decided)
        settings = SettingsCommand(decided, stores.preferences, a_menu(), filtering, (), clock)
        notebook = Notebook(stores.records, clock)
        gallery, files = open_files({"fake": platform}, voices, counter, filtering)
        recall = Recall(stores.memory, decided, gallery=gallery)
        why = Why(stores.records, notebook, clock)
        desk = FrontDesk(
            inbox=stores.inbox,
            pressing=Pressing(stores.inbox, stores.versions, decided, "en", clock),
            conversations=stores.conversations,
            commands=Commands(
                stores.conversations,
                MemoryCommands(stores.memory, recall, voices, filtering, clock),
                UsageCommand(limits, stores.reports, rules, clock),
                settings,
                LimitsCommand(limits, stores.rulings, rules, voices, clock),
                PrivacyCommand(
                    stores.privacy, Eraser(stores.privacy, clock, Meters(), notebook), limits, decided, clock
                ),
                why,
                clock,
            ),
            settings=settings,
            filtering=filtering,
            notebook=notebook,
            counter=counter,
            admins=(),
            language="en",
            queue=3,
            decided=decided,
            privacy=stores.privacy,
            lists=lists,
            silent=silent,
            clock=clock,
        )
        speaker = Speaker(
            recall=recall,
            limits=limits,
            voices=voices,
            filtering=filtering,
            continuing=Continuing(continuations),
            clock=clock,
            sleep=no_wait,
        )
        engine = Engine(
            platforms={"fake": platform},
            conversations=stores.conversations,
            decided=decided,
            speaker=speaker,
            files=files,
            filtering=filtering,
            counter=counter,
            language="en",
            attempts=3,
            clock=clock,
            meters=Meters(),
            alarms=Alarms({"fake": platform}, [ADMINS, ELSEWHERE], "en", clock),
        )
        workers = workers_of(stores.inbox, engine, clock, lease=timedelta(seconds=lease), most=8)
        bot = Bot(clock, stores, provider, platform, desk, workers)
        task = asyncio.create_task(workers.run() if working else asyncio.sleep(0))
        running.append((task, bot))
        return bot

    yield begin
    for task, bot in running:
        await bot.workers.drain(0.1)
        await asyncio.wait({task}, timeout=5)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        await bot.stores.aclose()


def everything_in(folder: Path) -> bytes:
    return b"".join(path.read_bytes() for path in folder.iterdir())


async def no_wait(seconds: float) -> None:
    await asyncio.sleep(0)


async def test_a_question_is_answered_and_shown_while_it_grows(start: Start) -> None:
    bot = await start(answer("Paris is the capital of France.", pieces=5))
    shown = await bot.ask("What is the capital of France?")
    assert shown.text.startswith("Paris is the capital of France.")
    assert shown.finished
    assert all("Paris is the capital of France.".startswith(update) for update in shown.updates)


async def test_the_model_sees_the_instructions_the_history_and_who_speaks(start: Start) -> None:
    bot = await start(answer("One."), answer("Two."))
    await bot.ask("first")
    await bot.ask("second", author=GRACE)
    prompt = bot.provider.prompts[-1]
    assert prompt.system == "Be kind."
    assert prompt.messages == (
        Message(Role.USER, "first", "Ada"),
        Message(Role.ASSISTANT, "One."),
        Message(Role.USER, "second", "Grace"),
    )


async def test_what_is_kept_is_said_once_to_each_person(start: Start) -> None:
    bot = await start()
    first, again, other = await bot.ask("a"), await bot.ask("b"), await bot.ask("c", author=GRACE)
    assert "I keep our conversation" in first.text
    assert "I keep our conversation" not in again.text
    assert "I keep our conversation" in other.text


async def test_a_redelivered_message_is_one_turn(start: Start) -> None:
    bot = await start()
    said = incoming("hello", message="M1", sent_at=bot.clock.now)
    receipts = await asyncio.gather(*[bot.desk.said(said) for _ in range(5)])
    await bot.settled()
    assert sorted(receipt.outcome for receipt in receipts) == [Outcome.ACCEPTED] + [Outcome.DUPLICATE] * 4
    assert len(bot.provider.prompts) == 1


async def test_sensitive_data_is_masked_before_it_is_stored_or_sent(start: Start, tmp_path: Path) -> None:
    bot = await start()
    shown = await bot.ask(f"write to {EMAIL} please")
    assert bot.heard == ["write to [FILTERED:email] please"]
    assert "masked" in shown.text
    assert EMAIL not in shown.text
    await bot.stores.aclose()
    assert EMAIL.encode() not in everything_in(tmp_path)


async def test_what_the_model_says_is_masked_too(start: Start) -> None:
    bot = await start(answer(f"Ask {EMAIL} about it, or somebody else.", pieces=12))
    shown = await bot.ask("whom?")
    assert EMAIL not in "".join([shown.text, *shown.updates])
    assert "[FILTERED:email]" in shown.text


async def test_personal_data_stands_only_in_the_vault_and_is_put_back_for_people(
    start: Start, tmp_path: Path
) -> None:
    bot = await start(
        answer("Write to <EMAIL_1>, or to carol@example.org.", pieces=30),
        answer("As I said, <EMAIL_1> and <EMAIL_2>."),
        answer("You are Mallory <EMAIL_3>."),
        keys="a key",
    )
    shown = await bot.ask(f"write to {EMAIL} please")
    assert bot.heard == ["write to <EMAIL_1> please"]
    assert shown.text.startswith(f"Write to {EMAIL}, or to carol@example.org.")
    assert "masked" not in shown.text
    assert not any("<E" in update for update in shown.updates)
    again = await bot.ask("whom?", author=Author("U3", f"Eve {EMAIL}"))
    assert bot.heard == ["write to <EMAIL_1> please", "Write to <EMAIL_1>, or to <EMAIL_2>.", "whom?"]
    assert bot.provider.prompts[-1].messages[-1].name == "Eve <EMAIL_1>"
    assert again.text.startswith(f"As I said, {EMAIL} and carol@example.org.")
    named = await bot.ask("who am I?", author=Author("U4", "Mallory mallory@example.org"))
    assert named.text.startswith("You are Mallory mallory@example.org.")
    assert EMAIL in await bot.command("pin", f"note: {EMAIL}")
    assert f"note: {EMAIL}" in await bot.command("context")
    await bot.stores.aclose()
    kept = everything_in(tmp_path)
    assert not any(words.encode() in kept for words in (EMAIL, "carol@"))


async def test_an_answer_that_is_left_is_taken_over_and_gone_on_with_restored(start: Start) -> None:
    gate = Gate()
    bot = await start(
        ["Write to <EMAIL_1> and ", gate], answer("Write to <EMAIL_1> and wait."), keys="a key", lease=0.6
    )
    message = await bot.say(f"I am {EMAIL}")
    await gate.reached.wait()
    assert bot.shown(message).text == f"Write to {EMAIL} and "
    await bot.workers.drain(0)
    taken = await bot.stores.inbox.claim(
        "w2", bot.clock.now, timedelta(seconds=4), platforms=HERE, abreast=2, attempts=3
    )
    assert taken is not None and taken.text == "I am <EMAIL_1>"
    held = Held(
        bot.stores.inbox, taken, "w2", timedelta(seconds=4), bot.clock, bot.clock.now + timedelta(seconds=4)
    )
    await bot.workers._engine.answer(held)
    assert bot.shown(message).text.startswith(f"Write to {EMAIL} and wait.")


async def test_what_is_blocked_is_told_to_its_author_and_goes_nowhere(start: Start, tmp_path: Path) -> None:
    bot = await start(keys="a key", actions="email=block, phone=block")
    await bot.say(f"write to {EMAIL} please")
    assert bot.receipt.outcome is Outcome.BLOCKED
    assert bot.receipt.said and bot.receipt.said.private
    assert "an e-mail address" in bot.receipt.said.text and EMAIL not in bot.receipt.said.text
    assert "may not be sent" in await bot.command("why")
    assert "an e-mail address" in await bot.command("pin", EMAIL)
    message = await bot.say("write to nobody")
    await bot.settled()
    edit = incoming(f"to {EMAIL}", message=message, sent_at=bot.clock.now, revision="2")
    assert (await bot.desk.edited(edit)).outcome is Outcome.BLOCKED
    assert [prompt.messages[-1].text for prompt in bot.provider.prompts] == ["write to nobody"]
    await bot.stores.aclose()
    assert EMAIL.encode() not in everything_in(tmp_path)


async def test_reset_and_deletion_empty_the_vault(start: Start) -> None:
    bot = await start(keys="a key")
    for forget in ("reset", "delete"):
        message = await bot.say(f"I am {EMAIL}")
        await bot.settled()
        known = await bot.desk._filtering.originals(CHANNEL, "<EMAIL_1> <EMAIL_2>")
        assert list(known.values()) == [EMAIL]
        if forget == "reset":
            await bot.command("reset")
        else:
            await bot.desk.deleted(CHANNEL, message)
        assert not await bot.desk._filtering.originals(CHANNEL, "<EMAIL_1> <EMAIL_2>")


async def test_messages_to_others_are_left_alone(start: Start) -> None:
    bot = await start()
    await bot.say("lunch?", mentioned=False)
    assert bot.receipt.outcome is Outcome.NOT_ADDRESSED
    assert not await bot.stores.inbox.unfinished()


async def test_a_thread_is_followed_until_told_to_leave(start: Start) -> None:
    bot = await start()
    thread = replace(CHANNEL, thread="R1")
    await bot.ask("hello there", place=thread)
    assert (await bot.ask("and more", place=thread, mentioned=False)).finished
    await bot.say("leave", place=thread)
    assert "quiet" in (bot.receipt.said.text if bot.receipt.said else "")
    await bot.say("anyone?", place=thread, mentioned=False)
    assert bot.receipt.outcome is Outcome.NOT_ADDRESSED
    assert (await bot.ask("you again", place=thread)).finished
    assert (await bot.ask("still here?", place=thread, mentioned=False)).finished


@pytest.mark.parametrize("text", ["reset", "/reset", "!reset", "  RESET "])
async def test_reset_forgets_and_says_what(start: Start, text: str) -> None:
    bot = await start()
    await bot.ask("one")
    await bot.ask("two")
    await bot.say(text)
    assert bot.receipt.outcome is Outcome.COMMAND
    assert bot.receipt.said and "2 earlier turns" in bot.receipt.said.text
    await bot.ask("three")
    assert bot.heard == ["three"]


async def test_a_direct_message_needs_no_mention_and_names_nobody(start: Start) -> None:
    bot = await start()
    await bot.ask("hi", mentioned=False, direct=True)
    assert bot.provider.prompts[0].messages == (Message(Role.USER, "hi"),)


async def test_an_empty_mention_is_greeted(start: Start) -> None:
    bot = await start()
    await bot.say("")
    assert bot.receipt.outcome is Outcome.EMPTY
    assert bot.receipt.said and "help" in bot.receipt.said.text


async def test_one_persons_questions_wait_for_each_other_and_others_do_not(start: Start) -> None:
    gate = Gate()
    bot = await start([gate, *answer("First.")], answer("Grace's."), answer("Second."))
    one = await bot.say("first")
    await gate.reached.wait()
    two = await bot.say("second")
    three = await bot.say("Grace asks", author=GRACE)
    await bot.until(lambda: bot.shown(three).finished)
    assert not bot.shown(two).updates
    gate.open.set()
    await bot.settled()
    assert bot.shown(one).text.startswith("First.") and bot.shown(two).text.startswith("Second.")
    assert [m.text for m in bot.provider.prompts[2].messages][-3:] == [
        "Grace asks",
        "Grace's.",
        "second",
    ] or "first" in bot.heard


async def test_too_many_unanswered_questions_are_turned_away_politely(start: Start) -> None:
    bot = await start(working=False)
    for number in range(3):
        await bot.say(f"question {number}")
    await bot.say("one more")
    assert bot.receipt.outcome is Outcome.CROWDED
    assert bot.receipt.said and "3 unanswered" in bot.receipt.said.text


async def test_who_was_turned_away_is_told_once_and_not_answered_after_all_unless_they_ask_anew(
    start: Start,
) -> None:
    """Slack tells of each mention twice, and again where it was not acknowledged in time."""
    bot = await start(working=False)
    asked = [await bot.say(f"question {number}") for number in range(3)]
    late, empty = (
        incoming(text, message=message, sent_at=bot.clock.advance(1))
        for text, message in (("one more", "late"), ("", "empty"))
    )
    told = [await bot.desk.said(one) for one in (late, empty) for _ in range(2)]
    assert [receipt.outcome for receipt in told] == [
        Outcome.CROWDED,
        Outcome.DUPLICATE,
        Outcome.EMPTY,
        Outcome.DUPLICATE,
    ]
    assert [receipt.said is not None for receipt in told] == [True, False, True, False]
    await bot.desk.deleted(CHANNEL, asked[0])
    assert (await bot.desk.said(late)).outcome is Outcome.DUPLICATE
    assert (await bot.desk.edited(replace(late, revision="1"))).outcome is Outcome.ACCEPTED


async def test_a_rate_limit_names_the_wait(start: Start) -> None:
    bot = await start(rules=Rulebook(usual={"requests_per_minute": 2}))
    await bot.ask("one")
    await bot.ask("two")
    shown = await bot.ask("three")
    assert "limit of 2 questions a minute" in shown.notice
    assert "come back in" in shown.notice
    assert len(bot.provider.prompts) == 2
    bot.clock.advance(60)
    assert (await bot.ask("four")).text


async def test_a_refusal_is_for_the_asker_alone_where_the_platform_can(start: Start) -> None:
    bot = await start(rules=Rulebook(usual={"requests_per_minute": 1}), whispering=True)
    await bot.ask("one")
    shown = await bot.ask("two")
    assert not shown.notice
    assert shown.withdrawn, "or the bot would seem to be at work"
    assert "limit of 1 question a minute" in bot.platform.whispers[0]


@pytest.mark.parametrize("whispering", [True, False])
async def test_a_budget_that_is_nearly_used_is_told_once_to_its_owner_and_to_the_admins(
    start: Start, whispering: bool
) -> None:
    eighty = answer("Fine.", usage=Usage(prompt=20, output=1_585))
    rules = Rulebook(filed={Scope(Level.USER): {"tokens_per_day": 2_000}})
    bot = await start(eighty, rules=rules, whispering=whispering)
    first = await bot.ask("one")
    told = "Your limit of 2,000 tokens a day is used to 80 percent (1,605). It starts anew in 12 hours."
    assert (told in bot.platform.whispers) is whispering
    assert (f"_{told}_" in first.text) is not whispering
    for _ in range(3):
        await bot.ask("three " * 400)
    await bot.until(lambda: len(bot.platform.announced) == 2)
    assert [(place, text.partition(" (")[0]) for place, text in bot.platform.announced] == [
        (ADMINS, "Ada's limit of 2,000 tokens a day is used to 80 percent"),
        (ADMINS, "Ada's limit of 2,000 tokens a day is used up"),
    ]


@pytest.mark.parametrize("whispering", [True, False])
async def test_what_a_stopped_answer_has_used_up_is_told_too(start: Start, whispering: bool) -> None:
    """Nothing was reported of it, so that all it could have cost counts."""
    gate, rules = Gate(), Rulebook(filed={Scope(Level.USER): {"tokens_per_day": 500}})
    bot = await start(["It was ", gate, "never said"], rules=rules, whispering=whispering)
    message = await bot.say("a long story")
    await gate.reached.wait()
    await bot.press(Button.STOP, 1, author=ROOT)
    await bot.settled()
    told = "Your limit of 500 tokens a day is used up"
    assert "Stopped." in bot.shown(message).text
    assert any(told in one for one in bot.platform.whispers) is whispering
    assert (told in bot.shown(message).text) is not whispering


@pytest.mark.parametrize("whispering", [True, False])
async def test_a_refusal_in_the_middle_of_an_answer_is_for_the_asker_alone_too(
    start: Start, whispering: bool
) -> None:
    rules = Rulebook(filed={Scope(Level.USER): {"tokens_per_day": 500}})
    bot = await start(["It was a dark and stormy night", CutOff()], rules=rules, whispering=whispering)
    shown = await bot.ask("a long story")
    assert shown.text.startswith("It was a dark")
    assert any("limit of 500 tokens a day" in one for one in bot.platform.whispers) is whispering
    assert ("limit of 500 tokens a day" in shown.text) is not whispering
    assert ("The answer is not whole" in shown.text) is whispering


async def test_what_the_whole_bot_has_used_is_told_to_all_admins_and_to_nobody_else(start: Start) -> None:
    rules = Rulebook(filed={Scope(Level.BOT): {"tokens_per_day": 1_000}})
    bot = await start(answer("Fine.", usage=Usage(prompt=20, output=900)), rules=rules)
    assert "limit of" not in (await bot.ask("one")).text
    await bot.until(lambda: len(bot.platform.announced) == 2)
    assert {place for place, _ in bot.platform.announced} == {ADMINS, ELSEWHERE}
    assert "My own limit of 1,000 tokens a day is used to 92 percent" in bot.platform.announced[0][1]


async def test_who_has_to_wait_for_the_provider_is_told_where_they_stand(start: Start) -> None:
    bot = await start(rules=Rulebook(provider={"requests_per_minute": 1}), lease=600)
    await bot.ask("one")
    bot.clock.advance(20)
    waiting = bot.shown(await bot.say("two"))
    await bot.until(lambda: bool(waiting.waits) or bot.clock.advance(0.02) is None)
    assert re.search(r"You are number 1 in line, about \d+ seconds", waiting.waits[0])
    refused = bot.shown(await bot.say("three", author=GRACE))
    await bot.until(lambda: refused.finished)
    assert re.search(r"you would be number 2, and it would take \d+ seconds", refused.notice)
    assert refused.buttons == (Button.RETRY,)
    bot.clock.advance(60)
    await bot.settled()
    assert waiting.text.startswith("Fine.") and waiting.finished


async def test_tokens_are_reserved_at_worst_and_settled_as_reported(start: Start) -> None:
    bot = await start(
        answer("Fine.", usage=Usage(prompt=40, output=60)), rules=Rulebook(usual={"tokens_per_day": 10_000})
    )
    await bot.ask("one")
    assert "100 of 10,000" in await bot.command("usage")


async def test_unreported_usage_stands_at_the_full_reservation(start: Start) -> None:
    bot = await start(answer("Fine.", usage=None), rules=Rulebook(usual={"tokens_per_day": 10_000}))
    await bot.ask("one")
    used = int((await bot.command("usage")).split(": ")[1].split(" of ")[0])
    assert used > 500


async def test_the_output_cap_is_lowered_to_what_is_left(start: Start) -> None:
    bot = await start(rules=Rulebook(usual={"tokens_per_day": 400}))
    assert (await bot.ask("one")).text
    assert bot.provider.prompts[0].max_output_tokens < 400


async def test_a_stream_that_breaks_is_asked_to_go_on_and_no_word_is_doubled(start: Start) -> None:
    bot = await start(
        ["The quick brown fox jumps over ", CutOff()],
        ["jumps over the lazy ", CutOff()],
        answer("lazy dog and sleeps."),
    )
    shown = await bot.ask("a story")
    assert shown.text.startswith("The quick brown fox jumps over the lazy dog and sleeps.")
    assert len(bot.provider.prompts) == 3
    assert bot.provider.prompts[1].messages[-1].role is Role.USER


async def test_a_stream_without_a_finish_reason_is_never_shown_as_whole(start: Start) -> None:
    bot = await start(answer("Half an", finish=None), continuations=0)
    shown = await bot.ask("a story")
    assert shown.text.startswith("Half an")
    assert "broke off" in shown.text
    assert shown.buttons == (Button.CONTINUE, Button.RETRY)


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (Overloaded(), "too busy"),
        (QuotaExhausted(), "out of credit"),
        (EmptyAnswer(), "without an answer"),
        (Overloaded(retry_after=600), "10 minutes"),
    ],
)
async def test_every_failure_is_a_plain_notice_with_a_reference(
    start: Start, error: Exception, words: str, caplog: pytest.LogCaptureFixture
) -> None:
    bot = await start(*[[error]] * 4)
    shown = await bot.ask("hello secret words")
    assert words in shown.notice
    number = shown.notice.rpartition("reference ")[2].rstrip(")")
    assert number in caplog.text
    assert "secret words" not in caplog.text
    assert shown.buttons == (Button.RETRY,)


async def test_retry_answers_again_and_only_for_the_one_who_asked(start: Start) -> None:
    bot = await start([QuotaExhausted()], answer("Now it works."))
    shown = await bot.ask("hello")
    turn = 1
    other = await bot.press(Button.RETRY, turn, author=GRACE)
    assert other.said and other.said.private and "for the person who asked" in other.said.text
    assert await bot.press(Button.RETRY, turn) == Pressed()
    await bot.settled()
    assert shown.text.startswith("Now it works.")


async def test_stop_ends_the_answer_and_closes_the_stream(start: Start) -> None:
    gate = Gate()
    bot = await start(["It was a dark and stormy night and then ", gate, "never said"])
    message = await bot.say("a long story")
    await gate.reached.wait()
    await bot.press(Button.STOP, 1, author=ROOT)
    await bot.settled()
    assert "Stopped." in bot.shown(message).text
    assert "never said" not in bot.shown(message).text
    assert bot.provider.closed_early == 1


async def test_deleting_the_question_withdraws_the_answer_and_forgets_the_words(start: Start) -> None:
    gate = Gate()
    bot = await start(["It was ", gate], answer("Fine."))
    message = await bot.say("a secret story")
    await gate.reached.wait()
    await bot.desk.deleted(CHANNEL, message)
    await bot.settled()
    assert bot.shown(message).withdrawn
    await bot.ask("next")
    assert bot.heard == ["next"]


async def test_an_edited_question_is_answered_anew_in_its_place(start: Start) -> None:
    gate = Gate()
    bot = await start(["Berlin is ", gate], answer("Paris."))
    message = await bot.say("capital of Germany?")
    await gate.reached.wait()
    edit = incoming("capital of France?", message=message, sent_at=bot.clock.now, revision="2")
    assert (await bot.desk.edited(edit)).outcome is Outcome.ACCEPTED
    await bot.settled()
    assert bot.heard == ["capital of France?"]
    assert bot.shown(message).text.startswith("Paris.")
    assert bot.provider.closed_early == 1


async def test_the_platforms_own_stop_is_not_lost_halfway_and_stops_nothing_that_is_asked_later(
    start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    gate, thread = Gate(), replace(CHANNEL, thread="t1")
    bot = await start(["It was a dark ", gate], answer("Fine."))
    message = await bot.say("a story", place=thread)
    await gate.reached.wait()
    stop = Invocation("S1", thread, ADA, "stop", given_at=bot.clock.now)
    later = await bot.say("how are you?", place=thread)
    with monkeypatch.context() as patched:
        patched.setattr(bot.stores.inbox, "cancel", unavailable)
        with pytest.raises(StoreUnavailable):
            await bot.desk.stopped(stop, "M0")
    assert await bot.desk.stopped(stop, "M0") is None
    await bot.settled()
    assert "Stopped." in bot.shown(message).text and "Fine." in bot.shown(later).text
    assert await bot.desk.stopped(stop, "M0") is None, "delivered once more"


async def unavailable(*_: object, **__: object) -> int:
    raise StoreUnavailable


@pytest.mark.parametrize("minutes", [1, 60])
async def test_an_edit_that_comes_before_its_question_asks_it_unless_that_is_long_ago(
    start: Start, minutes: int
) -> None:
    bot = await start(answer("Paris."))
    sent = bot.clock.now - timedelta(minutes=minutes)
    asked = incoming("capital of Germany?", message="D1", sent_at=sent, mentioned=False, direct=True)
    edit = replace(asked, content=(Text("capital of France?"),), revision="2")
    received = [(await bot.desk.edited(edit)).outcome, (await bot.desk.said(asked)).outcome]
    await bot.settled()
    if minutes == 1:
        assert received == [Outcome.ACCEPTED, Outcome.DUPLICATE]
        assert bot.heard == ["capital of France?"]
    else:
        assert received == [Outcome.UNKNOWN_EDIT, Outcome.ACCEPTED]


async def test_what_people_said_in_a_thread_before_the_bot_joined_is_not_answered_once_they_edit_it(
    start: Start,
) -> None:
    bot = await start(*[answer("Yes.") for _ in range(2)])
    thread = replace(CHANNEL, thread="t1")
    before = incoming("lunch, anybody?", message="B1", place=thread, sent_at=bot.clock.now, mentioned=False)
    bot.clock.advance(60)
    await bot.ask("what do you think?", place=thread)
    late = replace(before, content=(Text("lunch, anyone?"),), revision="2")
    assert (await bot.desk.edited(late)).outcome is Outcome.UNKNOWN_EDIT
    meant = replace(late, message="B2", sent_at=bot.clock.advance(1))
    assert (await bot.desk.edited(meant)).outcome is Outcome.ACCEPTED


async def test_reset_during_an_answer_stops_it(start: Start) -> None:
    gate = Gate()
    bot = await start(["It was a dark and stormy night ", gate])
    message = await bot.say("a story")
    await gate.reached.wait()
    await bot.command("reset")
    await bot.settled()
    assert "reset" in bot.shown(message).text
    await bot.ask("next")
    assert bot.heard == ["next"]


async def test_draining_gives_back_what_could_not_finish(start: Start, tmp_path: Path) -> None:
    gate = Gate()
    bot = await start(["Half of ", gate], answer("The whole."))
    message = await bot.say("tell")
    await gate.reached.wait()
    await bot.workers.drain(0.05)
    assert bot.shown(message).abandoned
    [waiting] = await bot.stores.inbox.unfinished()
    assert (waiting.state, waiting.attempts) == (State.WAITING, 0)


async def test_an_answer_the_platform_could_not_take_is_shown_later_without_asking_again(
    start: Start,
) -> None:
    bot = await start(answer("Paid for once."))
    bot.platform.failures.append(PlatformUnreachable())
    message = await bot.say(f"hello, I am {EMAIL}")
    await bot.until(lambda: bot.shown(message).abandoned)
    bot.clock.advance(60)
    await bot.settled()
    text = bot.shown(message).text
    assert text.startswith("Paid for once.")
    assert "masked" in text and "I keep our conversation" in text, "what was to stand below it is not lost"
    assert len(bot.provider.prompts) == 1


async def test_an_answer_that_is_stopped_before_it_could_be_shown_is_shown_all_the_same(
    start: Start,
) -> None:
    bot = await start(answer("Paid for once."))
    bot.platform.failures.append(PlatformUnreachable())
    message = await bot.say("hello")
    await bot.until(lambda: bot.shown(message).abandoned)
    await bot.press(Button.STOP)
    bot.clock.advance(60)
    await bot.settled()
    assert bot.shown(message).text == "Paid for once.\n\n_Stopped._"


async def test_a_place_that_refuses_for_good_ends_the_turn(start: Start) -> None:
    bot = await start(answer("Nobody hears."))
    bot.platform.failures.append(PlaceRefused("not_in_channel"))
    await bot.ask("hello")
    assert not await bot.stores.inbox.unfinished()


async def test_a_poison_turn_stops_after_a_few_attempts(start: Start) -> None:
    bot = await start(*[["Half ", StoreUnavailable()]] * 9)
    message = await bot.say("hello")
    for _ in range(4):
        await bot.until(lambda: bot.shown(message).abandoned or bot.shown(message).finished)
        if bot.shown(message).finished:
            break
        bot.shown(message).abandoned = False
        bot.clock.advance(60)
    await bot.settled()
    assert "several times" in bot.shown(message).notice
    assert len(bot.provider.prompts) == 3


async def test_a_long_conversation_is_trimmed_and_told_once(start: Start) -> None:
    bot = await start(window=Window(120, 50))
    shown = [await bot.ask(f"question number {number} of many, many words indeed") for number in range(8)]
    assert sum("no longer see its oldest part" in one.text for one in shown) == 1
    told = await bot.command("context")
    seen, left_out = re.search(r"- (\d+) earlier turns", told), re.search(r"the oldest (\d+) turns", told)
    assert seen is not None and left_out is not None
    assert int(seen[1]) + int(left_out[1]) == 8


async def test_context_shows_the_tokens_by_part(start: Start) -> None:
    bot = await start()
    await bot.ask("one")
    text = await bot.command("context")
    assert "1 earlier turn:" in text
    assert "exact" in text


async def test_a_command_or_button_while_the_database_is_away_is_answered_with_a_reference(
    start: Start,
) -> None:
    bot = await start()
    await bot.stores.aclose()
    assert re.search(r"can't get at what I keep right now.*\(reference \w{8}\)", await bot.command("reset"))
    pressed = await bot.press(Button.RETRY, 1)
    assert pressed.said is not None and "can't get at what I keep" in pressed.said.text


def test_turns_are_values() -> None:
    turn = Turn(1, CHANNEL, 1, 0, "M", ADA, (Text("x"),), {}, FakeClock().now)
    with pytest.raises(AttributeError):
        turn.state = State.DONE  # type: ignore[misc]


async def test_what_the_bot_adds_stands_outside_of_code_that_was_left_open(start: Start) -> None:
    bot = await start(answer("Here:\n```python\nprint(1)", finish=Finish.LENGTH))
    shown = await bot.ask("code please")
    assert "print(1)\n```\n\n_My answer reached" in shown.text


async def test_a_deletion_that_overtakes_its_question_still_counts(start: Start) -> None:
    bot = await start(answer("Next."))
    await bot.desk.deleted(CHANNEL, "M1")
    await bot.say("never mind")
    await bot.ask("next")
    assert len(bot.provider.prompts) == 1
    assert bot.heard == ["next"]
