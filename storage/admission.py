"""The one statement that admits a call, and the one that settles it, on PostgreSQL.

A statement that stands alone is one round trip, and a transaction of its own. It locks the rows of all meters in the order of their keys,
so that nobody slips between looking and taking and no two wait for each other; computes as `storage/meters.py` does; and takes
everything or nothing. Rows that are not there yet can't be locked: who is second to make one collides, and begins anew.

All look-ups are by primary key, so that their cost does not grow with people, calls or days. How many meters there are is told apart
(`many`): PostgreSQL can't look into the JSON, takes it for a hundred, and would rather read a table than look a hundred rows up.

SQLite has one writer at a time, and no network before it: there the same is done in Python, within its transaction (`storage/ledger.py`).
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, Final

from sqlalchemy import TextClause, bindparam, insert, select, text

from bot.ports import Call, Charge, Settlement, Ticket
from storage.columns import Dollars, Instant
from storage.meters import MINUTE, WARNING, Correction, Want, microseconds, want
from storage.tables import calls, turns

LIVE: Final = timedelta(seconds=5)
"""Who stands in line shows the ticket again within this time."""

_LOCKED = """
held AS MATERIALIZED (
    SELECT m.subject, m.kind, m.span, m.value, m.as_of, m.told
    FROM meter m JOIN want w ON m.subject = w.subject AND m.kind = w.kind AND m.span = w.span
    {only}
    ORDER BY m.subject, m.kind, m.span
    FOR UPDATE OF m
), level AS MATERIALIZED (
    SELECT w.*, h.subject IS NOT NULL AS known, coalesce(h.told, 0) AS told,
        CASE
            WHEN h.subject IS NULL THEN 0
            WHEN w.rate = 0 OR h.as_of >= CAST(:now AS bigint) THEN h.value
            WHEN CAST(:now AS bigint) - h.as_of > h.value / w.rate THEN 0
            ELSE h.value - w.rate * (CAST(:now AS bigint) - h.as_of)
        END AS value
    FROM want w LEFT JOIN held h ON h.subject = w.subject AND h.kind = w.kind AND h.span = w.span
)"""

_ADMIT = f"""
WITH want AS MATERIALIZED (
    SELECT * FROM json_to_recordset(CAST(:wants AS json)) AS w(
        n integer, subject text, kind text, span text, fixed bigint, each bigint, rate bigint, ceiling bigint,
        soft boolean, line text, keep_until text)
    LIMIT CAST(:many AS bigint)
), {_LOCKED.format(only="")}, ahead AS MATERIALIZED (
    SELECT count(*) AS count, coalesce(sum(tokens), 0) AS tokens FROM ticket
    WHERE lane = :lane AND live_until > CAST(:now AS bigint)
        AND (rank, id) < (CAST(:rank AS bigint), CAST(:ticket AS bigint))
), room AS MATERIALIZED (
    SELECT coalesce(bool_and(soft OR fixed + each * CAST(:least AS bigint) + value
            + CASE line WHEN 'requests' THEN ahead.count * {MINUTE} WHEN 'tokens' THEN ahead.tokens * {MINUTE} ELSE 0 END
            <= ceiling), true) AS fits,
        least(CAST(:cap AS bigint), min((ceiling - value - fixed) / nullif(each, 0))) AS cap
    FROM level, ahead
), grown AS (
    UPDATE meter m
    SET value = least(l.value + l.fixed + l.each * r.cap, CASE WHEN l.soft THEN l.ceiling END),
        as_of = greatest(m.as_of, CAST(:now AS bigint)), keep_until = greatest(m.keep_until, l.keep_until)
    FROM level l, room r
    WHERE r.fits AND l.known AND m.subject = l.subject AND m.kind = l.kind AND m.span = l.span
), made AS (
    INSERT INTO meter (subject, kind, span, value, as_of, keep_until)
    SELECT l.subject, l.kind, l.span, least(l.fixed + l.each * r.cap, CASE WHEN l.soft THEN l.ceiling END),
        CAST(:now AS bigint), l.keep_until
    FROM level l, room r WHERE r.fits AND NOT l.known
), written AS (
    INSERT INTO call (turn_id, platform, installation, channel, thread, direct, person, provider, model, state,
        reserved_tokens, reserved_cost, price, started_at)
    SELECT (SELECT id FROM turn WHERE id = :turn), :platform, :installation, :channel, :thread, :direct, :person,
        :provider, :model, 'open', CAST(:prompt_tokens AS bigint) + r.cap,
        (CAST(:prompt_cost AS numeric) + CAST(:token_cost AS numeric) * r.cap) * 0.000000000001, :price, :started_at
    FROM room r WHERE r.fits
    RETURNING id
), called AS (
    DELETE FROM ticket WHERE id = :ticket AND (SELECT fits FROM room)
), waited AS (
    UPDATE ticket SET live_until = CAST(:live_until AS bigint) WHERE id = :ticket AND NOT (SELECT fits FROM room)
)
SELECT room.fits, room.cap, (SELECT id FROM written) AS call, ahead.count AS ahead_count, ahead.tokens AS ahead_tokens,
    (SELECT json_agg(value ORDER BY n) FROM level) AS levels
