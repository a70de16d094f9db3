"""Slack's text: what is written for notifications is plain and harmless."""

from __future__ import annotations

from adapters.slack.text import preview


def test_a_notification_tells_the_first_words_without_marks_and_pings_nobody() -> None:
    block = "# Title\n\n**bold** 1 &lt; 2 `&lt;!channel&gt;` [link](https://e.org)\n\n| a | b |\n|---|---|\n| 1 | 2 |"
    assert preview(block, 150) == "Title bold 1 &lt; 2 &lt;!channel&gt; link a b 1 2"
    assert preview("word " * 100, 20) == "word word word word…"
    assert preview("<!channel>", 150) == "&lt;!channel&gt;"
