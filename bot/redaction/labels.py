"""Words that tell what the number or value behind them is.

Each pattern ends in `\\Z` and is searched in the few characters before a candidate.
"""

from __future__ import annotations

import re

# What may stand between a label and its value: "no.", "number:", "#", "是", quotes, JSON's `": "`.
_LINK = (
    r"(?:[ \t]?(?:no\.?|nr\.?|num(?:ber)?s?|numéro|nummer|id|号码?|號碼?))?"
    r"[\s\"'`:：=#>()*|,，-]{0,6}(?:is|are|was|是|为|為|est|ist)?[\s\"'`:：=>(*+]{0,3}\Z"
)


def _label(words: str) -> re.Pattern[str]:
    return re.compile(rf"(?:{words}){_LINK}", re.IGNORECASE | re.ASCII)


PHONE = re.compile(
    r"(?:phone|\btel|telephone|telefon|téléphone|mobile|mobil|\bcell|\bcall|\bdial|\btext|\bsms|\bfax|whats ?app|\bhandy"
    r"|portable|hotline|helpline|contact|电话|電話|手机|手機|座机|热线|熱線|传真|联系方式|致电|拨打|拨|打给|打|客服|热线)"
    r"[^\d\n]{0,14}\Z",
    re.IGNORECASE | re.ASCII,
)
CARD = re.compile(
    r"(?:card|visa|master|amex|american express|discover|unionpay|diners|jcb|maestro|\bpan|credit|debit"
    r"|银行卡|信用卡|储蓄卡|借记卡|卡号|卡|银联|账号|帐号)[^\d\n]{0,16}\Z",
    re.IGNORECASE | re.ASCII,
)
ID_CARD_CN = re.compile(
    r"(?:身份证|身分证|身份證|证件号?|identity card|\bid card|chinese id|resident id|sfz)[^\d\n]{0,12}\Z",
    re.IGNORECASE | re.ASCII,
)
SSN = re.compile(r"(?:\bssn|social security|社会安全号|社保号)[^\d\n]{0,16}\Z", re.IGNORECASE | re.ASCII)

# Numbers of things, not of people.
THING = re.compile(
    r"(?:order|invoice|ticket|issue|pull request|\bpr|build|isbn|issn|sku|\bpart|model|serial|s/n|\bsn|tracking|parcel"
    r"|shipment|\bcase|\bref|reference|version|revision|commit|batch|\blot|receipt|transaction|trace|request|span|session"
    r"|timestamp|epoch|offset|bytes|size|\bline|\bport|\bpid|barcode|\bean|\bupc|\bimei|\bdoi|arxiv|msg|message|channel"
    r"|guild|thread|订单|单号|运单|快递|物流|编号|编码|流水|发票|工单|序列|期号|批次|版本|条码|货号|型号|票号)"
    r"[\s_-]?(?:no\.?|nr\.?|num(?:ber)?|ids?|号码?|#)?[\s\"'`:：=#>(*是为]{0,4}\Z",
    re.IGNORECASE | re.ASCII,
)


def national(words: str) -> re.Pattern[str]:
    """A label made of a country's own words for its number."""
    return _label(words)
