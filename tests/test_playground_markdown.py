"""Messages as HTML, and mentions in them."""

from __future__ import annotations

import re
from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.playground.markdown import to_html
from adapters.playground.mentions import mentioned, without

NAMES = ("Rejoinder", "Ada", "Ada Lovelace", "林")


def html(text: str) -> str:
    """Without the sides that blocks stand on."""
    return to_html(text, NAMES).replace(' dir="auto"', "").strip()


def test_each_block_stands_on_the_side_where_its_words_begin_and_code_on_the_left() -> None:
    made = to_html("# א\n\nب\n\n- ج\n\n> د\n\n```\nx\n```\n\n| ه |\n| --- |\n| 1 |", NAMES)
    assert re.findall(r'<(\w+)[^>]* dir="auto">', made) == ["p", "p", "ul", "blockquote", "div"]
    assert '<div class="code" dir="ltr">' in made


def test_html_of_a_message_is_only_text() -> None:
    assert html("<script>alert(1)</script>") == "<p>&lt;script&gt;alert(1)&lt;/script&gt;</p>"
    assert "<img" not in html('a <img src="x" onerror="alert(1)"> b')


@pytest.mark.parametrize(
    "address", ["javascript:alert(1)", "data:text/html,x", "vbscript:x", "JaVaScRiPt:alert(1)"]
)
def test_a_link_that_would_run_something_stays_text(address: str) -> None:
    assert "<a" not in html(f"[click]({address})")


def test_a_link_tells_its_target_nothing_and_gives_it_no_rank() -> None:
    made = html("[here](https://example.com/a)")
    assert made == '<p><a href="https://example.com/a" rel="noopener nofollow" target="_blank">here</a></p>'


def test_an_image_is_a_link_and_is_never_loaded() -> None:
    made = html("![a cat](https://example.com/cat.png)")
    assert "<img" not in made
    assert 'href="https://example.com/cat.png"' in made
    assert "a cat</a>" in made


def test_an_image_within_a_link_is_its_label() -> None:
    assert html("[![cat](https://e.com/c.png)](https://e.com)").count("<a ") == 1


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("see https://example.com/a_b?x=1#y.", "https://example.com/a_b?x=1#y"),
        ("(https://example.com/x)", "https://example.com/x"),
        ("**https://example.com/x**", "https://example.com/x"),
    ],
)
def test_a_bare_address_becomes_a_link(text: str, address: str) -> None:
    assert f'<a href="{address}"' in html(text)


def test_nothing_is_marked_in_code_or_in_a_link() -> None:
    for text in ("`@Ada https://e.com`", "```\n@Ada https://e.com\n```", "[@Ada](https://b.com)"):
        assert "mention" not in html(text)
    assert html("`https://e.com`") == "<p><code>https://e.com</code></p>"


def test_code_has_its_language_its_colours_and_a_way_to_copy_it() -> None:
    made = html("```python\ndef f(): pass\n```")
    assert '<code class="language-python">' in made
    assert '<span class="hl-k">def</span>' in made
    assert 'data-do="copy-code"' in made


def test_an_unknown_language_is_plain_text() -> None:
    made = html('```<"x>\n1 < 2\n```')
    assert 'class="language-&lt;&quot;x&gt;"' in made
    assert "1 &lt; 2" in made


def test_tasks_have_boxes_and_a_cell_may_have_several_lines() -> None:
    made = html("- [ ] one\n- [x] **two**\n- `[x]` three\n\n[x] four")
    assert "<li>☐ one</li>" in made and "<li>☑ <strong>two" in made
    assert "<code>[x]</code> three" in made and "<p>[x] four</p>" in made
    assert "a<br />" in html("| t |\n| --- |\n| a<br>b `<br>` |")
    assert "&lt;br&gt;" in html("a<br>b")


def test_a_table_is_aligned_without_inline_styles() -> None:
    made = html("| a | b |\n| --- | --: |\n| 1 | 2 |")
    assert "<table>" in made
    assert '<td class="right">2</td>' in made
    assert "style" not in made


def test_a_table_that_is_only_begun_is_held_back_while_the_answer_grows() -> None:
    whole = "Look:\n\n| a | b |\n| --- | --: |\n| 1 | 2 |\n"
    for end in range(7, len(whole) + 1):
        made = to_html(whole[:end], NAMES, growing=True)
        assert "|" not in re.sub(r"<[^>]*>", "", made), whole[:end]
    assert "<p>a | b</p>" in html("a | b")


def test_a_growing_answer_can_be_shown_at_every_length() -> None:
    whole = "# T\n\n**b** `c` [l](https://e.com)\n\n```python\nx = '1'\n```\n\n1. one\n   - two\n\n> q"
    for end in range(len(whole) + 1):
        to_html(whole[:end], NAMES, growing=True)
    assert "hl-" not in to_html("```python\nx = 1", NAMES, growing=True)
    assert "hl-" in to_html("```python\nx = 1\n```\n\nand", NAMES, growing=True)


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("@Rejoinder what is up?", "what is up?"),
        ("@rejoinder, what is up?", "what is up?"),
        ("@Rejoinder: reset", "reset"),
        ("Hey @Rejoinder there", "Hey there"),
        ("what is up, @Rejoinder?", "what is up, ?"),
        ("@Rejoinder", ""),
        ("@Rejoinder ask @Ada Lovelace", "ask @Ada Lovelace"),
        ("@Rejoinder what is `@Rejoinder`?", "what is `@Rejoinder`?"),
        ("@Rejoinder\n- one\n- two", "- one\n- two"),
    ],
)
def test_the_bots_own_mention_is_taken_out(text: str, left: str) -> None:
    assert mentioned(text, "Rejoinder", NAMES)
    assert without(text, "Rejoinder", NAMES) == left


@pytest.mark.parametrize(
    "text",
    ["Rejoinder", "@Rejoinders", "me@Rejoinder", "`@Rejoinder`", "```\n@Rejoinder\n", "@Ada", "a/@Rejoinder"],
)
def test_not_everything_is_a_mention(text: str) -> None:
    assert not mentioned(text, "Rejoinder", NAMES)


def test_a_longer_name_is_not_taken_for_a_shorter_one() -> None:
    assert mentioned("hi @Ada Lovelace", "Ada Lovelace", NAMES)
    assert not mentioned("hi @Ada Lovelace", "Ada", NAMES)
    assert '<span class="mention">@林</span>' in html("你好 @林")


class _Tags(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.seen: list[tuple[str, dict[str, str | None]]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.append((tag, dict(attrs)))


ALLOWED = {
    *(
        "p",
        "a",
        "em",
        "strong",
        "s",
        "code",
        "pre",
        "br",
        "hr",
        "ul",
        "ol",
        "li",
        "blockquote",
        "div",
        "span",
    ),
    *("button", "svg", "use", "table", "thead", "tbody", "tr", "th", "td"),
}


@given(st.text(st.sampled_from("<>&\"'`*_~[]()!|-#\n @Ada:/.xjhtps\\"), max_size=60))
def test_no_text_gets_a_tag_or_an_attribute_of_its_own_through(text: str) -> None:
    tags = _Tags()
    tags.feed(html(text))
    for tag, attributes in tags.seen:
        assert tag in ALLOWED
        assert not [name for name in attributes if name.startswith("on") or name in ("style", "src", "id")]
        assert not (attributes.get("href") or "").lower().startswith(("javascript:", "data:", "vbscript:"))
