"""Files that people attach in the playground: bytes in a folder beside the world, names and sizes in it.

What was uploaded and never said is forgotten with the process; what was said is removed with its message.
"""

from __future__ import annotations

import asyncio
import re
import secrets
from collections.abc import AsyncIterator, Collection
from pathlib import Path
from typing import Final

from adapters.playground.values import Attachment, Message, Refused

MOST_BYTES: Final = 25_000_000
MOST_FILES: Final = 10
"""Files of one message."""
MOST_WAITING: Final = 100
"""Files that are uploaded and not yet said."""


class Uploads:
    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._waiting: dict[str, tuple[str, Attachment]] = {}

    def tidy(self, messages: Collection[Message]) -> None:
        """Remove what belongs to no message: it was uploaded before a restart, and its page knows it no more."""
        said = {file.id for message in messages for file in message.attached}
        for path in self._folder.glob("*"):
            if path.name not in said:
                path.unlink()

    async def take(self, person: str, name: str, media_type: str, pieces: AsyncIterator[bytes]) -> Attachment:
        """Write a file down as it comes, for that person to say it with a message. May be `Refused`."""
        if len(self._waiting) >= MOST_WAITING:
            raise Refused("too_many", "Too many files wait to be sent. Send some of them first.", 409)
        name = _name(name)
        media_type = media_type if re.fullmatch(r"[\w.+-]{1,60}/[\w.+-]{1,60}", media_type) else ""
        self._folder.mkdir(parents=True, exist_ok=True)
        number, size = secrets.token_hex(12), 0
        path = self._folder / number
        try:
            with path.open("xb") as file:
                async for piece in pieces:
                    size += len(piece)
                    if size > MOST_BYTES:
                        why = f"{name} is too large: a file has at most {MOST_BYTES // 1_000_000} MB."
                        raise Refused("too_large", why, 413)
                    await asyncio.to_thread(file.write, piece)
            if not size:
                raise Refused("empty", f"{name} is empty.")
        except BaseException:
            path.unlink()
            raise
        taken = Attachment(number, name, media_type, size)
        self._waiting[number] = (person, taken)
        return taken

    def drop(self, person: str, number: str) -> None:
        """The person does not want to send it after all."""
        if self._waiting.get(number, ("", None))[0] == person:
            del self._waiting[number]
            (self._folder / number).unlink(missing_ok=True)

    def waiting(self, person: str, numbers: Collection[str]) -> tuple[Attachment, ...]:
        """The files that this person uploaded under these numbers. May be `Refused`."""
        if len(numbers) > MOST_FILES:
            raise Refused("too_many", f"A message has at most {MOST_FILES} files.")
        found = [self._waiting.get(number, ("", None)) for number in numbers]
        files = [file for owner, file in found if owner == person and file is not None]
        if len(files) != len(numbers):
            raise Refused("no_such_file", "A file is no longer there. Attach it again.", 409)
        return tuple(files)

    def said(self, files: Collection[Attachment]) -> None:
        """They belong to a message now."""
        for file in files:
            self._waiting.pop(file.id, None)

    def gone(self, message: Message) -> None:
        """Their message was deleted."""
        for file in message.attached:
            (self._folder / file.id).unlink(missing_ok=True)

    def path(self, number: str) -> Path | None:
        """Where the bytes are, if they are still there."""
        path = self._folder / number
        return path if re.fullmatch(r"[0-9a-f]{24}", number) and path.is_file() else None


def _name(name: str) -> str:
    """The last part of a path, on one line."""
    plain = re.sub(r"[\x00-\x1f\x7f\ud800-\udfff]", " ", re.split(r"[\\/]", name)[-1])
    return " ".join(plain.split())[-120:] or "file"
