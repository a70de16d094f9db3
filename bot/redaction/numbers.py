"""Payment cards, Chinese identity numbers and US social security numbers."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date
from functools import lru_cache

from bot.redaction import labels
from bot.redaction.digits import Window, accept
from bot.redaction.normalise import is_word_character
from bot.redaction.segment import Segment

# Issuers (ISO/IEC 7812, as published by each scheme): first and last prefix, lengths in use, and lengths that are
# rare enough to be believed only behind a label such as "card".
_ISSUERS: tuple[tuple[int, int, tuple[int, ...], tuple[int, ...]], ...] = (
    (34, 34, (15,), ()),  # American Express
    (37, 37, (15,), ()),
    (4, 4, (16,), (13, 19)),  # Visa
    (51, 55, (16,), ()),  # Mastercard
    (2221, 2720, (16,), ()),
    (62, 62, (16, 19), (17, 18)),  # UnionPay
    (6011, 6011, (16,), (19,)),  # Discover
    (644, 649, (16,), (19,)),
    (65, 65, (16,), (19,)),
    (3528, 3589, (16,), (17, 18, 19)),  # JCB
    (300, 305, (14,), (16, 19)),  # Diners Club
    (36, 36, (14,), (16, 19)),
    (38, 39, (14,), (16, 19)),
    (2200, 2204, (16,), (17, 18, 19)),  # Mir
    (5019, 5019, (16,), ()),  # Dankort
    (5018, 5018, (16,), (12, 13, 14, 15, 17, 18, 19)),  # Maestro
    (5020, 5020, (16,), (12, 13, 14, 15, 17, 18, 19)),
    (5038, 5038, (16,), (12, 13, 14, 15, 17, 18, 19)),
    (5893, 5893, (16,), (12, 13, 14, 15, 17, 18, 19)),
    (6304, 6304, (16,), (12, 13, 14, 15, 17, 18, 19)),
    (6759, 6763, (16,), (12, 13, 14, 15, 17, 18, 19)),
    (60, 60, (16,), ()),  # RuPay
    (81, 82, (16,), ()),
    (508, 508, (16,), ()),
    (9792, 9792, (16,), ()),  # Troy
)
_CARD_GROUPS = {(4, 6, 5), (4, 6, 4), (6, 13), (6, 10), (4, 4, 4, 4, 3)}


def find_cards(segment: Segment) -> Iterator[tuple[int, int]]:
    """Numbers with a known issuer's prefix and length and a right Luhn digit (ISO/IEC 7812-1, annex B)."""
    return accept(segment, range(12, 20), _card)


def _card(segment: Segment, window: Window) -> tuple[int, int] | None:
    digits = window.digits
    issued = _issued(digits)
    if not issued or not luhn(digits) or not window.free or window.plus:
        return None
    if max(window.sizes) == 2 and not window.alone:
        return None
    if not (window.even or (window.sizes in _CARD_GROUPS and window.one_separator)):
        return None
    if issued == "rare" or window.prefixed or window.in_url:
        return (window.first, window.end) if segment.follows(labels.CARD, window.first) else None
    if len(window.sizes) == 1 and segment.follows(labels.THING, window.first):
        return (window.first, window.end) if segment.follows(labels.CARD, window.first) else None
    return window.first, window.end


def _issued(digits: str) -> str:
    """`usual`, `rare` or nothing: whether an issuer has numbers of this prefix and length."""
    for usual, rare in _lengths(digits[:4]):
        if len(digits) in usual:
            return "usual"
        if len(digits) in rare:
            return "rare"
    return ""


@lru_cache(maxsize=10_000)
def _lengths(prefix: str) -> list[tuple[tuple[int, ...], tuple[int, ...]]]:
    """The usual and the rare lengths of the issuers with this prefix of four digits."""
    return [row[2:] for row in _ISSUERS if row[0] <= int(prefix[: len(str(row[0]))]) <= row[1]]


def luhn(digits: str) -> bool:
    """Whether the last digit is the Luhn check digit of the others."""
    total = sum(map(int, digits[-1::-2]))
    total += sum((0, 2, 4, 6, 8, 1, 3, 5, 7, 9)[int(digit)] for digit in digits[-2::-2])
    return total % 10 == 0


# The first two digits (GB/T 2260); provinces, unlike districts, do not change.
_PROVINCES = {
    str(code)
    for codes in ((11, 16), (21, 24), (31, 38), (41, 47), (50, 55), (61, 66), (71, 72), (81, 84))
    for code in range(*codes)
}
_CHECK_X = re.compile(r"[ \t-]?[xX]")


def find_cn_ids(segment: Segment) -> Iterator[tuple[int, int]]:
    """Chinese citizen identity numbers (GB 11643-1999): 18 characters, a real birth date, and the check digit.

    The region is not looked up: published tables lack districts in use. The old form of 15 digits has no check
    digit and is believed only behind a label.
    """
    return accept(segment, (15, 17, 18), _cn_id)


def _cn_id(segment: Segment, window: Window) -> tuple[int, int] | None:
    digits = window.digits
    born = "19" + digits[6:12] if len(digits) == 15 else digits[6:14]
    if not _is_birth_date(born) or digits[0] == "0":
        return None
    if window.plus or window.tight_left or window.touches_left:
        return None
    if len(digits) == 17:
        return _cn_id_with_x(segment, window)
    if window.tight_right or window.touches_right:
        return None
    if len(digits) == 15:
        certain = digits[:2] in _PROVINCES and segment.follows(labels.ID_CARD_CN, window.first)
    else:
        certain = cn_check(digits[:17]) == digits[17]
    return (window.first, window.end) if certain else None


def _cn_id_with_x(segment: Segment, window: Window) -> tuple[int, int] | None:
    match = _CHECK_X.match(segment.text, window.end, segment.end)
    if not match or (len(match.group()) > 1 and len(window.sizes) == 1):
        return None
    end = match.end()
    if end < len(segment.text) and is_word_character(segment.text[end]):
        return None
    return (window.first, end) if cn_check(window.digits) == "X" else None


def cn_check(first_17: str) -> str:
    """The check character of GB 11643-1999 (ISO 7064, MOD 11-2)."""
    total = 0
    for digit in first_17:
        total = (total + int(digit)) * 2 % 11
    return "0123456789X"[(12 - total) % 11]


def _is_birth_date(digits: str) -> bool:
    year, month, day = int(digits[:4]), int(digits[4:6]), int(digits[6:])
    if not 1880 <= year <= 2099:
        return False
    try:
        date(year, month, day)
    except ValueError:
        return False
    return True


_SSN_GROUPS = {(3, 2, 4), (9,), (1,) * 9}


def find_ssns(segment: Segment) -> Iterator[tuple[int, int]]:
    """US social security numbers (SSA, "SSN randomization": areas 000, 666 and 900-999, group 00 and serial 0000
    are never given), in groups of 3-2-4, or behind a label."""
    return accept(segment, (9,), _ssn)


def _ssn(segment: Segment, window: Window) -> tuple[int, int] | None:
    digits = window.digits
    if not window.free or window.plus:
        return None
    if digits[0] == "9" or digits[:3] in ("000", "666") or digits[3:5] == "00" or digits[5:] == "0000":
        return None
    marked = {separator.strip(" \t") for separator in window.separators}
    shaped = window.sizes == (3, 2, 4) and marked in ({"-"}, {""}, {"."}) and not window.prefixed
    named = window.sizes in _SSN_GROUPS and segment.follows(labels.SSN, window.first)
    if named or (shaped and not segment.follows(labels.THING, window.first)):
        return window.first, window.end
    return None
