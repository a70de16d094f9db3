"""A question's files are read before it is answered: texts become part of it, filtered and cut to a budget; pictures are made ready.

What was read of a text is kept with its turn, so that it is fetched once. Whatever can't be read is told of below the answer, which
comes all the same.
"""

from __future__ import annotations

import asyncio
import logging
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final

from bot.chat import Content, File, Picture, Size, Turn, plain_text
from bot.errors import Unreadable, Why
from bot.files.documents import Document, read_pdf, read_text
from bot.files.gallery import SHARE, Gallery, shown_to
from bot.files.kinds import Kind, found, picture_type, promised
from bot.inbox import Held
from bot.ports import Adapter, Source
from bot.privacy.filtering import Filtering
from bot.redaction import HOLD_LIMIT
from bot.tokens.counting import Counter
from bot.voice import Voice, Voices

log = logging.getLogger(__name__)

PER_TOKEN: Final = 12
"""Characters that a token has at most, nearly always: more of a file is not even looked at."""


_HALF: Final = re.compile(r"<[A-Z_]{1,32}\d{0,6}$")
"""A placeholder that a cut went through would be another one."""


@dataclass(frozen=True, slots=True)
class Unread:
    """A file that was not read, or not wholly."""

    name: str
    why: Why


@dataclass(frozen=True, slots=True)
class _Read:
    """What came of one file."""

    file: File
    document: Document | None = None
    picture: Picture | None = None
    why: Why | None = None


