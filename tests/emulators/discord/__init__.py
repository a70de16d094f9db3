"""An emulator of Discord (REST API v10 and gateway v10) on a local port, for tests with the real discord.py.

    async with DiscordEmulator() as discord:
        guild = discord.add_guild("home")
        channel, alice = discord.add_channel(guild, "talk"), discord.add_user("alice")
        ...  # start a bot with discord.api_url, discord.gateway_url and discord.token
        await discord.wait_for(lambda: discord.connected)
        discord.say(alice, channel, "hello", mention_bot=True)
        answer = await discord.wait_for(lambda: discord.bot_messages(channel))

Where Discord's documentation is silent, what libraries and bot authors report is emulated, and the place says
so.
"""

from .clock import Clock
from .emulator import DiscordEmulator
from .faults import RESET, Gate
from .limits import Limits, Rate
from .message import (
    Attachment,
    Callback,
    Interaction,
    Mentions,
    Message,
    MessageFlag,
    MessageKind,
    Revision,
    Upload,
)
from .model import Channel, ChannelKind, Guild, Permission, Role, User
from .rest import Request

__all__ = [
    "RESET",
    "Attachment",
    "Callback",
    "Channel",
    "ChannelKind",
    "Clock",
    "DiscordEmulator",
    "Gate",
    "Guild",
    "Interaction",
    "Limits",
    "Mentions",
    "Message",
    "MessageFlag",
    "MessageKind",
    "Permission",
    "Rate",
    "Request",
    "Revision",
    "Role",
    "Upload",
    "User",
]
