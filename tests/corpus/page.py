"""The measurement as a page: `docs/filter-recall.md`."""

from __future__ import annotations

import re

from bot.redaction import Finding
from tests import test_redaction_personal as personal
from tests import test_redaction_secrets as secret
from tests.corpus.case import Case
from tests.corpus.freezes import DEVELOPMENT, Freeze, digest, freezes
from tests.corpus.score import OTHERS, SECRETS, SIZES, Row, Score, measured

HEAD = """\
# What the filter finds

Made by `make corpus`, and checked by a test. How well the detectors of [the filter](filter.md) do on a corpus of {positives} texts that hold
something sensitive and {negatives} that only seem to (order numbers, hashes, versions, dates, UUIDs, code, logs, addresses, Chinese text, tables,
base64, minified code). Aims: recall of secrets at least 0.99, of the rest at least 0.97; precision at least 0.99.

- **Where it comes from.** A generator with seeds (`tests/corpus`): shapes as vendors, standards and registries publish them, in sentences and chat
  in English and Chinese, programs, configuration, logs, tables and addresses; some numbers full width, spaced out, dotted, or with invisible
  characters. No secret is stored, only seeds. {hand} more cases were written by hand (`tests/test_redaction_*.py`); all of those pass.
- **Two halves.** Detectors may be tuned on the *development* half, and on others made from seeds at will. Then they are committed, and that commit's name seeds the *held-out* half,
  which nothing is tuned on. If it misses an aim, the detectors are improved on development data, frozen again, and measured with a new half;
  the history is below.
- **How it counts.** A case is found if its whole sensitive stretch is covered by a finding of its kind; one character left out is a miss, and so
  is another kind. Whatever is found anywhere else is a false alarm of that kind. Everything is switched on, IP addresses and operator's words too.
- **What it does not say.** The generator and the detectors have one author, and made-up texts are tidier than people's. Not in the corpus because
  not found: passwords that are plain words, addresses spelt out with blanks (`ada [at] example [dot] com`) or with ideographs before the `@`,
  names, street addresses, and secrets that neither a label nor their own shape gives away.
"""


def page() -> str:
    """The page's text, measured now."""
    frozen = freezes()
    scores = [("Development half", measured(DEVELOPMENT))]
    if frozen:
        scores.append(("Held-out half", measured(frozen[-1].commit)))
    positives = sum(row.planted for _, result in scores for row in result.rows.values())
    negatives = sum(result.negatives for _, result in scores)
    tables = (personal.FOUND, secret.FOUND, personal.NOT_FOUND, secret.NOT_FOUND)
    hand = sum(len(cases) for table in tables for cases in table.values())
    parts = [HEAD.format(positives=f"{positives:,}", negatives=f"{negatives:,}", hand=hand), _history(frozen)]
    parts += [_table(title, result) for title, result in scores]
    parts += [_misses(title, result) for title, result in scores]
    return "\n".join(parts)


def _history(frozen: list[Freeze]) -> str:
    lines = [
        "## Freezes\n",
        "| commit | detectors | recall of secrets | of the rest | precision | |",
        "| --- | --- | ---: | ---: | ---: | --- |",
    ]
    lines += [
        f"| `{f.commit[:12]}` | `{f.detectors}` | {f.secrets:.4f} | {f.rest:.4f} | {f.precision:.4f} | {f.remark} |"
        for f in frozen
    ]
    if frozen and frozen[-1].detectors != digest():
        lines.append(
            f"\nThe detectors have been changed since (now `{digest()}`): the tables below measure them as they are."
        )
    return "\n".join([*lines, ""])


def _table(title: str, result: Score) -> str:
    lines = [
        f"## {title}\n",
        "| kind | texts | found | recall | false alarms | precision |",
        "| --- | ---: | ---: | ---: | ---: | ---: |",
    ]
    lines += [_line(f"`{kind}`", result.row(kind)) for kind in SIZES]
    for name, kinds in (("secrets", SECRETS), ("the rest", OTHERS), ("all", tuple(SIZES))):
        lines.append(_line(f"**{name}**", result.total(kinds)))
    lines.append(f"\nHard negatives: {result.negatives:,} texts.\n")
    return "\n".join(lines)


def _line(name: str, row: Row) -> str:
    return f"| {name} | {row.planted} | {row.found} | {row.recall:.4f} | {row.false} | {row.precision:.4f} |"


def _misses(title: str, result: Score) -> str:
    lines = [f"## {title}: misses and false alarms\n"]
    lines += [
        f"- missed: `{c.kind}`, {c.shape}: `{_before(c, c.start)}`**`{_outline(c.secret)}`**"
        for c in result.missed
    ]
    lines += [_alarm(case, finding) for case, finding in result.alarms]
    return "\n".join([*(lines if len(lines) > 1 else [*lines, "None."]), ""])


def _alarm(case: Case, finding: Finding) -> str:
    found = _outline(case.text[finding.start : finding.end])
    return f"- false alarm: `{finding.kind}` in {case.shape}: `{_before(case, finding.start)}`**`{found}`**"


def _before(case: Case, end: int) -> str:
    return _outline(re.sub(r"[`\n|]", " ", case.text[max(0, end - 24) : end])) or "…"


def _outline(text: str) -> str:
    """The text without what it says, at most 40 characters: digits as 9, letters of a mixed word as a and A."""
    shown = re.sub(r"[`\n|]", " ", text)
    shown = re.sub(
        r"\S*\d\S*",
        lambda word: re.sub("[a-z]", "a", re.sub("[A-Z]", "A", re.sub(r"\d", "9", word[0]))),
        shown,
    )
    return shown if len(shown) <= 40 else f"{shown[:40]}… ({len(text)})"
