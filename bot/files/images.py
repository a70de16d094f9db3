"""A picture made fit for a model: upright, small enough, its first frame only, and without whatever else its file says (of places, of
people, of cameras). To be run off the event loop.
"""

from __future__ import annotations

import io
import struct
import warnings
import zlib
from typing import Final

from PIL import Image, ImageOps, UnidentifiedImageError

from bot.chat import Picture
from bot.errors import Unreadable, Why

FORMATS: Final = ("PNG", "JPEG", "GIF", "WEBP", "BMP", "TIFF", "AVIF")
MOST_PIXELS: Final = 40_000_000
"""A picture of more is refused before it is unpacked: a small file may hold one that fills the memory."""
LARGE: Final = 1_000_000
"""Bytes: a picture that takes more without loss is sent with a little of it."""
QUALITY: Final = 87
BROKEN: Final = (
    OSError,
    SyntaxError,
    ValueError,
    EOFError,
    TypeError,
    KeyError,
    IndexError,
    struct.error,
    zlib.error,
)
"""What Pillow raises over files that are not what they seem."""


def prepared(data: bytes, longest: int) -> Picture:
    """The picture, at most `longest` pixels wide and high. Raises `Unreadable`."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)
            with Image.open(io.BytesIO(data), formats=FORMATS) as image:
                return _made(image, longest)
    except Image.DecompressionBombError:
        raise Unreadable(Why.TOO_MANY_PIXELS) from None
    except UnidentifiedImageError:
        raise Unreadable(Why.UNSUPPORTED) from None
    except BROKEN as error:
        raise Unreadable(Why.BROKEN, type(error).__name__) from None


def _made(image: Image.Image, longest: int) -> Picture:
    if image.width * image.height > MOST_PIXELS:
        raise Unreadable(Why.TOO_MANY_PIXELS)
    lossy = image.format == "JPEG"
    image.draft("RGB", (longest, longest))  # only what is needed of a large photograph is unpacked
    upright = ImageOps.exif_transpose(image)
    upright = upright.convert("RGBA" if upright.has_transparency_data else "RGB")
    upright.thumbnail((longest, longest), Image.Resampling.LANCZOS)
    bare = Image.new("RGB", upright.size, "white")  # a new one knows nothing of the old one's file
    bare.paste(upright, mask=upright if upright.mode == "RGBA" else None)
    packed, media_type = _packed(bare, lossy=lossy)
    return Picture(media_type, packed, *bare.size)


def _packed(image: Image.Image, *, lossy: bool) -> tuple[bytes, str]:
    file = io.BytesIO()
    if not lossy:
        image.save(file, "PNG")
        if file.tell() <= LARGE:
            return file.getvalue(), "image/png"
        file = io.BytesIO()
    image.save(file, "JPEG", quality=QUALITY)
    return file.getvalue(), "image/jpeg"
