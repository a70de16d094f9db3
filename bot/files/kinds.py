"""What kind of file it is: first by what it says of itself, then by how it begins (pure)."""

from __future__ import annotations

from enum import StrEnum
from pathlib import PurePosixPath
from typing import Final

from bot.chat import File


class Kind(StrEnum):
    PICTURE = "picture"
    PDF = "pdf"
    TEXT = "text"
    OTHER = "other"


MEDIA: Final = ("audio/", "video/", "font/", "application/vnd.")
"""How media types begin of which nothing can be read."""
BINARY: Final = frozenset(
    [
        "7z",
        "avi",
        "bin",
        "bz2",
        "class",
        "dll",
        "doc",
        "docx",
        "exe",
        "flac",
        "gz",
        "heic",
        "ico",
        "iso",
        "jar",
        "mkv",
        "mov",
        "mp3",
        "mp4",
        "mpeg",
        "odp",
        "ods",
        "odt",
        "ogg",
        "otf",
        "ppt",
        "pptx",
        "psd",
        "pyc",
        "rar",
        "so",
        "tar",
        "tgz",
        "ttf",
        "wasm",
        "wav",
        "webm",
        "woff",
        "woff2",
        "xls",
        "xlsx",
        "xz",
        "zip",
        "zst",
    ]
)
"""The same by the ends of names, where a media type says nothing."""
PICTURES: Final = frozenset(["avif", "bmp", "gif", "jpeg", "jpg", "png", "tif", "tiff", "webp"])
SPELT: Final = {"jpg": "jpeg", "tif": "tiff"}
NOT_OPENED: Final = frozenset({"image/heic", "image/heif", "image/vnd.adobe.photoshop", "image/x-icon"})
UNTOLD: Final = frozenset({"", "application/octet-stream", "binary/octet-stream"})


def picture_type(file: File) -> str:
    """The media type of a picture that says only by its name that it is one; else the file's own."""
    end = _end(file.name)
    if file.media_type.lower() in UNTOLD and end in PICTURES:
        return f"image/{SPELT.get(end, end)}"
    return file.media_type.lower()


def promised(file: File) -> Kind | None:
    """What it is to be before a byte of it was fetched; None where that is still to be seen."""
    kind, end = picture_type(file), _end(file.name)
    if kind.startswith("image/") and "svg" not in kind:
        return Kind.OTHER if kind in NOT_OPENED else Kind.PICTURE
    if kind.startswith(MEDIA) or (end in BINARY and not kind.startswith("text/")):
        return Kind.OTHER
    if kind == "application/pdf" or (kind in UNTOLD and end == "pdf"):
        return Kind.PDF
    return None


def found(data: bytes) -> Kind:
    """What it is by its bytes, for what promised nothing."""
    if data.startswith(b"%PDF-"):
        return Kind.PDF
    wide = data.startswith((b"\xff\xfe", b"\xfe\xff"))
    return Kind.OTHER if b"\x00" in data[:8_192] and not wide else Kind.TEXT


def _end(name: str) -> str:
    return PurePosixPath(name.lower()).suffix.removeprefix(".")
