"""Slack's text: what the bot writes beside its answers is harmless."""

from __future__ import annotations

from adapters.slack.text import preview, spoken


def test_a_notification_tells_the_first_words_without_marks_and_pings_nobody() -> None:
    block = "# Title\n\n**bold** 1 &lt; 2 `&lt;!channel&gt;` [link](https://e.org)\n\n| a | b |\n|---|---|\n| 1 | 2 |"
    assert preview(block, 150) == "Title bold 1 &lt; 2 &lt;!channel&gt; link a b 1 2"
    assert preview("word " * 100, 20) == "word word word word…"
    assert preview("<!channel>", 150) == "&lt;!channel&gt;"


def test_what_the_bot_says_itself_calls_nobody_though_it_tells_words_of_others() -> None:
    gist = "They asked <!channel>, <!subteam^S1> and <@U1> whether 1 < 2."
    assert "<" not in spoken(gist, private=False)
    assert spoken(gist, private=True) == (
        "They asked &lt;!channel&gt;, &lt;!subteam^S1&gt; and <@U1> whether 1 &lt; 2."
    )
