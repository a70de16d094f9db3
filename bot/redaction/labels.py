"""Words that tell what the number or value behind them is.

A label is searched in the few characters before a candidate; its hints tell at once that it cannot be there. The hints of all
labels are looked for together, so that another label costs nothing.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache

from ahocorasick_rs import AhoCorasick


@dataclass(frozen=True, slots=True, eq=False)
class Label:
    """A pattern that ends where the candidate begins, and small-letter strings of which any match has one."""

    pattern: re.Pattern[str]
    hints: frozenset[str]


_HINTS: set[str] = set()


# In `user_tel` and `userTel` a word begins too.
_WORD_BEGINS = r"(?:(?<![A-Za-z])|(?-i:(?<=[a-z])(?=[A-Z])))"


def label(words: str, link: str, behind: str = "") -> Label:
    """A label of alternative words (`behind` follows each of them) and of what may link it to its value."""
    alternatives = words.split("|")
    bounded = words.replace(r"\b", _WORD_BEGINS)
    pattern = re.compile(rf"(?:{bounded}){behind}{link}\Z", re.IGNORECASE | re.ASCII)
    hints = frozenset(map(_hint, alternatives))
    _HINTS.update(hints)
    return Label(pattern, hints)


def hints_in(text: str) -> frozenset[str]:
    """Those of all labels' hints that are in the text, which has small letters only."""
    return frozenset(_all_hints().find_matches_as_strings(text, overlapping=True))


@cache
def _all_hints() -> AhoCorasick:
    return AhoCorasick(sorted(_HINTS))


def _hint(alternative: str) -> str:
    """The longest part of the alternative that is always there."""
    certain = re.sub(r"\(\?:[^)]*\)\??|\[[^]]*\]\??|\\[bw][*+]?|\\?.\?", "|", alternative)
    return max(re.sub(r"\\(.)", r"\1", certain).split("|"), key=len).lower()


# What may stand between a label and its value: "no.", "number:", "#", "是", quotes, JSON's `": "`.
_LINK = (
    r"(?:[ \t_-]?(?:no\.?|nr\.?|num(?:ber)?s?|numéro|número|numero|numaras[ıi]|nummer|code|card|id|号码?|號碼?))?"
    r"[\s\"'`:：=#>()*|,，】\]-]{0,6}(?:is|are|was|是|为|為|est|ist)?[\s\"'`:：=>(*+]{0,3}"
)
_PHONE_WORDS = (
    r"phones?|\btel|telephone|telefon|wa\.me/|téléphone|mobile|mobil|\bcell|\bcall|\bdial|\btext|\bsms|\bfax|whats ?app|\bhandy"
    r"|portable|hotline|helpline|contact|电话|電話|手机|手機|座机|热线|熱線|传真|联系方式|微信同号|致电|拨打|拨|打给|打|客服"
)
PHONE = label(_PHONE_WORDS, r"[^\d\n]{0,14}", "(?![A-Za-z])")
PHONE_CLOSE = label(_PHONE_WORDS, rf"(?: me| us)?(?: at| on)?{_LINK}", r"(?![A-Za-z])\.?")
CARD = label(
    r"card|\bcc=|visa|master|amex|american express|discover|unionpay|diners|jcb|maestro|\bpan|credit|debit"
    r"|银行卡|信用卡|储蓄卡|借记卡|卡号|卡|银联|账号|帐号",
    r"[^\d\n]{0,16}",
)
ID_CARD_CN = label(
    r"身份证|身分证|身份證|证件|identity card|chinese id|resident id|sfz|\bid[_ -]?card|\bid[_ -]?no|\bid[_ -]?num|\bcert[_ -]?no"
    r"|\bcert[_ -]?id",
    r"[^\d\n]{0,12}",
)
SSN = label(r"ssn|social[ _-]security|社会安全号|社保号", r"[^\d\n]{0,16}")

# Numbers of things, not of people.
THING = label(
    r"order|invoice|ticket|issue|pull request|\bpr|build|isbn|issn|sku|\bpart|model|serial|s/n|\bsn|tracking|parcel"
    r"|shipment|\bcase|\bref|reference|version|revision|commit|batch|\blot|receipt|transaction|trace|request|span|session"
    r"|timestamp|epoch|offset|bytes|size|\bport|\bpid|barcode|\bitems?|\bproduct|\bean|\bupc|\bimei|\bdoi|arxiv|msg|message|channel"
    r"|guild|thread|订单|单号|运单|快递|物流|编号|编码|流水|发票|工单|序列|期号|批次|版本|条码|货号|型号|票号|商品|单品",
    r"[ \t_-]?(?:no\.?|nr\.?|num(?:ber)?|ids?|号码?|#)?[ \t\"'`:：=#>(*是为]{0,4}(?:(?<=[:：])\n)?",
)
VERSION = label(r"\bv|version|版本|release|\bver", r"\.?[\s:：=]{0,3}")
USER_IN_URL = label(r"://", r"[^\s/]*:[^\s/]*")  # then a password and a host follow


def national(words: str) -> Label:
    """A label made of a country's own words for its number."""
    return label(words, _LINK)
