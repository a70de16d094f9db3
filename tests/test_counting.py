"""Where a vocabulary is known, what a prompt is counted as is what the API bills: the emulator counts what arrives with another maker's
tokenizer, whatever people are called and however their words begin."""

from __future__ import annotations

import io
from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from bot.chat import (
    Exchange,
    File,
    Mark,
    Message,
    Note,
    Picture,
    Pin,
    Prompt,
    Role,
    Summary,
    Text,
    plain_text,
)
from bot.context import Window, fit
from bot.ports import Beginning
from bot.providers.anthropic_messages import AnthropicMessages
from bot.providers.openai_chat import OpenAIChat
from bot.providers.openai_responses import OpenAIResponses
from bot.tokens.counting import Exact, Sight
from bot.tokens.texts import tokenizer_for
from tests.emulators.llm import LLMEmulator
from tests.emulators.llm.counting import count
from tests.provider_rig import hear, make, opened, profile

MODEL = "gpt-4o"
START = datetime(2026, 11, 25, tzinfo=UTC)
WORDS = [
    "2 + 2 = 4",
    "42",
    "\n\nlate",
    "/reset",
    " spaced",
    "\tdef f():\n        return 1",
    "'s not mine",
    "!!! ???",
    "你好，今天怎么样？",
    "😀😀 hi",
    "https://example.org/a_b",
    "Write to <EMAIL_1> (or <PHONE_2>).",
    "(quoted from Ada: [picture: x]) [next message]",
    "…",
]
NAMES = ["Ada", "Zoë", "李雷", "😀", "R2 D2", "<NAME_1>", "bot: [x]", "9"]
CONTENTS = [
    *((Text(words),) for words in WORDS),
    (Text("\n4 lines", "U2", "李雷"), Text("why?")),
    (Text("read"), File("1.txt", "text/plain", 3, {}, "\n\n7 lines", cut=True)),
    (File("2.png", "image/png", 3, {}),),
]


def a_picture(width: int, height: int) -> Picture:
    file = io.BytesIO()
    Image.new("RGB", (width, height), "teal").save(file, "PNG")
    return Picture("image/png", file.getvalue(), width, height)


def reached(api: str, url: str) -> OpenAIChat | OpenAIResponses | AnthropicMessages:
    """A compatible server may be a proxy, or Azure, with a model of OpenAI's behind it."""
    return make("chat", url, compatible=True) if api == "compatible" else make(api, url)


async def newest_first(told: Sequence[Exchange]) -> AsyncIterator[Exchange]:
    for one in reversed(told):
        yield one


@pytest.mark.parametrize("api", ["chat", "responses", "compatible"])
@pytest.mark.parametrize("named", [True, False])
async def test_a_conversation_is_counted_as_it_is_billed(api: str, named: bool) -> None:
    counter = Exact(tokenizer_for(MODEL), sight=Sight(profile(MODEL).picture), name_field=api == "chat")
    told = [
        Exchange(
            number,
            NAMES[number % len(NAMES)],
            question := plain_text(content),
            WORDS[number % len(WORDS)],
            counter.measure(question),
            counter.measure(WORDS[number % len(WORDS)]),
            counter.name,
            START + timedelta(seconds=number),
        )
        for number, content in enumerate(CONTENTS)
    ]
    pins = [Pin(number, Note(text, counter.measure(text), counter.name)) for number, text in enumerate(WORDS)]
    gist = Summary(Note("\n1. they met", counter.measure("\n1. they met"), counter.name), Mark(START, 0))
    async with LLMEmulator() as llm, opened(reached(api, llm.url)) as provider:
        for number, content in enumerate(CONTENTS):
            fitted = await fit(
                newest_first(told),
                Message(
                    Role.USER,
                    plain_text(content),
                    NAMES[number % len(NAMES)] if named else "",
                    (a_picture(700, 900),),
                ),
                beginning=Beginning(pins=tuple(pins), summary=gist),
                system="\nBe kind.",
                window=Window(10_000, 100),
                counter=counter,
                named=named,
                shown={3: (a_picture(90, 2_000), a_picture(10, 10))},
            )
            prompt = Prompt(MODEL, "\nBe kind.", fitted.messages, 100)
            heard = await hear(provider.stream(prompt))
            assert heard.usage is not None
            assert fitted.turns == len(told)
            assert fitted.total == counter.most(fitted.size) == heard.usage.prompt


@given(
    lead=st.sampled_from([f"{name}: " for name in NAMES] + ["[Pinned note]\n"]),
    text=st.text(st.sampled_from(" \n\t\r'’sAbé\u0301你，。1.!/😀\u200b"), max_size=40),
)
def test_a_lead_adds_what_it_adds(lead: str, text: str) -> None:
    counter = Exact(tokenizer_for(MODEL))
    assert counter.measure_lead(lead, text).tokens == count(lead + text) - count(text)
