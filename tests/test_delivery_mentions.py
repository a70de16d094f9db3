"""Nothing a model writes pings anybody, wherever it stands and however it is cut."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.delivery.mentions import slack_markdown

SLACK_PINGS = [
    "<!channel>",
    "<!here>",
    "<!everyone>",
    "<@U012ABC>",
    "<!subteam^S012ABC>",
    "<!subteam^S1|@team>",
    "<@U1|ada>",
]
AROUND = ["", "hello ", "> ", "**", "`", "```\n", "[a link](", "- "]
SLACK_TOKEN = re.compile(r"<[!@#]")


@pytest.mark.parametrize("ping", SLACK_PINGS)
@pytest.mark.parametrize("before", AROUND)
def test_no_slack_token_is_left_at_any_cut(ping: str, before: str) -> None:
    text = f"{before}{ping} and more"
    for cut in range(len(text) + 1):
        for piece in (text[:cut], text[cut:]):
            assert not SLACK_TOKEN.search(slack_markdown(piece))
        assert not SLACK_TOKEN.search(slack_markdown(text[:cut]) + slack_markdown(text[cut:]))


@given(st.text(alphabet="<>!@#UC|&; \nabc123^", max_size=80))
def test_whatever_is_written_holds_no_token_of_slacks(text: str) -> None:
    rendered = slack_markdown(text)
    assert "<" not in re.sub(r"^", "", rendered)
    assert all(line.lstrip(" >").find(">") < 0 for line in rendered.split("\n"))


def test_quotes_links_and_ampersands_survive_on_slack() -> None:
    assert slack_markdown("> quoted\nplain") == "> quoted\nplain"
    assert slack_markdown("see <https://example.org/a?b=1&c=2>") == "see https://example.org/a?b=1&c=2"
    assert slack_markdown("[x](https://example.org/?a=1&b=2)") == "[x](https://example.org/?a=1&b=2)"
    assert slack_markdown("| a<br>b |") == "| a b |"
    assert slack_markdown("1 < 2 > 0") == "1 &lt; 2 &gt; 0"
