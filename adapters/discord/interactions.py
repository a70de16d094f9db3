"""Interactions on Discord: slash commands and their completion, pressed buttons, menus and forms.

Each is answered within three seconds, with what it asked for or with a promise that it comes; what is said is seen by one person alone
unless it says otherwise.
"""

from __future__ import annotations

import asyncio
import io
from collections.abc import Callable, Sequence
from typing import Any, Final

import discord

from adapters.delivery.buttons import press_of
from adapters.discord import forms
from adapters.discord.calls import discord_errors
from adapters.discord.components import button_rows
from adapters.discord.files import without_files
from adapters.discord.incoming import invocation
from adapters.discord.rest import Rest, listed
from adapters.discord.surface import NO_PINGS, SUPPRESS_EMBEDS
from bot.chat import Invocation
from bot.errors import DeliveryError
from bot.notices import language_of
from bot.ports import Attached, Press, Reception, Said, Slash

SOON: Final = 2.0
"""Seconds until a command is deferred: Discord waits for three."""
LONGEST: Final = 2_000
EPHEMERAL: Final = 1 << 6
"""Message flag: for the eyes of one person."""


class Interactions:
    """`me` gives our own user id, known once we are connected."""

    def __init__(
        self,
        rest: Rest,
        reception: Reception,
        commands: Sequence[Slash],
        language: str,
        me: Callable[[], int],
    ) -> None:
        self._rest, self._reception, self._commands = rest, reception, commands
        self._language, self._me = language, me

    async def take(self, interaction: discord.Interaction[Any]) -> None:
        """Answer it. Failures are raised, for the log: Discord itself tells whoever waits."""
        data: Any = interaction.data or {}
        match interaction.type:
            case discord.InteractionType.application_command:
                await self._command(interaction, self._asked(interaction, data))
            case discord.InteractionType.autocomplete:
                await self._complete(interaction, data)
            case discord.InteractionType.component:
                await self._component(interaction, data)
            case discord.InteractionType.modal_submit:
                await self._submitted(interaction, data)

    def _asked(self, interaction: discord.Interaction[Any], data: Any) -> Invocation:
        verb = str(data.get("name"))
        slash = next((one for one in self._commands if one.verb == verb), Slash(verb, ""))
        words = forms.argument(slash, data.get("options") or ())
        return invocation(interaction, self._me(), verb, words)

    async def _complete(self, interaction: discord.Interaction[Any], data: Any) -> None:
        """Proposals for the option that is being filled in, which is the last of them."""
        asked = self._asked(interaction, data)
        typed = next(str(option["value"]) for option in data["options"] if option.get("focused"))
        before = asked.argument[: len(asked.argument) - len(typed)]
        proposals = await self._reception.complete(asked)
        await self._respond(interaction, 8, forms.choices(before, proposals))

    async def _component(self, interaction: discord.Interaction[Any], data: Any) -> None:
        action = str(data.get("custom_id"))
        if action.startswith(forms.OPENS) and data.get("values"):
            form = await self._reception.form(
                invocation(interaction, self._me(), action.removeprefix(forms.OPENS))
            )
            if isinstance(form, Said):
                await self._tell(interaction, form)
            else:
                await self._respond(interaction, 9, forms.dialogue(form, str(data["values"][0])))
        elif action.startswith(forms.GIVES):
            verb, _, words = action.removeprefix(forms.GIVES).partition(" ")
            await self._command(interaction, invocation(interaction, self._me(), verb, words))
        elif (press := press_of(action)) is not None:
            asked = invocation(interaction, self._me(), press.button.value)
            await self._pressed(interaction, asked, press)

    async def _submitted(self, interaction: discord.Interaction[Any], data: Any) -> None:
        name = str(data.get("custom_id")).removeprefix(forms.OPENS)
        sent = invocation(interaction, self._me(), name)
        answer = await self._reception.submitted(sent, forms.filled(data["components"]))
        await self._tell(
            interaction, answer if isinstance(answer, Said) else Said("\n".join(answer.values()))
        )

    async def _command(self, interaction: discord.Interaction[Any], asked: Invocation) -> None:
        """Answered within Discord's three seconds, or deferred and answered when it is ready."""
        running = asyncio.create_task(self._reception.invoked(asked))
        done, _ = await asyncio.wait({running}, timeout=SOON)
        with discord_errors():
            if not done:
                await interaction.response.defer(ephemeral=True)
                await self._follow_up(interaction, await running)
                return
        await self._tell(interaction, running.result())

    async def _follow_up(self, interaction: discord.Interaction[Any], said: Said) -> None:
        """The answer to a command that was deferred."""
        files = [discord.File(io.BytesIO(file.data), file.name) for file in said.files]
        try:
            with discord_errors():
                await interaction.followup.send(said.text[:LONGEST], ephemeral=True, files=files)
        except DeliveryError as error:
            if not said.files:
                raise
            await self._follow_up(interaction, without_files(said, error, self._of(interaction)))

    async def _tell(self, interaction: discord.Interaction[Any], said: Said) -> None:
        try:
            await self._respond(interaction, 4, self._message(said), said.files)
        except DeliveryError as error:
            if not said.files:
                raise
            instead = without_files(said, error, self._of(interaction))
            await self._respond(interaction, 4, self._message(instead))

    def _message(self, said: Said) -> dict[str, Any]:
        below: list[dict[str, Any]] = []
        if said.private:
            below += forms.menu(said.offer) if said.offer else []
            below += forms.button(said.shortcut) if said.shortcut else []
        message = {
            "content": said.text[:LONGEST],
            "flags": SUPPRESS_EMBEDS | (EPHEMERAL if said.private else 0),
            "allowed_mentions": NO_PINGS,
            "components": below,
        }
        return message | {"attachments": listed(said.files)} if said.files else message

    def _of(self, interaction: discord.Interaction[Any]) -> str:
        """The language of whoever is answered."""
        return language_of(str(interaction.locale), self._language)

    async def _respond(
        self,
        interaction: discord.Interaction[Any],
        kind: int,
        data: dict[str, Any],
        files: Sequence[Attached] = (),
    ) -> None:
        """Answer an interaction for the first time: with a message (4), with nothing yet (6), with the message changed that it came
        from (7), with completions (8) or a dialogue (9)."""
        path = f"/interactions/{interaction.id}/{interaction.token}/callback"
        await self._rest.call("POST", path, {"type": kind, "data": data}, files=files)

    async def _pressed(self, interaction: discord.Interaction[Any], asked: Invocation, press: Press) -> None:
        """Answered within Discord's three seconds, though what it does may take longer."""
        running = asyncio.create_task(self._reception.pressed(asked, press))
        done, _ = await asyncio.wait({running}, timeout=SOON)
        if not done:
            await self._respond(interaction, 6, {})
        pressed = await running
        if pressed.row is not None:
            buttons = {"components": button_rows(pressed.row, press.turn, pressed.language)}
            await self._change(interaction, buttons, late=not done)
        elif done and pressed.said is not None:
            await self._tell(interaction, pressed.said)
            return
        elif done:
            await self._respond(interaction, 6, {})
        if pressed.said is not None:
            await self._rest.call("POST", _webhook(interaction), self._message(pressed.said))

    async def _change(
        self, interaction: discord.Interaction[Any], changes: dict[str, Any], *, late: bool
    ) -> None:
        """Change the message that an interaction came from, as its answer or after it was deferred."""
        if late:
            await self._rest.call("PATCH", f"{_webhook(interaction)}/messages/@original", changes)
        else:
            await self._respond(interaction, 7, changes)


def _webhook(interaction: discord.Interaction[Any]) -> str:
    return f"/webhooks/{interaction.application_id}/{interaction.token}"
