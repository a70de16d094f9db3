"""What can go wrong, as one tree. Each error has a code, which is also the name of the notice that people read.

    RejoinderError
    ├── ConfigError                 a setting is wrong: names the variable, the cause and the cure
    ├── ProviderError               the model's API did not answer as it should
    │   ├── Overloaded              429 rate limit, 5xx, 529, no connection, a time-out: worth another try
    │   ├── QuotaExhausted          the operator's account has no money or quota left
    │   ├── Misconfigured           key, permission or model name refused: the operator must act
    │   ├── TooLong                 the prompt does not fit the model's window
    │   ├── ContentFiltered         the provider's filter or the model itself refused the question
    │   ├── EmptyAnswer             it ended well but said nothing (reasoning used up the cap, mostly)
    │   ├── CutOff                  the stream ended, broke or stalled before its finish reason
    │   └── BadResponse             what came is not what the API promises (malformed, wrong content type)
    ├── LimitReached                a rate limit or budget of ours says no, and when to come back
    ├── Unpriced                    a budget of money can't be held, since the model's price is unknown
    ├── Overcrowded                 too many wait for the provider's own limits
    ├── GaveUp                      a turn was begun too often without an end
    ├── LeaseLost                   another process owns the turn now: stop, touch nothing
    ├── StoreUnavailable            the database does not answer now: wait, nothing is lost
    ├── Unwieldy                    there is too much to sum up: a shorter period would do
    ├── Unreadable                  a file that came with a question can't be had or read: the answer comes without it
    └── DeliveryError               the platform did not take what was sent
        ├── PlatformBusy            429: `retry_after` seconds
        ├── PlatformUnreachable     no connection, a time-out, 5xx: it may or may not have happened
        ├── MessageGone             the message to edit exists no more
        └── PlaceRefused            for good: no permission, no channel, the bot was removed

Nothing here ever carries the text of a message or a secret.
"""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from bot.ports import Meter


class RejoinderError(Exception):
    """The root. `code` names the notice shown to people."""

    code = "internal"


class ConfigError(RejoinderError):
    """A setting is missing or wrong. Reads as one line: variable, cause, cure."""

    code = "config"

    def __init__(self, variable: str, cause: str, cure: str) -> None:
        super().__init__(f"{variable}: {cause}. {cure}")
        self.variable, self.cause, self.cure = variable, cause, cure


class ProviderError(RejoinderError):
    """The model's API failed. `status` and `request_id` are for the log; `vendor_code` is the API's own word.

    `free`: it was refused outright, or never reached, so that it cost nothing.
    """

    code = "provider"

    def __init__(
        self,
        detail: str = "",
        *,
        status: int | None = None,
        request_id: str | None = None,
        vendor_code: str | None = None,
        retry_after: float | None = None,
        free: bool = False,
    ) -> None:
        super().__init__(detail or type(self).__name__)
        self.status, self.request_id, self.vendor_code = status, request_id, vendor_code
        self.retry_after, self.free = retry_after, free


class Overloaded(ProviderError):
    """Worth another try; `retry_after` is the wait the provider asked for, in seconds."""

    code = "overloaded"


class QuotaExhausted(ProviderError):
    code = "quota"


class Misconfigured(ProviderError):
    code = "misconfigured"


class TooLong(ProviderError):
    code = "too_long"


class ContentFiltered(ProviderError):
    code = "content_filtered"


class EmptyAnswer(ProviderError):
    code = "empty"


class CutOff(ProviderError):
    code = "cut_off"


class BadResponse(ProviderError):
    code = "bad_response"


class LimitReached(RejoinderError):
    """Which limit said no, how much of it is left, and when to come back (UTC)."""

    code = "limit"

    def __init__(self, meter: Meter, left: int, retry_at: datetime) -> None:
        self.limit = f"{meter.level}_{meter.unit}_{meter.period}"
        super().__init__(f"limit {self.limit} reached")
        self.meter, self.left, self.retry_at = meter, left, retry_at


class Unpriced(RejoinderError):
    """A budget of money holds, and the price of the model is not known: it can't be held."""

    code = "unpriced"


class Overcrowded(RejoinderError):
    """The line before the provider's limits is too long; `until` is when it would have been one's turn."""

    code = "overcrowded"

    def __init__(self, position: int, until: datetime) -> None:
        super().__init__(f"number {position} in line")
        self.position, self.until = position, until


class GaveUp(RejoinderError):
    code = "gave_up"


class LeaseLost(RejoinderError):
    code = "lease"


class StoreUnavailable(RejoinderError):
    code = "store"


class Unwieldy(RejoinderError):
    """A sum over all that was used took longer than anybody waits, and was given up."""

    code = "unwieldy"


class Why(StrEnum):
    """Why a file was not read, or not wholly."""

    OFF = "off"
    UNSUPPORTED = "unsupported"
    TOO_LARGE = "too_large"
    TOO_MANY = "too_many"
    TOO_MANY_PICTURES = "too_many_pictures"
    TOO_MANY_PIXELS = "too_many_pixels"
    NO_ROOM = "no_room"
    GONE = "gone"
    FORBIDDEN = "forbidden"
    ELSEWHERE = "elsewhere"
    UNREACHABLE = "unreachable"
    SLOW = "slow"
    BROKEN = "broken"
    ENCRYPTED = "encrypted"
    NO_TEXT = "no_text"
    BLOCKED = "blocked"
    CUT = "cut"


class Unreadable(RejoinderError):
    """A file can't be had or read."""

    code = "unread_unreachable"

    def __init__(self, why: Why, detail: str = "") -> None:
        super().__init__(detail or why)
        self.why = why
        self.code = f"unread_{why}"


class DeliveryError(RejoinderError):
    code = "delivery"


class PlatformBusy(DeliveryError):
    """Asked to slow down; `retry_after` in seconds. `everywhere`: in all calls, not only in calls of this kind."""

    def __init__(self, retry_after: float, *, everywhere: bool = False) -> None:
        super().__init__(f"busy for {retry_after:g} s")
        self.retry_after, self.everywhere = retry_after, everywhere


class PlatformUnreachable(DeliveryError):
    """No answer: the call may or may not have taken effect."""


class MessageGone(DeliveryError):
    """The message was deleted on the platform."""


class PlaceRefused(DeliveryError):
    """The platform refuses for good; `why` is its own short code."""

    def __init__(self, why: str) -> None:
        super().__init__(why)
        self.why = why
