"""`python -m tests.corpus`: measure, and write docs/filter-recall.md. `misses`: the development half's, whole. `freeze`: see
`freezes`; everything after it is the freeze's remark."""

from __future__ import annotations

import sys

from tests.corpus.freezes import DEVELOPMENT, ROOT, Freeze, committed, digest, record
from tests.corpus.page import page
from tests.corpus.score import OTHERS, SECRETS, SIZES, measured


def misses() -> None:
    result = measured(DEVELOPMENT)
    for case in result.missed:
        print(f"missed {case.kind} ({case.shape}): {case.secret!r} in {case.text!r}")
    for case, finding in result.alarms:
        print(
            f"false {finding.kind} ({case.shape}): {case.text[finding.start : finding.end]!r} in {case.text!r}"
        )


def freeze(remark: str) -> None:
    commit = committed()
    result = measured(commit)
    secrets, rest, everything = (result.total(kinds) for kinds in (SECRETS, OTHERS, tuple(SIZES)))
    record(Freeze(commit, digest(), secrets.recall, rest.recall, everything.precision, remark))


def main(arguments: list[str]) -> None:
    if arguments[:1] == ["misses"]:
        misses()
        return
    if arguments[:1] == ["freeze"]:
        freeze(" ".join(arguments[1:]))
    text = page()
    (ROOT / "docs/filter-recall.md").write_text(text, encoding="utf-8")
    print(text)


if __name__ == "__main__":
    main(sys.argv[1:])
