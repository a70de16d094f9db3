"""What reads files in tests of a whole turn, and files to be read."""

from __future__ import annotations

import io
import random
from collections.abc import Mapping

from PIL import Image

from bot.files import FileLimits, FileReader, Gallery
from bot.ports import Adapter
from bot.privacy.filtering import Filtering
from bot.tokens.counting import Counter
from bot.voice import Voices

USUAL = FileLimits()


def open_files(
    platforms: Mapping[str, Adapter],
    voices: Voices,
    counter: Counter,
    filtering: Filtering,
    limits: FileLimits = USUAL,
) -> tuple[Gallery, FileReader]:
    gallery = Gallery(platforms, limits)
    reader = FileReader(
        platforms=platforms, gallery=gallery, voices=voices, filtering=filtering, counter=counter
    )
    return gallery, reader


def a_picture(
    width: int = 600, height: int = 400, kind: str = "PNG", *, noise: bool = False, **saved: object
) -> bytes:
    """A picture of one colour, or one that can't be packed tightly."""
    image = Image.new("RGB", (width, height), "teal")
    if noise:
        image = Image.frombytes("RGB", (width, height), random.Random(7).randbytes(width * height * 3))
    file = io.BytesIO()
    image.save(file, kind, **saved)
    return file.getvalue()


def a_pdf(*pages: str, password: str = "") -> bytes:
    """A PDF whose pages say these words (none: as a scanned one)."""
    from pypdf import PdfWriter
    from pypdf.generic import DecodedStreamObject, DictionaryObject, NameObject

    writer = PdfWriter()
    for words in pages:
        page = writer.add_blank_page(300, 300)
        font = DictionaryObject(
            {
                NameObject("/Type"): NameObject("/Font"),
                NameObject("/Subtype"): NameObject("/Type1"),
                NameObject("/BaseFont"): NameObject("/Helvetica"),
            }
        )
        page[NameObject("/Resources")] = DictionaryObject(
            {NameObject("/Font"): DictionaryObject({NameObject("/F1"): font})}
        )
        said = DecodedStreamObject()
        said.set_data(f"BT /F1 12 Tf 20 200 Td ({words}) Tj ET".encode() if words else b"")
        page[NameObject("/Contents")] = writer._add_object(said)
    if password:
        writer.encrypt(password, algorithm="AES-256")
    file = io.BytesIO()
    writer.write(file)
    return file.getvalue()
