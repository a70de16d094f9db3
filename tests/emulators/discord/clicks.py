"""Slash commands, buttons, menus and forms, as a person uses them.

The client only offers what exists: a command that was not synced, a button that is not there or is disabled,
an option that is missing or out of range raise here instead of reaching the bot.
"""

from __future__ import annotations

from typing import Any

from . import message_payloads, payloads
from .errors import Json
from .interactions import begin
from .message import Interaction, InteractionKind, Message, Upload, walk
from .model import Channel, Permission, Role, User, permissions
from .world import World

_SUBCOMMANDS = (1, 2)
_VALUES: dict[int, type | tuple[type, ...]] = {3: str, 4: int, 5: bool, 10: (int, float)}
_RESOLVED = {6: "users", 7: "channels", 8: "roles", 9: "users", 11: "attachments"}


class Clicks:
    """The person's side of interactions."""

    world: World

    def slash(
        self, user: User, channel: Channel, name: str, options: dict[str, Any] | None = None
    ) -> Interaction:
        """Use a slash command; `name` may go on with its subcommand ("memory forget")."""
        first, *path = name.split()
        command = self._command(user, channel, first, 1)
        data: Json = {"id": command["id"], "name": first, "type": 1}
        if "guild_id" in command:
            data["guild_id"] = command["guild_id"]
        resolved: Json = {}
        data["options"] = self._options(channel, command["options"], path, dict(options or {}), resolved)
        if resolved:
            data["resolved"] = resolved
        return begin(self.world, InteractionKind.COMMAND, user, channel, data)

    def type_option(
        self, user: User, channel: Channel, name: str, options: dict[str, Any], focused: str
    ) -> Interaction:
        """Be about to use a slash command, and type in one of its options; the bot's proposals are in `choices`."""
        command = self._command(user, channel, name, 1)
        option = next((one for one in command["options"] if one["name"] == focused), None)
        if option is None or not option.get("autocomplete"):
            raise LookupError(f"/{name} completes no {focused}")
        given = self._options(channel, command["options"], [], dict(options), {})
        for one in given:
            if one["name"] == focused:
                one["focused"] = True
        data: Json = {"id": command["id"], "name": name, "type": 1, "options": given}
        return begin(self.world, InteractionKind.AUTOCOMPLETE, user, channel, data)

    def message_command(self, user: User, message: Message, name: str) -> Interaction:
        """Use a command from a message's menu; the bot gets the message whatever its intents."""
        command = self._command(user, message.channel, name, 3)
        target = str(message.id)
        resolved = {"messages": {target: message_payloads.message(self.world, message)}}
        data: Json = {"id": command["id"], "name": name, "type": 3, "target_id": target, "resolved": resolved}
        return begin(self.world, InteractionKind.COMMAND, user, message.channel, data)

    def commands(self, user: User, channel: Channel) -> list[str]:
        """The slash commands the client offers this person here."""
        offered = [command for command in self._registered(channel) if _offered(command, user, channel)]
        return sorted(command["name"] for command in offered if command["type"] == 1)

    def press(self, user: User, message: Message, custom_id: str) -> Interaction:
        """Press a button."""
        return self._use(user, message, custom_id, (2,), {})

    def select(self, user: User, message: Message, custom_id: str, values: list[str]) -> Interaction:
        """Choose from a menu."""
        return self._use(user, message, custom_id, (3, 5, 6, 7, 8), {"values": values})

    def submit(self, interaction: Interaction, values: dict[str, str]) -> Interaction:
        """Fill in and send the form the bot opened; values by the custom_id of each input."""
        modal = interaction.modal
        if modal is None:
            raise ValueError("the bot opened no form")
        left = dict(values)
        data: Json = {"custom_id": modal["custom_id"], "components": _filled(modal["components"], left)}
        if left:
            raise ValueError(f"the form has no input {sorted(left)}")
        user, channel = interaction.user, interaction.channel
        return begin(self.world, InteractionKind.MODAL, user, channel, data, source=interaction.source)

    def _registered(self, channel: Channel) -> list[Json]:
        guild = channel.guild
        scopes = [self.world.commands.get(guild.id, {}) if guild else {}, self.world.commands[None]]
        if guild is not None and self.world.bot.id not in guild.members:
            return []
        return [command for scope in scopes for command in scope.values()]

    def _command(self, user: User, channel: Channel, name: str, kind: int) -> Json:
        for command in self._registered(channel):
            if (command["name"], command["type"]) == (name, kind):
                if not _offered(command, user, channel):
                    raise PermissionError(f"/{name} is not offered to {user.name} here")
                return command
        raise LookupError(f"/{name} is not registered; did the bot sync its commands?")

    def _options(
        self, channel: Channel, known: list[Json], path: list[str], given: dict[str, Any], resolved: Json
    ) -> list[Json]:
        if path:
            chosen = next(
                (option for option in known if option["name"] == path[0] and option["type"] in _SUBCOMMANDS),
                None,
            )
            if chosen is None:
                raise LookupError(f"there is no subcommand {path[0]}")
            inner = self._options(channel, chosen.get("options") or [], path[1:], given, resolved)
            return [{"name": chosen["name"], "type": chosen["type"], "options": inner}]
        if any(option["type"] in _SUBCOMMANDS for option in known):
            raise LookupError("a subcommand has to be chosen")
        filled = [
            self._option(channel, option, given, resolved) for option in known if option["name"] in given
        ]
        missing = [
            option["name"] for option in known if option.get("required") and option["name"] not in given
        ]
        unknown = set(given) - {option["name"] for option in known}
        if missing or unknown:
            raise ValueError(f"options missing: {missing}, unknown: {sorted(unknown)}")
        return filled

    def _option(self, channel: Channel, option: Json, given: dict[str, Any], resolved: Json) -> Json:
        value = given[option["name"]]
        if option["type"] in _RESOLVED:
            value = self._resolve(channel, option["type"], value, resolved)
        else:
            _check_value(option, value)
        return {"name": option["name"], "type": option["type"], "value": value}

    def _resolve(self, channel: Channel, kind: int, value: Any, resolved: Json) -> str:
        entry: Json
        if isinstance(value, Upload):
            value = self.world.attach(channel, value.filename, value.data, value.content_type)
            entry = message_payloads.attachment(self.world, channel, value)
        elif isinstance(value, User):
            entry = payloads.user(value)
            if channel.guild is not None:
                member = payloads.member(channel.guild.members[value.id], with_user=False)
                member["permissions"] = payloads.permitted(channel, value)
                resolved.setdefault("members", {})[str(value.id)] = member
        elif isinstance(value, Role):
            entry = payloads.role(value, 1)
        elif isinstance(value, Channel):
            entry = payloads.channel(self.world, value) | {
                "permissions": payloads.permitted(value, self.world.bot)
            }
        else:
            raise TypeError(f"an option of type {kind} does not take {value!r}")
        name = "roles" if isinstance(value, Role) else _RESOLVED[kind]
        resolved.setdefault(name, {})[str(value.id)] = entry
        return str(value.id)

    def _use(
        self, user: User, message: Message, custom_id: str, kinds: tuple[int, ...], extra: Json
    ) -> Interaction:
        if message.deleted:
            raise ValueError("the message was deleted")
        if message.ephemeral and message.interaction is not None and message.interaction.user is not user:
            raise PermissionError(f"{user.name} does not see this message")
        for part in walk(message.components):
            if part.get("custom_id") == custom_id and part["type"] in kinds:
                if part.get("disabled"):
                    raise ValueError(f"{custom_id} is disabled")
                data = {"custom_id": custom_id, "component_type": part["type"], "id": part["id"]} | extra
                return begin(
                    self.world, InteractionKind.COMPONENT, user, message.channel, data, source=message
                )
        raise LookupError(f"the message has no {custom_id}")


