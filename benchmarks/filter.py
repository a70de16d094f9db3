"""The filter beside others: `make bench`, or `python -m benchmarks.filter` where requirements/bench.txt is installed.

Recall and speed on the same corpus of presidio-analyzer's pattern recognizers, of detect-secrets, and of the loop of replacements that
most bots have; what thousands of words cost; hostile input; how much of a growing text is held back. Writes docs/filter-speed.md.
"""

from __future__ import annotations

import asyncio
import re
import statistics
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from bot.privacy.answers import AnswerFilter
from bot.redaction import OperatorWords, Policy, Redactor
from tests.corpus.case import Case
from tests.corpus.freezes import freezes
from tests.corpus.score import OTHERS, SECRETS, half, redactor

ROOT = Path(__file__).parents[1]
Spans = list[tuple[int, int]]
Find = Callable[[str], Spans]

# As bots write them: the first expressions that a search for each turns up.
NAIVE = (
    r"[a-zA-Z0-9._%+-]+@[a-zA-Z0-9.-]+\.[a-zA-Z]{2,}", r"1[3-9]\d{9}", r"\(?\d{3}\)?[-.\s]?\d{3}[-.\s]?\d{4}", r"\+\d{1,3}[\s-]?\d{4,14}",
    r"\d{17}[\dXx]", r"\d{3}-\d{2}-\d{4}", r"(?:\d{4}[- ]?){3}\d{4}", r"[A-Z]{2}\d{2}[A-Z0-9]{11,30}", r"sk-[a-zA-Z0-9_-]{20,}",
    r"AKIA[0-9A-Z]{16}", r"gh[pousr]_[A-Za-z0-9]{36}", r"xox[baprs]-[A-Za-z0-9-]+", r"AIza[0-9A-Za-z_-]{35}", r"eyJ[\w-]+\.[\w-]+\.[\w-]+",
    r"(?i)(?:password|passwd|secret|token|api_?key)\s*[:=]\s*\S+", r"-----BEGIN [A-Z ]+-----[\s\S]+?-----END [A-Z ]+-----", r"\w+://[^\s:@]+:[^\s@]+@\S+",
)  # fmt: skip


def finder(redactor: Redactor) -> Find:
    return lambda text: [(finding.start, finding.end) for finding in redactor.find(text)]


def naive() -> Find:
    patterns = [re.compile(pattern) for pattern in NAIVE]
    return lambda text: [match.span() for pattern in patterns for match in pattern.finditer(text)]


def presidio() -> Find:
    """Every recognizer of presidio that works by patterns and is for what the corpus holds, at a score of 0.4 and above."""
    import presidio_analyzer.predefined_recognizers as known
    import tldextract
    from presidio_analyzer import PatternRecognizer

    tldextract.extract = tldextract.TLDExtract(suffix_list_urls=())  # or it downloads a list
    unfit = re.compile("Url|Date|License|Bank|Passport|Crypto|Mac|Abn|Acn|Vehicle|Driver|Plate|Medical|Vat")
    made = []
    for name in known.__all__:
        kind = getattr(known, name)
        if isinstance(kind, type) and issubclass(kind, PatternRecognizer) and not unfit.search(name):
            made.append(kind())
    made.append(known.PhoneRecognizer(supported_regions=("US", "GB", "CN", "DE", "FR")))

    def find(text: str) -> Spans:
        results = [
            r
            for recognizer in made
            for r in recognizer.analyze(text, recognizer.supported_entities, None) or ()
        ]
        return [(r.start, r.end) for r in results if r.score >= 0.4]

    return find


def detect_secrets() -> Find:
    """detect-secrets with its default plug-ins and filters, line by line."""
    from detect_secrets.core import scan

    def find(text: str) -> Spans:
        spans, offset = [], 0
        for line in text.splitlines(keepends=True):
            for secret in scan.scan_line(line):
                place = line.find(secret.secret_value or "\0")
                if place >= 0:
                    spans.append((offset + place, offset + place + len(secret.secret_value or "")))
            offset += len(line)
        return spans

    return find


def speed(find: Find, texts: Sequence[str], times: int = 3) -> float:
    """Megabytes of UTF-8 a second of processor time, the best of some runs."""
    best = min(_seconds(find, texts) for _ in range(times))
    return sum(len(text.encode(errors="replace")) for text in texts) / 1e6 / best


def _seconds(find: Find, texts: Sequence[str]) -> float:
    begun = time.process_time()
    for text in texts:
        find(text)
    return time.process_time() - begun


def recall(find: Find, cases: Sequence[Case]) -> float:
    """How many of the cases are covered whole, by whatever is found."""
    return (
        statistics.mean(_covered(find(case.text), case.start, case.end) for case in cases) if cases else 1.0
    )


def _covered(spans: Spans, start: int, end: int) -> bool:
    for first, last in sorted(spans):
        if first > start:
            return False
        start = max(start, last)
        if start >= end:
            return True
    return False


