"""Make the halves of the corpus, hold the filter against them, and count."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import cache
from random import Random

from bot.redaction import Finding, Redactor, parse_words
from tests.corpus import carriers, national, negatives, numbers, personal, secret, vendors
from tests.corpus.case import Case, Shape

# How many of each kind a half holds.
SIZES = {
    "api_key": 600, "private_key": 110, "jwt": 80, "connection_string": 80, "url_credentials": 70, "email": 120, "phone": 260, "card": 160,
    "cn_id": 100, "us_ssn": 70, "national_id": 220, "iban": 90, "ip": 60, "word": 60,
}  # fmt: skip
NEGATIVES = 2_080
SECRETS = ("api_key", "private_key", "jwt", "connection_string", "url_credentials")
OTHERS = tuple(kind for kind in SIZES if kind not in SECRETS)


def shapes() -> list[Shape]:
    return [shape for source in (vendors, secret, numbers, national, personal) for shape in source.shapes()]


def half(seed: str) -> list[Case]:
    """One half of the corpus: the same for the same seed."""
    number = int.from_bytes(hashlib.sha256(seed.encode()).digest())
    random = Random(number)
    cases = []
    for kind, size in SIZES.items():
        of_kind = [shape for shape in shapes() if shape.kind == kind]
        cases += [carriers.case(random, of_kind[index % len(of_kind)]) for index in range(size)]
    return cases + negatives.cases(random, NEGATIVES)


def redactor() -> Redactor:
    """The filter with everything switched on."""
    return Redactor(words=parse_words(personal.OPERATOR_WORDS), ip_addresses=True)


@dataclass(slots=True)
class Row:
    """One kind's count. `hidden` of another kind is no leak, but not right either: it counts as missed."""

    planted: int = 0
    found: int = 0
    otherwise: int = 0
    false: int = 0

    @property
    def recall(self) -> float:
        return self.found / self.planted if self.planted else 1.0

    @property
    def precision(self) -> float:
        return self.found / (self.found + self.false) if self.found + self.false else 1.0


@dataclass(slots=True)
class Score:
    rows: dict[str, Row] = field(default_factory=dict)
    missed: list[Case] = field(default_factory=list)
    alarms: list[tuple[Case, Finding]] = field(default_factory=list)
    negatives: int = 0

    def row(self, kind: str) -> Row:
        return self.rows.setdefault(kind, Row())

    def total(self, kinds: Iterable[str]) -> Row:
        rows = [self.row(kind) for kind in kinds]
        return Row(
            *(sum(getattr(row, name) for row in rows) for name in ("planted", "found", "otherwise", "false"))
        )


@cache
def measured(seed: str) -> Score:
    """The whole filter's score on the half of this seed."""
    return score(half(seed), redactor())


def score(cases: Sequence[Case], redactor: Redactor) -> Score:
    """A case is found if its whole secret is covered by a finding of its kind; what is found anywhere else is a false alarm."""
    result = Score({kind: Row() for kind in SIZES})
    for case in cases:
        findings = redactor.find(case.text)
        if case.kind:
            _count(result, case, findings)
        else:
            result.negatives += 1
        for finding in findings:
            if not case.kind or finding.end <= case.start or finding.start >= case.end:
                result.row(finding.kind).false += 1
                result.alarms.append((case, finding))
    return result


def _count(result: Score, case: Case, findings: Sequence[Finding]) -> None:
    row = result.row(case.kind)
    row.planted += 1
    covering = [f for f in findings if f.start <= case.start and f.end >= case.end]
    if any(f.kind == case.kind for f in covering):
        row.found += 1
        return
    row.otherwise += bool(covering)
    result.missed.append(case)
