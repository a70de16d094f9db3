"""The numbers Discord enforces, and the windows they are counted in.

Discord does not publish its per-route buckets; where a figure is practice rather than promise its comment
says so. A bucket is a fixed window that opens with its first request: that is what the `X-RateLimit-*`
headers describe. Sources: Discord's documentation, pages "Rate limits", "Gateway", "Message", "Receiving and
responding".
"""

from __future__ import annotations

import math
from collections.abc import Hashable
from dataclasses import dataclass, replace

from .clock import Clock

MIB = 1024 * 1024


@dataclass(frozen=True)
class Rate:
    """So many in so many seconds."""

    count: int
    per: float

    def faster(self, times: float) -> Rate:
        """The same count in a window `times` shorter."""
        return replace(self, per=self.per / times)


@dataclass(frozen=True)
class Limits:
    """Every limit of the emulator; times in seconds, texts in characters, files in bytes."""

    create: Rate = Rate(5, 5.0)  # per channel; practice
    edit: Rate = Rate(5, 5.0)  # per channel, shared by all its messages; practice
    typing: Rate = Rate(5, 5.0)  # per channel; a guess
    delete: Rate = Rate(5, 1.0)  # per channel; practice
    reaction: Rate = Rate(1, 0.25)  # per channel; practice
    webhook: Rate = Rate(5, 2.0)  # per interaction token and route; practice
    other: Rate = Rate(50, 1.0)  # every other route; generous, so that only the above are felt
    old_edit: Rate = Rate(3, 20.0)  # edits of messages older than `old_after`, per channel; practice
    old_after: float = 3600.0
    everything: Rate = Rate(50, 1.0)  # the bot's global limit; interactions are exempt
    invalid: Rate = Rate(10_000, 600.0)  # answers 401, 403, 429; beyond it Cloudflare bans the address
    gateway_sends: Rate = Rate(120, 60.0)  # per connection
    identifies: Rate = Rate(1_000, 86_400.0)
    guilds_per_shard: int = 2_500
    resume_window: float = 180.0  # how long a lost session can be resumed; a guess
    gateway_payload: int = 4_096  # bytes a client may send at once

    content: int = 2_000
    utf16: bool = (
        False  # count a character beyond the basic plane as two; which one Discord does is not documented
    )
    nonce: int = 25
    nonce_memory: float = 300.0  # "the past few minutes"
    nonce_told: bool = True  # with the message; whether Discord tells it later on is not documented
    custom_id: int = 100
    components: int = 40
    components_text: int = 4_000  # all text displays of a message together
    embeds: int = 10
    embeds_text: int = 6_000  # all embeds of a message together
    attachments: int = 10
    file: int = 10 * MIB
    request: int = 25 * MIB
    interaction_answer: float = 3.0
    interaction_token: float = 900.0
    attachment_url: float = 86_400.0
    bulk_delete_age: float = 14 * 86_400.0

    def faster(self, times: float) -> Limits:
        """The same counts in windows `times` shorter, for tests that let a real client wait them out."""
        return replace(
            self,
            create=self.create.faster(times),
            edit=self.edit.faster(times),
            typing=self.typing.faster(times),
            delete=self.delete.faster(times),
            reaction=self.reaction.faster(times),
            webhook=self.webhook.faster(times),
            other=self.other.faster(times),
            old_edit=self.old_edit.faster(times),
            everything=self.everything.faster(times),
        )

    def length(self, text: str) -> int:
        """How long the text is by Discord's count."""
        return len(text.encode("utf-16-le")) // 2 if self.utf16 else len(text)


@dataclass(frozen=True)
class Verdict:
    """What a bucket says to one request."""

    allowed: bool
    limit: int
    remaining: int
    reset_after: float
    reset_at: float

    def headers(self, bucket: str) -> dict[str, str]:
        """The `X-RateLimit-*` headers of an answer."""
        return {
            "X-RateLimit-Bucket": bucket,
            "X-RateLimit-Limit": str(self.limit),
            "X-RateLimit-Remaining": str(self.remaining),
            "X-RateLimit-Reset": f"{self.reset_at:.3f}",
            "X-RateLimit-Reset-After": f"{max(self.reset_after, 0.001):.3f}",
        }


@dataclass
class _Window:
    opened: float
    used: int = 0


class RateBook:
    """All buckets, by key."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._windows: dict[Hashable, _Window] = {}

    def take(self, key: Hashable, rate: Rate) -> Verdict:
        """Use one of the bucket; a refused request uses nothing."""
        window = self._current(key, rate)
        allowed = window.used < rate.count
        if allowed:
            window.used += 1
        return self._verdict(window, rate, allowed)

    def look(self, key: Hashable, rate: Rate) -> Verdict:
        """How the bucket stands, using nothing."""
        window = self._current(key, rate)
        return self._verdict(window, rate, window.used < rate.count)

    def _current(self, key: Hashable, rate: Rate) -> _Window:
        now = self._clock.monotonic()
        window = self._windows.get(key)
        if window is None or now - window.opened >= rate.per:
            window = self._windows[key] = _Window(now)
        return window

    def _verdict(self, window: _Window, rate: Rate, allowed: bool) -> Verdict:
        left = max(0.0, window.opened + rate.per - self._clock.monotonic())
        return Verdict(allowed, rate.count, rate.count - window.used, left, self._clock.time() + left)


def whole_seconds(seconds: float) -> str:
    """A wait as the `Retry-After` header gives it: whole seconds, never too short."""
    return str(max(1, math.ceil(seconds)))
