"""Who is in a thread."""

from __future__ import annotations

from . import payloads
from .errors import Json
from .model import Channel, ChannelKind, User, can_see
from .world import Event, Intent, World


def enter_thread(world: World, channel: Channel, author: User) -> None:
    """Posting into a thread joins it, and wakes it if it was archived. Other channels have nobody to join."""
    state = channel.thread
    if state is None:
        return
    join_thread(world, channel, author)
    if state.archived:
        state.archived = False
        state.changed_at = world.clock.time()
        data = payloads.channel(world, channel)
        world.tell(Event("THREAD_UPDATE", data, Intent.GUILDS, channel.guild, channel))


def join_thread(world: World, thread: Channel, user: User) -> None:
    """Make somebody a member of a thread; a bot added to a private one learns of the thread first."""
    assert thread.thread is not None and thread.guild is not None
    if user.id in thread.thread.members:
        return
    hidden = thread.kind is ChannelKind.PRIVATE_THREAD and not can_see(thread, world.bot)
    thread.thread.members[user.id] = world.clock.time()
    if user is world.bot and hidden:
        data = payloads.channel(world, thread)
        world.tell(Event("THREAD_CREATE", data, Intent.GUILDS, thread.guild, thread))
    _tell(world, thread, user, {"added_members": [payloads.thread_member(thread, user)]})


def leave_thread(world: World, thread: Channel, user: User) -> None:
    """Take somebody out of a thread."""
    assert thread.thread is not None and thread.guild is not None
    if thread.thread.members.pop(user.id, None) is not None:
        _tell(world, thread, user, {"removed_member_ids": [str(user.id)]})


def _tell(world: World, thread: Channel, user: User, change: Json) -> None:
    """A bot hears of its own membership always, of others' with the member intent."""
    assert thread.thread is not None and thread.guild is not None
    data: Json = {
        "id": str(thread.id),
        "guild_id": str(thread.guild.id),
        "member_count": len(thread.thread.members),
    }
    if user is world.bot:
        world.tell(Event("THREAD_MEMBERS_UPDATE", data | change, Intent.GUILDS, thread.guild))
    else:
        world.tell(Event("THREAD_MEMBERS_UPDATE", data | change, Intent.GUILD_MEMBERS, thread.guild, thread))
