"""Rows become values and values rows: nothing of the tables leaves `storage/`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, replace
from datetime import datetime
from typing import Any

from sqlalchemy.engine import RowMapping

from bot.chat import (
    Author,
    Cancel,
    Content,
    Exchange,
    File,
    Finish,
    Note,
    Part,
    Place,
    Posted,
    Size,
    Standing,
    State,
    Text,
    Turn,
    plain_text,
)
from bot.ports import Level, Meter, Waiting, Warned
from storage.tables import turns


def content_json(content: Content) -> list[dict[str, Any]]:
    return [_part_json(part) for part in content]


def _part_json(part: Part) -> dict[str, Any]:
    if isinstance(part, Text):
        own = {"type": "text", "text": part.text}
        return own | {"quotes": part.quotes, "name": part.name} if part.quotes else own
    more: dict[str, Any] = {"quotes": part.quotes} if part.quotes else {}
    more |= {} if part.text is None else {"text": part.text, "cut": part.cut}
    return {
        "type": "file",
        "name": part.name,
        "media_type": part.media_type,
        "size": part.size,
        "reference": dict(part.reference),
        **more,
    }


def as_said(stored: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """A stored content without what was read of its files since."""
    return [{name: part[name] for name in part if _is_said(part, name)} for part in stored]


def _is_said(part: Mapping[str, Any], name: str) -> bool:
    return part["type"] != "file" or name not in ("text", "cut")


def content_value(stored: Iterable[Mapping[str, Any]]) -> Content:
    return tuple(_part_value(part) for part in stored)


def _part_value(part: Mapping[str, Any]) -> Part:
    match part["type"]:
        case "text":
            return Text(part["text"], part.get("quotes", ""), part.get("name", ""))
        case "file":
            read = part.get("text"), part.get("cut", False)
            file = File(part["name"], part["media_type"], part["size"], part["reference"], *read)
            return replace(file, quotes=part.get("quotes", ""))
        case kind:
            raise ValueError(f"a part of the unknown type {kind!r} is stored: written by a newer version?")


def shape_json(size: Size) -> list[int]:
    """What stands beside the tokens of a message's size."""
    return [size.small, size.wide, size.digits, size.foreign, size.images]


def size_value(tokens: int, shape: Sequence[int] | None) -> Size | None:
    """None for what an old version measured."""
    return Size(tokens, *shape) if shape is not None and len(shape) == len(shape_json(Size())) else None


def note_value(text: str, tokens: int, shape: Sequence[int] | None, counter: str) -> Note:
    size = size_value(tokens, shape)
    return Note(text, size or Size(), counter if size is not None else "")


def turn_value(row: RowMapping, place: Place, parts: Sequence[Posted]) -> Turn:
    return Turn(
        id=row["id"],
        place=place,
        conversation=row["conversation_id"],
        epoch=row["epoch"],
        message=row["message"],
        author=Author(
            row["author_id"],
            row["author_name"],
            row["author_admin"],
            row["author_language"],
            standing=Standing(row["author_standing"]),
        ),
        content=content_value(row["content"]),
        address=row["address"],
        sent_at=row["sent_at"],
        state=State(row["state"]),
        direct=row["direct"],
        masked=tuple(row["masked"]),
        attempts=row["attempts"],
        version=row["version"],
        answer=row["answer"],
        begun=row["begun"] or "",
        latest=row["latest"],
        former=row["former"],
        finish=Finish(row["finish"]) if row["finish"] else None,
        cancel=None if row["cancel"] is None else Cancel(row["cancel"]),
        parts=tuple(parts),
        notes=None if row["notes"] is None else tuple(row["notes"]),
        warned=tuple(_warned_value(one) for one in row["warned"] or ()),
    )


def warned_json(warned: Warned) -> dict[str, Any]:
    rest = {"percent": warned.percent, "used": warned.used, "resets_at": warned.resets_at.isoformat()}
    return asdict(warned.meter) | rest


def _warned_value(stored: Mapping[str, Any]) -> Warned:
    meter = {**stored, "level": Level(stored["level"])}
    percent, used, resets_at = (meter.pop(name) for name in ("percent", "used", "resets_at"))
    return Warned(Meter(**meter), percent, used, datetime.fromisoformat(resets_at))


def place_value(row: RowMapping) -> Place:
    return Place(*(row[name] for name in ("platform", "installation", "channel", "thread", "person")))


def waiting_value(row: RowMapping, now: datetime) -> Waiting:
    return Waiting(
        turn=row["turn_id"],
        place=place_value(row),
        state=State(row["state"]),
        age=now - row["created_at"],
        owner=row["owner"] or "",
        attempts=row["attempts"],
        error=row["error"],
        reference=row["reference"],
    )


def posted_value(row: RowMapping) -> Posted:
    return Posted(row["index"], row["nonce"], row["message"], row["text"], row["stale"])


def exchange_value(row: RowMapping) -> Exchange:
    """Question and answer measured by two different counters, or by an old version, bear none: they are to be measured again."""
    sizes = [size_value(row[f"{part}_tokens"], row[f"{part}_shape"]) for part in ("question", "answer")]
    known = row["counter"] == row["answer_counter"] and None not in sizes
    content = content_value(row["content"])
    return Exchange(
        turn=row["id"],
        name=row["author_name"],
        question=plain_text(content),
        answer=row["answer"],
        question_size=sizes[0] or Size(),
        answer_size=sizes[1] or Size(),
        counter=row["counter"] if known else "",
        sent_at=row["sent_at"],
        pictures=tuple(part for part in content if isinstance(part, File) and part.is_picture),
    )


EXCHANGE = (
    turns.c.id,
    turns.c.sent_at,
    turns.c.author_name,
    turns.c.content,
    turns.c.answer,
    turns.c.question_tokens,
    turns.c.question_shape,
    turns.c.answer_tokens,
    turns.c.answer_shape,
    turns.c.counter,
    turns.c.answer_counter,
)
"""The columns of an exchange."""
