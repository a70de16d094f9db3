"""Tokens and keys that tell by their shape, or by the HTTP header they stand in: JSON Web Tokens, credentials, cloud keys."""

from __future__ import annotations

import re
from base64 import b64decode
from binascii import Error as Base64Error
from collections.abc import Iterator

from bot.redaction.entropy import ENDS, is_mixed, is_placeholder, is_random, trailing_marks
from bot.redaction.lexer import CONTEXT
from bot.redaction.secrets import is_token
from bot.redaction.segment import Segment
from bot.redaction.urls import is_sample

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
            yield match.start(), match.end() - trailing_marks(match.group())


_BEARER = re.compile(
    r"\b(?:bearer|token)[ \t]{1,2}(?P<quote>)([A-Za-z0-9_\-.~+/=]{16,}+)", re.IGNORECASE | re.ASCII
)
_BASIC = re.compile(
    r"\bbasic[ \t]{1,2}([A-Za-z0-9+/]{8,400}={0,2})(?![A-Za-z0-9+/=])", re.IGNORECASE | re.ASCII
)
_USER_FLAG = re.compile(rf"(?<!\S)(?:-u|--user)[ \t=]{{1,2}}[\"']?([^:{ENDS}]{{1,64}}:[^{ENDS}]{{3,128}})")


def find_http_credentials(segment: Segment) -> Iterator[tuple[int, int]]:
    """`Authorization: Bearer` (RFC 6750) and `Basic` (RFC 7617), and `curl -u user:password`."""
    start = max(0, segment.start - CONTEXT)
    for pattern, is_credential in ((_BEARER, is_token), (_BASIC, _is_basic), (_USER_FLAG, _is_user)):
        for match in pattern.finditer(segment.text, start, segment.end):
            value = match.group(match.lastindex or 0)
            begin = match.start(match.lastindex or 0)
            if begin >= segment.start and not is_placeholder(value) and is_credential(value):
                yield begin, begin + len(value.rstrip(".,;:)]}"))


def _is_basic(value: str) -> bool:
    try:
        user, colon, password = b64decode(value + "=" * (-len(value) % 4)).decode().partition(":")
    except (Base64Error, UnicodeDecodeError):
        return False
    return bool(colon) and (user + password).isprintable()


def _is_user(value: str) -> bool:
    user, _, password = value.partition(":")
    return not is_sample(user, password) and not password.startswith(("$", "{", "<", "[", "//"))


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
