"""Files in the story of a turn: what the model gets, what is kept, what people are told."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from functools import reduce
from operator import add
from pathlib import Path

import pytest

from bot.chat import File, Message, Picture, Role, Size, Text
from bot.context import Window, message_size
from bot.errors import Unreadable, Why
from bot.files import FileLimits
from bot.inbox import Held
from bot.marking import END_OF_FILE
from bot.models.catalogue import Model
from bot.ports import Fetched
from bot.tokens.counting import Exact, Sight
from bot.tokens.pictures import PictureRule
from bot.tokens.texts import tokenizer_for
from bot.voice import Voice
from storage.stores import open_stores
from tests.desk import LEASE
from tests.fakes import ADA, CHANNEL, FakeClock, ScriptedProvider, answer, incoming
from tests.files_rig import a_pdf, a_picture
from tests.speaking_rig import Outcome, Rig

SEEING = Model("openai", "seer", images=True, picture=PictureRule("tiles", base=85, tile=170))
BLIND = Model("openai", "mole")
SECRET = "sk-proj-" + "Ab3dEf6hIj9kLm2nOp5qRs8t" * 2
TOKENIZER = tokenizer_for("gpt-4o")
WIDE = Window(12_000, 500)


class Room:
    """A channel where one asks with files."""

    def __init__(self, rig: Rig) -> None:
        self.rig, self.asked = rig, 0
        self.provider = ScriptedProvider()
        self.open()

    def open(self, *models: Model, limits: FileLimits | None = None, window: Window = WIDE) -> None:
        voices = [
            Voice(self.provider, model, "Be kind.", window, Exact(TOKENIZER, sight=Sight(model.picture)))
            for model in models or (SEEING,)
        ]
        self.rig.open(*voices, files=limits or FileLimits())

    def file(self, name: str, data: bytes | Fetched | Unreadable, media_type: str = "") -> File:
        self.rig.platform.files[name] = data
        size = len(data) if isinstance(data, bytes) else 1
        return File(name, media_type, size, {"id": name})

    async def begin(self, text: str, *files: File) -> Held:
        """The question is accepted, and taken up."""
        self.asked += 1
        said = incoming(text, message=f"m{self.asked}", sent_at=self.rig.clock.advance(1), files=files)
        await self.rig.desk.accept(said)
        turn = await self.rig.desk.claimed()
        return Held(self.rig.stores.inbox, turn, "w1", LEASE, self.rig.clock, self.rig.clock.now + LEASE)

    async def ask(self, text: str, *files: File) -> Outcome:
        return await self.rig.answer((await self.begin(text, *files)).turn)

    @property
    def messages(self) -> tuple[Message, ...]:
        return self.provider.prompts[-1].messages

    @property
    def question(self) -> Message:
        return self.messages[-1]

    @property
    def pictures(self) -> tuple[Picture, ...]:
        return self.question.pictures


@pytest.fixture
async def room(tmp_path: Path) -> AsyncIterator[Room]:
    clock = FakeClock()
    stores = open_stores(f"sqlite:///{tmp_path / 'bot.db'}", clock)
    await stores.upgrade()
    yield Room(Rig(stores, clock))
    await stores.aclose()


async def test_a_text_becomes_part_of_its_question_and_stays_so(room: Room) -> None:
    notes = room.file("notes.txt", b"The saffron is behind the tea.", "text/plain")
    await room.ask("Where is it?", notes)
    assert "[file: notes.txt, quoted as data" in room.question.text
    assert "The saffron is behind the tea." in room.question.text
    assert room.question.text.startswith("Where is it?")
    await room.ask("And the tea?")
    assert "behind the tea" in room.messages[0].text
    assert room.rig.platform.fetched == ["notes.txt"]


async def test_secrets_in_a_file_and_in_its_name_go_nowhere(room: Room) -> None:
    file = room.file("config.env", f"KEY={SECRET}\nrest".encode())
    outcome = await room.ask("What is wrong?", replace(file, name="config.env"))
    assert SECRET not in room.question.text
    assert "[FILTERED:" in room.question.text
    assert SECRET not in str(outcome.turn.content)
    assert "looked private" in outcome.text


async def test_a_secret_that_the_cut_goes_through_does_not_show(room: Room) -> None:
    for before in range(3_550, 3_605, 9):
        room.open(limits=FileLimits(tokens=300))
        file = room.file("long.txt", b" " * before + SECRET.encode() + b" tail" * 400)
        await room.ask("?", file)
        assert SECRET[:20] not in room.question.text


async def test_a_long_text_is_cut_to_its_budget_and_said_to_be(room: Room) -> None:
    room.open(limits=FileLimits(tokens=400))
    first, second = (room.file(f"{n}.log", f"line {n} of the log\n".encode() * 2_000) for n in (1, 2))
    outcome = await room.ask("Sum up", first, second)
    counter = Exact(TOKENIZER)
    assert counter.measure(room.question.text).tokens < 400 + 100
    assert room.question.text.count("[the rest of the file was cut off]") == 2
    assert room.question.text.count(END_OF_FILE) == 2
    assert "Only the beginning was read, the rest does not fit: `1.log`, `2.log`." in outcome.text
    assert outcome.turn.question_tokens == counter.measure(room.question.text.removeprefix("Ada: ")).tokens


async def test_pdf_is_read_and_what_cannot_be_is_named_below_the_answer(room: Room) -> None:
    room.provider.scripts.append(answer("Here you are."))
    outcome = await room.ask(
        "Read these",
        room.file("good.pdf", a_pdf("the budget is 42"), "application/pdf"),
        room.file("locked.pdf", a_pdf("x", password="p"), "application/pdf"),
        room.file("scan.pdf", a_pdf(""), "application/pdf"),
        room.file("a.zip", b"PK", "application/zip"),
        room.file("gone.txt", Unreadable(Why.GONE)),
        room.file("mine.txt", Unreadable(Why.FORBIDDEN)),
        room.file("binary", b"\x00\x01"),
    )
    assert "the budget is 42" in room.question.text
    assert "[file: a.zip]" in room.question.text
    assert outcome.text.startswith("Here you are.")
    for note in (
        "Protected by a password: `locked.pdf`.",
        "no text in it that I could read (scanned pages, perhaps): `scan.pdf`.",
        "I can't read files of this kind: `a.zip`, `binary`.",
        "No longer there: `gone.txt`.",
        "not allowed to fetch files here",
    ):
        assert note in outcome.text
    assert "a.zip" not in room.rig.platform.fetched


async def test_a_picture_is_shown_to_a_model_that_sees_and_counted_before_the_call(room: Room) -> None:
    await room.ask("no picture yet")
    outcome = await room.ask("What is it?", room.file("plan.png", a_picture(1_024, 1_024), "image/png"))
    assert [(one.media_type, one.width, one.height) for one in room.pictures] == [("image/png", 1_024, 1_024)]
    assert "[picture: plan.png]" in room.question.text
    assert "can't" not in outcome.text
    counter, prompt = room.rig.voices[0].counter, room.provider.prompts[-1]
    messages = [Message(Role.USER, prompt.system), *prompt.messages]
    sizes = [message_size(counter, message) for message in messages]
    size = reduce(add, sizes, Size())
    assert size.images == 765
    assert outcome.calls[0].reserved_tokens == counter.tokens(size) + WIDE.answer


async def test_a_model_that_cannot_see_is_named(room: Room) -> None:
    room.open(BLIND)
    outcome = await room.ask("What is it?", room.file("plan.png", a_picture(), "image/png"))
    assert not room.pictures
    assert "`mole` can't see pictures: `plan.png`." in outcome.text
    assert room.rig.platform.fetched == []


async def test_a_file_without_words_is_a_question_too(room: Room) -> None:
    await room.ask("", room.file("plan.png", a_picture(), "image/png"))
    assert room.question.text.endswith("[picture: plan.png]")
    assert len(room.pictures) == 1


async def test_a_picture_is_shown_again_for_some_turns_and_then_named(room: Room) -> None:
    room.open(limits=FileLimits(turns=2))
    await room.ask("What is it?", room.file("plan.png", a_picture(), "image/png"))
    for again in (1, 1, 0):
        await room.ask("And that corner?")
        assert len(room.messages[0].pictures) == again
        assert "[picture: plan.png]" in room.messages[0].text
    assert room.rig.platform.fetched == ["plan.png"]
    room.rig.platform.files.clear()
    room.open()  # after a restart nothing is in memory, and the file is gone by now
    await room.ask("And now?")
    assert room.messages[0].pictures == ()


async def test_too_many_pictures_are_named(room: Room) -> None:
    room.open(limits=FileLimits(pictures=2))
    files = [room.file(f"{n}.png", a_picture(10, 10), "image/png") for n in range(3)]
    outcome = await room.ask("?", *files)
    assert len(room.pictures) == 2
    assert "I look at 2 pictures at a time; not seen: `2.png`." in outcome.text


async def test_pictures_that_the_prompt_has_no_room_for_are_named(room: Room) -> None:
    room.open(window=Window(1_500, 100))  # room for 500 tokens of pictures
    outcome = await room.ask(
        "?", *[room.file(f"b{n}.png", a_picture(100, 100), "image/png") for n in range(3)]
    )
    assert len(room.pictures) == 1
    assert "no room for more pictures; not seen: `b1.png`, `b2.png`." in outcome.text


async def test_files_are_only_named_where_they_are_switched_off(room: Room) -> None:
    room.open(limits=FileLimits(on=False))
    outcome = await room.ask("?", room.file("a.txt", b"words"), room.file("b.png", a_picture(), "image/png"))
    assert "I don't read files here: `a.txt`, `b.png`." in outcome.text
    assert room.rig.platform.fetched == []


async def test_what_the_message_does_not_tell_is_told_when_it_is_fetched(room: Room) -> None:
    await room.ask("?", room.file("file", Fetched(b"shared words", "from-afar.txt", "text/plain")))
    assert "[file: from-afar.txt" in room.question.text
    await room.ask("?", room.file("file2", Fetched(a_picture(), "photo.png", "image/png")))
    assert "[picture: photo.png]" in room.question.text
    assert len(room.pictures) == 1


async def test_who_takes_a_turn_over_fetches_no_text_twice(room: Room) -> None:
    held = await room.begin(
        "?", room.file("a.txt", b"kept words"), room.file("b.png", a_picture(), "image/png")
    )
    await room.rig.files.read(held)  # and then the process dies
    room.rig.clock.advance(60)
    room.open()
    again = await room.rig.desk.claimed("w2")
    await room.rig.answer(again, "w2")
    assert "kept words" in room.question.text
    assert len(room.pictures) == 1
    assert room.rig.platform.fetched == ["a.txt", "b.png", "b.png"]


async def test_an_edit_while_files_are_read_is_not_undone(room: Room) -> None:
    held = await room.begin("first words", room.file("a.txt", b"words of the file"))
    changed = incoming(
        "other words",
        message="m1",
        sent_at=room.rig.clock.now,
        revision="1",
        files=held.turn.content[1:],  # type: ignore[arg-type]
    )
    amended = await room.rig.stores.inbox.amend(
        changed, changed.content, masked=(), size=Size(), counter="c", now=room.rig.clock.now
    )
    assert amended is not None
    assert amended.created
    await room.rig.files.read(held)
    await held.release()
    again = await room.rig.desk.claimed()
    assert again.content[0] == Text("other words")


async def test_a_redelivered_edit_of_a_question_whose_files_were_read_is_none(room: Room) -> None:
    held = await room.begin("words", room.file("a.txt", b"words of the file"))
    await room.rig.files.read(held)
    same = replace(
        incoming("words", message="m1", sent_at=room.rig.clock.now, author=ADA, place=CHANNEL), revision="2"
    )
    same = replace(same, content=(Text("words"), File("a.txt", "", 17, {"id": "a.txt"})))
    amended = await room.rig.stores.inbox.amend(
        same, same.content, masked=(), size=Size(), counter="c", now=room.rig.clock.now
    )
    assert amended is not None
    assert not amended.created
