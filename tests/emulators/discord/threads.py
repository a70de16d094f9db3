"""Threads: opening, archiving and waking them."""

from __future__ import annotations

from . import payloads
from .message import Message, MessageFlag, MessageKind
from .model import Channel, ChannelKind, ThreadState, User
from .posting import Draft, message_event, post
from .world import Event, Intent, World


def open_thread(
    world: World,
    channel: Channel,
    owner: User,
    name: str,
    *,
    source: Message | None = None,
    private: bool = False,
    auto_archive_minutes: int = 1440,
) -> Channel:
    """Open a thread, under a message (then it has that message's id) or on its own."""
    assert channel.guild is not None
    now = world.clock.time()
    thread = Channel(
        source.id if source else world.ids.next(),
        name,
        ChannelKind.PRIVATE_THREAD if private else ChannelKind.PUBLIC_THREAD,
        guild=channel.guild,
        parent=channel,
        thread=ThreadState(owner, now, auto_archive_minutes, changed_at=now, members={owner.id: now}),
    )
    channel.guild.channels[thread.id] = world.channels[thread.id] = thread
    created = payloads.channel(world, thread) | {"newly_created": True}
    world.tell(Event("THREAD_CREATE", created, Intent.GUILDS, channel.guild, thread))
    if source is not None:
        _hang_under(world, source, thread)
    elif not private:
        post(world, Draft(channel, owner, name, MessageKind.THREAD_CREATED))
    return thread


def _hang_under(world: World, source: Message, thread: Channel) -> None:
    source.thread = thread
    source.flags |= MessageFlag.HAS_THREAD
    world.tell(message_event(world, "MESSAGE_UPDATE", source))
    starter = Message(
        world.ids.next(),
        thread,
        source.author,
        world.clock.time(),
        kind=MessageKind.THREAD_STARTER,
        reference=(source.channel, source.id),
    )
    thread.messages[starter.id] = world.messages[starter.id] = starter
    world.tell(message_event(world, "MESSAGE_CREATE", starter))


def set_archived(world: World, thread: Channel, archived: bool, *, locked: bool | None = None) -> None:
    """Archive or wake a thread; a locked one stays archived for all who may not manage threads."""
    state = thread.thread
    assert state is not None
    state.archived = archived
    state.locked = state.locked if locked is None else locked
    state.changed_at = world.clock.time()
    announce(world, thread)


def announce(world: World, thread: Channel) -> None:
    """Tell the bot how the thread stands now."""
    data = payloads.channel(world, thread)
    world.tell(Event("THREAD_UPDATE", data, Intent.GUILDS, thread.guild, thread))
