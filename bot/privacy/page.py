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
grows. What is found is masked for good, exchanged for a placeholder, or keeps the whole message out.

How much is found, and what is not, is measured in [filter-recall.md](filter-recall.md); how fast, in
[filter-speed.md](filter-speed.md).

Full-width digits and letters, invisible characters, odd dashes and blanks, numbers spaced out, dotted or in brackets are seen
through. Left alone are order numbers, hashes, versions, dates, UUIDs, ids of things, code, and the places where a secret would
go (`YOUR_API_KEY`, `${TOKEN}`, `<password>`).

A growing answer is held back by a word or so, until it is certain that what is shown is not the beginning of something
sensitive. However the answer is cut into pieces, what is shown is what filtering the whole would show.
"""

ACTIONS = """\
## What is done with it

| action | what it does |
| --- | --- |
| `mask` | `[FILTERED:email]` stands in its place, for good. |
| `pseudonymise` | A placeholder does, such as `<EMAIL_1>`: always the same for the same original in a channel and its threads, \
so that the model can still speak of it. Where people of that place read the answer, the original stands there again. |
| `block` | The message is neither stored nor sent, and its author is told which kinds it held (alone, where the platform can). \
In a name, and in what the model says, it is masked. |
| `off` | That kind is not looked for. |

Unless told otherwise, personal data is pseudonymised, and secrets, cards and the operator's own words are masked. The operator
decides for all places with `REJOINDER_FILTER_ACTIONS` (`email=mask, card=block`; `all=mask` is every kind), and, as one of
`REJOINDER_ADMINS`, for one of them with `settings filter email=off`; what that leaves out is as everywhere. Instructions for the
model, the operator's and a place's, belong to no conversation: what is found there is masked for good.

## What it can't see

- Each message is searched by itself. A secret that somebody sends in two messages, half in each, looks like nothing in either.
- An answer that ends in the middle of something sensitive (its length was up, or it failed) may end in a half that nothing can tell from
  ordinary words. Once it is gone on with, the whole is masked. What was masked already from its first half is not told to the model; what
  the model would add to it by itself is searched as new words.
- Addresses that are spelled out with blanks (`ada at example dot org`) are left alone, and so is what is written in pictures.

## The vault

Originals of placeholders are kept in one table, encrypted with `REJOINDER_SECRET_KEY`, and nowhere else: questions, answers,
names, pins and summaries are stored with placeholders, and so is what was shown already of an answer that another process has to
finish. Of several keys the first encrypts and all decrypt; once a key is gone, what it encrypted stays a placeholder.

Without a key nothing can be put back: what would be pseudonymised is masked, and the bot says so when it starts, and in `check`.

- A model brings out what its own prompt told it of, and nothing else: not what was said in another thread or before a reset,
  whatever placeholder it makes up. One that a person types means nobody's data; it comes back as it was typed.
- An original is forgotten with the last message that it came from: when that is deleted, with `reset`, and when its author asks.
  No other ever gets its placeholder.
- The title of a thread that the bot opens keeps its placeholders: titles are seen further than what stands below them.
- Log lines are searched too, whoever wrote them: there everything is masked.
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
    lines = [
        FILTER,
        ACTIONS,
        "## Kinds",
        "",
        "| kind | what it is | unless told otherwise |",
        "| --- | --- | --- |",
    ]
    lines += [f"| `{kind.name}` | {kind.about} | `{kind.action}` |" for kind in KINDS]
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
