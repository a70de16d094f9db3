"""National identity and tax numbers whose check digit makes them certain.

The arithmetic is python-stdnum's, named after each country's own rule; three small rules are ours. A number whose
shape is not its country's alone is believed only behind a label in that country's words.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import stdnum.au.tfn
import stdnum.be.nn
import stdnum.br.cpf
import stdnum.ca.sin
import stdnum.ch.ssn
import stdnum.cl.rut
import stdnum.de.idnr
import stdnum.dk.cpr
import stdnum.es.dni
import stdnum.es.nie
import stdnum.fi.hetu
import stdnum.fr.nir
import stdnum.gb.nhs
import stdnum.hr.oib
import stdnum.ie.pps
import stdnum.il.idnr
import stdnum.in_.aadhaar
import stdnum.in_.pan
import stdnum.it.codicefiscale
import stdnum.jp.in_
import stdnum.kr.rrn
import stdnum.mx.curp
import stdnum.nl.bsn
import stdnum.no.fodselsnummer
import stdnum.pl.pesel
import stdnum.ro.cnp
import stdnum.se.personnummer
import stdnum.th.pin
import stdnum.tr.tckimlik
import stdnum.za.idnr

from bot.redaction.labels import national
from bot.redaction.segment import Segment

_FREE_LEFT = r"(?<![A-Za-z0-9_])(?<![A-Za-z0-9][-./])"
_FREE_RIGHT = r"(?![A-Za-z0-9_]|[-./][A-Za-z0-9])"


@dataclass(frozen=True, slots=True)
class Scheme:
    """A country's number: its shape, its check, and, if the shape alone is not enough, its label."""

    name: str
    shape: re.Pattern[str]
    is_valid: Callable[[str], bool]
    label: str


def _scheme(name: str, shape: str, is_valid: Callable[[str], bool], label: str = "") -> Scheme:
    pattern = re.compile(f"{_FREE_LEFT}(?:{shape}){_FREE_RIGHT}")
    return Scheme(name, pattern, is_valid, label)


def _hong_kong(number: str) -> bool:
    """Hong Kong identity card (Immigration Department): weights 9 to 2, remainder of 11; a missing letter is 36."""
    head, _, check = number.rstrip(")").partition("(")
    values = [int(character, 36) for character in head]
    total = sum(weight * value for weight, value in zip(range(9, 1, -1), [36, *values][-8:], strict=True))
    return "0123456789A"[-total % 11] == check


def _singapore(number: str) -> bool:
    """Singapore NRIC and FIN (Immigration & Checkpoints Authority): weights 2765432 and a table for each prefix."""
    total = sum(weight * int(digit) for weight, digit in zip((2, 7, 6, 5, 4, 3, 2), number[1:8], strict=True))
    if number[0] == "M":
        return "KLJNPQRTUWX"[10 - (total + 3) % 11] == number[8]
    total += 4 if number[0] in "TG" else 0
    return ("JZIHGFEDCBA" if number[0] in "ST" else "XWUTRQPNMLK")[total % 11] == number[8]


