"""What Discord does not know in Markdown becomes the nearest that it does, and stays in one style while an answer grows."""

from __future__ import annotations

import unicodedata

import pytest
from markdown_it import MarkdownIt

from adapters.delivery.splitter import Splitter, split
from adapters.discord.markdown import shown
from adapters.discord.surface import LENGTH, measure

TABLE = """\
| name | 数量 | note |
| :-- | --: | :-: |
| 你好世界 | 12 | **bold** `co\\|de` |
| ok ✅ | 3 | [x](https://e.org) |
| short |
"""


def screen(text: str) -> int:
    """Cells on a screen, by Unicode's own widths."""
    return sum(2 if unicodedata.east_asian_width(one) in "WF" else 1 for one in text)


def messages(text: str) -> list[str]:
    """The messages of a whole answer, as Discord gets them."""
    parts = split(text, LENGTH, lambda part: measure(shown(part)))
    return [shown(part.shown) for part in parts]


def code_of(text: str) -> list[str]:
    return [token.content for token in MarkdownIt().parse(text) if token.type == "fence"]


def test_a_table_becomes_an_aligned_code_block() -> None:
    assert shown(TABLE) == (
        "```\n"
        "name     | 数量 |       note\n"
        "---------+------+------------------\n"
        "你好世界 |   12 |    bold co|de\n"
        "ok ✅    |    3 | x (https://e.org)\n"
        "short    |      |\n"
        "```\n"
    )
    bars = [[screen(line[:at]) for at in places(line)] for line in code_of(shown(TABLE))[0].splitlines()]
    assert len({row[0] for row in bars}) == 1


def places(line: str) -> list[int]:
    return [at for at, one in enumerate(line) if one in "|+"]


def test_a_wide_table_breaks_the_words_of_its_widest_column() -> None:
    words = " ".join(f"word{number}" for number in range(40))
    (code,) = code_of(shown(f"| a | b |\n|---|---|\n| 1 | {words} |\n| 2 | one<br>two |"))
    assert max(map(screen, code.splitlines())) <= 76
    assert [word for word in code.split() if word.startswith("word")] == words.split()
    assert code.endswith("\n  |\n2 | one\n  | two\n")


@pytest.mark.parametrize(
    ("edge", "table"),
    [
        ("> ", "> | a | b |\n> | --- | --- |\n> | 1 | 2 |"),
        ("  ", "- | a | b |\n  | --- | --- |\n  | 1 | 2 |"),
    ],
    ids=["quote", "list item"],
)
def test_a_table_stays_in_its_quote_or_list_item(edge: str, table: str) -> None:
    assert code_of(shown(table)) == ["a | b\n--+--\n1 | 2\n"]
    assert all(line.startswith(edge) for line in shown(table).splitlines()[1:])


def test_a_table_over_several_messages_repeats_its_head_and_keeps_its_rows_whole() -> None:
    rows = [f"| 第{number}行 | {'x' * (number % 30)}{number} |" for number in range(200)]
    texts = messages("Here:\n\n| 名字 | value |\n| --- | --- |\n" + "\n".join(rows))
    assert len(texts) > 2
    seen = []
    for text in texts:
        assert measure(text) <= LENGTH
        (code,) = code_of(text)
        head, ruler, *body = code.splitlines()
        assert head.startswith("名字") and set(ruler) <= set("-+")
        seen += [tuple(cell.strip() for cell in row.split("|")) for row in body]
    assert seen == [tuple(cell.strip() for cell in row.strip("|").split("|")) for row in rows]


def test_an_unfinished_table_is_never_shown_as_anything_but_a_table() -> None:
    text = f"Look:\n\n{TABLE}\nThat is all."
    splitter = Splitter(LENGTH, lambda part, lasting: measure(shown(part)))
    styles = []
    for end in range(1, len(text) + 1):
        part = splitter.feed(text[:end])
        view = shown(part.shown) if part else ""
        outside = "".join(view.split("```")[::2])
        assert "|" not in outside and "--" not in outside
        styles.append("```" in view)
    assert sorted(styles) == styles


@pytest.mark.parametrize(
    ("written", "seen"),
    [
        ("### Third", "### Third"),
        ("#### Fourth **bold** `a**b` ##", "**Fourth bold `a**b`**"),
        ("- ###### Sixth", "- **Sixth**"),
        ("Title\n=====", "# Title"),
        ("Title\n---", "## Title"),
        ("a\n\n***\n\nb", f"a\n\n{'─' * 20}\n\nb"),
        ("- [ ] to do\n- [x] done", "- ☐ to do\n- ☑ done"),
        ("see ![cat](https://e.org/c.png)", "see [cat](https://e.org/c.png)"),
        ("`![no](picture)` \\![no](picture)", "`![no](picture)` \\![no](picture)"),
        ("1. one\n   - two\n\n> quote\n\n**b** ~~s~~", "1. one\n   - two\n\n> quote\n\n**b** ~~s~~"),
    ],
)
def test_what_discord_does_not_know_becomes_the_nearest_that_it_does(written: str, seen: str) -> None:
    assert shown(written) == seen


@pytest.mark.parametrize(
    ("written", "seen"),
    [
        ("~~~python\nx = 1\n~~~", "```python\nx = 1\n```"),
        ('~~~ python title="x"\nx = 1\n~~~', "```python\nx = 1\n```"),
        ("````\nx\n````", "```\nx\n```"),
        ("~~~{.py}\nx\n~~~", "```\nx\n```"),
        ("    x = 1\n\n    y\n\nz", "```\nx = 1\n\ny\n```\n\nz"),
        ("- a\n\n      x", "- a\n\n  ```\n  x\n  ```"),
    ],
)
def test_code_is_fenced_by_three_backticks(written: str, seen: str) -> None:
    assert shown(written) == seen


def test_backticks_in_code_do_not_end_it() -> None:
    (code,) = code_of(text := shown("~~~md\n```py\nx\n```\n~~~"))
    assert text.count("```") == 2
    assert code.replace("\u2060", "") == "```py\nx\n```\n"


@pytest.mark.parametrize("ping", ["@everyone", "@here", "@Everyone"])
@pytest.mark.parametrize(
    "around", ["{}", "hello {}", "> {}", "**{}**", "- {}", "[a]({})", "\\{}", "`open {}", "# {}"]
)
def test_no_broadcast_is_left_where_it_can_be_read(ping: str, around: str) -> None:
    assert ping not in shown(around.format(ping))


def test_code_is_left_as_it_is_and_addresses_still_lead_somewhere() -> None:
    assert shown("say `@everyone` or\n```\n@here\n```") == "say `@everyone` or\n```\n@here\n```"
    assert shown("https://e.org/@here?a=1") == "https://e.org/%40here?a=1"
