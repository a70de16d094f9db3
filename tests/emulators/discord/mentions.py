"""Whom a message reaches, given its text, the sender's permissions and the request's `allowed_mentions`.

The rules: nothing in code counts; without `allowed_mentions` everything counts and a reply pings the author
it answers; with it only what it lists counts; @everyone, @here and roles that are not mentionable need the
permission. Source: Discord's documentation, page "Message", on allowed mentions. That text in code does not
ping is practice.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from .errors import Form, Json
from .message import Mentions
from .model import Channel, Permission, Role, User, can_see, permissions

_CODE = re.compile(r"(`+)(?!`).*?(?<!`)\1(?!`)", re.DOTALL)
_USER = re.compile(r"<@!?(\d+)>")
_ROLE = re.compile(r"<@&(\d+)>")
_EVERYONE = re.compile(r"@(?:everyone|here)")
_KINDS = ("users", "roles", "everyone")


@dataclass(frozen=True)
class Allowed:
    """What `allowed_mentions` lets through; None stands for "all of them"."""

    users: frozenset[int] | None = None
    roles: frozenset[int] | None = None
    everyone: bool = True
    replied_user: bool = True

    @classmethod
    def read(cls, body: Json | None) -> Allowed:
        """From a request; an absent object allows everything."""
        if body is None:
            return EVERYTHING
        _check(body)
        parse = body.get("parse", [])
        return cls(
            users=None if "users" in parse else frozenset(map(int, body.get("users", []))),
            roles=None if "roles" in parse else frozenset(map(int, body.get("roles", []))),
            everyone="everyone" in parse,
            replied_user=bool(body.get("replied_user", False)),
        )


EVERYTHING = Allowed()


def _check(body: Json) -> None:
    form = Form()
    parse = body.get("parse", [])
    for index, kind in enumerate(parse):
        if kind not in _KINDS:
            form.wrong(
                f"allowed_mentions.parse.{index}", "BASE_TYPE_CHOICES", f"Value must be one of {_KINDS}."
            )
    for kind in ("users", "roles"):
        if kind in parse and body.get(kind):
            form.wrong(
                "allowed_mentions",
                "MESSAGE_ALLOWED_MENTIONS_PARSE_EXCLUSIVE",
                f"parse and {kind} exclude each other.",
            )
        form.at_most(f"allowed_mentions.{kind}", len(body.get(kind, [])), 100)
    form.check()


def mentions_in(
    text: str,
    *,
    channel: Channel,
    author: User,
    allowed: Allowed,
    people: dict[int, User],
    answered: User | None = None,
) -> Mentions:
    """Whom this text mentions; `answered` is the author of the message it replies to."""
    text = _CODE.sub(" ", text)
    users = {people[int(found)] for found in _USER.findall(text) if int(found) in people}
    if allowed.users is not None:
        users = {user for user in users if user.id in allowed.users}
    if answered is not None and allowed.replied_user:
        users.add(answered)
    return Mentions(
        frozenset(users), _roles(text, channel, author, allowed), _everyone(text, channel, author, allowed)
    )


def _may_mention_all(channel: Channel, author: User) -> bool:
    return Permission.MENTION_EVERYONE in permissions(channel, author)


def _roles(text: str, channel: Channel, author: User, allowed: Allowed) -> frozenset[Role]:
    known = channel.guild.roles if channel.guild else {}
    found = {known[int(role)] for role in _ROLE.findall(text) if int(role) in known}
    if allowed.roles is not None:
        found = {role for role in found if role.id in allowed.roles}
    may = _may_mention_all(channel, author)
    return frozenset(role for role in found if may or role.mentionable)


def _everyone(text: str, channel: Channel, author: User, allowed: Allowed) -> bool:
    said = channel.guild is not None and _EVERYONE.search(text) is not None
    return said and allowed.everyone and _may_mention_all(channel, author)


def notified(mentions: Mentions, channel: Channel, author: User) -> Mentions:
    """Those of the mentioned whom it really reaches: they see the channel and did not write it themselves."""
    reached = frozenset(user for user in mentions.users if user is not author and can_see(channel, user))
    return Mentions(reached, mentions.roles, mentions.everyone)
