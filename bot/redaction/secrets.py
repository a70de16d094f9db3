"""Secrets that a label gives away: `password: ...`, `token=...`, 密码是..."""

from __future__ import annotations

import re
from collections.abc import Iterator

from bot.redaction.entropy import ENDS, is_name, is_placeholder, is_random, is_scrambled
from bot.redaction.lexer import CONTEXT
from bot.redaction.normalise import WIDE
from bot.redaction.segment import Segment

_HUMAN = (
    r"passwords?|passwd|passphrase|passcode|pwd|passwort|kennwort|mot de passe|contraseña|密码|密碼|口令"
    r"|(?:\b|_)pass(?=[\"' \t]{0,2}[:=：])"
)
_MACHINE = (
    r"secret|token|api[ _-]?key|access[ _-]?key|secret[ _-]?key|secret[ _-]?access[ _-]?key|private[ _-]?key|auth[ _-]?key"
    r"|account[ _-]?key|shared[ _-]?access[ _-]?key|encryption[ _-]?key|signing[ _-]?key|master[ _-]?key"
    r"|client[ _-]?secret|credentials?|authorization|密钥|密鑰|秘钥|令牌|私钥"
)
_WHOSE = r"(?: (?:for|of|to|on|at)(?: [\w.@-]{1,20}){1,4}?)?"
_LINK = (
    r"[\"'`\])*】]{0,3}(?: value)?[ \t]{0,2}"
    r"(?::=|=>|->|→|[:：](?:[ \t]{0,3}\n)?|=|\|(?=[ \t])|(?<=[a-z])>(?![ \t=])|\bis\b|\bwas\b|[是为為](?:[ \t]{0,3}\n)?|】"
    r"|(?<=[ \t])-(?=[ \t])|(?<=[\"']),(?=[ \t]?[\"']))[:：]?[ \t]{0,8}"
)
# Between a label and a value without a link: a blank before what can only be a password, nothing behind Chinese.
_NO_LINK = (
    r"(?P<gap>(?<=[a-z])[ \t]{1,2})(?=[!-~]{8})|(?<=[码碼令牌钥鑰匙])[ \t]?(?=[*_\"'`]{0,3}[A-Za-z0-9])"
)
_LABEL = re.compile(
    rf"(?:(?P<password>{_HUMAN})|(?P<token>{_MACHINE})|(?P<key>(?<![A-Za-z])key))"
    rf"(?:{_WHOSE}{_LINK}|{_NO_LINK})[*_]{{0,2}}(?P<quote>[\"'`]?)",
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
_PLAIN = re.compile(
    rf"(?:[^&,;，；。{ENDS}]|&(?![\w.-]{{1,64}}=))*+"
)  # `&name=` begins another field of a form
_QUERY_PART = re.compile(rf"[^&#,;{ENDS}]*+")
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
    marks = ".,;:)]}|\\" + ("*" if segment.text[label.end() - 1] == "*" else "")
    return label.end() + len(segment.text[label.end() : end].rstrip(marks))


_CODE = re.compile(
    r"[A-Za-z_]\w*(?:(?:\.|->|::)[A-Za-z_]\w*)+\Z|[\w.>:-]*[(\[{]|[$%#@&]\{?[A-Za-z_]|https?://|[./~]+/|/[\w.-]+/"
)


_BASE64 = re.compile(r"[A-Za-z0-9+/]{22,}={1,2}")


def _is_secret(label: re.Match[str], before: str, value: str) -> bool:
    if is_placeholder(value) and not value.isdigit():
        return False
    if not value.isascii() or (_CODE.match(value) and not _BASE64.fullmatch(value)):
        return False
    groups = label.groupdict()
    if groups.get("gap"):
        if groups["password"]:
            return all(re.search(p, value) for p in ("[A-Za-z]", "[0-9]", "[!@#$%^&*+=?~](?:.|(?<=.{12}))"))
        return bool(groups["token"]) and len(value) >= 16 and is_token(value)
    if groups["password"] in ("pass", "PASS", "Pass"):
        return _is_password(value) and not is_name(value)
    if groups["password"]:
        return _is_password(value)
    if groups["token"]:
        return is_token(value)
    return not _NO_SECRET_KEY.search(before) and len(value) >= 20 and is_token(value)


def _is_password(value: str) -> bool:
    """At least six characters, with a digit or a mark that no name has; or digits only."""
    if value.isdigit():
        return 4 <= len(value) <= 16
    if len(value) < 6 or not re.search("[A-Za-z]", value):
        return False
    if is_scrambled(value):
        return True
    if re.fullmatch(
        r"(?:\w*_)?(?:password|passwd|pass|pwd|secret|token|key)_?\d?", value, re.IGNORECASE | re.ASCII
    ):
        return False
    return bool(re.search(r"[0-9!@#$%^&*+=?~|\\]", value))


def is_token(value: str) -> bool:
    """Random, or hexadecimal, or a strong password; not a name with a version."""
    if is_scrambled(value):
        return True
    if len(value) < 8 or is_name(value):
        return False
    return is_random(value) or (_is_password(value) and bool(re.search(r"\d", value)))
