"""Why a message was, or was not, answered: from its turn, or from the verdict on it."""

from __future__ import annotations

import re
from datetime import datetime

from bot.chat import Author, Place, State
from bot.errors import Overcrowded
from bot.limits.rules import METRICS
from bot.notebook import Notebook
from bot.notices import TEXTS, kinds_text, notice, wait_text
from bot.ports import Clock, Fate, Level, Records, Story

_MESSAGE = re.compile(r"https?://\S+|[\d.]{6,}")


def names_a_message(argument: str) -> bool:
    """Whether those words, said after `why`, are a link or an id, and not the rest of a question."""
    return not argument or _MESSAGE.fullmatch(argument) is not None


class Why:
    def __init__(self, records: Records, notebook: Notebook, clock: Clock) -> None:
        self._records, self._notebook, self._clock = records, notebook, clock

    async def tell(self, place: Place, asker: Author, message: str, language: str) -> str:
        """The story of that message of that channel; of the last thing the asker said there when `message` is empty."""
        await self._notebook.write()
        if message:
            story = await self._records.story(place, message)
        else:
            story = await self._records.latest(place, asker.id)
        if story is None:
            return notice("why_unknown" if message else "why_nothing", language)
        lines = story_lines(story, self._clock(), language, mine=asker.admin or asker.id == story.author)
        return "\n".join([notice("why_head", language), *(f"- {line}" for line in lines)])


def story_lines(story: Story, now: datetime, language: str, *, mine: bool) -> list[str]:
    """What there is to tell. Of other people's messages neither their limits nor what was masked in them."""
    if story.fate is None:
        lines = [notice(f"why_{story.outcome}", language)]
    else:
        lines = [_trigger(story.fate, language), *_course(story.fate, now, language, mine=mine)]
        if story.fate.masked and mine:
            lines.append(notice("why_masked", language, kinds=kinds_text(story.fate.masked, language)))
    if story.times:
        lines.append(notice("why_duplicate", language, times=story.times + 1))
    return lines


def _trigger(fate: Fate, language: str) -> str:
    """Why it was taken for a question at all."""
    code = "direct" if fate.direct else "mentioned" if fate.mentioned else "followed"
    return notice(f"why_{code}", language)


def _course(fate: Fate, now: datetime, language: str, *, mine: bool) -> list[str]:
    """What became of it so far."""
    match fate.state:
        case State.WAITING if fate.before:
            return [
                notice(
                    "why_behind", language, before=fate.before, wait=wait_text(fate.asked_at, now, language)
                )
            ]
        case State.WAITING:
            return [notice("why_waiting", language, wait=wait_text(fate.asked_at, now, language))]
        case State.RUNNING:
            since = wait_text(fate.started_at or fate.asked_at, now, language)
            return [notice("why_running", language, wait=since, attempts=fate.attempts)]
        case State.DONE:
            return [notice("why_done", language, time=_moment(fate))]
        case State.REFUSED if mine:
            return [_refusal(fate, language)]
        case State.REFUSED:
            return [notice("why_refused_other", language, time=_moment(fate))]
        case State.FAILED:
            return [notice("why_failed", language, time=_moment(fate)), _failure(fate, language)]
        case State.CANCELLED:
            reason = notice(f"why_cancelled_{fate.cancel or 'stopped'}", language)
            return [notice("why_cancelled", language, reason=reason, time=_moment(fate))]


def _refusal(fate: Fate, language: str) -> str:
    """Which limit said no, by its name in words, and when there is room again."""
    level, unit, period = fate.error.split("_")
    what = next(name for name, kind in METRICS.items() if kind == (unit, period))
    whose = f"why_whose_{level}" if level == Level.USER else f"whose_{level}"
    return notice(
        "why_refused",
        language,
        whose=notice(whose, language),
        what=notice(f"why_what_{what}", language),
        again=notice(f"why_again_{period}", language),
        time=_moment(fate),
    )


def _failure(fate: Fate, language: str) -> str:
    """What its person was told."""
    code = fate.error if fate.error in TEXTS[language] else "internal"
    if code == Overcrowded.code:  # where they would have stood in line, nobody knows any more
        code = "why_overcrowded"
    return notice(code, language, reference=fate.reference or "–")


def _moment(fate: Fate) -> str:
    return f"{fate.finished_at or fate.asked_at:%Y-%m-%d %H:%M}"