FROM room, ahead
"""

_SETTLE = f"""
WITH done AS (
    UPDATE call
    SET state = 'settled', prompt_tokens = :prompt_tokens, cached_tokens = :cached_tokens,
        cache_written_tokens = :cache_written_tokens, output_tokens = :output_tokens,
        reasoning_tokens = :reasoning_tokens,
        cost = CASE WHEN CAST(:prompt_tokens AS bigint) IS NULL THEN reserved_cost ELSE :cost END,
        finish = :finish, first_token_ms = :first_token_ms, settled_at = :settled_at
    WHERE id = :call AND state = 'open'
    RETURNING id
), want AS MATERIALIZED (
    SELECT * FROM json_to_recordset(CAST(:wants AS json)) AS w(
        n integer, subject text, kind text, span text, more bigint, rate bigint, floor bigint,
        warning bigint, ceiling bigint, next text, next_until text)
    LIMIT CAST(:many AS bigint)
), {_LOCKED.format(only="WHERE EXISTS (SELECT 1 FROM done)")}, carried AS (
    INSERT INTO meter AS m (subject, kind, span, value, as_of, keep_until)
    SELECT subject, kind, next, greatest(value + more - ceiling, 0) - greatest(value - ceiling, 0),
        CAST(:now AS bigint), next_until
    FROM level WHERE known AND ceiling > 0 AND more > 0 AND value + more > ceiling
    ORDER BY subject, kind, next
    ON CONFLICT (subject, kind, span) DO UPDATE SET value = m.value + excluded.value
)
UPDATE meter m
SET value = greatest(l.value + l.more, l.floor, 0),
    as_of = CASE WHEN l.rate = 0 THEN m.as_of ELSE greatest(m.as_of, CAST(:now AS bigint)) END,
    told = greatest(m.told, CASE WHEN l.ceiling = 0 THEN 0
        WHEN l.value + l.more >= l.ceiling THEN 100 WHEN l.value + l.more >= l.warning THEN {WARNING} ELSE 0 END)
FROM level l
WHERE l.known AND m.subject = l.subject AND m.kind = l.kind AND m.span = l.span
RETURNING l.n, l.told AS told_before, m.told, m.value
"""


def _statement(words: str, **types: Any) -> TextClause:
    return text(words).bindparams(*(bindparam(name, type_=type_) for name, type_ in types.items()))


ADMIT: Final = _statement(_ADMIT, started_at=Instant())
SETTLE: Final = _statement(_SETTLE, settled_at=Instant(), cost=Dollars())

_OPENING = (
    "platform",
    "installation",
    "channel",
    "thread",
    "direct",
    "person",
    "provider",
    "model",
    "price",
    "started_at",
)
_AMOUNTS = ("reserved_tokens", "reserved_cost")
OPEN: Final = (
    insert(calls)
    .values(
        {name: bindparam(name, type_=calls.c[name].type) for name in (*_OPENING, *_AMOUNTS)}
        | {
            "turn_id": select(turns.c.id).where(turns.c.id == bindparam("turn")).scalar_subquery(),
            "state": "open",
        }
    )
    .returning(calls.c.id)
)
"""The ledger's row of an open call, where it is a statement of its own."""


