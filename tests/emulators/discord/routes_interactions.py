"""Routes a bot answers interactions by: the callback, and the webhook of the interaction's token."""

from __future__ import annotations

from . import message_payloads
from .call import Answer, Call, Route, snowflake
from .errors import Code, Form, Json, invalid, refusal
from .intake import read_changes, read_draft
from .interactions import token_expired, too_late
from .message import Callback, Interaction, InteractionKind, Message, MessageFlag, MessageKind
from .posting import Draft, post, remove, revise

_UPDATES = (Callback.DEFERRED_UPDATE, Callback.UPDATE)


async def callback(call: Call) -> Answer:
    """The first answer. Too late, or a second one, is refused."""
    interaction = call.world.interactions.get(call.params["interaction_token"])
    if interaction is None or interaction.id != call.id("interaction_id"):
        raise refusal(Code.UNKNOWN_INTERACTION)
    if interaction.acknowledged:
        raise refusal(Code.ALREADY_ACKNOWLEDGED)
    if too_late(call.world, interaction):
        raise refusal(Code.UNKNOWN_INTERACTION)
    kind = _callback_kind(interaction, call.json.get("type"))
    _respond(call, interaction, kind, call.json.get("data") or {})
    interaction.callback = kind
    interaction.acknowledged_at = call.world.clock.time()
    call.world.changed()
    if call.query.get("with_response") not in ("1", "true"):
        return 204, None
    return 200, _callback_response(call, interaction, kind)


def _callback_kind(interaction: Interaction, asked: object) -> Callback:
    known = {kind.value: kind for kind in Callback}
    kind = known.get(asked) if isinstance(asked, int) else None
    updates_nothing = kind in _UPDATES and interaction.source is None
    second_modal = kind is Callback.MODAL and interaction.kind is InteractionKind.MODAL
    typing = interaction.kind is InteractionKind.AUTOCOMPLETE
    if kind is None or updates_nothing or second_modal or typing is not (kind is Callback.CHOICES):
        invalid("type", "BASE_TYPE_CHOICES", "This interaction cannot be answered so.")
    return kind


def _respond(call: Call, interaction: Interaction, kind: Callback, data: Json) -> None:
    if kind is Callback.MODAL:
        _check_modal(data)
        interaction.modal = data
    elif kind is Callback.CHOICES:
        interaction.choices = _choices(data)
    elif kind is Callback.MESSAGE:
        interaction.response = post(call.world, _draft(call, interaction, data, original=True))
    elif kind is Callback.DEFERRED_MESSAGE:
        flags = MessageFlag(int(data.get("flags") or 0)) & MessageFlag.EPHEMERAL | MessageFlag.LOADING
        draft = Draft(interaction.channel, call.bot, kind=_message_kind(interaction), flags=flags)
        draft.interaction = interaction
        interaction.response = post(call.world, draft)
    else:
        assert interaction.source is not None
        interaction.response = interaction.source
        if kind is Callback.UPDATE:
            revise(
                call.world, interaction.source, read_changes(call.world, interaction.source, data, call.files)
            )


def _check_modal(data: Json) -> None:
    if not 1 <= len(str(data.get("custom_id") or "")) <= 100:
        invalid("data.custom_id", "BASE_TYPE_BAD_LENGTH", "Must be between 1 and 100 in length.")
    if not 1 <= len(str(data.get("title") or "")) <= 45:
        invalid("data.title", "BASE_TYPE_BAD_LENGTH", "Must be between 1 and 45 in length.")
    if not 1 <= len(data.get("components") or []) <= 5:
        invalid("data.components", "BASE_TYPE_BAD_LENGTH", "Must be between 1 and 5 in length.")

    for number, row in enumerate(data["components"]):
        _check_labelled(f"data.components.{number}", row)


def _check_labelled(path: str, row: Json) -> None:
    """What stands in a form since labels exist: a text input or a menu under a label."""
    if row.get("type") != 18:
        return
    part = row.get("component") or {}
    form = Form()
    form.between(f"{path}.label", len(str(row.get("label") or "")), 1, 45)
    form.between(f"{path}.description", len(str(row.get("description") or "")), 0, 100)
    form.between(f"{path}.component.custom_id", len(str(part.get("custom_id") or "")), 1, 100)
    if part.get("type") == 3:
        form.between(f"{path}.component.options", len(part.get("options") or []), 1, 25)
        for option in part["options"]:
            form.between(f"{path}.component.options", len(option["label"]), 1, 100)
            form.between(f"{path}.component.options", len(option["value"]), 1, 100)
    elif part.get("type") == 4:
        most = part.get("max_length", 4000)
        form.between(f"{path}.component.max_length", most, 1, 4000)
        form.between(f"{path}.component.value", len(part.get("value") or ""), 0, most)
    else:
        form.wrong(f"{path}.component", "BASE_TYPE_CHOICES", "This does not stand in a form.")
    form.check()


