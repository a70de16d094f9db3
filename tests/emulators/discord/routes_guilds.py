"""Routes for the bot itself, its application, people and guilds."""

from __future__ import annotations

from . import payloads
from .call import Answer, Call, Route, snowflake
from .errors import Code, refusal
from .model import Member, can_see
from .routes_channels import thread_list


async def me(call: Call) -> Answer:
    """The bot's own account."""
    mine = {"verified": True, "mfa_enabled": True, "locale": "en-US", "email": None, "flags": 0}
    return 200, payloads.user(call.bot) | mine


async def my_guilds(call: Call) -> Answer:
    """The guilds the bot is in."""
    joined = [guild for guild in call.world.guilds.values() if call.bot.id in guild.members]
    limit, after = call.number("limit", 200, 1, 200), int(call.query.get("after", 0))
    return 200, [payloads.guild(guild) | {"owner": False} for guild in joined if guild.id > after][:limit]


async def application(call: Call) -> Answer:
    """The application behind the token."""
    return 200, payloads.application(call.world)


async def fetch_user(call: Call) -> Answer:
    """Any account."""
    found = call.world.users.get(call.id("user_id"))
    if found is None:
        raise refusal(Code.UNKNOWN_USER)
    return 200, payloads.user(found)


async def open_dm(call: Call) -> Answer:
    """Open the direct message with a person."""
    recipient = call.world.users.get(snowflake("recipient_id", str(call.json.get("recipient_id"))))
    if recipient is None:
        raise refusal(Code.UNKNOWN_USER)
    if recipient.bot:
        raise refusal(Code.CANNOT_MESSAGE_USER)
    return 200, payloads.channel(call.world, call.world.open_dm(recipient))


async def guild(call: Call) -> Answer:
    """A guild."""
    return 200, payloads.guild(call.guild())


async def guild_channels(call: Call) -> Answer:
    """A guild's channels without threads."""
    channels = call.guild().channels.values()
    return 200, [payloads.channel(call.world, channel) for channel in channels if channel.thread is None]


async def guild_roles(call: Call) -> Answer:
    """A guild's roles."""
    roles = call.guild().roles.values()
    return 200, [payloads.role(role, position) for position, role in enumerate(roles)]


async def guild_member(call: Call) -> Answer:
    """One member."""
    return 200, payloads.member(_member(call))


def _member(call: Call) -> Member:
    entry = call.guild().members.get(call.id("user_id"))
    if entry is None:
        raise refusal(
            Code.UNKNOWN_USER if call.id("user_id") not in call.world.users else Code.UNKNOWN_MEMBER
        )
    return entry


async def guild_members(call: Call) -> Answer:
    """All members, which needs the member intent."""
    if "members" not in call.world.granted:
        raise refusal(Code.MISSING_ACCESS)
    limit, after = call.number("limit", 1, 1, 1000), int(call.query.get("after", 0))
    members = sorted(call.guild().members.values(), key=lambda entry: entry.user.id)
    return 200, [payloads.member(entry) for entry in members if entry.user.id > after][:limit]


async def active_threads(call: Call) -> Answer:
    """Threads of a guild that are not archived."""
    seen = [thread for thread in call.guild().threads if can_see(thread, call.bot)]
    return 200, thread_list(call, seen)


_GUILD = "/guilds/{guild_id}"
ROUTES = [
    Route("GET", "/users/@me", me),
    Route("GET", "/users/@me/guilds", my_guilds),
    Route("POST", "/users/@me/channels", open_dm),
    Route("GET", "/users/{user_id}", fetch_user),
    Route("GET", "/oauth2/applications/@me", application),
    Route("GET", "/applications/@me", application),
    Route("GET", _GUILD, guild),
    Route("GET", _GUILD + "/channels", guild_channels),
    Route("GET", _GUILD + "/roles", guild_roles),
    Route("GET", _GUILD + "/members", guild_members),
    Route("GET", _GUILD + "/members/{user_id}", guild_member),
    Route("GET", _GUILD + "/threads/active", active_threads),
]