def side_by_side(cases: Sequence[Case]) -> list[str]:
    """A row for each kind, a column for each tool."""
    tools = {
        "Rejoinder": finder(redactor()),
        "presidio-analyzer": presidio(),
        "detect-secrets": detect_secrets(),
        "loop of replacements": naive(),
    }
    texts, harmless = [case.text for case in cases], [case for case in cases if not case.kind]
    rows = {
        "**MB/s**": [f"{speed(find, texts):.2f}" for find in tools.values()],
        "texts with a false alarm": [
            f"{sum(bool(find(case.text)) for case in harmless)} of {len(harmless):,}"
            for find in tools.values()
        ],
    }
    for kind in (*SECRETS, *OTHERS):
        of_kind = [case for case in cases if case.kind == kind]
        rows[f"recall: `{kind}`"] = [f"{recall(find, of_kind):.2f}" for find in tools.values()]
    head = [f"| | {' | '.join(tools)} |", "| --- |" + " ---: |" * len(tools)]
    return head + [f"| {name} | {' | '.join(row)} |" for name, row in rows.items()]


def words(text: str) -> list[str]:
    lines = ["| words | Rejoinder, MB/s | a loop of `str.replace`, MB/s |", "| ---: | ---: | ---: |"]
    for count in (0, 100, 1_000, 10_000):
        some = [f"code name {number}" for number in range(count)]

        def loop(text: str, some: Sequence[str] = some) -> Spans:
            for word in some:
                text = text.replace(word, "***")
            return []

        mine = speed(finder(Redactor(words=OperatorWords(tuple(some)))), [text])
        lines.append(f"| {count:,} | {mine:.2f} | {f'{speed(loop, [text]):.2f}' if count else ''} |")
    return lines


HOSTILE = (
    "123 ",
    "4111 1111 1111 1112 ",
    "DE89 3704 0044 ",
    "a@b.",
    "token for a b c ",
    "x://a:" + "@" * 250,
    "sk-a1b2c3 ",
    "-----BEGIN ",
    "eyJ",
    "\u200b",
    "[FILTERED:",
)


def hostile() -> list[str]:
    lines = ["| repeated | 0.5 MB, s | 2 MB, s | times |", "| --- | ---: | ---: | ---: |"]
    for unit in HOSTILE:
        once, more = (_seconds(finder(Redactor()), [(unit * size)[:size]]) for size in (500_000, 2_000_000))
        lines.append(f"| `{unit[:24]!r}` | {once:.2f} | {more:.2f} | {more / once:.1f} |")
    return lines


def held() -> list[str]:
    texts = {
        "English prose": (ROOT / "docs/architecture.md").read_text(encoding="utf-8"),
        "Chinese prose": "你好，这座灯塔建于十九世纪末，高约34米，每年有很多人来参观。请在2026年11月25日之前订票，票价为120元。"
        * 40,
        "a program": (ROOT / "bot/engine.py").read_text(encoding="utf-8"),
    }
    lines = [
        "| a growing text | held on average | 95 % at most | at most | shown first |",
        "| --- | ---: | ---: | ---: | --- |",
    ]
    for name, text in texts.items():
        waiting, first = asyncio.run(grown(text))
        at_95 = sorted(waiting)[int(len(waiting) * 0.95)]
        lines.append(f"| {name} | {statistics.mean(waiting):.1f} | {at_95} | {max(waiting)} | {first} |")
    return lines


async def grown(text: str) -> tuple[list[int], str]:
    """How many characters wait after each delta of an answer, and what is shown first."""
    growing, waiting, given, shown, first = AnswerFilter(Redactor(), Policy(), originals={}), [], 0, 0, ""
    deltas = re.findall(r" ?[A-Za-z0-9_]{1,6}| ?[^\w\s]+|\s+|.", text, flags=re.DOTALL)
    for number, delta in enumerate(deltas, start=1):
        out = await growing.feed(delta)
        given, shown = given + len(delta), shown + len(out)
        first = first or (f"`{out.strip()}` with delta {number}" if out.strip() else "")
        waiting.append(given - shown)
    return waiting, first


PAGE = """\
# How fast the filter is

Measured by `make bench` on a virtual machine with 2 cores of a current server processor, Python {python}; processor time, the
best of three runs. Your figures will differ; the ratios should not.

## Side by side

The held-out half of [the corpus](filter-recall.md), {count:,} short texts. Recall here is the share of texts in which the whole
sensitive stretch is covered, by a finding of any kind. presidio-analyzer: all its recognizers that work by patterns and are for
these kinds, without a language model, at a score of at least 0.4 (its weaker patterns count only near words that a language
model has to find). detect-secrets: its default plug-ins and filters; it is for secrets only, and reports of a key its
header and of an address its password, which covers neither whole. The loop: seventeen expressions as bots have them.
The corpus is our own, so the comparison flatters us; the others were not made for Chinese data or for chat.

{side_by_side}

## Words of the operator

{words}

## Hostile input

Near-misses without end: four times the text should be about four times the work.

{hostile}

## What a growing text is held back

Fed in pieces of up to six letters, as models write. In characters.

{held}
"""


def main() -> None:
    import platform

    from detect_secrets.settings import default_settings

    cases = half(freezes()[-1].commit)
    prose = "".join(
        (ROOT / "docs" / name).read_text(encoding="utf-8")
        for name in ("architecture.md", "operating.md", "slack.md")
    )
    with default_settings():
        table = side_by_side(cases)
    parts = {
        "side_by_side": table,
        "words": words((prose * 40)[:1_000_000]),
        "hostile": hostile(),
        "held": held(),
    }
    page = PAGE.format(
        python=platform.python_version(),
        count=len(cases),
        **{name: "\n".join(lines) for name, lines in parts.items()},
    )
    (ROOT / "docs/filter-speed.md").write_text(page, encoding="utf-8")
    print(page)


if __name__ == "__main__":
    main()
