"""The log tells what happened, and nobody's words."""

from __future__ import annotations

import logging

import pytest

from bot.redaction import Redactor
from bot.telemetry import set_up_logging

MAIL, KEY = "ada" + "@example.org", "ghp_" + "a1B2" * 9


@pytest.fixture(autouse=True)
def _as_before() -> object:
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    yield
    root.handlers[:], root.level = handlers, level


def test_whatever_a_log_line_quotes_is_masked(capsys: pytest.CaptureFixture[str]) -> None:
    redactor = Redactor()
    set_up_logging("INFO", lambda line: redactor.mask(line).text)
    logging.getLogger("bot.engine").error("turn %s failed: %s", 17, f"no such user {MAIL}")
    try:
        raise RuntimeError(f"bad key {KEY}")
    except RuntimeError:
        logging.getLogger("somebody.else").exception("it broke")
    said = capsys.readouterr().err
    assert "ERROR   bot.engine: turn 17 failed: no such user [FILTERED:email]" in said
    assert "RuntimeError: bad key [FILTERED:api_key]" in said
    assert MAIL not in said and KEY not in said
