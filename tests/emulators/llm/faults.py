"""The ways in which the vendors' APIs refuse, by name: status, codes and shape as their references and SDKs
give them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from tests.emulators.llm.answers import Refusal

INVALID: Final = "invalid_request_error"


UNAUTHORIZED: Final = Refusal(
    401,
    (INVALID, "invalid_api_key", None),
    ("authentication_error", None),
    "Incorrect API key provided: {key}.",
)
PAYMENT_REQUIRED: Final = Refusal(
    402, ("insufficient_balance", None, None), ("billing_error", None), "Insufficient balance."
)
QUOTA: Final = Refusal(
    429,
    ("insufficient_quota", "insufficient_quota", None),
    ("rate_limit_error", "enforced_spend_limit_reached"),
    "You exceeded your current quota, please check your plan and billing details.",
)
CREDIT: Final = Refusal(
    400,
    (INVALID, "billing_hard_limit_reached", None),
    (INVALID, None),
    "Your credit balance is too low to access the API.",
)
FORBIDDEN: Final = Refusal(
    403,
    (INVALID, "unsupported_country_region_territory", None),
    ("permission_error", None),
    "Not allowed here.",
)
MODEL_NOT_FOUND: Final = Refusal(
    404, (INVALID, "model_not_found", None), ("not_found_error", None), "The model does not exist."
)
CONTEXT_LENGTH: Final = Refusal(
    400,
    (INVALID, "context_length_exceeded", "messages"),
    (INVALID, None),
    "prompt is too long: {prompt} exceeds the model's maximum context length.",
)
CONTEXT_SIZE_IN_WORDS: Final = Refusal(
    400,
    (INVALID, None, None),
    (INVALID, None),
    "the request exceeds the available context size (context length)",
)
UNSUPPORTED_TEMPERATURE: Final = Refusal(
    400,
    (INVALID, "unsupported_value", "temperature"),
    (INVALID, None),
    "Unsupported value: 'temperature' does not support 0.2 with this model.",
)
UNSUPPORTED_MAX_TOKENS: Final = Refusal(
    400,
    (INVALID, "unsupported_parameter", "max_tokens"),
    (INVALID, None),
    "Unsupported parameter: 'max_tokens'. Use 'max_completion_tokens' instead.",
)
CONTENT_FILTER: Final = Refusal(
    400,
    (INVALID, "content_filter", "prompt"),
    (INVALID, None),
    "Output blocked by content filtering policy. You asked: {prompt}",
)
INVALID_REQUEST: Final = Refusal(400, (INVALID, None, None), (INVALID, None), "That can't be read: {prompt}")
TIMEOUT: Final = Refusal(408, ("timeout", None, None), ("timeout_error", None), "The request took too long.")
CONFLICT: Final = Refusal(409, ("conflict", None, None), ("conflict_error", None), "Try again.")
TOO_LARGE: Final = Refusal(413, (INVALID, None, None), ("request_too_large", None), "Request is too large.")
RATE_LIMITED: Final = Refusal(
    429, ("requests", "rate_limit_exceeded", None), ("rate_limit_error", None), "Rate limit reached."
)
SERVER_ERROR: Final = Refusal(500, ("server_error", None, None), ("api_error", None), "Something went wrong.")
BAD_GATEWAY: Final = Refusal(502, ("", None, None), ("", None), "<html><h1>502 Bad Gateway</h1></html>")
"""A proxy's own page: no JSON."""
UNAVAILABLE: Final = Refusal(
    503,
    ("server_error", "server_is_overloaded", None),
    ("api_error", None),
    "The engine is currently overloaded.",
)
OVERLOADED: Final = Refusal(
    529, ("server_error", "overloaded", None), ("overloaded_error", None), "Overloaded"
)

REFUSALS: Final[Mapping[str, Refusal]] = {
    name.lower(): value for name, value in list(globals().items()) if isinstance(value, Refusal)
}
