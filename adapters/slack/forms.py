"""The bot's forms as Slack shows them: a button under the bot's words, and a dialogue that it opens (pure).

Limits of a view: title and buttons 24 characters, an option's text 75, its value 150, a text input 3,000 ("Views", "Block elements").
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final

from adapters.slack.incoming import PLATFORM, Event
from bot.chat import Place
from bot.ports import Field, Form, Offer, Shortcut

OPENS: Final = "rejoinder:form:"
"""Before a form's name: the action that opens it, and the callback of what was filled in."""
GIVES: Final = "rejoinder:do"
"""The action of a button whose value is a command."""


def button(offer: Offer) -> dict[str, Any]:
    """The block with the button that opens a form."""
    element = {"type": "button", "text": _plain(offer.label, 75), "action_id": OPENS + offer.form}
    return {"type": "actions", "elements": [element]}


def giving(shortcut: Shortcut) -> dict[str, Any]:
    """The block with the button that gives a command."""
    element = {"type": "button", "style": "danger", "text": _plain(shortcut.label, 75), "action_id": GIVES}
    return {"type": "actions", "elements": [element | {"value": f"{shortcut.verb} {shortcut.argument}"}]}


def modal(form: Form, place: Place) -> dict[str, Any]:
    """The dialogue. It remembers the place it was opened at."""
    where = {"installation": place.installation, "channel": place.channel, "thread": place.thread}
    return {
        "type": "modal",
        "callback_id": OPENS + form.name,
        "private_metadata": json.dumps(where),
        "title": _plain(form.title, 24),
        "submit": _plain(form.submit, 24),
        "blocks": [_input(field) for field in (*form.fields, *form.manner)],
    }


def filled(view: Event) -> tuple[str, Place, dict[str, str]]:
    """The form's name, its place, and what was changed in it: the rest may be older than what holds by now."""
    where = json.loads(view["private_metadata"])
    place = Place(PLATFORM, where["installation"], where["channel"], where["thread"])
    changed = {}
    for block in view["blocks"]:
        name = block["block_id"]
        state = view["state"]["values"].get(name, {}).get(name)
        before = _value(block["element"], "initial_value", "initial_option")
        if state is not None and (value := _value(state, "value", "selected_option")) != before:
            changed[name] = value
    return str(view["callback_id"]).removeprefix(OPENS), place, changed


def _value(state: Mapping[str, Any], text: str, option: str) -> str:
    chosen = state.get(option)
    return str(chosen["value"] if chosen else state.get(text) or "")


def _input(field: Field) -> dict[str, Any]:
    element: dict[str, Any]
    if field.choices:
        options = {choice: _option(choice) for choice in field.choices[:100]}
        element = {"type": "static_select", "options": list(options.values())}
        element["initial_option"] = options[field.value]
    else:
        element = {"type": "plain_text_input", "multiline": True, "max_length": field.most}
        element["initial_value"] = field.value[: field.most]
    return {
        "type": "input",
        "block_id": field.name,
        "optional": not field.choices,
        "label": _plain(field.label, 2_000),
        "hint": _plain(field.hint, 2_000),
        "element": element | {"action_id": field.name},
    }


def _option(choice: str) -> dict[str, Any]:
    return {"text": _plain(choice, 75), "value": choice[:150]}


def _plain(text: str, most: int) -> dict[str, Any]:
    return {"type": "plain_text", "text": text if len(text) <= most else text[: most - 1] + "…"}
