"""Everything stored, opened together."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from bot.ports import Clock
from storage import migrations
from storage.attendance import SqlAttendance
from storage.calibrations import SqlCalibrations
from storage.clock import SharedClock
from storage.conversations import SqlConversations
from storage.database import Database
from storage.ledger import SqlLedger
from storage.memory import SqlMemory
from storage.preferences import SqlPreferences
from storage.pressing import SqlVersions
from storage.privacy import SqlPrivacy
from storage.records import SqlRecords
from storage.reports import SqlReports
from storage.retention import SqlRetention
from storage.rulings import SqlRulings
from storage.sealing import Seal
from storage.turns import Turns
from storage.vault import SqlVault


def _now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class Stores:
    """The stores of one database."""

    database: Database
    clock: SharedClock
    inbox: Turns
    versions: SqlVersions
    conversations: SqlConversations
    memory: SqlMemory
    ledger: SqlLedger
    calibrations: SqlCalibrations
    preferences: SqlPreferences
    records: SqlRecords
    attendance: SqlAttendance
    rulings: SqlRulings
    reports: SqlReports
    vault: SqlVault
    privacy: SqlPrivacy
    retention: SqlRetention

    async def ping(self) -> None:
        """Return when the database answers, else raise `StoreUnavailable`."""
        await self.database.ping()

    async def revision(self) -> str | None:
        """The revision of its tables; None when there are none."""
        return await migrations.current(self.database)

    async def upgrade(self) -> None:
        await migrations.upgrade(self.database)

    async def aclose(self) -> None:
        await self.database.aclose()


def open_stores(url: str, clock: Clock = _now, *, keys: str = "") -> Stores:
    """Stores on this URL; `keys` are the secret keys, comma-separated. Connects with the first verb, not yet."""
    database = Database(url)
    shared = SharedClock(database, clock)
    return Stores(
        database,
        shared,
        Turns(database, shared),
        SqlVersions(database),
        SqlConversations(database, shared),
        SqlMemory(database),
        SqlLedger(database),
        SqlCalibrations(database),
        SqlPreferences(database, shared),
        SqlRecords(database, shared),
        SqlAttendance(database),
        SqlRulings(database, shared),
        SqlReports(database),
        SqlVault(database, shared, Seal(keys)),
        SqlPrivacy(database, shared, Seal(keys)),
        SqlRetention(database),
    )
