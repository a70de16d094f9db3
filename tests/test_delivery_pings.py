"""Nothing a model writes can ping anybody, wherever it stands, however it comes, and wherever it is cut."""

from __future__ import annotations

import re
from collections.abc import Callable
from itertools import pairwise
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.delivery.mentions import slack_markdown, without_half_address
from adapters.delivery.splitter import Part, Splitter
from adapters.discord.markdown import shown as discord_markdown
from bot.ports import Button, Control
from tests.cases import cases
from tests.delivery_rig import Notebook, Stage, stage
from tests.emulators.discord.mentions import _CODE as DISCORD_CODE
from tests.emulators.slack.text import pings as slack_pings
from tests.written_answers import answers

BROADCASTS = ["@everyone", "@here"]
SLACK = [
    "<!channel>",
    "<!here>",
    "<!everyone>",
    "<!subteam^S012ABC>",
    "<!subteam^S1|@team>",
    "<@U012ABC>",
    "<@W1|ada>",
]
DISCORD = ["<@123456789012345678>", "<@!1234>", "<@&987654321098765432>"]
SECRETS = [
    *BROADCASTS,
    *SLACK,
    *DISCORD,
    "<<!channel>>",
    "<!<!here>here>",
    "&lt;!channel&gt;",
    "<!chan\u2060nel>",
]
AROUND = [
    "{}",
    "`{}`",
    "`{}",
    "```\n{}\n```",
    "~~~\n{}",
    "    {}",
    "> {}",
    "[a]({})",
    "[{}](https://e.org)",
    "<https://e.org/{}>",
    "https://e.org/{}",
    "| a |\n| --- |\n| {} |",
    "- [ ] {}",
    "#### {}",
    "**{}**",
    "![{}]({})",
    "\\{}",
    "{0}{0}",
]
"""Where a model might put it."""


def slack_is_pinged(text: str) -> bool:
    """By the rules of mrkdwn, which Markdown blocks share, and by a stricter one: no token is left at all."""
    return bool(slack_pings(text)) or "<" in text


def discord_is_pinged(text: str) -> bool:
    """Whether all would be called if it were allowed: not in code. Names and roles are pinged by `allowed_mentions` alone."""
    return re.search("@(?:everyone|here)", DISCORD_CODE.sub(" ", text)) is not None


PLATFORMS: dict[str, tuple[Callable[[str], str], Callable[[str], bool]]] = {
    "slack": (slack_markdown, slack_is_pinged),
    "discord": (discord_markdown, discord_is_pinged),
}


def feed(text: str, ends: list[int], length: int, render: Callable[[str], str]) -> list[Part]:
    """Every form that any message of a growing answer ever had."""
    splitter = Splitter(length, lambda shown, lasting: len(render(shown)))
    seen = []
    for end in [*ends, len(text)]:
        seen += [part for part in [splitter.feed(text[:end]), *splitter.done] if part]
    last = splitter.feed(text, final=True)
    return [*seen, *splitter.done, *([last] if last else [])]


@pytest.mark.parametrize("platform", PLATFORMS)
@pytest.mark.parametrize("around", AROUND)
def test_no_secret_pings_at_any_step_of_its_writing(platform: str, around: str) -> None:
    render, pinged = PLATFORMS[platform]
    for secret in SECRETS:
        text = f"Well, {around.format(secret, secret)}\n\nand that was {secret}."
        for part in feed(text, list(range(1, len(text))), 400, render):
            assert not pinged(render(part.shown)), (secret, part.shown)


@pytest.mark.parametrize("platform", PLATFORMS)
@cases(120)
@given(answers(3), st.sampled_from(SECRETS), st.integers(0, 2**32), st.integers(60, 300))
def test_no_secret_pings_wherever_it_stands_and_is_cut(
    platform: str, text: str, secret: str, seed: int, length: int
) -> None:
    """It is written letter by letter, and cut wherever the messages end."""
    render, pinged = PLATFORMS[platform]
    at = Random(seed).randrange(len(text) + 1)
    text = text[:at] + secret + text[at:]
    for part in feed(text, list(range(at, at + len(secret) + 2)), length, render):
        assert not pinged(render(part.shown))


@cases(120)
@given(answers(3), st.sampled_from(SECRETS), st.integers(0, 2**32))
def test_a_stream_is_harmless_in_its_pieces_and_as_a_whole(text: str, secret: str, seed: int) -> None:
    """What Slack is given of a stream is added up there."""
    at = Random(seed).randrange(len(text) + 1)
    text = text[:at] + secret + text[at:]
    splitter, sent = Splitter(100_000, lambda shown, lasting: len(shown)), [""]
    for end in range(max(1, at - 3), at + len(secret) + 3):
        part = splitter.feed(text[:end])
        steady = slack_markdown(without_half_address(part.steady)) if part else ""
        if steady.startswith(sent[-1]):
            sent.append(steady)
    for before, after in pairwise(sent):
        assert not slack_is_pinged(after[len(before) :]) and not slack_is_pinged(after)


@cases(300)
@given(
    st.text(alphabet="<>!@#^|&;`~[]()\\ \n>eevryonh", max_size=60),
    st.sampled_from(SECRETS),
    st.integers(0, 60),
)
def test_no_secret_pings_in_any_noise(noise: str, secret: str, at: int) -> None:
    text = noise[:at] + secret + noise[at:]
    for render, pinged in PLATFORMS.values():
        for part in feed(text, [], 40, render):
            assert not pinged(render(part.shown))


@pytest.mark.parametrize("platform", ["slack", "discord"])
async def test_nobody_is_pinged_on_the_platform_itself(platform: str) -> None:
    """People and roles that there are, growing, in several messages, and in the file that the answer becomes."""
    async with stage(platform, faster=100) as at:
        turn = await at.turn()
        secrets = [*SECRETS, *there_are(at, turn.place.installation)]
        text = "\n\n".join(around.format(secret, secret) for secret in secrets for around in AROUND)
        reply = at.reply(turn, book := Notebook())
        reply.start()
        for end in range(1, len(text), 97):
            reply.update(text[:end])
        await reply.finish(text * 5, buttons=[Control(Button.RETRY, 0)])
        assert len(book.parts) == 9
        assert not any(pinged(at, part.message or "") for part in book.parts)


def there_are(at: Stage, installation: str) -> list[str]:
    if at.platform == "slack":
        return [f"<@{user.id}>" for user in at.emulator.core.world.users.values()]
    world = at.emulator.world
    role = at.emulator.add_role(
        world.guilds[int(installation)], "crew", members=world.users.values(), mentionable=True
    )
    return [role.mention, *(user.mention for user in world.users.values())]


def pinged(at: Stage, message: str) -> bool:
    if at.platform == "slack":
        return bool(at.emulator.message(message).pings)
    found = at.emulator.world.messages[int(message)]
    return bool(found.pings or found.mentions)
