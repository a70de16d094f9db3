"""What the operator's settings say of the filter."""

from __future__ import annotations

from bot.errors import ConfigError
from bot.redaction import (
    KINDS,
    Action,
    ActionsError,
    FilterWordsError,
    Policy,
    Redactor,
    parse_actions,
    parse_words,
)
from bot.settings import Settings


def open_redactor(settings: Settings) -> Redactor:
    """The filter with the operator's own words. Raises `ConfigError` for a file that can't be read or understood."""
    words = None
    if settings.filter_words is not None:
        try:
            words = parse_words(settings.filter_words.read_text(encoding="utf-8"))
        except (OSError, UnicodeDecodeError) as error:
            raise ConfigError(
                "REJOINDER_FILTER_WORDS",
                f"can't be read ({type(error).__name__})",
                "Name a readable UTF-8 file",
            ) from None
        except FilterWordsError as error:
            raise ConfigError("REJOINDER_FILTER_WORDS", str(error), "Correct that line") from None
    return Redactor(words=words, ip_addresses=settings.filter_ip == "on")


def redactor_for_logs(settings: Settings) -> Redactor:
    """The same; where the operator's words can't be read, whoever needs them says so, and the log does without."""
    try:
        return open_redactor(settings)
    except ConfigError:
        return Redactor()


def actions_of(settings: Settings) -> dict[str, Action]:
    """What the operator has done with kinds of sensitive data. Raises `ConfigError`."""
    try:
        return parse_actions(settings.filter_actions)
    except ActionsError as error:
        raise ConfigError("REJOINDER_FILTER_ACTIONS", str(error), "Correct that part") from None


def masked_for_want_of_a_key(settings: Settings) -> str:
    """What to tell the operator where there is no key to keep originals with, and some should be kept; else nothing. Raises
    `ConfigError`."""
    policy = Policy(actions_of(settings))
    exchanged = [kind.name for kind in KINDS if policy.of_kind(kind.name) is Action.PSEUDONYMISE]
    if settings.secret_keys or not exchanged:
        return ""
    return f"no REJOINDER_SECRET_KEY: masked for good, not put back in answers: {', '.join(exchanged)}"
