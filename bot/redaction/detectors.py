"""The table of rules. A new kind of sensitive data is a new line here."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable

from bot.redaction.findings import Span
from bot.redaction.identity import find_national_ids
from bot.redaction.kinds import KINDS
from bot.redaction.numbers import find_cards, find_cn_ids, find_ssns
from bot.redaction.personal import find_emails, find_ibans, find_ips
from bot.redaction.phones import finder as phone_finder
from bot.redaction.secrets import LABEL_HINTS, find_labelled_secrets
from bot.redaction.segment import Detector, Segment
from bot.redaction.tokens import find_cloud_secrets, find_http_credentials, find_jwts
from bot.redaction.urls import find_connection_strings, find_url_credentials
from bot.redaction.vendors import find_shaped_tokens, find_vendor_keys, find_webhooks

_Hint = Callable[[Segment], bool]


def detectors(*, ip_addresses: bool, regions: tuple[str, ...]) -> tuple[Detector, ...]:
    """The rules in use; telephone numbers of `regions` are known without their country code."""
    rules = (
        Detector("email", "email", "addresses, also with (at) and [dot]", _has_at, find_emails),
        Detector(
            "phone", "phone", "international numbers in use, national ones of the operator's regions, labelled ones",
            _has_digits(7), phone_finder(regions),
        ),
        Detector("card", "card", "an issuer's prefix and length, and a right Luhn digit", _has_digits(12), find_cards),
        Detector("cn_id", "cn_id", "length, birth date and check digit; 15 digits behind a label", _has_digits(15), find_cn_ids),
        Detector("us_ssn", "us_ssn", "3-2-4 digits of those that are given; together behind a label", _has_digits(9), find_ssns),
        Detector(
            "national_id", "national_id", "a right check digit in a shape of its own, or behind its name",
            _has_digits(4), find_national_ids,
        ),
        Detector("iban", "iban", "the country's structure and right check digits", _is_long(15), find_ibans),
        Detector("vendor_key", "api_key", "a vendor's prefix and what follows it", _is_long(12), find_vendor_keys),
        Detector("shaped_token", "api_key", "a shape that nothing else has: Discord, Telegram, Azure, …", _is_long(40), find_shaped_tokens),
        Detector(
            "webhook", "api_key", "incoming webhooks: Slack, Discord, Teams, Feishu, WeCom, DingTalk, …",
            _has("https://"), find_webhooks,
        ),
        Detector("cloud_secret", "api_key", "AWS secret keys, Azure account keys and signatures", _is_long(40), find_cloud_secrets),
        Detector(
            "labelled_secret", "api_key", "what stands behind `password:`, `token=`, 密码 and the like, if it looks like a secret",
            _has_label, find_labelled_secrets,
        ),
        Detector("http_credentials", "api_key", "`Authorization: Bearer` and `Basic`, `curl -u`", _has_scheme, find_http_credentials),
        Detector("jwt", "jwt", "signed, encrypted and unfinished JSON Web Tokens", _has("eyJ"), find_jwts),
        Detector(
            "connection_string", "connection_string", "databases, queues, mail servers: the whole address if it holds a password",
            _has("://"), find_connection_strings,
        ),
        Detector(
            "url_credentials", "url_credentials", "user and password in any other address: these two only",
            _has("://"), find_url_credentials,
        ),
    )  # fmt: skip
    ip = Detector("ip", "ip", "both versions, if they name a host", _has_digits(1), find_ips)
    return (*rules, ip) if ip_addresses else rules


def _has(part: str) -> _Hint:
    return lambda segment: part in segment.body


def _has_digits(count: int) -> _Hint:
    return lambda segment: segment.digits >= count


def _is_long(size: int) -> _Hint:
    return lambda segment: segment.end - segment.start >= size


def _has_at(segment: Segment) -> bool:
    body = segment.body
    return "@" in body or "t)" in body or "t]" in body or "t}" in body


def _has_label(segment: Segment) -> bool:
    return any(map(segment.lead.__contains__, LABEL_HINTS))


def _has_scheme(segment: Segment) -> bool:
    lead = segment.lead
    return "bearer" in lead or "basic" in lead or "token" in lead or "-u" in lead


_RANK = {kind.name: rank for rank, kind in enumerate(KINDS)}


def longest(found: list[Span]) -> list[Span]:
    """Of overlapping findings the longest, and of equally long ones the surest; in order."""
    chosen: list[tuple[int, int, str]] = []
    for kind, start, end in sorted(found, key=lambda s: (s.start - s.end, _RANK[s.kind], s.start)):
        place = bisect_left(chosen, (start, end, ""))
        free_left = place == 0 or chosen[place - 1][1] <= start
        if free_left and (place == len(chosen) or chosen[place][0] >= end):
            chosen.insert(place, (start, end, kind))
    return [Span(kind, start, end) for start, end, kind in chosen]
