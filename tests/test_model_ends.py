"""When a model ends: what stands in the file, and what its API announces itself."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from datetime import date
from pathlib import Path

import pytest

from bot.errors import ConfigError
from bot.models.catalogue import Announced, check, load_models
from bot.preferences import Decided, Preferences
from bot.settings import Settings, read_settings
from bot.voices import Switchboard
from storage.stores import Stores, open_stores
from tests.emulators.llm import LLMEmulator, refusing_port
from tests.fakes import FakeClock
from tests.provider_rig import FAST, make, opened

pytest_plugins = ["tests.databases"]

TODAY = date(2026, 11, 25)
MODELS = load_models()
SOON, FAR = date(2026, 12, 20), date(2028, 1, 1)


@pytest.mark.parametrize(
    ("announced", "warned"),
    [
        (Announced(), ""),
        (Announced(FAR), ""),
        (Announced(SOON), "gpt-6-luna will be shut down on 2026-12-20. Choose another model"),
        (Announced(deprecated=True), "gpt-6-luna is deprecated and will be shut down. Choose another model"),
    ],
)
def test_what_an_api_announces_is_warned_of(announced: Announced, warned: str) -> None:
    assert check(MODELS.get("gpt-6-luna"), TODAY, announced) == ((warned,) if warned else ())


def test_whichever_end_comes_first_counts_and_the_successor_is_named() -> None:
    model = MODELS.get("gpt-4o")  # ends on 2027-01-14
    assert check(model, TODAY, Announced(FAR)) == (
        "gpt-4o will be shut down on 2027-01-14. Use openai:gpt-6-luna",
    )
    assert check(model, TODAY, Announced(SOON)) == (
        "gpt-4o will be shut down on 2026-12-20. Use openai:gpt-6-luna",
    )
    for announced in (Announced(TODAY), Announced(retired=True)):
        with pytest.raises(ConfigError, match="Use openai:gpt-6-luna"):
            check(model, TODAY, announced)


@pytest.mark.parametrize(
    ("api", "told", "understood"),
    [
        ("responses", "2026-12-20", Announced(SOON)),
        ("chat", "2026-12-20", Announced(SOON)),
        ("chat", None, Announced()),
        ("anthropic", "deprecated", Announced(deprecated=True)),
        ("anthropic", "retired", Announced(retired=True)),
        ("anthropic", None, Announced()),
    ],
)
async def test_each_api_is_asked_through_its_sdk(api: str, told: str | None, understood: Announced) -> None:
    async with (
        LLMEmulator(models={"other": "2026-01-01", "mine": told}) as llm,
        opened(make(api, llm.url)) as provider,
    ):
        assert await provider.announced("mine") == understood
        assert await provider.announced("unheard-of") == Announced()


@pytest.mark.parametrize("api", ["chat", "anthropic"])
async def test_an_api_that_does_not_say_announces_nothing(api: str) -> None:
    async with opened(make(api, f"http://127.0.0.1:{refusing_port()}", timeouts=FAST)) as provider:
        assert await provider.announced("mine") == Announced()


@pytest.fixture
async def stores(sqlite_store: str, clock: FakeClock) -> AsyncIterator[Stores]:
    stores = open_stores(sqlite_store, clock)
    yield stores
    await stores.aclose()


async def test_at_the_start_the_usual_models_are_asked_for_and_a_retired_one_is_refused(
    stores: Stores, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(Settings.model_config, "env_file", None)
    said: list[str] = []
    decided = Decided(stores.preferences, lambda _: Preferences())
    async with LLMEmulator(models={"mine": "2026-12-20", "spare": None, "gone": "2026-11-01"}) as llm:

        async def start(model: str) -> None:
            settings = read_settings(
                openai_base_url=llm.openai_url, model=model, fallback_models=("spare",), data=tmp_path
            )
            async with AsyncExitStack() as stack:
                board = Switchboard(
                    settings,
                    MODELS,
                    decided,
                    stores.calibrations,
                    stack,
                    said.append,
                    priced=False,
                    today=lambda: TODAY,
                )
                await board.open()
                await board.look_ahead()

        await start("mine")
        assert "warning: mine will be shut down on 2026-12-20. Choose another model" in said
        assert sum("shut down" in line for line in said) == 1
        with pytest.raises(ConfigError, match="gone was shut down on 2026-11-01"):
            await start("gone")
