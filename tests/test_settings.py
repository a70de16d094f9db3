"""Settings: one frozen value; a wrong one is answered with the variable's name and the cure, never with the value."""

from pathlib import Path

import pytest

from bot.errors import ConfigError
from bot.operator.reference import env_example, markdown
from bot.privacy.page import filter_page
from bot.settings import ROOT, Settings, endpoint, read_settings


@pytest.fixture(autouse=True)
def no_env_file(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(Settings.model_config, "env_file", None)


def variables() -> set[str]:
    return {str(field.alias) for field in Settings.model_fields.values()}


def test_nothing_set_is_fine() -> None:
    settings = read_settings()
    assert not settings.slack
    assert not settings.discord
    assert settings.url.startswith("sqlite:///")


def test_an_empty_variable_counts_as_not_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "")
    monkeypatch.setenv("REJOINDER_USER_TOKENS_PER_DAY", "")
    assert read_settings().openai_api_key is None
    assert read_settings().user_tokens_per_day == Settings.model_fields["user_tokens_per_day"].default


def test_limits_can_be_lifted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REJOINDER_USER_REQUESTS_PER_MINUTE", "none")
    assert read_settings().user_requests_per_minute is None


def test_secrets_hide_themselves(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-very-secret")
    assert "very-secret" not in repr(read_settings())


@pytest.mark.parametrize(
    ("values", "named"),
    [
        ({"REJOINDER_CONTEXT_TOKENS": "many"}, "REJOINDER_CONTEXT_TOKENS"),
        ({"REJOINDER_HTTP": "8080"}, "REJOINDER_HTTP"),
        ({"REJOINDER_LANGUAGE": "tlh"}, "REJOINDER_LANGUAGE"),
        ({"SLACK_BOT_TOKEN": "xoxb-1"}, "SLACK_APP_TOKEN"),
        ({"SLACK_APP_TOKEN": "xapp-1"}, "SLACK_BOT_TOKEN"),
        ({"SLACK_BOT_TOKEN": "xapp-wrongway", "SLACK_APP_TOKEN": "xoxb-wrongway"}, "SLACK_BOT_TOKEN"),
        ({"DISCORD_SHARD_IDS": "0,1"}, "DISCORD_SHARD_COUNT"),
        ({"DISCORD_SHARD_IDS": "zero", "DISCORD_SHARD_COUNT": "2"}, "DISCORD_SHARD_IDS"),
        ({"REJOINDER_ADMIN_HTTP": "0.0.0.0:8081"}, "REJOINDER_ADMIN_TOKEN"),
        ({"REJOINDER_ADMIN_HTTP": "127.0.0.1:8080"}, "REJOINDER_ADMIN_HTTP"),
    ],
)
def test_a_wrong_setting_is_named_and_its_value_is_not_repeated(
    monkeypatch: pytest.MonkeyPatch, values: dict[str, str], named: str
) -> None:
    for name, value in values.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(ConfigError) as caught:
        read_settings()
    assert caught.value.variable == named
    assert caught.value.cure
    for secret in ("xoxb-1", "xapp-1", "wrongway", "many"):
        assert secret not in str(caught.value)


def test_an_endpoint_may_be_ipv6() -> None:
    assert endpoint("[::1]:80") == ("::1", 80)


def test_the_example_names_every_setting_and_no_other() -> None:
    lines = (ROOT / ".env.example").read_text(encoding="utf-8").splitlines()
    named = {
        line.lstrip("# ").partition("=")[0] for line in lines if "=" in line and not line.startswith("# ")
    }
    assert named == variables()


def test_the_environment_is_read_in_one_file_only() -> None:
    for folder in ("bot", "adapters", "storage"):
        for path in Path(ROOT / folder).rglob("*.py"):
            source = path.read_text(encoding="utf-8")
            if path.name != "vocabularies.py" and "local_model" not in path.parts:
                assert "os.environ" not in source, path
                assert "getenv(" not in source, path


def test_the_example_and_the_reference_page_are_made_from_the_settings() -> None:
    assert (ROOT / ".env.example").read_text(encoding="utf-8") == env_example()
    assert (ROOT / "docs/settings.md").read_text(encoding="utf-8") == markdown()
    assert (ROOT / "docs/filter.md").read_text(encoding="utf-8") == filter_page()
