"""Other countries' identity and tax numbers, as their pages write them; python-stdnum tells which are right.

A row: country and name, the written form (`9` a digit, `A` a capital, `#` either, `{dmy}` and the like a birth date), the check, what
it is called, and whether only that tells what it is.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from datetime import date, timedelta
from random import Random

from tests.corpus.case import DIGITS, UPPER, Names, Shape, Value

Check = Callable[[str], bool]


def _hong_kong(number: str) -> bool:
    """Immigration Department: the letter(s) and digits weighted 9 (or 8) down to 2, and the check digit make a multiple of 11."""
    head, check = number[:-3], number[-2]
    values = [36] * (8 - len(head)) + [int(character, 36) for character in head]
    total = sum(value * weight for value, weight in zip(values, range(9, 1, -1), strict=True))
    return check in "0123456789A" and (total + int(check, 16)) % 11 == 0


def _singapore(number: str) -> bool:
    """ICA: weights 2 7 6 5 4 3 2, 4 more for T and G, and a letter of the table."""
    total = sum(w * int(d) for w, d in zip((2, 7, 6, 5, 4, 3, 2), number[1:8], strict=True)) + (
        4 if number[0] in "TG" else 0
    )
    return {"S": "JZIHGFEDCBA", "T": "JZIHGFEDCBA", "F": "XWUTRQPNMLK", "G": "XWUTRQPNMLK"}[number[0]][
        total % 11
    ] == number[-1]


def _taiwan(number: str) -> bool:
    """Ministry of the Interior: the letter is two digits, weights 1 9 8 7 6 5 4 3 2 1 1."""
    code = 10 + "ABCDEFGHJKLMNPQRSTUVXYWZIO".index(number[0])
    return (
        code // 10
        + code % 10 * 9
        + sum(int(d) * w for d, w in zip(number[1:], (8, 7, 6, 5, 4, 3, 2, 1, 1), strict=True))
    ) % 10 == 0


def _british(number: str) -> bool:
    """HMRC: no D F I Q U V in the first letter, nor O in the second, and some pairs are not given."""
    pair = number[:2]
    return (
        pair[0] not in "DFIQUV"
        and pair[1] not in "DFIQUVO"
        and pair not in ("BG", "GB", "KN", "NK", "NT", "TN", "ZZ")
    )


FORMS: tuple[tuple[str, str, str | Check, tuple[str, ...], bool], ...] = (
    ("br CPF", "999.999.999-99", "br.cpf", ("CPF",), False),
    ("br CPF, bare", "99999999999", "br.cpf", ("CPF", "meu CPF"), True),
    ("it codice fiscale", "AAAAAA99{M}{D}A999A", "it.codicefiscale", ("codice fiscale",), False),
    ("es DNI", "99999999A", "es.dni", ("DNI",), False),
    ("es NIE", "{X}9999999A", "es.nie", ("NIE",), False),
    ("fr NIR", "1 99 {mm} 75 999 999 99", "fr.nir", ("numéro de sécurité sociale", "NIR"), False),
    ("fi HETU", "{dmy}-999#", "fi.hetu", ("henkilötunnus", "hetu"), False),
    ("kr RRN", "{ymd}-9999999", "kr.rrn", ("주민등록번호", "RRN"), False),
    ("th PIN", "9-9999-99999-99-9", "th.pin", ("เลขประจำตัวประชาชน", "Thai ID"), False),
    ("mx CURP", "{C}A{V}A{ymd}HDF{K}{K}{K}09", "mx.curp", ("CURP",), False),
    ("cl RUT", "19.999.999-9", "cl.rut", ("RUT",), False),
    ("ch AHV", "756.9999.9999.99", "ch.ssn", ("AHV-Nummer", "AHV"), False),
    ("be NN", "{y.m.d}-999.99", "be.nn", ("rijksregisternummer", "numéro national"), False),
    ("us ITIN", "{9}{7}9-7{1}-9999", "us.itin", ("ITIN",), False),
    ("hk HKID", "A999999(#)", _hong_kong, ("HKID", "香港身份证"), False),
    ("sg NRIC", "{S}9999999A", _singapore, ("NRIC", "FIN"), False),
    ("gb NINO", "AA 99 99 99 C", _british, ("National Insurance number", "NI number"), False),
    ("gb NINO, together", "AA999999B", _british, ("National Insurance number", "NINO"), False),
    ("do cédula", "999-9999999-9", "do.cedula", ("cédula",), False),
    ("cz rodné číslo", "{ymd}/9999", "cz.rc", ("rodné číslo", "r.č."), False),
    ("tw ID", "A{2}99999999", _taiwan, ("身分證字號", "Taiwan ID"), True),
    ("gb NHS", "999 999 9999", "gb.nhs", ("NHS number", "NHS no."), True),
    ("de Steuer-ID", "99 999 999 999", "de.idnr", ("Steuer-ID", "Steueridentifikationsnummer"), True),
    ("in Aadhaar", "9999 9999 9999", "in_.aadhaar", ("Aadhaar", "Aadhaar number"), True),
    ("in PAN", "AAAPA9999A", "in_.pan", ("PAN", "PAN card"), True),
    ("pl PESEL", "99{mm}{dd}99999", "pl.pesel", ("PESEL",), True),
    ("nl BSN", "999999999", "nl.bsn", ("BSN", "burgerservicenummer"), True),
    ("se personnummer", "{ymd}-9999", "se.personnummer", ("personnummer",), True),
    ("no fødselsnummer", "{dmy} 99999", "no.fodselsnummer", ("fødselsnummer",), True),
    ("dk CPR", "{dmy}-9999", "dk.cpr", ("CPR-nummer", "CPR"), True),
    ("tr kimlik", "99999999999", "tr.tckimlik", ("T.C. kimlik no", "TC kimlik numarası"), True),
    ("il teudat zehut", "999999999", "il.idnr", ("teudat zehut", "תעודת זהות"), True),
    ("za ID", "{ymd}9999{0}89", "za.idnr", ("South African ID", "SA ID number"), True),
    ("ca SIN", "999-999-999", "ca.sin", ("SIN", "social insurance number"), True),
    ("au TFN", "999 999 999", "au.tfn", ("TFN", "tax file number"), True),
    ("jp My Number", "9999 9999 9999", "jp.in_", ("マイナンバー", "個人番号"), True),
    ("ro CNP", "1{ymd}409999", "ro.cnp", ("CNP", "cod numeric personal"), True),
    ("hr OIB", "99999999999", "hr.oib", ("OIB",), True),
    ("ie PPS", "9999999A", "ie.pps", ("PPS number", "PPSN"), True),
    ("at SVNR", "9999{dmy}", "at.vnr", ("Sozialversicherungsnummer", "SVNR"), True),
    ("bg EGN", "{ymd}9999", "bg.egn", ("ЕГН", "EGN"), True),
    ("ec cédula", "179999999{0}", "ec.ci", ("cédula", "cédula de identidad"), True),
    ("ee isikukood", "3{ymd}9999", "ee.ik", ("isikukood",), True),
    ("gr AMKA", "{dmy}99999", "gr.amka", ("ΑΜΚΑ", "AMKA"), True),
    ("is kennitala", "{dmy}-9999", "is_.kennitala", ("kennitala",), True),
    ("lt asmens kodas", "3{ymd}9999", "lt.asmens", ("asmens kodas",), True),
    ("mx RFC", "{C}A{V}A{ymd}A9{1}", "mx.rfc", ("RFC",), True),
    ("nz IRD", "99-999-999", "nz.ird", ("IRD number",), True),
    ("pt NIF", "299999999", "pt.nif", ("NIF", "contribuinte"), True),
    ("ru INN", "779999999999", "ru.inn", ("ИНН",), True),
    ("si EMŠO", "{dm}{9}85599999", "si.emso", ("EMŠO",), True),
    ("ua RNTRC", "3999999999", "ua.rntrc", ("РНОКПП", "ІПН"), True),
    ("co NIT", "999.999.999-9", "co.nit", ("NIT",), True),
)  # fmt: skip


def _filled(random: Random, form: str) -> str:
    born = date(1950, 1, 1) + timedelta(days=random.randrange(365 * 49))
    fields = {
        "dmy": f"{born:%d%m%y}", "ymd": f"{born:%y%m%d}", "y.m.d": f"{born:%y.%m.%d}", "mm": f"{born:%m}", "dd": f"{born:%d}", "dm": f"{born:%d%m}",
        "M": random.choice("ABCDEHLMPRST"), "D": f"{born:%d}", "X": random.choice("XYZ"), "S": random.choice("STFG"), "V": random.choice("AEIOU"),
        "C": random.choice("BCDFGHJLMNPRST"), "K": random.choice("BCDFGHJKLMNPQRSTVWXYZ"), **{digit: digit for digit in DIGITS},
    }  # fmt: skip
    text, rest = "", form
    while rest:
        if rest[0] == "{":
            name, _, rest = rest[1:].partition("}")
            text += fields[name] if name != "K" else random.choice("BCDFGHJKLMNPQRSTVWXYZ")
            continue
        alphabets = {"9": DIGITS, "A": UPPER, "#": DIGITS + UPPER}
        text += random.choice(alphabets.get(rest[0], rest[0]))
        rest = rest[1:]
    return text


def _check(check: str | Check) -> Check:
    return importlib.import_module(f"stdnum.{check}").is_valid if isinstance(check, str) else check


def _shape(name: str, form: str, check: str | Check, called: tuple[str, ...], labelled: bool) -> Shape:
    def make(random: Random) -> Value:
        is_right = _check(check)
        while not is_right(number := _filled(random, form)):
            pass
        return Value(number)

    return Shape(
        "national_id",
        name,
        make,
        Names(called, called, (name.split(maxsplit=1)[0] + "_id",) if not labelled else ()),
        "number",
        labelled,
    )


def shapes() -> list[Shape]:
    return [_shape(*form) for form in FORMS]
