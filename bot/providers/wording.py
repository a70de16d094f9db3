"""How a conversation is put to a model: who speaks, and whose turn it is."""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from bot.chat import Message, Picture, Role
from bot.marking import NEXT, plain_name
from bot.models.catalogue import Model
from bot.tokens.texts import public_vocabulary

NAME_LENGTH: Final = 64
"""Characters of a speaker's name; OpenAI allows no more in its `name` field."""

_NOT_IN_FIELD = re.compile(r"[^A-Za-z0-9_-]+")


def worded(messages: Sequence[Message], *, name_field: bool, alternate: bool) -> list[Message]:
    """The messages as they are sent. A `name` that is left stands in the API's field; every other one has
    moved into the text.

    `alternate`: messages of one role that follow each other become one, for APIs and chat templates that
    insist on taking turns. Blank messages say nothing and are refused by some APIs: they are left out. The
    last message must be a user's, since no current model takes an answer begun for it.
    """
    sent: list[Message] = []
    for message in (_named(message, name_field) for message in messages if message.text.strip()):
        if alternate and sent and sent[-1].role is message.role:
            pictures = sent[-1].pictures + message.pictures
            sent[-1] = Message(message.role, f"{sent[-1].text}\n\n{NEXT}\n{message.text}", pictures=pictures)
        else:
            sent.append(message)
    if not sent or sent[-1].role is not Role.USER:
        raise ValueError("the last message of a prompt must be a user's, and not blank")
    return sent


def insists_on_turns(model: Model, *, compatible: bool) -> bool:
    """Whether messages of one role in a row may be refused: by the chat templates of open models, at other servers than OpenAI's. Its own
    models take them wherever they are, and are counted so."""
    return compatible and not (model.own_encoding or public_vocabulary(model.name))


def data_url(picture: Picture) -> str:
    """A picture as OpenAI's APIs take it: nothing is fetched by them from anywhere."""
    return f"data:{picture.media_type};base64,{b64encode(picture.data).decode()}"


def field_name(name: str) -> str:
    """A plain ASCII name as it fits the API's field, other characters being underscores; empty for any other."""
    return _NOT_IN_FIELD.sub("_", name).strip("_")[:NAME_LENGTH] if name.isascii() else ""


def name_lead(name: str) -> str:
    """A name as it goes before the text, on one line; empty for one that nothing is left of."""
    plain = plain_name(name)[:NAME_LENGTH]
    return f"{plain}: " if plain else ""


def _named(message: Message, name_field: bool) -> Message:
    if not message.name or message.role is not Role.USER:
        return replace(message, name="")
    if name_field and (field := field_name(message.name)):
        return replace(message, name=field)
    return replace(message, text=name_lead(message.name) + message.text, name="")
