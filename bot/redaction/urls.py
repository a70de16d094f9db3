"""Passwords that stand in an address."""

from __future__ import annotations

import re
from collections.abc import Iterator

from bot.redaction.entropy import ENDS, is_placeholder, trailing_marks
from bot.redaction.segment import Segment

# RFC 3986 3.2.1: user and password stand before the last @ of the authority.
_USERINFO = re.compile(
    rf"(?<![A-Za-z0-9])([A-Za-z][A-Za-z0-9+._-]{{1,24}})://([^:/?#@{ENDS}]{{0,128}}):([^/{ENDS}]{{1,256}})@(?=[\w\[])"
)
_REST_OF_URL = re.compile(rf"[^{ENDS}]*+")
_STORE = re.compile(
    r"(?:postgres(?:ql)?|mysql|mariadb|mongodb|rediss?|valkey|amqps?|mssql|sqlserver|oracle|clickhouse|cockroachdb|cassandra"
    r"|couch(?:base|db)|neo4j|bolt|nats|kafka|memcached|ldaps?|snowflake|redshift|elasticsearch|influxdb|timescale|db2|hive"
    r"|presto|trino|vertica|firebird|mqtts?|stomp|smtps?|imaps?)(?:\+\w+)?",
    re.IGNORECASE,
)
_ANY_USER = re.compile(r"user|username|usr|db_?user|myuser|name|login|u", re.IGNORECASE)
_ANY_PASSWORD = re.compile(r"(?:my|db_)?password|pass|passwd|pwd|secret|token|pw|p", re.IGNORECASE)


def find_connection_strings(segment: Segment) -> Iterator[tuple[int, int]]:
    """Addresses of databases, queues and the like that hold a password: the whole address."""
    for match in _credentials(segment):
        if _is_store(match.group(1)):
            rest = _REST_OF_URL.match(segment.text, match.end(), segment.end)
            end = rest.end() if rest else match.end()
            yield match.start(), end - trailing_marks(segment.text[match.start() : end])


def find_url_credentials(segment: Segment) -> Iterator[tuple[int, int]]:
    """User and password in any other address: these two only."""
    for match in _credentials(segment):
        if not _is_store(match.group(1)):
            yield match.start(2), match.end(3)


def _is_store(scheme: str) -> bool:
    return _STORE.fullmatch(scheme) is not None


def _credentials(segment: Segment) -> Iterator[re.Match[str]]:
    for match in segment.matches(_USERINFO):
        user, password = match.group(2), match.group(3)
        if not (
            is_sample(user, password) or is_placeholder(password) or password.startswith(("$", "{", "["))
        ):
            yield match


def is_sample(user: str, password: str) -> bool:
    """`user:password`, `USER:PASSWORD`, `test:test`: what manuals write."""
    both = f"{user}{password}".replace("_", "")
    if (both.isalpha() and both.isupper()) or user == password == "test":
        return True
    return bool(_ANY_USER.fullmatch(user) and _ANY_PASSWORD.fullmatch(password))
