"""The playground's world: what can be done in it, and that it is the same after a restart."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.playground.log import WorldFile
from adapters.playground.state import State
from adapters.playground.values import BOT, Message, Refused
from adapters.playground.world import World, furnish
from bot.errors import ConfigError
from tests.fakes import FakeClock


def a_world(clock: FakeClock | None = None) -> World:
    world = World(clock or FakeClock(), "w1")
    furnish(world, "Rejoinder")
    return world


def a_message(
    text: str = "hello", *, author: str = "ada", channel: str = "general", **values: Any
) -> Message:
    return Message(channel, author, text, **values)


def same(one: State, other: State) -> bool:
    return list(one.snapshot()) == list(other.snapshot())


def test_a_new_world_has_people_channels_and_direct_conversations() -> None:
    world = a_world()
    assert world.names == ("Rejoinder", "Ada", "Grace", "Lin")
    assert [person.name for person in world.people.values() if person.admin] == ["Grace"]
    assert set(world.channels) == {"general", "random", "dm-ada", "dm-grace", "dm-lin"}


def test_ids_increase_and_times_come_from_the_clock() -> None:
    clock = FakeClock()
    world = a_world(clock)
    first = world.post(a_message())
    clock.advance(60)
    second = world.post(a_message())
    assert second.id > first.id
    assert (second.sent_at - first.sent_at).total_seconds() == 60


def test_the_same_nonce_of_the_same_author_is_the_same_message() -> None:
    world = a_world()
    once = world.post(a_message("one", nonce="n-1"))
    assert world.post(a_message("one", nonce="n-1")) == once
    assert world.post(a_message("one", nonce="n-1", author="grace")) != once
    assert len(world.messages) == 2


def test_only_its_author_can_edit_a_message() -> None:
    world = a_world()
    said = world.post(a_message())
    with pytest.raises(Refused, match="author"):
        world.edit(said.id, "changed", by="grace")
    assert world.edit(said.id, "changed", by="ada").text == "changed"


def test_an_edit_that_changes_nothing_is_none() -> None:
    world = a_world()
    said = world.post(a_message("hello"))
    seq = world.seq
    assert world.edit(said.id, "hello ", by="ada").edits == 0
    assert world.seq == seq


def test_an_admin_can_delete_what_others_said_and_nobody_else_can() -> None:
    world = a_world()
    said = world.post(a_message())
    with pytest.raises(Refused, match="admin"):
        world.delete(said.id, by="lin")
    world.delete(said.id, by="grace")
    with pytest.raises(Refused, match="no longer"):
        world.message(said.id)


def test_a_private_notice_is_dismissed_by_whoever_sees_it_and_seen_by_nobody_else() -> None:
    world = a_world()
    notice = world.post(a_message("psst", author=BOT, only_for="ada"))
    assert world.visible(notice, "ada")
    assert not world.visible(notice, "grace")
    with pytest.raises(Refused):
        world.delete(notice.id, by="grace")
    world.delete(notice.id, by="ada")
    assert notice.id not in world.messages


def test_a_direct_conversation_is_seen_by_its_person_only() -> None:
    world = a_world()
    said = world.post(a_message(channel="dm-ada"))
    assert not world.visible(said, "grace")
    with pytest.raises(Refused, match="no such channel"):
        world.channel("dm-ada", "grace")


def test_a_deleted_root_stays_as_long_as_a_thread_hangs_on_it() -> None:
    world = a_world()
    root = world.post(a_message("root"))
    world.post(a_message("reply", thread=root.id))
    world.delete(root.id, by="ada")
    assert world.messages[root.id].deleted
    assert world.messages[root.id].text == ""
    world.post(a_message("another", thread=root.id))
    assert [reply.text for reply in world.replies(root.id)] == ["reply", "another"]


def test_a_reply_hangs_on_a_message_of_the_same_channel_that_is_no_reply_itself() -> None:
    world = a_world()
    root = world.post(a_message())
    reply = world.post(a_message(thread=root.id))
    for wrong in (
        a_message(thread=reply.id),
        a_message(thread=root.id, channel="random"),
        a_message(thread=99),
    ):
        with pytest.raises(Refused, match="no such thread"):
            world.post(wrong)


@pytest.mark.parametrize("text", ["", "  \n ", "\x00\x07"])
def test_nothing_cannot_be_said(text: str) -> None:
    with pytest.raises(Refused, match="nothing"):
        a_world().post(a_message(text))


def test_a_message_has_a_longest_length() -> None:
    world = a_world()
    world.post(a_message("x" * 4_000))
    with pytest.raises(Refused, match="at most 4,000"):
        world.post(a_message("x" * 4_001))


def test_half_characters_and_control_characters_are_left_out() -> None:
    assert a_world().post(a_message("a\ud800b\x00c\r\nd\te")).text == "abc\nd\te"


def test_names_are_unique_and_ids_are_readable() -> None:
    world = a_world()
    assert world.add_person("Katherine Johnson").id == "katherine-johnson"
    assert world.add_person("林").id == "person-2"
    assert world.add_channel("Next Steps!").name == "next-steps"
    assert world.add_channel("计划").id == "channel-2"
    for again in ("ada", "REJOINDER"):
        with pytest.raises(Refused, match="already"):
            world.add_person(again)
    with pytest.raises(Refused, match="already"):
        world.add_channel("General")
    for wrong in ("", "a" * 41, "@ll", "<b>"):
        with pytest.raises(Refused):
            world.add_person(wrong)


def test_the_bot_hears_of_what_people_do_and_not_of_what_it_does_itself() -> None:
    world = a_world()
    said = world.post(a_message("one"))
    world.edit(said.id, "two", by="ada")
    world.delete(said.id, by="ada")
    answer = world.post(a_message("answer", author=BOT, open=True))
    world.grow(answer.id, "answer, longer", open=False)
    world.delete(answer.id)
    told = [(event.kind, event.text, event.edits) for event in world.pending.values()]
    assert told == [("said", "one", 0), ("edited", "two", 1), ("deleted", "", 1)]
    world.taken(next(iter(world.pending)))
    assert len(world.pending) == 2


def test_what_changed_since_is_each_thing_once_in_order() -> None:
    world = a_world()
    first, second = world.post(a_message("a")), world.post(a_message("b"))
    seq = world.seq
    world.post(a_message("c"))
    world.edit(first.id, "aa", by="ada")
    world.edit(first.id, "aaa", by="ada")
    world.delete(second.id, by="ada")
    changed = [(kind, id) for kind, id, _ in world.since(seq)]
    assert changed == [("message", "3"), ("message", "1"), ("message", "2")]
    assert world.since(world.seq) == []


def test_a_growing_answer_is_recorded_by_its_ends() -> None:
    world = a_world()
    records: list[dict[str, object]] = []
    world.listeners.append(records.append)
    answer = world.post(a_message("Once", author=BOT, open=True))
    world.grow(answer.id, "Once upon", open=True)
    world.grow(answer.id, "Twice upon", open=False)
    assert [record.get("more", record.get("text")) for record in records] == ["Once", " upon", "Twice upon"]
    assert world.messages[answer.id].text == "Twice upon"


def filled(world: World, clock: FakeClock) -> None:
    root = world.post(a_message("a question", nonce="n-1"))
    clock.advance(5)
    answer = world.post(
        a_message("An", author=BOT, reply_to=root.id, turn=7, open=True, buttons=("stop:0||",), nonce="b-1")
    )
    world.grow(answer.id, "An answer", open=False)
    world.post(a_message("reply", author="grace", thread=root.id))
    world.edit(root.id, "the question", by="ada")
    doomed = world.post(a_message("doomed"))
    world.delete(doomed.id, by="ada")
    world.read("ada", "general", 0, answer.id)
    world.add_channel("plans", "what next")
    world.taken(next(iter(world.pending)))


def test_a_world_is_the_same_when_its_file_is_read_again(tmp_path: Path) -> None:
    clock, path = FakeClock(), tmp_path / "playground.jsonl"
    world = World(clock, "w1")
    file = WorldFile(path, world)
    assert file.open() is False
    furnish(world, "Rejoinder")
    filled(world, clock)
    file.close()

    for floor in (0, world.seq):  # once from the records, once from the snapshot that this leaves
        again = World(clock, "another")
        reopened = WorldFile(path, again)
        assert reopened.open() is True
        assert same(world, again)
        assert again.floor == floor
        assert again.named(BOT, "b-1") == world.named(BOT, "b-1")
        reopened.close()
    assert again.post(a_message()).id == world.last + 1


def test_a_file_that_has_grown_is_shortened_while_it_is_written(tmp_path: Path) -> None:
    world = World(FakeClock(), "w1")
    file = WorldFile(tmp_path / "w.jsonl", world, slack=5_000)
    file.open()
    furnish(world, "Rejoinder")
    answer = world.post(a_message("x", author=BOT, open=True))
    for length in range(2, 400):
        world.grow(answer.id, "x" * length, open=True)
    file.close()
    assert (tmp_path / "w.jsonl").stat().st_size < 10_000
    again = World(FakeClock(), "w2")
    reopened = WorldFile(tmp_path / "w.jsonl", again)
    reopened.open()
    assert same(world, again)
    reopened.close()


def test_a_last_line_cut_short_is_left_out_and_any_other_is_an_error(tmp_path: Path) -> None:
    path = tmp_path / "w.jsonl"
    world = World(FakeClock(), "w1")
    file = WorldFile(path, world)
    file.open()
    furnish(world, "Rejoinder")
    file.close()
    whole = path.read_bytes()

    path.write_bytes(whole + b'{"seq":99,"do":"po')
    again = World(FakeClock(), "w2")
    reopened = WorldFile(path, again)
    reopened.open()
    reopened.close()
    assert same(world, again)

    path.write_bytes(b"what is this\n" + whole)
    with pytest.raises(ConfigError, match="line 1"):
        WorldFile(path, World(FakeClock(), "w3")).open()


def test_a_second_process_is_kept_off_the_same_world(tmp_path: Path) -> None:
    file = WorldFile(tmp_path / "w.jsonl", World(FakeClock(), "w1"))
    file.open()
    with pytest.raises(ConfigError, match="another process"):
        WorldFile(tmp_path / "w.jsonl", World(FakeClock(), "w2")).open()
    file.close()
    third = WorldFile(tmp_path / "w.jsonl", World(FakeClock(), "w3"))
    third.open()
    third.close()


def test_fields_of_a_newer_version_do_no_harm() -> None:
    world = a_world()
    records = [json.loads(json.dumps(record)) for record in world.snapshot()]
    for record in records:
        if record["do"] == "is":
            record["thing"]["invented"] = "later"
    again = World(FakeClock(), "w2")
    again.restore(records)
    assert same(world, again)


verbs = st.lists(
    st.tuples(
        st.sampled_from(["post", "reply", "answer", "grow", "edit", "delete", "read", "taken"]),
        st.integers(0, 30),
        st.text(max_size=12),
    ),
    max_size=40,
)


@given(verbs)
def test_any_history_gives_the_same_world_again(history: list[tuple[str, int, str]]) -> None:
    world = a_world()
    start = list(world.snapshot())
    records: list[dict[str, object]] = []
    world.listeners.append(records.append)
    for verb, number, text in history:
        try:
            act(world, verb, number, text)
        except Refused:
            continue
    again = World(FakeClock(), "w2")
    again.restore([*start, *json.loads(json.dumps(records))])
    assert same(world, again)
    assert [key[:2] for key in again.since(0)] == [key[:2] for key in world.since(0)]


def act(world: World, verb: str, number: int, text: str) -> None:
    match verb:
        case "post":
            world.post(a_message(text, nonce=str(number)))
        case "reply":
            world.post(a_message(text, thread=number, author="lin"))
        case "answer":
            world.post(a_message(text, author=BOT, open=True, reply_to=number))
        case "grow":
            world.grow(number, text, open=bool(number % 2))
        case "edit":
            world.edit(number, text, by="ada")
        case "delete":
            world.delete(number, by="grace" if number % 3 else "")
        case "read":
            world.read("ada", "general", 0, number)
        case "taken":
            world.taken(number)
