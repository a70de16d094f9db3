"""The `privacy` command: what is kept of the one who asks, a copy of it, its end, and having nothing kept at all.

privacy                  what is kept, for how long, and who sees it
privacy export           a copy of all of it, as a file
privacy forget           asks whether that is meant; `privacy forget yes` is
privacy opt-out          from now on nothing is kept, and nothing answered; `privacy opt-in` takes it back
"""

from __future__ import annotations

import gzip
import json
import re
from typing import Final

from bot.chat import Invocation
from bot.limits.admission import Limits
from bot.notices import notice
from bot.ports import Attached, Clock, Json, Kept, Privacy, Said, Shortcut, Who, Word
from bot.preferences import Decided
from bot.privacy.erasing import Eraser

SHOW, EXPORT, FORGET, SURE, OUT, IN = "show", "export", "forget", "forget yes", "opt-out", "opt-in"
WAYS: Final = (SHOW, EXPORT, FORGET, SURE, OUT, IN)
WORDS: Final = (Word("what", choices=WAYS),)
LARGEST: Final = 5_000_000
"""Bytes of a copy that is sent as it is; a larger one is compressed."""
KINDS: Final = (
    "messages",
    "originals",
    "pins",
    "usage",
    "settings_changed",
    "verdicts",
    "first_met",
    "opted_out",
    "thumbs",
)
"""What a copy holds, also where there is none of it."""


def parse(argument: str) -> str:
    """What is asked for; empty when nothing that there is."""
    said = re.sub(r"[\s_-]+", " ", argument.strip().lower().rstrip(".!")) or SHOW
    said = {"opt out": OUT, "optout": OUT, "opt in": IN, "optin": IN}.get(said, said)
    return said if said in WAYS else ""


def takes(argument: str) -> bool:
    """Whether those words, said after `privacy`, belong to the command and are not the rest of a question."""
    return bool(parse(argument))


class PrivacyCommand:
    def __init__(
        self, privacy: Privacy, eraser: Eraser, limits: Limits, decided: Decided, clock: Clock
    ) -> None:
        self._privacy, self._eraser, self._limits = privacy, eraser, limits
        self._decided, self._clock = decided, clock

    async def run(self, invocation: Invocation, language: str) -> Said:
        who = Who.of(invocation.place, invocation.author)
        person = self._limits.person(invocation.place, invocation.author)
        match parse(invocation.argument):
            case "show":
                return Said(await self._show(invocation, who, person, language), apart=True)
            case "export":
                return await self._export(who, person, language)
            case "forget":
                sure = Shortcut(notice("privacy_sure_button", language), "privacy", SURE)
                return Said(notice("privacy_sure", language), shortcut=sure)
            case "forget yes":
                gone = await self._eraser.forget(who, person)
                return Said(notice("privacy_forgotten" if gone else "privacy_forgetting", language))
            case "opt-out":
                changed = await self._privacy.opt_out(who, self._clock())
                return Said(notice("privacy_out" if changed else "privacy_out_already", language))
            case "opt-in":
                changed = await self._privacy.opt_in(who)
                return Said(notice("privacy_in" if changed else "privacy_in_already", language))
        return Said(notice("privacy_how", language))

    async def wants_nothing(self, invocation: Invocation) -> bool:
        """Whether the asker has opted out."""
        return await self._privacy.opted_out(Who.of(invocation.place, invocation.author))

    async def _show(self, invocation: Invocation, who: Who, person: str, language: str) -> str:
        kept = await self._privacy.kept(who, person)
        holds = await self._decided.at(invocation.place)
        since = f"{kept.since:%Y-%m-%d}" if kept.since else "–"
        lines = [
            notice("privacy_head", language),
            notice("privacy_messages", language, **_counts(kept), since=since),
            notice("privacy_others", language, **_counts(kept)),
            notice(
                "privacy_retention_for_ever" if holds.retention is None else "privacy_retention",
                language,
                days=holds.retention,
            ),
            notice("privacy_admins", language),
        ]
        if kept.opted_out:
            lines.append(notice("privacy_is_out", language))
        if kept.erasing:
            lines.append(notice("privacy_is_erasing", language))
        return "\n".join([*lines, "", notice("privacy_how", language)])

    async def _export(self, who: Who, person: str, language: str) -> Said:
        now = self._clock()
        copy: dict[str, object] = {
            "made_at": now.isoformat(),
            "platform": who.platform,
            "installation": who.installation,
            "person": who.id,
        }
        rows: dict[str, list[Json]] = {kind: [] for kind in KINDS}
        async for kind, row in self._privacy.export(who, person):
            rows.setdefault(kind, []).append(row)
        data = json.dumps(copy | rows, ensure_ascii=False, indent=1).encode()
        name, media_type = f"rejoinder-{now:%Y-%m-%d}.json", "application/json"
        if len(data) > LARGEST:
            name, media_type, data = f"{name}.gz", "application/gzip", gzip.compress(data)
        return Said(notice("privacy_export", language), files=(Attached(name, media_type, data),))


def _counts(kept: Kept) -> dict[str, object]:
    return {
        "messages": kept.messages,
        "originals": kept.originals,
        "pins": kept.pins,
        "calls": kept.calls,
        "changes": kept.changes,
        "verdicts": kept.verdicts,
    }
