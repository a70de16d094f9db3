"""Code in the style of SDKs before 1.0, in an operator's own texts, is found and answered with the current form."""

from __future__ import annotations

from pathlib import Path

import pytest

from bot.operator.checking import findings
from bot.operator.legacy import old_forms
from bot.settings import ROOT, Settings, read_settings

OLD_BOT = """
import openai
openai.api_key = "sk-secret"
openai.api_base = "https://proxy.example/v1"

async def answer(messages):
    try:
        response = await openai.ChatCompletion.acreate(model="gpt-3.5-turbo", messages=messages)
    except openai.error.RateLimitError:
        return None
    except openai.error.InvalidRequestError:
        raise
    return response["choices"][0]["message"]["content"]
"""


@pytest.fixture(autouse=True)
def no_env_file(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(Settings.model_config, "env_file", None)


def test_each_old_form_is_answered_with_the_current_one(tmp_path: Path) -> None:
    (tmp_path / "old_bot.py").write_text(OLD_BOT)
    (tmp_path / "notes").mkdir()
    (tmp_path / "notes" / "claude.md").write_text(
        "Call `anthropic.Client(key)`, then\n`client.completion(prompt=f'{HUMAN_PROMPT} hi', max_tokens_to_sample=99)`.\n"
    )
    (tmp_path / ".env").write_text("OPENAI_API_BASE=https://proxy.example/v1\n")
    (tmp_path / "bot").mkdir()
    (tmp_path / "bot" / "ours.py").write_text("openai.ChatCompletion.create()")
    (tmp_path / "picture.md").write_bytes(b"\xff\xfe openai.ChatCompletion.create")
    found = {(str(old.file), old.line): (old.written, old.current) for old in old_forms(tmp_path)}
    assert found[("old_bot.py", 8)][0] == "openai.ChatCompletion.acreate"
    assert "client.responses.create" in found[("old_bot.py", 8)][1]
    assert found[("old_bot.py", 3)] == ("openai.api_key", "openai.AsyncOpenAI(api_key=…), or OPENAI_API_KEY")
    assert found[("old_bot.py", 11)] == ("openai.error.InvalidRequestError", "openai.BadRequestError")
    assert found[("old_bot.py", 13)][1] == "response.choices[0].message.content"
    assert found[(".env", 1)][1] == "OPENAI_BASE_URL"
    assert found[("notes/claude.md", 2)][1].startswith("client.messages.create")
    assert {file for file, _ in found} == {"old_bot.py", "notes/claude.md", ".env"}
    assert "secret" not in str(found)


def test_of_two_old_forms_in_one_line_both_are_told(tmp_path: Path) -> None:
    (tmp_path / "notes.md").write_text(
        "`openai.Completion.create(…)`, or with Claude `client.completions.create(prompt=f'{HUMAN_PROMPT} hi')`;\n"
        "then `openai.error.Timeout`.\n"
    )
    assert [(old.line, old.written) for old in old_forms(tmp_path)] == [
        (1, "openai.Completion.create"),
        (1, "HUMAN_PROMPT"),
        (2, "openai.error.Timeout"),
    ]


def test_nothing_of_ours_is_written_in_an_old_form() -> None:
    assert not list(old_forms(ROOT))


async def test_the_check_tells_them_as_warnings(tmp_path: Path) -> None:
    (tmp_path / "old_bot.py").write_text(OLD_BOT)
    settings = read_settings(data=tmp_path / "data", local_model="off")
    told = [finding async for finding in findings(settings, folder=tmp_path)]
    old = [finding for finding in told if "gave up with 1.0" in finding.what]
    assert len(old) >= 5
    assert all(finding.warning for finding in old)
    assert any("Write today: openai.BadRequestError" in finding.cure for finding in old)
