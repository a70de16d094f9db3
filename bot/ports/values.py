"""Types that several ports use."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime
from typing import Any

Clock = Callable[[], datetime]
"""Now, in UTC with zone."""
Json = Mapping[str, Any]
Hook = Callable[[], Awaitable[None]]
