"""Pictures as models are shown them: fetched and made fit when they are needed, kept in memory for a while, and never stored."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from typing import Final

from bot.chat import File, Picture, Place
from bot.errors import Unreadable, Why
from bot.files.images import prepared
from bot.files.limits import FileLimits
from bot.ports import Adapter
from bot.voice import Voice

KEPT: Final = 32_000_000
"""Bytes of pictures that are kept in memory."""
AT_ONCE: Final = 2
"""Pictures that are worked on at the same time: each may take some hundred megabytes while it is."""
SHARE: Final = 3
"""One part in so many of a prompt is the most that pictures of the question may take, and as much its files' text."""
SHARE_AGAIN: Final = 4
"""One part in so many is the most that earlier pictures may take."""
PASSING: Final = frozenset({Why.UNREACHABLE, Why.SLOW})
"""What may be otherwise the next time."""

Key = tuple[str, str, tuple[tuple[str, str], ...]]


class Gallery:
    def __init__(self, platforms: Mapping[str, Adapter], limits: FileLimits) -> None:
        self.limits = limits
        self._platforms = platforms
        self._kept: OrderedDict[Key, Picture] = OrderedDict()
        self._failed: OrderedDict[Key, Why] = OrderedDict()
        self._working = asyncio.Semaphore(AT_ONCE)

    async def picture(self, place: Place, file: File) -> Picture:
        """As it is shown. Raises `Unreadable`."""
        key = _key(place, file)
        if (kept := self._kept.get(key)) is not None:
            self._kept.move_to_end(key)
            return kept
        fetched = await self._platforms[place.platform].fetch(file, self.limits.most, self.limits.seconds)
        async with self._working:
            picture = await asyncio.to_thread(prepared, fetched.data, self.limits.pixels)
        self._keep(key, picture)
        return picture

    async def again(self, place: Place, files: Sequence[File]) -> tuple[Picture, ...]:
        """Those of earlier pictures that can still be had."""
        pictures: list[Picture] = []
        for file in files:
            key = _key(place, file)
            if key in self._failed:
                continue
            try:
                pictures.append(await self.picture(place, file))
            except Unreadable as error:
                if error.why not in PASSING:
                    self._failed[key] = error.why
                    while len(self._failed) > 1_000:
                        self._failed.popitem(last=False)
        return tuple(pictures)

    def _keep(self, key: Key, picture: Picture) -> None:
        self._kept[key] = picture
        while sum(len(one.data) for one in self._kept.values()) > KEPT:
            self._kept.popitem(last=False)


def shown_to(voice: Voice, pictures: Sequence[Picture], share: int = SHARE) -> tuple[Picture, ...]:
    """Those of the pictures that a model is shown: none where it can't see, else the first ones that fit into their share."""
    if not voice.model.images:
        return ()
    room, shown = voice.window.prompt // share, 0
    for number, picture in enumerate(pictures):
        shown += voice.counter.measure_picture(picture).images
        if shown > room:
            return tuple(pictures[:number])
    return tuple(pictures)


def _key(place: Place, file: File) -> Key:
    return (
        place.platform,
        place.installation,
        tuple(sorted((name, str(value)) for name, value in file.reference.items())),
    )
