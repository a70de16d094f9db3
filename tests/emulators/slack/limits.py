"""Slack's numbers in one frozen value, and the meter that holds callers to them.

Tiers: docs.slack.dev "Rate limits" and the method pages; sizes: the pages of chat.postMessage, chat.update
and Block Kit. Where Slack promises "at least N a minute" the emulator allows exactly N in any 60 s, the
strictest reading.
"""

from __future__ import annotations

import math
from collections import defaultdict, deque
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

Clock = Callable[[], float]


@dataclass(frozen=True)
class SlackLimits:
    """Counts a minute and workspace, sizes in characters, ages in seconds."""

    post_per_second: float = 1.0  # chat.postMessage, a channel
    post_burst: int = 3
    update_per_minute: int = 50
    start_stream_per_minute: int = 20
    stop_stream_per_minute: int = 20
    append_stream_per_minute: int = 100
    read_per_minute: int = 50  # conversations.history and .replies
    read_objects: int = 999
    status_per_minute: int = 60
    tier2_per_minute: int = 20
    tier3_per_minute: int = 50
    tier4_per_minute: int = 100

    post_text: int = 40_000
    update_text: int = 4_000
    section_text: int = 3_000
    markdown_text: int = 12_000
    markdown_blocks: int = 13_200  # all markdown blocks of a message together
    blocks: int = 50

    stream_seconds: float = 300.0
    trigger_seconds: float = 3.0
    response_url_uses: int = 5
    response_url_seconds: float = 1_800.0
    sockets: int = 10

    @classmethod
    def commercial(cls, **changes: Any) -> SlackLimits:
        """As for commercially distributed apps outside the Marketplace: one read a minute, 15 objects."""
        return replace(cls(read_per_minute=1, read_objects=15), **changes)

    def per_minute(self, method: str) -> int | None:
        """How often `method` may be called by one workspace, or None where nothing is enforced."""
        field = _TIERS.get(method)
        return None if field is None else int(getattr(self, field))


_TIERS = {
    "chat.update": "update_per_minute",
    "chat.startStream": "start_stream_per_minute",
    "chat.stopStream": "stop_stream_per_minute",
    "chat.appendStream": "append_stream_per_minute",
    "conversations.history": "read_per_minute",
    "conversations.replies": "read_per_minute",
    "assistant.threads.setStatus": "status_per_minute",
    **dict.fromkeys(
        ["conversations.list", "users.list", "reactions.remove"],
        "tier2_per_minute",
    ),
    **dict.fromkeys(
        [
            "chat.delete",
            "assistant.threads.setSuggestedPrompts",
            "assistant.threads.setTitle",
            "agents.sessions.setStatus",
            "agents.sessions.rename",
            "auth.revoke",
            "bots.info",
            "conversations.info",
            "conversations.open",
            "reactions.add",
            "team.info",
            "users.conversations",
        ],
        "tier3_per_minute",
    ),
    **dict.fromkeys(
        [
            "chat.postEphemeral",
            "conversations.members",
            "files.info",
            "files.getUploadURLExternal",
            "files.completeUploadExternal",
            "users.info",
            "views.open",
            "views.publish",
            "views.update",
        ],
        "tier4_per_minute",
    ),
}


class Meter:
    """Counts calls: a token bucket a channel for posts, a sliding minute a workspace for the other methods.

    A refused call is not counted.
    """

    def __init__(self, limits: SlackLimits, clock: Clock) -> None:
        self.limits = limits
        self._clock = clock
        self._calls: dict[tuple[str, str], deque[float]] = defaultdict(deque)
        self._buckets: dict[tuple[str, str], tuple[float, float]] = {}

    def take(self, team: str, method: str, channel: str) -> int:
        """0 when the call is admitted, otherwise the whole seconds to wait."""
        if method == "chat.postMessage":
            return self._take_post(team, channel)
        allowed = self.limits.per_minute(method)
        return 0 if allowed is None else self._take_minute(team, method, allowed)

    def _take_post(self, team: str, channel: str) -> int:
        now, rate, burst = self._clock(), self.limits.post_per_second, float(self.limits.post_burst)
        tokens, since = self._buckets.get((team, channel), (burst, now))
        tokens = min(burst, tokens + (now - since) * rate)
        admitted = tokens >= 1.0 - 1e-9
        self._buckets[team, channel] = (tokens - 1.0 if admitted else tokens, now)
        return 0 if admitted else max(1, math.ceil((1.0 - tokens) / rate))

    def _take_minute(self, team: str, method: str, allowed: int) -> int:
        now, calls = self._clock(), self._calls[team, method]
        while calls and calls[0] <= now - 60.0:
            calls.popleft()
        if len(calls) < allowed:
            calls.append(now)
            return 0
        return max(1, math.ceil(calls[0] + 60.0 - now)) if calls else 60


class ManualClock:
    """A clock for tests: it stands still until `advance` is called."""

    def __init__(self, start: float = 1_790_000_000.0) -> None:
        self.now = start

    def __call__(self) -> float:
        return self.now

    def advance(self, seconds: float) -> None:
        self.now += seconds
