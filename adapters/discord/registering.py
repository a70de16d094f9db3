"""The slash commands as Discord knows them: looked up, and told anew only where they are others than ours."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from adapters.discord import forms
from adapters.discord.rest import Rest
from bot.ports import Slash


async def this_application(rest: Rest) -> dict[str, Any]:
    """The application that the token belongs to."""
    found: dict[str, Any] = await rest.call("GET", "/oauth2/applications/@me")
    return found


async def known(rest: Rest, application: str, commands: Sequence[Slash]) -> bool:
    """Does Discord know exactly these?"""
    there = await rest.call("GET", _path(application))
    return sorted(map(forms.signature, there)) == sorted(
        forms.signature(forms.command(slash)) for slash in commands
    )


async def register(rest: Rest, application: str, commands: Sequence[Slash]) -> bool:
    """Tell Discord of these commands, unless it knows exactly them. True when it had to be told."""
    if await known(rest, application, commands):
        return False
    await rest.call("PUT", _path(application), [forms.command(slash) for slash in commands])
    return True


def _path(application: str) -> str:
    return f"/applications/{application}/commands"
