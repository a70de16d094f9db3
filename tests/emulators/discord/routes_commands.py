"""Routes for application commands, global and of one guild.

Source of the rules: Discord's documentation, page "Application commands".
"""

from __future__ import annotations

import re

from .call import Answer, Call, Route
from .errors import Code, Form, Json, refusal

_NAME = re.compile(r"[-_'\w]{1,32}")
_CHAT_INPUT = 1
_MOST = {_CHAT_INPUT: 100, 2: 15, 3: 15}
_MOST_OPTIONS = 25
_DEFAULTS: Json = {
    "name_localizations": None,
    "description_localizations": None,
    "default_member_permissions": None,
    "nsfw": False,
    "dm_permission": True,
    "contexts": None,
    "integration_types": [0],
}


def _scope(call: Call) -> tuple[int | None, dict[int, Json]]:
    if call.id("application_id") != call.world.application_id:
        raise refusal(Code.MISSING_ACCESS)
    guild_id = call.guild().id if "guild_id" in call.params else None
    return guild_id, call.world.commands.setdefault(guild_id, {})


async def listing(call: Call) -> Answer:
    """All commands."""
    return 200, list(_scope(call)[1].values())


async def overwrite(call: Call) -> Answer:
    """Replace all commands; one that keeps its type and name keeps its id."""
    guild_id, held = _scope(call)
    wanted: list[Json] = call.body if isinstance(call.body, list) else []
    _check(wanted)
    before = {_key(command): number for number, command in held.items()}
    made = [_made(call, guild_id, command, before.get(_key(command))) for command in wanted]
    call.world.commands[guild_id] = {int(command["id"]): command for command in made}
    call.world.changed()
    return 200, made


async def create(call: Call) -> Answer:
    """Add a command, or replace the one of that name."""
    guild_id, held = _scope(call)
    _check([call.json])
    before = {_key(command): number for number, command in held.items()}
    known = before.get(_key(call.json))
    made = _made(call, guild_id, call.json, known)
    held[int(made["id"])] = made
    call.world.changed()
    return (200 if known else 201), made


async def fetch(call: Call) -> Answer:
    """One command."""
    return 200, _one(call)


async def change(call: Call) -> Answer:
    """Change fields of a command."""
    guild_id, held = _scope(call)
    merged = _one(call) | call.json
    _check([merged])
    made = held[int(merged["id"])] = _made(call, guild_id, merged, int(merged["id"]))
    call.world.changed()
    return 200, made


async def delete(call: Call) -> Answer:
    """Delete a command."""
    held = _scope(call)[1]
    del held[int(_one(call)["id"])]
    call.world.changed()
    return 204, None


def _one(call: Call) -> Json:
    found = _scope(call)[1].get(call.id("command_id"))
    if found is None:
        raise refusal(Code.UNKNOWN_COMMAND)
    return found


def _key(command: Json) -> tuple[int, str]:
    return command.get("type", _CHAT_INPUT), command["name"]


def _made(call: Call, guild_id: int | None, body: Json, known: int | None) -> Json:
    number = known or call.world.ids.next()
    fixed: Json = {
        "id": str(number),
        "application_id": str(call.world.application_id),
        "version": str(call.world.ids.next()),
        "type": body.get("type", _CHAT_INPUT),
        "description": body.get("description", ""),
        "options": body.get("options") or [],
    }
    return _DEFAULTS | body | fixed | ({"guild_id": str(guild_id)} if guild_id else {})


def _check(commands: list[Json]) -> None:
    form = Form()
    seen: set[tuple[int, str]] = set()
    for index, command in enumerate(commands):
        _check_command(form, str(index), command)
        if "name" in command and _key(command) in seen:
            form.wrong(
                str(index), "APPLICATION_COMMANDS_DUPLICATE_NAME", "Application command names must be unique"
            )
        seen.add((command.get("type", _CHAT_INPUT), command.get("name", "")))
    for kind, most in _MOST.items():
        if sum(1 for command in commands if command.get("type", _CHAT_INPUT) == kind) > most:
            form.wrong("_commands", "APPLICATION_COMMAND_MAX", f"At most {most} commands of type {kind}.")
    form.check()


def _check_command(form: Form, path: str, command: Json) -> None:
    name = str(command.get("name") or "")
    if command.get("type", _CHAT_INPUT) != _CHAT_INPUT:
        form.between(f"{path}.name", len(name), 1, 32)
        return
    _check_named(form, path, command)
    _check_options(form, path, command.get("options") or [])


def _check_options(form: Form, path: str, options: list[Json]) -> None:
    form.between(f"{path}.options", len(options), 0, _MOST_OPTIONS)
    for index, option in enumerate(options):
        spot = f"{path}.options.{index}"
        _check_named(form, spot, option)
        form.between(f"{spot}.choices", len(option.get("choices") or []), 0, 25)
        _check_options(form, spot, option.get("options") or [])


def _check_named(form: Form, path: str, entry: Json) -> None:
    name = str(entry.get("name") or "")
    if not _NAME.fullmatch(name) or name != name.lower():
        message = "Command name is invalid"
        form.wrong(f"{path}.name", "APPLICATION_COMMAND_INVALID_NAME", message)
    form.between(f"{path}.description", len(str(entry.get("description") or "")), 1, 100)


_GLOBAL = "/applications/{application_id}/commands"
_GUILD = "/applications/{application_id}/guilds/{guild_id}/commands"
ROUTES = [
    Route(method, template, handler)
    for base in (_GLOBAL, _GUILD)
    for method, template, handler in (
        ("GET", base, listing),
        ("PUT", base, overwrite),
        ("POST", base, create),
        ("GET", base + "/{command_id}", fetch),
        ("PATCH", base + "/{command_id}", change),
        ("DELETE", base + "/{command_id}", delete),
    )
]
