"""Which model answers: the one that is named, or the one whose key is set, or the small one on this machine."""

import pytest

from bot.errors import ConfigError
from bot.models.catalogue import load_models
from bot.settings import Settings, read_settings
from bot.voices import choose_model

MODELS = load_models()


@pytest.fixture(autouse=True)
def no_env_file(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(Settings.model_config, "env_file", None)


@pytest.mark.parametrize(
    ("values", "chosen"),
    [
        ({}, "local:SmolLM2-135M-Instruct"),
        ({"OPENAI_API_KEY": "sk-x"}, "openai:gpt-6-luna"),
        ({"ANTHROPIC_API_KEY": "sk-x"}, "anthropic:claude-haiku-5-5"),
        ({"OPENAI_API_KEY": "sk-x", "REJOINDER_MODEL": "claude-sonnet-5-5"}, "anthropic:claude-sonnet-5-5"),
        ({"OPENAI_BASE_URL": "http://127.0.0.1:1/v1", "REJOINDER_MODEL": "mistral"}, "openai:mistral"),
    ],
)
def test_the_settings_choose_the_model(
    monkeypatch: pytest.MonkeyPatch, values: dict[str, str], chosen: str
) -> None:
    for name, value in values.items():
        monkeypatch.setenv(name, value)
    assert str(choose_model(read_settings(), MODELS)) == chosen


@pytest.mark.parametrize(
    "values", [{"REJOINDER_LOCAL_MODEL": "off"}, {"OPENAI_BASE_URL": "http://127.0.0.1:1/v1"}]
)
def test_without_any_model_the_operator_is_told_what_to_set(
    monkeypatch: pytest.MonkeyPatch, values: dict[str, str]
) -> None:
    for name, value in values.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(ConfigError, match=r"Set|Name"):
        choose_model(read_settings(), MODELS)
