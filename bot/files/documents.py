"""The text of a file: of a PDF by a process of its own, of any other by its bytes."""

from __future__ import annotations

import asyncio
import codecs
import json
import math
import re
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from bot.errors import Unreadable, Why

WORKER: Final = Path(__file__).with_name("pdf_worker.py")
MARKS: Final = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_CONTROLS: Final = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff]")
_BEYOND: Final = re.compile(rb"[\x80-\xff]")


@dataclass(frozen=True, slots=True)
class Document:
    """`cut`: it is only the beginning."""

    text: str
    cut: bool = False


async def read_pdf(data: bytes, *, pages: int, characters: int, seconds: float) -> Document:
    """The text of the first pages. Raises `Unreadable`."""
    reading = await asyncio.create_subprocess_exec(
        *(sys.executable, "-I", str(WORKER), str(pages), str(characters), str(math.ceil(seconds))),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
        env={},
    )
    try:
        async with asyncio.timeout(seconds):
            told, _ = await reading.communicate(data)
    except TimeoutError:
        raise Unreadable(Why.SLOW) from None
    finally:
        if reading.returncode is None:
            reading.kill()
            await reading.wait()
    if reading.returncode != 0:
        raise Unreadable(Why.BROKEN, f"the reading process ended with {reading.returncode}")
    found = json.loads(told)
    if "why" in found:
        raise Unreadable(Why(found["why"]))
    if not str(found["text"]).strip():
        raise Unreadable(Why.NO_TEXT)
    return Document(_clean(found["text"]), bool(found["cut"]))


def read_text(data: bytes, characters: int) -> Document:
    """The beginning of a text file, whichever of the usual encodings it is in. Raises `Unreadable` for one that is empty."""
    data = data[: characters * 4 + 4]
    text = _decoded(data)
    if not text.strip():
        raise Unreadable(Why.NO_TEXT)
    return Document(_clean(text[:characters]), len(text) > characters)


def _decoded(data: bytes) -> str:
    for mark, encoding in MARKS:
        if data.startswith(mark):
            return data.decode(encoding, "replace")
    reading = codecs.getincrementaldecoder("utf-8")()  # the last character may be cut
    try:
        return reading.decode(data)
    except UnicodeDecodeError:
        return _from_older(data)


def _from_older(data: bytes) -> str:
    """Chinese (GB 18030), where nearly all bytes beyond ASCII stand in pairs of such; else Western."""
    chinese = data.decode("gb18030", "replace")
    beyond = len(_BEYOND.findall(data))
    pairs = sum(character > "\x7f" for character in chinese)
    if chinese.count("\ufffd") <= 1 and beyond >= 1.6 * pairs:
        return chinese
    return data.decode("cp1252", "replace")


def _clean(text: str) -> str:
    return _CONTROLS.sub("", text.replace("\r\n", "\n"))