def _offered(command: Json, user: User, channel: Channel) -> bool:
    contexts = command.get("contexts")
    here = 0 if channel.guild else 1
    if contexts is not None and here not in contexts:
        return False
    if channel.guild is None:
        return "guild_id" not in command and command.get("dm_permission") is not False
    held = permissions(channel, user)
    needed = int(command.get("default_member_permissions") or 0)
    if command.get("default_member_permissions") == "0":
        return Permission.ADMINISTRATOR in held
    return Permission.USE_APPLICATION_COMMANDS in held and held & needed == needed


def _check_value(option: Json, value: Any) -> None:
    expected = _VALUES[option["type"]]
    if not isinstance(value, expected) or (isinstance(value, bool) and option["type"] != 5):
        raise TypeError(f"{option['name']} does not take {value!r}")
    choices = [choice["value"] for choice in option.get("choices") or []]
    if choices and value not in choices:
        raise ValueError(f"{option['name']} is one of {choices}")
    size = len(value) if isinstance(value, str) else value
    names = ("min_length", "max_length") if isinstance(value, str) else ("min_value", "max_value")
    lowest, highest = (option.get(name) for name in names)
    if (lowest is not None and size < lowest) or (highest is not None and size > highest):
        raise ValueError(f"{option['name']} must be between {lowest} and {highest}")


def _chosen(part: Json, values: dict[str, str]) -> list[str]:
    """What is chosen from a menu in a form: something new, or what stood there."""
    offered = [option["value"] for option in part["options"]]
    preset = [option["value"] for option in part["options"] if option.get("default")]
    chosen = [values.pop(part["custom_id"])] if part["custom_id"] in values else preset
    if not set(chosen) <= set(offered) or (part.get("required", True) and not chosen):
        raise ValueError(f"{part['custom_id']} is one of {offered}")
    return chosen


def _filled(components: list[Json], values: dict[str, str]) -> list[Json]:
    """The form's rows and labels with what was typed into their inputs."""
    rows = []
    for row in components:
        inner = row.get("components") or ([row["component"]] if "component" in row else [])
        inputs = []
        for part in inner:
            if part["type"] == 3:
                inputs.append({"type": 3, "custom_id": part["custom_id"], "values": _chosen(part, values)})
            elif part["type"] == 4:
                typed = values.pop(part["custom_id"], part.get("value") or "")
                if part.get("required", True) and not typed:
                    raise ValueError(f"{part['custom_id']} is required")
                inputs.append({"type": 4, "custom_id": part["custom_id"], "value": typed})
        named = {"component": inputs[0]} if "component" in row and inputs else {"components": inputs}
        rows.append({"type": row["type"]} | named)
    return rows
