"""What may be told of a failure, and what a failure of the network means; the vendors' own codes are judged
beside their APIs.
"""

from __future__ import annotations

import re
import ssl
from collections.abc import Mapping
from typing import Final

import httpx2

from bot.errors import BadResponse, CutOff, Misconfigured, Overloaded, ProviderError, QuotaExhausted, TooLong

STATUSES: Final[Mapping[int, type[ProviderError]]] = {
    401: Misconfigured,
    402: QuotaExhausted,
    403: Misconfigured,
    404: Misconfigured,
    408: Overloaded,
    409: Overloaded,
    413: TooLong,
    429: Overloaded,
}
"""What a status means where no code says more. Both SDKs take 408 and 409 for passing troubles, and so does
this.
"""

NETWORK: Final = (httpx2.HTTPError, httpx2.StreamError, TimeoutError, ValueError)
"""What the network may raise besides an SDK's own errors; JSON and text that can't be read are
`ValueError`s.
"""

_WORD = re.compile(r"[A-Za-z0-9_.:/-]{1,80}")


def word(value: object) -> str | None:
    """A vendor's code or id, if it is one: nothing that could hold a sentence of the prompt goes into an
    error.
    """
    return value if isinstance(value, str) and _WORD.fullmatch(value) else None


def by_status(status: int) -> type[ProviderError] | None:
    return STATUSES.get(status) or (Overloaded if status >= 500 else None)


def of_network(error: Exception, connection: type[Exception], *, streaming: bool) -> ProviderError:
    """What an error means that is no answer of the API. `connection` is the SDK's own name for a lost
    connection or a time-out.

    `streaming`: the answer had begun. Before that a lost connection has cost nothing, and may be tried
    again.
    """
    if isinstance(error, connection | httpx2.TransportError | httpx2.StreamError | TimeoutError):
        if streaming:
            return CutOff(f"the stream broke ({_root(error)})")
        meaning = Misconfigured if _is_tls(error) else Overloaded
        return meaning(f"no answer ({_root(error)})", free=_never_reached(error))
    if isinstance(error, UnicodeDecodeError) and error.reason == "unexpected end of data":
        return CutOff("the stream ended inside a character")
    return BadResponse(f"unreadable ({type(error).__name__})")


def _root(error: BaseException) -> str:
    """The name of what lies at the bottom of an error, which says more than `APIConnectionError`."""
    while (cause := error.__cause__ or error.__context__) is not None:
        error = cause
    return type(error).__name__


def _never_reached(error: BaseException | None) -> bool:
    """Whether no connection came about, so that nothing was asked."""
    while error is not None:
        if isinstance(error, httpx2.ConnectError | httpx2.ConnectTimeout | httpx2.PoolTimeout):
            return True
        error = error.__cause__ or error.__context__
    return False


def _is_tls(error: BaseException | None) -> bool:
    """Whether TLS is refused or impossible: that does not pass by waiting, unlike a connection lost during
    the handshake.
    """
    while error is not None:
        if isinstance(error, ssl.SSLError):
            return not isinstance(error, ssl.SSLEOFError | ssl.SSLZeroReturnError)
        error = error.__cause__ or error.__context__
    return False
