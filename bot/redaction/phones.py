"""Telephone numbers: international ones, and national ones of the operator's regions where their shape is clear.

The numbering plans are libphonenumber's metadata (the `phonenumbers` package), read as patterns instead of through
its parser: a match costs microseconds, so that pages full of numbers stay cheap.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise

from phonenumbers import COUNTRY_CODE_TO_REGION_CODE, PhoneMetadata, country_code_for_region

from bot.redaction import labels
from bot.redaction.digits import Window, accept
from bot.redaction.segment import Segment

_TYPES = (
    "fixed_line", "mobile", "toll_free", "premium_rate", "shared_cost", "personal_number", "voip", "uan", "pager",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Plan:
    """A numbering plan: what its national numbers look like, and the digit dialled before them."""

    trunk: str
    number: re.Pattern[str]
    mobile: re.Pattern[str]


@lru_cache(maxsize=256)
def plan(country: int) -> Plan:
    """The plan of a country code, that is of all its regions (44 is also Jersey, 1 also Canada)."""
    numbers: list[str] = []
    mobiles: list[str] = []
    trunk = ""
    for region in COUNTRY_CODE_TO_REGION_CODE[country]:
        if region == "001":
            metadata = PhoneMetadata.metadata_for_nongeo_region(country, None)
        else:
            metadata = PhoneMetadata.metadata_for_region(region, None)
        if metadata is None:
            continue
        trunk = trunk or metadata.national_prefix or ""
        descriptions = [getattr(metadata, name) for name in _TYPES]
        numbers += [
            d.national_number_pattern for d in descriptions if d is not None and d.national_number_pattern
        ]
        if metadata.mobile and metadata.mobile.national_number_pattern:
            mobiles.append(metadata.mobile.national_number_pattern)
    return Plan(trunk, _any_of(numbers), _any_of(mobiles))


def _any_of(patterns: list[str]) -> re.Pattern[str]:
    return re.compile("|".join(f"(?:{pattern})" for pattern in patterns) or r"(?!)")


def _plan_of(region: str) -> Plan:
    code = country_code_for_region(region)
    if not code:
        raise ValueError(
            f"no telephone region is called {region!r}; use two capital letters, such as CN or US"
        )
    return plan(code)


def is_international(digits: str) -> bool:
    """Whether the digits behind a `+` are a number in use: a country code (ITU-T E.164) and a number of its plan."""
    split = _country(digits)
    if not split:
        return False
    country, national = split
    return plan(country).number.fullmatch(national) is not None


def _country(digits: str) -> tuple[int, str] | None:
    for size in (1, 2, 3):
        head = digits[:size]
        if head[:1] != "0" and len(head) == size and int(head) in COUNTRY_CODE_TO_REGION_CODE:
            return int(head), digits[size:]
    return None


def finder(regions: tuple[str, ...]) -> Callable[[Segment], Iterator[tuple[int, int]]]:
    """The rule for these regions (ISO 3166 codes)."""
    plans = tuple(_plan_of(region) for region in dict.fromkeys(regions))
    north_america = "US" in regions or "CA" in regions

    def test(segment: Segment, window: Window) -> tuple[int, int] | None:
        if window.tight_left:
            return None
        shape = _Shape(segment, window, plans)
        if window.plus:
            found = shape.is_plus()
        else:
            found = (
                ("CN" in regions and shape.is_chinese())
                or (north_america and shape.is_north_american())
                or shape.is_national()
                or shape.is_exit_code()
                or shape.is_labelled()
            ) and shape.is_free()
        return (max(window.start, segment.start), window.end) if found else None

    return lambda segment: accept(segment, range(7, 16), test)


class _Shape:
    """One window, held against each way of writing a number."""

    __slots__ = ("digits", "plans", "segment", "sizes", "window")

    def __init__(self, segment: Segment, window: Window, plans: tuple[Plan, ...]) -> None:
        self.segment = segment
        self.window = window
        self.plans = plans
        self.digits = window.digits
        self.sizes = window.sizes

    @property
    def labelled(self) -> bool:
        return self.segment.follows(labels.PHONE, self.window.start)

    @property
    def closely_labelled(self) -> bool:
        return self.segment.follows(labels.PHONE_CLOSE, self.window.start)

    def is_free(self) -> bool:
        """Not a part of something longer, and not called the number of a thing; in an address only with a label."""
        window = self.window
        if window.tight_right and not self._has_extension():
            return False
        if window.touches_right and not self._has_x():
            return False
        if window.prefixed or window.in_url or window.touches_left:
            return self.closely_labelled
        return self.labelled or not self.segment.follows(labels.THING, window.first)

    def _has_extension(self) -> bool:
        tail = self.segment.text[self.window.end : self.segment.end]
        return self.digits[0] == "0" and bool(re.match(r"-\d{1,5}(?![\w-])", tail))

    def _has_x(self) -> bool:
        return bool(re.match(r"x\d{1,5}(?!\w)", self.segment.text[self.window.end : self.segment.end]))

    def is_plus(self) -> bool:
        """`+` and a number in use; or grouped like one, with a right country code and an ordinary length."""
        window = self.window
        if window.touches_left or window.touches_right or window.tight_right:
            return False
        written = self.segment.text[window.start : window.end]
        digits = re.sub(r"\D", "", written.replace("(0)", ""))
        if is_international(digits):
            return True
        return (
            10 <= len(digits) <= 13
            and _country(digits) is not None
            and (len(self.sizes) > 1 or self.labelled)
        )

    def is_chinese(self) -> bool:
        """A mobile number (MIIT numbering plan: 1[3-9] and nine digits), a 400 number, or a landline."""
        digits, sizes = self.digits, self.sizes
        if len(digits) == 13 and digits.startswith("86"):
            digits, sizes = digits[2:], sizes[1:] if sizes[0] == 2 else sizes
        if _CN_MOBILE.fullmatch(digits):
            return sizes in _CN_MOBILE_GROUPS or len(sizes) == len(self.digits) or self.labelled
        if sizes in ((3, 3, 4), (3, 4, 3)) and digits.startswith(("400", "800")):
            return self.window.one_separator
        return False

    def is_north_american(self) -> bool:
        """3-3-4, with or without a 1 before it (NANP, ATIS-0300051); 555 is kept for examples and counts as an area."""
        window, digits, sizes = self.window, self.digits, self.sizes
        if sizes[0] == 1 and digits[0] == "1":
            digits, sizes = digits[1:], sizes[1:]
        if sizes not in ((3, 3, 4), (3, 7)) or digits[0] in "01":
            return False
        if ")" in window.separators[len(self.sizes) - len(sizes)]:
            return True
        if sizes == (3, 7):
            return False
        marks = {separator.strip() for separator in window.separators}
        if {".", "-"} <= marks:
            return False
        if any(p.number.fullmatch(digits) for p in self.plans if p.trunk == "1"):
            return True
        return "" not in marks and window.free and "555" in (digits[:3], digits[3:6])

    def is_national(self) -> bool:
        """With the trunk digit 0: in groups and in use in one of the regions; in one group if it is a mobile's."""
        window, digits, sizes = self.window, self.digits, self.sizes
        if digits[0] != "0" or digits[1] == "0" or not 9 <= len(digits) <= 12:
            return False
        plans = [p for p in self.plans if p.trunk == "0"]
        if len(sizes) == 1:
            return any(p.mobile.fullmatch(digits[1:]) for p in plans)
        if not 2 <= sizes[0] <= 5 or sizes[-1] < 2 or len(sizes) > 5 or _counts_up(self.window):
            return False
        if len(set(sizes)) == 1 and not self.window.alone:
            return False
        if sizes[0] == 2 and not (window.alone and len(digits) == 10):
            return False
        if sizes == (5, 4) and window.separators == ["-"]:  # a US ZIP+4 code
            return False
        return any(p.number.fullmatch(digits[1:]) for p in plans)

    def is_exit_code(self) -> bool:
        """00 and a number in use (the international prefix of ITU-T E.164) of one of the regions, or labelled."""
        digits = self.digits
        if not digits.startswith("00") or len(digits) < 11 or not is_international(digits[2:]):
            return False
        split = _country(digits[2:])
        return self.labelled or (split is not None and plan(split[0]) in self.plans)

    def is_labelled(self) -> bool:
        """Called a telephone number, and one in a region, with or without its trunk digit, or local."""
        digits = self.digits
        if (len(self.sizes) > 5 and set(self.sizes) != {1}) or not self.labelled:
            return False
        if len(digits) in (7, 8) and digits[0] not in "01" and not _YEARS.fullmatch(digits):
            return self.closely_labelled
        for p in self.plans:
            national = digits.removeprefix(p.trunk) if p.trunk else digits
            if len(national) >= 9 and (p.number.fullmatch(digits) or p.number.fullmatch(national)):
                return True
        return len(digits) >= 11 and is_international(digits)


_YEARS = re.compile(r"(?:(?:19|20)\d\d){2}")
_CN_MOBILE = re.compile(r"1[3-9]\d{9}")
_CN_MOBILE_GROUPS = {(11,), (3, 4, 4), (3, 8), (7, 4), (3, 3, 5), (3, 4, 2, 2), (13,)}


def _counts_up(window: Window) -> bool:
    """An enumeration such as 01 02 03 04 05."""
    if len(set(window.sizes)) > 1:
        return False
    size = window.sizes[0]
    numbers = [int(window.digits[index : index + size]) for index in range(0, len(window.digits), size)]
    return len(numbers) > 2 and all(b - a == 1 for a, b in pairwise(numbers))
