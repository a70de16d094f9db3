"""Mail addresses, IP addresses and bank accounts."""

from __future__ import annotations

import re
from collections.abc import Iterator
from ipaddress import AddressValueError, IPv4Address, IPv6Address

from stdnum import iban
from stdnum.exceptions import ValidationError

from bot.redaction import labels
from bot.redaction.normalise import WIDE, is_word_character
from bot.redaction.segment import Segment

# The characters of an address's local part that people use (RFC 5322 dot-atom, without those that are markup or
# separators in chat). 64 is its length limit, 253 that of a domain (RFC 5321 4.5.3.1).
_LOCAL = "._%+-'&~"
_AT = re.compile(r"@|\(at\)|\[at\]|\{at\}", re.IGNORECASE)
_DOT = r"(?:\.|[(\[{][dD][oO][tT][)\]}])"
_LABEL = rf"[^\W_{WIDE}](?:[^\W{WIDE}]|-){{0,62}}"
# Without IGNORECASE: it would take the Kelvin sign, which is wide, for a k.
_DOMAIN = re.compile(
    rf"(?:{_LABEL}{_DOT}){{1,8}}(?:[xX][nN]--[A-Za-z0-9-]{{2,59}}|[^\W\d_{WIDE}]{{2,24}})(?![\w@])"
)
# What looks like a top-level domain behind a name with @ but is a file's type, and is no domain (IANA root zone).
_FILE_TYPE = re.compile(
    r".*[.)\]}](?:png|jpe?g|gif|svg|webp|bmp|ico|[jt]sx?|mjs|vue|s?css|json|xml|ya?ml|toml|html?|txt|log|cfg|conf|ini|lock"
    r"|exe|dll|tar|gz|bz|java|class|jar)",
    re.IGNORECASE,
)


def find_emails(segment: Segment) -> Iterator[tuple[int, int]]:
    """Mail addresses, also with (at) and (dot) in place of the marks; not `git@host:path`, not `logo@2x.png`."""
    text, done = segment.text, segment.start
    for at in segment.matches(_AT):
        start = _local_start(text, max(done, at.start() - 65, segment.start), at.start())
        domain = _DOMAIN.match(text, at.end(), min(segment.end, at.end() + 254))
        if (
            start == at.start()
            or at.start() - start > 64
            or not domain
            or segment.follows(labels.USER_IN_URL, start)
        ):
            continue
        behind = text[domain.end() : domain.end() + 1]
        if _FILE_TYPE.fullmatch(domain.group()) or _is_remote(text[start : at.start()], behind):
            continue
        yield start, domain.end()
        done = domain.end()


def _local_start(text: str, floor: int, end: int) -> int:
    start = end
    while start > floor and (text[start - 1] in _LOCAL or is_word_character(text[start - 1])):
        start -= 1
    while start < end and text[start] in _LOCAL:
        start += 1
    return start


def _is_remote(local: str, after: str) -> bool:
    """`git@github.com:owner/name`, the address of a repository."""
    return local == "git" and after in (":", "/")


_IPV4 = re.compile(r"(?<![\w.])(?:\d{1,3}\.){3}\d{1,3}(?![\w]|\.\d)", re.ASCII)
_IPV6 = re.compile(
    r"(?<![\w.])(?<![\w:]:)(?=[0-9a-f]|::)(?:[0-9a-f]{0,4}:){2,7}(?:(?:\d{1,3}\.){3}\d{1,3}|[0-9a-f]{1,4}|(?<=::))(?![\w:]|\.\d)",
    re.IGNORECASE | re.ASCII,
)


def find_ips(segment: Segment) -> Iterator[tuple[int, int]]:
    """IP addresses of both versions that name a host (not loopback, not `::`, no mask of a network)."""
    for match in segment.matches(_IPV4):
        if _is_host(IPv4Address, match.group()) and not segment.follows(labels.VERSION, match.start()):
            yield match.span()
    if ":" in segment.body:
        for match in segment.matches(_IPV6):
            if any(map(str.isdigit, match.group())) and _is_host(IPv6Address, match.group()):
                yield match.span()


def _is_host(family: type[IPv4Address | IPv6Address], written: str) -> bool:
    try:
        address = family(written)
    except AddressValueError:
        return False
    return not (address.is_loopback or address.is_unspecified or written.startswith("255."))


_IBAN_START = re.compile(r"(?<![A-Za-z0-9])[A-Za-z]{2}\d{2}[ -]?[A-Za-z0-9]{4}")
_IBAN = (
    re.compile(r"[A-Za-z]{2}\d{2}[A-Za-z0-9]{11,30}(?![A-Za-z0-9])"),
    re.compile(r"[A-Za-z]{2}\d{2}(?:[ -]?[A-Za-z0-9]{1,4}){3,8}(?![A-Za-z0-9])"),
)


def find_ibans(segment: Segment) -> Iterator[tuple[int, int]]:
    """International bank account numbers (ISO 13616): the country's own structure and the check digits must be right."""
    for begin in segment.matches(_IBAN_START):
        for pattern in _IBAN:
            match = pattern.match(segment.text, begin.start(), segment.end)
            end = _iban_end(match.group()) if match else 0
            if end:
                yield begin.start(), begin.start() + end
                break


def _iban_end(written: str) -> int:
    """How many characters of what is written are an IBAN: all, or up to one of its last gaps."""
    ends = [len(written), *(m.start() for m in reversed(list(re.finditer("[ -]", written))))]
    for end in ends[:4]:
        candidate = re.sub("[ -]", "", written[:end])
        if candidate.upper() != candidate and candidate.lower() != candidate:
            continue
        if _is_iban(candidate):
            return end
    return 0


_LETTERS = {ord(letter): str(int(letter, 36)) for letter in "ABCDEFGHIJKLMNOPQRSTUVWXYZ"}


def _is_iban(candidate: str) -> bool:
    number = candidate.upper()
    if (
        int((number[4:] + number[:4]).translate(_LETTERS)) % 97 != 1
    ):  # ISO 7064, MOD 97-10: cheaper than the rest
        return False
    try:
        iban.validate(candidate, check_country=False)
    except ValidationError:
        return False
    return True
