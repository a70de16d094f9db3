"""Mail addresses, telephone numbers, IP addresses, and the operator's own words.

Sources: RFC 5321 and 5322, ITU-T E.164 with libphonenumber's example numbers as a start, the Chinese numbering plan (MIIT), RFC 4291.
"""

from __future__ import annotations

from collections.abc import Callable
from ipaddress import IPv4Address, IPv6Address
from random import Random

import phonenumbers as phone
from phonenumbers import PhoneNumber, PhoneNumberFormat, PhoneNumberType

from tests.corpus.case import DIGITS, HEX, LOWER, Names, Shape, Value, some, written

EMAIL = Names(
    ("email", "e-mail address", "work email", "contact"),
    ("邮箱", "电子邮件", "联系邮箱"),
    ("email", "contact_email", "user"),
)
PHONE = Names(
    ("phone", "phone number", "mobile", "cell", "tel", "WhatsApp"),
    ("电话", "手机号", "联系电话", "手机", "微信同号"),
    ("phone", "mobile", "tel", "phone_number", "contactPhone"),
)
IP = Names(
    ("IP", "server", "host", "client address"),
    ("服务器", "IP 地址", "主机"),
    ("ip", "client_ip", "remote_addr", "host"),
)
WORD = Names(("project", "code name"), ("项目", "代号"), ("project", "codename"))

FIRST = ("ada", "grace", "wei", "li.na", "maria", "jose", "yuki", "olga", "sven", "zhang.san", "wangwu", "fatima", "o.brien", "jean-luc")  # fmt: skip
LAST = (
    "lovelace",
    "hopper",
    "chen",
    "garcia",
    "tanaka",
    "ivanova",
    "larsson",
    "li",
    "al-farsi",
    "smith",
    "mueller",
    "dupont",
)
HOSTS = ("gmail.com", "outlook.com", "qq.com", "163.com", "yahoo.co.jp", "acme-corp.com", "mail.tsinghua.edu.cn", "uni-bonn.de", "bbc.co.uk",
         "startup.io", "proton.me", "dept.gov.cn", "example.org", "foxmail.com", "sub.mail.example.net", "company.museum", "ops.dev")  # fmt: skip


def _email(random: Random) -> Value:
    first, last, host = random.choice(FIRST), random.choice(LAST), random.choice(HOSTS)
    local = random.choice(
        (
            f"{first}.{last}",
            f"{first}{random.randint(1, 9999)}",
            f"{first}_{last}",
            f"{first}.{last}+{some(random, LOWER, 5)}",
            a_qq(random),
            first,
            f"{first[0].upper()}{first[1:]}.{last.title()}",
            f"{first}-{last}{random.randint(70, 99)}",
        )
    )
    return Value(f"{local}@{host}")


def a_qq(random: Random) -> str:
    return random.choice("123456789") + some(random, DIGITS, random.randint(5, 9))


def _email_disguised(random: Random) -> Value:
    address = _email(random).secret
    local, _, host = address.partition("@")
    return Value(
        random.choice(
            (
                f"{local}(at){host}",
                f"{local}[at]{host.replace('.', '[dot]')}",
                address.replace("@", "＠"),
                address.replace("@", "\u200b@"),
            )
        )
    )


def _international_email(random: Random) -> Value:
    return Value(
        random.choice(("jürgen@müller.de", "info@bücher.example", "андрей@почта.рф", "josé@correo.es"))
    )


ABROAD = ("CN", "US", "GB", "DE", "FR", "JP", "KR", "IN", "BR", "MX", "ES", "IT", "NL", "SE", "PL", "TR", "RU", "UA", "AU", "SG", "HK", "TW",
          "TH", "VN", "ID", "ZA", "NG", "EG", "AE", "SA", "IL", "CH", "AT", "BE", "IE", "PT", "AR", "CL", "CO", "NZ")  # fmt: skip


def in_use(random: Random, region: str, kind: int) -> PhoneNumber:
    """A number that the region's plan allows, made from its example."""
    example = phone.example_number_for_type(region, kind)
    assert example, region
    digits = str(example.national_number)
    while True:
        made = PhoneNumber(example.country_code, int(digits[:-5] + some(random, DIGITS, 5)))
        made.italian_leading_zero = example.italian_leading_zero
        if phone.is_valid_number(made):
            return made


def _phone(regions: tuple[str, ...], kind: int, form: int) -> Callable[[Random], Value]:
    return lambda random: Value(
        phone.format_number(in_use(random, random.choice(regions), kind), form).removeprefix("tel:")
    )


def _mobile_cn(random: Random) -> str:
    return random.choice("1") + random.choice("356789") + some(random, DIGITS, 9)


def _mobile_cn_grouped(random: Random) -> Value:
    number = _mobile_cn(random)
    mark = random.choice((" ", "-", ".", " "))
    head = random.choice(("", "", "+86 ", "+86-", "86-", "(+86)"))
    return Value(f"{head}{number[:3]}{mark}{number[3:7]}{mark}{number[7:]}")


