"""The table of national identity and tax numbers. Another country is another line here.

The arithmetic is python-stdnum's, named after each country's own rule; a few small rules are ours. A number whose shape is
its country's alone is believed wherever it stands; the rest only behind a label in that country's words.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

import stdnum.at.vnr
import stdnum.au.tfn
import stdnum.be.nn
import stdnum.bg.egn
import stdnum.br.cpf
import stdnum.ca.sin
import stdnum.ch.ssn
import stdnum.cl.rut
import stdnum.co.nit
import stdnum.cz.rc
import stdnum.de.idnr
import stdnum.dk.cpr
import stdnum.do.cedula
import stdnum.ec.ci
import stdnum.ee.ik
import stdnum.es.dni
import stdnum.es.nie
import stdnum.fi.hetu
import stdnum.fr.nir
import stdnum.gb.nhs
import stdnum.gr.amka
import stdnum.hr.oib
import stdnum.ie.pps
import stdnum.il.idnr
import stdnum.in_.aadhaar
import stdnum.in_.pan
import stdnum.is_.kennitala
import stdnum.it.codicefiscale
import stdnum.jp.in_
import stdnum.kr.rrn
import stdnum.lt.asmens
import stdnum.lv.pvn
import stdnum.mx.curp
import stdnum.mx.rfc
import stdnum.nl.bsn
import stdnum.no.fodselsnummer
import stdnum.nz.ird
import stdnum.pl.pesel
import stdnum.pt.nif
import stdnum.ro.cnp
import stdnum.ru.inn
import stdnum.se.personnummer
import stdnum.si.emso
import stdnum.th.pin
import stdnum.tr.tckimlik
import stdnum.ua.rntrc
import stdnum.za.idnr

Check = Callable[[str], bool]


@dataclass(frozen=True, slots=True)
class Shape:
    """A number with a written form of its own. Without a label it is believed anywhere."""

    name: str
    pattern: str
    is_valid: Check
    label: str = ""


@dataclass(frozen=True, slots=True)
class Digits:
    """A number of digits only, however they are grouped: believed behind its label."""

    name: str
    counts: tuple[int, ...]
    is_valid: Check
    label: str


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


def _swedish(number: str) -> bool:
    return bool(stdnum.se.personnummer.is_valid(f"{number[:-4]}-{number[-4:]}"))


def _insurance(number: str) -> bool:
    """UK national insurance number (HMRC NIM39110): no check digit, but prefixes that are never given (QQ is, in examples)."""
    return number[:2] not in ("BG", "GB", "KN", "NK", "NT", "TN", "ZZ")


SHAPES: tuple[Shape, ...] = (
    Shape("be_nn", r"\d\d\.\d\d\.\d\d-\d{3}\.\d\d", stdnum.be.nn.is_valid),
    Shape("br_cpf", r"\d{3}\.\d{3}\.\d{3}-\d{2}", stdnum.br.cpf.is_valid),
    Shape("ch_ahv", r"756\.\d{4}\.\d{4}\.\d{2}", stdnum.ch.ssn.is_valid),
    Shape("cl_rut", r"\d{1,2}\.\d{3}\.\d{3}-[\dkK]", stdnum.cl.rut.is_valid),
    Shape("cz_rc", r"\d{6}/\d{3,4}", stdnum.cz.rc.is_valid),
    Shape("do_cedula", r"\d{3}-\d{7}-\d", stdnum.do.cedula.is_valid),
    Shape("es_dni", r"\d{8}-?[A-Z]", _dni),
    Shape("es_nie", r"[XYZ]-?\d{7}-?[A-Z]", stdnum.es.nie.is_valid),
    Shape("fi_hetu", r"\d{6}[-+A-FU-Y]\d{3}[0-9A-FHJ-NPR-Y]", stdnum.fi.hetu.is_valid),
    Shape("fr_nir", r"[12](?: ?\d\d){2} ?(?:\d\d|2[AB])(?: ?\d{3}){2}(?: ?\d\d)", stdnum.fr.nir.is_valid),
    Shape("gb_nino", r"(?:[A-CEGHJ-PR-TW-Z][A-CEGHJ-NPR-TW-Z]|QQ) ?(?:\d\d ?){3}[A-D]", _insurance),
    Shape("hk_id", r"[A-Z]{1,2}\d{6}\([0-9A]\)", _hong_kong),
    Shape("it_cf", r"[A-Z]{6}\d{2}[A-EHLMPRST]\d{2}[A-Z]\d{3}[A-Z]", stdnum.it.codicefiscale.is_valid),
    Shape("kr_rrn", r"\d{6}-[0-9]\d{6}", stdnum.kr.rrn.is_valid),
    Shape("mx_curp", r"[A-Z]{4}\d{6}[HM][A-Z]{5}[0-9A-Z]\d", stdnum.mx.curp.is_valid),
    Shape("sg_nric", r"[STFGM]\d{7}[A-Z]", _singapore),
    Shape("th_pin", r"\d-\d{4}-\d{5}-\d{2}-\d", stdnum.th.pin.is_valid),
    Shape("us_itin", r"9\d\d-(?:5\d|6[0-5]|7\d|8[0-8]|9[0-24-9])-\d{4}", _is_shaped),
    Shape("es_dni_small", r"\d{8}-?[a-z]", stdnum.es.dni.is_valid, "dni|nif|documento"),
    Shape("es_nie_small", r"[xyz]-?\d{7}-?[a-z]", stdnum.es.nie.is_valid, "nie|documento"),
    Shape("ie_pps", r"\d{7}[A-W][A-IW]?", stdnum.ie.pps.is_valid, r"\bpps\w*"),
    Shape("in_pan", r"[A-Z]{5}\d{4}[A-Z]", stdnum.in_.pan.is_valid, r"\bpan(?: card)?|permanent account"),
    Shape("mx_rfc", r"[A-Z&Ñ]{4}\d{6}[0-9A-Z]{3}", stdnum.mx.rfc.is_valid, r"\brfc"),
    Shape("tw_id", r"[A-Z][1289]\d{8}", _taiwan, "身分證字?|身份證字?|身份证|national id|taiwan(?:ese)? id"),
)

DIGITS: tuple[Digits, ...] = (
    Digits("at_vnr", (10,), stdnum.at.vnr.is_valid, r"sozialversicherungs\w*|versicherungsn\w*|svnr|vsnr"),
    Digits("au_tfn", (8, 9), stdnum.au.tfn.is_valid, r"tfn|tax file"),
    Digits("bg_egn", (10,), stdnum.bg.egn.is_valid, r"\begn|ЕГН|егн"),
    Digits("br_cpf", (11,), stdnum.br.cpf.is_valid, "cpf"),
    Digits("ca_sin", (9,), stdnum.ca.sin.is_valid, r"\bsin|social insurance|\bnas"),
    Digits("co_nit", (9, 10), stdnum.co.nit.is_valid, r"\bnit"),
    Digits("de_idnr", (11,), stdnum.de.idnr.is_valid, r"steuer-?id\w*|identifikations\w*|idnr\.?"),
    Digits("dk_cpr", (10,), stdnum.dk.cpr.is_valid, r"\bcpr|personnummer"),
    Digits("ec_ci", (10,), stdnum.ec.ci.is_valid, r"c[eé]dula(?: de identidad)?"),
    Digits("ee_ik", (11,), stdnum.ee.ik.is_valid, r"isikukood\w*"),
    Digits("gb_nhs", (10,), stdnum.gb.nhs.is_valid, "nhs"),
    Digits("gr_amka", (11,), stdnum.gr.amka.is_valid, r"\bamka|ΑΜΚΑ|αμκα"),
    Digits("hr_oib", (11,), stdnum.hr.oib.is_valid, "oib"),
    Digits("il_id", (9,), stdnum.il.idnr.is_valid, r"teudat zehut|israeli id|ת\.?ז\.?|תעודת זהות"),
    Digits("in_aadhaar", (12,), stdnum.in_.aadhaar.is_valid, r"aadh?aa?r|uid(?:ai)?"),
    Digits("is_kt", (10,), stdnum.is_.kennitala.is_valid, r"kennital\w*|\bkt\.?"),
    Digits("jp_my_number", (12,), stdnum.jp.in_.is_valid, "マイナンバー|個人番号|my number"),
    Digits("kr_rrn", (13,), stdnum.kr.rrn.is_valid, r"\brrn|주민등록번호|주민번호"),
    Digits("lt_asmens", (11,), stdnum.lt.asmens.is_valid, r"asmens kod\w*"),
    Digits("lv_pk", (11,), stdnum.lv.pvn.is_valid, r"personas kod\w*"),
    Digits("nl_bsn", (8, 9), stdnum.nl.bsn.is_valid, r"\bbsn|burgerservice\w*|sofi"),
    Digits("no_fn", (11,), stdnum.no.fodselsnummer.is_valid, r"f[øo]dsels\w*|personnummer|norwegian id"),
    Digits("nz_ird", (8, 9), stdnum.nz.ird.is_valid, r"\bird"),
    Digits("pl_pesel", (11,), stdnum.pl.pesel.is_valid, "pesel"),
    Digits("pt_nif", (9,), stdnum.pt.nif.is_valid, r"\bnif|contribuinte"),
    Digits("ro_cnp", (13,), stdnum.ro.cnp.is_valid, r"\bcnp|cod numeric(?: personal)?"),
    Digits("ru_inn", (12,), stdnum.ru.inn.is_valid, r"ИНН|инн|\binn"),
    Digits("se_pn", (10, 12), _swedish, r"personn\w*|\bpnr|swedish id|personal identity"),
    Digits("si_emso", (13,), stdnum.si.emso.is_valid, "em[šsŠ]o"),
    Digits("th_pin", (13,), stdnum.th.pin.is_valid, r"thai (?:national )?id|tnin|ประชาชน"),
    Digits("tr_kimlik", (11,), stdnum.tr.tckimlik.is_valid, r"kimlik\w*|tckn|t\.?c\.?|turkish id"),
    Digits("ua_rntrc", (10,), stdnum.ua.rntrc.is_valid, "РНОКПП|рнокпп|ІПН|іпн"),
    Digits("za_id", (13,), stdnum.za.idnr.is_valid, r"sa id|south african id|\bid"),
)
