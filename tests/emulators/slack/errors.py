"""How a method of the Web API refuses."""

from __future__ import annotations

from typing import Any


class ApiError(Exception):
    """Answered with status 200 as `{"ok": false, "error": ...}`, with `extra` beside it."""

    def __init__(self, error: str, **extra: Any) -> None:
        super().__init__(error)
        self.error = error
        self.extra = extra


class RateLimited(Exception):
    """Answered with status 429 and `Retry-After`, in whole seconds."""

    def __init__(self, retry_after: int) -> None:
        super().__init__(f"retry after {retry_after} s")
        self.retry_after = retry_after
