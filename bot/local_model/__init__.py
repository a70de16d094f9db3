"""The small language model that answers when no API key and no base URL is set, so that a first try needs no
account.

`ensure_installed` puts it into the data folder, once; `LocalModel` runs it as a child process that speaks
OpenAI's chat API on a loopback port. Nothing of it is ever imported into the bot's own process.
"""

from bot.local_model.errors import LocalModelError
from bot.local_model.installer import MODEL, ensure_installed, installed, verify
from bot.local_model.server import LocalModel

__all__ = ["MODEL", "LocalModel", "LocalModelError", "ensure_installed", "installed", "verify"]
