"""Numbers with a check digit: payment cards, Chinese resident ids, US social security numbers, bank accounts.

Sources: ISO/IEC 7812 with the schemes' published ranges, GB 11643, the US Social Security Administration, and the IBAN registry
(ISO 13616: each country's structure).
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from random import Random

from tests.corpus.case import DIGITS, UPPER, Names, Shape, Value, some

CARD = Names(
    ("card", "credit card", "Visa card", "card number", "debit card"),
    ("银行卡", "信用卡号", "卡号", "储蓄卡号"),
    ("card_number", "pan", "cardNumber", "cc"),
)
CN_ID = Names(
    ("Chinese ID", "resident ID", "ID card number"),
    ("身份证", "身份证号", "证件号码", "身份证号码"),
    ("id_card", "idNo", "cert_no"),
)
SSN = Names(("SSN", "social security number"), ("社会安全号", "SSN"), ("ssn", "social_security_number"))
IBAN = Names(
    ("IBAN", "account", "bank account"), ("账号", "收款账号", "IBAN"), ("iban", "account", "creditor_iban")
)

# Scheme, first digits, length, groups.
CARDS = (
    ("Visa", ("4",), 16, (4, 4, 4, 4)), ("Mastercard", ("51", "52", "53", "54", "55"), 16, (4, 4, 4, 4)),
    ("Mastercard, 2 series", ("2221", "2300", "2500", "2720"), 16, (4, 4, 4, 4)), ("American Express", ("34", "37"), 15, (4, 6, 5)),
    ("UnionPay, 19", ("620", "621", "622", "623"), 19, (4, 4, 4, 4, 3)), ("UnionPay, 16", ("622", "625", "628"), 16, (4, 4, 4, 4)),
    ("Discover", ("6011", "644", "65"), 16, (4, 4, 4, 4)), ("JCB", ("3528", "3560", "3589"), 16, (4, 4, 4, 4)),
    ("Diners Club", ("300", "305", "36", "38"), 14, (4, 6, 4)), ("Mir", ("2200", "2204"), 16, (4, 4, 4, 4)),
    ("RuPay", ("6521", "8172", "508"), 16, (4, 4, 4, 4)), ("Maestro", ("5018", "6304", "6759"), 16, (4, 4, 4, 4)),
)  # fmt: skip


def luhn_digit(body: str) -> str:
    total = 0
    for place, digit in enumerate(reversed(body)):
        doubled = int(digit) * (2 if place % 2 == 0 else 1)
        total += doubled - 9 if doubled > 9 else doubled
    return str(-total % 10)


def grouped(digits: str, sizes: tuple[int, ...], mark: str) -> str:
    groups, start = [], 0
    for size in sizes:
        groups.append(digits[start : start + size])
        start += size
    return mark.join(groups)


def card(random: Random, prefixes: tuple[str, ...], length: int) -> str:
    head = random.choice(prefixes)
    body = head + some(random, DIGITS, length - 1 - len(head))
    return body + luhn_digit(body)


def _card(name: str, prefixes: tuple[str, ...], length: int, sizes: tuple[int, ...]) -> Shape:
    def make(random: Random) -> Value:
        digits = card(random, prefixes, length)
        return Value(
            random.choice((digits, *(grouped(digits, sizes, mark) for mark in (" ", " ", "-", "."))))
        )

    return Shape("card", name, make, CARD, "number")


def _birthday(random: Random) -> date:
    return date(1940, 1, 1) + timedelta(days=random.randrange(365 * 68))


PROVINCES = (
    "11",
    "12",
    "13",
    "31",
    "32",
    "33",
    "35",
    "37",
    "41",
    "42",
    "43",
    "44",
    "50",
    "51",
    "61",
    "65",
    "81",
)


def cn_id(random: Random) -> str:
    """18 characters; the district is any, as new ones are made."""
    area = random.choice(PROVINCES) + f"{random.randint(1, 30):02}{random.randint(1, 30):02}"
    body = f"{area}{_birthday(random):%Y%m%d}{some(random, DIGITS, 3)}"
    weights = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
    return body + "10X98765432"[sum(w * int(d) for w, d in zip(weights, body, strict=True)) % 11]


def _cn_id(random: Random) -> Value:
    number = cn_id(random)
    return Value(number.lower() if random.random() < 0.3 else number)


def _cn_id_spaced(random: Random) -> Value:
    return Value(grouped(cn_id(random), random.choice(((6, 8, 4), (6, 4, 4, 4))), random.choice((" ", "-"))))


def _cn_id_15(random: Random) -> Value:
    area = random.choice(PROVINCES) + f"{random.randint(1, 30):02}{random.randint(1, 30):02}"
    return Value(f"{area}{_birthday(random):%y%m%d}{some(random, DIGITS, 3)}")


def _ssn(random: Random, mark: str) -> Value:
    area = random.choice([area for area in range(1, 900) if area != 666])
    return Value(f"{area:03}{mark}{random.randint(1, 99):02}{mark}{random.randint(1, 9999):04}")


# The structure of the part behind the check digits: n digits, a capitals, c either (IBAN registry).
IBANS = {
    "AT": "16n", "BE": "12n", "BG": "4a6n8c", "CH": "5n12c", "CY": "8n16c", "CZ": "20n", "DE": "18n", "DK": "14n", "EE": "16n",
    "ES": "20n", "FI": "14n", "FR": "10n11c2n", "GB": "4a14n", "GI": "4a15c", "GR": "7n16c", "HR": "17n", "HU": "24n", "IE": "4a14n",
    "IL": "19n", "IT": "1a10n12c", "LT": "16n", "LU": "3n13c", "LV": "4a13c", "MT": "4a5n18c", "NL": "4a10n", "NO": "11n", "PL": "24n",
    "PT": "21n", "RO": "4a16c", "SA": "2n18c", "SE": "20n", "SI": "15n", "SK": "20n", "TR": "5n1n16c", "AE": "3n16n", "UA": "6n19c",
}  # fmt: skip


def iban(random: Random, country: str) -> str:
    body, size = "", ""
    for mark in IBANS[country]:
        if mark.isdigit():
            size += mark
        else:
            body += some(random, {"n": DIGITS, "a": UPPER, "c": DIGITS + UPPER}[mark], int(size))
            size = ""
    number = "".join(str(int(character, 36)) for character in f"{body}{country}00")
    return f"{country}{98 - int(number) % 97:02}{body}"


def _iban(written: Callable[[str], str]) -> Callable[[Random], Value]:
    return lambda random: Value(written(iban(random, random.choice(sorted(IBANS)))))


def _in_fours(number: str) -> str:
    return " ".join(number[start : start + 4] for start in range(0, len(number), 4))


def shapes() -> list[Shape]:
    return [
        *(_card(*row) for row in CARDS),
        Shape("cn_id", "18", _cn_id, CN_ID, "number"),
        Shape("cn_id", "18, grouped", _cn_id_spaced, CN_ID, "number"),
        Shape("cn_id", "15", _cn_id_15, CN_ID, "number", labelled=True),
        Shape("us_ssn", "dashes", lambda random: _ssn(random, "-"), SSN, "number"),
        Shape("us_ssn", "blanks", lambda random: _ssn(random, " "), SSN, "number"),
        Shape("us_ssn", "bare", lambda random: _ssn(random, ""), SSN, "number", labelled=True),
        Shape("iban", "together", _iban(str), IBAN, "number"),
        Shape("iban", "small letters", _iban(str.lower), IBAN, "number"),
        Shape("iban", "in fours", _iban(_in_fours), IBAN, "number"),
    ]
