"""The tables, all of them. Ids of ours are 64 bits, ids of platforms are text, times are UTC.

Whatever changes here needs a revision in `alembic/versions` (`alembic revision --autogenerate`); a test compares both.
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    Table,
    Text,
    UniqueConstraint,
    literal_column,
    text,
)

from bot.chat import State
from storage.columns import Dollars, Id, Instant, Json, Words

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)


def _text(name: str, *, default: str | None = None) -> Column[str]:
    return Column(name, Text, nullable=False, server_default=default)


def _count(name: str) -> Column[int]:
    return Column(name, Integer, nullable=False, server_default="0")


def _flag(name: str, *, default: bool = False) -> Column[bool]:
    return Column(name, Boolean, nullable=False, server_default=text("true" if default else "false"))


conversations = Table(
    "conversation",
    metadata,
    Column("id", Id, primary_key=True),
    _text("platform"),
    _text("installation"),
    _text("channel"),
    _text("thread", default=""),
    _text("person", default=""),  # whose it is, where each person has one of their own
    _count("epoch"),
    _flag(
        "inherits", default=True
    ),  # a thread reads its channel's turns up to `branched_at`, until it is reset alone
    Column("branched_at", Instant),
    Column(
        "reset_at", Instant
    ),  # when the present epoch began: what was said before is of the one that ended
    _flag("following"),
    Column("trim_told_epoch", Integer),  # where people were told that the history no longer fits, and
    Column("trim_told_turn", BigInteger),  # by which answer
    Column("created_at", Instant, nullable=False),
    UniqueConstraint("platform", "installation", "channel", "thread", "person"),
    sqlite_autoincrement=True,
)

memories = Table(
    "memory",
    metadata,
    Column("conversation_id", ForeignKey("conversation.id", ondelete="CASCADE"), primary_key=True),
    _count("epoch"),
    Column("since_at", Instant),  # the turn that prompts begin with, by its position
    Column("since_turn", BigInteger),
    Column("summary", Words),
    _count("summary_tokens"),
    Column("summary_shape", Json),
    _text("counter", default=""),
    Column("until_at", Instant),  # up to where all is summed up
    Column("until_turn", BigInteger),
    Column("summing_until", Instant),  # somebody is at it till then
)

turns = Table(
    "turn",
    metadata,
    Column("id", Id, primary_key=True),
    Column("key", Text, nullable=False, unique=True),
    _text("revision", default=""),
    Column("conversation_id", ForeignKey("conversation.id"), nullable=False),
    _count("epoch"),  # the conversation's when the turn was accepted
    _text("message"),
    _text("author_id"),
    Column("author_name", Words, nullable=False),
    _text("author_language", default=""),
    _flag("author_admin"),
    _text("author_standing", default=""),
    Column("content", Json, nullable=False),
    Column("masked", Json, nullable=False),
    _count("question_tokens"),  # by `counter`, and the rest of its size: see storage/values.py
    Column("question_shape", Json),
    _text("counter", default=""),
    Column("address", Json, nullable=False),
    _flag("direct"),
    _flag("mentioned"),
    Column("sent_at", Instant, nullable=False),
    _text("state"),
    _count("attempts"),
    _count("version"),
    _count("latest"),  # the highest number that a version of it ever had
    Column("former", Integer),  # which version comes back when the one being written comes to nothing
    Column("owner", Text),
    Column("lease_until", Instant),
    Column("cancel", Text),
    Column("answer", Words),
    Column("begun", Words),  # of an answer that is to be gone on with
    _count("answer_tokens"),
    Column("answer_shape", Json),
    _text("answer_counter", default=""),
    _text("answer_model", default=""),
    _text("finish", default=""),
    Column("notes", Json),  # what stands below an answer that is still to be shown, and
    Column("warned", Json),  # what is to be told of budgets, until the turn is closed
    _text("error", default=""),
    _text("reference", default=""),
    Column("created_at", Instant, nullable=False),
    Column("started_at", Instant),
    Column("finished_at", Instant),
    sqlite_autoincrement=True,  # a button under an old answer must never name a new turn
)

# As literals: neither database matches a bound value with the condition of a partial index.
WAITING, RUNNING = (literal_column(f"'{state}'", Text) for state in (State.WAITING, State.RUNNING))
_unfinished = turns.c.state.in_([WAITING, RUNNING])

Index(
    "ix_turn_unfinished", turns.c.sent_at, turns.c.id, postgresql_where=_unfinished, sqlite_where=_unfinished
)
Index(
    "ix_turn_order",
    turns.c.conversation_id,
    turns.c.author_id,
    turns.c.sent_at,
    turns.c.id,
    postgresql_where=_unfinished,
    sqlite_where=_unfinished,
)
_running = turns.c.state == RUNNING
Index(
    "ix_turn_running",
    turns.c.conversation_id,
    turns.c.author_id,
    postgresql_where=_running,
    sqlite_where=_running,
)
FAILED = literal_column(f"'{State.FAILED}'", Text)
_failed = turns.c.state == FAILED
Index("ix_turn_failed", turns.c.finished_at, postgresql_where=_failed, sqlite_where=_failed)
Index("ix_turn_history", turns.c.conversation_id, turns.c.epoch, turns.c.sent_at, turns.c.id)
Index("ix_turn_message", turns.c.message)
Index("ix_turn_author", turns.c.author_id, turns.c.created_at)

parts = Table(
    "part",
    metadata,
    Column("turn_id", ForeignKey("turn.id", ondelete="CASCADE"), primary_key=True),
    Column("index", Integer, primary_key=True, autoincrement=False),
    Column("nonce", Text, nullable=False, unique=True),
    Column("room", Text),  # the channel, in which each message is one turn's; unknown of old ones
    Column("message", Text),
    Column("text", Words),
    _flag("stale"),  # what it shows is of an answer that is no more
    Index("ix_part_message", "room", "message", unique=True),
)

versions = Table(
    "version",  # answers that were set aside: the one that is shown stands with its turn
    metadata,
    Column("turn_id", ForeignKey("turn.id", ondelete="CASCADE"), primary_key=True),
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("answer", Words, nullable=False),
    _count("answer_tokens"),
    Column("answer_shape", Json),
    _text("answer_counter", default=""),
    _text("answer_model", default=""),
    _text("finish", default=""),
    Column("finished_at", Instant),
)

ratings = Table(
    "rating",
    metadata,
    Column("turn_id", ForeignKey("turn.id", ondelete="CASCADE"), primary_key=True),
    Column("version", Integer, primary_key=True, autoincrement=False),
    Column("author_id", Text, primary_key=True),
    Column("good", Boolean, nullable=False),
    _text("model", default=""),
    Column("rated_at", Instant, nullable=False, index=True),
)

pins = Table(
    "pin",
    metadata,
    Column("id", Id, primary_key=True),
    Column("conversation_id", ForeignKey("conversation.id", ondelete="CASCADE"), nullable=False, index=True),
    _count("epoch"),
    Column("turn_id", ForeignKey("turn.id", ondelete="CASCADE"), index=True),  # what is pinned, or
    Column("note", Words),  # words of their own
    _count("tokens"),
    Column("shape", Json),
    _text("counter", default=""),
    Column("author_id", Text, nullable=False, index=True),
    Column("created_at", Instant, nullable=False),
    sqlite_autoincrement=True,
)

vault = Table(
    "vault",
    metadata,
    Column("id", Id, primary_key=True),
    Column("conversation_id", ForeignKey("conversation.id", ondelete="CASCADE"), nullable=False),
    _text("kind"),
    Column("number", Integer, nullable=False),  # both make the placeholder: <EMAIL_1>
    Column("digest", Text),  # keyed, of the original; NULL with it
    Column("original", Text),  # encrypted; NULL once it was forgotten
    Column("created_at", Instant, nullable=False),
    UniqueConstraint("conversation_id", "kind", "number"),
    UniqueConstraint("conversation_id", "digest"),
    sqlite_autoincrement=True,
)

sources = Table(
    "vault_source",
    metadata,
    Column("vault_id", ForeignKey("vault.id", ondelete="CASCADE"), primary_key=True),
    Column("key", Text, primary_key=True, index=True),  # the message's, as its turn bears it
    _text("thread", default=""),
    Column("person", Text, nullable=False, index=True),
    Column("said_at", Instant, nullable=False, index=True),
)

people = Table(
    "person",
    metadata,
    Column("platform", Text, primary_key=True),
    Column("installation", Text, primary_key=True),
    Column("author_id", Text, primary_key=True),
    Column("met_at", Instant, nullable=False),
    Column("met_turn", BigInteger, nullable=False),  # the first of theirs that was answered
)

receipts = Table(
    "receipt",
    metadata,
    Column("key", Text, primary_key=True),
    Column("seen_at", Instant, nullable=False, index=True),
)

installations = Table(
    "installation",
    metadata,
    Column("platform", Text, primary_key=True),
    Column("installation", Text, primary_key=True),
    Column("revoked_at", Instant),
)

meters = Table(
    "meter",
    metadata,
    Column("subject", Text, primary_key=True),  # a keyed hash, or a provider's model
    Column("kind", Text, primary_key=True),  # unit/period
    Column("span", Text, primary_key=True),  # which day or month (UTC); empty for a rate
    Column("value", BigInteger, nullable=False),  # see storage/meters.py
    Column("as_of", BigInteger, nullable=False),  # when that was its value, in microseconds since 1970
    Column("told", Integer, nullable=False, server_default="0"),  # the percentage that people were warned of
    Column("keep_until", Text, nullable=False, index=True),  # the day on which it says nothing any more
    sqlite_with_rowid=False,
    postgresql_with={"fillfactor": 70},  # rows that change all the time are changed in place
)

tickets = Table(
    "ticket",
    metadata,
    Column("id", Id, primary_key=True),
    _text("lane"),  # provider:model
    Column("rank", BigInteger, nullable=False),  # whose turn it is first, in microseconds since 1970
    Column("tokens", BigInteger, nullable=False),
    Column("live_until", BigInteger, nullable=False),  # who does not ask again until then has left the line
    sqlite_autoincrement=True,
)
Index("ix_ticket_line", tickets.c.lane, tickets.c.rank, tickets.c.id)

lanes = Table(
    "lane",
    metadata,
    Column("lane", Text, primary_key=True),
    Column("requests_per_minute", BigInteger),  # as the provider last said; NULL: it said nothing
    Column("tokens_per_minute", BigInteger),
    Column("seen_at", Instant, nullable=False),
)

calls = Table(
    "call",
    metadata,
    Column("id", Id, primary_key=True),
    Column("turn_id", ForeignKey("turn.id", ondelete="SET NULL"), index=True),
    _text("platform"),
    _text("installation"),
    _text("channel"),
    _text("thread", default=""),
    _flag("direct"),
    Column("person", Text),  # a keyed hash; NULL once they were forgotten
    _text("provider"),
    _text("model"),
    _text("state"),
    Column("reserved_tokens", BigInteger, nullable=False),
    Column("reserved_cost", Dollars),
    Column(
        "prompt_tokens", BigInteger
    ),  # NULL where the provider reported nothing: what was reserved is charged
    Column("cached_tokens", BigInteger),
    Column("cache_written_tokens", BigInteger),
    Column("output_tokens", BigInteger),
    Column("reasoning_tokens", BigInteger),
    Column("cost", Dollars),  # NULL: unknown
    _text("price", default=""),  # which price list it was reckoned by
    _text("finish", default=""),
    Column("first_token_ms", Integer),
    Column("started_at", Instant, nullable=False, index=True),
    Column("settled_at", Instant),
    sqlite_autoincrement=True,
)
OPEN_STATE = literal_column("'open'", Text)
_open = calls.c.state == OPEN_STATE
Index("ix_call_open", calls.c.started_at, postgresql_where=_open, sqlite_where=_open)
Index("ix_call_person", calls.c.person, calls.c.started_at)

preferences = Table(
    "preference",
    metadata,
    Column("platform", Text, primary_key=True),
    Column("installation", Text, primary_key=True),
    Column("channel", Text, primary_key=True),  # empty: what holds in the whole installation
    Column("name", Text, primary_key=True),
    Column("value", Words, nullable=False),
)

rulings = Table(
    "ruling",
    metadata,
    Column("platform", Text, primary_key=True),  # empty: the whole bot
    Column("installation", Text, primary_key=True),
    Column("channel", Text, primary_key=True),  # empty: all of that level in the installation
    Column("level", Text, primary_key=True),
    Column("role", Text, primary_key=True),
    Column("model", Text, primary_key=True),
    Column("metric", Text, primary_key=True),
    _text("value"),
)

audit = Table(
    "audit",
    metadata,
    Column("id", Id, primary_key=True),
    Column("at", Instant, nullable=False),
    _text("platform"),
    _text("installation"),
    _text("channel", default=""),  # empty: it concerns the whole installation
    _text("actor"),
    _text("action"),
    _text("subject"),
    Column("old", Words),
    Column("new", Words),
    sqlite_autoincrement=True,
)
Index("ix_audit_place", audit.c.platform, audit.c.installation, audit.c.id)
Index("ix_audit_actor", audit.c.actor)

optouts = Table(
    "optout",
    metadata,
    Column("platform", Text, primary_key=True),
    Column("installation", Text, primary_key=True),
    Column("author_id", Text, primary_key=True),
    Column("decided_at", Instant, nullable=False),
)

erasures = Table(
    "erasure",
    metadata,
    Column("platform", Text, primary_key=True),
    Column("installation", Text, primary_key=True),
    Column("author_id", Text, primary_key=True),
    _text("person"),  # the keyed hash under which they are counted
    Column("asked_at", Instant, nullable=False),  # what was taken in up to then is erased
)

verdicts = Table(
    "verdict",
    metadata,
    Column("key", Text, primary_key=True),  # the message's, as a turn would bear it
    _text("platform"),
    _text("installation"),
    _text("channel"),
    _text("thread", default=""),
    _text("author_id"),
    _text("outcome"),
    _count("times"),
    Column("seen_at", Instant, nullable=False, index=True),
)
Index(
    "ix_verdict_author",
    verdicts.c.platform,
    verdicts.c.installation,
    verdicts.c.channel,
    verdicts.c.author_id,
    verdicts.c.seen_at,
)

calibrations = Table(
    "calibration",
    metadata,
    Column("id", Id, primary_key=True),
    _text("counter"),
    Column("size", Json, nullable=False),  # the fields of a Size, in order
    Column("reported", BigInteger, nullable=False),
    Index("ix_calibration_counter_id", "counter", "id"),
)

presences = Table(
    "presence",
    metadata,
    Column("platform", Text, primary_key=True),
    Column("line", Text, primary_key=True),  # what hears a part of the platform: a workspace, a shard
    Column("until", Instant, nullable=False),
    _text("owner", default=""),  # who listened last; empty when it said goodbye
)

gaps = Table(
    "gap",
    metadata,
    Column("platform", Text, primary_key=True),
    Column("installation", Text, primary_key=True),
    Column("channel", Text, primary_key=True),
    Column("thread", Text, primary_key=True),
    _text("line"),
    _count("rank"),  # the lower, the sooner
    Column("since", Instant, nullable=False),  # everything said there up to then was heard, or looked up
)
