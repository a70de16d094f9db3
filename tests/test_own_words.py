"""The bot's own words stand below an answer, outside of its code."""

from __future__ import annotations

import pytest
from markdown_it import MarkdownIt

from bot.own_words import with_notes

NOTE = "The answer was cut."
ANSWERS = {
    "words": "Words.",
    "a whole block": "```py\nx = 1\n```",
    "an open block": "```py\nx = 1",
    "an open block of tildes": "~~~~\n```\nx\n~~~",
    "a block that begins a list item": "1. ```bash\n   npm install\n   ```",
    "an open block that begins a list item": "1. ```bash\n   npm install",
    "a block deep in a list": "- a\n\n  1. b\n\n     ```js\n     x\n     ```",
    "an open block deep in a list": "- a\n\n  1. b\n\n     ```js\n     x",
    "code on one line": "```npm install``` is a command.",
    "a block about blocks": "````md\n```js\nx\n```\n````",
    "a block that quotes the start of another": "```md\n```js\nx\n```",
    "an open block whose line looks like a list": "```md\n- ```",
    "a block in a quote": "> ```py\n> x = 1\n> ```",
    "an open block in a quote": "> ```py\n> x = 1",
    "an open block in a quote that ended": "> ```py\n> x = 1\n\nWords.",
}


@pytest.mark.parametrize("answer", ANSWERS.values(), ids=ANSWERS)
def test_a_note_is_words_whatever_the_answer_ends_in(answer: str) -> None:
    said = with_notes(answer, [NOTE])
    assert said.startswith(answer) and said.endswith(f"\n\n_{NOTE}_")
    tokens = MarkdownIt().parse(said)
    assert tokens[-2].type == "inline" and tokens[-2].content == f"_{NOTE}_"
    assert not any(NOTE in token.content for token in tokens if token.type in ("fence", "code_block"))
    codes = [token.content.strip() for token in tokens if token.type == "fence"]
    assert codes == [token.content.strip() for token in MarkdownIt().parse(answer) if token.type == "fence"]


def test_without_notes_an_answer_stays_as_it_is() -> None:
    assert with_notes("```py\nx = 1\n", []) == "```py\nx = 1"