def _choices(data: Json) -> list[str]:
    found: list[Json] = data.get("choices") or []
    form = Form()
    form.between("data.choices", len(found), 0, 25)
    for choice in found:
        form.between("data.choices", len(choice["name"]), 1, 100)
        form.between("data.choices", len(str(choice["value"])), 0, 100)
    form.check()
    return [choice["value"] for choice in found]


def _message_kind(interaction: Interaction) -> MessageKind:
    if interaction.kind is not InteractionKind.COMMAND:
        return MessageKind.DEFAULT
    typed = interaction.data.get("type", 1) == 1
    return MessageKind.CHAT_INPUT_COMMAND if typed else MessageKind.CONTEXT_MENU_COMMAND


def _draft(call: Call, interaction: Interaction, body: Json, *, original: bool) -> Draft:
    draft = read_draft(call.world, interaction.channel, call.bot, body, call.files, interaction=interaction)
    if original:
        draft.kind = _message_kind(interaction)
    return draft


def _callback_response(call: Call, interaction: Interaction, kind: Callback) -> Json:
    shown: Json = {"id": str(interaction.id), "type": int(interaction.kind)}
    resource: Json = {"type": int(kind)}
    if interaction.response is not None:
        shown |= {
            "response_message_id": str(interaction.response.id),
            "response_message_loading": interaction.response.thinking,
            "response_message_ephemeral": interaction.response.ephemeral,
        }
        resource["message"] = message_payloads.message(call.world, interaction.response)
    return {"interaction": shown, "resource": resource}


def _known(call: Call) -> Interaction:
    """The interaction of the token in the path.

    Before its first answer there is no webhook; after 15 minutes no token.
    """
    interaction = call.world.interactions.get(call.params["interaction_token"])
    if call.id("application_id") != call.world.application_id:
        raise refusal(Code.UNKNOWN_WEBHOOK)
    if interaction is None or token_expired(call.world, interaction):
        raise refusal(Code.INVALID_WEBHOOK_TOKEN)
    if not interaction.acknowledged:
        raise refusal(Code.UNKNOWN_WEBHOOK)
    return interaction


def _message(call: Call, interaction: Interaction) -> Message:
    """The message of the path: "@original", or a follow-up by id."""
    wanted = call.params["message_id"]
    if wanted == "@original":
        found = interaction.response
    else:
        number = snowflake("message_id", wanted)
        own = [*interaction.followups, *([interaction.response] if interaction.response else [])]
        found = next((message for message in own if message.id == number), None)
    if found is None or found.deleted:
        raise refusal(Code.UNKNOWN_MESSAGE)
    return found


async def follow_up(call: Call) -> Answer:
    """Say more. While the answer is still "thinking", this fills it instead of adding a message."""
    interaction = _known(call)
    if interaction.thinking and interaction.response is not None and not interaction.response.deleted:
        _edit(call, interaction.response)
        return 200, message_payloads.message(call.world, interaction.response)
    message = post(call.world, _draft(call, interaction, call.json, original=False))
    interaction.followups.append(message)
    call.world.changed()
    return 200, message_payloads.message(call.world, message)


def _edit(call: Call, message: Message) -> None:
    filling = message.thinking
    revise(call.world, message, read_changes(call.world, message, call.json, call.files), stamped=not filling)


async def fetch(call: Call) -> Answer:
    """One of the answers."""
    return 200, message_payloads.message(call.world, _message(call, _known(call)))


async def edit(call: Call) -> Answer:
    """Edit one of the answers."""
    message = _message(call, _known(call))
    _edit(call, message)
    return 200, message_payloads.message(call.world, message)


async def delete(call: Call) -> Answer:
    """Delete one of the answers."""
    remove(call.world, [_message(call, _known(call))])
    return 204, None


_WEBHOOK = "/webhooks/{application_id}/{interaction_token}"
ROUTES = [
    Route("POST", "/interactions/{interaction_id}/{interaction_token}/callback", callback, open=True),
    Route("POST", _WEBHOOK, follow_up, "webhook", open=True),
    Route("GET", _WEBHOOK + "/messages/{message_id}", fetch, "webhook", open=True),
    Route("PATCH", _WEBHOOK + "/messages/{message_id}", edit, "webhook", open=True),
    Route("DELETE", _WEBHOOK + "/messages/{message_id}", delete, "webhook", open=True),
]
