"""How far what is shown lags behind what is said: `python -m benchmarks.delivery [slack] [discord] [playground] [--seconds 20]`.

The real adapters show answers on the emulated platforms, whose limits are enforced: one answer, ten in one channel, and one in each of
a hundred channels, all at the same time. An answer says `--rate` characters a second for about so many seconds: of several some are
up to a quarter shorter, some longer. Printed are, over all answers of a scene:

- first:  seconds from the first token to the first visible text (median and worst)
- lag:    how long a character waited until it was shown, on average, and the same as character-seconds of one answer
- least:  the lag of a bot without a network that spends the platform's limit to the last call: last edits first, the others evenly
          spread and each for whoever lags most. It can't know, as no bot can, how long an answer will be.
- calls:  platform calls for one answer, and how many were refused with a 429
"""

from __future__ import annotations

import argparse
import asyncio
import statistics
import time
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field

from adapters.delivery.pacer import Rate
from tests.delivery_rig import Notebook, Stage, stage

TICK = 0.05
"""Seconds between two deltas of a model."""
WORD = "lorem ipsum "
WITHIN = 0.02
"""Seconds: a step of the bot without a network."""


@dataclass(frozen=True)
class Scene:
    """So many answers in so many channels."""

    name: str
    answers: int
    channels: int

    def channel(self, number: int) -> str:
        return f"c{number % self.channels}" if self.channels > 1 else "general"

    def length(self, number: int, usual: float) -> int:
        """Characters of one answer; mixed, so that they don't end in the order in which they began."""
        return int(usual * (0.75 + number * 37 % self.answers / self.answers / 2) if number else usual)


SCENES = [Scene("one", 1, 1), Scene("ten in a channel", 10, 1), Scene("a hundred channels", 100, 100)]


UNLIMITED = Rate(1_000_000, 1.0)
LIMITS = {
    "chat.postMessage": Rate(3, 3.0),
    "chat.update": Rate(50, 60.0),
    "chat.startStream": Rate(20, 60.0),
    "chat.appendStream": Rate(100, 60.0),
    "chat.stopStream": Rate(20, 60.0),
    "create": Rate(5, 5.0),
    "edit": Rate(5, 5.0),
    "grow": Rate(10, 1.0),
}
"""What the emulators enforce, by the first word of a bucket's name; anything else is not limited."""
EVERYTHING = {"discord": Rate(50, 1.0)}


def calls(platform: str, channel: str, number: int) -> tuple[str, str, str]:
    """The buckets of an answer's first, middle and last calls. Slack streams as many as may be started in a minute."""
    if platform == "slack" and number < LIMITS["chat.startStream"].count:
        return "chat.startStream", "chat.appendStream", "chat.stopStream"
    if platform == "slack":
        return f"chat.postMessage {channel}", "chat.update", "chat.update"
    if platform == "discord":
        return f"create {channel}", f"edit {channel}", f"edit {channel}"
    return "post", f"grow {channel}", f"grow {channel}"


@dataclass
class Measured:
    """One answer: its characters, when it began, and how many were shown from when on."""

    length: int
    began: float
    shown: list[tuple[float, int]]

    def lag(self, rate: float) -> float:
        """Character-seconds between what was said and what was shown."""
        total, at, seen = 0.0, self.began, 0
        for moment, count in [*self.shown, (self.began + self.length / rate, self.length)]:
            total += _waited(at - self.began, moment - self.began, seen, rate, self.length)
            at, seen = max(at, moment), max(seen, count)
        return total


def _waited(start: float, stop: float, seen: int, rate: float, length: int) -> float:
    """The integral of what is said beyond `seen` characters, from `start` to `stop` seconds."""
    if stop <= start:
        return 0.0
    full = length / rate
    ramp = max(0.0, min(stop, full) - start)
    first, last = rate * start - seen, rate * min(stop, full) - seen
    grown = (max(first, 0) + max(last, 0)) / 2 * ramp
    return grown + max(0.0, stop - max(start, full)) * max(0, length - seen)


async def run(at: Stage, scene: Scene, rate: float, seconds: float) -> list[Measured]:
    """Have all answers of a scene said and shown."""
    turns = [await at.turn(scene.channel(number), "a question") for number in range(scene.answers)]
    books = [Notebook() for _ in turns]
    texts = [
        (WORD * 1000)[: scene.length(number, rate * seconds) - 1].strip() + "."
        for number in range(scene.answers)
    ]
    saying = (say(at, turn, book, text, rate) for turn, book, text in zip(turns, books, texts, strict=True))
    began = await asyncio.gather(*saying)
    return [
        Measured(len(text), start, _growth(at, book))
        for text, start, book in zip(texts, began, books, strict=True)
    ]


