"""Files and pictures that come with a question: what kind they are, what can be read of them, how they are shown to a model."""

from bot.files.gallery import Gallery, shown_to
from bot.files.limits import FileLimits
from bot.files.reader import FileReader, Unread
from bot.files.texts import listed, unread_texts

__all__ = ["FileLimits", "FileReader", "Gallery", "Unread", "listed", "shown_to", "unread_texts"]
