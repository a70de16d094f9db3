"""Secrets that a label or an address gives away: passwords in URLs, JSON Web Tokens, `password: ...`, `token=...`."""

from __future__ import annotations

import re
from base64 import b64decode
from binascii import Error as Base64Error
from collections.abc import Iterator

from bot.redaction.entropy import is_mixed, is_name, is_placeholder, is_random
from bot.redaction.lexer import CONTEXT
from bot.redaction.normalise import WIDE
from bot.redaction.segment import Segment

_ENDS = rf"\s\"'`<>{WIDE}"
# RFC 3986 3.2.1: user and password stand before the last @ of the authority.
_USERINFO = re.compile(
    rf"(?<![A-Za-z0-9])([A-Za-z][A-Za-z0-9+._-]{{1,24}})://([^:/?#@{_ENDS}]{{0,128}}):([^/{_ENDS}]{{1,256}})@(?=[\w\[])"
)
_REST_OF_URL = re.compile(rf"[^{_ENDS}]*+")
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
            yield match.start(), end - _trailing(segment.text[match.start() : end])


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
            _is_sample(user, password) or is_placeholder(password) or password.startswith(("$", "{", "["))
        ):
            yield match


def _is_sample(user: str, password: str) -> bool:
    """`user:password`, `USER:PASSWORD`, `test:test`: what manuals write."""
    both = f"{user}{password}".replace("_", "")
    if (both.isalpha() and both.isupper()) or user == password == "test":
        return True
    return bool(_ANY_USER.fullmatch(user) and _ANY_PASSWORD.fullmatch(password))


def _trailing(written: str) -> int:
    return len(written) - len(written.rstrip(".,;:!?)]}"))


# RFC 7519; every JOSE header begins with {" and so with eyJ.
_JWT = re.compile(r"(?<![A-Za-z0-9_-])eyJ[A-Za-z0-9_-]{8,}+((?:\.[A-Za-z0-9_-]*+){0,4})")
_LONG_HEADER = 700


def find_jwts(segment: Segment) -> Iterator[tuple[int, int]]:
    """JSON Web Tokens, signed, encrypted or with the signature not there yet; also other signed tokens of JSON."""
    for match in segment.matches(_JWT):
        parts = match.group(1).split(".")[1:]
        token = (
            (parts and parts[0].startswith("eyJ") and len(parts[0]) >= 8)
            or (len(parts) >= 2 and len(parts[-1]) >= 20)
            or (not parts and match.end() - match.start() >= _LONG_HEADER)
        )
        if token:
            yield match.start(), match.end() - _trailing(match.group())


_HUMAN = r"passwords?|passwd|passphrase|passcode|pwd|passwort|kennwort|mot de passe|contraseña|密码|密碼|口令"
_MACHINE = (
    r"secret|token|api[ _-]?key|access[ _-]?key|secret[ _-]?key|secret[ _-]?access[ _-]?key|private[ _-]?key|auth[ _-]?key"
    r"|account[ _-]?key|shared[ _-]?access[ _-]?key|encryption[ _-]?key|signing[ _-]?key|master[ _-]?key"
    r"|client[ _-]?secret|credentials?|authorization|密钥|密鑰|秘钥|令牌|私钥"
)
_WHOSE = r"(?: (?:for|of|to|on|at)(?: [\w.@-]{1,20}){1,4}?)?"
_LINK = (
    r"[\"'`\])*]{0,3}(?: value)?[ \t]{0,2}"
    r"(?::=|=>|->|→|[:：](?:[ \t]{0,3}\n)?|=|\||>|\bis\b|\bwas\b|[是为為](?:[ \t]{0,3}\n)?)[ \t]{0,8}"
)
_LABEL = re.compile(
    rf"(?:(?P<password>{_HUMAN})|(?P<token>{_MACHINE})|(?P<key>(?<![A-Za-z])key))"
    rf"(?:{_WHOSE}{_LINK}|(?<=[码碼令钥鑰])[ \t]?(?=[*_\"'`]{{0,3}}[A-Za-z0-9]))[*_]{{0,2}}(?P<quote>[\"'`]?)",
    re.IGNORECASE | re.ASCII,
)
_FLAG = re.compile(
    rf"(?<!\S)--[\w-]{{0,20}}?(?:(?P<password>{_HUMAN})|(?P<token>{_MACHINE}))[ \t](?P<quote>[\"']?)"
)
_QUERY = re.compile(r"[?&][\w.-]*\Z")
_NO_SECRET_KEY = re.compile(
    r"(?:public|primary|foreign|cache|partition|sort|idempotency|row|host|unique)[ _-]?\Z",
    re.IGNORECASE | re.ASCII,
)
_PLAIN = re.compile(rf"[^,;，；。{_ENDS}]*+")
_QUERY_PART = re.compile(rf"[^&#,;{_ENDS}]*+")
_QUOTED = {quote: re.compile(rf"[^\s{quote}{WIDE}]*+") for quote in "\"'`"}
LABEL_HINTS = (
    "pass",
    "pwd",
    "secret",
    "token",
    "key",
    "credential",
    "kennwort",
    "contrase",
    "密",
    "口令",
    "令牌",
    "钥",
    "鑰",
)


