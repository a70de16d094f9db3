"""What is known of models: that the table is sound, what calls cost, and what an operator's file may say."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.chat import Usage
from bot.errors import ConfigError
from bot.models.catalogue import SOON, Model, Models, Spec, check, load_models
from bot.models.price_lists import listed_price
from bot.models.prices import Price

MODELS = load_models()
TODAY = date(2026, 11, 22)


def test_every_entry_is_sound() -> None:
    for model in MODELS:
        assert model.known
        assert 0 < model.max_output <= model.window
        assert model.effort in ("", *model.efforts)
        assert (model.shutdown is None) == (not model.successor)
        assert model.ratio >= 1
        assert not (model.exact and model.ratio != 1)


def test_every_successor_is_known_and_stays_longer() -> None:
    for model in MODELS:
        if model.shutdown is not None:
            successor = MODELS.get(Spec(model.provider, model.successor))
            assert successor.known, model.name
            assert successor.shutdown is None, model.name


def test_a_price_above_a_threshold_is_never_lower() -> None:
    for model in MODELS:
        price = model.price
        if price is not None and price.above is not None:
            assert 0 < price.above_tokens < model.window
            assert price.above.input >= price.input and price.above.output >= price.output
            assert (price.above.cached is None) == (price.cached is None)
            assert (price.above.cache_write is None) == (price.cache_write is None)


@pytest.mark.parametrize(
    ("text", "spec"),
    [
        ("gpt-6-luna", Spec("openai", "gpt-6-luna")),
        (" openai:gpt-6-luna ", Spec("openai", "gpt-6-luna")),
        ("openai-chat:gpt-6-luna", Spec("openai-chat", "gpt-6-luna")),
        ("claude-haiku-5-5", Spec("anthropic", "claude-haiku-5-5")),
        ("claude-haiku-4-5-20251001", Spec("anthropic", "claude-haiku-4-5-20251001")),
        ("claude-unheard-of", Spec("anthropic", "claude-unheard-of")),
        ("SmolLM2-135M-Instruct", Spec("local", "SmolLM2-135M-Instruct")),
        ("llama3:8b", Spec("openai", "llama3:8b")),
        ("openai:llama3:8b", Spec("openai", "llama3:8b")),
        ("ft:gpt-4o-mini-2024-07-18:org::id", Spec("openai", "ft:gpt-4o-mini-2024-07-18:org::id")),
    ],
)
def test_a_model_is_named_with_or_without_its_provider(text: str, spec: Spec) -> None:
    assert MODELS.spec(text) == spec


@pytest.mark.parametrize("text", ["", "  ", "openai:", "anthropic:  "])
def test_no_name_names_no_model(text: str) -> None:
    with pytest.raises(ConfigError, match="REJOINDER_MODEL"):
        MODELS.spec(text)


def test_a_known_model_is_found_by_either_name() -> None:
    luna = MODELS.get("gpt-6-luna")
    assert luna == MODELS.get("openai:gpt-6-luna") == MODELS.get("openai-chat:gpt-6-luna")
    assert (luna.window, luna.max_output, luna.role, luna.effort) == (1_050_000, 128_000, "developer", "none")
    assert luna.price is not None
    assert luna.price.input == Decimal("0.10")


def test_a_snapshot_is_like_its_model_unless_it_has_an_entry() -> None:
    snapshot = MODELS.get("gpt-4o-2024-11-20")
    assert snapshot.name == "gpt-4o-2024-11-20"
    assert snapshot.price == MODELS.get("gpt-4o").price
    assert MODELS.get("gpt-4o-2024-05-13").max_output == 4_096
    assert MODELS.get("gpt-3.5-turbo-0125").shutdown == date(2026, 10, 23)
    assert MODELS.get("claude-3-5-haiku-latest").shutdown == date(2026, 2, 19)


@pytest.mark.parametrize("name", ["anthropic:claude-zeta-9", "openai:gpt-99", "mistral-large", "local:other"])
def test_an_unknown_model_works_with_safe_assumptions(name: str) -> None:
    model = MODELS.get(name)
    assert not model.known
    assert model.name == name.rpartition(":")[2]
    assert model.window >= 4_096 and model.max_output >= 1_024
    assert model.role == "system" and not model.effort and not model.name_field
    assert not model.exact
    if model.provider != "local":
        assert model.cost(Usage(1_000, 1_000)) is None
        assert model.worst_cost(1_000, 1_000) is None


def test_the_local_model_costs_nothing() -> None:
    model = MODELS.get("local:SmolLM2-135M-Instruct")
    assert model.cost(Usage(1_000, 1_000)) == 0


@pytest.mark.parametrize(
    ("name", "usage", "dollars"),
    [
        ("gpt-6-luna", Usage(1_000_000, 0), "0.20"),  # above 272,000 tokens of prompt
        ("gpt-6-luna", Usage(272_000, 1_000_000), "0.5272"),
        ("gpt-6-luna", Usage(272_001, 1_000_000), "0.8044002"),
        ("gpt-6-luna", Usage(200_000, 0, cached=100_000, cache_written=50_000), "0.01225"),
        ("gpt-4o-mini", Usage(1_000, 500, cached=400), "0.00042"),
        ("claude-haiku-5-5", Usage(100_000, 0), "0.01"),
        ("claude-haiku-5-5", Usage(100_001, 0), "0.0500005"),
        ("claude-opus-5-5", Usage(10_000, 1_000, cached=8_000, cache_written=1_000), "0.0306"),
        ("gpt-6.2-sol", Usage(1_000, 0, cached=1_000), "0.002"),
    ],
)
def test_a_call_costs_what_the_price_list_says(name: str, usage: Usage, dollars: str) -> None:
    assert MODELS.get(name).cost(usage) == Decimal(dollars)


tokens = st.integers(0, 1_000_000)


@given(st.sampled_from([model for model in MODELS if model.price]), tokens, tokens, tokens, tokens, tokens)
def test_no_call_costs_more_than_its_worst(
    model: Model, prompt: int, output: int, unused: int, cached: int, written: int
) -> None:
    cost = model.cost(Usage(prompt, output, cached=min(cached, prompt), cache_written=written))
    worst = model.worst_cost(prompt, output + unused)
    assert cost is not None and worst is not None
    assert 0 <= cost <= worst


def test_a_model_that_has_ended_is_refused_with_its_successor() -> None:
    with pytest.raises(
        ConfigError, match=r"gpt-3.5-turbo was shut down on 2026-10-23. Use openai:gpt-6-luna"
    ):
        check(MODELS.get("gpt-3.5-turbo"), TODAY)


def test_a_model_that_ends_soon_is_warned_of() -> None:
    mini = MODELS.get("gpt-4o-mini")
    assert mini.shutdown is not None
    (warning,) = check(mini, TODAY)
    assert "2027-01-14" in warning and "gpt-6-luna" in warning
    assert not check(mini, mini.shutdown - SOON - timedelta(days=1))
    assert check(mini, mini.shutdown - timedelta(days=1))
    with pytest.raises(ConfigError):
        check(mini, mini.shutdown)


def test_a_model_without_an_end_is_fine() -> None:
    assert check(MODELS.get("gpt-6-luna"), TODAY) == ()
    assert check(MODELS.get("never-heard-of"), TODAY) == ()


def test_every_retired_model_is_refused_today() -> None:
    for name in ("gpt-3.5-turbo", "gpt-4", "gpt-4-turbo", "o1", "o3-mini", "o4-mini", "gpt-4.1-nano"):
        with pytest.raises(ConfigError):
            check(MODELS.get(name), TODAY)


def extra(tmp_path: Path, text: str) -> Models:
    file = tmp_path / "models.toml"
    file.write_text(text, "utf-8")
    return load_models(file)


def test_an_operators_file_adds_models(tmp_path: Path) -> None:
    models = extra(
        tmp_path,
        """
        [openai."house/llama-70b"]
        window = 32_768
        price = { input = 0.5, output = 1.25 }
        [anthropic."claude-next"]
        like = "claude-haiku-5-5"
        [openai."gpt-twin"]
        like = "gpt-4o"
        """,
    )
    house = models.get("openai:house/llama-70b")
    assert house.known
    assert (house.window, house.max_output) == (32_768, 2_048)
    assert house.price == Price(Decimal("0.5"), Decimal("1.25"))
    assert models.get("claude-next").price == MODELS.get("claude-haiku-5-5").price
    assert models.spec("claude-next").api == "anthropic"
    assert models.get("gpt-twin").shutdown is None, "another model's end is not its own"


def test_an_operators_file_overrides_a_part_of_what_is_known(tmp_path: Path) -> None:
    models = extra(
        tmp_path,
        """
        [openai."gpt-6-luna"]
        effort = "low"
        price = { input = 0.09, output = 0.45 }
        [openai."gpt-6.2-astra"]
        price = { input = 10, output = 50 }
        [openai."gpt-4"]
        shutdown = 2030-01-01
        [unknown.openai]
        window = 100_000
        """,
    )
    luna = models.get("gpt-6-luna")
    assert (luna.effort, luna.window) == ("low", 1_050_000)
    assert luna.price == Price(Decimal("0.09"), Decimal("0.45"))
    assert models.get("gpt-6.2-astra").worst_cost(1_000_000, 0) == 10
    assert check(models.get("gpt-4"), TODAY) == ()
    assert models.get("whatever").window == 100_000
    assert models.get("whatever").max_output == 2_048


@pytest.mark.parametrize(
    ("text", "where", "what"),
    [
        ("[openai.x]\ncontext = 5", '[openai."x"] context', "is not known"),
        ("[openai.x]\nwindow = 0", '[openai."x"] window', "positive whole number"),
        ("[openai.x]\nwindow = 1.5", '[openai."x"] window', "positive whole number"),
        ("[openai.x]\nwindow = true", '[openai."x"] window', "positive whole number"),
        ("[openai.x]\nimages = 1", '[openai."x"] images', "true or false"),
        ("[openai.x]\nrole = 'boss'", '[openai."x"] role', "developer, system"),
        ("[openai.x]\nefforts = 'low'", '[openai."x"] efforts', "list of texts"),
        ("[openai.x]\nsuccessor = 5", '[openai."x"] successor', "a text"),
        ("[openai.x]\nshutdown = '2027'", '[openai."x"] shutdown', "a date"),
        ("[openai.x]\nshutdown = 2027-01-01T00:00:00Z", '[openai."x"] shutdown', "a date"),
        ("[openai.x]\nratio = -1", '[openai."x"] ratio', "from 0 up"),
        ("[openai.x]\nratio = nan", '[openai."x"] ratio', "from 0 up"),
        ("[openai.x]\nprice = 5", '[openai."x"] price', "table of prices"),
        ("[openai.x]\nprice = { input = 1 }", '[openai."x"] price', "no 'output'"),
        ("[openai.x]\nprice = { input = 1, output = 'much' }", '[openai."x"] price', "not a number"),
        ("[openai.x]\nprice = { input = 1, output = 1, tip = 1 }", '[openai."x"] price', "'tip'"),
        ("[openai.x]\nprice = { input = 1, output = 1, above = {} }", '[openai."x"] price', "tokens"),
        (
            "[openai.x]\nprice = { input = 1, output = 1, above = { tokens = 5, input = 2 } }",
            '[openai."x"] price',
            "no 'output'",
        ),
        ("[openai.x]\nlike = 'nobody'", '[openai."x"] like', "stands nowhere"),
        ("[openai.x]\nlike = 'y'\n[openai.y]\nlike = 'x'", "like", "leads back"),
        ("[openai.x]\nlike = 'x'", '[openai."x"] like', "leads back"),
        ("[openia.x]\nwindow = 5", "[openia]", "no provider"),
        ("openai = 5", "[openai]", "no provider"),
        ("[openai]\nx = 5", '[openai."x"]', "not a table"),
        ("window = ", "", "cannot be read"),
    ],
)
def test_a_mistake_is_told_with_file_table_and_key(tmp_path: Path, text: str, where: str, what: str) -> None:
    with pytest.raises(ConfigError) as caught:
        extra(tmp_path, text)
    told = str(caught.value)
    assert caught.value.variable == "REJOINDER_MODELS"
    assert str(tmp_path / "models.toml") in told
    assert where in told
    assert what in told


def test_a_file_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot be read"):
        load_models(tmp_path / "none.toml")


def test_a_price_that_stands_in_another_list_only_is_taken_from_there_and_says_so() -> None:
    start, day = 200_000, datetime(2026, 11, 25, tzinfo=UTC)
    models = load_models(elsewhere=lambda provider, name: listed_price(provider, name, day))
    model = models.get("anthropic:claude-sonnet-4-5")
    assert MODELS.get("anthropic:claude-sonnet-4-5").price in (None, model.price)
    assert listed_price("anthropic", "claude-sonnet-4-5", day) is not None
    price, source = listed_price("anthropic", "claude-sonnet-4-5", day) or (None, "")
    assert price is not None and source.startswith("genai-prices ")
    assert price.at(start) == price and price.at(start + 1) == price.above != price
    assert price.cost(Usage(start, 0)) == Decimal(start) * 3 / 1_000_000
    assert listed_price("openai", "gpt-99", day) is None
    assert listed_price("local", "gpt-4o", day) is None
    assert models.get("openai:gpt-99").cost(Usage(1, 1)) is None


def test_which_price_list_a_call_was_reckoned_by_is_known(tmp_path: Path) -> None:
    file = tmp_path / "models.toml"
    file.write_text('[openai."gpt-4o".price]\ninput = 1\noutput = 2\n')
    own, ours = load_models(file).get("gpt-4o"), MODELS.get("gpt-4o")
    assert own.price_list.split()[0] == "REJOINDER_MODELS" and ours.price_list.split()[0] == "models.toml"
    assert (
        own.price_list.split()[1]
        != ours.price_list.split()[1]
        == MODELS.get("gpt-4o-2024-11-20").price_list.split()[1]
    )
    assert MODELS.get("gpt-99").price_list == ""
