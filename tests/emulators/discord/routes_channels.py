"""Routes for channels and threads."""

from __future__ import annotations

from . import payloads
from .call import Answer, Call, Route
from .errors import Code, Form, Json, invalid, refusal
from .membership import join_thread, leave_thread
from .message import SPOKEN
from .model import Channel, ChannelKind, Permission, permissions
from .threads import announce, open_thread, set_archived

_AUTO_ARCHIVE = (60, 1440, 4320, 10080)


async def channel(call: Call) -> Answer:
    """A channel."""
    return 200, payloads.channel(call.world, call.channel())


async def change_channel(call: Call) -> Answer:
    """Rename, archive, wake or lock a thread. Other channels keep what they are."""
    thread, body = call.channel(), call.json
    state = thread.thread
    if state is None:
        raise refusal(Code.MISSING_PERMISSIONS)
    manages = Permission.MANAGE_THREADS in permissions(thread, call.bot)
    if not manages and (state.owner is not call.bot or "locked" in body):
        raise refusal(Code.MISSING_PERMISSIONS)
    if state.archived and body.get("archived", True):
        raise refusal(Code.THREAD_ARCHIVED)
    _check_thread(body)
    thread.name = body.get("name", thread.name)
    state.auto_archive_minutes = body.get("auto_archive_duration", state.auto_archive_minutes)
    if "archived" in body or "locked" in body:
        set_archived(
            call.world, thread, bool(body.get("archived", state.archived)), locked=body.get("locked")
        )
    else:
        announce(call.world, thread)
    return 200, payloads.channel(call.world, thread)


async def delete_channel(call: Call) -> Answer:
    """Delete a thread, with permission; a direct message is only closed."""
    place = call.channel()
    shown = payloads.channel(call.world, place)
    if place.guild is not None:
        call.need(place, Permission.MANAGE_THREADS)
        call.world.delete_channel(place)
    return 200, shown


def _check_thread(body: Json) -> None:
    form = Form()
    if "name" in body:
        form.between("name", len(str(body["name"])), 1, 100)
    if body.get("auto_archive_duration") not in (None, *_AUTO_ARCHIVE):
        form.wrong("auto_archive_duration", "BASE_TYPE_CHOICES", f"Value must be one of {_AUTO_ARCHIVE}.")
    form.check()


async def thread_from_message(call: Call) -> Answer:
    """Open a thread under a message."""
    place = call.channel(Permission.CREATE_PUBLIC_THREADS)
    if place.kind is not ChannelKind.TEXT:
        raise refusal(Code.NOT_IN_THIS_CHANNEL)
    source = call.message(place)
    if source.thread is not None:
        raise refusal(Code.THREAD_EXISTS)
    if source.kind not in SPOKEN:
        raise refusal(Code.SYSTEM_MESSAGE)
    return 201, _open(call, place, source_id=source.id)


async def thread_alone(call: Call) -> Answer:
    """Open a thread without a message; private unless the type says otherwise."""
    private = call.json.get("type", ChannelKind.PRIVATE_THREAD) == ChannelKind.PRIVATE_THREAD
    needed = Permission.CREATE_PRIVATE_THREADS if private else Permission.CREATE_PUBLIC_THREADS
    place = call.channel(needed)
    if place.kind is not ChannelKind.TEXT:
        raise refusal(Code.NOT_IN_THIS_CHANNEL)
    return 201, _open(call, place, private=private)


def _open(call: Call, place: Channel, *, source_id: int | None = None, private: bool = False) -> Json:
    body: Json = {"name": ""} | call.json
    _check_thread(body)
    thread = open_thread(
        call.world,
        place,
        call.bot,
        body["name"],
        source=place.messages[source_id] if source_id else None,
        private=private,
        auto_archive_minutes=body.get("auto_archive_duration") or 1440,
    )
    return payloads.channel(call.world, thread)


async def thread_members(call: Call) -> Answer:
    """Who is in a thread."""
    thread = _thread(call)
    assert thread.thread is not None
    people = [call.world.users[number] for number in thread.thread.members]
    return 200, [payloads.thread_member(thread, person) for person in people]


async def add_member(call: Call) -> Answer:
    """Join a thread, or add somebody."""
    thread = _thread(call)
    if thread.thread is not None and thread.thread.archived:
        raise refusal(Code.THREAD_ARCHIVED)
    who = call.bot
    if "user_id" in call.params:
        who = call.world.users.get(call.id("user_id")) or invalid("user_id", "UNKNOWN", "Unknown user")
    join_thread(call.world, thread, who)
    return 204, None


async def remove_member(call: Call) -> Answer:
    """Leave a thread, or remove somebody with permission."""
    thread = _thread(call)
    who = call.bot
    if "user_id" in call.params:
        call.need(thread, Permission.MANAGE_THREADS)
        who = call.world.users.get(call.id("user_id")) or who
    leave_thread(call.world, thread, who)
    return 204, None


def _thread(call: Call) -> Channel:
    place = call.channel()
    if place.thread is None:
        raise refusal(Code.NOT_IN_THIS_CHANNEL)
    return place


async def archived_threads(call: Call) -> Answer:
    """Archived public threads of a channel, the last archived first."""
    channel = call.channel(Permission.READ_MESSAGE_HISTORY)
    assert channel.guild is not None
    children = [
        other for other in channel.guild.channels.values() if other.parent is channel and other.thread
    ]
    public = [other for other in children if other.kind is ChannelKind.PUBLIC_THREAD]
    found = [other for other in public if other.thread and other.thread.archived]
    found.sort(key=lambda other: other.thread.changed_at if other.thread else 0, reverse=True)
    return 200, thread_list(call, found) | {"has_more": False}


def thread_list(call: Call, threads: list[Channel]) -> Json:
    """Threads, and the bot's membership in them."""
    mine = [thread for thread in threads if thread.thread and call.bot.id in thread.thread.members]
    return {
        "threads": [payloads.channel(call.world, thread) for thread in threads],
        "members": [payloads.thread_member(thread, call.bot) for thread in mine],
    }


_CHANNEL = "/channels/{channel_id}"
ROUTES = [
    Route("GET", _CHANNEL, channel),
    Route("PATCH", _CHANNEL, change_channel),
    Route("DELETE", _CHANNEL, delete_channel),
    Route("POST", _CHANNEL + "/messages/{message_id}/threads", thread_from_message),
    Route("POST", _CHANNEL + "/threads", thread_alone),
    Route("GET", _CHANNEL + "/threads/archived/public", archived_threads),
    Route("GET", _CHANNEL + "/thread-members", thread_members),
    Route("PUT", _CHANNEL + "/thread-members/@me", add_member),
    Route("DELETE", _CHANNEL + "/thread-members/@me", remove_member),
    Route("PUT", _CHANNEL + "/thread-members/{user_id}", add_member),
    Route("DELETE", _CHANNEL + "/thread-members/{user_id}", remove_member),
]
