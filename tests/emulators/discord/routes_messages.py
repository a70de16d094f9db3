"""Routes for messages, reactions and typing."""

from __future__ import annotations

from . import message_payloads
from .call import Answer, Call, Route, snowflake
from .errors import Code, Json, invalid, refusal
from .intake import read_changes, read_draft
from .message import SPOKEN, Message
from .model import Channel, Permission, permissions
from .payloads import user
from .posting import Draft, post, react, remove, revise


async def create(call: Call) -> Answer:
    """Post a message. A nonce already used (and enforced) returns the message it made."""
    channel = call.channel()
    _may_send(call, channel)
    body = call.json
    key = (call.bot.id, str(body.get("nonce")))
    if body.get("enforce_nonce") and body.get("nonce") is not None:
        known = call.world.nonces.get(key)
        if known is not None and call.world.clock.time() - known[0] < call.world.limits.nonce_memory:
            return 200, message_payloads.message(call.world, known[1])
    message = post(call.world, _draft(call, channel, body))
    if body.get("nonce") is not None:
        call.world.nonces[key] = (message.created_at, message)
    return 200, message_payloads.message(call.world, message)


def _may_send(call: Call, channel: Channel) -> None:
    if channel.recipient is not None:
        shared = any(
            {channel.recipient.id, call.bot.id} <= guild.members.keys()
            for guild in call.world.guilds.values()
        )
        wrote_first = any(message.author is channel.recipient for message in channel.messages.values())
        if not channel.recipient.accepts_dms or not (shared or wrote_first):
            raise refusal(Code.CANNOT_MESSAGE_USER)
        return
    state = channel.thread
    call.need(channel, Permission.SEND_MESSAGES_IN_THREADS if state else Permission.SEND_MESSAGES)
    manages = Permission.MANAGE_THREADS in permissions(channel, call.bot)
    if state is not None and state.archived and state.locked and not manages:
        raise refusal(Code.THREAD_ARCHIVED)


def _draft(call: Call, channel: Channel, body: Json) -> Draft:
    if call.files:
        call.need(channel, Permission.ATTACH_FILES)
    answers = _answered(call, channel, body.get("message_reference"))
    draft = read_draft(call.world, channel, call.bot, body, call.files, answers=answers)
    if Permission.EMBED_LINKS not in permissions(channel, call.bot):
        draft.embeds = []
    return draft


def _answered(call: Call, channel: Channel, reference: Json | None) -> Message | None:
    """The message a reply points to."""
    if reference is None:
        return None
    if Permission.READ_MESSAGE_HISTORY not in permissions(channel, call.bot):
        raise refusal(Code.NO_HISTORY_FOR_REPLY)
    elsewhere = str(reference.get("channel_id") or channel.id) != str(channel.id)
    answered = channel.messages.get(snowflake("message_reference", str(reference.get("message_id"))))
    if elsewhere or answered is None or answered.ephemeral:
        if reference.get("fail_if_not_exists", True):
            invalid("message_reference", "REPLIES_UNKNOWN_MESSAGE", "Unknown message")
        return None
    if answered.kind not in SPOKEN:
        message = "Cannot reply to a system message"
        invalid("message_reference", "REPLIES_CANNOT_REPLY_TO_SYSTEM_MESSAGE", message)
    return answered


async def fetch(call: Call) -> Answer:
    """One message."""
    channel = _readable(call)
    return 200, _shown(call, call.message(channel))


