"""The API's refusals: one exception, and the table of codes the emulator answers with.

ApiError
    a refusal by code          -- refusal(Code.UNKNOWN_CHANNEL)
    an invalid form (50035)    -- collected field by field in Form

Source of codes and status: Discord's documentation, page "Opcodes and status codes", and what libraries
report.
"""

from __future__ import annotations

from enum import IntEnum
from http import HTTPStatus
from typing import Any, NoReturn

Json = dict[str, Any]


class Code(IntEnum):
    """JSON error codes."""

    GENERAL = 0
    UNKNOWN_CHANNEL = 10003
    UNKNOWN_GUILD = 10004
    UNKNOWN_MEMBER = 10007
    UNKNOWN_MESSAGE = 10008
    UNKNOWN_USER = 10013
    UNKNOWN_EMOJI = 10014
    UNKNOWN_WEBHOOK = 10015
    UNKNOWN_INTERACTION = 10062
    UNKNOWN_COMMAND = 10063
    OLD_MESSAGE_EDITS = 30046
    TOO_LARGE = 40005
    ALREADY_ACKNOWLEDGED = 40060
    MISSING_ACCESS = 50001
    NOT_THE_AUTHOR = 50005
    EMPTY_MESSAGE = 50006
    CANNOT_MESSAGE_USER = 50007
    NOT_IN_THIS_CHANNEL = 50024
    MISSING_PERMISSIONS = 50013
    BULK_DELETE_COUNT = 50016
    SYSTEM_MESSAGE = 50021
    INVALID_WEBHOOK_TOKEN = 50027
    TOO_OLD_TO_BULK_DELETE = 50034
    INVALID_FORM = 50035
    THREAD_ARCHIVED = 50083
    INVALID_JSON = 50109
    NO_HISTORY_FOR_REPLY = 160002
    THREAD_EXISTS = 160004


_REFUSALS: dict[Code, tuple[int, str]] = {
    Code.UNKNOWN_CHANNEL: (404, "Unknown Channel"),
    Code.UNKNOWN_GUILD: (404, "Unknown Guild"),
    Code.UNKNOWN_MEMBER: (404, "Unknown Member"),
    Code.UNKNOWN_MESSAGE: (404, "Unknown Message"),
    Code.UNKNOWN_USER: (404, "Unknown User"),
    Code.UNKNOWN_EMOJI: (400, "Unknown Emoji"),
    Code.UNKNOWN_WEBHOOK: (404, "Unknown Webhook"),
    Code.UNKNOWN_INTERACTION: (404, "Unknown interaction"),
    Code.UNKNOWN_COMMAND: (404, "Unknown application command"),
    Code.OLD_MESSAGE_EDITS: (
        429,
        "Maximum number of edits to messages older than 1 hour reached. Try again later.",
    ),
    Code.TOO_LARGE: (413, "Request entity too large"),
    Code.ALREADY_ACKNOWLEDGED: (400, "Interaction has already been acknowledged."),
    Code.MISSING_ACCESS: (403, "Missing Access"),
    Code.NOT_THE_AUTHOR: (403, "Cannot edit a message authored by another user"),
    Code.EMPTY_MESSAGE: (400, "Cannot send an empty message"),
    Code.CANNOT_MESSAGE_USER: (403, "Cannot send messages to this user"),
    Code.NOT_IN_THIS_CHANNEL: (400, "Cannot execute action on this channel type"),
    Code.MISSING_PERMISSIONS: (403, "Missing Permissions"),
    Code.BULK_DELETE_COUNT: (
        400,
        "Provided too few or too many messages to delete. "
        "Must provide at least 2 and fewer than 100 messages to delete",
    ),
    Code.SYSTEM_MESSAGE: (403, "Cannot execute action on a system message"),
    Code.INVALID_WEBHOOK_TOKEN: (401, "Invalid Webhook Token"),
    Code.TOO_OLD_TO_BULK_DELETE: (400, "A message provided was too old to bulk delete"),
    Code.THREAD_ARCHIVED: (400, "Thread is archived"),
    Code.INVALID_JSON: (400, "The request body contains invalid JSON."),
    Code.NO_HISTORY_FOR_REPLY: (400, "Cannot reply without permission to read message history"),
    Code.THREAD_EXISTS: (400, "A thread has already been created for this message"),
}


class ApiError(Exception):
    """An answer that is not a success; `retry_after` (seconds) makes it a rate limit."""

    def __init__(
        self,
        status: int,
        code: int,
        message: str,
        *,
        errors: Json | None = None,
        retry_after: float | None = None,
    ) -> None:
        super().__init__(f"{status} {code} {message}")
        self.status = status
        self.retry_after = retry_after
        self.body: Json = {"message": message, "code": int(code)}
        if errors is not None:
            self.body["errors"] = errors
        if retry_after is not None:
            self.body |= {"retry_after": round(retry_after, 3), "global": False}


def refusal(code: Code, *, retry_after: float | None = None) -> ApiError:
    """The refusal with this code as the API words it."""
    status, message = _REFUSALS[code]
    return ApiError(status, code, message, retry_after=retry_after)


def plain(status: int) -> ApiError:
    """An answer that has only its HTTP status to say, such as 401 for a bad token."""
    return ApiError(status, Code.GENERAL, f"{status}: {HTTPStatus(status).phrase}")


class Form:
    """Collects what is wrong with a request body, addressed by field ("embeds.0.title")."""

    def __init__(self) -> None:
        self._errors: Json = {}

    def wrong(self, path: str, code: str, message: str) -> None:
        """Note one fault of one field."""
        spot = self._errors
        for step in path.split("."):
            spot = spot.setdefault(step, {})
        spot.setdefault("_errors", []).append({"code": code, "message": message})

    def at_most(self, path: str, size: int, limit: int) -> None:
        """Note a field that is longer than `limit`."""
        if size > limit:
            self.wrong(path, "BASE_TYPE_MAX_LENGTH", f"Must be {limit} or fewer in length.")

    def between(self, path: str, size: int, lowest: int, highest: int) -> None:
        """Note a field whose length is out of bounds."""
        if not lowest <= size <= highest:
            self.wrong(path, "BASE_TYPE_BAD_LENGTH", f"Must be between {lowest} and {highest} in length.")

    def check(self) -> None:
        """Refuse the request if anything was wrong."""
        if self._errors:
            raise ApiError(400, Code.INVALID_FORM, "Invalid Form Body", errors=self._errors)


def invalid(path: str, code: str, message: str) -> NoReturn:
    """Refuse a request because of one field."""
    form = Form()
    form.wrong(path, code, message)
    form.check()
    raise AssertionError("a form with a fault is always refused")
