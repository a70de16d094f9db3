"""What an answer becomes in calls to a platform, in words that can be read and compared.

The real adapter says it to the emulated platform: first its beginning, then, when that is shown, the whole. Of each call that shows
something it is told what is sent, except for what is another each time (ids, times, nonces).
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

from tests.delivery_rig import Notebook, Stage, stage

FOLDER: Final = Path(__file__).parent / "answers"
NAMES: Final = sorted(file.stem for file in FOLDER.glob("*.md"))
PLATFORMS: Final = ("slack", "discord")
BEGINNING: Final = 240
"""Characters that are shown first."""


def answer(name: str) -> str:
    return (FOLDER / f"{name}.md").read_text(encoding="utf-8").rstrip("\n")


def file_of(name: str, platform: str) -> Path:
    return FOLDER / f"{name}.{platform}.txt"


async def calls(name: str, platform: str) -> str:
    """Have it said, and tell the calls that it took: on Slack as a stream, in a thread, and by edits, in the channel."""
    text = answer(name)
    if platform == "slack":
        return (
            f"AS A STREAM\n\n{await said(text, 'slack')}\nBY EDITS\n\n{await said(text, 'slack', thread='')}"
        )
    return await said(text, platform)


async def said(text: str, platform: str, **address: str) -> str:
    async with stage(platform, faster=200) as at:
        turn = await at.turn()
        reply = at.reply(replace(turn, address={**turn.address, **address}), Notebook())
        reply.update(beginning(text))
        async with asyncio.timeout(20):
            while not list(shown(at)):  # noqa: ASYNC110 - the emulator's own state
                await asyncio.sleep(0.002)
        await reply.finish(text)
        return "\n".join(f"{call}\n" for call in shown(at))


def beginning(text: str) -> str:
    """Whole words."""
    cut = text[:BEGINNING]
    return cut if len(cut) == len(text) else cut.rpartition(" ")[0]


def shown(at: Stage) -> Iterator[str]:
    """The calls that show something, as text."""
    for method, status, sent in at.requests():
        told = told_of_slack(sent) if at.platform == "slack" else told_of_discord(sent)
        if status == 200 and told:
            yield f"{method}\n" + "\n".join(told)


def told_of_slack(sent: Mapping[str, Any]) -> list[str]:
    blocks = sent.get("blocks") or []
    blocks = json.loads(blocks) if isinstance(blocks, str) else blocks
    told = [*quoted("markdown_text", sent.get("markdown_text"))]
    for block in blocks:
        if block["type"] == "markdown":
            told += quoted("block markdown", block["text"])
        else:
            told.append(
                f"  block {block['type']}: " + ", ".join(one["text"]["text"] for one in block["elements"])
            )
    told += quoted("text, for notifications", sent.get("text"))
    return told


def told_of_discord(sent: Any) -> list[str]:
    if not isinstance(sent, dict) or "content" not in sent:
        return []
    told = quoted("content", sent["content"])
    told += [f"  file: {file['filename']}" for file in sent.get("attachments", ())]
    buttons = [button["label"] for row in sent["components"] for button in row["components"]]
    told += [f"  buttons: {', '.join(buttons)}"] if buttons else []
    return [*told, f"  flags: {sent['flags']}, allowed_mentions: {json.dumps(sent['allowed_mentions'])}"]


def quoted(name: str, text: str | None) -> list[str]:
    return [f"  {name}:", *(f"  | {line}".rstrip() for line in text.split("\n"))] if text else []
