"""What is remembered of a conversation: its history, where prompts begin in it, the gist of what was left behind, and what is pinned."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Text, and_, bindparam, func, or_, select, tuple_, update
from sqlalchemy.engine import RowMapping

from bot.chat import Exchange, Mark, Note, Pin, Place, Summary, Turn
from bot.ports import Beginning, Cached, Stretch
from storage.accepting import open_conversation
from storage.database import Database, Transaction, writing
from storage.pins import add_pin, read_pins, remove_pin
from storage.sql import CHANNEL, finished, inserting, opted_out, place_columns, sorts_before, sorts_from
from storage.tables import calls, conversations, memories, turns
from storage.values import EXCHANGE, exchange_value, note_value, shape_json

PAGE: Final = 50
"""Turns read at a time: more than most prompts hold, few enough to be read at once."""

LAST: Final = 2**63 - 1

_own = conversations.c
WITH_TRUNK = (
    select(
        *(_own.id, _own.thread, _own.epoch, _own.inherits, _own.branched_at),
        memories.c.epoch.label("told_epoch"),
        *(column for column in memories.c if column.name != "epoch"),
    )
    .outerjoin(memories, memories.c.conversation_id == conversations.c.id)
    .where(CHANNEL, conversations.c.thread.in_(["", bindparam("thread", type_=Text)]))
)


class SqlMemory:
    """The `Memory` in SQL."""

    def __init__(self, database: Database) -> None:
        self.database = database

    async def beginning(self, place: Place, *, before: Turn | None = None, alone: bool = False) -> Beginning:
        async with self.database.reading() as sql:
            rows = (await sql.execute(WITH_TRUNK, place_columns(place))).mappings()
            known = {row["thread"]: row for row in rows}
            if (own := known.get(place.thread)) is None:
                return Beginning()
            trunk = known.get("") if place.thread and own["inherits"] and own["branched_at"] else None
            stretches = _stretches(own, trunk, before, place.thread if alone else None)
            mark = None if before is None else before.mark
            since, summary = _told(own, stretches[0].epoch, mark)
            adopted = since is None and trunk is not None and not alone
            if adopted:
                since, summary = _told(trunk, stretches[1].epoch, Mark(own["branched_at"], LAST))
            pinned = await read_pins(sql, stretches[:1] if alone else stretches)
        pins = tuple(pin for pin in pinned if mark is None or _known_at(mark, pin))
        return Beginning(stretches, mark, since, summary, pins, adopted and since is not None)

    async def history(
        self, beginning: Beginning, *, since: Mark | None = None, until: Mark | None = None
    ) -> AsyncIterator[Exchange]:
        for stretch in beginning.stretches:
            mark = until or beginning.before
            while True:
                page = await self._page(_within(stretch, since, mark))
                for row in page:
                    yield exchange_value(row)
                if len(page) < PAGE:
                    break
                mark = Mark(page[-1]["sent_at"], page[-1]["id"])

    async def _page(self, which: Sequence[Any]) -> Sequence[RowMapping]:
        newest_first = (turns.c.sent_at.desc(), turns.c.id.desc())
        statement = select(*EXCHANGE).where(*which).order_by(*newest_first).limit(PAGE)
        async with self.database.reading() as sql:
            return (await sql.execute(statement)).mappings().all()

    async def left_out(self, beginning: Beginning, since: Mark) -> int:
        async with self.database.reading() as sql:
            return sum(
                [
                    (
                        await sql.execute(select(func.count()).where(*_within(stretch, None, since)))
                    ).scalar_one()
                    for stretch in beginning.stretches
                ]
            )

    @writing
    async def begin_at(
        self, transaction: Transaction, turn: Turn, since: Mark, summary: Summary | None
    ) -> None:
        told = {"epoch": turn.epoch, "since_at": since.at, "since_turn": since.turn}
        statement = inserting(transaction.sql, memories).values(
            conversation_id=turn.conversation, **told, **_summary_columns(summary)
        )
        further = tuple_(memories.c.since_at, memories.c.since_turn) < tuple_(
            statement.excluded.since_at, statement.excluded.since_turn
        )
        same_epoch = memories.c.epoch == statement.excluded.epoch
        await transaction.sql.execute(
            statement.on_conflict_do_update(
                index_elements=["conversation_id"],
                set_=told,
                where=or_(memories.c.epoch < statement.excluded.epoch, and_(same_epoch, further)),
            )
        )

    @writing
    async def take_summing(
        self, transaction: Transaction, turn: Turn, now: datetime, until: datetime
    ) -> bool:
        free = or_(memories.c.summing_until.is_(None), memories.c.summing_until <= now)
        taken = update(memories).where(_of(turn), free).values(summing_until=until)
        return (await transaction.sql.execute(taken)).rowcount == 1

    @writing
    async def sum_up(self, transaction: Transaction, turn: Turn, summary: Summary, taken: datetime) -> bool:
        statement = update(memories).where(_of(turn), memories.c.summing_until == taken)
        values = {**_summary_columns(summary), "summing_until": None}
        return (await transaction.sql.execute(statement.values(values))).rowcount == 1

    @writing
    async def pin(
        self,
        transaction: Transaction,
        place: Place,
        author: str,
        what: Note | str,
        now: datetime,
        most: int,
    ) -> Pin | None:
        known = await open_conversation(transaction.sql, place, now, branched_at=None, following=False)
        return await add_pin(transaction.sql, Stretch(known.id, known.epoch), author, what, now, most)

    @writing
    async def unpin(self, transaction: Transaction, pin: int) -> None:
        await remove_pin(transaction.sql, pin)

    async def cached(self, beginning: Beginning) -> Cached | None:
        if not beginning.stretches:
            return None
        own = beginning.stretches[0]
        answered = (
            select(calls.c.prompt_tokens, calls.c.cached_tokens)
            .join(turns, turns.c.id == calls.c.turn_id)
            .where(turns.c.conversation_id == own.conversation, turns.c.epoch == own.epoch)
            .where(calls.c.prompt_tokens > 0, calls.c.person.is_not(None))
            .order_by(turns.c.sent_at.desc(), turns.c.id.desc(), calls.c.id.desc())
            .limit(1)
        )
        async with self.database.reading() as sql:
            row = (await sql.execute(answered)).first()
        return None if row is None else Cached(row.prompt_tokens, row.cached_tokens or 0)


def _stretches(
    own: RowMapping, trunk: RowMapping | None, before: Turn | None, root: str | None
) -> tuple[Stretch, ...]:
    """A place's own turns, then its channel's up to the thread's root.

    A reset of the channel moves its threads along, so that for an earlier epoch of a thread that inherits, the channel's
    is as much earlier.
    """
    epoch = own["epoch"] if before is None else before.epoch
    mine = Stretch(own["id"], epoch)
    if trunk is None:
        return (mine,)
    return (mine, Stretch(trunk["id"], trunk["epoch"] - (own["epoch"] - epoch), own["branched_at"], root))


def _known_at(mark: Mark, pin: Pin) -> bool:
    """Whether what is pinned was said before: a question that is answered again sees nothing of what came later."""
    return not isinstance(pin.pinned, Exchange) or pin.pinned.mark < mark


def _told(row: RowMapping | None, epoch: int, before: Mark | None) -> tuple[Mark | None, Summary | None]:
    """From where on a conversation is told, and the gist of what was left behind; nothing of it where that is later than `before`."""
    if row is None or row["since_at"] is None or row["told_epoch"] != epoch:
        return None, None
    since = Mark(row["since_at"], row["since_turn"])
    if before is not None and since > before:
        return None, None
    if row["summary"] is None:
        return since, None
    note = note_value(row["summary"], row["summary_tokens"], row["summary_shape"], row["counter"])
    return since, Summary(note, Mark(row["until_at"], row["until_turn"]))


def _within(stretch: Stretch, since: Mark | None, until: Mark | None) -> list[Any]:
    """The finished turns of a stretch between two marks."""
    which = [turns.c.conversation_id == stretch.conversation, turns.c.epoch == stretch.epoch, *finished]
    which.append(turns.c.author_id.not_in(opted_out(stretch.conversation)))
    if stretch.until is not None:
        which.append(turns.c.sent_at <= stretch.until)
    if stretch.message is not None:
        which.append(turns.c.message == stretch.message)
    if since is not None:
        which.append(sorts_from(since))
    if until is not None:
        which.append(sorts_before(until))
    return which


def _of(turn: Turn) -> Any:
    return and_(memories.c.conversation_id == turn.conversation, memories.c.epoch == turn.epoch)


def _summary_columns(summary: Summary | None) -> dict[str, Any]:
    if summary is None:
        return {}
    note = summary.note
    return {
        "summary": note.text,
        "summary_tokens": note.size.tokens,
        "summary_shape": shape_json(note.size),
        "counter": note.counter,
        "until_at": summary.until.at,
        "until_turn": summary.until.turn,
    }