def _taiwan(number: str) -> bool:
    """Taiwan national identification (Ministry of the Interior): the letter as two digits, weights 1,9..1,1."""
    letter = "ABCDEFGHJKLMNPQRSTUVXYWZIO".index(number[0]) + 10
    digits = [letter // 10, letter % 10, *map(int, number[1:])]
    return sum(w * d for w, d in zip((1, 9, 8, 7, 6, 5, 4, 3, 2, 1, 1), digits, strict=True)) % 10 == 0


def _is_shaped(_: str) -> bool:
    """The shape says all there is to check (US ITIN: IRS Publication 1915, groups 50-65, 70-88, 90-92, 94-99)."""
    return True


def _dni(number: str) -> bool:
    """Spanish DNI, unless its digits are a date."""
    return not _DATE.match(number) and bool(stdnum.es.dni.is_valid(number))


_DATE = re.compile(r"(?:19|20)\d\d(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])")


def _insurance(number: str) -> bool:
    """UK national insurance number (HMRC NIM39110): no check digit, but prefixes that are never given (QQ is, in examples)."""
    return number[:2] not in ("BG", "GB", "KN", "NK", "NT", "TN", "ZZ")


SCHEMES: tuple[Scheme, ...] = (
    _scheme("br_cpf", r"\d{3}\.\d{3}\.\d{3}-\d{2}", stdnum.br.cpf.is_valid),
    _scheme("br_cpf_bare", r"\d{11}", stdnum.br.cpf.is_valid, "cpf"),
    _scheme(
        "it_codice_fiscale",
        r"[A-Z]{6}\d{2}[A-EHLMPRST]\d{2}[A-Z]\d{3}[A-Z]",
        stdnum.it.codicefiscale.is_valid,
    ),
    _scheme("es_nie", r"[XYZ]-?\d{7}-?[A-Z]", stdnum.es.nie.is_valid),
    _scheme("es_dni", r"\d{8}-?[A-Z]", _dni),
    _scheme("es_dni_small", r"\d{8}-?[a-z]", stdnum.es.dni.is_valid, "dni|nif|documento"),
    _scheme("es_nie_small", r"[xyz]-?\d{7}-?[a-z]", stdnum.es.nie.is_valid, "nie|documento"),
    _scheme("fr_nir", r"[12](?: ?\d\d){2} ?(?:\d\d|2[AB])(?: ?\d{3}){2}(?: ?\d\d)", stdnum.fr.nir.is_valid),
    _scheme("fi_hetu", r"\d{6}[-+A-FU-Y]\d{3}[0-9A-FHJ-NPR-Y]", stdnum.fi.hetu.is_valid),
    _scheme("kr_rrn", r"\d{6}-[1-8]\d{6}", stdnum.kr.rrn.is_valid),
    _scheme("kr_rrn_bare", r"\d{13}", stdnum.kr.rrn.is_valid, "rrn|주민등록번호|주민번호"),
    _scheme("th_pin_bare", r"\d{13}", stdnum.th.pin.is_valid, "thai (?:national )?id|tnin|ประชาชน"),
    _scheme("th_pin", r"\d-\d{4}-\d{5}-\d{2}-\d", stdnum.th.pin.is_valid),
    _scheme("mx_curp", r"[A-Z]{4}\d{6}[HM][A-Z]{5}[0-9A-Z]\d", stdnum.mx.curp.is_valid),
    _scheme("cl_rut", r"\d{1,2}\.\d{3}\.\d{3}-[\dkK]", stdnum.cl.rut.is_valid),
    _scheme("ch_ahv", r"756\.\d{4}\.\d{4}\.\d{2}", stdnum.ch.ssn.is_valid),
    _scheme("be_nn", r"\d\d\.\d\d\.\d\d-\d{3}\.\d\d", stdnum.be.nn.is_valid),
    _scheme("us_itin", r"9\d\d-(?:5\d|6[0-5]|7\d|8[0-8]|9[0-24-9])-\d{4}", _is_shaped),
    _scheme("hk_id", r"[A-Z]{1,2}\d{6}\([0-9A]\)", _hong_kong),
    _scheme("sg_nric", r"[STFGM]\d{7}[A-Z]", _singapore),
    _scheme("gb_nino", r"(?:[A-CEGHJ-PR-TW-Z][A-CEGHJ-NPR-TW-Z]|QQ) ?(?:\d\d ?){3}[A-D]", _insurance),
    _scheme(
        "tw_id", r"[A-Z][1289]\d{8}", _taiwan, "身分證字?|身份證字?|身份证|national id|taiwan(?:ese)? id"
    ),
    _scheme("gb_nhs", r"\d{3}[ -]?\d{3}[ -]?\d{4}", stdnum.gb.nhs.is_valid, "nhs"),
    _scheme(
        "de_idnr",
        r"\d{2} ?\d{3} ?\d{3} ?\d{3}",
        stdnum.de.idnr.is_valid,
        r"steuer-?id\w*|identifikations\w*|idnr\.?",
    ),
    _scheme("in_aadhaar", r"\d{4}[ -]?\d{4}[ -]?\d{4}", stdnum.in_.aadhaar.is_valid, r"aadh?aa?r|uid(?:ai)?"),
    _scheme("in_pan", r"[A-Z]{5}\d{4}[A-Z]", stdnum.in_.pan.is_valid, r"\bpan(?: card)?|permanent account"),
    _scheme("pl_pesel", r"\d{11}", stdnum.pl.pesel.is_valid, "pesel"),
    _scheme("nl_bsn", r"\d{4}\.?\d{2}\.?\d{3}", stdnum.nl.bsn.is_valid, "bsn|burgerservice|sofi"),
    _scheme(
        "se_pn",
        r"(?:\d\d)?\d{6}[-+]?\d{4}",
        stdnum.se.personnummer.is_valid,
        r"personn\w*|\bpnr|swedish id|personal identity",
    ),
    _scheme(
        "no_fn", r"\d{6} ?\d{5}", stdnum.no.fodselsnummer.is_valid, r"f[øo]dsels\w*|personnummer|norwegian id"
    ),
    _scheme("dk_cpr", r"\d{6}-?\d{4}", stdnum.dk.cpr.is_valid, r"\bcpr|personnummer"),
    _scheme("tr_kimlik", r"\d{11}", stdnum.tr.tckimlik.is_valid, r"kimlik\w*|tckn|t\.?c\.?|turkish id"),
    _scheme("il_id", r"\d{9}", stdnum.il.idnr.is_valid, r"teudat zehut|israeli id|ת\.?ז\.?|תעודת זהות"),
    _scheme("za_id", r"\d{13}", stdnum.za.idnr.is_valid, r"sa id|south african id|\bid"),
    _scheme("ca_sin", r"\d{3}[ -]?\d{3}[ -]?\d{3}", stdnum.ca.sin.is_valid, r"\bsin|social insurance|\bnas"),
    _scheme("au_tfn", r"\d{3} ?\d{3} ?\d{2,3}", stdnum.au.tfn.is_valid, r"tfn|tax file"),
    _scheme(
        "jp_my_number",
        r"\d{4}[ -]?\d{4}[ -]?\d{4}",
        stdnum.jp.in_.is_valid,
        "マイナンバー|個人番号|my number",
    ),
    _scheme("ro_cnp", r"\d{13}", stdnum.ro.cnp.is_valid, "cnp|cod numeric"),
    _scheme("hr_oib", r"\d{11}", stdnum.hr.oib.is_valid, "oib"),
    _scheme("ie_pps", r"\d{7}[A-W][A-IW]?", stdnum.ie.pps.is_valid, r"\bpps\w*"),
)


_DISTINCT = [scheme for scheme in SCHEMES if not scheme.label]
_LABELLED = [(scheme, national(scheme.label)) for scheme in SCHEMES if scheme.label]
_ANY_DISTINCT = re.compile(f"{_FREE_LEFT}(?:{'|'.join(scheme.shape.pattern for scheme in _DISTINCT)})")


def find_national_ids(segment: Segment) -> Iterator[tuple[int, int]]:
    """Numbers of the schemes above."""
    for scheme in _DISTINCT if _ANY_DISTINCT.search(segment.text, segment.start, segment.end) else ():
        for match in segment.matches(scheme.shape):
            if scheme.is_valid(match.group()):
                yield match.span()
    for scheme, label in _LABELLED:
        if segment.may_have(label):
            for match in segment.matches(scheme.shape):
                if segment.follows(label, match.start()) and scheme.is_valid(match.group()):
                    yield match.span()