class Asked:
    """An admission as it is asked of the database."""

    def __init__(self, call: Call, charges: tuple[Charge, ...], now: datetime, ticket: Ticket) -> None:
        self.call, self.charges, self.now, self.ticket = call, charges, now, ticket
        self.wants = [want(charge, now) for charge in charges]

    def row(self, cap: int) -> dict[str, Any]:
        """The ledger's row of an open call."""
        call = self.call
        cost = None
        if call.prompt_cost is not None and call.token_cost is not None:
            cost = Decimal(call.prompt_cost + call.token_cost * cap).scaleb(-12)
        return {**self._columns(), "reserved_tokens": call.prompt_tokens + cap, "reserved_cost": cost}

    def bound(self) -> dict[str, Any]:
        call = self.call
        return {
            **self._columns(),
            "wants": json.dumps([_want_json(n, one) for n, one in enumerate(self.wants)]),
            "many": len(self.wants),
            "now": microseconds(self.now),
            "lane": call.lane,
            "rank": self.ticket.rank,
            "ticket": self.ticket.id,
            "live_until": microseconds(self.now + LIVE),
            "cap": call.output_cap,
            "least": call.least_output,
            "prompt_tokens": call.prompt_tokens,
            "prompt_cost": call.prompt_cost,
            "token_cost": call.token_cost,
        }

    def _columns(self) -> dict[str, Any]:
        call, place = self.call, self.call.place
        return {
            "turn": call.turn,
            "platform": place.platform,
            "installation": place.installation,
            "channel": place.channel,
            "thread": place.thread,
            "direct": call.direct,
            "person": call.person or None,
            "provider": call.provider,
            "model": call.model,
            "price": call.price,
            "started_at": self.now,
        }


def _want_json(number: int, one: Want) -> dict[str, Any]:
    subject, kind_of, span = one.key
    return {
        "n": number,
        "subject": subject,
        "kind": kind_of,
        "span": span,
        "fixed": one.fixed,
        "each": one.each,
        "rate": one.rate,
        "ceiling": one.ceiling,
        "soft": one.soft,
        "line": one.meter.unit if one.queued else "",
        "keep_until": one.keep_until,
    }


def corrections_json(corrections: Sequence[Correction]) -> str:
    return json.dumps([_correction_json(number, one) for number, one in enumerate(corrections)])


def _correction_json(number: int, one: Correction) -> dict[str, Any]:
    subject, kind_of, span = one.want.key
    return {
        "n": number,
        "subject": subject,
        "kind": kind_of,
        "span": span,
        "more": one.more,
        "rate": one.want.rate,
        "floor": one.floor,
        "warning": one.warning,
        "ceiling": one.ceiling,
        "next": one.next,
        "next_until": one.next_until,
    }


def settled_columns(settlement: Settlement, now: datetime) -> dict[str, Any]:
    """The columns of a settled call. What the provider did not report stays unknown."""
    usage = settlement.usage
    return {
        "cost": settlement.cost,
        "finish": settlement.finish,
        "first_token_ms": settlement.first_token_ms,
        "settled_at": now,
        "prompt_tokens": usage and usage.prompt,
        "cached_tokens": usage and usage.cached,
        "cache_written_tokens": usage and usage.cache_written,
        "output_tokens": usage and usage.output,
        "reasoning_tokens": usage and usage.reasoning,
    }
