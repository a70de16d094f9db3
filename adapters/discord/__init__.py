"""Discord, by its gateway and its REST API."""

from adapters.discord.adapter import Discord
from adapters.discord.check import check, sync

__all__ = ["Discord", "check", "sync"]
