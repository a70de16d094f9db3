"""Commands and forms as Discord takes them: options with completion, a menu of what can be filled in, a dialogue for each (pure).

Limits: 25 options or choices, labels of a dialogue 45 characters, descriptions 100, values of a choice 100 ("Application commands",
"Component reference").
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from bot.ports import Field, Form, Offer, Shortcut, Slash, Word

STRING, BOOLEAN = 3, 5
ROW, BUTTON, SELECT, TEXT, LABEL = 1, 2, 3, 4, 18
OPENS: Final = "rejoinder:form:"
GIVES: Final = "rejoinder:do:"
"""Before a command that a button gives: its verb and its argument."""
MOST: Final = 25


def command(slash: Slash) -> dict[str, Any]:
    """A command as it is registered."""
    options = [_option(word) for word in slash.words]
    return {"name": slash.verb, "description": slash.summary[:100], "type": 1, "options": options}


def signature(command: Mapping[str, Any]) -> tuple[Any, ...]:
    """What has to be the same for a registered command to be left as it is."""
    options = [
        (
            option["name"],
            option["description"],
            option["type"],
            bool(option.get("autocomplete")),
            tuple(choice["value"] for choice in option.get("choices") or ()),
        )
        for option in command.get("options") or ()
    ]
    return str(command["name"]), str(command["description"]), *options


def argument(slash: Slash, options: Iterable[Mapping[str, Any]]) -> str:
    """What was filled in, as it would be said: flags first, then the words in their order."""
    given = {str(option["name"]): option["value"] for option in options}
    flags = [f"--{word.name}" for word in slash.words if word.flag and given.get(word.name)]
    plain = [word for word in slash.words if not word.flag and word.name in given]
    said = [f"--{word.name} {given[word.name]}" for word in plain if word.named]
    said += [str(given[word.name]) for word in plain if not word.named]
    return " ".join([*flags, *said])


def choices(typed_before: str, proposals: Sequence[str]) -> dict[str, Any]:
    """Completions of the last word, out of completions of the whole argument."""
    ends = [one.removeprefix(typed_before) for one in proposals if one.startswith(typed_before)]
    fitting = [end for end in ends if 0 < len(end) <= 100][:MOST]
    return {"choices": [{"name": end, "value": end} for end in fitting]}


def menu(offer: Offer) -> list[dict[str, Any]]:
    """The menu under the bot's words, out of which a dialogue opens."""
    options = [
        {"label": name, "value": name, "description": meaning[:100]} for name, meaning in offer.fields[:MOST]
    ]
    select = {"type": SELECT, "custom_id": OPENS + offer.form, "placeholder": offer.label, "options": options}
    return [{"type": ROW, "components": [select]}]


def button(shortcut: Shortcut) -> list[dict[str, Any]]:
    """The button under the bot's words that gives a command."""
    given = {"type": BUTTON, "style": 4, "label": shortcut.label[:80]}
    given["custom_id"] = f"{GIVES}{shortcut.verb} {shortcut.argument}"
    return [{"type": ROW, "components": [given]}]


def dialogue(form: Form, chosen: str) -> dict[str, Any]:
    """The dialogue for one field, and for how it is meant."""
    fields = [field for field in (*form.fields, *form.manner) if field.name == chosen or field in form.manner]
    title = f"{form.title}: {chosen}"[:45]
    return {"custom_id": OPENS + form.name, "title": title, "components": [_labelled(one) for one in fields]}


def filled(components: Iterable[Mapping[str, Any]]) -> dict[str, str]:
    """What was filled in, by field."""
    parts = [row["component"] for row in components if "component" in row]
    return {
        str(part["custom_id"]): str(part["values"][0] if part.get("values") else part.get("value") or "")
        for part in parts
    }


def _option(word: Word) -> dict[str, Any]:
    option: dict[str, Any] = {"name": word.name, "description": word.summary[:100]}
    if word.flag:
        return option | {"type": BOOLEAN}
    if word.choices:
        return option | {
            "type": STRING,
            "choices": [{"name": choice, "value": choice} for choice in word.choices[:MOST]],
        }
    return option | {"type": STRING, "autocomplete": word.proposed}


def _labelled(field: Field) -> dict[str, Any]:
    component: dict[str, Any] = {"custom_id": field.name}
    if field.choices:
        fitting = [choice for choice in field.choices if len(choice) <= 100][:MOST]
        component |= {"type": SELECT, "options": [_choice(one, one == field.value) for one in fitting]}
    else:
        component |= {
            "type": TEXT,
            "style": 2,
            "required": False,
            "max_length": field.most,
            "value": field.value,
        }
    return {"type": LABEL, "label": field.label[:45], "description": field.hint[:100], "component": component}


def _choice(text: str, default: bool) -> dict[str, Any]:
    return {"label": text, "value": text, "default": default}
