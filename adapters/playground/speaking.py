"""How the playground names places and people to the bot, and how the bot says something itself there."""

from __future__ import annotations

import re
from base64 import b64encode
from dataclasses import replace
from typing import Final

from adapters.delivery.splitter import split
from adapters.playground.values import BOT, MOST_TEXT, Message, Person
from adapters.playground.world import World
from bot.chat import Author, Place
from bot.ports import Attached, Said

PLATFORM: Final = "playground"
_PERSON: Final = re.compile(r"<@([\w-]+)>")


def place_of(channel: str, thread: int) -> Place:
    """`local`: there is one world to a bot."""
    return Place(PLATFORM, "local", channel, str(thread) if thread else "")


def author_of(person: Person) -> Author:
    return Author(person.id, person.name, person.admin, person.language)


def names(world: World) -> dict[str, str]:
    """How people are mentioned there, and how commands take them: by id."""
    return {f"@{person.name}": f"<@{person.id}>" for person in world.people.values()}


def say(
    world: World,
    said: Said,
    *,
    to: str,
    channel: str,
    thread: int,
    question: int = 0,
    about: str = "",
    nonce: str = "",
) -> None:
    """Post what the bot says itself, in as many messages as it takes. May be `Refused`."""
    text = _PERSON.sub(
        lambda match: f"@{world.people[match[1]].name}" if match[1] in world.people else match[0], said.text
    )
    only_for = to if said.private else ""
    first = Message(channel, BOT, "", thread=thread, reply_to=question, only_for=only_for, about=about)
    for index, part in enumerate(split(text, MOST_TEXT)):
        name = f"{nonce}-{index}" if nonce else ""
        message = first if index == 0 else replace(first, reply_to=0, about="")
        world.post(replace(message, text=part.shown, nonce=name))
    if said.shortcut is not None:
        command = f"{said.shortcut.verb} {said.shortcut.argument}"
        name = f"{nonce}-press" if nonce else ""
        label = replace(first, text=said.shortcut.label, nonce=name, reply_to=0, about="")
        world.post(replace(label, buttons=(command,)))
    for index, file in enumerate(said.files):
        name = f"{nonce}-file-{index}" if nonce else ""
        world.post(replace(_with_file(first, file), nonce=name, reply_to=0, about=""))


def _with_file(message: Message, file: Attached) -> Message:
    """A message of which a file is all; its name is a plain one, since it stands in a header."""
    text = file.media_type.startswith("text/")
    return replace(
        message,
        text=file.name,
        file=file.data.decode() if text else b64encode(file.data).decode(),
        file_name=re.sub(r"[^\w.-]", "-", file.name, flags=re.ASCII),
        file_type=file.media_type,
    )