def _landline_cn(random: Random) -> Value:
    area = random.choice(("010", "021", "0755", "0571", "028", "025"))
    rest = random.choice("2345678") + some(random, DIGITS, 7)
    return Value(
        random.choice(
            (
                f"{area}-{rest}",
                f"({area}) {rest}",
                f"({area}){rest}",
                f"+86 {area[1:]} {rest[:4]} {rest[4:]}",
                f"{area} {rest}",
            )
        )
    )


def _service_cn(random: Random) -> Value:
    return Value(written(random, random.choice(("400-999-9999", "400-8999-999", "800-999-9999"))))


def _bare_us(random: Random) -> Value:
    return Value(str(in_use(random, "US", PhoneNumberType.FIXED_LINE).national_number))


def _us(random: Random) -> Value:
    digits = _bare_us(random).secret
    area, office, line = digits[:3], digits[3:6], digits[6:]
    return Value(
        random.choice(
            (
                f"({area}) {office}-{line}",
                f"{area}-{office}-{line}",
                f"{area}.{office}.{line}",
                f"1-{area}-{office}-{line}",
                f"+1{digits}",
            )
        )
    )


def _ipv4(random: Random) -> Value:
    while True:
        address = IPv4Address(random.getrandbits(32))
        if random.random() < 0.3:
            address = IPv4Address(
                f"{random.choice(('10.0', '192.168', '172.20'))}.{random.randint(0, 255)}.{random.randint(1, 254)}"
            )
        if not (
            address.is_loopback
            or address.is_unspecified
            or address.is_multicast
            or address.is_reserved
            or str(address)[0] == "0"
        ):
            return Value(str(address))


def _ipv6(random: Random) -> Value:
    groups = [some(random, HEX, 4) for _ in range(5)]
    address = IPv6Address(
        "2001:db8:" + random.choice((":".join(groups) + ":1", f":{groups[0]}", f"{groups[0]}::{groups[1]}"))
    )
    return Value(random.choice((address.compressed, address.exploded)))


# What the operator of the corpus does not want to leave the house.
OPERATOR_WORDS = """\
# code names
Project Titan
Nordlicht
Blue Heron
café central
机密文件
凤凰计划
绝密代号
프로젝트 달
re: PRJ-\\d{3,6}
re: (?i)internal use only
re: ACME-[A-Z]{2}-\\d+
"""
_SPOKEN = ("Project Titan", "project titan", "PROJECT  TITAN", "Nordlicht", "NORDLICHT", "Blue Heron", "blue heron", "Café Central",
           "cafe\u0301 central", "机密文件", "凤凰计划", "绝密代号", "프로젝트 달", "Ｎｏｒｄｌｉｃｈｔ", "Nord\u200blicht", "INTERNAL USE ONLY",
           "Internal use only")  # fmt: skip


def _pattern(random: Random) -> Value:
    return Value(
        random.choice(
            (
                f"PRJ-{some(random, DIGITS, 5)}",
                f"ACME-{some(random, LOWER, 2).upper()}-{random.randint(1, 999)}",
            )
        )
    )


def shapes() -> list[Shape]:
    mobile, fixed = PhoneNumberType.MOBILE, PhoneNumberType.FIXED_LINE
    here = ("GB", "DE", "FR")
    return [
        Shape("email", "plain", _email, EMAIL),
        Shape("email", "plain too", _email, EMAIL),
        Shape("email", "disguised", _email_disguised, EMAIL),
        Shape("email", "other scripts", _international_email, EMAIL),
        Shape(
            "phone",
            "international, grouped",
            _phone(ABROAD, mobile, PhoneNumberFormat.INTERNATIONAL),
            PHONE,
            "number",
        ),
        Shape(
            "phone",
            "international landline",
            _phone(ABROAD, fixed, PhoneNumberFormat.INTERNATIONAL),
            PHONE,
            "number",
        ),
        Shape("phone", "E.164", _phone(ABROAD, mobile, PhoneNumberFormat.E164), PHONE, "number"),
        Shape("phone", "RFC 3966", _phone(ABROAD, mobile, PhoneNumberFormat.RFC3966), PHONE, "number"),
        Shape("phone", "national mobile", _phone(here, mobile, PhoneNumberFormat.NATIONAL), PHONE, "number"),
        Shape("phone", "national landline", _phone(here, fixed, PhoneNumberFormat.NATIONAL), PHONE, "number"),
        Shape("phone", "Chinese mobile", lambda random: Value(_mobile_cn(random)), PHONE, "number"),
        Shape("phone", "Chinese mobile, grouped", _mobile_cn_grouped, PHONE, "number"),
        Shape("phone", "Chinese landline", _landline_cn, PHONE, "number"),
        Shape("phone", "Chinese service number", _service_cn, PHONE, "number"),
        Shape("phone", "North American", _us, PHONE, "number"),
        Shape("phone", "North American, bare", _bare_us, PHONE, "number", labelled=True),
        Shape("ip", "version 4", _ipv4, IP),
        Shape("ip", "version 6", _ipv6, IP),
        Shape("word", "word or phrase", lambda random: Value(random.choice(_SPOKEN)), WORD, "number"),
        Shape("word", "pattern", _pattern, WORD),
    ]