async def history(call: Call) -> Answer:
    """Messages of a channel, newest first."""
    channel = call.channel()
    limit = call.number("limit", 50, 1, 100)
    if Permission.READ_MESSAGE_HISTORY not in permissions(channel, call.bot):
        return 200, []
    shown = [message for message in channel.messages.values() if not message.ephemeral]
    query = call.query
    if "around" in query:
        centre = snowflake("around", query["around"])
        older = [message for message in shown if message.id < centre][-(limit // 2) or len(shown) :]
        page = older + [message for message in shown if message.id >= centre][: limit - len(older)]
    elif "after" in query:
        page = [message for message in shown if message.id > snowflake("after", query["after"])][:limit]
    elif "before" in query:
        page = [message for message in shown if message.id < snowflake("before", query["before"])][-limit:]
    else:
        page = shown[-limit:]
    return 200, [_shown(call, message) for message in reversed(page)]


def _readable(call: Call) -> Channel:
    channel = call.channel()
    if Permission.READ_MESSAGE_HISTORY not in permissions(channel, call.bot):
        raise refusal(Code.MISSING_ACCESS)
    return channel


def _shown(call: Call, message: Message) -> Json:
    """Reading by REST hides content like the gateway does, unless the intent is switched on in the portal."""
    return message_payloads.message(call.world, message, full="message_content" in call.world.granted)


async def edit(call: Call) -> Answer:
    """Edit a message of one's own; of others only their flags, with permission."""
    channel = call.channel()
    message = call.message(channel)
    body = call.json
    if message.author is not call.bot:
        if set(body) != {"flags"}:
            raise refusal(Code.NOT_THE_AUTHOR)
        call.need(channel, Permission.MANAGE_MESSAGES)
    if message.kind not in SPOKEN:
        raise refusal(Code.SYSTEM_MESSAGE)
    if channel.thread is not None and channel.thread.archived:
        raise refusal(Code.THREAD_ARCHIVED)
    _limit_old(call, message)
    changes = read_changes(call.world, message, body, call.files)
    if changes.embeds and Permission.EMBED_LINKS not in permissions(channel, call.bot):
        changes.embeds = []
    only_flags = set(body) <= {"flags", "allowed_mentions"} and not call.files
    revise(call.world, message, changes, stamped=not only_flags)
    return 200, message_payloads.message(call.world, message)


def _limit_old(call: Call, message: Message) -> None:
    """Messages older than an hour have a tighter limit of their own."""
    limits = call.world.limits
    if call.world.clock.time() - message.created_at <= limits.old_after:
        return
    verdict = call.world.book.take(("old edit", message.channel.id), limits.old_edit)
    if not verdict.allowed:
        raise refusal(Code.OLD_MESSAGE_EDITS, retry_after=verdict.reset_after)


async def delete(call: Call) -> Answer:
    """Delete a message; others' need permission."""
    channel = call.channel()
    message = call.message(channel)
    if message.author is not call.bot:
        call.need(channel, Permission.MANAGE_MESSAGES)
    remove(call.world, [message])
    return 204, None


async def bulk_delete(call: Call) -> Answer:
    """Delete 2 to 100 messages, none older than two weeks."""
    channel = call.channel(Permission.MANAGE_MESSAGES)
    wanted = {snowflake("messages", str(number)) for number in call.json.get("messages", [])}
    if not 2 <= len(wanted) <= 100:
        raise refusal(Code.BULK_DELETE_COUNT)
    found = [
        message for number, message in channel.messages.items() if number in wanted and not message.ephemeral
    ]
    oldest = call.world.clock.time() - call.world.limits.bulk_delete_age
    if any(message.created_at < oldest for message in found):
        raise refusal(Code.TOO_OLD_TO_BULK_DELETE)
    if found:
        remove(call.world, found)
    return 204, None


async def typing(call: Call) -> Answer:
    """Show the bot typing for ten seconds."""
    channel = call.channel()
    _may_send(call, channel)
    call.world.type_in(call.bot, channel)
    return 204, None


async def add_reaction(call: Call) -> Answer:
    """React to a message."""
    channel = _readable(call)
    message = call.message(channel)
    emoji = call.params["emoji"]
    if emoji.isascii() and ":" not in emoji:
        raise refusal(Code.UNKNOWN_EMOJI)
    if emoji not in message.reactions:
        call.need(channel, Permission.ADD_REACTIONS)
    react(call.world, message, call.bot, emoji, added=True)
    return 204, None


async def remove_reaction(call: Call) -> Answer:
    """Take one's own reaction away, or somebody's with permission."""
    channel = call.channel()
    message = call.message(channel)
    who = call.bot
    if call.params.get("user_id", "@me") != "@me":
        who = call.world.users.get(call.id("user_id")) or who
        call.need(channel, Permission.MANAGE_MESSAGES)
    react(call.world, message, who, call.params["emoji"], added=False)
    return 204, None


async def reaction_users(call: Call) -> Answer:
    """Who reacted with an emoji."""
    message = call.message(_readable(call))
    limit, after = call.number("limit", 25, 1, 100), int(call.query.get("after", 0))
    who = [account for account in message.reactions.get(call.params["emoji"], []) if account.id > after]
    return 200, [user(account) for account in who[:limit]]


_MESSAGES = "/channels/{channel_id}/messages"
_REACTION = _MESSAGES + "/{message_id}/reactions/{emoji}"
ROUTES = [
    Route("POST", _MESSAGES, create, "create"),
    Route("GET", _MESSAGES, history),
    Route("POST", _MESSAGES + "/bulk-delete", bulk_delete),
    Route("GET", _MESSAGES + "/{message_id}", fetch),
    Route("PATCH", _MESSAGES + "/{message_id}", edit, "edit"),
    Route("DELETE", _MESSAGES + "/{message_id}", delete, "delete"),
    Route("POST", "/channels/{channel_id}/typing", typing, "typing"),
    Route("PUT", _REACTION + "/@me", add_reaction, "reaction"),
    Route("GET", _REACTION, reaction_users),
    Route("DELETE", _REACTION + "/{user_id}", remove_reaction, "reaction"),
]