class FileReader:
    def __init__(
        self,
        *,
        platforms: Mapping[str, Adapter],
        gallery: Gallery,
        voices: Voices,
        filtering: Filtering,
        counter: Counter,
    ) -> None:
        self._platforms, self._gallery, self.limits = platforms, gallery, gallery.limits
        self._voices, self._filtering, self._counter = voices, filtering, counter

    async def read(self, held: Held) -> list[Unread]:
        """Read what can be read of the turn's files, and keep it; what could not be read."""
        turn = held.turn
        files = [part for part in turn.content if isinstance(part, File)]
        if not files:
            return []
        voices = await self._voices.candidates(turn.place, turn.author)
        seeing = next((voice for voice in voices if voice.model.images), None)
        reads = await asyncio.gather(*self._reading(turn, files, seeing is not None))
        budget = min(self.limits.tokens, voices[0].window.prompt // SHARE)
        content, kinds, blocked = await self._told(
            turn, dict(zip(map(id, files), reads, strict=True)), budget
        )
        if content != turn.content:
            masked = tuple(sorted({*turn.masked, *kinds}))
            await held.read(content, masked, self._measure(content), self._counter.name)
        unread = [Unread(read.file.name, read.why) for read in reads if read.why is not None]
        unread += [Unread(name, Why.BLOCKED) for name in blocked]
        unread += [Unread(part.name, Why.CUT) for part in content if isinstance(part, File) and part.cut]
        return unread + self._show(held, reads, seeing)

    def _reading(self, turn: Turn, files: list[File], seeing: bool) -> list[asyncio.Task[_Read]]:
        """All files at the same time, but for those that are too many."""
        pictures = 0
        tasks = []
        for number, file in enumerate(files):
            kind = promised(file)
            pictures += kind is Kind.PICTURE
            if not self.limits.on:
                reading = _not(file, Why.OFF)
            elif number >= self.limits.number:
                reading = _not(file, Why.TOO_MANY)
            elif kind is Kind.PICTURE and pictures > self.limits.pictures:
                reading = _not(file, Why.TOO_MANY_PICTURES)
            else:
                reading = self._read(turn, file, kind, seeing)
            tasks.append(asyncio.create_task(reading))
        return tasks

    async def _read(self, turn: Turn, file: File, kind: Kind | None, seeing: bool) -> _Read:
        try:
            if kind is Kind.OTHER:
                raise Unreadable(Why.UNSUPPORTED)
            if kind is Kind.PICTURE:
                file = replace(file, media_type=picture_type(file))
                return _Read(file, picture=await self._gallery.picture(turn.place, file) if seeing else None)
            if file.text is not None:
                return _Read(file)
            return await self._read_document(turn, file, kind, seeing)
        except Unreadable as error:
            log.info("turn %s: a file was not read (%s %s)", turn.id, error.why, error)
            return _Read(file, why=error.why)

    async def _read_document(self, turn: Turn, file: File, kind: Kind | None, seeing: bool) -> _Read:
        limits = self.limits
        fetched = await self._platforms[turn.place.platform].fetch(file, limits.most, limits.seconds)
        if fetched.name:  # the message itself did not tell
            name = await self._filtering.name(turn.place, fetched.name, Source.of(turn))
            file = replace(file, name=name, media_type=fetched.media_type, size=len(fetched.data))
            if (kind := promised(file)) in (Kind.PICTURE, Kind.OTHER):
                return await self._read(turn, file, kind, seeing)
        kind = kind or found(fetched.data)
        if kind is Kind.OTHER:
            raise Unreadable(Why.UNSUPPORTED)
        characters = limits.tokens * PER_TOKEN
        if kind is Kind.PDF:
            document = await read_pdf(
                fetched.data, pages=limits.pages, characters=characters, seconds=limits.seconds
            )
        else:
            document = await asyncio.to_thread(read_text, fetched.data, characters)
        return _Read(file, document)

    async def _told(
        self, turn: Turn, reads: Mapping[int, _Read], budget: int
    ) -> tuple[Content, set[str], list[str]]:
        """The content with what was read; texts share the budget, and what one leaves the next may have. The kinds that were masked, and
        the names of those that hold what may not be sent."""
        content = turn.content
        left = budget - sum(
            self._tokens(part.text) for part in content if isinstance(part, File) and part.text is not None
        )
        waiting = sum(read.document is not None for read in reads.values())
        parts, kinds, blocked = [], set[str](), []
        for part in content:
            read = reads.get(id(part))
            if read is None or read.document is None:
                parts.append(part if read is None else read.file)
                continue
            filtered = await self._filtered(turn, read.document, max(0, left // waiting))
            waiting -= 1
            if filtered is None:
                blocked.append(read.file.name)
                parts.append(read.file)
                continue
            text, cut, masked = filtered
            kinds.update(masked)
            left -= self._tokens(text)
            parts.append(replace(read.file, text=text, cut=cut))
        return tuple(parts), kinds, blocked

    async def _filtered(
        self, turn: Turn, document: Document, most: int
    ) -> tuple[str, bool, tuple[str, ...]] | None:
        """The longest beginning of the filtered text that has no more than `most` tokens, whether something of it is left out, and the
        kinds that were masked; None where it holds what may not be sent.

        A secret that the file's own cut goes through would not be known for one: what may be a piece of it is left out.
        """
        rough = document.text[: most * PER_TOKEN]
        cut = document.cut or len(rough) < len(document.text)
        found = await self._filtering.words(turn.place, [rough], Source.of(turn))
        if found.blocked:
            return None
        text = _HALF.sub("", found.texts[0][:-HOLD_LIMIT]) if cut else found.texts[0]
        fitting = await asyncio.to_thread(self._fitting, text, most)
        return fitting, cut or len(fitting) < len(text), found.masked

    def _fitting(self, text: str, most: int) -> str:
        if self._tokens(text) <= most:
            return text
        fits, over = 0, len(text)
        while over - fits > 1:
            middle = (fits + over) // 2
            fits, over = (middle, over) if self._tokens(text[:middle]) <= most else (fits, middle)
        return _HALF.sub("", text[:fits])

    def _show(self, held: Held, reads: list[_Read], seeing: Voice | None) -> list[Unread]:
        """Hand the pictures on that the first model that can see has room for; the names of the others."""
        ready = [(read.file, read.picture) for read in reads if read.picture is not None]
        if seeing is None or not ready:
            return []
        held.pictures = shown_to(seeing, [picture for _, picture in ready])
        return [Unread(file.name, Why.NO_ROOM) for file, _ in ready[len(held.pictures) :]]

    def _tokens(self, text: str) -> int:
        return self._counter.most(self._counter.measure(text))

    def _measure(self, content: Content) -> Size:
        return self._counter.measure(plain_text(content))


async def _not(file: File, why: Why) -> _Read:
    return _Read(file, why=why)