async def say(at: Stage, turn: object, book: Notebook, text: str, rate: float) -> float:
    reply = at.reply(turn, book)  # type: ignore[arg-type]
    reply.start()
    await asyncio.sleep(0.5)  # the model thinks
    began, wall = time.monotonic(), time.time()
    while (said := int((time.monotonic() - began + TICK) * rate)) < len(text):
        reply.update(text[: max(1, said)])
        await asyncio.sleep(TICK)
    await reply.finish(text)
    return wall


def _growth(at: Stage, book: Notebook) -> list[tuple[float, int]]:
    """The characters shown in all messages of an answer, change by change."""
    changes = sorted(
        (moment, index, len(text))
        for index, part in enumerate(book.parts)
        for moment, text in at.revisions(part.message or "")
    )
    lengths: dict[int, int] = {}
    growth = []
    for moment, index, length in changes:
        lengths[index] = length
        growth.append((moment, sum(lengths.values())))
    return growth


@dataclass
class Tokens:
    """A limit, spent without a network: no window of its length sees more calls than it allows."""

    rate: Rate
    calls: deque[float] = field(default_factory=deque)

    def free(self, now: float, *, evenly: bool) -> bool:
        while self.calls and self.calls[0] <= now - self.rate.seconds + 1e-9:
            self.calls.popleft()
        if evenly and self.calls and now - self.calls[-1] < self.rate.seconds / self.rate.count - 1e-9:
            return False
        return len(self.calls) < self.rate.count


def least(platform: str, scene: Scene, rate: float, seconds: float) -> float:
    """The lag, in character-seconds of one answer, of a bot without a network."""
    everything, buckets = Tokens(EVERYTHING.get(platform, UNLIMITED)), dict[str, Tokens]()
    answers = [Measured(scene.length(number, rate * seconds), 0.0, []) for number in range(scene.answers)]
    names = [calls(platform, scene.channel(number), number) for number in range(scene.answers)]
    seen = [0] * scene.answers
    now = 0.0
    while any(count < answer.length for count, answer in zip(seen, answers, strict=True)):
        said = [min(answer.length, int(rate * now) + 1) for answer in answers]
        stage_of = [
            0 if not seen[number] else 2 if said[number] == answer.length else 1
            for number, answer in enumerate(answers)
        ]
        for number in sorted(range(scene.answers), key=lambda one: (stage_of[one] == 1, seen[one])):
            name = names[number][stage_of[number]]
            bucket = buckets.setdefault(name, Tokens(LIMITS.get(name.split()[0], UNLIMITED)))
            ready = bucket.free(now, evenly=stage_of[number] == 1) and everything.free(now, evenly=False)
            if seen[number] < said[number] and ready:
                bucket.calls.append(now)
                everything.calls.append(now)
                seen[number] = said[number]
                answers[number].shown.append((now, said[number]))
        now += WITHIN
    return statistics.mean(answer.lag(rate) for answer in answers)


async def main(platforms: Sequence[str], rate: float, seconds: float) -> None:
    print(
        f"{rate:g} characters a second for {seconds:g} s; times in seconds, cs: character-seconds of one answer"
    )
    print(f"{'':11}{'':20}{'first':>12}{'lag':>8}{'cs':>9}{'least':>8}{'ratio':>7}{'calls':>7}{'429s':>6}")
    for platform in platforms:
        for scene in SCENES:
            async with stage(platform) as at:
                answers = await run(at, scene, rate, seconds)
                length = rate * seconds
                lag = statistics.mean(answer.lag(rate) for answer in answers)
                bound = least(platform, scene, rate, seconds)
                firsts = [answer.shown[0][0] - answer.began for answer in answers]
                print(
                    f"{platform:11}{scene.name:20}{statistics.median(firsts):6.2f}{max(firsts):6.2f}"
                    f"{lag / length:8.2f}{lag:9.0f}{bound / length:8.2f}{lag / bound:7.2f}"
                    f"{len(at.requests()) / scene.answers:7.1f}{at.refused:6}",
                    flush=True,
                )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="How far what is shown lags behind what is said.")
    parser.add_argument("platforms", nargs="*", default=["slack", "discord", "playground"])
    parser.add_argument("--rate", type=float, default=60.0, help="characters a second of one answer")
    parser.add_argument("--seconds", type=float, default=20.0, help="how long one answer takes")
    given = parser.parse_args()
    asyncio.run(main(given.platforms, given.rate, given.seconds))
