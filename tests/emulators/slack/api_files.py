"""files.*: upload in three steps, information, and the private downloads.

Rules: docs.slack.dev "Working with files"; a download without the bot's token answers the login page, status
200.
"""

from __future__ import annotations

import mimetypes
from typing import Any

from aiohttp import web

from tests.emulators.files import served
from tests.emulators.slack.api_chat import thread_of
from tests.emulators.slack.blocks import check_blocks, parse_blocks
from tests.emulators.slack.calls import Call, Method
from tests.emulators.slack.core import Core
from tests.emulators.slack.errors import ApiError
from tests.emulators.slack.payloads import file_json
from tests.emulators.slack.world import SlackFile

Json = dict[str, Any]


def file_info(call: Call) -> Json:
    file = call.core.world.files.get(call.need("file", "file_not_found"))
    if file is None or not file.complete:
        raise ApiError("file_not_found")
    return {"file": file_json(call.core.world, file), "comments": []}


def upload_url(call: Call) -> Json:
    name = call.need("filename")
    if call.number("length", 0) <= 0:
        raise ApiError("invalid_arguments")
    world = call.core.world
    mimetype = mimetypes.guess_type(name)[0] or "application/octet-stream"
    file = SlackFile(world.new_id("F"), name, b"", mimetype, call.team.id, call.team.bot.id, complete=False)
    world.files[file.id] = file
    return {"file_id": file.id, "upload_url": f"{call.core.base_url}/upload/v1/{file.id}"}


def complete_upload(call: Call) -> Json:
    """Make uploaded files real, and with a channel share them there in one message. Its blocks count only without a comment, and
    must not be Markdown blocks (an `internal_error`, as of September 2026: python-slack-sdk issue 1756)."""
    world = call.core.world
    entries = call.parsed("files")
    files = [world.files.get(entry.get("id", "")) for entry in entries or []]
    found = [file for file in files if file is not None and file.content]
    if not entries or len(found) != len(files):
        raise ApiError("file_not_found")
    channel = call.channel("channel_id", write=True) if call.text("channel_id") else None
    comment = call.text("initial_comment")
    blocks = [] if comment else parse_blocks(call.params.get("blocks"))
    if any(block.get("type") == "markdown" for block in blocks):
        raise ApiError("internal_error")
    check_blocks(blocks, call.core.limits)
    for file, entry in zip(found, entries, strict=True):
        file.complete, file.title = True, entry.get("title", file.name)
    if channel is not None:
        call.core.post_as_bot(
            call.team,
            channel=channel,
            text=comment,
            blocks=blocks,
            files=found,
            subtype="file_share",
            thread_ts=thread_of(call, channel),
        )
    return {"files": [file_json(world, file) for file in found]}


class FileServer:
    """The plain HTTP side of files: `/upload/v1/{id}` and `/files-pri/{team}-{id}/...`."""

    def __init__(self, core: Core) -> None:
        self.downloads: list[tuple[str, bool]] = []  # file id, and whether a right token came along
        self._core = core

    async def upload(self, request: web.Request) -> web.Response:
        file = self._core.world.files.get(request.match_info["file"])
        if file is None or file.complete:
            return web.Response(status=404, text="no such upload")
        if request.content_type == "multipart/form-data":
            form = await request.post()
            field = next(iter(form.values()), b"")
            file.content = (
                field.file.read() if isinstance(field, web.FileField) else bytes(str(field), "utf-8")
            )
        else:
            file.content = await request.read()
        return web.Response(text=f"OK - {len(file.content)}")

    async def download(self, request: web.Request) -> web.StreamResponse:
        team_id, _, file_id = request.match_info["file"].partition("-")
        file, team = self._core.world.files.get(file_id), self._core.world.teams.get(team_id)
        if file is None or team is None:
            return web.Response(status=404)
        bearer = request.headers.get("Authorization", "").removeprefix("Bearer ")
        allowed = bearer == team.bot_token and team.state == "installed" and "files:read" in team.scopes
        self.downloads.append((file.id, allowed))
        self._core.changes.notify()
        if not allowed or file.trap == "page":
            return web.Response(
                text="<!DOCTYPE html><title>Sign in to Slack</title>", content_type="text/html"
            )
        if file.redirect:
            return web.Response(status=302, headers={"Location": file.redirect})
        return await served(request, file.content, file.mimetype, file.trap)


METHODS = {
    "files.info": Method(file_info, ("files:read",)),
    "files.getUploadURLExternal": Method(upload_url, ("files:write",)),
    "files.completeUploadExternal": Method(complete_upload, ("files:write",)),
}
