"""The log tells what happened, and nobody's words."""

from __future__ import annotations

import logging

import pytest

from bot.redaction import Redactor
from bot.telemetry import OURS, set_up_logging

MAIL, KEY = "ada" + "@example.org", "ghp_" + "a1B2" * 9


@pytest.fixture(autouse=True)
def _as_before() -> object:
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    yield
    root.handlers[:], root.level = handlers, level
    for name in OURS:
        logging.getLogger(name).setLevel(logging.NOTSET)


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


def test_libraries_say_nothing_below_a_warning_whatever_level_they_set(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Drivers put whole statements into their debug lines, and Slack's SDK whole messages, from a logger with a level of its own."""
    set_up_logging("DEBUG", str)
    logging.getLogger("slack_bolt.AsyncApp").setLevel(logging.DEBUG)
    for name in ("aiosqlite", "slack_bolt.AsyncApp", "botany"):
        logging.getLogger(name).debug("marmalade")
        logging.getLogger(name).info("marmalade")
        logging.getLogger(name).warning("trouble in %s", name)
    logging.getLogger("storage.turns").debug("a turn")
    logging.getLogger("slack_bolt.AsyncApp").setLevel(logging.NOTSET)
    said = capsys.readouterr().err
    assert "marmalade" not in said and said.count("trouble in") == 3 and "a turn" in said
