"""What the API checks of a message before it takes it: lengths, embeds, components, nonce.

Sources: Discord's documentation, pages "Message", "Component reference" and "Embed limits".
"""

from __future__ import annotations

from typing import Any

from .errors import Code, Form, Json, refusal
from .limits import Limits
from .message import MessageFlag, walk

SETTABLE = MessageFlag.SUPPRESS_EMBEDS | MessageFlag.SUPPRESS_NOTIFICATIONS | MessageFlag.COMPONENTS_V2
"""Flags a sender may set; interactions add EPHEMERAL."""

_EMBED_TEXTS = (("title", 256), ("description", 4096), ("footer.text", 2048), ("author.name", 256))
_INTERACTIVE = frozenset({2, 3, 5, 6, 7, 8})
_LINK_STYLES = frozenset({5, 6})
_V2_TYPES = frozenset({9, 10, 11, 12, 13, 14, 17})


def check_message(limits: Limits, body: Json, flags: MessageFlag) -> None:
    """Refuse a create or an edit whose fields break a rule (code 50035)."""
    form = Form()
    if MessageFlag.COMPONENTS_V2 in flags:
        for name in ("content", "embeds"):
            if body.get(name):
                message = "This field cannot be used when using MessageFlags.IS_COMPONENTS_V2."
                form.wrong(name, "MESSAGE_CANNOT_USE_LEGACY_FIELDS_WITH_COMPONENTS_V2", message)
    _check_content(form, limits, body)
    _check_nonce(form, limits, body.get("nonce"))
    _check_embeds(form, limits, body.get("embeds") or [])
    _check_components(form, limits, body.get("components") or [], flags)
    form.check()


def _check_content(form: Form, limits: Limits, body: Json) -> None:
    content = body.get("content")
    if content is None:
        return
    if not isinstance(content, str):
        form.wrong("content", "STRING_TYPE_CONVERT", "Could not interpret value as string.")
    else:
        form.at_most("content", limits.length(content), limits.content)


def _check_nonce(form: Form, limits: Limits, nonce: Any) -> None:
    if isinstance(nonce, str):
        form.at_most("nonce", len(nonce), limits.nonce)
    elif nonce is not None and not isinstance(nonce, int):
        form.wrong("nonce", "NONCE_TYPE_INVALID", "Nonce must be a string or an integer.")


def _check_embeds(form: Form, limits: Limits, embeds: list[Json]) -> None:
    if len(embeds) > limits.embeds:
        form.wrong("embeds", "BASE_TYPE_MAX_LENGTH", f"Must be {limits.embeds} or fewer in length.")
    total = 0
    for index, embed in enumerate(embeds):
        texts = [(path, _at(embed, path), most) for path, most in _EMBED_TEXTS]
        fields = embed.get("fields") or []
        if len(fields) > 25:
            form.wrong(f"embeds.{index}.fields", "BASE_TYPE_MAX_LENGTH", "Must be 25 or fewer in length.")
        for number, entry in enumerate(fields):
            texts += [(f"fields.{number}.name", entry.get("name", ""), 256)]
            texts += [(f"fields.{number}.value", entry.get("value", ""), 1024)]
        for path, text, most in texts:
            form.at_most(f"embeds.{index}.{path}", limits.length(text), most)
            total += limits.length(text)
    if total > limits.embeds_text:
        form.wrong(
            "embeds", "MAX_EMBED_SIZE_EXCEEDED", f"Embed size exceeds maximum size of {limits.embeds_text}"
        )


def _at(embed: Json, path: str) -> str:
    value: Any = embed
    for step in path.split("."):
        value = (value or {}).get(step)
    return value or ""


def _check_components(form: Form, limits: Limits, components: list[Json], flags: MessageFlag) -> None:
    modern = MessageFlag.COMPONENTS_V2 in flags
    if not modern and len(components) > 5:
        form.wrong("components", "BASE_TYPE_BAD_LENGTH", "Must be between 1 and 5 in length.")
    parts = list(walk(components))
    if len(parts) > limits.components:
        form.wrong(
            "components",
            "COMPONENT_MAX_TOTAL_COMPONENTS_EXCEEDED",
            f"At most {limits.components} components.",
        )
    seen: set[str] = set()
    for index, part in enumerate(parts):
        path = f"components.{index}"
        if not modern and part.get("type") in _V2_TYPES:
            form.wrong(path, "UNION_TYPE_CHOICES", "This type needs MessageFlags.IS_COMPONENTS_V2.")
        _check_part(form, limits, path, part, seen)
    shown = sum(limits.length(str(part.get("content", ""))) for part in parts if part.get("type") == 10)
    if shown > limits.components_text:
        message = f"The total displayable text must be {limits.components_text} or fewer in length."
        form.wrong("components", "COMPONENT_DISPLAYABLE_TEXT_SIZE_EXCEEDED", message)


def _check_part(form: Form, limits: Limits, path: str, part: Json, seen: set[str]) -> None:
    if part.get("type") == 1:
        form.between(f"{path}.components", len(part.get("components", [])), 1, 5)
    if part.get("type") not in _INTERACTIVE:
        return
    form.at_most(f"{path}.label", len(part.get("label") or ""), 80)
    if part.get("style") in _LINK_STYLES:
        return
    custom_id = str(part.get("custom_id") or "")
    form.between(f"{path}.custom_id", len(custom_id), 1, limits.custom_id)
    if custom_id in seen:
        form.wrong(
            f"{path}.custom_id", "COMPONENT_CUSTOM_ID_DUPLICATED", "Component custom id cannot be duplicated"
        )
    seen.add(custom_id)


def check_not_empty(content: str, *others: object) -> None:
    """Refuse a message that shows nothing (code 50006)."""
    if not content.strip() and not any(others):
        raise refusal(Code.EMPTY_MESSAGE)
