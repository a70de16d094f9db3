"""Column types that mean the same on SQLite and on PostgreSQL."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import JSON, BigInteger, DateTime, Dialect, Integer, Numeric, Text
from sqlalchemy.types import TypeDecorator, TypeEngine

UNSTORABLE = re.compile("[\0\ud800-\udfff]")

Id = BigInteger().with_variant(Integer, "sqlite")
"""64 bits on both: only a plain INTEGER key of SQLite counts up by itself."""

Json = JSON(none_as_null=True)
"""`json`, not `jsonb`, on PostgreSQL: people may send U+0000, which only the former keeps."""


class Instant(TypeDecorator[datetime]):
    """A moment in UTC with microseconds. SQLite keeps a text that sorts by time and knows no zone: it is given back here."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is not None and value.tzinfo is None:
            raise ValueError("a time without zone cannot be stored")
        return None if value is None else value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class Words(TypeDecorator[str]):
    """Text as people and models write it. What no UTF-8 column can hold (U+0000, lone surrogates) becomes U+FFFD, one for
    one, so that lengths and positions stay true."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:
        return None if value is None else UNSTORABLE.sub("\ufffd", value)

    def process_result_value(self, value: str | None, dialect: Dialect) -> str | None:
        return value


class Dollars(TypeDecorator[Decimal]):
    """US dollars, exact to a million-millionth (prices per million tokens have up to six places).

    NUMERIC(24, 12) on PostgreSQL; on SQLite, whose NUMERIC is a float, an integer of million-millionths, which still sums
    and compares in SQL.
    """

    impl = Numeric(24, 12)
    cache_ok = True
    places = 12

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        return dialect.type_descriptor(BigInteger() if dialect.name == "sqlite" else Numeric(24, self.places))

    def process_bind_param(self, value: Decimal | None, dialect: Dialect) -> Any:
        if value is None:
            return None
        rounded = round(value, self.places)
        return int(rounded.scaleb(self.places)) if dialect.name == "sqlite" else rounded

    def process_result_value(self, value: Any, dialect: Dialect) -> Decimal | None:
        if value is None:
            return None
        return Decimal(value).scaleb(-self.places) if dialect.name == "sqlite" else Decimal(value)
