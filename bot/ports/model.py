"""The models: an API of a vendor, and what is learned of its counting."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from typing import Protocol

from bot.chat import Delta, Observation, Prompt, Quota


class Provider(Protocol):
    """One API of one vendor. `stream` raises only `ProviderError`s; closing the iterator closes the connection."""

    name: str

    @property
    def quota(self) -> Quota:
        """What it last said of its own limits."""

    def stream(self, prompt: Prompt) -> AsyncIterator[Delta]: ...

    async def aclose(self) -> None: ...


class Calibrations(Protocol):
    """What providers reported of whole prompts, for each way of counting (`storage/calibrations.py`)."""

    async def observations(self, counter: str) -> Sequence[Observation]:
        """The newest few."""

    async def observe(self, counter: str, observation: Observation) -> Sequence[Observation]:
        """Remember one more; the newest few, with it."""