def find_labelled_secrets(segment: Segment) -> Iterator[tuple[int, int]]:
    """What stands behind `password:`, `token=`, `api_key`, 密码 and the like, if it looks like a secret.

    It does not if it is a word, a name in a program, a path, or the place for one.
    """
    start = max(0, segment.start - CONTEXT)
    for pattern in (_LABEL, _FLAG):
        for label in pattern.finditer(segment.text, start, segment.end):
            if segment.start <= label.end() < segment.end:
                end = _value_end(segment, label)
                value = segment.text[label.end() : end]
                if _is_secret(label, segment.text[max(0, label.start() - 16) : label.start()], value):
                    yield label.end(), end


def _value_end(segment: Segment, label: re.Match[str]) -> int:
    pattern = _QUOTED[label["quote"]] if label["quote"] else _PLAIN
    if not label["quote"] and _QUERY.search(segment.before(label.start())):
        pattern = _QUERY_PART
    match = pattern.match(segment.text, label.end(), segment.end)
    end = match.end() if match else label.end()
    if label["quote"]:
        return end
    return label.end() + len(segment.text[label.end() : end].rstrip(".,;:?)]}*|/\\"))


_CODE = re.compile(
    r"[A-Za-z_]\w*(?:(?:\.|->|::)[A-Za-z_]\w*)+\Z|[\w.>:-]*[(\[{]|[$%#@&]\{?[A-Za-z_]|https?://|[./~]+/|/[\w.-]+/"
)


def _is_secret(label: re.Match[str], before: str, value: str) -> bool:
    if is_placeholder(value) and not value.isdigit():
        return False
    if _CODE.match(value) or not value.isascii():
        return False
    groups = label.groupdict()
    if groups["password"]:
        return _is_password(value)
    if groups["token"]:
        return _is_token(value)
    return not _NO_SECRET_KEY.search(before) and len(value) >= 20 and _is_token(value)


def _is_password(value: str) -> bool:
    """At least six characters, with a digit or a mark that no name has; or digits only."""
    if value.isdigit():
        return 4 <= len(value) <= 16
    if len(value) < 6 or not re.search("[A-Za-z]", value):
        return False
    if re.fullmatch(
        r"(?:\w*_)?(?:password|passwd|pass|pwd|secret|token|key)_?\d?", value, re.IGNORECASE | re.ASCII
    ):
        return False
    return bool(re.search(r"[0-9!@#$%^&*+=?~|\\]", value))


def _is_token(value: str) -> bool:
    """Random, or hexadecimal, or a strong password; not a name with a version."""
    if len(value) < 8 or is_name(value):
        return False
    return is_random(value) or (_is_password(value) and bool(re.search(r"\d", value)))


_BEARER = re.compile(
    r"\b(?:bearer|token)[ \t]{1,2}(?P<quote>)([A-Za-z0-9_\-.~+/=]{16,}+)", re.IGNORECASE | re.ASCII
)
_BASIC = re.compile(
    r"\bbasic[ \t]{1,2}([A-Za-z0-9+/]{8,400}={0,2})(?![A-Za-z0-9+/=])", re.IGNORECASE | re.ASCII
)
_USER_FLAG = re.compile(rf"(?<!\S)(?:-u|--user)[ \t=]{{1,2}}[\"']?([^:{_ENDS}]{{1,64}}:[^{_ENDS}]{{3,128}})")


def find_http_credentials(segment: Segment) -> Iterator[tuple[int, int]]:
    """`Authorization: Bearer` (RFC 6750) and `Basic` (RFC 7617), and `curl -u user:password`."""
    start = max(0, segment.start - CONTEXT)
    for pattern, is_credential in ((_BEARER, _is_token), (_BASIC, _is_basic), (_USER_FLAG, _is_user)):
        for match in pattern.finditer(segment.text, start, segment.end):
            value = match.group(match.lastindex or 0)
            begin = match.start(match.lastindex or 0)
            if begin >= segment.start and not is_placeholder(value) and is_credential(value):
                yield begin, match.end() - _trailing(value)


def _is_basic(value: str) -> bool:
    try:
        user, colon, password = b64decode(value + "=" * (-len(value) % 4)).decode().partition(":")
    except (Base64Error, UnicodeDecodeError):
        return False
    return bool(colon) and (user + password).isprintable()


def _is_user(value: str) -> bool:
    user, _, password = value.partition(":")
    return not _is_sample(user, password) and not password.startswith(("$", "{", "<", "[", "//"))


_AWS_SECRET = re.compile(r"(?<![A-Za-z0-9/+=_.-])[A-Za-z0-9/+]{40}(?![A-Za-z0-9/+=_-])")
_AZURE = re.compile(
    r"(?:AccountKey|SharedAccessKey|[?&;]sig)=([A-Za-z0-9+/%]{40,120}={0,2})", re.IGNORECASE | re.ASCII
)


def find_cloud_secrets(segment: Segment) -> Iterator[tuple[int, int]]:
    """AWS secret access keys (IAM: 40 characters of base64) and Azure storage keys and shared access signatures."""
    for match in segment.matches(_AWS_SECRET):
        near = "aws" in segment.lead or "akia" in segment.lead or "secret" in segment.lead
        if is_mixed(match.group()) or (near and re.search(r"\d", match.group()) and is_random(match.group())):
            yield match.span()
    for match in segment.matches(_AZURE):
        yield match.span(1)
