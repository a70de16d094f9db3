"""The filter as a document, made from its own tables: `docs/filter.md`."""

from __future__ import annotations

from collections.abc import Iterable

from bot.redaction import KINDS
from bot.redaction.detectors import detectors
from bot.redaction.schemes import DIGITS, SHAPES
from bot.redaction.vendors import VENDORS

FILTER = """\
# The filter

Everything that is said to the bot is searched before it is stored, logged or sent, and so is what the model answers while it
grows. In place of what is found stands `[FILTERED:email]`, or whatever its kind is.

How much is found, and what is not, is measured in [filter-recall.md](filter-recall.md); how fast, in
[filter-speed.md](filter-speed.md).

Full-width digits and letters, invisible characters, odd dashes and blanks, numbers spaced out, dotted or in brackets are seen
through. Left alone are order numbers, hashes, versions, dates, UUIDs, ids of things, code, and the places where a secret would
go (`YOUR_API_KEY`, `${TOKEN}`, `<password>`).

A growing answer is held back by a word or so, until it is certain that what is shown is not the beginning of something
sensitive. However the answer is cut into pieces, what is shown is what masking the whole would show.
"""

WORDS = """\
## Words and patterns of your own

`REJOINDER_FILTER_WORDS` names a UTF-8 file: a word or phrase a line, `# comment`, or `re: PATTERN`. Words are found whatever
their case and Unicode form, one of an alphabet as a whole word only, one of ideographs anywhere; thousands cost what one costs.
Patterns are [RE2's](https://github.com/google/re2/wiki/Syntax), which no pattern and no text can make slow; what RE2 cannot do
(look-around, back-references) is refused when the bot starts, with the line's number. `^` and `$` are the ends of a line; a
match has at most 256 characters, and the words it begins and ends in go with it.
"""


def filter_page() -> str:
    """The reference page of the filter: kinds, detectors, vendors, countries."""
    lines = [FILTER, "## Kinds", "", "| kind | what it is |", "| --- | --- |"]
    lines += [f"| `{kind.name}` | {kind.about} |" for kind in KINDS]
    lines += ["", "## Detectors", "", "| detector | kind | finds |", "| --- | --- | --- |"]
    table = detectors(ip_addresses=True, regions=("CN",))
    lines += [f"| `{rule.name}` | `{rule.kind}` | {rule.about} |" for rule in table]
    lines += [
        "| `pem` | `private_key` | from the header to the end, also cut off, quoted, indented, or in one line |",
        "| `words` | `word` | the operator's words and patterns |",
        "",
        WORDS,
        "## Keys and tokens known by their beginning",
        "",
        ", ".join(f"{vendor.name.replace('_', ' ')} `{vendor.prefix}`" for vendor in VENDORS) + ".",
        "",
        "## Identity and tax numbers",
        "",
        f"By their own shape: {_names(shape.name for shape in SHAPES if not shape.label)}.",
        f"Behind their name: {_names([*(shape.name for shape in SHAPES if shape.label), *(scheme.name for scheme in DIGITS)])}.",
        "",
    ]
    return "\n".join(lines)


def _names(names: Iterable[str]) -> str:
    return ", ".join(f"`{name}`" for name in names)
